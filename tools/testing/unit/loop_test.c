// SPDX-License-Identifier: GPL-2.0
/* The event loop, on real descriptors, timers and signals. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <cmocka.h>

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include "daemon/loop.h"
#include "util.h"

#define DEADLINE_MS	20000

struct fixture {
	struct bt_loop *loop;
	struct bt_timer *deadline;
	struct bt_timer *timer;
	struct bt_timer *other;
	struct bt_fd *watch;
	struct bt_fd *watch2;
	struct bt_signal *sig;
	struct bt_work *work;
	struct bt_work *work2;
	struct bt_buf order;		/* one letter for each callback */
	int fds[2];
	unsigned int calls;
	unsigned int ready;
	uint64_t started;
	uint64_t ended;
	bool late;
};

static void on_deadline(void *arg)
{
	struct fixture *f = arg;

	f->late = true;
	bt_loop_stop(f->loop);
}

/* Runs the loop until a callback stops it; a loop that hangs is a failure. */
static void run(struct fixture *f)
{
	bt_timer_start(f->deadline, DEADLINE_MS);
	assert_int_equal(bt_loop_run(f->loop), 0);
	assert_false(f->late);
}

static int setup(void **state)
{
	struct fixture *f = bt_alloc(sizeof(*f));

	f->loop = bt_loop_new();
	f->deadline = bt_timer_new(f->loop, on_deadline, f);
	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, f->fds), 0);
	*state = f;
	return 0;
}

static int teardown(void **state)
{
	struct fixture *f = *state;

	bt_timer_free(f->deadline);
	bt_timer_free(f->timer);
	bt_timer_free(f->other);
	bt_fd_free(f->watch);
	bt_fd_free(f->watch2);
	bt_signal_free(f->sig);
	bt_work_free(f->work);
	bt_work_free(f->work2);
	bt_loop_free(f->loop);
	bt_buf_free(&f->order);
	close(f->fds[0]);
	close(f->fds[1]);
	free(f);
	return 0;
}

static void stop(void *arg)
{
	struct fixture *f = arg;

	f->calls++;
	f->ended = bt_now_ns();
	bt_loop_stop(f->loop);
}

static void count(void *arg)
{
	struct fixture *f = arg;

	f->calls++;
}

static void read_it(void *arg, unsigned int ready)
{
	struct fixture *f = arg;
	char byte;

	f->ready |= ready;
	f->calls++;
	assert_int_equal(read(f->fds[0], &byte, 1), 1);
	if (byte == 'q')
		bt_loop_stop(f->loop);
}

/* --- timers --- */

static void timer_fires_once(void **state)
{
	struct fixture *f = *state;

	f->timer = bt_timer_new(f->loop, count, f);
	f->other = bt_timer_new(f->loop, stop, f);
	assert_false(bt_timer_pending(f->timer));
	bt_timer_start(f->timer, 5);
	bt_timer_start(f->other, 60);
	assert_true(bt_timer_pending(f->timer));
	run(f);
	assert_int_equal(f->calls, 2);
	assert_false(bt_timer_pending(f->timer));
}

static void timer_is_not_early(void **state)
{
	struct fixture *f = *state;

	f->timer = bt_timer_new(f->loop, stop, f);
	f->started = bt_now_ns();
	bt_timer_start(f->timer, 30);
	run(f);
	assert_true(f->ended - f->started >= 30000000);
}

static void slow_callback(void *arg)
{
	struct fixture *f = arg;
	uint64_t until = bt_now_ns() + 40000000;

	while (bt_now_ns() < until)
		;
	f->started = bt_now_ns();
	bt_timer_start(f->other, 30);
	/* Something wakes the loop, which then looks at its timers, too */
	assert_int_equal(write(f->fds[1], "x", 1), 1);
}

static void timer_counts_from_its_start(void **state)
{
	struct fixture *f = *state;

	f->watch = bt_fd_new(f->loop, f->fds[0], BT_FD_READ, read_it, f);
	f->timer = bt_timer_new(f->loop, slow_callback, f);
	f->other = bt_timer_new(f->loop, stop, f);
	bt_timer_start(f->timer, 0);
	run(f);
	assert_true(f->ended - f->started >= 30000000);
}

