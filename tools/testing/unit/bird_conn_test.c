// SPDX-License-Identifier: GPL-2.0
/* The connection to BIRD: what it does, and a BIRD that comes and goes. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <cmocka.h>

#include "fake_bird.h"

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

/* What steers goes before what asks, and stays in order itself. */
static void urgent_first(void **state)
{
	struct test *t = *state;

	assert_int_equal(ask(t, "a"), 0);
	assert_int_equal(ask(t, "b"), 0);
	assert_int_equal(bt_bird_conn_send_urgent(t->conn, "c", on_done, t), 0);
	assert_int_equal(bt_bird_conn_send_urgent(t->conn, "d", on_done, t), 0);
	assert_int_equal(ask(t, "e"), 0);
	expect(&t->fake, "done 0 a\ndone 0 c\ndone 0 d\ndone 0 b\ndone 0 e\n");
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

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST_UP(commands_in_order),
		TEST(byte_by_byte),
		TEST_UP(one_in_flight),
		TEST_UP(urgent_first),
		TEST_UP(error_in_the_middle),
		TEST_UP(async_lines),
		TEST(asked_from_callbacks),
		TEST(bird_comes_late),
		TEST_UP(bird_dies_half_way),
		TEST(no_greeting),
		TEST(wrong_greeting),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
