// SPDX-License-Identifier: GPL-2.0
/* Operations on charon: each is a command, whose answer ends it. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "apply.h"
#include "cmdq.h"
#include "log.h"
#include "util.h"
#include "vici_render.h"

#define MAX_SECRET	4096
/* How long charon may hold up the next tunnel; it goes on trying by itself. */
#define INITIATE_MS	3000
#define INITIATE_AGAIN_MS	1000
/* Who has not answered is asked again soon; who has refused, after pauses that grow. */
#define UNANSWERED_PAUSE_MS	1000
#define ANSWER_MS	(INITIATE_MS + 7000)
/* Room in the queue that is left to the questions of vici_watch.c. */
#define ROOM_TO_ASK	16

/**
 * struct pending - a command under way
 * @a: context
 * @type: of its operation
 * @key: likewise
 * @name: likewise
 * @what: the operation, in words
 * @content: what charon will have taken if it succeeds
 */
struct pending {
	struct bt_apply *a;
	enum bt_op_type type;
	char *key;
	char *name;
	char *what;
	struct bt_buf content;
};

static void pending_free(struct pending *p)
{
	free(p->key);
	free(p->name);
	free(p->what);
	bt_buf_free(&p->content);
	free(p);
}

static void succeeded(struct pending *p)
{
	struct bt_facts *f = p->a->facts;

	switch (p->type) {
	case BT_OP_CONN_LOAD:
		bt_facts_loaded(&f->conns_loaded, p->name, p->content.data, p->content.len);
		bt_strings_put(&f->conns, p->name);
		break;
	case BT_OP_SHARED_LOAD:
		bt_facts_loaded(&f->shared_loaded, p->name, p->content.data, p->content.len);
		bt_strings_put(&f->shared, p->name);
		break;
	case BT_OP_CONN_UNLOAD:
		bt_facts_unloaded(&f->conns_loaded, p->name);
		bt_strings_remove(&f->conns, p->name);
		break;
	case BT_OP_SHARED_UNLOAD:
		bt_facts_unloaded(&f->shared_loaded, p->name);
		bt_strings_remove(&f->shared, p->name);
		break;
	default:
		break;
	}
}

/* Of very many that are to be loaded, as many wait already as are done in good time. */
static bool more(const struct pending *p)
{
	return (p->type != BT_OP_CONN_LOAD && p->type != BT_OP_SHARED_LOAD) ||
	       bt_vici_conn_room(bt_vici_watch_conn(p->a->vici)) > BT_CMDQ_MAX / 2;
}

/* What was to go is gone: charon's list may be older than what it was told. */
static bool gone_already(const struct pending *p, const char *text)
{
	switch (p->type) {
	case BT_OP_CONN_UNLOAD:
	case BT_OP_SHARED_UNLOAD:
	case BT_OP_TERMINATE:
		return strstr(text, "not found") || strstr(text, "no matching");
	default:
		return false;
	}
}

/* charon goes on by itself, and says so in its log: no need to report each time. */
static bool unanswered(const struct pending *p, const char *text)
{
	return p->type == BT_OP_INITIATE && strstr(text, "not established after");
}

static void on_done(void *arg, int err, const struct bt_vici_node *reply)
{
	struct pending *p = arg;
	struct bt_apply *a = p->a;
	const char *text = NULL;

	if (err == -EREMOTEIO)
		bt_vici_success(reply, &text);
	if (text && gone_already(p, text)) {
		err = 0;
		text = NULL;
	}
	if (err && !text)
		text = strerror(-err);
	if (p->type == BT_OP_INITIATE)
		bt_facts_done(a->facts, "initiate");
	if (!err)
		succeeded(p);
	/* A connection that broke has been reported, and a new one starts afresh. */
	if (err == -ECONNRESET || err == -ENOTCONN || err == -ECANCELED)
		bt_facts_done(a->facts, p->key);
	else if (err && unanswered(p, text))
		bt_facts_failed(a->facts, p->key, bt_now_ms(), UNANSWERED_PAUSE_MS);
	else
		bt_apply_result(a, p->key, p->what, text);
	if (err != -ECANCELED) {
		bt_vici_watch_refresh(a->vici);
		if (more(p))
			a->changed(a->arg);
	}
	pending_free(p);
}

static void send_command(struct bt_apply *a, const struct bt_op *op, const char *command,
			 struct bt_vici_msg *args, const void *content, size_t len)
{
	struct pending *p = bt_alloc(sizeof(*p));
	struct bt_buf what = {};
	const struct bt_vici_command cmd = {
		.name = command,
		.args = args,
		.timeout_ms = ANSWER_MS,
		.done = on_done,
		.arg = p,
	};
	int err;