static void timer_restart_moves_it(void **state)
{
	struct fixture *f = *state;

	f->timer = bt_timer_new(f->loop, stop, f);
	f->started = bt_now_ns();
	bt_timer_start(f->timer, 1);
	bt_timer_start(f->timer, 50);
	run(f);
	assert_int_equal(f->calls, 1);
	assert_true(f->ended - f->started >= 50000000);
}

static void stop_other(void *arg)
{
	struct fixture *f = arg;

	bt_timer_stop(f->calls ? f->timer : f->other);
	f->calls++;
	bt_timer_start(f->deadline, 50);
}

/* Both have expired when the first is called: the second must be held back. */
static void timer_stop_after_expiry(void **state)
{
	struct fixture *f = *state;

	f->timer = bt_timer_new(f->loop, stop_other, f);
	f->other = bt_timer_new(f->loop, stop_other, f);
	bt_timer_start(f->timer, 0);
	bt_timer_start(f->other, 0);
	assert_int_equal(bt_loop_run(f->loop), 0);
	assert_int_equal(f->calls, 1);
}

static void third_time(void *arg)
{
	struct fixture *f = arg;

	if (++f->calls < 3)
		return;
	f->ended = bt_now_ns();
	bt_timer_free(f->timer);
	f->timer = NULL;
	bt_loop_stop(f->loop);
}

static void timer_periodic_frees_itself(void **state)
{
	struct fixture *f = *state;

	f->timer = bt_timer_new(f->loop, third_time, f);
	f->started = bt_now_ns();
	bt_timer_start_periodic(f->timer, 10);
	run(f);
	assert_int_equal(f->calls, 3);
	assert_true(f->ended - f->started >= 25000000);
}

static void free_both(void *arg)
{
	struct fixture *f = arg;

	f->calls++;
	bt_timer_free(f->timer);
	bt_timer_free(f->other);
	f->timer = NULL;
	f->other = NULL;
	bt_timer_start(f->deadline, 30);
}

static void timer_frees_itself_and_another(void **state)
{
	struct fixture *f = *state;

	f->timer = bt_timer_new(f->loop, free_both, f);
	f->other = bt_timer_new(f->loop, free_both, f);
	bt_timer_start(f->timer, 0);
	bt_timer_start(f->other, 0);
	assert_int_equal(bt_loop_run(f->loop), 0);
	assert_int_equal(f->calls, 1);
}

static void timer_far_away(void **state)
{
	struct fixture *f = *state;

	f->timer = bt_timer_new(f->loop, count, f);
	f->other = bt_timer_new(f->loop, stop, f);
	bt_timer_start(f->timer, UINT64_MAX);
	bt_timer_start(f->other, 20);
	run(f);
	assert_int_equal(f->calls, 1);
	assert_true(bt_timer_pending(f->timer));
}

/* --- descriptors --- */

static void fd_is_level_triggered(void **state)
{
	struct fixture *f = *state;

	f->watch = bt_fd_new(f->loop, f->fds[0], BT_FD_READ, read_it, f);
	assert_non_null(f->watch);
	assert_int_equal(write(f->fds[1], "abcq", 4), 4);
	run(f);
	assert_int_equal(f->calls, 4);
	assert_int_equal(f->ready, BT_FD_READ);
}

static void want_less_and_less(void *arg, unsigned int ready)
{
	struct fixture *f = arg;

	f->ready = f->ready << 4 | ready;
	switch (++f->calls) {
	case 1:
		assert_int_equal(bt_fd_want(f->watch, BT_FD_WRITE), 0);
		break;
	case 2:
		assert_int_equal(bt_fd_want(f->watch, BT_FD_READ), 0);
		break;
	case 3:
		assert_int_equal(bt_fd_want(f->watch, 0), 0);
		bt_timer_start(f->timer, 30);
		break;
	}
}

static void fd_interest_changes(void **state)
{
	struct fixture *f = *state;

	f->timer = bt_timer_new(f->loop, stop, f);
	f->watch = bt_fd_new(f->loop, f->fds[0], BT_FD_READ | BT_FD_WRITE, want_less_and_less, f);
	assert_int_equal(write(f->fds[1], "x", 1), 1);
	run(f);
	/* 3 calls and the timer: with interest 0 nobody calls, though a byte is there */
	assert_int_equal(f->calls, 4);
	assert_int_equal(f->ready, 0x321);
}

