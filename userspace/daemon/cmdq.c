// SPDX-License-Identifier: GPL-2.0
/*
 * Commands of a connection that takes one at a time.
 *
 * finish() calls strangers, who may queue new commands or free the whole connection.
 * So nothing here touches a command after finish(), and owners keep the queue's memory
 * until the outermost of these calls has returned.
 */
#include "cmdq.h"

#include <errno.h>

static void on_deadline(void *arg)
{
	struct bt_cmdq *q = arg;

	q->ops->expired(q->owner);
}

/**
 * bt_cmdq_init() - make a queue
 * @q: memory for it
 * @loop: loop
 * @ops: kept
 * @owner: passed to them
 */
void bt_cmdq_init(struct bt_cmdq *q, struct bt_loop *loop, const struct bt_cmdq_ops *ops,
		  void *owner)
{
	*q = (struct bt_cmdq){ .ops = ops, .owner = owner };
	TAILQ_INIT(&q->waiting);
	q->deadline = bt_timer_new(loop, on_deadline, q);
}

/**
 * bt_cmdq_room() - how many commands can be appended
 * @q: queue
 */
size_t bt_cmdq_room(const struct bt_cmdq *q)
{
	return BT_CMDQ_MAX - q->n_waiting;
}

/* Urgent ones stay in order among themselves. */
static struct bt_cmd *first_not_urgent(const struct bt_cmdq *q)
{
	struct bt_cmd *cmd;

	TAILQ_FOREACH(cmd, &q->waiting, entry)
		if (!cmd->urgent)
			break;
	return cmd;
}

/**
 * bt_cmdq_add() - append a command
 * @q: queue
 * @cmd: the queue's until ops->finish(), unless this fails
 *
 * Return: 0, or -ENOBUFS if the queue is full.
 */
int bt_cmdq_add(struct bt_cmdq *q, struct bt_cmd *cmd)
{
	struct bt_cmd *next = cmd->urgent ? first_not_urgent(q) : NULL;

	if (!bt_cmdq_room(q))
		return -ENOBUFS;
	if (next)
		TAILQ_INSERT_BEFORE(next, cmd, entry);
	else
		TAILQ_INSERT_TAIL(&q->waiting, cmd, entry);
	q->n_waiting++;
	return 0;
}

/**
 * bt_cmdq_kick() - start the next command unless one is active
 * @q: queue of a connection that is up
 *
 * To be called when all input has been dealt with: an answer that nobody has asked for
 * is then noticed instead of being taken for the next command's.
 */
void bt_cmdq_kick(struct bt_cmdq *q)
{
	struct bt_cmd *cmd = TAILQ_FIRST(&q->waiting);

	if (q->active || !cmd)
		return;
	TAILQ_REMOVE(&q->waiting, cmd, entry);
	q->n_waiting--;
	q->active = cmd;
	bt_timer_start(q->deadline, cmd->timeout_ms);
	q->ops->start(q->owner, cmd);
}

/**
 * bt_cmdq_finish() - end the active command
 * @q: queue
 * @err: 0 or a negative errno
 * @reply: passed on
 */
void bt_cmdq_finish(struct bt_cmdq *q, int err, const void *reply)
{
	struct bt_cmd *cmd = q->active;

	if (!cmd)
		return;
	q->active = NULL;
	bt_timer_stop(q->deadline);
	q->ops->finish(q->owner, cmd, err, reply);
}

/**
 * bt_cmdq_fail() - end all commands
 * @q: queue; its owner takes no new commands meanwhile
 * @err_active: result of the active one, which may have been carried out
 * @err_waiting: result of the others, which were not
 */
void bt_cmdq_fail(struct bt_cmdq *q, int err_active, int err_waiting)
{
	struct bt_cmd *cmd;

	bt_cmdq_finish(q, err_active, NULL);
	while ((cmd = TAILQ_FIRST(&q->waiting))) {
		TAILQ_REMOVE(&q->waiting, cmd, entry);
		q->n_waiting--;
		q->ops->finish(q->owner, cmd, err_waiting, NULL);
	}
}

/**
 * bt_cmdq_forget() - call nobody back any more who goes by some argument
 * @q: queue
 * @arg: their argument
 *
 * The commands stay: what was asked for cannot be taken back.
 */
void bt_cmdq_forget(struct bt_cmdq *q, const void *arg)
{
	struct bt_cmd *cmd;

	if (q->active && q->active->arg == arg)
		q->active->forgotten = true;
	TAILQ_FOREACH(cmd, &q->waiting, entry)
		if (cmd->arg == arg)
			cmd->forgotten = true;
}

/**
 * bt_cmdq_fini() - end a queue and all its commands, with -ECANCELED
 * @q: queue; the memory stays the owner's
 */
void bt_cmdq_fini(struct bt_cmdq *q)
{
	bt_cmdq_fail(q, -ECANCELED, -ECANCELED);
	bt_timer_free(q->deadline);
	q->deadline = NULL;
}
