// SPDX-License-Identifier: GPL-2.0
/*
 * The connection to BIRD, against the real one: two of them with a BGP session between
 * them. The tests build on each other. Needs root and BIRD, no module of ours.
 */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <cmocka.h>

#include "daemon/bird_conn.h"
#include "daemon/bird_show.h"
#include "interop.h"

#define BIRD	"/usr/sbin/bird"

static struct {
	struct bt_bird_conn *conn;
	struct bt_timer *poll;
	pid_t near, far;
	char *near_conf, *far_conf, *socket;
	bool up;
	bool polled;
	unsigned int ups;
	struct bt_buf async;
} t;

/* Of the last command that is done */
static struct {
	bool done;
	int err;
	unsigned int code;		/* of its last line */
	char *error;
	struct bt_bird_status status;
	struct bt_bird_protocols protocols;
	struct bt_bird_configure configure;
} last;

/* --- BIRD --- */

#define COMMON	"log stderr all;\nprotocol device { scan time 1; }\n"
#define TIMERS	"connect delay time 1; connect retry time 1; error wait time 1, 2; "	\
		"hold time 30; keepalive time 10;"

static const char near_text[] =
	"router id 192.0.2.1;\ntimeformat protocol iso long;\n" COMMON
	"protocol static st1 { ipv4; route 10.1.0.0/16 blackhole; route 10.2.0.0/16 blackhole; }\n"
	"protocol bgp bt_one {\n"
	"  description \"first: a tunnel\";\n"
	"  local 192.0.2.1 as 65000; neighbor 192.0.2.2 as 64512; interface \"eth0\"; " TIMERS "\n"
	"  ipv4 { import keep filtered; import filter {\n"
	"    if net = 172.31.3.0/24 then reject; accept; };\n"
	"    import limit 100 action warn; export limit 1 action block; export all; };\n"
	"}\n"
	"protocol bgp bt_two { disabled; local 192.0.2.1 as 65000;\n"
	"  neighbor 192.0.2.77 as 64512; ipv4 { import all; export none; }; }\n";

static const char far_text[] =
	"router id 192.0.2.2;\n" COMMON
	"protocol static st1 { ipv4; route 172.31.1.0/24 blackhole; route 172.31.2.0/24 blackhole;\n"
	"  route 172.31.3.0/24 blackhole; }\n"
	"protocol bgp c1 { local 192.0.2.2 as 64512; neighbor 192.0.2.1 as 65000; " TIMERS "\n"
	"  ipv4 { import all; export where source = RTS_STATIC; }; }\n";

static pid_t start_bird(bool far)
{
	char *control = far ? bt_asprintf("%s/far.ctl", lab.dir) : bt_strdup(t.socket);
	char *pidfile = bt_asprintf("%s/%s.pid", lab.dir, far ? "far" : "near");
	const char *const argv[] = {
		BIRD, "-f", "-c", far ? t.far_conf : t.near_conf, "-s", control, "-P", pidfile, NULL
	};
	pid_t pid = lab_spawn(far, NULL, argv);

	free(pidfile);
	free(control);
	return pid;
}

/* --- our side --- */

static void on_state(void *arg, bool up)
{
	t.up = up;
	t.ups += up;
	bt_loop_stop(lab.loop);
}

static void on_async(void *arg, const char *text)
{
	bt_buf_printf(&t.async, "%s\n", text);
	bt_loop_stop(lab.loop);
}

static void last_free(void)
{
	free(last.error);
	bt_bird_status_free(&last.status);
	bt_bird_protocols_free(&last.protocols);
	bt_bird_configure_free(&last.configure);
	memset(&last, 0, sizeof(last));
}

static void on_done(void *arg, int err, const struct bt_bird_reply *reply)
{
	int (*parse)(const struct bt_bird_reply *reply) = arg;

	last.done = true;
	last.err = err;
	bt_loop_stop(lab.loop);
	if (!reply)
		return;
	last.code = reply->lines[reply->n - 1].code;
	last.error = bt_strdup(reply->error ? reply->error->text : NULL);
	if (parse)
		assert_int_equal(parse(reply), 0);
}

static int parse_status(const struct bt_bird_reply *reply)
{
	return bt_bird_parse_status(reply, &last.status);
}

static int parse_protocols(const struct bt_bird_reply *reply)
{
	return bt_bird_parse_protocols(reply, &last.protocols);
}

static int parse_configure(const struct bt_bird_reply *reply)
{
	return bt_bird_parse_configure(reply, &last.configure);
}

static int ask(const char *command, int (*parse)(const struct bt_bird_reply *reply))
{
	last_free();
	assert_int_equal(bt_bird_conn_send(t.conn, command, 0, on_done, parse), 0);
	WAIT(last.done);
	return last.err;
}

static const struct bt_bird_protocol *named(const char *name)
{
	size_t i;

	for (i = 0; i < last.protocols.n; i++)
		if (!strcmp(last.protocols.v[i].name, name))
			return &last.protocols.v[i];
	fail_msg("no protocol %s", name);
	return NULL;
}

