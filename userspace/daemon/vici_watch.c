// SPDX-License-Identifier: GPL-2.0
/*
 * What charon has: connections, secrets, IKE SAs. Its events only say that something
 * happened; what is there now is asked for, so that no order of events, no unique id
 * and no lost event can lead astray. Others may unload what we loaded ("swanctl
 * --load-all"), which makes no event: so it is asked now and then, too.
 */
#include "vici_watch.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "log.h"
#include "util.h"

/* Events come in flocks. */
#define SETTLE_MS	30
#define REFRESH_MS	15000
/* While one is being set up, or is missing that was to be */
#define HALF_OPEN_MS	2000
/* When to look again for an SA that is missing, and how long to wait for that answer. */
#define DOUBT_MS	200
#define DOUBT_MAX_MS	3000

/**
 * struct bt_vici_watch - the watch
 * @facts: where to
 * @conn: connection to charon
 * @soon: to ask after events
 * @timer: to ask now and then
 * @half_open: to ask what becomes of one that is being set up, or is of no use
 * @asking: answers that are still to come
 * @again: something happened meanwhile
 * @failed: one of the answers was an error
 * @doubtful: connections whose SAs were missing for the first time
 * @ikes: IKE SAs so far
 * @names: connections or secrets so far
 * @changed: called when the facts have changed
 * @arg: passed to it
 */
struct bt_vici_watch {
	struct bt_facts *facts;
	struct bt_vici_conn *conn;
	struct bt_timer *soon;
	struct bt_timer *timer;
	struct bt_timer *half_open;
	unsigned int asking;
	bool again;
	bool failed;
	struct bt_strings doubtful;
	struct bt_fact_ikes ikes;
	struct bt_strings conns;
	struct bt_strings shared;
	bt_loop_fn changed;
	void *arg;
};

static const char *const events[] = {
	"ike-updown", "child-updown", "ike-rekey", "child-rekey", NULL,
};

/* --- answers --- */

static bool installed(const char *state)
{
	/* A rekeyed one lingers as REKEYED or DELETED beside its successor. */
	return state && (!strcmp(state, "INSTALLED") || !strcmp(state, "REKEYING"));
}

static bool is_yes(const char *text)
{
	return text && !strcmp(text, "yes");
}

static void parse_children(const struct bt_vici_node *section, struct bt_fact_ike *ike)
{
	const struct bt_vici_node *child;
	uint64_t if_id, packets, id, spi;

	bt_vici_for_each(child, section) {
		if (child->kind != BT_VICI_SECTION || !installed(bt_vici_get_str(child, "state")))
			continue;
		ike->children++;
		if (bt_vici_get_u64(child, "if-id-out", 16, &if_id) && if_id <= UINT32_MAX)
			ike->if_id = (uint32_t)if_id;
		if (bt_vici_get_u64(child, "packets-in", 10, &packets))
			ike->packets += packets;
		if (bt_vici_get_u64(child, "uniqueid", 10, &id) && id <= UINT32_MAX &&
		    bt_vici_get_u64(child, "spi-out", 16, &spi) && spi <= UINT32_MAX)
			*bt_array_add(&ike->sas) = (struct bt_fact_child){ (uint32_t)id,
									   (uint32_t)spi };
	}
}

/**
 * bt_vici_parse_sa() - an entry of list-sas
 * @msg: its message
 * @out: IKE SAs are added
 */
void bt_vici_parse_sa(const struct bt_vici_node *msg, struct bt_fact_ikes *out)
{
	const struct bt_vici_node *section, *children;
	const char *state, *host;
	struct bt_fact_ike ike;
	uint64_t id, spi;

	bt_vici_for_each(section, msg) {
		if (section->kind != BT_VICI_SECTION || strlen(section->name) != section->name_len)
			continue;
		ike = (struct bt_fact_ike){};
		state = bt_vici_get_str(section, "state");
		if (!state || !bt_vici_get_u64(section, "uniqueid", 10, &id) || id > UINT32_MAX)
			continue;
		ike.id = (uint32_t)id;
		ike.established = !strcmp(state, "ESTABLISHED") || !strcmp(state, "REKEYING");
		ike.dying = !strcmp(state, "DELETING") || !strcmp(state, "DESTROYING") ||
			    !strcmp(state, "REKEYED");
		ike.ours = is_yes(bt_vici_get_str(section, "initiator"));
		ike.answered = bt_vici_get_u64(section, "responder-spi", 16, &spi) && spi;
		host = bt_vici_get_str(section, "remote-host");
		if (host && !bt_addr_parse(host, &ike.remote))
			ike.remote = (struct bt_addr){};
		children = bt_vici_find(section, "child-sas", NULL);
		if (children)
			parse_children(children, &ike);
		ike.name = bt_strdup(section->name);
		*bt_array_add(out) = ike;
	}
}

