// SPDX-License-Identifier: GPL-2.0
/*
 * The event loop: the only file that knows libevent. One thread, so no locks.
 *
 * Freeing a handle from its own callback is safe because the functions below that
 * libevent calls touch nothing after the callback, and libevent itself takes all it
 * needs out of an event before it calls (event.c, event_process_active_single_queue()).
 */
#include "loop.h"

#include <errno.h>
#include <event2/event.h>
#include <stdlib.h>
#include <sys/queue.h>

#include "log.h"
#include "util.h"

TAILQ_HEAD(work_list, bt_work);

struct bt_loop {
	struct event_base *base;
	struct event *work_event;
	struct work_list queued;
	uint64_t turn;			/* of run_work(): what was queued earlier is due */
	size_t handles;			/* not yet freed: they point to the base */
	bool in_work;
	bool stop;
};

struct bt_fd {
	struct bt_loop *loop;
	struct event *event;
	int fd;
	unsigned int want;
	bt_fd_fn fn;
	void *arg;
};

struct bt_timer {
	struct bt_loop *loop;
	struct event *event;
	bt_loop_fn fn;
	void *arg;
};

struct bt_signal {
	struct bt_loop *loop;
	struct event *event;
	bt_loop_fn fn;
	void *arg;
};

struct bt_work {
	TAILQ_ENTRY(bt_work) entry;
	struct bt_loop *loop;
	uint64_t turn;		/* when it was queued */
	bool queued;
	bt_loop_fn fn;
	void *arg;
};

static void log_libevent(int severity, const char *msg)
{
	bt_log(severity >= EVENT_LOG_ERR ? BT_LOG_ERR :
	       severity >= EVENT_LOG_WARN ? BT_LOG_WARNING : BT_LOG_DEBUG, "libevent: %s", msg);
}

/* As util.h says of memory: without it the program ends. */
static void *need(void *ptr)
{
	if (!ptr) {
		bt_err("libevent: out of memory");
		abort();
	}
	return ptr;
}

static void work_unlink(struct bt_work *work)
{
	if (work->queued)
		TAILQ_REMOVE(&work->loop->queued, work, entry);
	work->queued = false;
}

/*
 * What work queues while it runs waits for the next turn of the loop, behind the
 * descriptors: work that queues itself again and again starves nobody.
 */
static void work_arm(struct bt_loop *loop)
{
	static const struct timeval at_once;

	if (loop->in_work)
		event_add(loop->work_event, &at_once);
	else
		event_active(loop->work_event, EV_TIMEOUT, 0);
}

static void run_work(evutil_socket_t fd, short what, void *arg)
{
	struct bt_loop *loop = arg;
	struct bt_work *work;

	loop->in_work = true;
	loop->turn++;
	while (!loop->stop && (work = TAILQ_FIRST(&loop->queued)) && work->turn < loop->turn) {
		work_unlink(work);
		work->fn(work->arg);
	}
	/* Also after a stop: the rest is due when the loop runs again */
	if (!TAILQ_EMPTY(&loop->queued))
		work_arm(loop);
	loop->in_work = false;
}

/**
 * bt_loop_new() - make a loop
 *
 * Ownership: the caller's, until bt_loop_free().
 */
struct bt_loop *bt_loop_new(void)
{
	struct bt_loop *loop = bt_alloc(sizeof(*loop));
	struct event_config *config;

	event_set_log_callback(log_libevent);
	config = need(event_config_new());
	/*
	 * Timers count from the call that starts them, not from when the loop woke up:
	 * after a slow callback a cached time would make them fire early.
	 */
	event_config_set_flag(config, EVENT_BASE_FLAG_NO_CACHE_TIME);
	event_config_set_flag(config, EVENT_BASE_FLAG_PRECISE_TIMER);
	loop->base = need(event_base_new_with_config(config));
	event_config_free(config);
	TAILQ_INIT(&loop->queued);
	loop->work_event = need(event_new(loop->base, -1, 0, run_work, loop));
	return loop;
}

/**
 * bt_loop_free() - free a loop
 * @loop: loop that does not run, or NULL
 *
 * All handles must have been freed before. If not, that is said and the loop's memory
 * is kept: leaked memory is better than handles that point to freed memory.
 */
void bt_loop_free(struct bt_loop *loop)
{
	if (!loop)
		return;
	if (loop->handles) {
		bt_err("loop: %zu handles still exist", loop->handles);
		return;
	}
	event_free(loop->work_event);
	event_base_free(loop->base);
	free(loop);
}

