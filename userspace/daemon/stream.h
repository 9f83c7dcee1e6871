/* SPDX-License-Identifier: GPL-2.0 */
#ifndef BT_STREAM_H
#define BT_STREAM_H

#include <stdbool.h>
#include <stddef.h>

#include "loop.h"
#include "util.h"

/*
 * A connection to a unix stream socket whose other end may come late, go away and come
 * back at any moment. It connects by itself, again and again, with growing pauses.
 */
struct bt_stream;

#define BT_STREAM_RETRY_MIN_MS	100
#define BT_STREAM_RETRY_MAX_MS	2000

/**
 * struct bt_stream_config - what a stream connects to and whom it tells
 * @name: of the other end, for messages; stays the caller's for the stream's life
 * @path: of the socket
 * @retry_min_ms: first pause before the next attempt; 0: BT_STREAM_RETRY_MIN_MS
 * @retry_max_ms: longest pause; 0: BT_STREAM_RETRY_MAX_MS
 * @up: connected
 * @down: not connected any more, and why (negative errno). Each @up is followed by one
 *	@down, unless bt_stream_free() comes first; failed attempts are not told
 * @input: bytes have arrived
 * @arg: passed to all of them
 *
 * All three may call any function of this header, bt_stream_free() too.
 */
struct bt_stream_config {
	const char *name;
	const char *path;
	unsigned int retry_min_ms;
	unsigned int retry_max_ms;
	void (*up)(void *arg);
	void (*down)(void *arg, int err);
	void (*input)(void *arg, const void *data, size_t len);
	void *arg;
};

struct bt_stream *bt_stream_new(struct bt_loop *loop, const struct bt_stream_config *config);
bool bt_stream_is_up(const struct bt_stream *stream);
void bt_stream_send(struct bt_stream *stream, struct bt_buf *data);
void bt_stream_drop(struct bt_stream *stream, int err);
void bt_stream_free(struct bt_stream *stream);

#endif /* BT_STREAM_H */
