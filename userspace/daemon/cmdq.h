/* SPDX-License-Identifier: GPL-2.0 */
#ifndef BT_CMDQ_H
#define BT_CMDQ_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/queue.h>

#include "loop.h"

/*
 * Commands of a connection that takes one at a time: a bounded queue, one command
 * active, with a deadline. For vici_conn.c and bird_conn.c, which embed both structs.
 */
#define BT_CMDQ_MAX	256

/**
 * struct bt_cmd - a command; the first member of its owner's own struct
 * @entry: in the queue
 * @timeout_ms: from when it becomes active
 * @arg: of its callbacks, for bt_cmdq_forget()
 * @forgotten: they must not be called any more
 * @urgent: goes before those that are not
 */
struct bt_cmd {
	TAILQ_ENTRY(bt_cmd) entry;
	unsigned int timeout_ms;
	void *arg;
	bool forgotten;
	bool urgent;
};

/**
 * struct bt_cmdq_ops - what the owner of a queue does
 * @start: @cmd is active now: send it
 * @finish: @cmd is over: unless it is forgotten, tell who waits for it, then free it
 * @expired: the deadline of the active command has passed. The protocols have no
 *	request ids: an answer that comes late would be taken for the next command's, so
 *	the connection has to go
 */
struct bt_cmdq_ops {
	void (*start)(void *owner, struct bt_cmd *cmd);
	void (*finish)(void *owner, struct bt_cmd *cmd, int err, const void *reply);
	void (*expired)(void *owner);
};

TAILQ_HEAD(bt_cmd_list, bt_cmd);

struct bt_cmdq {
	const struct bt_cmdq_ops *ops;
	void *owner;
	struct bt_cmd_list waiting;
	size_t n_waiting;
	struct bt_cmd *active;
	struct bt_timer *deadline;
};

void bt_cmdq_init(struct bt_cmdq *q, struct bt_loop *loop, const struct bt_cmdq_ops *ops,
		  void *owner);
size_t bt_cmdq_room(const struct bt_cmdq *q);
int bt_cmdq_add(struct bt_cmdq *q, struct bt_cmd *cmd);
void bt_cmdq_kick(struct bt_cmdq *q);
void bt_cmdq_finish(struct bt_cmdq *q, int err, const void *reply);
void bt_cmdq_fail(struct bt_cmdq *q, int err_active, int err_waiting);
void bt_cmdq_forget(struct bt_cmdq *q, const void *arg);
void bt_cmdq_fini(struct bt_cmdq *q);

#endif /* BT_CMDQ_H */
