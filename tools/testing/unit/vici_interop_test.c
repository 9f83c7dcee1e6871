// SPDX-License-Identifier: GPL-2.0
/*
 * The connection to charon, against the real one: two of them, joined by a veth. The
 * tests build on each other. Needs root and strongSwan, no module of ours.
 */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <cmocka.h>

#include <glob.h>

#include "daemon/vici_conn.h"
#include "interop.h"

#define CHARON	"/usr/lib/ipsec/charon"
#define SECRET	"correct-horse-battery-staple"

enum side { NEAR, FAR };

static struct peer {
	const char *name;
	const char *address;
	pid_t pid;
	char *env;
	char *socket;
	char *log;
	struct bt_vici_conn *conn;
	bool up;
	unsigned int ups;
	struct bt_buf events;		/* one line each, as dump() writes them */
} peers[] = {
	[NEAR] = { .name = "near", .address = "192.0.2.1" },
	[FAR] = { .name = "far", .address = "192.0.2.2" },
};

/* Of the last command that is done */
static struct {
	bool done;
	int err;
	unsigned int items;
	struct bt_buf text;		/* reply and entries, as dump() writes them */
} last;

static bool kernel_has_esp;

/* --- charon --- */

static void start_charon(enum side side)
{
	const char *const argv[] = { CHARON, NULL };

	peers[side].pid = lab_spawn(side == FAR, peers[side].env, argv);
}

/* A short list of plugins starts faster. */
static const char settings[] =
	"charon {\n"
	"load = random nonce openssl pem pkcs1 x509 kdf kernel-netlink socket-default vici\n"
	"install_routes = no\n"
	"filelog { it { path = %s\n append = yes\n flush_line = yes\n default = 2\n } }\n"
	"plugins { vici { socket = unix://%s\n } }\n"
	"}\n";

static void write_settings(struct peer *peer)
{
	char *text, *name, *path;

	peer->socket = bt_asprintf("%s/%s.vici", lab.dir, peer->name);
	peer->log = bt_asprintf("%s/%s.log", lab.dir, peer->name);
	text = bt_asprintf(settings, peer->log, peer->socket);
	name = bt_asprintf("%s.conf", peer->name);
	path = lab_write(name, text);
	peer->env = bt_asprintf("STRONGSWAN_CONF=%s", path);
	free(path);
	free(name);
	free(text);
}

/* --- our side --- */

/* All values with their paths: "near.child-sas.net-1.state=INSTALLED" */
static void dump(struct bt_buf *out, const char *prefix, const struct bt_vici_node *parent)
{
	const struct bt_vici_node *node;

	bt_vici_for_each(node, parent) {
		char *path = bt_asprintf("%s%s%s", prefix, *prefix && node->name_len ? "." : "",
					 node->name);

		if (bt_vici_str(node))
			bt_buf_printf(out, "%s=%s\n", path, bt_vici_str(node));
		dump(out, path, node);
		free(path);
	}
}

static void on_state(void *arg, bool up)
{
	struct peer *peer = arg;

	peer->up = up;
	peer->ups += up;
	bt_loop_stop(lab.loop);
}

static void on_event(void *arg, const char *name, const struct bt_vici_node *msg)
{
	struct peer *peer = arg;

	dump(&peer->events, name, msg);
	bt_loop_stop(lab.loop);
}

static void on_item(void *arg, const struct bt_vici_node *msg)
{
	last.items++;
	dump(&last.text, "", msg);
}

static void on_done(void *arg, int err, const struct bt_vici_node *reply)
{
	last.done = true;
	last.err = err;
	if (reply)
		dump(&last.text, "", reply);
	bt_buf_puts(&last.text, "");
	bt_loop_stop(lab.loop);
}

static bool saw(const struct peer *peer, const char *text)
{
	return peer->events.data && strstr(peer->events.data, text);
}

static void start(enum side side, const char *name, const char *stream, struct bt_vici_msg *args,
		  unsigned int timeout_ms)
{
	const struct bt_vici_command command = {
		.name = name,
		.stream = stream,
		.args = args,
		.item = on_item,
		.done = on_done,
		.timeout_ms = timeout_ms,
	};

	bt_buf_free(&last.text);
	last.done = false;
	last.items = 0;
	assert_int_equal(bt_vici_conn_send(peers[side].conn, &command), 0);
}

