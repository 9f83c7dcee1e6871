// SPDX-License-Identifier: GPL-2.0
/*
 * What the module has: links, tunnels, routes. Events keep the facts up to date; what
 * they cannot tell, or have lost, is dumped before the facts are used next.
 */
#include "kmod_watch.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "kmod_event.h"
#include "kmod_route.h"
#include "rtnl_link.h"
#include "log.h"
#include "route_want.h"
#include "util.h"

/**
 * struct bt_kmod_watch - the watch
 * @facts: where to
 * @config: configuration, which changes
 * @kmod: for dumps
 * @events: subscription
 * @fd: its place in the loop
 * @all: everything is to be dumped
 * @stale: devices that are
 * @changed: called when the facts have changed or are to be dumped
 * @arg: passed to it
 */
struct bt_kmod_watch {
	struct bt_facts *facts;
	struct bt_config *const *config;
	struct bt_kmod *kmod;
	struct bt_kmod_events *events;
	struct bt_fd *fd;
	bool all;
	struct {
		int *v;
		size_t n;
	} stale;
	bt_loop_fn changed;
	void *arg;
};

/**
 * bt_kmod_watch_stale() - do not trust what is known of a device
 * @w: watch
 * @ifindex: device, or 0 for all
 */
void bt_kmod_watch_stale(struct bt_kmod_watch *w, int ifindex)
{
	size_t i;

	if (!ifindex) {
		w->all = true;
		return;
	}
	for (i = 0; i < w->stale.n; i++)
		if (w->stale.v[i] == ifindex)
			return;
	*bt_array_add(&w->stale) = ifindex;
}

/* --- events --- */

static void on_tunnel(struct bt_fact_link *l, const struct bt_tunnel *t)
{
	size_t i;

	for (i = 0; i < l->tunnels.n; i++) {
		if (l->tunnels.v[i].id == t->id) {
			bt_object_free(&bt_tunnel_object, &l->tunnels.v[i]);
			bt_object_copy(&bt_tunnel_object, &l->tunnels.v[i], t);
			return;
		}
	}
	bt_object_copy(&bt_tunnel_object, bt_array_add(&l->tunnels), t);
}

static void on_tunnel_del(struct bt_fact_link *l, const struct bt_tunnel *t)
{
	size_t i;

	for (i = 0; i < l->tunnels.n; i++) {
		if (l->tunnels.v[i].id != t->id)
			continue;
		bt_object_free(&bt_tunnel_object, &l->tunnels.v[i]);
		l->tunnels.v[i] = l->tunnels.v[--l->tunnels.n];
		return;
	}
}

/* Of our own changes we know already. */
static bool routes_known(const struct bt_fact_link *l, const struct bt_event *event)
{
	const struct bt_route *have;
	size_t i;

	for (i = 0; i < event->routes->n; i++) {
		have = bt_fact_link_route(l, &event->routes->v[i].dst);
		if (event->type == BT_EVENT_ROUTE_DEL ? !!have :
		    !have || !bt_route_same(&event->routes->v[i], have))
			return false;
	}
	return true;
}

/* The module helps itself; that one side has SAs that the other has not is worth a word. */
static void on_suspect(const struct bt_fact_link *l, const struct bt_sa *sa, void *arg)
{
	struct bt_kmod_watch *w = arg;
	size_t i;

	for (i = 0; i < l->tunnels.n; i++)
		if (l->tunnels.v[i].id == sa->tunnel)
			bt_warn("tunnel %s of %s: nothing sent by SA 0x%x is answered; %s",
				l->tunnels.v[i].name, l->link.dev.name, sa->spi,
				bt_suspect_text(*w->config, l->link.dev.name,
						l->tunnels.v[i].name, sa->current));
}

/* One that is used all the same is no news in each dump: it is not remembered. */
static void on_dumped(const struct bt_fact_link *l, const struct bt_sa *sa, void *arg)
{
	if (!sa->current)
		on_suspect(l, sa, arg);
}

