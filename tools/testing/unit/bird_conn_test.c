// SPDX-License-Identifier: GPL-2.0
/* The connection to BIRD, against a BIRD that behaves in every bad way. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <cmocka.h>

#include "daemon/bird_conn.h"
#include "fake_peer.h"

#define GREETING	"0001 BIRD 2.0.12 ready.\n"

struct test {
	struct fake fake;	/* first */
	struct bt_bird_conn *conn;
	struct bt_timer *timer;
	unsigned int fds;
	unsigned int commands;	/* heard on this connection */
	const char *greeting;
	/* What BIRD does with a command; NULL: the usual */
	void (*bird)(struct test *t, const char *command);
	void (*on_state)(struct test *t, bool up);
	void (*on_done)(struct test *t, int err);
	bool free_on_async;
	bool free_when;
};

/* --- BIRD --- */

static void say(struct test *t, const char *text)
{
	fake_send(&t->fake, text, strlen(text));
}

static void usual(struct test *t, const char *command)
{
	char *text;

	if (!strcmp(command, "bad")) {
		say(t, "9001 syntax error\n");
		return;
	}
	/* The reply carries the command, so that nobody gets another's */
	text = bt_asprintf("1000-%s\n0000 \n", command);
	say(t, text);
	free(text);
}

static void bird_hears(struct fake *fake)
{
	struct test *t = bt_container_of(fake, struct test, fake);
	char *end;

	while (fake->fd >= 0 && fake->in.len && (end = strchr(fake->in.data, '\n'))) {
		char *command = bt_strndup(fake->in.data, end - fake->in.data);

		bt_buf_consume(&fake->in, strlen(command) + 1);
		t->commands++;
		(t->bird ? t->bird : usual)(t, command);
		free(command);
	}
}

static void bird_meets(struct fake *fake)
{
	struct test *t = bt_container_of(fake, struct test, fake);

	t->commands = 0;
	say(t, t->greeting);
}

/* --- our side --- */

static void free_conn(struct test *t)
{
	struct bt_bird_conn *conn = t->conn;

	t->conn = NULL;
	t->on_state = NULL;
	t->on_done = NULL;
	bt_bird_conn_free(conn);
	note(&t->fake, "freed");
}

static void on_state(void *arg, bool up)
{
	struct test *t = arg;

	note(&t->fake, up ? "up" : "down");
	assert_int_equal(t->conn && bt_bird_conn_is_up(t->conn), up);
	if (t->on_state)
		t->on_state(t, up);
}

static void on_async(void *arg, const char *text)
{
	struct test *t = arg;

	note(&t->fake, "async %s", text);
	if (t->free_on_async)
		free_conn(t);
}

static void on_done(void *arg, int err, const struct bt_bird_reply *reply)
{
	struct test *t = arg;

	assert_int_equal(!reply, err && err != -EREMOTEIO);
	assert_int_equal(reply && reply->error, err == -EREMOTEIO);
	note(&t->fake, "done %s %s", err ? strerrorname_np(-err) : "0",
	     reply ? (reply->error ? reply->error : reply->lines)->text : "-");
	if (t->on_done)
		t->on_done(t, err);
	/* It lives as long as this call, whatever happened above */
	if (reply)
		assert_true(reply->n && strlen(reply->lines[reply->n - 1].text) < 100);
}

static int ask_within(struct test *t, const char *command, unsigned int ms)
{
	return bt_bird_conn_send(t->conn, command, ms, on_done, t);
}

static int ask(struct test *t, const char *command)
{
	return ask_within(t, command, 0);
}

static int setup(void **state)
{
	struct test *t = bt_alloc(sizeof(*t));
	struct bt_bird_config config = {
		.path = t->fake.address.sun_path,
		.state = on_state,
		.async = on_async,
		.arg = t,
		.timeout_ms = 200,
		.retry_min_ms = 1,
		.retry_max_ms = 20,
	};

	t->fds = count_fds();
	fake_init(&t->fake);
	t->fake.greet = bird_meets;
	t->fake.input = bird_hears;
	t->greeting = GREETING;
	t->conn = bt_bird_conn_new(t->fake.loop, &config);
	assert_non_null(t->conn);
	assert_false(bt_bird_conn_is_up(t->conn));
	*state = t;
	return 0;
}

static int setup_up(void **state)
{
	struct test *t;

	setup(state);
	t = *state;
	fake_listen(&t->fake);
	expect(&t->fake, "up\n");
	return 0;
}

static int teardown(void **state)
{
	struct test *t = *state;

	bt_bird_conn_free(t->conn);
	bt_timer_free(t->timer);
	fake_fini(&t->fake);
	assert_int_equal(count_fds(), t->fds);
	free(t);
	return 0;
}

/* --- good weather --- */

