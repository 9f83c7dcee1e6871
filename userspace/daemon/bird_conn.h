/* SPDX-License-Identifier: GPL-2.0 */
#ifndef BT_BIRD_CONN_H
#define BT_BIRD_CONN_H

#include <stdbool.h>

#include "bird_wire.h"
#include "loop.h"

/*
 * A connection to BIRD's control socket. As with charon's (vici_conn.h): it is made, and
 * made again, by itself; all callbacks come from the loop, and each may call any
 * function of this header, bt_bird_conn_free() too.
 */
struct bt_bird_conn;

#define BT_BIRD_TIMEOUT_MS	10000

/**
 * struct bt_bird_config - a connection's settings
 * @path: of the socket
 * @state: true: connected and greeted, commands may be sent. false: no more, and all
 *	commands have been told. Begins with true and alternates
 * @async: BIRD says something unasked, for people; may be NULL
 * @arg: passed to both
 * @timeout_ms: for the greeting; 0: BT_BIRD_TIMEOUT_MS
 * @retry_min_ms: see struct bt_stream_config
 * @retry_max_ms: see struct bt_stream_config
 */
struct bt_bird_config {
	const char *path;
	void (*state)(void *arg, bool up);
	void (*async)(void *arg, const char *text);
	void *arg;
	unsigned int timeout_ms;
	unsigned int retry_min_ms;
	unsigned int retry_max_ms;
};

/**
 * typedef bt_bird_done_fn - a command is done
 * @arg: as given to bt_bird_conn_send()
 * @err: 0 success
 *	-EREMOTEIO	BIRD reports an error: @reply->error
 *	-ECONNRESET	connection lost; may have been carried out or not
 *	-ETIMEDOUT	no complete reply in time; likewise
 *	-ENOTCONN	connection lost before it was sent
 *	-ECANCELED	bt_bird_conn_free()
 * @reply: NULL with all but the first two; lives for the call only
 */
typedef void (*bt_bird_done_fn)(void *arg, int err, const struct bt_bird_reply *reply);

struct bt_bird_conn *bt_bird_conn_new(struct bt_loop *loop, const struct bt_bird_config *config);
bool bt_bird_conn_is_up(const struct bt_bird_conn *conn);
int bt_bird_conn_send(struct bt_bird_conn *conn, const char *command, unsigned int timeout_ms,
		      bt_bird_done_fn done, void *arg);
int bt_bird_conn_send_urgent(struct bt_bird_conn *conn, const char *command,
			     bt_bird_done_fn done, void *arg);
size_t bt_bird_conn_room(const struct bt_bird_conn *conn);
void bt_bird_conn_forget(struct bt_bird_conn *conn, const void *arg);
void bt_bird_conn_free(struct bt_bird_conn *conn);

#endif /* BT_BIRD_CONN_H */
