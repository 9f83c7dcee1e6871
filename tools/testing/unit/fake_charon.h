/* SPDX-License-Identifier: GPL-2.0 */
/*
 * A charon for the tests of vici_conn.c, well-behaved unless told otherwise, and a
 * connection to it whose callbacks write the transcript. To be included once, after
 * cmocka.h.
 */
#ifndef BT_FAKE_CHARON_H
#define BT_FAKE_CHARON_H

#include "daemon/vici_conn.h"
#include "fake_peer.h"

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

/* --- charon --- */

static inline void say(struct test *t, enum bt_vici_op op, const char *name,
		       struct bt_vici_msg *msg)
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

static inline void say_event(struct test *t, const char *name, const char *value)
{
	struct bt_vici_msg msg = {};

	bt_vici_put_str(&msg, "v", value);
	say(t, BT_VICI_EVENT, name, &msg);
}

/* The answer carries the command's name, so that nobody gets another's. */
static inline void answer(struct test *t, const char *name)
{
	struct bt_vici_msg msg = {};

	bt_vici_put_str(&msg, "v", name);
	say(t, BT_VICI_CMD_RESPONSE, NULL, &msg);
}

static inline void usual(struct test *t, const struct bt_vici_packet *packet)
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

static inline void charon_hears(struct fake *fake)
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

static inline void charon_meets(struct fake *fake)
{
	struct test *t = bt_container_of(fake, struct test, fake);

	bt_vici_rx_free(&t->rx);
	t->requests = 0;
}

/* --- our side --- */

static inline void on_state(void *arg, bool up)
{
	struct test *t = arg;

	note(&t->fake, up ? "up" : "down");
	assert_int_equal(t->conn && bt_vici_conn_is_up(t->conn), up);
	if (t->on_state)
		t->on_state(t, up);
}

static inline void on_event(void *arg, const char *name, const struct bt_vici_node *msg)
{
	struct test *t = arg;

	note(&t->fake, "event %s %s", name, bt_vici_get_str(msg, "v"));
}

static inline void on_item(void *arg, const struct bt_vici_node *msg)
{
	struct test *t = arg;

	note(&t->fake, "item %s", bt_vici_get_str(msg, "v"));
}

static inline void on_done(void *arg, int err, const struct bt_vici_node *reply)
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

static inline int ask_within(struct test *t, const char *name, const char *stream, unsigned int ms)
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

static inline int ask(struct test *t, const char *name)
{
	return ask_within(t, name, NULL, 0);
}

static inline struct bt_vici_config config_of(struct test *t)
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

static inline int setup(void **state)
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

static inline int setup_up(void **state)
{
	struct test *t;

	setup(state);
	t = *state;
	fake_listen(&t->fake);
	expect(&t->fake, "up\n");
	return 0;
}

static inline int teardown(void **state)
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

/* --- misbehaviour that several tests need --- */

/* Half an answer, then the end. */
static inline bool die_half_way(struct test *t, const struct bt_vici_packet *packet)
{
	if (packet->op != BT_VICI_CMD_REQUEST)
		return false;
	fake_send(&t->fake, "\0\0\0\x30\x01\x03\x01v", 8);
	fake_hangup(&t->fake);
	t->charon = NULL;
	return true;
}

static inline void answer_late(void *arg)
{
	struct test *t = arg;

	answer(t, "late");
	note(&t->fake, "late answer");
}

static inline bool wait_with_answer(struct test *t, const struct bt_vici_packet *packet)
{
	if (packet->op != BT_VICI_CMD_REQUEST)
		return false;
	if (bt_vici_packet_is(packet, "slow"))
		bt_timer_start(t->timer, 100);
	else
		answer(t, "own");
	return true;
}

#define TEST(fn)	cmocka_unit_test_setup_teardown(fn, setup, teardown)
#define TEST_UP(fn)	cmocka_unit_test_setup_teardown(fn, setup_up, teardown)

#endif /* BT_FAKE_CHARON_H */
