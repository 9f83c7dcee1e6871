// SPDX-License-Identifier: GPL-2.0
/* The control socket: clients of every kind, and other daemons in its place. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <fcntl.h>

#include "daemon/ctl_sock.h"
#include "daemon/daemon.h"
#include "fake_peer.h"

#define ANSWER	"{\"error\":\"not a request\"}\n"

/**
 * struct test - a daemon that knows no method, and a client
 * @fake: its loop, directory and transcript; first
 * @d: daemon
 * @fd: the client's
 * @reader: its place in the loop
 * @sent: requests, each a line
 * @answers: what it has read
 */
struct test {
	struct fake fake;
	struct bt_daemon d;
	int fd;
	struct bt_fd *reader;
	unsigned int sent;
	struct bt_buf answers;
};

static int setup(void **state)
{
	struct test *t = bt_alloc(sizeof(*t));

	fake_init(&t->fake);
	t->d.loop = t->fake.loop;
	t->fd = -1;
	*state = t;
	return 0;
}

static int teardown(void **state)
{
	struct test *t = *state;

	bt_fd_free(t->reader);
	if (t->fd >= 0)
		close(t->fd);
	bt_ctl_sock_free(t->d.ctl);
	bt_buf_free(&t->answers);
	fake_fini(&t->fake);
	free(t);
	return 0;
}

static void start(struct test *t)
{
	struct bt_error e = {};

	t->d.ctl = bt_ctl_sock_new(&t->d, t->fake.address.sun_path, &e);
	assert_non_null(t->d.ctl);
}

static int client(struct test *t, int flags)
{
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | flags, 0);

	assert_true(fd >= 0);
	if (connect(fd, (struct sockaddr *)&t->fake.address, sizeof(t->fake.address))) {
		close(fd);
		return -1;
	}
	return fd;
}

static void on_answers(void *arg, unsigned int ready)
{
	struct test *t = arg;
	char buf[4096];
	ssize_t n;

	n = recv(t->fd, buf, sizeof(buf), MSG_DONTWAIT);
	assert_true(n > 0);
	bt_buf_add(&t->answers, buf, (size_t)n);
	if (t->answers.len >= t->sent * strlen(ANSWER))
		note(&t->fake, "all");
}

static void on_quiet(void *arg)
{
	note(arg, "quiet");
}

/* Lets the daemon do what it can do now. */
static void settle(struct test *t)
{
	struct bt_timer *timer = bt_timer_new(t->fake.loop, on_quiet, &t->fake);

	bt_timer_start(timer, 20);
	expect(&t->fake, "quiet\n");
	bt_timer_free(timer);
}

/*
 * A client that asks much before it reads any answer: more than its socket holds. When it
 * reads, all come, without that it says another word.
 */
static void test_pipelined(void **state)
{
	struct test *t = *state;
	char lines[4000];
	size_t i;

	start(t);
	t->fd = client(t, SOCK_NONBLOCK);
	memset(lines, '\n', sizeof(lines));
	t->sent = sizeof(lines);
	assert_int_equal(send(t->fd, lines, sizeof(lines), MSG_NOSIGNAL), sizeof(lines));
	settle(t);

	t->reader = bt_fd_new(t->fake.loop, t->fd, BT_FD_READ, on_answers, t);
	expect(&t->fake, "all\n");
	assert_int_equal(t->answers.len, t->sent * strlen(ANSWER));
	for (i = 0; i < t->sent; i++)
		assert_memory_equal(t->answers.data + i * strlen(ANSWER), ANSWER, strlen(ANSWER));
}

static void expect_refusal(struct test *t)
{
	struct bt_error e = {};

	assert_null(bt_ctl_sock_new(&t->d, t->fake.address.sun_path, &e));
	assert_int_equal(e.code, -EADDRINUSE);
	bt_error_free(&e);
}

/* Somebody listens, and has stopped: with a full backlog connecting would never end. */
static void test_stopped_daemon(void **state)
{
	struct test *t = *state;
	int fds[16], n = 0, listener = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

	assert_int_equal(bind(listener, (struct sockaddr *)&t->fake.address,
			      sizeof(t->fake.address)), 0);
	assert_int_equal(listen(listener, 0), 0);
	alarm(10);
	expect_refusal(t);
	while (n < 16 && (fds[n] = client(t, SOCK_NONBLOCK)) >= 0)
		n++;
	assert_true(n < 16);
	expect_refusal(t);
	alarm(0);
	while (n--)
		close(fds[n]);
	close(listener);
	/* Now it is dead, and its socket in the way. */
	start(t);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_pipelined, setup, teardown),
		cmocka_unit_test_setup_teardown(test_stopped_daemon, setup, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
