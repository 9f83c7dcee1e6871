// SPDX-License-Identifier: GPL-2.0
/*
 * A client's end of a unix stream socket that reconnects. Knows nothing of what is
 * said over it.
 *
 *	            attempt fails
 *	             +-------+
 *	             v       |
 *	  new -> [waiting, timer] --connected: up()--> [connected, fd]
 *	             ^                                       |
 *	             +---end, error, bt_stream_drop(): down()+
 */
#include "stream.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/queue.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "log.h"

#define READ_SIZE	16384
#define READS_PER_TURN	8	/* then the others of the loop get their turn */
#define SEND_PIECES	8

struct piece {
	TAILQ_ENTRY(piece) entry;
	struct bt_buf data;
	size_t sent;
};

TAILQ_HEAD(piece_list, piece);

struct bt_stream {
	struct bt_stream_config config;
	struct sockaddr_un address;
	struct bt_loop *loop;
	struct bt_fd *watch;
	struct bt_timer *retry;
	struct piece_list out;
	int fd;			/* -1: waiting */
	unsigned int pause_ms;	/* before the next attempt */
	uint64_t up_at;
	unsigned int busy;	/* callbacks under way: the memory must stay */
	bool dead;		/* bt_stream_free() was called */
	bool complained;
};

static void on_ready(void *arg, unsigned int ready);

/* To be followed by leave(), after which the stream may be gone. */
static void enter(struct bt_stream *stream)
{
	stream->busy++;
}

static void leave(struct bt_stream *stream)
{
	if (!--stream->busy && stream->dead)
		free(stream);
}

/* What was sent may have been a secret. */
static void piece_free(struct bt_stream *stream, struct piece *piece)
{
	TAILQ_REMOVE(&stream->out, piece, entry);
	bt_buf_wipe(&piece->data);
	free(piece);
}

static void discard_output(struct bt_stream *stream)
{
	struct piece *piece;

	while ((piece = TAILQ_FIRST(&stream->out)))
		piece_free(stream, piece);
}

static void disconnect(struct bt_stream *stream)
{
	bt_fd_free(stream->watch);
	stream->watch = NULL;
	if (stream->fd >= 0)
		close(stream->fd);
	stream->fd = -1;
	discard_output(stream);
}

static void pause_then_retry(struct bt_stream *stream)
{
	bt_timer_start(stream->retry, stream->pause_ms);
	stream->pause_ms *= 2;
	if (stream->pause_ms > stream->config.retry_max_ms)
		stream->pause_ms = stream->config.retry_max_ms;
}

/* Returns a negative errno, or 0 with stream->fd and the watch in place. */
static int open_socket(struct bt_stream *stream)
{
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);

	if (fd < 0)
		return -errno;
	/* Unix sockets connect at once or not at all; EAGAIN is a full backlog */
	if (!connect(fd, (struct sockaddr *)&stream->address, sizeof(stream->address)))
		stream->watch = bt_fd_new(stream->loop, fd, BT_FD_READ, on_ready, stream);
	if (!stream->watch) {
		int err = -errno;

		close(fd);
		return err;
	}
	stream->fd = fd;
	return 0;
}

static void try_connect(void *arg)
{
	struct bt_stream *stream = arg;
	int err = open_socket(stream);

	if (err) {
		if (!stream->complained)
			bt_notice("%s: cannot connect to %s (%s), trying on", stream->config.name,
				  stream->config.path, strerror(-err));
		stream->complained = true;
		pause_then_retry(stream);
		return;
	}
	bt_debug("%s: connected to %s", stream->config.name, stream->config.path);
	stream->complained = false;
	stream->up_at = bt_now_ms();
	enter(stream);
	stream->config.up(stream->config.arg);
	leave(stream);
}

/*
 * Sends what can be sent without waiting. Errors are left to the reading side: what
 * the other end said before it went away can still be read there.
 */
static void send_some(struct bt_stream *stream)
{
	struct iovec iov[SEND_PIECES];
	struct msghdr msg = { .msg_iov = iov };
	struct piece *piece;
	ssize_t n;

	TAILQ_FOREACH(piece, &stream->out, entry) {
		if (msg.msg_iovlen == SEND_PIECES)
			break;
		iov[msg.msg_iovlen].iov_base = piece->data.data + piece->sent;
		iov[msg.msg_iovlen++].iov_len = piece->data.len - piece->sent;
	}
	if (!msg.msg_iovlen)
		return;
	n = sendmsg(stream->fd, &msg, MSG_NOSIGNAL);
	if (n < 0 && errno != EAGAIN && errno != EINTR) {
		bt_debug("%s: send: %s", stream->config.name, strerror(errno));
		discard_output(stream);
	}
	while (n > 0 && (piece = TAILQ_FIRST(&stream->out))) {
		size_t left = piece->data.len - piece->sent;

		if ((size_t)n < left) {
			piece->sent += n;
			break;
		}
		n -= left;
		piece_free(stream, piece);
	}
}

