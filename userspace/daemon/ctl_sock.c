// SPDX-License-Identifier: GPL-2.0
/*
 * The control socket: lines of JSON, one answer for each request, for root alone. A
 * client that does not read its answers, or sends without end, is dropped.
 */
#include "ctl_sock.h"

#include <errno.h>
#include <libgen.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "ctl.h"
#include "log.h"
#include "util.h"

#define MAX_CLIENTS	16
#define MAX_REQUEST	(64 * 1024)
#define BACKLOG		8

/**
 * struct client - who is connected
 * @sock: the socket it came by
 * @fd: its own
 * @watch: its place in the loop
 * @in: request so far
 * @out: answer that is still to be written
 */
struct client {
	struct bt_ctl_sock *sock;
	int fd;
	struct bt_fd *watch;
	struct bt_buf in;
	struct bt_buf out;
};

/**
 * struct bt_ctl_sock - the socket
 * @d: daemon
 * @path: of the socket
 * @fd: that listens
 * @watch: its place in the loop
 * @clients: who is connected; NULL: free
 */
struct bt_ctl_sock {
	struct bt_daemon *d;
	char *path;
	int fd;
	struct bt_fd *watch;
	struct client *clients[MAX_CLIENTS];
};

static void client_free(struct client *c)
{
	size_t i;

	for (i = 0; i < MAX_CLIENTS; i++)
		if (c->sock->clients[i] == c)
			c->sock->clients[i] = NULL;
	bt_fd_free(c->watch);
	close(c->fd);
	bt_buf_free(&c->in);
	bt_buf_free(&c->out);
	free(c);
}

/* Returns false if the client is gone. */
static bool flush_out(struct client *c)
{
	ssize_t n;

	while (c->out.len) {
		n = send(c->fd, c->out.data, c->out.len, MSG_NOSIGNAL | MSG_DONTWAIT);
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0 && errno == EAGAIN)
			break;
		if (n < 0) {
			client_free(c);
			return false;
		}
		bt_buf_consume(&c->out, (size_t)n);
	}
	/* No further request before the answer is read. */
	bt_fd_want(c->watch, c->out.len ? BT_FD_WRITE : BT_FD_READ);
	return true;
}

static void answer_line(struct client *c, size_t len)
{
	struct json_object *reply = bt_ctl_call(c->sock->d, c->in.data, len);

	bt_buf_puts(&c->out, json_object_to_json_string_ext(reply, JSON_C_TO_STRING_PLAIN));
	bt_buf_puts(&c->out, "\n");
	json_object_put(reply);
	bt_buf_consume(&c->in, len + 1);
}

/* The complete lines that are there, as far as their answers are taken. */
static void answer_lines(struct client *c)
{
	const char *end;

	while (!c->out.len && c->in.len && (end = memchr(c->in.data, '\n', c->in.len))) {
		answer_line(c, (size_t)(end - c->in.data));
		if (!flush_out(c))
			return;
	}
	/* Nothing is read while an answer waits, so lines that wait with it are not many. */
	if (!c->out.len && c->in.len > MAX_REQUEST) {
		bt_warn("control socket: a request without end");
		client_free(c);
	}
}

static void on_readable(struct client *c)
{
	ssize_t n;

	bt_buf_reserve(&c->in, 4096);
	n = recv(c->fd, c->in.data + c->in.len, 4096, MSG_DONTWAIT);
	if (n < 0 && (errno == EAGAIN || errno == EINTR))
		return;
	if (n <= 0) {
		client_free(c);
		return;
	}
	c->in.len += (size_t)n;
	c->in.data[c->in.len] = '\0';
	answer_lines(c);
}

/* One of the two is waited for at a time. */
static void on_client(void *arg, unsigned int ready)
{
	struct client *c = arg;

	if (!c->out.len)
		on_readable(c);
	else if (flush_out(c))
		answer_lines(c);
}