static int ask_with(enum side side, const char *name, struct bt_vici_msg *args)
{
	start(side, name, NULL, args, 20000);
	WAIT(last.done);
	return last.err;
}

static int ask(enum side side, const char *name)
{
	return ask_with(side, name, NULL);
}

static int list(enum side side, const char *name, const char *stream)
{
	start(side, name, stream, NULL, 0);
	WAIT(last.done);
	return last.err;
}

static bool said(const char *text)
{
	return strstr(last.text.data, text);
}

/* --- what is loaded --- */

static void put_list(struct bt_vici_msg *msg, const char *name, const char *item)
{
	bt_vici_list(msg, name);
	bt_vici_list_item_str(msg, item);
	bt_vici_list_end(msg);
}

static void put_auth(struct bt_vici_msg *msg, const char *name, const char *id)
{
	bt_vici_section(msg, name);
	bt_vici_put_str(msg, "auth", "psk");
	bt_vici_put_str(msg, "id", id);
	bt_vici_section_end(msg);
}

static void conn_message(struct bt_vici_msg *msg, const char *name, enum side side,
			 const char *proposal)
{
	const struct peer *here = &peers[side], *there = &peers[!side];

	bt_vici_section(msg, name);
	bt_vici_put_str(msg, "version", "2");
	put_list(msg, "local_addrs", here->address);
	put_list(msg, "remote_addrs", there->address);
	put_list(msg, "proposals", proposal);
	put_auth(msg, "local", here->name);
	put_auth(msg, "remote", there->name);
	bt_vici_section(msg, "children");
	bt_vici_section(msg, "net");
	put_list(msg, "local_ts", "0.0.0.0/0");
	put_list(msg, "remote_ts", "0.0.0.0/0");
	put_list(msg, "esp_proposals", "aes128gcm16");
	bt_vici_put_str(msg, "start_action", "none");
	bt_vici_put_str(msg, "policies", "no");
	bt_vici_put_str(msg, "if_id_in", "7");
	bt_vici_put_str(msg, "if_id_out", "7");
	bt_vici_section_end(msg);
	bt_vici_section_end(msg);
	bt_vici_section_end(msg);
}

static int load_conn(const char *name, enum side side, const char *proposal)
{
	struct bt_vici_msg msg = {};

	conn_message(&msg, name, side, proposal);
	return ask_with(side, "load-conn", &msg);
}

static int load_secret(enum side side)
{
	struct bt_vici_msg msg = {};

	bt_vici_put_str(&msg, "id", "bt_psk");
	bt_vici_put_str(&msg, "type", "IKE");
	bt_vici_put_str(&msg, "data", SECRET);
	bt_vici_list(&msg, "owners");
	bt_vici_list_item_str(&msg, "near");
	bt_vici_list_item_str(&msg, "far");
	bt_vici_list_end(&msg);
	return ask_with(side, "load-shared", &msg);
}

static int ask_child(const char *command, const char *child)
{
	struct bt_vici_msg msg = {};

	bt_vici_put_str(&msg, "child", child);
	bt_vici_put_str(&msg, "ike", "near");
	bt_vici_put_str(&msg, "timeout", "10000");
	return ask_with(NEAR, command, &msg);
}

/* --- tests --- */

static void connects(void **state)
{
	WAIT(peers[NEAR].up && peers[FAR].up);
}

static void daemon_version(void **state)
{
	assert_int_equal(ask(NEAR, "version"), 0);
	assert_true(said("daemon=charon\n"));
	assert_true(said("version=5."));
}

static void nothing_loaded(void **state)
{
	assert_int_equal(list(NEAR, "list-conns", "list-conn"), 0);
	assert_int_equal(last.items, 0);
	assert_int_equal(list(NEAR, "list-sas", "list-sa"), 0);
	assert_int_equal(last.items, 0);
}

static void unknown(void **state)
{
	assert_int_equal(ask(NEAR, "no-such-command"), -EOPNOTSUPP);
	assert_int_equal(list(NEAR, "list-conns", "neither-this"), -EOPNOTSUPP);
	assert_int_equal(list(NEAR, "no-such-command", "list-conn"), -EOPNOTSUPP);
}

static void bad_conn(void **state)
{
	assert_int_equal(load_conn("bad", NEAR, "rot13"), -EREMOTEIO);
	assert_true(said("success=no\n"));
	assert_true(said("errmsg=invalid value for: proposals, config discarded\n"));
	assert_int_equal(ask(NEAR, "get-conns"), 0);
	assert_false(said("conns=bad\n"));
}