static void on_link_event(struct bt_kmod_watch *w, struct bt_fact_link *l,
			  const struct bt_event *event)
{
	switch (event->type) {
	case BT_EVENT_TUNNEL:
		on_tunnel(l, event->tunnel);
		break;
	case BT_EVENT_TUNNEL_DEL:
		/* It takes next hops of routes with it. */
		on_tunnel_del(l, event->tunnel);
		bt_kmod_watch_stale(w, event->dev.ifindex);
		break;
	case BT_EVENT_ROUTE:
	case BT_EVENT_ROUTE_DEL:
		if (routes_known(l, event))
			return;
		bt_kmod_watch_stale(w, event->dev.ifindex);
		break;
	case BT_EVENT_LINK:
	case BT_EVENT_DEVICE:
		bt_object_merge(&bt_link_object, &l->link, event->link);
		l->link.dev = event->dev;
		break;
	case BT_EVENT_SA:
		bt_facts_link_sa(w->facts, l, event->sa, bt_now_ms(), on_suspect, w);
		break;
	case BT_EVENT_SA_DEL:
		/* Still suspect: what charon told last may have it yet. */
		return;
	default:
		bt_kmod_watch_stale(w, event->dev.ifindex);
	}
	w->changed(w->arg);
}

static void on_event(const struct bt_event *event, void *arg)
{
	struct bt_kmod_watch *w = arg;
	struct bt_fact_link *l;

	switch (event->type) {
	case BT_EVENT_MODULE:
		bt_info("the bowtie module is there");
		bt_facts_retry(w->facts, "link ");
		bt_kmod_watch_stale(w, 0);
		break;
	case BT_EVENT_MODULE_GONE:
		bt_warn("the bowtie module is gone");
		bt_facts_links_clear(w->facts);
		w->facts->kmod = false;
		break;
	case BT_EVENT_DEVICE_DEL:
		bt_facts_link_remove(w->facts, event->dev.ifindex);
		break;
	default:
		l = bt_facts_link(w->facts, event->dev.ifindex);
		if (l) {
			on_link_event(w, l, event);
			return;
		}
		bt_kmod_watch_stale(w, event->dev.ifindex);
	}
	w->changed(w->arg);
}

static void on_readable(void *arg, unsigned int ready)
{
	struct bt_kmod_watch *w = arg;
	struct bt_error e = {};

	if (bt_kmod_events_read(w->events, on_event, w, &e)) {
		bt_err("events of the module: %s", e.text);
		bt_error_free(&e);
		bt_kmod_watch_stale(w, 0);
		w->changed(w->arg);
	}
}

/* --- dumps --- */

static int dump_link(struct bt_kmod_watch *w, const struct bt_dev *dev, struct bt_error *e)
{
	struct bt_fact_link *l = bt_facts_link(w->facts, dev->ifindex);
	struct bt_tunnels tunnels = {};
	struct bt_routes routes = {};
	struct bt_sas sas = {};
	struct bt_link link = {}, device = {};
	int err;

	err = bt_kmod_link_get(w->kmod, dev, &link, e);
	if (!err)
		err = bt_rtnl_link_get(w->kmod, dev, &device, e);
	if (!err)
		err = bt_kmod_tunnel_dump(w->kmod, dev, &tunnels, e);
	if (!err)
		err = bt_kmod_route_dump(w->kmod, dev, &routes, e);
	if (!err)
		err = bt_kmod_sa_dump(w->kmod, dev, &sas, e);
	if (err) {
		bt_object_free(&bt_link_object, &link);
		bt_object_free(&bt_link_object, &device);
		bt_tunnels_free(&tunnels);
		bt_routes_free(&routes);
		bt_sas_free(&sas);
		return err;
	}
	bt_object_merge(&bt_link_object, &link, &device);
	bt_object_free(&bt_link_object, &device);
	if (!l)
		l = bt_facts_link_add(w->facts);
	bt_object_free(&bt_link_object, &l->link);
	l->link = link;
	bt_tunnels_free(&l->tunnels);
	l->tunnels = tunnels;
	bt_fact_link_set_routes(l, &routes);
	bt_facts_link_suspects(w->facts, l, &sas, bt_now_ms(), on_dumped, w);
	bt_sas_free(&sas);
	return 0;
}