static void on_sa(void *arg, const struct bt_vici_node *msg)
{
	struct bt_vici_watch *w = arg;

	bt_vici_parse_sa(msg, &w->ikes);
}

static void take_names(const struct bt_vici_node *reply, const char *key, struct bt_strings *out)
{
	const struct bt_vici_node *list = bt_vici_find(reply, key, NULL), *item;
	const char *name;

	bt_strings_clear(out);
	if (!list)
		return;
	bt_vici_for_each(item, list) {
		name = bt_vici_str(item);
		if (name)
			*bt_array_add(out) = bt_strdup(name);
	}
	bt_strings_sort(out);
}

/* What charon has lost, it does not have from us any more either. */
static void forget_lost(struct bt_fact_loadeds *loaded, const struct bt_strings *names)
{
	size_t i;

	for (i = loaded->n; i--;)
		if (!bt_strings_have(names, loaded->v[i].name))
			bt_facts_unloaded(loaded, loaded->v[i].name);
}

/* --- SAs that are not there --- */

static bool alive(const struct bt_fact_ikes *ikes, const char *name)
{
	const struct bt_fact_ike *ike = bt_fact_ikes_first(ikes, name);

	for (; ike && ike < ikes->v + ikes->n && !strcmp(ike->name, name); ike++)
		if (!ike->dying && (!ike->established || ike->children))
			return true;
	return false;
}

/*
 * charon lists one IKE SA after the other. While one is rekeyed, the old one may be told
 * without its children and the new one not at all: what has just been there is begun
 * anew only if it is missing twice.
 */
static void doubt(struct bt_vici_watch *w, const struct bt_fact_ikes *before,
		  const struct bt_fact_ikes *now)
{
	struct bt_facts *f = w->facts;
	uint64_t time = bt_now_ms();
	size_t i;

	for (i = 0; i < w->doubtful.n; i++)
		bt_facts_done(f, w->doubtful.v[i]);
	bt_strings_clear(&w->doubtful);
	for (i = 0; i < before->n; i++) {
		const char *name = before->v[i].name;
		char *key = bt_asprintf("initiate %s", name);

		if (alive(before, name) && !alive(now, name) && !bt_facts_held(f, key, time)) {
			bt_facts_wait(f, key, time + DOUBT_MAX_MS);
			*bt_array_add(&w->doubtful) = bt_strdup(key);
		}
		free(key);
	}
	if (w->doubtful.n)
		bt_timer_start(w->soon, DOUBT_MS);
}

/**
 * bt_vici_watch_follow() - ask charon again if that is the way to find out
 * @w: watch
 *
 * charon tells nothing of one that gets no answer, until it gives up after minutes; nor of
 * one that only we have, which the module may have told of since the last list.
 */
void bt_vici_watch_follow(struct bt_vici_watch *w)
{
	const struct bt_fact_ikes *ikes = &w->facts->ikes;
	size_t i;

	for (i = 0; i < ikes->n; i++)
		if (ikes->v[i].ours && !ikes->v[i].established && !ikes->v[i].dying)
			break;
	if ((i < ikes->n || w->facts->suspects.n) && !bt_timer_pending(w->half_open))
		bt_timer_start(w->half_open, HALF_OPEN_MS);
}

static void finish(struct bt_vici_watch *w, int err)
{
	struct bt_facts *f = w->facts;

	if (err)
		w->failed = true;
	if (--w->asking)
		return;
	if (w->again)
		bt_timer_start(w->soon, SETTLE_MS);
	if (w->failed) {
		/* Reconnecting asks again; a refusal is asked about later. */
		bt_fact_ikes_clear(&w->ikes);
		return;
	}
	f->ikes_seen = bt_now_ms();
	bt_fact_ikes_sort(&w->ikes);
	bt_fact_ikes_follow(&w->ikes, &f->ikes, f->ikes_seen);
	doubt(w, &f->ikes, &w->ikes);
	bt_fact_ikes_clear(&f->ikes);
	f->ikes = w->ikes;
	w->ikes = (struct bt_fact_ikes){};
	bt_facts_forget_suspects(f, f->ikes_seen);
	bt_vici_watch_follow(w);
	bt_strings_clear(&f->conns);
	f->conns = w->conns;
	w->conns = (struct bt_strings){};
	bt_strings_clear(&f->shared);
	f->shared = w->shared;
	w->shared = (struct bt_strings){};
	forget_lost(&f->conns_loaded, &f->conns);
	forget_lost(&f->shared_loaded, &f->shared);
	f->vici = true;
	w->changed(w->arg);
}

static void conns_done(void *arg, int err, const struct bt_vici_node *reply)
{
	struct bt_vici_watch *w = arg;

	if (!err)
		take_names(reply, "conns", &w->conns);
	finish(w, err);
}

