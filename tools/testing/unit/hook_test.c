// SPDX-License-Identifier: GPL-2.0
/* The operator's program: what it is told, and how it is run. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <fcntl.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "daemon/conf_changes.h"
#include "daemon/hook.h"
#include "log.h"
#include "world.h"

#define DEADLINE_MS	20000

static struct {
	char dir[32];
	char *script;
	char *out;
	char *log;
	struct bt_loop *loop;
	struct bt_timer *poll;
	struct bt_timer *deadline;
	const char *path;
	const char *until;
	bool late;
	unsigned int waited;
	pid_t gone;
	int saved_stderr;
} t;

static const char config[] =
	"links:\n"
	"- name: bow0\n"
	"  on_change: %s\n"
	"  on_change_timeout: %s\n"
	"  manage: {bgp: off}\n"
	"  bgp: {table: 100}\n"
	"  defaults: {local: 198.51.100.1, ike: {psk_file: @}, bgp: {as: 64512}}\n"
	"  tunnels:\n"
	"  - {name: a, remote: 192.0.2.1, if_id: 1, inside: [{local: 169.254.21.2/30}]}\n"
	"  - {name: b.1, remote: 192.0.2.2, if_id: 2, inside: [{local: 169.254.21.6/30},"
	" {local: 'fd00::2/126'}]}\n";

static void write_script(const char *body)
{
	FILE *f = fopen(t.script, "w");

	assert_non_null(f);
	fprintf(f, "#!/bin/sh\nout=%s\n%s\n", t.out, body);
	assert_int_equal(fclose(f), 0);
	assert_int_equal(chmod(t.script, 0700), 0);
	unlink(t.out);
	assert_int_equal(truncate(t.log, 0), 0);
}

static struct world *begin(const char *body, const char *timeout)
{
	struct world *w;
	char *text;

	write_script(body);
	text = bt_asprintf(config, t.script, timeout);
	w = fit(text);
	free(text);
	bt_bird_steer(&w->facts, w->config, 1000);
	return w;
}

static char *content(const char *path)
{
	struct bt_buf b = {};

	bt_buf_reserve(&b, 0);
	bt_read_file(path, 1 << 20, &b);
	return b.data;
}

static void on_poll(void *arg)
{
	char *have = content(t.path);

	if (t.gone ? kill(t.gone, 0) != 0 : !!strstr(have, t.until))
		bt_loop_stop(t.loop);
	free(have);
}

static void on_deadline(void *arg)
{
	t.late = true;
	bt_loop_stop(t.loop);
}

/* Until a file has a text */
static void run_until(const char *path, const char *until)
{
	char *have;

	t.path = path;
	t.until = until;
	t.late = false;
	bt_timer_start(t.deadline, DEADLINE_MS);
	bt_timer_start_periodic(t.poll, 10);
	assert_int_equal(bt_loop_run(t.loop), 0);
	bt_timer_stop(t.poll);
	bt_timer_stop(t.deadline);
	if (!t.late)
		return;
	have = content(path);
	printf("# %s does not say \"%s\" but: %s\n", path, until, have);
	free(have);
	fail();
}

static void has_not(const char *path, const char *text)
{
	char *have = content(path);

	if (strstr(have, text))
		fail_msg("%s says \"%s\":\n%s", path, text, have);
	free(have);
}

static unsigned int count(const char *path, const char *text)
{
	char *have = content(path), *at;
	unsigned int n = 0;

	for (at = have; (at = strstr(at, text)); at++)
		n++;
	free(have);
	return n;
}

/* --- */

static void expect_args(struct world *w, const char *want)
{
	struct bt_strings args = {};
	struct bt_buf b = {};
	size_t i;

	bt_hook_args(&w->facts, &w->config->links.v[0], &args);
	for (i = 0; i < args.n; i++)
		bt_buf_printf(&b, "%s\n", args.v[i]);
	assert_string_equal(b.data, want);
	bt_buf_free(&b);
	bt_strings_clear(&args);
}

#define A	"169.254.21.1 -\n"
#define B	"169.254.21.5 fd00::1\n"

