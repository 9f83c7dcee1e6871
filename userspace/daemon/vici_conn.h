/* SPDX-License-Identifier: GPL-2.0 */
#ifndef BT_VICI_CONN_H
#define BT_VICI_CONN_H

#include <stdbool.h>

#include "loop.h"
#include "vici_tree.h"
#include "vici_wire.h"

/*
 * A connection to charon's vici socket. It is made, and made again, by itself; charon
 * may start, die and restart at any moment. All callbacks come from the loop; each may
 * call any function of this header, bt_vici_conn_free() too.
 *
 * Nothing is kept over a reconnect but the subscriptions: what was asked for of the
 * charon that died has no meaning for the next one. So after each state(true) ask for
 * everything anew: events that were missed are in the lists.
 */
struct bt_vici_conn;

#define BT_VICI_TIMEOUT_MS	10000

/**
 * struct bt_vici_config - a connection's settings
 * @path: of the socket
 * @events: names to subscribe to, then NULL; stays the caller's for the connection's
 *	life. May be NULL
 * @state: true: connected and subscribed, commands may be sent. false: no more, and all
 *	commands have been told. Begins with true and alternates
 * @event: one of @events came, while connected. @msg lives for the call only
 * @arg: passed to both
 * @timeout_ms: for subscribing; 0: BT_VICI_TIMEOUT_MS
 * @retry_min_ms: see struct bt_stream_config
 * @retry_max_ms: see struct bt_stream_config
 */
struct bt_vici_config {
	const char *path;
	const char *const *events;
	void (*state)(void *arg, bool up);
	void (*event)(void *arg, const char *name, const struct bt_vici_node *msg);
	void *arg;
	unsigned int timeout_ms;
	unsigned int retry_min_ms;
	unsigned int retry_max_ms;
};

/**
 * struct bt_vici_command - what to ask for
 * @name: of the command, as in strongSwan's README; copied
 * @args: its message, built without a mistake; taken over and wiped, also on failure.
 *	NULL: none
 * @stream: for commands that list: the event that carries the entries ("list-sa" for
 *	list-sas), none of the subscribed ones; copied. Registered for the command only
 * @timeout_ms: from when it is sent until it is done; 0: BT_VICI_TIMEOUT_MS. When it
 *	passes, the connection is made anew: vici has no request ids, so a late answer
 *	would be taken for another's
 * @item: one entry of the list; @msg lives for the call only
 * @done: called exactly once if bt_vici_conn_send() returned 0, unless forgotten.
 *	@err	0		success; @reply lives for the call only, is not NULL
 *		-EREMOTEIO	charon refuses: bt_vici_success(@reply) has its words
 *		-EOPNOTSUPP	charon knows no such command or event
 *		-ECONNRESET	connection lost; may have been carried out or not
 *		-ETIMEDOUT	no answer in time; likewise
 *		-ENOTCONN	connection lost before it was sent
 *		-ECANCELED	bt_vici_conn_free()
 *	@reply is NULL with all but the first two. May be NULL
 * @arg: passed to both
 */
struct bt_vici_command {
	const char *name;
	struct bt_vici_msg *args;
	const char *stream;
	unsigned int timeout_ms;
	void (*item)(void *arg, const struct bt_vici_node *msg);
	void (*done)(void *arg, int err, const struct bt_vici_node *reply);
	void *arg;
};

struct bt_vici_conn *bt_vici_conn_new(struct bt_loop *loop, const struct bt_vici_config *config);
bool bt_vici_conn_is_up(const struct bt_vici_conn *conn);
size_t bt_vici_conn_room(const struct bt_vici_conn *conn);
int bt_vici_conn_send(struct bt_vici_conn *conn, const struct bt_vici_command *command);
void bt_vici_conn_forget(struct bt_vici_conn *conn, const void *arg);
void bt_vici_conn_free(struct bt_vici_conn *conn);

#endif /* BT_VICI_CONN_H */
