// SPDX-License-Identifier: GPL-2.0
/*
 * The connection to BIRD: greeting, then one command at a time.
 *
 * A reply that nobody asked for ends the connection, for then nobody knows which command
 * the next one belongs to.
 */
#include "bird_conn.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "cmdq.h"
#include "log.h"
#include "stream.h"
#include "util.h"

struct command {
	struct bt_cmd cmd;	/* first */
	struct bt_buf line;
	bt_bird_done_fn done;
};

struct bt_bird_conn {
	struct bt_bird_config config;
	struct bt_stream *stream;
	struct bt_timer *greeting;
	struct bt_bird_rx rx;
	struct bt_cmdq cmds;
	bool up;
	bool dead;		/* bt_bird_conn_free() was called */
	unsigned int busy;	/* callbacks under way: the memory must stay */
};

static void enter(struct bt_bird_conn *conn)
{
	conn->busy++;
}

/* The outermost one starts the next command or frees. The connection may be gone. */
static void leave(struct bt_bird_conn *conn)
{
	if (conn->busy == 1 && conn->up && !conn->dead)
		bt_cmdq_kick(&conn->cmds);
	if (--conn->busy || !conn->dead)
		return;
	bt_bird_rx_free(&conn->rx);	/* not before: callbacks may still read in it */
	free(conn);
}

/* --- commands --- */

static void command_start(void *owner, struct bt_cmd *cmd)
{
	struct command *c = bt_container_of(cmd, struct command, cmd);
	struct bt_bird_conn *conn = owner;

	bt_stream_send(conn->stream, &c->line);
}

static void command_free(struct command *c)
{
	bt_buf_free(&c->line);
	free(c);
}

static void command_finish(void *owner, struct bt_cmd *cmd, int err, const void *reply)
{
	struct command *c = bt_container_of(cmd, struct command, cmd);

	if (c->done && !cmd->forgotten)
		c->done(cmd->arg, err, reply);
	command_free(c);
}

static void command_expired(void *owner)
{
	struct bt_bird_conn *conn = owner;

	enter(conn);
	bt_warn("bird: no answer in time");
	bt_cmdq_finish(&conn->cmds, -ETIMEDOUT, NULL);
	if (!conn->dead)
		bt_stream_drop(conn->stream, -ETIMEDOUT);
	leave(conn);
}

static const struct bt_cmdq_ops command_ops = {
	.start = command_start,
	.finish = command_finish,
	.expired = command_expired,
};

/* --- replies --- */

static int on_greeting(struct bt_bird_conn *conn, const struct bt_bird_reply *reply)
{
	if (reply->n != 1 || reply->lines[0].code != BT_BIRD_WELCOME)
		return -EPROTO;
	bt_timer_stop(conn->greeting);
	conn->up = true;
	bt_info("bird: connected: %s", reply->lines[0].text);
	conn->config.state(conn->config.arg, true);
	return 0;
}

static int on_reply(struct bt_bird_conn *conn, const struct bt_bird_reply *reply)
{
	if (!conn->up)
		return on_greeting(conn, reply);
	if (!conn->cmds.active)
		return -EPROTO;
	bt_cmdq_finish(&conn->cmds, reply->error ? -EREMOTEIO : 0, reply);
	return 0;
}

static void on_async(struct bt_bird_conn *conn, const char *text)
{
	if (conn->up && conn->config.async)
		conn->config.async(conn->config.arg, text);
}

/* --- the stream's callbacks --- */

static void on_input(void *arg, const void *data, size_t len)
{
	struct bt_bird_conn *conn = arg;
	const char *text = data;
	int ret;

	enter(conn);
	do {
		ret = bt_bird_rx_next(&conn->rx, &text, &len);
		if (ret == BT_BIRD_ASYNC)
			on_async(conn, bt_bird_rx_async(&conn->rx));
		else if (ret == BT_BIRD_REPLY && on_reply(conn, bt_bird_rx_reply(&conn->rx)))
			ret = -EPROTO;
	} while (ret > 0 && !conn->dead);
	if (ret < 0 && !conn->dead) {
		bt_err("bird: its words make no sense: %s", strerror(-ret));
		/* Before leave(), which would send the next command */
		bt_stream_drop(conn->stream, ret);
	}
	leave(conn);
}

static void on_up(void *arg)
{
	struct bt_bird_conn *conn = arg;

	bt_timer_start(conn->greeting, conn->config.timeout_ms);
}

static void on_down(void *arg, int err)
{
	struct bt_bird_conn *conn = arg;
	bool was_up = conn->up;

	enter(conn);
	conn->up = false;
	bt_timer_stop(conn->greeting);
	bt_bird_rx_free(&conn->rx);
	bt_cmdq_fail(&conn->cmds, -ECONNRESET, -ENOTCONN);
	if (was_up && !conn->dead)
		conn->config.state(conn->config.arg, false);
	leave(conn);
}

