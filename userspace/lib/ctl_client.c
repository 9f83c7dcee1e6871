// SPDX-License-Identifier: GPL-2.0
/* A question to bowtied: a line of JSON each way (daemon/ctl.c has the methods). */
#include "ctl_client.h"

#include <errno.h>
#include <json-c/json.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/un.h>
#include <unistd.h>

#include "util.h"

#define MAX_ANSWER	(16 * 1024 * 1024)

static int open_socket(const char *path, unsigned int patience, struct bt_error *e)
{
	struct timeval timeout = { .tv_sec = patience };
	struct sockaddr_un addr = { .sun_family = AF_UNIX };
	int fd, err;

	if (strlen(path) >= sizeof(addr.sun_path))
		return bt_error_set(e, -ENAMETOOLONG, "%s: too long for a socket", path);
	strcpy(addr.sun_path, path);
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (fd < 0)
		return bt_error_set(e, -errno, "socket: %s", strerror(errno));
	setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &timeout, sizeof(timeout));
	setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &timeout, sizeof(timeout));
	if (!connect(fd, (struct sockaddr *)&addr, sizeof(addr)))
		return fd;
	err = -errno;
	close(fd);
	if (err == -ENOENT || err == -ECONNREFUSED)
		return bt_error_set(e, err, "bowtied is not running (%s: %s)", path,
				    strerror(-err));
	return bt_error_set(e, err, "%s: %s", path, strerror(-err));
}

static int send_line(int fd, struct json_object *request, struct bt_error *e)
{
	struct bt_buf line = {};
	size_t done = 0;
	ssize_t n;
	int err = 0;

	bt_buf_puts(&line, json_object_to_json_string_ext(request, JSON_C_TO_STRING_PLAIN));
	bt_buf_puts(&line, "\n");
	while (!err && done < line.len) {
		n = send(fd, line.data + done, line.len - done, MSG_NOSIGNAL);
		if (n > 0)
			done += (size_t)n;
		else if (errno != EINTR)
			err = bt_error_set(e, -errno, "cannot ask bowtied: %s", strerror(errno));
	}
	bt_buf_free(&line);
	return err;
}

static int receive_line(int fd, struct bt_buf *line, struct bt_error *e)
{
	ssize_t n;

	for (;;) {
		bt_buf_reserve(line, 65536);
		n = recv(fd, line->data + line->len, 65536, 0);
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return bt_error_set(e, -errno, "bowtied does not answer: %s",
					    errno == EAGAIN ? "time is up" : strerror(errno));
		if (!n)
			return bt_error_set(e, -ECONNRESET, "bowtied hangs up (are you root?)");
		line->len += (size_t)n;
		if (line->data[line->len - 1] == '\n')
			break;
		if (line->len > MAX_ANSWER)
			return bt_error_set(e, -EMSGSIZE, "bowtied's answer has no end");
	}
	line->data[line->len] = '\0';
	return 0;
}

static struct json_object *take_result(const char *line, struct bt_error *e)
{
	struct json_object *answer = json_tokener_parse(line), *part;

	if (json_object_object_get_ex(answer, "error", &part)) {
		bt_error_set(e, -EREMOTEIO, "%s", json_object_get_string(part));
		part = NULL;
	} else if (json_object_object_get_ex(answer, "result", &part)) {
		json_object_get(part);
	} else {
		bt_error_set(e, -EBADMSG, "bowtied's answer makes no sense");
		part = NULL;
	}
	json_object_put(answer);
	return part;
}

/**
 * bt_ctl_request() - ask bowtied
 * @path: its control socket
 * @request: {"method": NAME, ...}; stays the caller's
 * @patience: how many seconds to wait for it
 * @e: says what is wrong, if bowtied refuses in its own words
 *
 * Return: the result, for the caller to json_object_put(), or NULL.
 */
struct json_object *bt_ctl_request(const char *path, struct json_object *request,
				   unsigned int patience, struct bt_error *e)
{
	struct json_object *result = NULL;
	struct bt_buf line = {};
	int fd = open_socket(path, patience, e);

	if (fd < 0)
		return NULL;
	if (!send_line(fd, request, e) && !receive_line(fd, &line, e))
		result = take_result(line.data, e);
	bt_buf_free(&line);
	close(fd);
	return result;
}
