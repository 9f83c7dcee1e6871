// SPDX-License-Identifier: GPL-2.0
/* The connection to charon: what it does, and a charon that comes and goes. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <cmocka.h>

#include "count_wipes.h"
#include "fake_charon.h"

/* --- good weather --- */

static void commands_in_order(void **state)
{
	struct test *t = *state;

	assert_int_equal(ask(t, "one"), 0);
	assert_int_equal(ask(t, "bad"), 0);
	assert_int_equal(ask(t, "unknown"), 0);
	assert_int_equal(ask(t, "four"), 0);
	expect(&t->fake, "done 0 one\ndone EREMOTEIO will not\ndone EOPNOTSUPP -\ndone 0 four\n");
	assert_int_equal(t->requests, 4);
}

/* Answers after a while; another request meanwhile would be a mistake. */
static void answer_now(void *arg)
{
	struct test *t = arg;

	assert_int_equal(strlen(t->order), 1);
	t->order[0] = '\0';
	answer(t, "it");
}

static bool one_at_a_time(struct test *t, const struct bt_vici_packet *packet)
{
	assert_int_equal(packet->op, BT_VICI_CMD_REQUEST);
	assert_int_equal(strlen(t->order), 0);
	t->order[0] = packet->name[0];
	t->order[1] = '\0';
	bt_timer_start(t->timer, 20);
	return true;
}

static void one_in_flight(void **state)
{
	struct test *t = *state;

	t->charon = one_at_a_time;
	t->timer = bt_timer_new(t->fake.loop, answer_now, t);
	assert_int_equal(ask(t, "a"), 0);
	assert_int_equal(ask(t, "b"), 0);
	assert_int_equal(ask(t, "c"), 0);
	expect(&t->fake, "done 0 it\ndone 0 it\ndone 0 it\n");
}

static void lists(void **state)
{
	struct test *t = *state;

	assert_int_equal(ask_within(t, "list-sas", "list-sa", 0), 0);
	assert_int_equal(ask(t, "next"), 0);
	expect(&t->fake, "item a\nevent child-updown in between\nitem b\ndone 0 -\ndone 0 next\n");
}

static bool event_unknown(struct test *t, const struct bt_vici_packet *packet)
{
	if (packet->op != BT_VICI_EVENT_REGISTER)
		return false;
	say(t, BT_VICI_EVENT_UNKNOWN, NULL, NULL);
	return true;
}

static void list_of_unknown_event(void **state)
{
	struct test *t = *state;

	t->charon = event_unknown;
	assert_int_equal(ask_within(t, "list-sas", "list-sa", 0), 0);
	assert_int_equal(ask(t, "next"), 0);
	expect(&t->fake, "done EOPNOTSUPP -\ndone 0 next\n");
	assert_int_equal(t->requests, 1);
}

static void list_of_unknown_command(void **state)
{
	struct test *t = *state;

	assert_int_equal(ask_within(t, "unknown", "list-sa", 0), 0);
	assert_int_equal(ask(t, "next"), 0);
	expect(&t->fake, "done EOPNOTSUPP -\ndone 0 next\n");
}

/* An entry that comes when nobody lists any more, an event nobody subscribed to. */
static bool events_first(struct test *t, const struct bt_vici_packet *packet)
{
	say_event(t, "list-sa", "stray");
	say_event(t, "ike-updown", "not subscribed");
	say_event(t, "ike-rekey", "x");
	return false;
}

static void event_before_answer(void **state)
{
	struct test *t = *state;

	t->charon = events_first;
	assert_int_equal(ask(t, "one"), 0);
	expect(&t->fake, "event ike-rekey x\ndone 0 one\n");
}

