// SPDX-License-Identifier: GPL-2.0
/* The connection to charon, against a charon that behaves in every bad way. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <cmocka.h>

#include "daemon/vici_conn.h"
#include "fake_peer.h"

#define SECRET	"correct horse battery staple"

struct test {
	struct fake fake;	/* first */
	struct bt_vici_conn *conn;
	struct bt_timer *timer;
	struct bt_vici_rx rx;
	unsigned int fds;
	unsigned int requests;	/* seen by charon, of this connection */
	char order[8];		/* first letters of commands that await an answer */
	/* What charon does with a packet; false: the usual */
	bool (*charon)(struct test *t, const struct bt_vici_packet *packet);
	void (*on_state)(struct test *t, bool up);
	void (*on_done)(struct test *t, int err);
};

static const char *const events[] = { "child-updown", "ike-rekey", NULL };

/* Take the place of libc's two (fortified or not): count how often a secret goes. */
static unsigned int secrets_wiped;

void wipe(void *s, size_t n) __asm__("explicit_bzero");
void wipe_checked(void *s, size_t n, size_t room) __asm__("__explicit_bzero_chk");

void wipe(void *s, size_t n)
{
	if (memmem(s, n, SECRET, strlen(SECRET)))
		secrets_wiped++;
	memset(s, 0, n);
}

void wipe_checked(void *s, size_t n, size_t room)
{
	assert_true(n <= room);
	wipe(s, n);
}

/* --- charon --- */

static void say(struct test *t, enum bt_vici_op op, const char *name, struct bt_vici_msg *msg)
{
	struct bt_buf frame = {};

	assert_int_equal(bt_vici_frame_head(&frame, op, name, msg ? msg->buf.len : 0), 0);
	if (msg)
		bt_buf_add(&frame, msg->buf.data, msg->buf.len);
	fake_send(&t->fake, frame.data, frame.len);
	bt_buf_free(&frame);
	if (msg)
		bt_vici_msg_wipe(msg);
}

static void say_event(struct test *t, const char *name, const char *value)
{
	struct bt_vici_msg msg = {};

	bt_vici_put_str(&msg, "v", value);
	say(t, BT_VICI_EVENT, name, &msg);
}

/* The answer carries the command's name, so that nobody gets another's. */
static void answer(struct test *t, const char *name)
{
	struct bt_vici_msg msg = {};

	bt_vici_put_str(&msg, "v", name);
	say(t, BT_VICI_CMD_RESPONSE, NULL, &msg);
}

static void usual(struct test *t, const struct bt_vici_packet *packet)
{
	char *name = bt_strndup(packet->name, packet->name_len);
	struct bt_vici_msg msg = {};

	if (packet->op != BT_VICI_CMD_REQUEST) {
		say(t, BT_VICI_EVENT_CONFIRM, NULL, NULL);
	} else if (!strncmp(name, "list-", 5)) {
		say_event(t, "list-sa", "a");
		say_event(t, "child-updown", "in between");
		say_event(t, "list-sa", "b");
		say(t, BT_VICI_CMD_RESPONSE, NULL, &msg);
	} else if (!strcmp(name, "bad")) {
		bt_vici_put_str(&msg, "success", "no");
		bt_vici_put_str(&msg, "errmsg", "will not");
		say(t, BT_VICI_CMD_RESPONSE, NULL, &msg);
	} else if (!strcmp(name, "unknown")) {
		say(t, BT_VICI_CMD_UNKNOWN, NULL, NULL);
	} else {
		answer(t, name);
	}
	free(name);
}

static void charon_hears(struct fake *fake)
{
	struct test *t = bt_container_of(fake, struct test, fake);
	struct bt_vici_packet packet;
	const void *data;
	size_t len;
	int ret;

	bt_vici_rx_feed(&t->rx, fake->in.data, fake->in.len);
	fake->in.len = 0;
	while ((ret = bt_vici_rx_next(&t->rx, &data, &len)) > 0) {
		assert_int_equal(bt_vici_packet_parse(data, len, &packet), 0);
		assert_non_null(packet.name);
		t->requests += packet.op == BT_VICI_CMD_REQUEST;
		if (!t->charon || !t->charon(t, &packet))
			usual(t, &packet);
		if (fake->fd < 0)
			return;
	}
	assert_int_equal(ret, 0);
}

