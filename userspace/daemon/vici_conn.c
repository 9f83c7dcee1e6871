// SPDX-License-Identifier: GPL-2.0
/*
 * The connection to charon: subscriptions, one command at a time, events in between.
 *
 * At most one packet of ours waits for an answer; `expect` says for which:
 *
 *	connected -> SUBSCRIBE, once for each event --all confirmed--> NOTHING: state(true)
 *
 *	NOTHING --plain command--> REPLY ------------------------------------> NOTHING
 *	NOTHING --list-*--> REGISTER -> REPLY, with entries -> UNREGISTER ---> NOTHING
 *
 * An answer that does not fit ends the connection, for nothing can be known about the
 * ones after it.
 */
#include "vici_conn.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "cmdq.h"
#include "log.h"
#include "stream.h"
#include "util.h"

enum expect {
	NOTHING,
	SUBSCRIBE,
	REGISTER,
	REPLY,
	UNREGISTER,
};

struct command {
	struct bt_cmd cmd;	/* first */
	char *name;
	char *stream;
	struct bt_buf args;
	void (*item)(void *arg, const struct bt_vici_node *msg);
	void (*done)(void *arg, int err, const struct bt_vici_node *reply);
	int err;			/* of the reply, while unregistering */
	struct bt_vici_node *reply;
};

struct bt_vici_conn {
	struct bt_vici_config config;
	struct bt_stream *stream;
	struct bt_timer *setup;
	struct bt_vici_rx rx;
	struct bt_cmdq cmds;
	enum expect expect;
	size_t n_subscribed;
	bool up;
	bool dead;		/* bt_vici_conn_free() was called */
	unsigned int busy;	/* callbacks under way: the memory must stay */
};

static void enter(struct bt_vici_conn *conn)
{
	conn->busy++;
}

/* The outermost one starts the next command or frees. The connection may be gone. */
static void leave(struct bt_vici_conn *conn)
{
	if (conn->busy == 1 && conn->up && !conn->dead)
		bt_cmdq_kick(&conn->cmds);
	if (--conn->busy || !conn->dead)
		return;
	bt_vici_rx_free(&conn->rx);	/* not before: callbacks may still read in it */
	free(conn);
}

/* Names of events and commands are checked when they come in, so this cannot fail. */
static void send_packet(struct bt_vici_conn *conn, enum expect expect, enum bt_vici_op op,
			const char *name, struct bt_buf *msg)
{
	struct bt_buf head = {};

	conn->expect = expect;
	if (bt_vici_frame_head(&head, op, name, msg ? msg->len : 0))
		abort();
	bt_stream_send(conn->stream, &head);
	if (msg)
		bt_stream_send(conn->stream, msg);
}

/* --- commands --- */

static struct command *active(struct bt_vici_conn *conn)
{
	return bt_container_of(conn->cmds.active, struct command, cmd);
}

static void request(struct bt_vici_conn *conn)
{
	struct command *c = active(conn);

	send_packet(conn, REPLY, BT_VICI_CMD_REQUEST, c->name, &c->args);
}

static void command_start(void *owner, struct bt_cmd *cmd)
{
	struct command *c = bt_container_of(cmd, struct command, cmd);
	struct bt_vici_conn *conn = owner;

	if (c->stream)
		send_packet(conn, REGISTER, BT_VICI_EVENT_REGISTER, c->stream, NULL);
	else
		request(conn);
}