static void free_both_watches(void *arg, unsigned int ready)
{
	struct fixture *f = arg;

	f->calls++;
	bt_fd_free(f->watch);
	bt_fd_free(f->watch2);
	f->watch = NULL;
	f->watch2 = NULL;
	bt_timer_start(f->deadline, 30);
}

/* Both are ready in the same turn; whichever comes first, the other must not come. */
static void fd_frees_itself_and_another(void **state)
{
	struct fixture *f = *state;

	f->watch = bt_fd_new(f->loop, f->fds[0], BT_FD_READ, free_both_watches, f);
	f->watch2 = bt_fd_new(f->loop, f->fds[1], BT_FD_READ, free_both_watches, f);
	assert_int_equal(write(f->fds[0], "x", 1), 1);
	assert_int_equal(write(f->fds[1], "x", 1), 1);
	assert_int_equal(bt_loop_run(f->loop), 0);
	assert_int_equal(f->calls, 1);
}

static void see_end(void *arg, unsigned int ready)
{
	struct fixture *f = arg;
	char byte;

	f->calls++;
	assert_int_equal(read(f->fds[0], &byte, 1), 0);
	bt_loop_stop(f->loop);
}

static void fd_hangup_is_readable(void **state)
{
	struct fixture *f = *state;

	f->watch = bt_fd_new(f->loop, f->fds[0], BT_FD_READ, see_end, f);
	shutdown(f->fds[1], SHUT_WR);
	run(f);
	assert_int_equal(f->calls, 1);
}

static void fd_that_cannot_be_watched(void **state)
{
	struct fixture *f = *state;
	int fd = open("/proc/self/exe", O_RDONLY | O_CLOEXEC);

	assert_true(fd >= 0);
	errno = 0;
	assert_null(bt_fd_new(f->loop, fd, BT_FD_READ, read_it, f));
	assert_int_equal(errno, EPERM);
	close(fd);
	assert_null(bt_fd_new(f->loop, fd, BT_FD_READ, read_it, f));
	assert_int_equal(errno, EBADF);
}

/* --- deferred work --- */

static void note_a(void *arg)
{
	struct fixture *f = arg;

	bt_buf_puts(&f->order, "a");
}

static void note_b(void *arg)
{
	struct fixture *f = arg;

	bt_buf_puts(&f->order, "b");
	bt_loop_stop(f->loop);
}

static void queue_twice(void *arg)
{
	struct fixture *f = arg;

	bt_work_queue(f->work);
	bt_work_queue(f->work2);
	bt_work_queue(f->work);
	bt_buf_puts(&f->order, "(");
	bt_timer_start(f->other, 0);
	bt_buf_puts(&f->order, ")");
}

static void work_runs_once_after_the_callback(void **state)
{
	struct fixture *f = *state;

	f->timer = bt_timer_new(f->loop, queue_twice, f);
	f->other = bt_timer_new(f->loop, note_b, f);
	f->work = bt_work_new(f->loop, note_a, f);
	f->work2 = bt_work_new(f->loop, note_a, f);
	bt_timer_start(f->timer, 0);
	run(f);
	assert_string_equal(f->order.data, "()aab");
}

static void queue_again(void *arg)
{
	struct fixture *f = arg;

	f->calls++;
	bt_work_queue(f->work);
}

/* Work that queues itself for ever must leave the descriptors their turn. */
static void work_starves_nobody(void **state)
{
	struct fixture *f = *state;

	f->work = bt_work_new(f->loop, queue_again, f);
	f->watch = bt_fd_new(f->loop, f->fds[0], BT_FD_READ, read_it, f);
	assert_int_equal(write(f->fds[1], "abcq", 4), 4);
	bt_work_queue(f->work);
	run(f);
	assert_true(f->calls >= 4 + 3);
	assert_true(f->calls < 100);
}

static void free_work(void *arg)
{
	struct fixture *f = arg;

	f->calls++;
	bt_work_free(f->work);
	bt_work_free(f->work2);
	f->work = NULL;
	f->work2 = NULL;
	bt_loop_stop(f->loop);
}

static void work_frees_itself_and_another(void **state)
{
	struct fixture *f = *state;

	f->work = bt_work_new(f->loop, free_work, f);
	f->work2 = bt_work_new(f->loop, free_work, f);
	bt_work_queue(f->work);
	bt_work_queue(f->work2);
	run(f);
	assert_int_equal(f->calls, 1);
}