static void on_poll(void *arg)
{
	t.polled = true;
	bt_loop_stop(lab.loop);
}

static void refresh(void)
{
	assert_int_equal(ask("show protocols all", parse_protocols), 0);
}

/* Asks ten times a second until the answer fits. */
#define ASK_UNTIL(cond) do {						\
	uint64_t until = bt_now_ms() + INTEROP_DEADLINE_MS;		\
									\
	for (refresh(); !(cond); refresh()) {				\
		if (bt_now_ms() > until)				\
			fail_msg("in vain asked for: %s", #cond);	\
		t.polled = false;					\
		bt_timer_start(t.poll, 100);				\
		WAIT(t.polled);						\
	}								\
} while (0)

/* --- tests --- */

static void connects(void **state)
{
	WAIT(t.up);
}

static void daemon_status(void **state)
{
	assert_int_equal(ask("show status", parse_status), 0);
	assert_true(!strncmp(last.status.version, "2.", 2));
	assert_string_equal(last.status.router_id, "192.0.2.1");
	assert_int_equal(last.status.daemon, BT_BIRD_DAEMON_UP);
	assert_non_null(last.status.last_reconfiguration);
}

static void sessions(void **state)
{
	const struct bt_bird_protocol *p;

	ASK_UNTIL(named("bt_one")->bgp == BT_BIRD_BGP_ESTABLISHED);
	assert_int_equal(ask("show protocols", parse_protocols), 0);
	p = named("bt_one");
	assert_string_equal(p->proto, "BGP");
	assert_int_equal(p->state, BT_BIRD_STATE_UP);
	assert_int_equal(p->bgp, BT_BIRD_BGP_ESTABLISHED);
	assert_int_equal(strlen(p->since), strlen("2026-11-21 05:34:06"));
	assert_string_equal(p->info, "Established");
	assert_int_equal(named("bt_two")->state, BT_BIRD_STATE_DOWN);
	assert_string_equal(named("st1")->table, "master4");
}

static void sessions_in_detail(void **state)
{
	const struct bt_bird_channel *channel;
	const struct bt_bird_protocol *p;

	ASK_UNTIL(named("bt_one")->channels.v[0].imported == 2);
	p = named("bt_one");
	assert_string_equal(p->neighbor, "192.0.2.2");
	assert_string_equal(p->iface, "eth0");
	assert_string_equal(p->source, "192.0.2.1");
	assert_int_equal(p->neighbor_as, 64512);
	assert_int_equal(p->local_as, 65000);
	assert_int_equal(p->hold_time, 30);
	assert_in_range(p->hold_left_ms, 1, 30000);
	assert_int_equal(p->keepalive_time, 10);
	assert_int_equal(p->channels.n, 1);
	channel = p->channels.v;
	assert_string_equal(channel->state, "UP");
	assert_int_equal(channel->filtered, 1);
	assert_int_equal(channel->exported, 1);
	assert_true(channel->import.set && !channel->import.hit);
	assert_int_equal(channel->import.value, 100);
	assert_true(channel->export.hit);
	assert_string_equal(channel->export.action, "block");
	assert_int_equal(named("bt_two")->bgp, BT_BIRD_BGP_DOWN);
	assert_int_equal(named("st1")->channels.v[0].imported, 2);
}

static void errors(void **state)
{
	assert_int_equal(ask("bogus", NULL), -EREMOTEIO);
	assert_int_equal(last.code, BT_BIRD_ERR_SYNTAX);
	assert_int_equal(ask("show protocols \"zz*\"", NULL), -EREMOTEIO);
	assert_int_equal(last.code, BT_BIRD_ERR_NO_PROTOCOL);
	assert_int_equal(bt_bird_conn_send(t.conn, "show status\ndown", 0, NULL, NULL), -EINVAL);
}

static void longest_command(void **state)
{
	char *command = bt_asprintf("%-*s", BT_BIRD_MAX_COMMAND, "show status");

	assert_int_equal(ask(command, parse_status), 0);
	free(command);
	assert_int_equal(t.ups, 1);
}

static void configure_broken(void **state)
{
	char *path = lab_write("broken.conf", "router id 192.0.2.1;\n\nprotocol bgp { { }\n");
	char *command = bt_asprintf("configure check \"%s\"", path);

	assert_int_equal(ask(command, parse_configure), -EREMOTEIO);
	free(command);
	command = bt_asprintf("configure \"%s\"", path);
	assert_int_equal(ask(command, parse_configure), -EREMOTEIO);
	assert_int_equal(last.configure.code, BT_BIRD_ERR_CONFIG);
	assert_false(last.configure.accepted);
	assert_string_equal(last.configure.file, path);
	assert_int_equal(last.configure.line, 3);
	assert_true(last.configure.column > 0);
	assert_true(!strncmp(last.configure.message, "syntax error", 12));
	free(command);
	assert_int_equal(ask("configure \"/no/such/file\"", parse_configure), -EREMOTEIO);
	assert_null(last.configure.file);
	assert_non_null(strstr(last.configure.message, "No such file"));
	/* The session has not noticed */
	assert_int_equal(ask("show protocols", parse_protocols), 0);
	assert_int_equal(named("bt_one")->bgp, BT_BIRD_BGP_ESTABLISHED);
	free(path);
}