/* The return path is steered as BIRD's is. */
static void test_args(void **state)
{
	struct world *w = begin("", "10s");
	struct bt_tunnel *k = w->facts.links.v[0].tunnels.v;

	expect_args(w, "bow0\na up 0 accept " A "b.1 up 0 accept " B);
	k[0].oper = BOWTIE_OPER_DOWN;
	bt_bird_steer(&w->facts, w->config, 2000);
	expect_args(w, "bow0\na down 0 reject " A "b.1 up 1 accept " B);
	k[0].oper = BOWTIE_OPER_UP;
	bt_bird_steer(&w->facts, w->config, 7000);
	expect_args(w, "bow0\na up 0 accept " A "b.1 up 1 accept " B);
	bt_bird_steer(&w->facts, w->config, 7000 + BT_STEER_WAIT_MS);
	expect_args(w, "bow0\na up 0 accept " A "b.1 up 0 accept " B);
	k[1].oper = BOWTIE_OPER_DRAIN;
	bt_bird_steer(&w->facts, w->config, 20000);
	expect_args(w, "bow0\na up 1 accept " A "b.1 drain 0 accept " B);
	/* BIRD hears nothing of it. */
	assert_int_equal(w->facts.bird_sessions.n, 0);
	expect_ops(w, "");
	done(w);
}

static void test_environment(void **state)
{
	struct world *w = begin("{ echo args $#; for a; do echo \"<$a>\"; done; env | sort;"
				" [ -e /proc/$$/fd/200 ] && echo open; pwd; cat; echo end; }"
				" >$out 2>&1",
				"10s");
	struct bt_hooks *hooks = bt_hooks_new(t.loop);
	char *have;

	assert_int_equal(dup2(0, 200), 200);
	setenv("SECRET", "not shown", 1);
	bt_hooks_update(hooks, w->config, &w->facts);
	run_until(t.out, "end\n");
	run_until(t.log, "on_change of bow0: status 0 after");
	have = content(t.out);
	assert_non_null(strstr(have, "args 3\n<bow0>\n<a up 0 accept 169.254.21.1 ->\n"));
	assert_non_null(strstr(have, "BOWTIE_LINK=bow0\nLC_ALL=C\n"));
	assert_null(strstr(have, "SECRET"));
	assert_null(strstr(have, "open"));
	/* Of its input there is nothing. */
	assert_non_null(strstr(have, "\n/\nend\n"));
	/* It knows that already. */
	bt_hooks_update(hooks, w->config, &w->facts);
	assert_int_equal(count(t.log, "status 0"), 1);
	free(have);
	close(200);
	bt_hooks_free(hooks);
	done(w);
}

/* However much happens while it runs, it makes one more run, and never two at once. */
static void test_coalesced(void **state)
{
	struct world *w = begin("[ -e $out.busy ] && echo two >>$out; touch $out.busy;"
				" echo \"run $2\" >>$out; while [ ! -e $out.go ]; do sleep 0.01; done;"
				" rm $out.busy; echo ran >>$out", "10s");
	struct bt_tunnel *k = w->facts.links.v[0].tunnels.v;
	struct bt_hooks *hooks = bt_hooks_new(t.loop);
	char *go = bt_asprintf("%s.go", t.out);
	unsigned int i;

	bt_hooks_update(hooks, w->config, &w->facts);
	run_until(t.out, "run a up");
	for (i = 0; i < 9; i++) {
		k[0].oper = i % 2 ? BOWTIE_OPER_UP : BOWTIE_OPER_DOWN;
		bt_bird_steer(&w->facts, w->config, 2000);
		bt_hooks_update(hooks, w->config, &w->facts);
	}
	assert_int_equal(close(open(go, O_CREAT | O_WRONLY, 0600)), 0);
	run_until(t.out, "run a down");
	run_until(t.out, "ran\nrun a down 0 reject 169.254.21.1 -\nran\n");
	run_until(t.log, "status 0");
	assert_int_equal(count(t.out, "run "), 2);
	has_not(t.out, "two");
	unlink(go);
	free(go);
	bt_hooks_free(hooks);
	done(w);
}

/* It is killed with what it has begun, and what it has left open keeps nobody waiting. */
static void test_timeout(void **state)
{
	struct world *w = begin("echo begun; (sleep 60; echo survived >>$out) & sleep 60", "1s");
	struct bt_hooks *hooks = bt_hooks_new(t.loop);

	bt_hooks_update(hooks, w->config, &w->facts);
	run_until(t.log, "killed after 1s");
	assert_int_equal(count(t.log, "on_change of bow0: begun\n"), 1);
	bt_hooks_free(hooks);
	has_not(t.out, "survived");
	done(w);
}

