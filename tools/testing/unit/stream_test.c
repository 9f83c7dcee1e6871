// SPDX-License-Identifier: GPL-2.0
/* What the tests of the connections do not reach in the stream below them. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <cmocka.h>

#include "daemon/stream.h"
#include "fake_peer.h"

struct test {
	struct fake fake;	/* first */
	struct bt_stream *stream;
	struct bt_timer *timer;
	unsigned int fds;
	unsigned int sum;	/* of what the peer has heard, in order */
	size_t heard;
	bool meeting;
	const char *drop_in;	/* name of the callback that drops... */
	const char *free_in;	/* ...or frees */
};

static void misbehave(struct test *t, const char *in)
{
	struct bt_stream *stream = t->stream;

	if (t->drop_in && !strcmp(t->drop_in, in)) {
		t->drop_in = NULL;
		bt_stream_drop(t->stream, -EPROTO);
		assert_false(bt_stream_is_up(t->stream));
	}
	if (t->free_in && !strcmp(t->free_in, in)) {
		t->free_in = NULL;
		t->stream = NULL;
		bt_stream_free(stream);
		note(&t->fake, "freed");
	}
}

static void on_up(void *arg)
{
	struct test *t = arg;

	assert_true(bt_stream_is_up(t->stream));
	note(&t->fake, "up");
	misbehave(t, "up");
}

static void on_down(void *arg, int err)
{
	struct test *t = arg;

	assert_false(bt_stream_is_up(t->stream));
	note(&t->fake, "down %s", strerrorname_np(-err));
	misbehave(t, "down");
}

static void on_input(void *arg, const void *data, size_t len)
{
	struct test *t = arg;

	note(&t->fake, "input %.*s", (int)len, (const char *)data);
	misbehave(t, "input");
}

/* The order of bytes counts, not only their number. */
static unsigned int add_up(unsigned int sum, const char *data, size_t len)
{
	while (len--)
		sum = sum * 31 + (unsigned char)*data++;
	return sum;
}

static void peer_hears(struct fake *fake)
{
	struct test *t = bt_container_of(fake, struct test, fake);

	t->sum = add_up(t->sum, fake->in.data, fake->in.len);
	t->heard += fake->in.len;
	fake->in.len = 0;
	bt_loop_stop(fake->loop);
}

/* A connection is up before the peer has taken it. */
static void met(struct fake *fake)
{
	struct test *t = bt_container_of(fake, struct test, fake);

	if (t->meeting)
		bt_loop_stop(fake->loop);
}

static void meet(struct test *t)
{
	expect(&t->fake, "up\n");
	t->meeting = true;
	if (t->fake.fd < 0)
		assert_int_equal(bt_loop_run(t->fake.loop), 0);
}

static int setup(void **state)
{
	struct test *t = bt_alloc(sizeof(*t));
	struct bt_stream_config config = {
		.name = "peer",
		.path = t->fake.address.sun_path,
		.retry_min_ms = 1,
		.retry_max_ms = 20,
		.up = on_up,
		.down = on_down,
		.input = on_input,
		.arg = t,
	};

	t->fds = count_fds();
	fake_init(&t->fake);
	t->fake.greet = met;
	t->fake.input = peer_hears;
	fake_listen(&t->fake);
	t->stream = bt_stream_new(t->fake.loop, &config);
	assert_non_null(t->stream);
	*state = t;
	return 0;
}

static int teardown(void **state)
{
	struct test *t = *state;

	bt_stream_free(t->stream);
	bt_timer_free(t->timer);
	fake_fini(&t->fake);
	assert_int_equal(count_fds(), t->fds);
	free(t);
	return 0;
}

static void send_without_connection(void **state)
{
	struct test *t = *state;
	struct bt_buf data = {};

	bt_buf_puts(&data, "too early");
	bt_stream_send(t->stream, &data);
	assert_null(data.data);
	bt_stream_drop(t->stream, -EPROTO);
	meet(t);
	/* Nothing of it arrives later */
	bt_buf_puts(&data, "x");
	bt_stream_send(t->stream, &data);
	assert_int_equal(bt_loop_run(t->fake.loop), 0);
	assert_int_equal(t->heard, 1);
}

static void hear_again(void *arg)
{
	struct test *t = arg;

	fake_hear(&t->fake, true);
}

/* More pieces than one system call takes, most while the socket is full. */
static void many_pieces_stay_in_order(void **state)
{
	struct test *t = *state;
	unsigned int sum = 0;
	size_t sent = 0;
	int i;

	meet(t);
	t->timer = bt_timer_new(t->fake.loop, hear_again, t);
	fake_hear(&t->fake, false);
	bt_timer_start(t->timer, 20);
	for (i = 0; i < 1000; i++) {
		struct bt_buf data = {};

		bt_buf_printf(&data, "%0*d", i % 50 ? i : 20000, i);
		sum = add_up(sum, data.data, data.len);
		sent += data.len;
		bt_stream_send(t->stream, &data);
	}
	bt_timer_start(t->fake.deadline, FAKE_DEADLINE_MS);
	while (t->heard < sent && !t->fake.late)
		assert_int_equal(bt_loop_run(t->fake.loop), 0);
	assert_int_equal(t->heard, sent);
	assert_int_equal(t->sum, sum);
}

static void dropped_when_up(void **state)
{
	struct test *t = *state;

	t->drop_in = "up";
	expect(&t->fake, "up\ndown EPROTO\nup\n");
}

static void dropped_in_input(void **state)
{
	struct test *t = *state;

	t->drop_in = "input";
	meet(t);
	fake_send(&t->fake, "x", 1);
	expect(&t->fake, "input x\ndown EPROTO\nup\n");
}

static void freed_when_up(void **state)
{
	struct test *t = *state;

	t->free_in = "up";
	expect(&t->fake, "up\nfreed\n");
}

static void freed_in_input(void **state)
{
	struct test *t = *state;

	t->free_in = "input";
	meet(t);
	fake_send(&t->fake, "x", 1);
	expect(&t->fake, "input x\nfreed\n");
}

/* Three deep: down() is called by bt_stream_drop(), that by the descriptor's watch. */
static void freed_when_down(void **state)
{
	struct test *t = *state;

	t->free_in = "down";
	meet(t);
	fake_hangup(&t->fake);
	expect(&t->fake, "down ECONNRESET\nfreed\n");
}

#define TEST(fn)	cmocka_unit_test_setup_teardown(fn, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(send_without_connection),
		TEST(many_pieces_stay_in_order),
		TEST(dropped_when_up),
		TEST(dropped_in_input),
		TEST(freed_when_up),
		TEST(freed_in_input),
		TEST(freed_when_down),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