static void byte_by_byte(void **state)
{
	struct test *t = *state;

	t->fake.byte_by_byte = true;
	t->charon = events_first;
	assert_int_equal(ask(t, "one"), 0);
	expect(&t->fake, "event ike-rekey x\ndone 0 one\n");
	t->charon = NULL;
	assert_int_equal(ask_within(t, "list-sas", "list-sa", 0), 0);
	assert_int_equal(ask(t, "bad"), 0);
	expect(&t->fake, "item a\nevent child-updown in between\nitem b\ndone 0 -\n"
	       "done EREMOTEIO will not\n");
}

static void known_by_another_version(void **state)
{
	struct test *t = *state;

	t->charon = event_unknown;
	fake_listen(&t->fake);
	expect(&t->fake, "up\n");
	assert_int_equal(ask(t, "one"), 0);
	expect(&t->fake, "done 0 one\n");
}

static void ask_two(struct test *t, bool up)
{
	if (!up)
		return;
	assert_int_equal(ask(t, "from state"), 0);
	t->on_state = NULL;
}

static void ask_again(struct test *t, int err)
{
	if (++t->order[0] < 4)
		assert_int_equal(ask(t, "from done"), 0);
}

static void asked_from_callbacks(void **state)
{
	struct test *t = *state;

	t->on_state = ask_two;
	t->on_done = ask_again;
	fake_listen(&t->fake);
	expect(&t->fake, "up\ndone 0 from state\ndone 0 from done\ndone 0 from done\n"
	       "done 0 from done\n");
}

/* Larger than any socket buffer, both ways; charon does not read for a while. */
static bool large_answer(struct test *t, const struct bt_vici_packet *packet)
{
	struct bt_vici_msg msg = {};

	assert_true(packet->msg_len > 400000);
	bt_vici_put_str(&msg, "v", "large");
	bt_buf_add(&msg.buf, packet->msg, packet->msg_len);
	say(t, BT_VICI_CMD_RESPONSE, NULL, &msg);
	return true;
}

static void hear_again(void *arg)
{
	struct test *t = arg;

	fake_hear(&t->fake, true);
}

static void large_messages(void **state)
{
	struct test *t = *state;
	struct bt_vici_msg args = {};
	const struct bt_vici_command command = {
		.name = "large", .args = &args, .done = on_done, .arg = t,
	};
	char *value = bt_alloc(60000);
	int i;

	for (i = 0; i < 8; i++)
		bt_vici_put(&args, "k", value, 60000);
	bt_vici_put_str(&args, "secret", SECRET);
	free(value);
	secrets_wiped = 0;
	t->charon = large_answer;
	t->timer = bt_timer_new(t->fake.loop, hear_again, t);
	fake_hear(&t->fake, false);
	bt_timer_start(t->timer, 30);
	assert_int_equal(bt_vici_conn_send(t->conn, &command), 0);
	assert_int_equal(args.buf.len, 0);
	assert_int_equal(secrets_wiped, 0);
	expect(&t->fake, "done 0 large\n");
	/* Ours, and that of the answer which charon wiped */
	assert_int_equal(secrets_wiped, 2);
}

/* --- charon comes and goes --- */

static void listen_now(void *arg)
{
	struct test *t = arg;

	fake_listen(&t->fake);
}

static void charon_comes_late(void **state)
{
	struct test *t = *state;

	assert_int_equal(ask(t, "too early"), -ENOTCONN);
	t->timer = bt_timer_new(t->fake.loop, listen_now, t);
	bt_timer_start(t->timer, 60);
	expect(&t->fake, "up\n");
}

static void die_now(void *arg)
{
	struct test *t = arg;

	fake_die(&t->fake);
}

static void charon_restarts(void **state)
{
	struct test *t = *state;

	t->timer = bt_timer_new(t->fake.loop, die_now, t);
	bt_timer_start(t->timer, 0);
	expect(&t->fake, "down\n");
	assert_int_equal(ask(t, "meanwhile"), -ENOTCONN);
	fake_listen(&t->fake);
	expect(&t->fake, "up\n");
	/* Subscribed again */
	say_event(t, "child-updown", "after");
	expect(&t->fake, "event child-updown after\n");
}