static void test_output_bounded(void **state)
{
	struct world *w = begin("i=0; while [ $i -lt 1000 ]; do echo line$i; i=$((i + 1)); done;"
				" head -c 100000 /dev/zero | tr '\\0' x; exit 3", "10s");
	struct bt_hooks *hooks = bt_hooks_new(t.loop);
	struct stat st;

	bt_hooks_update(hooks, w->config, &w->facts);
	run_until(t.log, "status 3");
	run_until(t.log, "more lines");
	assert_int_equal(count(t.log, ": line"), BT_HOOK_LINES);
	assert_int_equal(stat(t.log, &st), 0);
	assert_true(st.st_size < 4000);
	bt_hooks_free(hooks);
	done(w);
}

/* Who writes faster than we read waits, and does not fail. */
static void test_output_blocks(void **state)
{
	struct world *w = begin("head -c 300000 /dev/zero && echo written >>$out", "10s");
	struct bt_hooks *hooks = bt_hooks_new(t.loop);

	bt_hooks_update(hooks, w->config, &w->facts);
	usleep(300000);
	run_until(t.log, "on_change of bow0: ");
	run_until(t.out, "written");
	run_until(t.log, "status 0");
	bt_hooks_free(hooks);
	done(w);
}

/* One that hangs is not run again at once when it was killed, and ever less often. */
static void test_pauses(void **state)
{
	struct world *w = begin("echo run >>$out; [ $(wc -l <$out) = 4 ] && echo last >>$out;"
				" sleep 60", "1s");
	struct bt_hooks *hooks = bt_hooks_new(t.loop);
	uint64_t began = bt_now_ms();

	assert_int_equal(bt_hook_retry_ms(1), BT_HOOK_RETRY_MS);
	assert_int_equal(bt_hook_retry_ms(2), 2 * BT_HOOK_RETRY_MS);
	assert_int_equal(bt_hook_retry_ms(5), BT_HOOK_RETRY_MAX_MS);
	assert_int_equal(bt_hook_retry_ms(1000), BT_HOOK_RETRY_MAX_MS);
	bt_hooks_hurry(hooks, 50);
	bt_hooks_update(hooks, w->config, &w->facts);
	run_until(t.out, "last");
	/* Three that were killed after a second, and a pause after each */
	assert_true(bt_now_ms() - began + 50 >= 3 * 1000 + (1 + 2 + 4) * BT_HOOK_RETRY_MS / 50);
	bt_hooks_free(hooks);
	done(w);
}

/* In place of the library's, for hook.c */
pid_t waitpid(pid_t pid, int *status, int options)
{
	t.waited += !(options & WNOHANG);
	return wait4(pid, status, options, NULL);
}

/* Nobody waits for one that is taken out of the configuration: it could be stuck. */
static void test_no_wait(void **state)
{
	struct world *w = begin("echo $$ >$out; sleep 60", "60s");
	struct bt_hooks *hooks = bt_hooks_new(t.loop);
	char *have, *log = bt_asprintf("%s/gone", t.dir);
	pid_t pid;

	bt_hooks_update(hooks, w->config, &w->facts);
	run_until(t.out, "\n");
	have = content(t.out);
	pid = atoi(have);
	free(have);
	assert_int_equal(kill(pid, 0), 0);
	t.waited = 0;
	free(w->config->links.v[0].on_change);
	w->config->links.v[0].on_change = NULL;
	bt_hooks_update(hooks, w->config, &w->facts);
	assert_int_equal(t.waited, 0);
	/* It leaves no zombie either. */
	t.gone = pid;
	run_until(log, "");
	t.gone = 0;
	bt_hooks_free(hooks);
	/* Nor at the end */
	done(w);
	w = begin("echo $$ >$out; sleep 60", "60s");
	hooks = bt_hooks_new(t.loop);
	bt_hooks_update(hooks, w->config, &w->facts);
	run_until(t.out, "\n");
	bt_hooks_free(hooks);
	assert_int_equal(t.waited, 0);
	free(log);
	done(w);
}

/* Without the module or the link nothing gets through. Before they were seen: who knows? */
static void test_link_gone(void **state)
{
	struct world *w = begin("echo \"$2,$3\" >>$out", "10s");
	struct bt_hooks *hooks = bt_hooks_new(t.loop);

	w->facts.kmod = false;
	bt_hooks_update(hooks, w->config, &w->facts);
	assert_int_equal(count(t.log, "begun"), 0);
	w->facts.kmod = true;
	bt_hooks_update(hooks, w->config, &w->facts);
	run_until(t.out, "a up 0 accept 169.254.21.1 -,b.1 up 0 accept 169.254.21.5 fd00::1\n");
	bt_facts_links_clear(&w->facts);
	w->facts.kmod = false;
	bt_hooks_update(hooks, w->config, &w->facts);
	run_until(t.out, "a down 0 reject 169.254.21.1 -,b.1 down 0 reject 169.254.21.5 fd00::1\n");
	bt_hooks_free(hooks);
	/* One that starts then */
	hooks = bt_hooks_new(t.loop);
	assert_int_equal(truncate(t.log, 0), 0);
	w->facts.kmod = true;
	bt_hooks_update(hooks, w->config, &w->facts);
	assert_int_equal(count(t.log, "begun"), 0);
	bt_hooks_free(hooks);
	done(w);
}