static void shared_done(void *arg, int err, const struct bt_vici_node *reply)
{
	struct bt_vici_watch *w = arg;

	if (!err)
		take_names(reply, "keys", &w->shared);
	finish(w, err);
}

static void sas_done(void *arg, int err, const struct bt_vici_node *reply)
{
	finish(arg, err);
}

/* --- questions --- */

static void send_one(struct bt_vici_watch *w, const struct bt_vici_command *command)
{
	int err = bt_vici_conn_send(w->conn, command);

	if (!err) {
		w->asking++;
		return;
	}
	/* Without one of the answers the others are not the whole. */
	bt_err("charon: %s: %s", command->name, strerror(-err));
	w->failed = true;
}

static void ask(struct bt_vici_watch *w)
{
	const struct bt_vici_command conns = {
		.name = "get-conns", .done = conns_done, .arg = w,
	};
	const struct bt_vici_command shared = {
		.name = "get-shared", .done = shared_done, .arg = w,
	};
	const struct bt_vici_command sas = {
		.name = "list-sas", .stream = "list-sa", .item = on_sa, .done = sas_done, .arg = w,
	};

	if (!bt_vici_conn_is_up(w->conn))
		return;
	if (w->asking) {
		w->again = true;
		return;
	}
	w->again = false;
	w->failed = false;
	bt_fact_ikes_clear(&w->ikes);
	send_one(w, &conns);
	send_one(w, &shared);
	send_one(w, &sas);
}

static void on_timer(void *arg)
{
	ask(arg);
}

/**
 * bt_vici_watch_refresh() - something has been changed: look at it soon
 * @w: watch
 */
void bt_vici_watch_refresh(struct bt_vici_watch *w)
{
	if (!bt_timer_pending(w->soon))
		bt_timer_start(w->soon, SETTLE_MS);
}

static void on_event(void *arg, const char *name, const struct bt_vici_node *msg)
{
	bt_debug("charon: %s", name);
	bt_vici_watch_refresh(arg);
}

/* The next charon counts from the beginning. */
static void forget_ids(struct bt_fact_ikes *ikes)
{
	size_t i;

	for (i = 0; i < ikes->n; i++)
		ikes->v[i].id = 0;
}

static void on_state(void *arg, bool up)
{
	struct bt_vici_watch *w = arg;

	if (up) {
		bt_info("charon is there");
		bt_facts_retry(w->facts, "shared ");
		bt_facts_retry(w->facts, "conn ");
		bt_facts_retry(w->facts, "initiate");
		ask(w);
		return;
	}
	bt_warn("charon is gone; its SAs stay as long as the kernel has them");
	w->facts->vici = false;
	forget_ids(&w->facts->ikes);
	/* The next one has nothing of ours. */
	bt_facts_loaded_clear(&w->facts->conns_loaded);
	bt_facts_loaded_clear(&w->facts->shared_loaded);
	w->changed(w->arg);
}

/**
 * bt_vici_watch_conn() - the connection, to send commands
 * @w: watch
 */
struct bt_vici_conn *bt_vici_watch_conn(struct bt_vici_watch *w)
{
	return w->conn;
}

/**
 * bt_vici_watch_new() - begin to watch charon
 * @loop: event loop
 * @facts: where to
 * @path: vici's socket
 * @changed: called when the facts have changed
 * @arg: passed to it
 *
 * charon need not be there. Return: the watch.
 */
struct bt_vici_watch *bt_vici_watch_new(struct bt_loop *loop, struct bt_facts *facts,
					const char *path, bt_loop_fn changed, void *arg)
{
	struct bt_vici_watch *w = bt_alloc(sizeof(*w));
	const struct bt_vici_config config = {
		.path = path,
		.events = events,
		.state = on_state,
		.event = on_event,
		.arg = w,
	};

	w->facts = facts;
	w->changed = changed;
	w->arg = arg;
	w->soon = bt_timer_new(loop, on_timer, w);
	w->timer = bt_timer_new(loop, on_timer, w);
	w->half_open = bt_timer_new(loop, on_timer, w);
	bt_timer_start_periodic(w->timer, REFRESH_MS);
	w->conn = bt_vici_conn_new(loop, &config);
	return w;
}

/**
 * bt_vici_watch_free() - end it
 * @w: watch, or NULL
 */
void bt_vici_watch_free(struct bt_vici_watch *w)
{
	if (!w)
		return;
	bt_vici_conn_forget(w->conn, w);
	bt_vici_conn_free(w->conn);
	bt_timer_free(w->soon);
	bt_timer_free(w->timer);
	bt_timer_free(w->half_open);
	bt_fact_ikes_clear(&w->ikes);
	bt_strings_clear(&w->doubtful);
	bt_strings_clear(&w->conns);
	bt_strings_clear(&w->shared);
	free(w);
}
