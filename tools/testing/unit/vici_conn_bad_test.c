// SPDX-License-Identifier: GPL-2.0
/* The connection to charon: a charon that talks nonsense, users that make mistakes. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <cmocka.h>

#include "count_wipes.h"
#include "fake_charon.h"

/* --- charon talks nonsense: the connection ends and is made anew --- */

#define NONSENSE(fn, ...)							\
static bool say_##fn(struct test *t, const struct bt_vici_packet *packet)	\
{										\
	static const uint8_t bytes[] = { __VA_ARGS__ };				\
										\
	fake_send(&t->fake, bytes, sizeof(bytes));				\
	t->charon = NULL;							\
	return true;								\
}										\
static void fn(void **state)							\
{										\
	struct test *t = *state;						\
										\
	t->charon = say_##fn;							\
	assert_int_equal(ask(t, "one"), 0);					\
	assert_int_equal(ask(t, "two"), 0);					\
	expect(&t->fake, "done ECONNRESET -\ndone ENOTCONN -\ndown\nup\n");	\
	assert_int_equal(ask(t, "three"), 0);					\
	expect(&t->fake, "done 0 three\n");					\
}

NONSENSE(frame_too_large, 0, 8, 0, 1)
NONSENSE(frame_huge, 0xff, 0xff, 0xff, 0xff, 1, 2, 3)
NONSENSE(frame_empty, 0, 0, 0, 0)
NONSENSE(packet_unknown, 0, 0, 0, 1, 8)
NONSENSE(packet_of_a_client, 0, 0, 0, 3, 0, 1, 'x')
NONSENSE(answer_broken, 0, 0, 0, 2, 1, 2)
NONSENSE(event_broken, 0, 0, 0, 15, 7, 12, 'c', 'h', 'i', 'l', 'd', '-', 'u', 'p', 'd', 'o', 'w',
	 'n', 6)
NONSENSE(event_nameless, 0, 0, 0, 2, 7, 1)
NONSENSE(confirm_of_nothing, 0, 0, 0, 1, 5)

static bool answer_twice(struct test *t, const struct bt_vici_packet *packet)
{
	struct bt_vici_msg msg = {};
	struct bt_buf frames = {};

	bt_vici_put_str(&msg, "v", "first");
	bt_vici_frame_head(&frames, BT_VICI_CMD_RESPONSE, NULL, msg.buf.len);
	bt_buf_add(&frames, msg.buf.data, msg.buf.len);
	bt_vici_frame_head(&frames, BT_VICI_CMD_RESPONSE, NULL, msg.buf.len);
	bt_buf_add(&frames, msg.buf.data, msg.buf.len);
	fake_send(&t->fake, frames.data, frames.len);
	bt_buf_free(&frames);
	bt_vici_msg_wipe(&msg);
	t->charon = NULL;
	return true;
}

/* The second answer must not become that of the second command. */
static void answers_twice(void **state)
{
	struct test *t = *state;

	t->charon = answer_twice;
	assert_int_equal(ask(t, "one"), 0);
	assert_int_equal(ask(t, "two"), 0);
	expect(&t->fake, "done 0 first\ndone ENOTCONN -\ndown\nup\n");
	assert_int_equal(ask(t, "three"), 0);
	expect(&t->fake, "done 0 three\n");
}

/* Nor must a late one. charon's words go to whatever connection it has then. */
static void answers_late(void **state)
{
	struct test *t = *state;

	t->charon = wait_with_answer;
	t->timer = bt_timer_new(t->fake.loop, answer_late, t);
	assert_int_equal(ask_within(t, "slow", NULL, 30), 0);
	assert_int_equal(ask(t, "two"), 0);
	expect(&t->fake, "done ETIMEDOUT -\ndone ENOTCONN -\ndown\nup\n");
	assert_int_equal(ask(t, "three"), 0);
	expect(&t->fake, "done 0 own\n");
	/* Nobody waits: the late one is not taken for anything */
	expect(&t->fake, "late answer\ndown\nup\n");
}

