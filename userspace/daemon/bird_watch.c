// SPDX-License-Identifier: GPL-2.0
/*
 * What BIRD has: which text of ours, kernel protocols of the operator's; and what our
 * include file says. BIRD has no events; it is asked now and then, and after what we
 * have done to it.
 */
#include "bird_watch.h"

#include <stdlib.h>
#include <string.h>

#include "bird_render.h"
#include "bird_show.h"
#include "log.h"
#include "names.h"
#include "util.h"

#define REFRESH_MS	5000
#define MAX_FILE	(1024 * 1024)

/**
 * struct bt_bird_watch - the watch
 * @facts: where to
 * @conn: connection to BIRD
 * @timer: to ask now and then
 * @include: our include file
 * @asking: an answer is still to come
 * @changed: called when the facts have changed
 * @arg: passed to it
 */
struct bt_bird_watch {
	struct bt_facts *facts;
	struct bt_bird_conn *conn;
	struct bt_timer *timer;
	char *include;
	bool asking;
	bt_loop_fn changed;
	void *arg;
};

static bool is_ours(const char *name)
{
	return !strncmp(name, BT_PREFIX, strlen(BT_PREFIX));
}

/* The tables that ours would write to the kernel's main table, if there is none. */
static unsigned int kernel_bit(const struct bt_bird_protocol *p)
{
	if (!strcmp(p->table, "master4"))
		return BT_BIRD_KERNEL4;
	return strcmp(p->table, "master6") ? 0 : BT_BIRD_KERNEL6;
}

static bool same_text(const char *a, const char *b)
{
	return a && b ? !strcmp(a, b) : a == b;
}

/* Returns true if anything is different. */
static bool take(struct bt_facts *f, const struct bt_bird_protocols *list)
{
	unsigned int kernel = 0;
	char *revision = NULL;
	bool same;
	size_t i;

	for (i = 0; i < list->n; i++) {
		const struct bt_bird_protocol *p = &list->v[i];

		if (!strncmp(p->name, BT_BIRD_REVISION, strlen(BT_BIRD_REVISION))) {
			free(revision);
			revision = bt_strdup(p->name);
		}
		if (!strcmp(p->proto, "Kernel") && !is_ours(p->name))
			kernel |= kernel_bit(p);
	}
	same = f->bird && f->bird_kernel == kernel && same_text(revision, f->bird_revision);
	free(f->bird_revision);
	f->bird_revision = revision;
	f->bird_kernel = kernel;
	/* Now it is known which one it was. */
	if (kernel)
		f->bird_clash = false;
	f->bird = true;
	f->bird_gone = false;
	return !same;
}

static void on_protocols(void *arg, int err, const struct bt_bird_reply *reply)
{
	struct bt_bird_watch *w = arg;
	struct bt_bird_protocols list = {};

	w->asking = false;
	if (err)
		return;
	if (bt_bird_parse_protocols(reply, &list)) {
		bt_err("BIRD: its answer to \"show protocols\" makes no sense");
		return;
	}
	if (take(w->facts, &list))
		w->changed(w->arg);
	bt_bird_protocols_free(&list);
}

/**
 * bt_bird_watch_refresh() - something has been changed: look at it
 * @w: watch
 */
void bt_bird_watch_refresh(struct bt_bird_watch *w)
{
	if (w->asking || !bt_bird_conn_is_up(w->conn))
		return;
	w->asking = !bt_bird_conn_send(w->conn, "show protocols", 0, on_protocols, w);
}

/* Somebody may have deleted it, or a reboot has. */
static void read_file(struct bt_bird_watch *w)
{
	struct bt_buf text = {};
	bool have = !bt_read_file(w->include, MAX_FILE, &text);
	bool same = have ? w->facts->bird_file && !strcmp(w->facts->bird_file, text.data) :
			   !w->facts->bird_file;

	if (!same) {
		free(w->facts->bird_file);
		w->facts->bird_file = have ? bt_strdup(text.data) : NULL;
		w->changed(w->arg);
	}
	bt_buf_free(&text);
}

static void set_gone(struct bt_bird_watch *w)
{
	if (w->facts->bird_gone)
		return;
	w->facts->bird_gone = true;
	w->changed(w->arg);
}

static void on_timer(void *arg)
{
	struct bt_bird_watch *w = arg;

	read_file(w);
	if (!bt_bird_conn_is_up(w->conn))
		set_gone(w);
	bt_bird_watch_refresh(w);
}

static void on_state(void *arg, bool up)
{
	struct bt_bird_watch *w = arg;

	if (up) {
		bt_info("BIRD is there");
		w->asking = false;
		bt_bird_watch_refresh(w);
		return;
	}
	bt_warn("BIRD is gone");
	w->facts->bird = false;
	w->facts->bird_clash = false;
	set_gone(w);
}

/**
 * bt_bird_watch_conn() - the connection, to send commands
 * @w: watch
 */
struct bt_bird_conn *bt_bird_watch_conn(struct bt_bird_watch *w)
{
	return w->conn;
}

/**
 * bt_bird_watch_new() - begin to watch BIRD
 * @loop: event loop
 * @facts: where to
 * @socket: BIRD's control socket
 * @include: our include file
 * @changed: called when the facts have changed
 * @arg: passed to it
 *
 * BIRD need not be there. Return: the watch.
 */
struct bt_bird_watch *bt_bird_watch_new(struct bt_loop *loop, struct bt_facts *facts,
					const char *socket, const char *include,
					bt_loop_fn changed, void *arg)
{
	struct bt_bird_watch *w = bt_alloc(sizeof(*w));
	const struct bt_bird_config config = { .path = socket, .state = on_state, .arg = w };

	w->facts = facts;
	w->include = bt_strdup(include);
	w->changed = changed;
	w->arg = arg;
	read_file(w);
	w->timer = bt_timer_new(loop, on_timer, w);
	bt_timer_start_periodic(w->timer, REFRESH_MS);
	w->conn = bt_bird_conn_new(loop, &config);
	return w;
}

/**
 * bt_bird_watch_free() - end it
 * @w: watch, or NULL
 */
void bt_bird_watch_free(struct bt_bird_watch *w)
{
	if (!w)
		return;
	bt_bird_conn_forget(w->conn, w);
	bt_bird_conn_free(w->conn);
	bt_timer_free(w->timer);
	free(w->include);
	free(w);
}