static void good_conn(void **state)
{
	assert_int_equal(load_conn("near", NEAR, "aes128gcm16-prfsha256-x25519"), 0);
	assert_int_equal(load_conn("far", FAR, "aes128gcm16-prfsha256-x25519"), 0);
	assert_int_equal(ask(NEAR, "get-conns"), 0);
	assert_true(said("conns=near\n"));
	assert_int_equal(list(NEAR, "list-conns", "list-conn"), 0);
	assert_int_equal(last.items, 1);
	assert_true(said("near.remote_addrs=192.0.2.2\n"));
	assert_true(said("near.children.net.mode=TUNNEL\n"));
}

/* How many programs have a text among their arguments? */
static unsigned int count_cmdlines(const char *text)
{
	unsigned int n = 0;
	glob_t files;
	size_t i;

	assert_int_equal(glob("/proc/[0-9]*/cmdline", 0, NULL, &files), 0);
	for (i = 0; i < files.gl_pathc; i++) {
		struct bt_buf content = {};

		/* A program may have ended meanwhile */
		if (!bt_read_file(files.gl_pathv[i], 1 << 20, &content))
			n += !!memmem(content.data, content.len, text, strlen(text));
		bt_buf_free(&content);
	}
	globfree(&files);
	return n;
}

/* Neither charon's log nor ours, with all that can be logged, nor anybody's argv. */
static void secret(void **state)
{
	char *log = bt_asprintf("%s/ours.log", lab.dir);
	int fd = open(log, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
	int before = fcntl(2, F_DUPFD_CLOEXEC, 3);

	bt_log_set_level(BT_LOG_DEBUG);
	dup2(fd, 2);
	assert_int_equal(load_secret(NEAR), 0);
	assert_int_equal(load_secret(FAR), 0);
	bt_warn("written");
	dup2(before, 2);
	bt_log_set_level(BT_LOG_INFO);
	close(before);
	close(fd);
	assert_int_equal(ask(NEAR, "get-shared"), 0);
	assert_true(said("keys=bt_psk\n"));
	assert_true(lab_file_has(log, "written"));
	assert_false(lab_file_has(log, SECRET));
	assert_true(lab_file_has(peers[NEAR].log, "loaded IKE shared key"));
	assert_false(lab_file_has(peers[NEAR].log, SECRET));
	free(log);
	assert_int_equal(count_cmdlines(SECRET), 0);
	/* It would have been found there */
	assert_true(count_cmdlines(CHARON) >= 2);
}

static void establishes(void **state)
{
	int err = ask_child("initiate", "net");

	/* Without ESP in the kernel there is an IKE SA all the same */
	assert_int_equal(err, kernel_has_esp ? 0 : -EREMOTEIO);
	WAIT(saw(&peers[NEAR], "ike-updown.near.state=ESTABLISHED\n"));
	WAIT(saw(&peers[FAR], "ike-updown.far.state=ESTABLISHED\n"));
	assert_true(saw(&peers[NEAR], "ike-updown.up=yes\n"));
	assert_int_equal(list(NEAR, "list-sas", "list-sa"), 0);
	assert_int_equal(last.items, 1);
	assert_true(said("near.remote-id=far\n"));
	assert_true(said("near.initiator=yes\n"));
	if (!kernel_has_esp)
		return;
	WAIT(saw(&peers[FAR], "child-updown.far.child-sas.net-1.state=INSTALLED\n"));
	assert_true(said("near.child-sas.net-1.state=INSTALLED\n"));
	assert_true(said("near.child-sas.net-1.if-id-in=00000007\n"));
}

static void terminates(void **state)
{
	struct bt_vici_msg msg = {};

	bt_buf_free(&peers[FAR].events);
	bt_vici_put_str(&msg, "ike", "near");
	assert_int_equal(ask_with(NEAR, "terminate", &msg), 0);
	WAIT(saw(&peers[FAR], "ike-updown.far.uniqueid="));
	assert_false(saw(&peers[FAR], "ike-updown.up=yes\n"));
	assert_int_equal(list(NEAR, "list-sas", "list-sa"), 0);
	assert_int_equal(last.items, 0);
}

static void many_conns(void **state)
{
	int i;

	for (i = 0; i < 200; i++) {
		char *name = bt_asprintf("bt_%d", i);

		assert_int_equal(load_conn(name, NEAR, "aes128gcm16-prfsha256-x25519"), 0);
		free(name);
	}
	assert_int_equal(list(NEAR, "list-conns", "list-conn"), 0);
	assert_int_equal(last.items, 201);
}

/* Killed while a command waits; another one is up, and we with it, without any help. */
static void charon_is_killed(void **state)
{
	struct bt_vici_msg msg = {};
	struct peer *near = &peers[NEAR];

	/* Nobody answers there */
	conn_message(&msg, "nobody", FAR, "aes128gcm16-prfsha256-x25519");
	assert_int_equal(ask_with(NEAR, "load-conn", &msg), 0);
	bt_vici_put_str(&msg, "ike", "nobody");
	bt_vici_put_str(&msg, "child", "net");
	bt_vici_put_str(&msg, "timeout", "60000");
	start(NEAR, "initiate", NULL, &msg, 60000);
	assert_true(near->up && !last.done);
	lab_kill(&near->pid, SIGKILL);
	WAIT(last.done);
	assert_int_equal(last.err, -ECONNRESET);
	WAIT(!near->up);
	assert_false(bt_vici_conn_is_up(near->conn));
	start_charon(NEAR);
	WAIT(near->up);
	assert_int_equal(near->ups, 2);
	assert_int_equal(ask(NEAR, "version"), 0);
	assert_int_equal(ask(NEAR, "get-conns"), 0);
	assert_false(said("conns=near\n"));
}

static void subscribed_again(void **state)
{
	bt_buf_free(&peers[NEAR].events);
	assert_int_equal(load_secret(NEAR), 0);
	assert_int_equal(load_conn("near", NEAR, "aes128gcm16-prfsha256-x25519"), 0);
	ask_child("initiate", "net");
	WAIT(saw(&peers[NEAR], "ike-updown.near.state=ESTABLISHED\n"));
}

static void charon_stops(void **state)
{
	lab_kill(&peers[NEAR].pid, SIGTERM);
	WAIT(!peers[NEAR].up);
}

/* --- */

static const char esp_probe[] =
	"exec 2>/dev/null\n"
	"ip xfrm state add src 198.51.100.1 dst 198.51.100.2 proto esp spi 1 mode tunnel \\\n"
	"aead 'rfc4106(gcm(aes))' 0x0000000000000000000000000000000000000001 128 &&\n"
	"ip xfrm state flush\n";

static int group_setup(void **state)
{
	static const char *const events[] = {
		"ike-updown", "child-updown", "ike-rekey", "child-rekey", "no-such-event", NULL
	};
	size_t i;

	lab_start();
	kernel_has_esp = !system(esp_probe);
	for (i = 0; i < BT_ARRAY_SIZE(peers); i++) {
		struct bt_vici_config config = {
			.events = events,
			.state = on_state,
			.event = on_event,
			.arg = &peers[i],
		};

		write_settings(&peers[i]);
		config.path = peers[i].socket;
		/* Before charon: start order does not matter */
		peers[i].conn = bt_vici_conn_new(lab.loop, &config);
		start_charon(i);
	}
	return 0;
}

static int group_teardown(void **state)
{
	size_t i;

	for (i = 0; i < BT_ARRAY_SIZE(peers); i++) {
		bt_vici_conn_free(peers[i].conn);
		lab_kill(&peers[i].pid, SIGKILL);
		bt_buf_free(&peers[i].events);
		free(peers[i].env);
		free(peers[i].socket);
		free(peers[i].log);
	}
	bt_buf_free(&last.text);
	lab_stop();
	return 0;
}

int main(void)
{
	static const char *const programs[] = { CHARON, "/bin/sh", NULL };
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(connects),
		cmocka_unit_test(daemon_version),
		cmocka_unit_test(nothing_loaded),
		cmocka_unit_test(unknown),
		cmocka_unit_test(bad_conn),
		cmocka_unit_test(good_conn),
		cmocka_unit_test(secret),
		cmocka_unit_test(establishes),
		cmocka_unit_test(terminates),
		cmocka_unit_test(many_conns),
		cmocka_unit_test(charon_is_killed),
		cmocka_unit_test(subscribed_again),
		cmocka_unit_test(charon_stops),
	};
	const char *reason = lab_cannot(programs);

	if (reason) {
		printf("1..0 # SKIP %s\n", reason);
		return 0;
	}
	return cmocka_run_group_tests(tests, group_setup, group_teardown);
}
