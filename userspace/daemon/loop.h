/* SPDX-License-Identifier: GPL-2.0 */
#ifndef BT_LOOP_H
#define BT_LOOP_H

#include <stdbool.h>
#include <stdint.h>

/*
 * The event loop, one thread. Everything made here belongs to its creator, is freed
 * with its own *_free() before the loop is, and may be freed at any moment, also from
 * its own callback: after *_free() the callback is not called any more. *_free(NULL)
 * does nothing. No callback is ever called from within a function of this header but
 * bt_loop_run().
 */
struct bt_loop;
struct bt_fd;
struct bt_timer;
struct bt_signal;
struct bt_work;

/* What a descriptor is watched for, or is ready for. */
#define BT_FD_READ	1u
#define BT_FD_WRITE	2u

typedef void (*bt_fd_fn)(void *arg, unsigned int ready);
typedef void (*bt_loop_fn)(void *arg);

struct bt_loop *bt_loop_new(void);
void bt_loop_free(struct bt_loop *loop);
int bt_loop_run(struct bt_loop *loop);
void bt_loop_stop(struct bt_loop *loop);

/* For evhttp and bufferevents only: they bring their own watches. */
struct event_base *bt_loop_event_base(struct bt_loop *loop);

struct bt_fd *bt_fd_new(struct bt_loop *loop, int fd, unsigned int want, bt_fd_fn fn, void *arg);
int bt_fd_want(struct bt_fd *watch, unsigned int want);
void bt_fd_free(struct bt_fd *watch);

struct bt_timer *bt_timer_new(struct bt_loop *loop, bt_loop_fn fn, void *arg);
void bt_timer_start(struct bt_timer *timer, uint64_t ms);
void bt_timer_start_periodic(struct bt_timer *timer, uint64_t ms);
void bt_timer_stop(struct bt_timer *timer);
bool bt_timer_pending(const struct bt_timer *timer);
void bt_timer_free(struct bt_timer *timer);

struct bt_signal *bt_signal_new(struct bt_loop *loop, int signo, bt_loop_fn fn, void *arg);
void bt_signal_free(struct bt_signal *sig);

struct bt_work *bt_work_new(struct bt_loop *loop, bt_loop_fn fn, void *arg);
void bt_work_queue(struct bt_work *work);
void bt_work_cancel(struct bt_work *work);
void bt_work_free(struct bt_work *work);

#endif /* BT_LOOP_H */