static void configure_good(void **state)
{
	assert_int_equal(ask("configure check", parse_configure), 0);
	assert_int_equal(last.configure.code, BT_BIRD_CONFIG_OK);
	assert_int_equal(ask("configure", parse_configure), 0);
	assert_true(last.configure.accepted);
	assert_int_equal(ask("configure confirm", parse_configure), 0);
	assert_int_equal(last.configure.code, BT_BIRD_RECONFIG_NOTHING);
	assert_int_equal(ask("configure timeout 300", parse_configure), 0);
	assert_int_equal(ask("configure confirm", parse_configure), 0);
	assert_int_equal(last.configure.code, BT_BIRD_RECONFIG_CONFIRMED);
}

/* BIRD speaks unasked when nobody confirms. */
static void undo_unasked(void **state)
{
	assert_int_equal(ask("configure timeout 1", parse_configure), 0);
	WAIT(t.async.len);
	assert_non_null(strstr(t.async.data, "undo"));
	assert_int_equal(ask("show status", parse_status), 0);
}

static void session_goes_down(void **state)
{
	assert_int_equal(ask("disable bt_one \"for maintenance\"", NULL), 0);
	ASK_UNTIL(named("bt_one")->bgp == BT_BIRD_BGP_DOWN);
	assert_string_equal(named("bt_one")->message, "for maintenance");
	assert_int_equal(ask("disable bt_one", NULL), 0);
	assert_int_equal(ask("enable bt_one", NULL), 0);
	ASK_UNTIL(named("bt_one")->bgp == BT_BIRD_BGP_ESTABLISHED);
}

/* What the far end says is its own: it cannot forge lines. */
static void far_end_shuts_down(void **state)
{
	char *command = bt_asprintf("birdc -s %s/far.ctl 'disable c1 \"0000 see 1002-x\"'",
				    lab.dir);
	const struct bt_bird_protocol *p;

	lab_run(true, command);
	free(command);
	ASK_UNTIL(named("bt_one")->message);
	p = named("bt_one");
	assert_string_equal(p->message, "0000 see 1002-x");
	assert_non_null(p->last_error);
}

static void bird_is_killed(void **state)
{
	lab_kill(&t.near, SIGKILL);
	WAIT(!t.up);
	assert_int_equal(bt_bird_conn_send(t.conn, "show status", 0, on_done, NULL), -ENOTCONN);
	t.near = start_bird(false);
	WAIT(t.up);
	assert_int_equal(t.ups, 2);
	assert_int_equal(ask("show status", parse_status), 0);
}

static void bird_stops(void **state)
{
	assert_int_equal(ask("down", NULL), 0);
	WAIT(!t.up);
	assert_int_equal(waitpid(t.near, NULL, 0), t.near);
	t.near = 0;
}

/* --- */

static int group_setup(void **state)
{
	struct bt_bird_config config = { .state = on_state, .async = on_async };

	lab_start();
	t.near_conf = lab_write("near.conf", near_text);
	t.far_conf = lab_write("far.conf", far_text);
	t.socket = bt_asprintf("%s/near.ctl", lab.dir);
	t.poll = bt_timer_new(lab.loop, on_poll, NULL);
	config.path = t.socket;
	/* Before BIRD: start order does not matter */
	t.conn = bt_bird_conn_new(lab.loop, &config);
	t.far = start_bird(true);
	t.near = start_bird(false);
	return 0;
}

static int group_teardown(void **state)
{
	bt_bird_conn_free(t.conn);
	bt_timer_free(t.poll);
	lab_kill(&t.near, SIGKILL);
	lab_kill(&t.far, SIGKILL);
	last_free();
	bt_buf_free(&t.async);
	free(t.near_conf);
	free(t.far_conf);
	free(t.socket);
	lab_stop();
	return 0;
}

int main(void)
{
	static const char *const programs[] = { BIRD, "/usr/sbin/birdc", "/bin/sh", NULL };
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(connects),
		cmocka_unit_test(daemon_status),
		cmocka_unit_test(sessions),
		cmocka_unit_test(sessions_in_detail),
		cmocka_unit_test(errors),
		cmocka_unit_test(longest_command),
		cmocka_unit_test(configure_broken),
		cmocka_unit_test(configure_good),
		cmocka_unit_test(undo_unasked),
		cmocka_unit_test(session_goes_down),
		cmocka_unit_test(far_end_shuts_down),
		cmocka_unit_test(bird_is_killed),
		cmocka_unit_test(bird_stops),
	};
	const char *reason = lab_cannot(programs);

	if (reason) {
		printf("1..0 # SKIP %s\n", reason);
		return 0;
	}
	return cmocka_run_group_tests(tests, group_setup, group_teardown);
}
