/* SPDX-License-Identifier: GPL-2.0 */
/*
 * A BIRD for the tests of bird_conn.c, well-behaved unless told otherwise, and a connection
 * to it whose callbacks write the transcript. To be included once, after cmocka.h.
 */
#ifndef BT_FAKE_BIRD_H
#define BT_FAKE_BIRD_H

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

static inline void say(struct test *t, const char *text)
{
	fake_send(&t->fake, text, strlen(text));
}

static inline void usual(struct test *t, const char *command)
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

static inline void bird_hears(struct fake *fake)
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

static inline void bird_meets(struct fake *fake)
{
	struct test *t = bt_container_of(fake, struct test, fake);

	t->commands = 0;
	say(t, t->greeting);
}

/* --- our side --- */

static inline void free_conn(struct test *t)
{
	struct bt_bird_conn *conn = t->conn;

	t->conn = NULL;
	t->on_state = NULL;
	t->on_done = NULL;
	bt_bird_conn_free(conn);
	note(&t->fake, "freed");
}

static inline void on_state(void *arg, bool up)
{
	struct test *t = arg;

	note(&t->fake, up ? "up" : "down");
	assert_int_equal(t->conn && bt_bird_conn_is_up(t->conn), up);
	if (t->on_state)
		t->on_state(t, up);
}

static inline void on_async(void *arg, const char *text)
{
	struct test *t = arg;

	note(&t->fake, "async %s", text);
	if (t->free_on_async)
		free_conn(t);
}

static inline void on_done(void *arg, int err, const struct bt_bird_reply *reply)
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

static inline int ask_within(struct test *t, const char *command, unsigned int ms)
{
	return bt_bird_conn_send(t->conn, command, ms, on_done, t);
}

static inline int ask(struct test *t, const char *command)
{
	return ask_within(t, command, 0);
}

static inline int setup(void **state)
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

	bt_bird_conn_free(t->conn);
	bt_timer_free(t->timer);
	fake_fini(&t->fake);
	assert_int_equal(count_fds(), t->fds);
	free(t);
	return 0;
}

/* --- misbehaviour that several tests need --- */

static inline void die_half_way(struct test *t, const char *command)
{
	t->bird = NULL;
	say(t, "1000-half\n10");
	fake_hangup(&t->fake);
}

static inline void interrupt(struct test *t, const char *command)
{
	say(t, "1000-a\n+undo\n b\n+again\n0000 \n+after\n");
}

static inline void reply_late(void *arg)
{
	struct test *t = arg;

	say(t, "0000 late\n");
	note(&t->fake, "late reply");
}

static inline void wait_with_slow(struct test *t, const char *command)
{
	if (strcmp(command, "slow"))
		usual(t, command);
	else
		bt_timer_start(t->timer, 100);
}

#define TEST(fn)	cmocka_unit_test_setup_teardown(fn, setup, teardown)
#define TEST_UP(fn)	cmocka_unit_test_setup_teardown(fn, setup_up, teardown)

#endif /* BT_FAKE_BIRD_H */