static void charon_dies_half_way(void **state)
{
	struct test *t = *state;

	t->charon = die_half_way;
	assert_int_equal(ask(t, "sent"), 0);
	assert_int_equal(ask(t, "waits"), 0);
	assert_int_equal(ask(t, "waits, too"), 0);
	expect(&t->fake, "done ECONNRESET -\ndone ENOTCONN -\ndone ENOTCONN -\ndown\nup\n");
	assert_int_equal(ask(t, "next"), 0);
	expect(&t->fake, "done 0 next\n");
}

static bool die_in_list(struct test *t, const struct bt_vici_packet *packet)
{
	if (packet->op != BT_VICI_CMD_REQUEST)
		return false;
	say_event(t, "list-sa", "only");
	fake_hangup(&t->fake);
	t->charon = NULL;
	return true;
}

static void charon_dies_in_list(void **state)
{
	struct test *t = *state;

	t->charon = die_in_list;
	assert_int_equal(ask_within(t, "list-sas", "list-sa", 0), 0);
	expect(&t->fake, "item only\ndone ECONNRESET -\ndown\nup\n");
	assert_int_equal(ask_within(t, "list-sas", "list-sa", 0), 0);
	expect(&t->fake, "item a\nevent child-updown in between\nitem b\ndone 0 -\n");
}

/* It answers and dies at once: the answer counts. */
static bool answer_and_die(struct test *t, const struct bt_vici_packet *packet)
{
	if (packet->op != BT_VICI_CMD_REQUEST)
		return false;
	say_event(t, "child-updown", "last");
	answer(t, "last");
	fake_hangup(&t->fake);
	t->charon = NULL;
	return true;
}

static void last_words_are_heard(void **state)
{
	struct test *t = *state;

	t->charon = answer_and_die;
	assert_int_equal(ask(t, "one"), 0);
	assert_int_equal(ask(t, "two"), 0);
	/* The second was on its way before the end was seen */
	expect(&t->fake, "event child-updown last\ndone 0 last\ndone ECONNRESET -\ndown\nup\n");
}

static bool never_confirm(struct test *t, const struct bt_vici_packet *packet)
{
	return t->fake.accepted < 3;
}

static void charon_hangs_at_first(void **state)
{
	struct test *t = *state;

	t->charon = never_confirm;
	fake_listen(&t->fake);
	expect(&t->fake, "up\n");
	assert_int_equal(t->fake.accepted, 3);
}

static void hang_up(struct fake *fake)
{
	fake_hangup(fake);
}

static void stop_loop(void *arg)
{
	struct test *t = arg;

	bt_loop_stop(t->fake.loop);
}

/* A charon that hangs up at once is not visited at full speed: 1 2 4 8 16 20 20... ms */
static void pauses_grow(void **state)
{
	struct test *t = *state;

	t->fake.greet = hang_up;
	fake_listen(&t->fake);
	t->timer = bt_timer_new(t->fake.loop, stop_loop, t);
	bt_timer_start(t->timer, 300);
	assert_int_equal(bt_loop_run(t->fake.loop), 0);
	assert_true(t->fake.accepted >= 3);
	assert_true(t->fake.accepted <= 6 + 300 / 20);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST_UP(commands_in_order),
		TEST_UP(one_in_flight),
		TEST_UP(lists),
		TEST_UP(list_of_unknown_event),
		TEST_UP(list_of_unknown_command),
		TEST_UP(event_before_answer),
		TEST_UP(byte_by_byte),
		TEST(known_by_another_version),
		TEST(asked_from_callbacks),
		TEST_UP(large_messages),
		TEST(charon_comes_late),
		TEST_UP(charon_restarts),
		TEST_UP(charon_dies_half_way),
		TEST_UP(charon_dies_in_list),
		TEST_UP(last_words_are_heard),
		TEST(charon_hangs_at_first),
		TEST(pauses_grow),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
