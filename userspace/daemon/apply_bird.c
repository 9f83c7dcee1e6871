// SPDX-License-Identifier: GPL-2.0
/* Operations on BIRD: its files, that it reads them, and the flags that steer it. */
#include <errno.h>
#include <libgen.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "apply.h"
#include "bird_render.h"
#include "bird_show.h"
#include "log.h"
#include "util.h"

#define CONFIGURE_MS	30000
/* Room in the queue that is left to the others */
#define ROOM		16

/* /run is empty after a reboot. */
static void make_directory(const char *path)
{
	char *copy = bt_strdup(path);
	const char *dir = dirname(copy);

	if (mkdir(dir, 0755) && errno != EEXIST)
		bt_warn("%s: %s", dir, strerror(errno));
	free(copy);
}

/* Returns true if it is there now, and *@have what it has. */
static bool write_file(struct bt_apply *a, const struct bt_op *op, char **have)
{
	struct bt_buf what = {};
	int err;

	bt_op_text(op, &what);
	/* "include: /etc/bird/bird.conf" is the mistake to be expected. */
	if (*have && **have && strncmp(*have, BT_BIRD_HEAD, strlen(BT_BIRD_HEAD))) {
		bt_apply_result(a, op->key, what.data, "a file of somebody else's is there");
		bt_buf_free(&what);
		return false;
	}
	make_directory(op->name);
	err = bt_write_file(op->name, op->content, strlen(op->content), 0644);
	bt_apply_result(a, op->key, what.data, err ? strerror(-err) : NULL);
	bt_buf_free(&what);
	if (err)
		return false;
	free(*have);
	*have = bt_strdup(op->content);
	return true;
}

static void write_include(struct bt_apply *a, const struct bt_op *op)
{
	/* It looks for what the vars file has, which could not be written just now. */
	if (bt_facts_held(a->facts, "bird vars", bt_now_ms()))
		return;
	if (!write_file(a, op, &a->facts->bird_file))
		return;
	/* What BIRD thought of the old one does not count. */
	bt_facts_done(a->facts, "bird configure");
	a->changed(a->arg);
}

static void write_vars(struct bt_apply *a, const struct bt_op *op)
{
	/* The next change must not wait. */
	if (write_file(a, op, &a->facts->bird_vars))
		bt_facts_done(a->facts, op->key);
}

/* --- flags --- */

/**
 * struct pending - a command under way
 * @a: context
 * @key: of its operation
 * @what: the operation, in words
 * @name: of the flag; or of the session, with the direction
 * @on: the flag is to be set
 * @reloads: what depends on the flag; empty for a reload
 */
struct pending {
	struct bt_apply *a;
	char *key;
	char *what;
	char *name;
	bool on;
	struct bt_strings reloads;
};

static struct pending *pending_new(struct bt_apply *a, const struct bt_op *op)
{
	struct pending *p = bt_alloc(sizeof(*p));
	struct bt_buf what = {};
	size_t i;

	bt_op_text(op, &what);
	p->a = a;
	p->key = bt_strdup(op->key);
	p->what = what.data;
	p->name = bt_strdup(op->name);
	p->on = op->on;
	for (i = 0; i < op->reloads.n; i++)
		*bt_array_add(&p->reloads) = bt_strdup(op->reloads.v[i]);
	return p;
}

static void pending_free(struct pending *p)
{
	bt_strings_clear(&p->reloads);
	free(p->name);
	free(p->what);
	free(p->key);
	free(p);
}

/* Returns true if it has succeeded. */
static bool finish(struct pending *p, int err, const struct bt_bird_reply *reply)
{
	const char *text = err ? strerror(-err) : NULL;

	if (err == -EREMOTEIO && reply && reply->error)
		text = reply->error->text;
	/* A connection that broke has been reported; the next one begins with all of it. */
	if (err == -ECONNRESET || err == -ENOTCONN || err == -ECANCELED)
		bt_facts_done(p->a->facts, p->key);
	else if (err)
		bt_apply_result(p->a, p->key, p->what, text);
	else
		bt_facts_done(p->a->facts, p->key);	/* the next one must not wait */
	if (err && err != -ECANCELED)
		p->a->changed(p->a->arg);
	return !err;
}