static void commands_in_order(void **state)
{
	struct test *t = *state;

	assert_int_equal(ask(t, "one"), 0);
	assert_int_equal(ask(t, "bad"), 0);
	assert_int_equal(ask(t, "three"), 0);
	expect(&t->fake, "done 0 one\ndone EREMOTEIO syntax error\ndone 0 three\n");
	assert_int_equal(t->commands, 3);
}

static void byte_by_byte(void **state)
{
	struct test *t = *state;

	t->fake.byte_by_byte = true;
	fake_listen(&t->fake);
	expect(&t->fake, "up\n");
	assert_int_equal(ask(t, "one"), 0);
	assert_int_equal(ask(t, "bad"), 0);
	assert_int_equal(ask(t, "three"), 0);
	expect(&t->fake, "done 0 one\ndone EREMOTEIO syntax error\ndone 0 three\n");
}

static void answer_now(void *arg)
{
	struct test *t = arg;

	assert_int_equal(t->fake.in.len, 0);
	say(t, "0000 it\n");
}

/* Answers after a while; another command meanwhile would be a mistake. */
static void wait_a_little(struct test *t, const char *command)
{
	assert_false(bt_timer_pending(t->timer));
	bt_timer_start(t->timer, 20);
}

static void one_in_flight(void **state)
{
	struct test *t = *state;

	t->bird = wait_a_little;
	t->timer = bt_timer_new(t->fake.loop, answer_now, t);
	assert_int_equal(ask(t, "a"), 0);
	assert_int_equal(ask(t, "b"), 0);
	assert_int_equal(ask(t, "c"), 0);
	expect(&t->fake, "done 0 it\ndone 0 it\ndone 0 it\n");
}

/* An error in the middle counts, though the last line says 0000. */
static void fail_in_the_middle(struct test *t, const char *command)
{
	say(t, "0015-a: reloading\n8006-b: reload failed\n0000 \n");
}

static void error_in_the_middle(void **state)
{
	struct test *t = *state;

	t->bird = fail_in_the_middle;
	assert_int_equal(ask(t, "reload all"), 0);
	expect(&t->fake, "done EREMOTEIO b: reload failed\n");
}

static void interrupt(struct test *t, const char *command)
{
	say(t, "1000-a\n+undo\n b\n+again\n0000 \n+after\n");
}

static void async_lines(void **state)
{
	struct test *t = *state;

	t->bird = interrupt;
	assert_int_equal(ask(t, "x"), 0);
	expect(&t->fake, "async undo\nasync again\ndone 0 a\nasync after\n");
}

static void ask_when_up(struct test *t, bool up)
{
	t->on_state = NULL;
	assert_int_equal(ask(t, "from state"), 0);
}

static void ask_when_done(struct test *t, int err)
{
	if (t->commands < 3)
		assert_int_equal(ask(t, "from done"), 0);
}

static void asked_from_callbacks(void **state)
{
	struct test *t = *state;

	t->on_state = ask_when_up;
	t->on_done = ask_when_done;
	fake_listen(&t->fake);
	expect(&t->fake, "up\ndone 0 from state\ndone 0 from done\ndone 0 from done\n");
}

/* --- BIRD comes and goes --- */

static void listen_now(void *arg)
{
	struct test *t = arg;

	fake_listen(&t->fake);
}

static void bird_comes_late(void **state)
{
	struct test *t = *state;

	assert_int_equal(ask(t, "too early"), -ENOTCONN);
	t->timer = bt_timer_new(t->fake.loop, listen_now, t);
	bt_timer_start(t->timer, 60);
	expect(&t->fake, "up\n");
}

static void die_half_way(struct test *t, const char *command)
{
	t->bird = NULL;
	say(t, "1000-half\n10");
	fake_hangup(&t->fake);
}

static void bird_dies_half_way(void **state)
{
	struct test *t = *state;

	t->bird = die_half_way;
	assert_int_equal(ask(t, "sent"), 0);
	assert_int_equal(ask(t, "waits"), 0);
	expect(&t->fake, "done ECONNRESET -\ndone ENOTCONN -\ndown\nup\n");
	/* The half is forgotten */
	assert_int_equal(ask(t, "next"), 0);
	expect(&t->fake, "done 0 next\n");
}

static void greet_third_time(struct fake *fake)
{
	if (fake->accepted >= 3)
		bird_meets(fake);
}

static void no_greeting(void **state)
{
	struct test *t = *state;

	t->fake.greet = greet_third_time;
	fake_listen(&t->fake);
	expect(&t->fake, "up\n");
	assert_int_equal(t->fake.accepted, 3);
}

static void greet_properly_third_time(struct fake *fake)
{
	struct test *t = bt_container_of(fake, struct test, fake);

	if (fake->accepted == 3)
		t->greeting = GREETING;
	bird_meets(fake);
}