static void work_can_be_cancelled(void **state)
{
	struct fixture *f = *state;

	f->work = bt_work_new(f->loop, note_a, f);
	f->work2 = bt_work_new(f->loop, note_b, f);
	bt_work_queue(f->work);
	bt_work_queue(f->work2);
	bt_work_cancel(f->work);
	bt_work_cancel(f->work);
	run(f);
	assert_string_equal(f->order.data, "b");
}

/* Stopped half way, the rest is not lost and keeps its order. */
static void work_goes_on_after_a_stop(void **state)
{
	struct fixture *f = *state;

	f->work = bt_work_new(f->loop, note_b, f);
	f->work2 = bt_work_new(f->loop, note_a, f);
	f->timer = bt_timer_new(f->loop, stop, f);
	bt_work_queue(f->work);
	bt_work_queue(f->work2);
	run(f);
	assert_string_equal(f->order.data, "b");
	bt_work_queue(f->work);
	run(f);
	assert_string_equal(f->order.data, "bab");
}

/* --- signals, the loop itself --- */

static void on_signal(void *arg)
{
	struct fixture *f = arg;

	f->calls++;
	bt_signal_free(f->sig);
	f->sig = NULL;
	bt_loop_stop(f->loop);
}

static void raise_it(void *arg)
{
	raise(SIGUSR1);
}

static void signal_frees_itself(void **state)
{
	struct fixture *f = *state;
	struct sigaction before, after;

	sigaction(SIGUSR1, NULL, &before);
	f->sig = bt_signal_new(f->loop, SIGUSR1, on_signal, f);
	assert_non_null(f->sig);
	f->timer = bt_timer_new(f->loop, raise_it, f);
	bt_timer_start(f->timer, 0);
	run(f);
	assert_int_equal(f->calls, 1);
	sigaction(SIGUSR1, NULL, &after);
	assert_ptr_equal(before.sa_handler, after.sa_handler);
}

static void signal_that_cannot_be_caught(void **state)
{
	struct fixture *f = *state;

	assert_null(bt_signal_new(f->loop, SIGKILL, on_signal, f));
	assert_int_equal(errno, EINVAL);
}

static void stop_before_run(void **state)
{
	struct fixture *f = *state;

	f->work = bt_work_new(f->loop, stop, f);
	bt_work_queue(f->work);
	bt_loop_stop(f->loop);
	assert_int_equal(bt_loop_run(f->loop), 0);
	assert_int_equal(f->calls, 0);
	run(f);
	assert_int_equal(f->calls, 1);
}

/* Freed too early, the loop's memory stays: its handles still point to it. */
static void free_with_handles_left(void **state)
{
	struct bt_loop *loop = bt_loop_new();
	struct bt_timer *timer = bt_timer_new(loop, stop, NULL);

	bt_loop_free(loop);
	bt_timer_start(timer, 1);
	bt_timer_free(timer);
	bt_loop_free(loop);
}

static void free_null(void **state)
{
	bt_timer_free(NULL);
	bt_fd_free(NULL);
	bt_signal_free(NULL);
	bt_work_free(NULL);
	bt_loop_free(NULL);
}

#define TEST(fn)	cmocka_unit_test_setup_teardown(fn, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(timer_fires_once),
		TEST(timer_is_not_early),
		TEST(timer_counts_from_its_start),
		TEST(timer_restart_moves_it),
		TEST(timer_stop_after_expiry),
		TEST(timer_periodic_frees_itself),
		TEST(timer_frees_itself_and_another),
		TEST(timer_far_away),
		TEST(fd_is_level_triggered),
		TEST(fd_interest_changes),
		TEST(fd_frees_itself_and_another),
		TEST(fd_hangup_is_readable),
		TEST(fd_that_cannot_be_watched),
		TEST(work_runs_once_after_the_callback),
		TEST(work_starves_nobody),
		TEST(work_frees_itself_and_another),
		TEST(work_can_be_cancelled),
		TEST(work_goes_on_after_a_stop),
		TEST(signal_frees_itself),
		TEST(signal_that_cannot_be_caught),
		TEST(stop_before_run),
		cmocka_unit_test(free_with_handles_left),
		cmocka_unit_test(free_null),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