static void charon_meets(struct fake *fake)
{
	struct test *t = bt_container_of(fake, struct test, fake);

	bt_vici_rx_free(&t->rx);
	t->requests = 0;
}

/* --- our side --- */

static void on_state(void *arg, bool up)
{
	struct test *t = arg;

	note(&t->fake, up ? "up" : "down");
	assert_int_equal(t->conn && bt_vici_conn_is_up(t->conn), up);
	if (t->on_state)
		t->on_state(t, up);
}

static void on_event(void *arg, const char *name, const struct bt_vici_node *msg)
{
	struct test *t = arg;

	note(&t->fake, "event %s %s", name, bt_vici_get_str(msg, "v"));
}

static void on_item(void *arg, const struct bt_vici_node *msg)
{
	struct test *t = arg;

	note(&t->fake, "item %s", bt_vici_get_str(msg, "v"));
}

static void on_done(void *arg, int err, const struct bt_vici_node *reply)
{
	const char *errmsg = "?";
	struct test *t = arg;
	const char *value;

	assert_int_equal(!reply, err && err != -EREMOTEIO);
	if (err == -EREMOTEIO)
		assert_false(bt_vici_success(reply, &errmsg));
	value = err == -EREMOTEIO ? errmsg : reply ? bt_vici_get_str(reply, "v") : NULL;
	note(&t->fake, "done %s %s", err ? strerrorname_np(-err) : "0", value ? value : "-");
	if (t->on_done)
		t->on_done(t, err);
}

static int ask_within(struct test *t, const char *name, const char *stream, unsigned int ms)
{
	const struct bt_vici_command command = {
		.name = name,
		.stream = stream,
		.timeout_ms = ms,
		.item = on_item,
		.done = on_done,
		.arg = t,
	};

	return bt_vici_conn_send(t->conn, &command);
}

static int ask(struct test *t, const char *name)
{
	return ask_within(t, name, NULL, 0);
}

static struct bt_vici_config config_of(struct test *t)
{
	const struct bt_vici_config config = {
		.path = t->fake.address.sun_path,
		.events = events,
		.state = on_state,
		.event = on_event,
		.arg = t,
		.timeout_ms = 200,
		.retry_min_ms = 1,
		.retry_max_ms = 20,
	};

	return config;
}

static int setup(void **state)
{
	struct test *t = bt_alloc(sizeof(*t));
	struct bt_vici_config config;

	t->fds = count_fds();
	fake_init(&t->fake);
	t->fake.greet = charon_meets;
	t->fake.input = charon_hears;
	config = config_of(t);
	t->conn = bt_vici_conn_new(t->fake.loop, &config);
	assert_non_null(t->conn);
	assert_false(bt_vici_conn_is_up(t->conn));
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

	bt_vici_conn_free(t->conn);
	bt_timer_free(t->timer);
	bt_vici_rx_free(&t->rx);
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

/* Half an answer, then the end. */
static bool die_half_way(struct test *t, const struct bt_vici_packet *packet)
{
	if (packet->op != BT_VICI_CMD_REQUEST)
		return false;
	fake_send(&t->fake, "\0\0\0\x30\x01\x03\x01v", 8);
	fake_hangup(&t->fake);
	t->charon = NULL;
	return true;
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

static void answer_late(void *arg)
{
	struct test *t = arg;

	answer(t, "late");
	note(&t->fake, "late answer");
}

static bool wait_with_answer(struct test *t, const struct bt_vici_packet *packet)
{
	if (packet->op != BT_VICI_CMD_REQUEST)
		return false;
	if (bt_vici_packet_is(packet, "slow"))
		bt_timer_start(t->timer, 100);
	else
		answer(t, "own");
	return true;
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

#define TEST(fn)	cmocka_unit_test_setup_teardown(fn, setup, teardown)
#define TEST_UP(fn)	cmocka_unit_test_setup_teardown(fn, setup_up, teardown)

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