static void wrong_greeting(void **state)
{
	static const char *const greetings[] = {
		"0000 \n", "8007 Access denied\n", "0001-BIRD\n0001 BIRD\n", "220 mail ready\r\n",
	};
	struct test *t;
	size_t i;

	teardown(state);
	for (i = 0; i < BT_ARRAY_SIZE(greetings); i++) {
		setup(state);
		t = *state;
		t->greeting = greetings[i];
		t->fake.greet = greet_properly_third_time;
		fake_listen(&t->fake);
		expect(&t->fake, "up\n");
		assert_int_equal(t->fake.accepted, 3);
		teardown(state);
	}
	setup(state);
}

/* --- BIRD talks nonsense: the connection ends and is made anew --- */

static const char *nonsense;

static void say_nonsense(struct test *t, const char *command)
{
	t->bird = NULL;
	say(t, nonsense);
}

static void talks_nonsense(void **state)
{
	static const char *const texts[] = {
		"hello\n", "00000 \n", " continues nothing\n", "\n", "<3 messages lost>\n",
	};
	struct test *t = *state;
	size_t i;

	for (i = 0; i < BT_ARRAY_SIZE(texts); i++) {
		nonsense = texts[i];
		t->bird = say_nonsense;
		assert_int_equal(ask(t, "one"), 0);
		assert_int_equal(ask(t, "two"), 0);
		expect(&t->fake, "done ECONNRESET -\ndone ENOTCONN -\ndown\nup\n");
		assert_int_equal(ask(t, "three"), 0);
		expect(&t->fake, "done 0 three\n");
	}
}

static void say_endless_line(struct test *t, const char *command)
{
	char line[BT_BIRD_MAX_LINE + 2];

	memset(line, 'x', sizeof(line));
	memcpy(line, "1000-", 5);
	t->bird = NULL;
	fake_send(&t->fake, line, sizeof(line));
}

static void line_too_long(void **state)
{
	struct test *t = *state;

	t->bird = say_endless_line;
	assert_int_equal(ask(t, "one"), 0);
	expect(&t->fake, "done ECONNRESET -\ndown\nup\n");
}

static void reply_twice(struct test *t, const char *command)
{
	t->bird = NULL;
	say(t, "0000 first\n0000 second\n");
}

/* The second must not become the reply to the next command. */
static void replies_twice(void **state)
{
	struct test *t = *state;

	t->bird = reply_twice;
	assert_int_equal(ask(t, "one"), 0);
	assert_int_equal(ask(t, "two"), 0);
	expect(&t->fake, "done 0 first\ndone ENOTCONN -\ndown\nup\n");
	assert_int_equal(ask(t, "three"), 0);
	expect(&t->fake, "done 0 three\n");
}

static void reply_late(void *arg)
{
	struct test *t = arg;

	say(t, "0000 late\n");
	note(&t->fake, "late reply");
}

static void wait_with_slow(struct test *t, const char *command)
{
	if (strcmp(command, "slow"))
		usual(t, command);
	else
		bt_timer_start(t->timer, 100);
}

/* Nor must a late one. BIRD's words go to whatever connection it has then. */
static void replies_late(void **state)
{
	struct test *t = *state;

	t->bird = wait_with_slow;
	t->timer = bt_timer_new(t->fake.loop, reply_late, t);
	assert_int_equal(ask_within(t, "slow", 30), 0);
	assert_int_equal(ask(t, "two"), 0);
	expect(&t->fake, "done ETIMEDOUT -\ndone ENOTCONN -\ndown\nup\n");
	assert_int_equal(ask(t, "three"), 0);
	expect(&t->fake, "done 0 three\nlate reply\ndown\nup\n");
}

/* --- our users: freed in every callback, forgotten, too many, wrong --- */

static void free_on_state(struct test *t, bool up)
{
	if (up == t->free_when)
		free_conn(t);
}

static void free_on_done(struct test *t, int err)
{
	free_conn(t);
}

static void freed_when_up(void **state)
{
	struct test *t = *state;

	t->on_state = free_on_state;
	t->free_when = true;
	fake_listen(&t->fake);
	expect(&t->fake, "up\nfreed\n");
}

static void freed_when_down(void **state)
{
	struct test *t = *state;

	t->on_state = free_on_state;
	t->bird = die_half_way;
	assert_int_equal(ask(t, "one"), 0);
	assert_int_equal(ask(t, "two"), 0);
	expect(&t->fake, "done ECONNRESET -\ndone ENOTCONN -\ndown\nfreed\n");
}

static void freed_when_done(void **state)
{
	struct test *t = *state;

	t->on_done = free_on_done;
	assert_int_equal(ask(t, "one"), 0);
	assert_int_equal(ask(t, "two"), 0);
	expect(&t->fake, "done 0 one\ndone ECANCELED -\nfreed\n");
}