static void watch_as_needed(struct bt_stream *stream)
{
	unsigned int want = BT_FD_READ | (TAILQ_EMPTY(&stream->out) ? 0 : BT_FD_WRITE);
	int err = bt_fd_want(stream->watch, want);

	if (err)
		bt_stream_drop(stream, err);
}

/* Returns 0, -EAGAIN when there is nothing more for now, or the reason to drop. */
static int read_some(struct bt_stream *stream)
{
	char data[READ_SIZE];
	ssize_t n = read(stream->fd, data, sizeof(data));

	if (n < 0)
		return errno == EINTR ? -EAGAIN : -errno;
	if (!n)
		return -ECONNRESET;
	stream->config.input(stream->config.arg, data, n);
	return 0;
}

static void on_ready(void *arg, unsigned int ready)
{
	struct bt_stream *stream = arg;
	int err = 0;
	int i;

	enter(stream);
	if (ready & BT_FD_WRITE) {
		send_some(stream);
		watch_as_needed(stream);
	}
	/* Each input() may drop or free the stream */
	for (i = 0; (ready & BT_FD_READ) && i < READS_PER_TURN && stream->fd >= 0 && !err; i++)
		err = read_some(stream);
	if (err && err != -EAGAIN)
		bt_stream_drop(stream, err);
	leave(stream);
}

/**
 * bt_stream_new() - connect, and stay connected
 * @loop: loop
 * @config: copied, but for the name
 *
 * The first attempt is made from the loop.
 * Return: the stream, which is the caller's, or NULL with errno ENAMETOOLONG if no
 * socket can have that path.
 */
struct bt_stream *bt_stream_new(struct bt_loop *loop, const struct bt_stream_config *config)
{
	struct bt_stream *stream;

	if (strlen(config->path) >= sizeof(stream->address.sun_path)) {
		errno = ENAMETOOLONG;
		return NULL;
	}
	stream = bt_alloc(sizeof(*stream));
	stream->config = *config;
	stream->address.sun_family = AF_UNIX;
	strcpy(stream->address.sun_path, config->path);
	stream->config.path = stream->address.sun_path;
	if (!stream->config.retry_min_ms)
		stream->config.retry_min_ms = BT_STREAM_RETRY_MIN_MS;
	if (!stream->config.retry_max_ms)
		stream->config.retry_max_ms = BT_STREAM_RETRY_MAX_MS;
	stream->pause_ms = stream->config.retry_min_ms;
	stream->loop = loop;
	stream->fd = -1;
	TAILQ_INIT(&stream->out);
	stream->retry = bt_timer_new(loop, try_connect, stream);
	bt_timer_start(stream->retry, 0);
	return stream;
}

/**
 * bt_stream_is_up() - is there a connection?
 * @stream: stream
 */
bool bt_stream_is_up(const struct bt_stream *stream)
{
	return stream->fd >= 0;
}

/**
 * bt_stream_send() - send bytes
 * @stream: stream
 * @data: taken over: it is empty afterwards, and its memory is wiped once it was sent.
 *	Without a connection it is wiped at once
 *
 * No callback is called from here; a failure is told by a later down().
 */
void bt_stream_send(struct bt_stream *stream, struct bt_buf *data)
{
	struct piece *piece;

	if (stream->fd < 0 || !data->len) {
		bt_buf_wipe(data);
		return;
	}
	piece = bt_alloc(sizeof(*piece));
	piece->data = *data;
	*data = (struct bt_buf){};
	TAILQ_INSERT_TAIL(&stream->out, piece, entry);
	/* Not when others wait already: they are sent when the socket has room again */
	if (piece == TAILQ_FIRST(&stream->out))
		send_some(stream);
	if (!TAILQ_EMPTY(&stream->out) &&
	    bt_fd_want(stream->watch, BT_FD_READ | BT_FD_WRITE))
		shutdown(stream->fd, SHUT_RDWR);	/* reading ends it, from the loop */
}

/**
 * bt_stream_drop() - end the connection and make a new one
 * @stream: stream; without a connection nothing happens
 * @err: the reason, a negative errno, for down(), which is called from here
 */
void bt_stream_drop(struct bt_stream *stream, int err)
{
	if (stream->fd < 0 || stream->dead)
		return;
	bt_info("%s: connection lost: %s", stream->config.name, strerror(-err));
	disconnect(stream);
	/* One that ends at once shall not be tried at full speed for ever */
	if (bt_now_ms() - stream->up_at >= stream->config.retry_max_ms)
		stream->pause_ms = stream->config.retry_min_ms;
	pause_then_retry(stream);
	enter(stream);
	stream->config.down(stream->config.arg, err);
	leave(stream);
}

/**
 * bt_stream_free() - disconnect and free a stream
 * @stream: stream or NULL; no callback is called any more
 */
void bt_stream_free(struct bt_stream *stream)
{
	if (!stream || stream->dead)
		return;
	stream->dead = true;
	disconnect(stream);
	bt_timer_free(stream->retry);
	if (!stream->busy)
		free(stream);
}