/**
 * bt_loop_run() - call callbacks until bt_loop_stop()
 * @loop: loop
 *
 * Context: not from a callback. May be called again after it returned; it also stays
 * when there is nothing to wait for.
 * Return: 0 when stopped, -EIO if libevent cannot go on.
 */
int bt_loop_run(struct bt_loop *loop)
{
	int err = 0;

	if (!loop->stop && event_base_loop(loop->base, EVLOOP_NO_EXIT_ON_EMPTY) < 0)
		err = -EIO;
	loop->stop = false;
	return err;
}

/**
 * bt_loop_stop() - make bt_loop_run() return after the current callback
 * @loop: loop; if it does not run, its next run returns at once
 */
void bt_loop_stop(struct bt_loop *loop)
{
	loop->stop = true;
	event_base_loopbreak(loop->base);
}

/**
 * bt_loop_event_base() - libevent's own handle
 * @loop: loop
 *
 * Only for what brings its own watches (evhttp, bufferevents). Whoever uses it frees
 * these before the loop.
 */
struct event_base *bt_loop_event_base(struct bt_loop *loop)
{
	return loop->base;
}

static void on_fd(evutil_socket_t fd, short what, void *arg)
{
	struct bt_fd *watch = arg;
	unsigned int ready = 0;

	if (what & EV_READ)
		ready |= BT_FD_READ;
	if (what & EV_WRITE)
		ready |= BT_FD_WRITE;
	watch->fn(watch->arg, ready);
}

/**
 * bt_fd_new() - watch a descriptor
 * @loop: loop
 * @fd: stays the caller's, who closes it after bt_fd_free()
 * @want: BT_FD_READ, BT_FD_WRITE, both or 0
 * @fn: called while it is ready (level-triggered) for something wanted; errors and
 *	hang-ups count as ready for all that is wanted
 * @arg: passed to @fn
 *
 * Return: the watch, which is the caller's, or NULL with errno set if the kernel
 * refuses to watch it.
 */
struct bt_fd *bt_fd_new(struct bt_loop *loop, int fd, unsigned int want, bt_fd_fn fn, void *arg)
{
	struct bt_fd *watch = bt_alloc(sizeof(*watch));
	int err;

	watch->loop = loop;
	watch->fd = fd;
	watch->fn = fn;
	watch->arg = arg;
	watch->event = need(event_new(loop->base, fd, EV_PERSIST, on_fd, watch));
	loop->handles++;
	err = bt_fd_want(watch, want);
	if (err) {
		bt_fd_free(watch);
		errno = -err;
		return NULL;
	}
	return watch;
}

/**
 * bt_fd_want() - change what a descriptor is watched for
 * @watch: watch
 * @want: BT_FD_READ, BT_FD_WRITE, both or 0
 *
 * Return: 0, or a negative errno and nothing is watched any more.
 */
int bt_fd_want(struct bt_fd *watch, unsigned int want)
{
	short what = EV_PERSIST;

	if (want == watch->want)
		return 0;
	if (want & BT_FD_READ)
		what |= EV_READ;
	if (want & BT_FD_WRITE)
		what |= EV_WRITE;
	event_del(watch->event);
	watch->want = 0;
	if (!want)
		return 0;
	errno = 0;
	if (event_assign(watch->event, watch->loop->base, watch->fd, what, on_fd, watch) ||
	    event_add(watch->event, NULL))
		return errno ? -errno : -EINVAL;
	watch->want = want;
	return 0;
}

/**
 * bt_fd_free() - stop watching a descriptor
 * @watch: watch or NULL
 */
void bt_fd_free(struct bt_fd *watch)
{
	if (!watch)
		return;
	watch->loop->handles--;
	event_free(watch->event);
	free(watch);
}

static void on_timer(evutil_socket_t fd, short what, void *arg)
{
	struct bt_timer *timer = arg;

	timer->fn(timer->arg);
}

/**
 * bt_timer_new() - make a timer, which does not run yet
 * @loop: loop
 * @fn: called when it expires
 * @arg: passed to @fn
 *
 * Return: the timer, which is the caller's.
 */
struct bt_timer *bt_timer_new(struct bt_loop *loop, bt_loop_fn fn, void *arg)
{
	struct bt_timer *timer = bt_alloc(sizeof(*timer));

	timer->loop = loop;
	timer->fn = fn;
	timer->arg = arg;
	timer->event = need(event_new(loop->base, -1, 0, on_timer, timer));
	loop->handles++;
	return timer;
}