static void freed_when_timed_out(void **state)
{
	struct test *t = *state;

	t->on_done = free_on_done;
	t->bird = wait_with_slow;
	t->timer = bt_timer_new(t->fake.loop, reply_late, t);
	assert_int_equal(ask_within(t, "slow", 30), 0);
	assert_int_equal(ask(t, "two"), 0);
	expect(&t->fake, "done ETIMEDOUT -\ndone ECANCELED -\nfreed\nlate reply\n");
}

static void freed_in_async(void **state)
{
	struct test *t = *state;

	t->free_on_async = true;
	t->bird = interrupt;
	assert_int_equal(ask(t, "one"), 0);
	expect(&t->fake, "async undo\ndone ECANCELED -\nfreed\n");
}

static void freed_with_commands(void **state)
{
	struct test *t = *state;

	assert_int_equal(ask(t, "one"), 0);
	assert_int_equal(ask(t, "two"), 0);
	free_conn(t);
	expect(&t->fake, "done ECANCELED -\ndone ECANCELED -\nfreed\n");
}

static void forgotten(void **state)
{
	struct test *t = *state;
	char other;

	assert_int_equal(bt_bird_conn_send(t->conn, "a", 0, on_done, &other), 0);
	assert_int_equal(ask(t, "one"), 0);
	assert_int_equal(bt_bird_conn_send(t->conn, "b", 0, on_done, &other), 0);
	assert_int_equal(ask(t, "two"), 0);
	bt_bird_conn_forget(t->conn, &other);
	expect(&t->fake, "done 0 one\ndone 0 two\n");
	assert_int_equal(t->commands, 4);
}

static void say_quiet(void *arg)
{
	struct test *t = arg;

	note(&t->fake, "quiet");
}

/* The deadline of a command that is done must not end the connection. */
static void done_in_time(void **state)
{
	struct test *t = *state;

	t->timer = bt_timer_new(t->fake.loop, say_quiet, t);
	bt_timer_start(t->timer, 80);
	assert_int_equal(ask_within(t, "one", 30), 0);
	expect(&t->fake, "done 0 one\nquiet\n");
}

static void too_many(void **state)
{
	struct test *t = *state;
	unsigned int n = 0;
	int err;

	while (!(err = ask(t, "x")))
		n++;
	assert_int_equal(err, -ENOBUFS);
	assert_true(n >= 100 && n < 1000);
	t->fake.want = n * strlen("done 0 x\n");
	bt_timer_start(t->fake.deadline, FAKE_DEADLINE_MS);
	assert_int_equal(bt_loop_run(t->fake.loop), 0);
	assert_int_equal(t->fake.log.len, t->fake.want);
	assert_int_equal(t->commands, n);
}

static void wrong(void **state)
{
	struct bt_bird_config config = { .state = on_state };
	struct test *t = *state;
	char *text;

	assert_int_equal(ask(t, ""), -EINVAL);
	assert_int_equal(ask(t, "show status\ndown"), -EINVAL);
	text = bt_asprintf("%0*d", BT_BIRD_MAX_COMMAND + 1, 0);
	assert_int_equal(ask(t, text), -EMSGSIZE);
	config.path = text;
	assert_null(bt_bird_conn_new(t->fake.loop, &config));
	assert_int_equal(errno, ENAMETOOLONG);
	free(text);
	bt_bird_conn_free(NULL);
	/* The connection has not suffered */
	assert_int_equal(ask(t, "one"), 0);
	expect(&t->fake, "done 0 one\n");
}

#define TEST(fn)	cmocka_unit_test_setup_teardown(fn, setup, teardown)
#define TEST_UP(fn)	cmocka_unit_test_setup_teardown(fn, setup_up, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST_UP(commands_in_order),
		TEST(byte_by_byte),
		TEST_UP(one_in_flight),
		TEST_UP(error_in_the_middle),
		TEST_UP(async_lines),
		TEST(asked_from_callbacks),
		TEST(bird_comes_late),
		TEST_UP(bird_dies_half_way),
		TEST(no_greeting),
		TEST(wrong_greeting),
		TEST_UP(talks_nonsense),
		TEST_UP(line_too_long),
		TEST_UP(replies_twice),
		TEST_UP(replies_late),
		TEST(freed_when_up),
		TEST_UP(freed_when_down),
		TEST_UP(freed_when_done),
		TEST_UP(freed_when_timed_out),
		TEST_UP(freed_in_async),
		TEST_UP(freed_with_commands),
		TEST_UP(forgotten),
		TEST_UP(done_in_time),
		TEST_UP(too_many),
		TEST_UP(wrong),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