static void on_flag(void *arg, int err, const struct bt_bird_reply *reply)
{
	struct pending *p = arg;
	struct bt_facts *f = p->a->facts;

	if (finish(p, err, reply)) {
		bt_info("%s", p->what);
		bt_strings_put(p->on ? &f->bird_on : &f->bird_off, p->name);
		bt_strings_remove(p->on ? &f->bird_off : &f->bird_on, p->name);
		p->a->changed(p->a->arg);
	}
	pending_free(p);
}

static void on_reload(void *arg, int err, const struct bt_bird_reply *reply)
{
	struct pending *p = arg;

	if (finish(p, err, reply)) {
		bt_debug("%s", p->what);
		bt_facts_reload_done(p->a->facts, p->name);
		p->a->changed(p->a->arg);
	} else {
		bt_facts_reload(p->a->facts, p->name);
	}
	pending_free(p);
}

static void send_urgent(struct pending *p, const char *command, bt_bird_done_fn done)
{
	int err;

	bt_facts_begin(p->a->facts, p->key);
	err = bt_bird_conn_send_urgent(bt_bird_watch_conn(p->a->bird), command, done, p);
	if (err)
		done(p, err, NULL);
}

static void set_flag(struct bt_apply *a, const struct bt_op *op)
{
	char *command = bt_asprintf("%s \"%s\"", op->on ? "enable" : "disable", op->name);
	size_t i;

	/* One that is under way may be before the flag. */
	for (i = 0; i < op->reloads.n; i++)
		bt_facts_reload(a->facts, op->reloads.v[i]);
	send_urgent(pending_new(a, op), command, on_flag);
	free(command);
}

static void reload(struct bt_apply *a, const struct bt_op *op)
{
	char *command = bt_asprintf("reload %s", op->name);

	bt_facts_reload_sent(a->facts, op->name);
	send_urgent(pending_new(a, op), command, on_reload);
	free(command);
}

/* --- configure --- */

/* One line: where the error is and what BIRD says. */
static char *refusal(const struct bt_bird_configure *result)
{
	if (result->file)
		return bt_asprintf("%s:%u:%u: %s", result->file, result->line, result->column,
				   result->message ? result->message : "refused");
	return bt_asprintf("%s", result->message ? result->message : "refused");
}

static void on_configured(void *arg, int err, const struct bt_bird_reply *reply)
{
	struct bt_apply *a = arg;
	struct bt_bird_configure result = {};
	char *text = NULL;

	if (err == -ECANCELED) {
		bt_facts_done(a->facts, "bird configure");
		return;
	}
	if (err && err != -EREMOTEIO)
		text = bt_strdup(strerror(-err));
	else if (bt_bird_parse_configure(reply, &result))
		text = bt_strdup("its answer makes no sense");
	else if (!result.accepted)
		text = refusal(&result);
	/* There is one for the main table already, that BIRD did not have when it was asked. */
	if (text && strstr(text, "ernel syncer"))
		a->facts->bird_clash = true;
	bt_apply_result(a, "bird configure", "BIRD: configure", text);
	/* If it still has another text then: bird.conf does not include our file. */
	if (!text)
		bt_facts_failed(a->facts, "bird configure", bt_now_ms(), CONFIGURE_MS);
	free(text);
	bt_bird_configure_free(&result);
	bt_bird_watch_refresh(a->bird);
	a->changed(a->arg);
}

static void configure(struct bt_apply *a, const struct bt_op *op)
{
	int err;

	bt_facts_begin(a->facts, op->key);
	err = bt_bird_conn_send(bt_bird_watch_conn(a->bird), "configure", CONFIGURE_MS,
				on_configured, a);
	if (err)
		bt_apply_result(a, op->key, "BIRD: configure", strerror(-err));
}

/**
 * bt_apply_bird() - carry out an operation on BIRD
 * @a: context
 * @op: operation
 *
 * Return: false if too many wait: it is found again when there is room.
 */
bool bt_apply_bird(struct bt_apply *a, const struct bt_op *op)
{
	switch (op->type) {
	case BT_OP_BIRD_VARS:
		write_vars(a, op);
		return true;
	case BT_OP_BIRD_FILE:
		write_include(a, op);
		return true;
	default:
		break;
	}
	if (bt_bird_conn_room(bt_bird_watch_conn(a->bird)) <= ROOM)
		return false;
	if (op->type == BT_OP_BIRD_FLAG)
		set_flag(a, op);
	else if (op->type == BT_OP_BIRD_RELOAD)
		reload(a, op);
	else
		configure(a, op);
	return true;
}