static bool confirm_never(struct test *t, const struct bt_vici_packet *packet)
{
	bool unregister = packet->op == BT_VICI_EVENT_UNREGISTER;

	if (unregister)
		t->charon = NULL;
	return unregister;
}

static void list_without_end(void **state)
{
	struct test *t = *state;

	t->charon = confirm_never;
	assert_int_equal(ask_within(t, "list-sas", "list-sa", 50), 0);
	expect(&t->fake, "item a\nevent child-updown in between\nitem b\ndone ETIMEDOUT -\n"
	       "down\nup\n");
}

/* --- our users: freed in every callback, forgotten, too many, wrong --- */

static void free_conn(struct test *t)
{
	struct bt_vici_conn *conn = t->conn;

	t->conn = NULL;
	t->on_state = NULL;
	t->on_done = NULL;
	bt_vici_conn_free(conn);
	note(&t->fake, "freed");
}

static void free_on_state(struct test *t, bool up)
{
	if (up == (t->order[0] == 'u'))
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
	t->order[0] = 'u';
	fake_listen(&t->fake);
	expect(&t->fake, "up\nfreed\n");
}

static void freed_when_down(void **state)
{
	struct test *t = *state;

	t->on_state = free_on_state;
	t->charon = die_half_way;
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

static void freed_when_reset(void **state)
{
	struct test *t = *state;

	t->on_done = free_on_done;
	t->charon = die_half_way;
	assert_int_equal(ask(t, "one"), 0);
	assert_int_equal(ask(t, "two"), 0);
	assert_int_equal(ask(t, "three"), 0);
	expect(&t->fake, "done ECONNRESET -\ndone ECANCELED -\ndone ECANCELED -\nfreed\n");
}

static void freed_when_timed_out(void **state)
{
	struct test *t = *state;

	t->on_done = free_on_done;
	t->charon = wait_with_answer;
	t->timer = bt_timer_new(t->fake.loop, answer_late, t);
	assert_int_equal(ask_within(t, "slow", NULL, 30), 0);
	assert_int_equal(ask(t, "two"), 0);
	expect(&t->fake, "done ETIMEDOUT -\ndone ECANCELED -\nfreed\nlate answer\n");
}

static void free_on_item(void *arg, const struct bt_vici_node *msg)
{
	struct test *t = arg;

	on_item(arg, msg);
	free_conn(t);
	/* The entry lives as long as the call */
	assert_string_equal(bt_vici_get_str(msg, "v"), "a");
}

static void freed_in_list(void **state)
{
	struct test *t = *state;
	const struct bt_vici_command command = {
		.name = "list-sas", .stream = "list-sa", .item = free_on_item, .done = on_done,
		.arg = t,
	};

	assert_int_equal(bt_vici_conn_send(t->conn, &command), 0);
	assert_int_equal(ask(t, "two"), 0);
	expect(&t->fake, "item a\ndone ECANCELED -\ndone ECANCELED -\nfreed\n");
}

static void free_on_event(void *arg, const char *name, const struct bt_vici_node *msg)
{
	struct test *t = arg;

	on_event(arg, name, msg);
	free_conn(t);
}

static void freed_in_event(void **state)
{
	struct test *t = *state;
	struct bt_vici_config config = config_of(t);

	bt_vici_conn_free(t->conn);
	config.event = free_on_event;
	t->conn = bt_vici_conn_new(t->fake.loop, &config);
	fake_listen(&t->fake);
	expect(&t->fake, "up\n");
	say_event(t, "ike-rekey", "x");
	say_event(t, "ike-rekey", "y");
	expect(&t->fake, "event ike-rekey x\nfreed\n");
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
	const struct bt_vici_command others = {
		.name = "list-other", .stream = "list-sa", .item = on_item, .done = on_done,
		.arg = &other,
	};

	assert_int_equal(bt_vici_conn_send(t->conn, &others), 0);
	assert_int_equal(ask(t, "one"), 0);
	assert_int_equal(bt_vici_conn_send(t->conn, &others), 0);
	assert_int_equal(ask(t, "two"), 0);
	bt_vici_conn_forget(t->conn, &other);
	expect(&t->fake, "event child-updown in between\ndone 0 one\n"
	       "event child-updown in between\ndone 0 two\n");
	assert_int_equal(t->requests, 4);
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
	assert_int_equal(ask_within(t, "one", NULL, 30), 0);
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
	fake_die(&t->fake);
	t->fake.want = 1;
	assert_int_equal(bt_loop_run(t->fake.loop), 0);
	assert_int_equal(t->fake.log.len, strlen("done ECONNRESET -\ndown\n") +
			 (n - 1) * strlen("done ENOTCONN -\n"));
}

static void wrong(void **state)
{
	struct test *t = *state;
	struct bt_vici_msg args = {};
	struct bt_vici_command command = { .name = "x", .args = &args, .done = on_done, .arg = t };
	struct bt_vici_config config = config_of(t);
	const char *const nameless[] = { "ike-updown", "", NULL };
	char name[BT_VICI_MAX_NAME + 2];
	char *path, *value;
	int i;

	/* Arguments with a mistake are wiped all the same */
	secrets_wiped = 0;
	bt_vici_put_str(&args, "data", SECRET);
	bt_vici_section_end(&args);
	assert_int_equal(bt_vici_conn_send(t->conn, &command), -EINVAL);
	assert_int_equal(secrets_wiped, 1);
	assert_int_equal(args.buf.len, 0);
	/* A message that has no room for the name any more */
	value = bt_alloc(BT_VICI_MAX_VALUE);
	for (i = 0; i < 7; i++)
		bt_vici_put(&args, "k", value, BT_VICI_MAX_VALUE);
	bt_vici_put(&args, "k", value, BT_VICI_MAX_PACKET - args.buf.len - 5);
	free(value);
	assert_int_equal(bt_vici_msg_check(&args), 0);
	assert_int_equal(bt_vici_conn_send(t->conn, &command), -EMSGSIZE);
	assert_int_equal(args.buf.len, 0);

	command.args = NULL;
	command.name = "";
	assert_int_equal(bt_vici_conn_send(t->conn, &command), -EINVAL);
	memset(name, 'n', sizeof(name));
	name[sizeof(name) - 1] = '\0';
	command.name = name;
	assert_int_equal(bt_vici_conn_send(t->conn, &command), -EINVAL);
	command.name = "list-sas";
	command.stream = name;
	assert_int_equal(bt_vici_conn_send(t->conn, &command), -EINVAL);
	/* Registered for good already */
	command.stream = "ike-rekey";
	assert_int_equal(bt_vici_conn_send(t->conn, &command), -EINVAL);

	config.events = nameless;
	assert_null(bt_vici_conn_new(t->fake.loop, &config));
	assert_int_equal(errno, EINVAL);
	config.events = NULL;
	path = bt_asprintf("/%0200d", 0);
	config.path = path;
	assert_null(bt_vici_conn_new(t->fake.loop, &config));
	assert_int_equal(errno, ENAMETOOLONG);
	free(path);
	bt_vici_conn_free(NULL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST_UP(frame_too_large),
		TEST_UP(frame_huge),
		TEST_UP(frame_empty),
		TEST_UP(packet_unknown),
		TEST_UP(packet_of_a_client),
		TEST_UP(answer_broken),
		TEST_UP(event_broken),
		TEST_UP(event_nameless),
		TEST_UP(confirm_of_nothing),
		TEST_UP(answers_twice),
		TEST_UP(answers_late),
		TEST_UP(list_without_end),
		TEST(freed_when_up),
		TEST_UP(freed_when_down),
		TEST_UP(freed_when_done),
		TEST_UP(freed_when_reset),
		TEST_UP(freed_when_timed_out),
		TEST_UP(freed_in_list),
		TEST(freed_in_event),
		TEST_UP(freed_with_commands),
		TEST_UP(forgotten),
		TEST_UP(done_in_time),
		TEST_UP(too_many),
		TEST_UP(wrong),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