static bool allowed(int fd)
{
	struct ucred peer;
	socklen_t len = sizeof(peer);

	if (getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &peer, &len))
		return false;
	return peer.uid == 0 || peer.uid == geteuid();
}

static void on_connect(void *arg, unsigned int ready)
{
	struct bt_ctl_sock *s = arg;
	struct client *c;
	size_t i;
	int fd;

	fd = accept4(s->fd, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);
	if (fd < 0)
		return;
	for (i = 0; i < MAX_CLIENTS && s->clients[i]; i++)
		;
	if (i == MAX_CLIENTS || !allowed(fd)) {
		close(fd);
		return;
	}
	c = bt_alloc(sizeof(*c));
	c->sock = s;
	c->fd = fd;
	c->watch = bt_fd_new(s->d->loop, fd, BT_FD_READ, on_client, c);
	s->clients[i] = c;
}

static bool is_socket(const char *path)
{
	struct stat st;

	return !lstat(path, &st) && S_ISSOCK(st.st_mode);
}

/*
 * One that a dead daemon left behind is in the way; that of a live one is not ours, nor
 * is anything else that somebody has there.
 */
static int take_path(const char *path, const struct sockaddr_un *addr, struct bt_error *e)
{
	char *copy = bt_strdup(path);
	const char *dir = dirname(copy);
	int fd, err = 0;

	if (mkdir(dir, 0755) && errno != EEXIST)
		err = bt_error_set(e, -errno, "%s: %s", dir, strerror(errno));
	free(copy);
	fd = err ? -1 : socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (fd < 0)
		return err ? err : bt_error_set(e, -errno, "socket: %s", strerror(errno));
	/* With EAGAIN somebody listens who does not come to accept. */
	if (!connect(fd, (const struct sockaddr *)addr, sizeof(*addr)) || errno == EAGAIN)
		err = bt_error_set(e, -EADDRINUSE, "%s: another bowtied is running", path);
	else if (errno == ECONNREFUSED && is_socket(path))
		unlink(path);
	close(fd);
	return err;
}

static int listen_on(struct bt_ctl_sock *s, struct bt_error *e)
{
	struct sockaddr_un addr = { .sun_family = AF_UNIX };
	mode_t mask;
	int err;

	if (strlen(s->path) >= sizeof(addr.sun_path))
		return bt_error_set(e, -ENAMETOOLONG, "%s: too long for a socket", s->path);
	strcpy(addr.sun_path, s->path);
	err = take_path(s->path, &addr, e);
	if (err)
		return err;
	s->fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	mask = umask(0177);
	if (s->fd < 0 || bind(s->fd, (struct sockaddr *)&addr, sizeof(addr)) ||
	    listen(s->fd, BACKLOG))
		err = bt_error_set(e, -errno, "%s: %s", s->path, strerror(errno));
	umask(mask);
	return err;
}

/**
 * bt_ctl_sock_new() - begin to take requests
 * @d: daemon
 * @path: of the socket
 * @e: says what is wrong
 *
 * Return: the socket, or NULL.
 */
struct bt_ctl_sock *bt_ctl_sock_new(struct bt_daemon *d, const char *path, struct bt_error *e)
{
	struct bt_ctl_sock *s = bt_alloc(sizeof(*s));

	s->d = d;
	s->path = bt_strdup(path);
	s->fd = -1;
	if (listen_on(s, e)) {
		if (s->fd >= 0)
			close(s->fd);
		free(s->path);
		free(s);
		return NULL;
	}
	s->watch = bt_fd_new(d->loop, s->fd, BT_FD_READ, on_connect, s);
	return s;
}

/**
 * bt_ctl_sock_free() - end it
 * @s: socket, or NULL
 */
void bt_ctl_sock_free(struct bt_ctl_sock *s)
{
	size_t i;

	if (!s)
		return;
	for (i = 0; i < MAX_CLIENTS; i++)
		if (s->clients[i])
			client_free(s->clients[i]);
	bt_fd_free(s->watch);
	close(s->fd);
	unlink(s->path);
	free(s->path);
	free(s);
}
