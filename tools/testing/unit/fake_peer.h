/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The other end of a unix socket, in this process and on the same loop, for the tests of
 * the connections: it can say anything, in pieces of any size, and go away at any moment.
 * One client at a time. Also what these tests have in common: a transcript of all that
 * happens, which they compare as a whole.
 *
 * To be included once, after cmocka.h.
 */
#ifndef BT_FAKE_PEER_H
#define BT_FAKE_PEER_H

#include <dirent.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "daemon/loop.h"
#include "util.h"

#define FAKE_DEADLINE_MS	20000

struct fake {
	struct bt_loop *loop;
	char dir[32];
	struct sockaddr_un address;
	int listener;
	int fd;
	struct bt_fd *accept_watch;
	struct bt_fd *watch;
	struct bt_timer *drip;
	struct bt_timer *deadline;
	struct bt_buf in;		/* not yet consumed by input() */
	struct bt_buf out;		/* not yet sent */
	struct bt_buf log;		/* the transcript */
	size_t want;			/* stop when it is so long */
	bool late;
	bool byte_by_byte;		/* one byte a turn of the loop */
	bool deaf;			/* does not read */
	unsigned int accepted;
	void (*greet)(struct fake *fake);
	void (*input)(struct fake *fake);
	void *arg;
};

static inline void fake_hangup(struct fake *fake)
{
	bt_timer_stop(fake->drip);
	bt_fd_free(fake->watch);
	fake->watch = NULL;
	if (fake->fd >= 0)
		close(fake->fd);
	fake->fd = -1;
	bt_buf_free(&fake->in);
	bt_buf_free(&fake->out);
}

static inline void fake_on_ready(void *arg, unsigned int ready)
{
	struct fake *fake = arg;
	ssize_t n;

	bt_buf_reserve(&fake->in, 65536);
	n = read(fake->fd, fake->in.data + fake->in.len, 65536);
	if (n <= 0) {
		fake_hangup(fake);
		return;
	}
	fake->in.len += n;
	fake->in.data[fake->in.len] = '\0';
	fake->input(fake);
}

static inline void fake_hear(struct fake *fake, bool hear)
{
	fake->deaf = !hear;
	if (fake->watch)
		assert_int_equal(bt_fd_want(fake->watch, hear ? BT_FD_READ : 0), 0);
}

static inline void fake_on_accept(void *arg, unsigned int ready)
{
	struct fake *fake = arg;
	int fd = accept4(fake->listener, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);

	assert_true(fd >= 0);
	fake_hangup(fake);
	fake->fd = fd;
	fake->accepted++;
	fake->watch = bt_fd_new(fake->loop, fd, fake->deaf ? 0 : BT_FD_READ, fake_on_ready, fake);
	assert_non_null(fake->watch);
	if (fake->greet)
		fake->greet(fake);
}

/* Sends what is left: all, or a byte, or as much as the socket takes. */
static inline void fake_on_drip(void *arg)
{
	struct fake *fake = arg;
	size_t len = fake->byte_by_byte ? 1 : fake->out.len;
	ssize_t n;

	n = send(fake->fd, fake->out.data, len, MSG_NOSIGNAL);
	if (n > 0)
		bt_buf_consume(&fake->out, n);
	else if (errno != EAGAIN)
		fake->out.len = 0;
	if (fake->out.len)
		bt_timer_start(fake->drip, 0);
}

static inline void fake_send(struct fake *fake, const void *data, size_t len)
{
	if (fake->fd < 0 || !len)
		return;
	bt_buf_add(&fake->out, data, len);
	if (fake->out.len == len)
		fake_on_drip(fake);
}

static inline void fake_listen(struct fake *fake)
{
	fake->listener = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	assert_int_equal(bind(fake->listener, (struct sockaddr *)&fake->address,
			      sizeof(fake->address)), 0);
	assert_int_equal(listen(fake->listener, 5), 0);
	fake->accept_watch = bt_fd_new(fake->loop, fake->listener, BT_FD_READ, fake_on_accept,
				       fake);
	assert_non_null(fake->accept_watch);
}

/* The program dies: no socket, no connection. */
static inline void fake_die(struct fake *fake)
{
	fake_hangup(fake);
	bt_fd_free(fake->accept_watch);
	fake->accept_watch = NULL;
	if (fake->listener >= 0)
		close(fake->listener);
	fake->listener = -1;
	unlink(fake->address.sun_path);
}

static inline void fake_on_deadline(void *arg)
{
	struct fake *fake = arg;

	fake->late = true;
	bt_loop_stop(fake->loop);
}

static inline void fake_init(struct fake *fake)
{
	*fake = (struct fake){ .dir = "/tmp/bt-fake.XXXXXX", .listener = -1, .fd = -1 };
	assert_non_null(mkdtemp(fake->dir));
	fake->address.sun_family = AF_UNIX;
	strcpy(fake->address.sun_path, fake->dir);
	strcat(fake->address.sun_path, "/socket");
	fake->loop = bt_loop_new();
	fake->drip = bt_timer_new(fake->loop, fake_on_drip, fake);
	fake->deadline = bt_timer_new(fake->loop, fake_on_deadline, fake);
	bt_buf_puts(&fake->log, "");
}

static inline void fake_fini(struct fake *fake)
{
	fake_die(fake);
	assert_int_equal(rmdir(fake->dir), 0);
	bt_timer_free(fake->drip);
	bt_timer_free(fake->deadline);
	bt_buf_free(&fake->log);
	bt_loop_free(fake->loop);
}

/* Appends a line to the transcript. */
static inline void note(struct fake *fake, const char *fmt, ...)
	__attribute__((format(printf, 2, 3)));
static inline void note(struct fake *fake, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	bt_buf_vprintf(&fake->log, fmt, ap);
	va_end(ap);
	bt_buf_puts(&fake->log, "\n");
	if (fake->want && fake->log.len >= fake->want)
		bt_loop_stop(fake->loop);
}

/* Runs until so much has happened; it must be exactly this. Begins a new transcript. */
static inline void expect(struct fake *fake, const char *text)
{
	fake->want = strlen(text);
	bt_timer_start(fake->deadline, FAKE_DEADLINE_MS);
	if (fake->log.len < fake->want)
		assert_int_equal(bt_loop_run(fake->loop), 0);
	bt_timer_stop(fake->deadline);
	if (fake->late)
		print_error("late; so far:\n");
	assert_string_equal(fake->log.data, text);
	assert_false(fake->late);
	fake->want = 0;
	fake->log.len = 0;
	fake->log.data[0] = '\0';
}

/* Descriptors of this process: a connection must not leave any behind. */
static inline unsigned int count_fds(void)
{
	DIR *dir = opendir("/proc/self/fd");
	unsigned int n = 0;

	assert_non_null(dir);
	while (readdir(dir))
		n++;
	closedir(dir);
	return n;
}

#endif /* BT_FAKE_PEER_H */