/* What can be changed by others is not run, neither at first nor later. */
static void test_rights(void **state)
{
	struct world *w = begin("echo ran >$out", "10s");
	struct bt_hooks *hooks = bt_hooks_new(t.loop);
	char *text = bt_asprintf(config, t.script, "10s");
	struct bt_error e = {};

	chmod(t.script, 0722);
	bt_hooks_update(hooks, w->config, &w->facts);
	run_until(t.log, "others may write");
	has_not(t.out, "ran");
	assert_null(parse(text, &e));
	assert_non_null(strstr(e.text, "f.yaml:3:14: on_change: "));
	bt_error_free(&e);
	chmod(t.script, 0600);
	assert_null(parse(text, &e));
	assert_non_null(strstr(e.text, "is no program"));
	bt_error_free(&e);
	chmod(t.script, 0700);
	chmod(t.dir, 0777);
	assert_null(parse(text, &e));
	assert_non_null(strstr(e.text, "others may write in"));
	bt_error_free(&e);
	chmod(t.dir, 0700);
	if (!geteuid()) {
		assert_int_equal(chown(t.script, 1, 0), 0);
		assert_null(parse(text, &e));
		assert_non_null(strstr(e.text, "belongs to somebody else"));
		bt_error_free(&e);
		assert_int_equal(chown(t.script, 0, 0), 0);
	}
	free(text);
	bt_hooks_free(hooks);
	done(w);
}

static void refuse_program(const char *path, const char *why)
{
	struct bt_error e = {};
	char *real = NULL;

	assert_int_not_equal(bt_conf_program_check(path, &real, &e), 0);
	if (!strstr(e.text, why))
		fail_msg("%s: %s", path, e.text);
	assert_null(real);
	bt_error_free(&e);
}

/* Whoever can change a link on the way says what is run. */
static void test_links(void **state)
{
	char *dir = bt_asprintf("%s/dir", t.dir), *link = bt_asprintf("%s/dir/link", t.dir);
	char *outer = bt_asprintf("%s/outer", t.dir), *real = NULL;
	char *dots = bt_asprintf("%s/dir/.././dir//link", t.dir);
	struct bt_error e = {};
	struct world *w = begin("echo \"$0 $1\" >$out", "10s");
	struct bt_hooks *hooks = bt_hooks_new(t.loop);

	assert_int_equal(mkdir(dir, 0700), 0);
	assert_int_equal(symlink("../script", link), 0);
	assert_int_equal(symlink(dots, outer), 0);
	/* Our own are good, and what is run is what was looked at. */
	assert_int_equal(bt_conf_program_check(outer, &real, &e), 0);
	assert_string_equal(real, t.script);
	free(real);
	real = NULL;
	free(w->config->links.v[0].on_change);
	w->config->links.v[0].on_change = bt_strdup(outer);
	bt_hooks_update(hooks, w->config, &w->facts);
	run_until(t.out, " bow0\n");
	assert_int_equal(count(t.out, t.script), 1);
	bt_hooks_free(hooks);
	done(w);

	assert_int_equal(chmod(dir, 0777), 0);
	refuse_program(link, "others may write in");
	refuse_program(outer, "others may write in");
	/* As in /tmp: this one nobody else can take away. */
	assert_int_equal(chmod(dir, 01777), 0);
	assert_int_equal(bt_conf_program_check(link, NULL, &e), 0);
	if (!geteuid()) {
		assert_int_equal(lchown(link, 65534, 65534), 0);
		refuse_program(link, "link belongs to somebody else");
		unlink(link);
		assert_int_equal(symlink("/bin/true", link), 0);
		assert_int_equal(lchown(link, 65534, 65534), 0);
		assert_int_equal(chown(dir, 65534, 65534), 0);
		assert_int_equal(chmod(dir, 0777), 0);
		refuse_program(link, "dir belongs to somebody else");
		refuse_program(outer, "dir belongs to somebody else");
		assert_int_equal(chown(dir, 0, 0), 0);
	}
	assert_int_equal(chmod(dir, 0700), 0);
	unlink(link);
	refuse_program(outer, "No such file");
	assert_int_equal(symlink("link", link), 0);
	refuse_program(outer, "symbolic links");
	unlink(link);
	assert_int_equal(symlink("../script/x", link), 0);
	refuse_program(link, "Not a directory");
	refuse_program("/", "is no program");
	refuse_program("/dev/null", "");
	unlink(link);
	unlink(outer);
	rmdir(dir);
	free(dir);
	free(link);
	free(outer);
	free(dots);
}

