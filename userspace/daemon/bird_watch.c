// SPDX-License-Identifier: GPL-2.0
/*
 * What BIRD has: which text of ours, kernel protocols of the operator's; and what our
 * include file says. BIRD has no events; it is asked now and then, and after what we
 * have done to it.
 */
#include "bird_watch.h"

#include <stdlib.h>
#include <string.h>

#include "bird_flags.h"
#include "bird_render.h"
#include "bird_show.h"
#include "log.h"
#include "names.h"
#include "util.h"

#define REFRESH_MS	5000
/* While it learns its routes */
#define RESTART_MS	1000
#define MAX_FILE	(1024 * 1024)

/**
 * struct bt_bird_watch - the watch
 * @facts: where to
 * @conn: connection to BIRD
 * @timer: to ask now and then
 * @soon: to ask more often while it learns its routes
 * @include: our include file
 * @vars: our vars file
 * @asking: an answer is still to come
 * @changed: called when the facts have changed
 * @arg: passed to it
 */
struct bt_bird_watch {
	struct bt_facts *facts;
	struct bt_bird_conn *conn;
	struct bt_timer *timer;
	struct bt_timer *soon;
	char *include;
	char *vars;
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

static bool same_strings(const struct bt_strings *a, const struct bt_strings *b)
{
	size_t i;

	for (i = 0; i < a->n && i < b->n; i++)
		if (strcmp(a->v[i], b->v[i]) != 0)
			return false;
	return a->n == b->n;
}

/* Everybody's routes, for it is not known which have seen the flags as they are. */
static void reload_all(struct bt_facts *f)
{
	size_t i;

	for (i = 0; i < f->bird_sessions.n; i++) {
		char *in = bt_asprintf("in %s", f->bird_sessions.v[i]);
		char *out = bt_asprintf("out %s", f->bird_sessions.v[i]);

		bt_facts_reload(f, in);
		bt_facts_reload(f, out);
		free(in);
		free(out);
	}
}

static void swap(struct bt_strings *a, struct bt_strings *b)
{
	struct bt_strings tmp = *a;

	*a = *b;
	*b = tmp;
}

/*
 * Flags and sessions. We know of our own changes: if the flags are not as we know them,
 * it is another BIRD, or somebody has configured it. Returns true if anything is different.
 */
static bool take_flags(struct bt_facts *f, const struct bt_bird_protocols *list)
{
	struct bt_strings on = {}, off = {}, sessions = {}, established = {};
	bool same, reload;
	size_t i;

	for (i = 0; i < list->n; i++) {
		const struct bt_bird_protocol *p = &list->v[i];
		bool up = p->state == BT_BIRD_STATE_UP || p->state == BT_BIRD_STATE_START;

		if (!strcmp(p->proto, "Static") && bt_bird_is_flag(p->name))
			*bt_array_add(up ? &on : &off) = bt_strdup(p->name);
		if (strcmp(p->proto, "BGP") != 0 || !is_ours(p->name))
			continue;
		*bt_array_add(&sessions) = bt_strdup(p->name);
		if (p->bgp == BT_BIRD_BGP_ESTABLISHED)
			*bt_array_add(&established) = bt_strdup(p->name);
	}
	bt_strings_sort(&on);
	bt_strings_sort(&off);
	bt_strings_sort(&sessions);
	bt_strings_sort(&established);
	reload = !f->bird || !same_strings(&on, &f->bird_on) || !same_strings(&off, &f->bird_off);
	same = !reload && same_strings(&sessions, &f->bird_sessions) &&
	       same_strings(&established, &f->bird_established);
	swap(&on, &f->bird_on);
	swap(&off, &f->bird_off);
	swap(&sessions, &f->bird_sessions);
	swap(&established, &f->bird_established);
	bt_strings_clear(&on);
	bt_strings_clear(&off);
	bt_strings_clear(&sessions);
	bt_strings_clear(&established);
	if (reload)
		reload_all(f);
	return !same;
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
	same = !take_flags(f, list) && f->bird && f->bird_kernel == kernel &&
	       same_text(revision, f->bird_revision);
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
	if (w->facts->hold.state != BT_BIRD_HOLD_SETTLED)
		bt_timer_start(w->soon, RESTART_MS);
}

static void on_status(void *arg, int err, const struct bt_bird_reply *reply)
{
	struct bt_bird_watch *w = arg;
	bool recovers = false;
	size_t i;

	if (err)
		return;
	for (i = 0; i < reply->n; i++)
		recovers |= reply->lines[i].code == BT_BIRD_RECOVERY;
	if (recovers == w->facts->bird_recovers)
		return;
	w->facts->bird_recovers = recovers;
	w->changed(w->arg);
}

/**
 * bt_bird_watch_refresh() - something has been changed: look at it
 * @w: watch
 */
void bt_bird_watch_refresh(struct bt_bird_watch *w)
{
	if (w->asking || !bt_bird_conn_is_up(w->conn))
		return;
	/* Before the sessions: without them it would look as if it had recovered. */
	if (w->facts->hold.state != BT_BIRD_HOLD_SETTLED)
		bt_bird_conn_send(w->conn, "show status", 0, on_status, w);
	w->asking = !bt_bird_conn_send(w->conn, "show protocols", 0, on_protocols, w);
}

/* Somebody may have deleted it, or a reboot has. */
static bool read_file(const char *path, char **content)
{
	struct bt_buf text = {};
	bool have = !bt_read_file(path, MAX_FILE, &text);
	bool same = same_text(have ? text.data : NULL, *content);

	if (!same) {
		free(*content);
		*content = have ? bt_strdup(text.data) : NULL;
	}
	bt_buf_free(&text);
	return same;
}

static void read_files(struct bt_bird_watch *w)
{
	bool same = read_file(w->include, &w->facts->bird_file);

	if (!read_file(w->vars, &w->facts->bird_vars) || !same)
		w->changed(w->arg);
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

	read_files(w);
	if (!bt_bird_conn_is_up(w->conn))
		set_gone(w);
	bt_bird_watch_refresh(w);
}

static void on_soon(void *arg)
{
	bt_bird_watch_refresh(arg);
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
	w->facts->bird_recovers = false;
	/* Even if the next one is there before anybody looks. */
	w->facts->hold.state = BT_BIRD_HOLD_NEW;
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
	w->vars = bt_bird_vars_path(include);
	read_files(w);
	w->timer = bt_timer_new(loop, on_timer, w);
	bt_timer_start_periodic(w->timer, REFRESH_MS);
	w->soon = bt_timer_new(loop, on_soon, w);
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
	bt_timer_free(w->soon);
	free(w->include);
	free(w->vars);
	free(w);
}