static void command_free(struct command *c)
{
	bt_vici_tree_free(c->reply);
	bt_buf_wipe(&c->args);
	free(c->stream);
	free(c->name);
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
	struct bt_vici_conn *conn = owner;

	enter(conn);
	bt_warn("vici: no answer to %s in time", active(conn)->name);
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

/* --- packets --- */

static void finish(struct bt_vici_conn *conn)
{
	struct command *c = active(conn);

	conn->expect = NOTHING;
	/* Both live until command_finish() has called back */
	bt_cmdq_finish(&conn->cmds, c->err, c->reply);
}

static int on_reply(struct bt_vici_conn *conn, const struct bt_vici_packet *packet)
{
	struct command *c = active(conn);
	const char *errmsg;
	int err;

	if (conn->expect != REPLY)
		return -EPROTO;
	if (packet->op == BT_VICI_CMD_UNKNOWN) {
		c->err = -EOPNOTSUPP;
	} else {
		err = bt_vici_tree_parse(packet->msg, packet->msg_len, &c->reply);
		if (err)
			return err;
		if (!bt_vici_success(c->reply, &errmsg))
			c->err = -EREMOTEIO;
	}
	if (c->stream)
		send_packet(conn, UNREGISTER, BT_VICI_EVENT_UNREGISTER, c->stream, NULL);
	else
		finish(conn);
	return 0;
}

static void subscribe_next(struct bt_vici_conn *conn)
{
	const char *const *events = conn->config.events;

	if (events && events[conn->n_subscribed]) {
		send_packet(conn, SUBSCRIBE, BT_VICI_EVENT_REGISTER, events[conn->n_subscribed],
			    NULL);
		return;
	}
	conn->expect = NOTHING;
	bt_timer_stop(conn->setup);
	conn->up = true;
	bt_info("vici: connected to charon");
	conn->config.state(conn->config.arg, true);
}

static int on_confirm(struct bt_vici_conn *conn, bool known)
{
	switch (conn->expect) {
	case SUBSCRIBE:
		/* Another version of charon may lack one: its lists still tell */
		if (!known)
			bt_notice("vici: charon has no event %s",
				  conn->config.events[conn->n_subscribed]);
		conn->n_subscribed++;
		subscribe_next(conn);
		return 0;
	case REGISTER:
		if (known) {
			request(conn);
			return 0;
		}
		active(conn)->err = -EOPNOTSUPP;
		finish(conn);
		return 0;
	case UNREGISTER:
		finish(conn);
		return 0;
	case NOTHING:
	case REPLY:
		break;
	}
	return -EPROTO;
}

/* Which of our subscriptions is it? */
static const char *subscribed_name(const struct bt_vici_conn *conn,
				   const struct bt_vici_packet *packet)
{
	const char *const *name;

	for (name = conn->config.events; name && *name; name++)
		if (bt_vici_packet_is(packet, *name))
			return *name;
	return NULL;
}

static int on_event(struct bt_vici_conn *conn, const struct bt_vici_packet *packet)
{
	const char *name = subscribed_name(conn, packet);
	struct bt_vici_node *msg;
	int err;

	err = bt_vici_tree_parse(packet->msg, packet->msg_len, &msg);
	if (err)
		return err;
	if (conn->expect == REPLY && active(conn)->stream &&
	    bt_vici_packet_is(packet, active(conn)->stream)) {
		if (active(conn)->item && !conn->cmds.active->forgotten)
			active(conn)->item(conn->cmds.active->arg, msg);
	} else if (name && conn->up) {
		/* Before it is up an event is no loss: the lists are read after that */
		conn->config.event(conn->config.arg, name, msg);
	}
	bt_vici_tree_free(msg);
	return 0;
}

static int on_packet(struct bt_vici_conn *conn, const void *data, size_t len)
{
	struct bt_vici_packet packet;
	int err = bt_vici_packet_parse(data, len, &packet);

	if (err)
		return err;
	switch (packet.op) {
	case BT_VICI_CMD_RESPONSE:
	case BT_VICI_CMD_UNKNOWN:
		return on_reply(conn, &packet);
	case BT_VICI_EVENT_CONFIRM:
	case BT_VICI_EVENT_UNKNOWN:
		return on_confirm(conn, packet.op == BT_VICI_EVENT_CONFIRM);
	case BT_VICI_EVENT:
		return on_event(conn, &packet);
	case BT_VICI_CMD_REQUEST:
	case BT_VICI_EVENT_REGISTER:
	case BT_VICI_EVENT_UNREGISTER:
		break;
	}
	return -EPROTO;
}

/* --- the stream's callbacks --- */

static void on_input(void *arg, const void *data, size_t len)
{
	struct bt_vici_conn *conn = arg;
	const void *packet;
	size_t size;
	int ret;

	enter(conn);
	bt_vici_rx_feed(&conn->rx, data, len);
	while ((ret = bt_vici_rx_next(&conn->rx, &packet, &size)) > 0) {
		ret = on_packet(conn, packet, size);
		if (ret || conn->dead)
			break;
	}
	if (ret && !conn->dead) {
		bt_err("vici: charon's words make no sense: %s", strerror(-ret));
		/* Before leave(), which would send the next command */
		bt_stream_drop(conn->stream, ret);
	}
	leave(conn);
}

static void on_up(void *arg)
{
	struct bt_vici_conn *conn = arg;

	enter(conn);
	bt_timer_start(conn->setup, conn->config.timeout_ms);
	conn->n_subscribed = 0;
	subscribe_next(conn);
	leave(conn);
}

static void on_down(void *arg, int err)
{
	struct bt_vici_conn *conn = arg;
	bool was_up = conn->up;

	enter(conn);
	conn->up = false;
	conn->expect = NOTHING;
	bt_timer_stop(conn->setup);
	bt_vici_rx_free(&conn->rx);
	bt_cmdq_fail(&conn->cmds, -ECONNRESET, -ENOTCONN);
	if (was_up && !conn->dead)
		conn->config.state(conn->config.arg, false);
	leave(conn);
}

static void on_setup_timeout(void *arg)
{
	struct bt_vici_conn *conn = arg;

	enter(conn);
	bt_warn("vici: charon does not answer");
	bt_stream_drop(conn->stream, -ETIMEDOUT);
	leave(conn);
}

/* --- for the users --- */

static bool name_ok(const char *name)
{
	size_t len = strlen(name);

	return len && len <= BT_VICI_MAX_NAME;
}

static bool events_ok(const char *const *events)
{
	for (; events && *events; events++)
		if (!name_ok(*events))
			return false;
	return true;
}

/**
 * bt_vici_conn_new() - connect to charon, and stay connected
 * @loop: loop
 * @config: settings; copied, but for the names of events
 *
 * Return: the connection, which is the caller's, or NULL with errno set (ENAMETOOLONG,
 * EINVAL).
 */
struct bt_vici_conn *bt_vici_conn_new(struct bt_loop *loop, const struct bt_vici_config *config)
{
	struct bt_vici_conn *conn;
	struct bt_stream_config stream = {
		.name = "vici",
		.path = config->path,
		.retry_min_ms = config->retry_min_ms,
		.retry_max_ms = config->retry_max_ms,
		.up = on_up,
		.down = on_down,
		.input = on_input,
	};

	if (!events_ok(config->events)) {
		errno = EINVAL;
		return NULL;
	}
	conn = bt_alloc(sizeof(*conn));
	stream.arg = conn;
	conn->stream = bt_stream_new(loop, &stream);
	if (!conn->stream) {
		free(conn);
		return NULL;
	}
	conn->config = *config;
	conn->config.path = NULL;	/* not ours to keep */
	if (!conn->config.timeout_ms)
		conn->config.timeout_ms = BT_VICI_TIMEOUT_MS;
	conn->setup = bt_timer_new(loop, on_setup_timeout, conn);
	bt_cmdq_init(&conn->cmds, loop, &command_ops, conn);
	return conn;
}

/**
 * bt_vici_conn_is_up() - can commands be sent?
 * @conn: connection
 */
bool bt_vici_conn_is_up(const struct bt_vici_conn *conn)
{
	return conn->up && !conn->dead;
}

/**
 * bt_vici_conn_room() - how many commands the queue takes now
 * @conn: connection
 */
size_t bt_vici_conn_room(const struct bt_vici_conn *conn)
{
	return bt_cmdq_room(&conn->cmds);
}

static int command_check(const struct bt_vici_conn *conn, const struct bt_vici_command *command)
{
	const char *const *name;
	int err = command->args ? bt_vici_msg_check(command->args) : 0;

	if (err)
		return err;
	if (!name_ok(command->name) || (command->stream && !name_ok(command->stream)))
		return -EINVAL;
	/* charon would send it twice, and unregistering ends one of the two at random */
	for (name = conn->config.events; command->stream && name && *name; name++)
		if (!strcmp(*name, command->stream))
			return -EINVAL;
	if (command->args &&
	    command->args->buf.len + 2 + strlen(command->name) > BT_VICI_MAX_PACKET)
		return -EMSGSIZE;
	return bt_vici_conn_is_up(conn) ? 0 : -ENOTCONN;
}

/**
 * bt_vici_conn_send() - send a command when its turn comes
 * @conn: connection
 * @command: what to ask for; see struct bt_vici_command
 *
 * Return: 0, and done() will be called; a negative errno, and it will not: -ENOTCONN,
 * -ENOBUFS (queue full), -EINVAL, -EMSGSIZE, or the mistake in command->args.
 */
int bt_vici_conn_send(struct bt_vici_conn *conn, const struct bt_vici_command *command)
{
	int err = command_check(conn, command);
	struct command *c;

	if (err) {
		if (command->args)
			bt_vici_msg_wipe(command->args);
		return err;
	}
	c = bt_alloc(sizeof(*c));
	c->cmd.timeout_ms = command->timeout_ms ? command->timeout_ms : BT_VICI_TIMEOUT_MS;
	c->cmd.arg = command->arg;
	c->name = bt_strdup(command->name);
	c->stream = bt_strdup(command->stream);
	c->item = command->item;
	c->done = command->done;
	if (command->args) {
		c->args = command->args->buf;
		*command->args = (struct bt_vici_msg){};
	}
	err = bt_cmdq_add(&conn->cmds, &c->cmd);
	if (err)
		command_free(c);
	else if (!conn->busy)
		bt_cmdq_kick(&conn->cmds);
	return err;
}

/**
 * bt_vici_conn_forget() - do not call item() and done() any more
 * @conn: connection
 * @arg: of the commands meant, for example before its memory goes
 *
 * The commands themselves are carried out.
 */
void bt_vici_conn_forget(struct bt_vici_conn *conn, const void *arg)
{
	bt_cmdq_forget(&conn->cmds, arg);
}

/**
 * bt_vici_conn_free() - disconnect and free
 * @conn: connection or NULL
 *
 * Commands not done are told from here, with -ECANCELED; state() is not called.
 */
void bt_vici_conn_free(struct bt_vici_conn *conn)
{
	if (!conn || conn->dead)
		return;
	enter(conn);
	conn->dead = true;
	conn->up = false;
	bt_stream_free(conn->stream);
	bt_cmdq_fini(&conn->cmds);
	bt_timer_free(conn->setup);
	leave(conn);
}
