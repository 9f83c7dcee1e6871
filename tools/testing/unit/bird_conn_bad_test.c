// SPDX-License-Identifier: GPL-2.0
/* The connection to BIRD: a BIRD that talks nonsense, users that make mistakes. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <cmocka.h>

#include "fake_bird.h"

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

int main(void)
{
	const struct CMUnitTest tests[] = {
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
