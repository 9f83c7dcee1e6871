// SPDX-License-Identifier: GPL-2.0
/* Operations on BIRD: its include file, and that it reads it. */
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

/* /run is empty after a reboot. */
static void make_directory(const char *path)
{
	char *copy = bt_strdup(path);
	const char *dir = dirname(copy);

	if (mkdir(dir, 0755) && errno != EEXIST)
		bt_warn("%s: %s", dir, strerror(errno));
	free(copy);
}

static void write_include(struct bt_apply *a, const struct bt_op *op)
{
	struct bt_buf what = {};
	int err;

	bt_op_text(op, &what);
	/* "include: /etc/bird/bird.conf" is the mistake to be expected. */
	if (a->facts->bird_file && *a->facts->bird_file &&
	    strncmp(a->facts->bird_file, BT_BIRD_HEAD, strlen(BT_BIRD_HEAD))) {
		bt_apply_result(a, op->key, what.data, "a file of somebody else's is there");
		bt_buf_free(&what);
		return;
	}
	make_directory(op->name);
	err = bt_write_file(op->name, op->content, strlen(op->content), 0644);
	bt_apply_result(a, op->key, what.data, err ? strerror(-err) : NULL);
	bt_buf_free(&what);
	if (err)
		return;
	free(a->facts->bird_file);
	a->facts->bird_file = bt_strdup(op->content);
	/* What BIRD thought of the old one does not count. */
	bt_facts_done(a->facts, "bird configure");
	a->changed(a->arg);
}

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
 */
void bt_apply_bird(struct bt_apply *a, const struct bt_op *op)
{
	if (op->type == BT_OP_BIRD_FILE)
		write_include(a, op);
	else
		configure(a, op);
}