/* Also when it ends well: what it leaves in the background does not outlive it. */
static void test_background(void **state)
{
	struct world *w = begin("(sleep 1; echo survived >>$out) &", "60s");
	struct bt_hooks *hooks = bt_hooks_new(t.loop);

	bt_hooks_update(hooks, w->config, &w->facts);
	run_until(t.log, "status 0");
	usleep(1500000);
	has_not(t.out, "survived");
	bt_hooks_free(hooks);
	done(w);
}

/* "config diff" tells of it, though there is nothing to be done. */
static void test_changes(void **state)
{
	static const char tunnel[] = "manage: {ike: off, bgp: off}, tunnels: [{name: a,"
				     " local: 198.51.100.1, remote: 192.0.2.1, if_id: 1}]}]\n";
	char *old_text = bt_asprintf("links: [{name: bow0, %s", tunnel), *new_text;
	struct bt_config *old = good(old_text), *new;
	struct bt_strings out = {};

	new_text = bt_asprintf("bird: {restart_time: 90s}\nlinks: [{name: bow0,"
			       " on_change: /bin/true, on_change_timeout: 20s,"
			       " hold_withdrawn: 2m, %s", tunnel);
	new = good(new_text);
	bt_conf_changes(old, old, &out);
	bt_conf_changes(new, new, &out);
	assert_int_equal(out.n, 0);
	bt_conf_changes(old, new, &out);
	assert_int_equal(out.n, 4);
	assert_string_equal(out.v[0], "bird: restart_time: 90s, was 1m");
	assert_string_equal(out.v[1], "bow0: on_change: /bin/true, was none");
	assert_string_equal(out.v[2], "bow0: on_change_timeout: 20s, was 10s");
	assert_string_equal(out.v[3], "bow0: hold_withdrawn: 2m, was 1h");
	bt_strings_clear(&out);
	bt_conf_changes(new, old, &out);
	assert_string_equal(out.v[1], "bow0: on_change: none, was /bin/true");
	bt_strings_clear(&out);
	bt_config_free(old);
	bt_config_free(new);
	free(old_text);
	free(new_text);
}

/* --- */

static int group_setup(void **state)
{
	strcpy(t.dir, "/tmp/bowtie-hook.XXXXXX");
	if (make_secret(state) || !mkdtemp(t.dir))
		return -1;
	t.script = bt_asprintf("%s/script", t.dir);
	t.out = bt_asprintf("%s/out", t.dir);
	t.log = bt_asprintf("%s/log", t.dir);
	fflush(stderr);
	t.saved_stderr = dup(2);
	if (!freopen(t.log, "a", stderr))
		return -1;
	setvbuf(stderr, NULL, _IOLBF, 0);
	unsetenv("JOURNAL_STREAM");
	bt_log_init("test", BT_LOG_INFO);
	t.loop = bt_loop_new();
	t.poll = bt_timer_new(t.loop, on_poll, NULL);
	t.deadline = bt_timer_new(t.loop, on_deadline, NULL);
	return 0;
}

static int group_teardown(void **state)
{
	char *command = bt_asprintf("rm -rf %s", t.dir);
	int status;

	bt_timer_free(t.poll);
	bt_timer_free(t.deadline);
	bt_loop_free(t.loop);
	fflush(stderr);
	dup2(t.saved_stderr, 2);
	close(t.saved_stderr);
	status = system(command);
	free(command);
	free(t.script);
	free(t.out);
	free(t.log);
	return status | remove_secret(state);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_args),
		cmocka_unit_test(test_environment),
		cmocka_unit_test(test_coalesced),
		cmocka_unit_test(test_timeout),
		cmocka_unit_test(test_output_bounded),
		cmocka_unit_test(test_output_blocks),
		cmocka_unit_test(test_pauses),
		cmocka_unit_test(test_no_wait),
		cmocka_unit_test(test_link_gone),
		cmocka_unit_test(test_rights),
		cmocka_unit_test(test_links),
		cmocka_unit_test(test_background),
		cmocka_unit_test(test_changes),
	};

	return cmocka_run_group_tests(tests, group_setup, group_teardown);
}