static void on_no_greeting(void *arg)
{
	struct bt_bird_conn *conn = arg;

	enter(conn);
	bt_warn("bird: no greeting");
	bt_stream_drop(conn->stream, -ETIMEDOUT);
	leave(conn);
}

/* --- for the users --- */

/**
 * bt_bird_conn_new() - connect to BIRD, and stay connected
 * @loop: loop
 * @config: settings; copied
 *
 * Return: the connection, which is the caller's, or NULL with errno ENAMETOOLONG.
 */
struct bt_bird_conn *bt_bird_conn_new(struct bt_loop *loop, const struct bt_bird_config *config)
{
	struct bt_bird_conn *conn = bt_alloc(sizeof(*conn));
	struct bt_stream_config stream = {
		.name = "bird",
		.path = config->path,
		.retry_min_ms = config->retry_min_ms,
		.retry_max_ms = config->retry_max_ms,
		.up = on_up,
		.down = on_down,
		.input = on_input,
		.arg = conn,
	};

	conn->stream = bt_stream_new(loop, &stream);
	if (!conn->stream) {
		free(conn);
		return NULL;
	}
	conn->config = *config;
	conn->config.path = NULL;	/* not ours to keep */
	if (!conn->config.timeout_ms)
		conn->config.timeout_ms = BT_BIRD_TIMEOUT_MS;
	conn->greeting = bt_timer_new(loop, on_no_greeting, conn);
	bt_cmdq_init(&conn->cmds, loop, &command_ops, conn);
	return conn;
}

/**
 * bt_bird_conn_is_up() - can commands be sent?
 * @conn: connection
 */
bool bt_bird_conn_is_up(const struct bt_bird_conn *conn)
{
	return conn->up && !conn->dead;
}

static int send_command(struct bt_bird_conn *conn, const char *command, unsigned int timeout_ms,
			bool urgent, bt_bird_done_fn done, void *arg)
{
	struct bt_buf line = {};
	struct command *c;
	int err = bt_bird_command(&line, command);

	if (err)
		return err;
	if (!bt_bird_conn_is_up(conn)) {
		bt_buf_free(&line);
		return -ENOTCONN;
	}
	c = bt_alloc(sizeof(*c));
	c->cmd.timeout_ms = timeout_ms ? timeout_ms : BT_BIRD_TIMEOUT_MS;
	c->cmd.arg = arg;
	c->cmd.urgent = urgent;
	c->line = line;
	c->done = done;
	err = bt_cmdq_add(&conn->cmds, &c->cmd);
	if (err)
		command_free(c);
	else if (!conn->busy)
		bt_cmdq_kick(&conn->cmds);
	return err;
}

/**
 * bt_bird_conn_send() - send a command when its turn comes
 * @conn: connection
 * @command: one line without newline, at most BT_BIRD_MAX_COMMAND bytes; copied
 * @timeout_ms: from when it is sent; 0: BT_BIRD_TIMEOUT_MS. When it passes, the
 *	connection is made anew: a late reply would be taken for another command's
 * @done: called exactly once if this returns 0, unless forgotten; may be NULL
 * @arg: passed to it
 *
 * Return: 0; -ENOTCONN, -ENOBUFS (queue full), -EINVAL (empty or with control
 * characters), -EMSGSIZE, and @done will not be called.
 */
int bt_bird_conn_send(struct bt_bird_conn *conn, const char *command, unsigned int timeout_ms,
		      bt_bird_done_fn done, void *arg)
{
	return send_command(conn, command, timeout_ms, false, done, arg);
}

/**
 * bt_bird_conn_send_urgent() - likewise, before all that are not urgent
 * @conn: connection
 * @command: as above
 * @done: likewise
 * @arg: likewise
 *
 * Return: likewise.
 */
int bt_bird_conn_send_urgent(struct bt_bird_conn *conn, const char *command,
			     bt_bird_done_fn done, void *arg)
{
	return send_command(conn, command, 0, true, done, arg);
}

/**
 * bt_bird_conn_room() - how many commands can be sent without waiting for answers
 * @conn: connection
 */
size_t bt_bird_conn_room(const struct bt_bird_conn *conn)
{
	return bt_cmdq_room(&conn->cmds);
}

/**
 * bt_bird_conn_forget() - do not call done() any more
 * @conn: connection
 * @arg: of the commands meant, for example before its memory goes
 *
 * The commands themselves are carried out.
 */
void bt_bird_conn_forget(struct bt_bird_conn *conn, const void *arg)
{
	bt_cmdq_forget(&conn->cmds, arg);
}

/**
 * bt_bird_conn_free() - disconnect and free
 * @conn: connection or NULL
 *
 * Commands not done are told from here, with -ECANCELED; state() is not called.
 */
void bt_bird_conn_free(struct bt_bird_conn *conn)
{
	if (!conn || conn->dead)
		return;
	enter(conn);
	conn->dead = true;
	conn->up = false;
	bt_stream_free(conn->stream);
	bt_cmdq_fini(&conn->cmds);
	bt_timer_free(conn->greeting);
	leave(conn);
}