/* A device that is gone meanwhile is no failure. */
static int dump_device(struct bt_kmod_watch *w, int ifindex, struct bt_error *e)
{
	struct bt_dev dev = { .ifindex = ifindex };
	int err = dump_link(w, &dev, e);

	if (err != -ENODEV && err != -EOPNOTSUPP && err != -BT_ENOMODULE)
		return err;
	bt_error_free(e);
	bt_facts_link_remove(w->facts, ifindex);
	return 0;
}

static int dump_all(struct bt_kmod_watch *w, struct bt_error *e)
{
	struct bt_links links = {};
	size_t i, j;
	int err;

	err = bt_kmod_link_dump(w->kmod, NULL, &links, e);
	if (err == -BT_ENOMODULE) {
		bt_error_free(e);
		bt_facts_links_clear(w->facts);
		w->facts->kmod = false;
		return 0;
	}
	for (i = 0; !err && i < links.n; i++)
		err = dump_device(w, links.v[i].dev.ifindex, e);
	/* And what is no longer there. */
	for (i = w->facts->links.n; !err && i--;) {
		for (j = 0; j < links.n; j++)
			if (links.v[j].dev.ifindex == w->facts->links.v[i].link.dev.ifindex)
				break;
		if (j == links.n)
			bt_facts_link_remove(w->facts,
					     w->facts->links.v[i].link.dev.ifindex);
	}
	bt_links_free(&links);
	if (!err)
		w->facts->kmod = true;
	return err;
}

/**
 * bt_kmod_watch_sync() - bring the facts up to date
 * @w: watch
 * @e: says what is wrong
 *
 * Return: 0, or a negative errno and it is to be called again.
 */
int bt_kmod_watch_sync(struct bt_kmod_watch *w, struct bt_error *e)
{
	int err;

	if (w->all) {
		err = dump_all(w, e);
		if (err)
			return err;
		w->all = false;
		w->stale.n = 0;
	}
	while (w->stale.n) {
		err = dump_device(w, w->stale.v[w->stale.n - 1], e);
		if (err)
			return err;
		w->stale.n--;
	}
	bt_facts_forget_orphans(w->facts);
	return 0;
}

/**
 * bt_kmod_watch_new() - begin to watch the module
 * @loop: event loop
 * @facts: where to
 * @config: where the configuration is, to speak of what will be done
 * @kmod: for dumps; stays the caller's
 * @changed: called when the facts have changed, or need bt_kmod_watch_sync()
 * @arg: passed to it
 * @e: says what is wrong
 *
 * The module need not be there. Return: the watch, or NULL.
 */
struct bt_kmod_watch *bt_kmod_watch_new(struct bt_loop *loop, struct bt_facts *facts,
					struct bt_config *const *config,
					struct bt_kmod *kmod, bt_loop_fn changed, void *arg,
					struct bt_error *e)
{
	struct bt_kmod_watch *w = bt_alloc(sizeof(*w));

	w->facts = facts;
	w->config = config;
	w->kmod = kmod;
	w->changed = changed;
	w->arg = arg;
	w->all = true;
	w->events = bt_kmod_events_open(e);
	if (!w->events) {
		free(w);
		return NULL;
	}
	w->fd = bt_fd_new(loop, bt_kmod_events_fd(w->events), BT_FD_READ, on_readable, w);
	return w;
}

/**
 * bt_kmod_watch_free() - end it
 * @w: watch, or NULL
 */
void bt_kmod_watch_free(struct bt_kmod_watch *w)
{
	if (!w)
		return;
	bt_fd_free(w->fd);
	bt_kmod_events_close(w->events);
	free(w->stale.v);
	free(w);
}