	bt_op_text(op, &what);
	p->a = a;
	p->type = op->type;
	p->key = bt_strdup(op->key);
	p->name = bt_strdup(op->name);
	p->what = what.data;
	bt_buf_add(&p->content, content, len);
	bt_facts_begin(a->facts, op->key);
	if (op->type == BT_OP_INITIATE)
		bt_facts_begin(a->facts, "initiate");
	err = bt_vici_conn_send(bt_vici_watch_conn(a->vici), &cmd);
	if (err)
		on_done(p, err, NULL);
}

/* Without the newline that an editor leaves. */
static size_t secret_length(const struct bt_buf *secret)
{
	size_t len = secret->len;

	if (len && secret->data[len - 1] == '\n')
		len--;
	if (len && secret->data[len - 1] == '\r')
		len--;
	return len;
}

static void load_shared(struct bt_apply *a, const struct bt_op *op)
{
	const char *path = op->conf->ike.psk_file;
	struct bt_vici_msg args = {};
	struct bt_buf secret = {}, what = {};
	int err = bt_read_file(path, MAX_SECRET, &secret);

	if (!err && !secret_length(&secret))
		err = -ENODATA;
	if (err) {
		bt_op_text(op, &what);
		bt_buf_printf(&what, ": %s", path);
		bt_apply_result(a, op->key, what.data, strerror(-err));
		bt_buf_free(&what);
	} else {
		bt_vici_render_shared(op->conf_link, op->conf, secret.data,
				      secret_length(&secret), &args);
		send_command(a, op, "load-shared", &args, op->content, strlen(op->content));
	}
	bt_buf_wipe(&secret);
}

static void load_conn(struct bt_apply *a, const struct bt_op *op)
{
	/* With what was wrong when it was built, if anything was. */
	struct bt_vici_msg args = {
		.depth = op->message.depth,
		.in_list = op->message.in_list,
		.err = op->message.err,
	};

	bt_buf_add(&args.buf, op->message.buf.data, op->message.buf.len);
	send_command(a, op, "load-conn", &args, op->message.buf.data, op->message.buf.len);
}

static void unload(struct bt_apply *a, const struct bt_op *op, const char *command,
		   const char *key)
{
	struct bt_vici_msg args = {};

	bt_vici_put_str(&args, key, op->name);
	send_command(a, op, command, &args, NULL, 0);
}

static void terminate(struct bt_apply *a, const struct bt_op *op)
{
	struct bt_vici_msg args = {};

	bt_vici_put_fmt(&args, op->child ? "child-id" : "ike-id", "%u", op->id);
	bt_vici_put_str(&args, "force", "yes");
	bt_vici_put_str(&args, "timeout", "500");
	bt_vici_put_str(&args, "loglevel", "-1");
	send_command(a, op, "terminate", &args, NULL, 0);
}

/* Who has not answered the last time is not waited for as long. */
static unsigned int patience(const struct bt_apply *a, const struct bt_op *op)
{
	const struct bt_fact_tunnel *m = bt_facts_remembered(a->facts, op->conf_link->name,
							     op->conf->kernel.name);

	return m && m->tries ? INITIATE_AGAIN_MS : INITIATE_MS;
}

static void initiate(struct bt_apply *a, const struct bt_op *op)
{
	unsigned int timeout = patience(a, op);
	struct bt_vici_msg args = {};

	bt_facts_tried(a->facts, op->conf_link->name, op->conf->kernel.name, bt_now_ms());
	bt_vici_put_str(&args, "ike", op->name);
	bt_vici_put_str(&args, "child", op->name);
	bt_vici_put_fmt(&args, "timeout", "%u", timeout);
	bt_vici_put_str(&args, "loglevel", "-1");
	send_command(a, op, "initiate", &args, NULL, 0);
}

/**
 * bt_apply_charon() - carry out an operation on charon
 * @a: context
 * @op: operation
 *
 * charon takes one command after the other. Return: false if too many wait: it is found
 * again when there is room.
 */
bool bt_apply_charon(struct bt_apply *a, const struct bt_op *op)
{
	if (bt_vici_conn_room(bt_vici_watch_conn(a->vici)) <= ROOM_TO_ASK)
		return false;
	switch (op->type) {
	case BT_OP_SHARED_LOAD:
		load_shared(a, op);
		break;
	case BT_OP_CONN_LOAD:
		load_conn(a, op);
		break;
	case BT_OP_CONN_UNLOAD:
		unload(a, op, "unload-conn", "name");
		break;
	case BT_OP_SHARED_UNLOAD:
		unload(a, op, "unload-shared", "id");
		break;
	case BT_OP_TERMINATE:
		terminate(a, op);
		break;
	default:
		initiate(a, op);
	}
	return true;
}