static void timer_start(struct bt_timer *timer, uint64_t ms, short what)
{
	struct timeval in;

	/* A year: more would overflow on its way to the kernel */
	if (ms > 31536000000ull)
		ms = 31536000000ull;
	in.tv_sec = ms / 1000;
	in.tv_usec = ms % 1000 * 1000;
	event_del(timer->event);
	if (event_assign(timer->event, timer->loop->base, -1, what, on_timer, timer) ||
	    event_add(timer->event, &in))
		need(NULL);
}

/**
 * bt_timer_start() - expire once
 * @timer: timer; if it runs, it starts anew
 * @ms: milliseconds from now; 0 is the next turn of the loop
 */
void bt_timer_start(struct bt_timer *timer, uint64_t ms)
{
	timer_start(timer, ms, 0);
}

/**
 * bt_timer_start_periodic() - expire again and again
 * @timer: timer; if it runs, it starts anew
 * @ms: milliseconds between two calls; at least 1
 */
void bt_timer_start_periodic(struct bt_timer *timer, uint64_t ms)
{
	timer_start(timer, ms ? ms : 1, EV_PERSIST);
}

/**
 * bt_timer_stop() - do not expire
 * @timer: timer, running or not; also one that has expired but was not called yet
 */
void bt_timer_stop(struct bt_timer *timer)
{
	event_del(timer->event);
}

/**
 * bt_timer_pending() - will it expire?
 * @timer: timer
 */
bool bt_timer_pending(const struct bt_timer *timer)
{
	return event_pending(timer->event, EV_TIMEOUT, NULL);
}

/**
 * bt_timer_free() - stop and free a timer
 * @timer: timer or NULL
 */
void bt_timer_free(struct bt_timer *timer)
{
	if (!timer)
		return;
	timer->loop->handles--;
	event_free(timer->event);
	free(timer);
}

static void on_signal(evutil_socket_t signo, short what, void *arg)
{
	struct bt_signal *sig = arg;

	sig->fn(sig->arg);
}

/**
 * bt_signal_new() - catch a signal
 * @loop: loop; only one loop of a process may catch signals
 * @signo: its number
 * @fn: called from the loop, not in signal context
 * @arg: passed to @fn
 *
 * Return: the handle, which is the caller's, or NULL with errno set.
 */
struct bt_signal *bt_signal_new(struct bt_loop *loop, int signo, bt_loop_fn fn, void *arg)
{
	struct bt_signal *sig = bt_alloc(sizeof(*sig));

	sig->loop = loop;
	sig->fn = fn;
	sig->arg = arg;
	errno = 0;
	sig->event = event_new(loop->base, signo, EV_SIGNAL | EV_PERSIST, on_signal, sig);
	if (!sig->event || event_add(sig->event, NULL)) {
		int err = errno ? errno : EINVAL;

		if (sig->event)
			event_free(sig->event);
		free(sig);
		errno = err;
		return NULL;
	}
	loop->handles++;
	return sig;
}

/**
 * bt_signal_free() - give a signal its former action back
 * @sig: handle or NULL
 */
void bt_signal_free(struct bt_signal *sig)
{
	if (!sig)
		return;
	sig->loop->handles--;
	event_free(sig->event);
	free(sig);
}

/**
 * bt_work_new() - make work that can be put off
 * @loop: loop
 * @fn: called once for each time that it is queued
 * @arg: passed to @fn
 *
 * For what must not happen in the middle of something else: changing a list that
 * somebody walks, coalescing many changes into one reaction.
 * Return: the work, which is the caller's.
 */
struct bt_work *bt_work_new(struct bt_loop *loop, bt_loop_fn fn, void *arg)
{
	struct bt_work *work = bt_alloc(sizeof(*work));

	work->loop = loop;
	work->fn = fn;
	work->arg = arg;
	loop->handles++;
	return work;
}

/**
 * bt_work_queue() - run once, after the current callback
 * @work: work; if it is queued already, it keeps its place and runs once
 */
void bt_work_queue(struct bt_work *work)
{
	if (work->queued)
		return;
	TAILQ_INSERT_TAIL(&work->loop->queued, work, entry);
	work->queued = true;
	work->turn = work->loop->turn;
	/* run_work() arms for what is queued while it runs */
	if (!work->loop->in_work)
		work_arm(work->loop);
}

/**
 * bt_work_cancel() - take work back
 * @work: work, queued or not
 */
void bt_work_cancel(struct bt_work *work)
{
	work_unlink(work);
}

/**
 * bt_work_free() - free work, also if it is queued
 * @work: work or NULL
 */
void bt_work_free(struct bt_work *work)
{
	if (!work)
		return;
	work_unlink(work);
	work->loop->handles--;
	free(work);
}
