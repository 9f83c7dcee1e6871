// SPDX-License-Identifier: GPL-2.0
/*
 * Addresses of our devices, and the kernel's routes by them or of ours. Routes are followed by
 * their events, since there may be many and failover waits for them; what the kernel
 * drops without an event (a device goes down) is dumped anew.
 */
#include "rtnl_watch.h"

#include <errno.h>
#include <linux/rtnetlink.h>
#include <netlink/msg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "log.h"
#include "route_hold.h"
#include "rtnl_cmd.h"
#include "rtnl_parse.h"
#include "util.h"

#define RX_BYTES	(8 * 1024 * 1024)
/* Datagrams in one go: other events of the loop want their turn. */
#define READ_MAX	512

/**
 * struct bt_rtnl_watch - the watch
 * @facts: where to
 * @requests: socket for dumps
 * @events: socket for notifications
 * @fd: its place in the loop
 * @stale_addrs: addresses and marks of devices are to be dumped
 * @stale_routes: routes are
 * @devices: indices that the last dump of routes went by
 * @changed: called when the facts have changed or are to be dumped
 * @arg: passed to it
 */
struct bt_rtnl_watch {
	struct bt_facts *facts;
	struct bt_nl *requests;
	struct bt_nl events;
	struct bt_fd *fd;
	bool stale_addrs;
	bool stale_routes;
	struct {
		int *v;
		size_t n;
	} devices;
	bt_loop_fn changed;
	void *arg;
};

/* --- routes --- */

static bool is_ours(const struct bt_rtnl_watch *w, const struct bt_fact_route *r)
{
	size_t i;

	for (i = 0; i < r->hops.n; i++)
		if (bt_facts_link(w->facts, r->hops.v[i].ifindex))
			return true;
	return bt_hold_is(r);
}

static bool same_hops(const struct bt_fact_hops *a, const struct bt_fact_hops *b)
{
	size_t i;

	if (a->n != b->n)
		return false;
	for (i = 0; i < a->n; i++)
		if (a->v[i].ifindex != b->v[i].ifindex || a->v[i].weight != b->v[i].weight ||
		    a->v[i].gateway.family != b->v[i].gateway.family ||
		    (a->v[i].gateway.family &&
		     bt_addr_cmp(&a->v[i].gateway, &b->v[i].gateway)))
			return false;
	return true;
}

/* Takes @r over. */
static void new_route(struct bt_rtnl_watch *w, struct bt_fact_route *r)
{
	struct bt_fact_route *have = bt_fact_routes_find(&w->facts->routes, r);

	if (!is_ours(w, r)) {
		/* It may have replaced one that was. */
		if (have) {
			bt_fact_routes_remove(&w->facts->routes, have);
			w->changed(w->arg);
		}
		free(r->hops.v);
		return;
	}
	if (have && have->protocol == r->protocol && same_hops(&have->hops, &r->hops)) {
		free(r->hops.v);
		return;
	}
	if (have) {
		free(have->hops.v);
		*have = *r;
	} else {
		bt_fact_routes_add(&w->facts->routes, r);
	}
	w->changed(w->arg);
}

static void del_route(struct bt_rtnl_watch *w, const struct bt_fact_route *r)
{
	struct bt_fact_route *have = bt_fact_routes_find(&w->facts->routes, r);

	if (!have)
		return;
	/* Of IPv6 routes with many next hops single ones may go. */
	if (same_hops(&have->hops, &r->hops))
		bt_fact_routes_remove(&w->facts->routes, have);
	else
		w->stale_routes = true;
	w->changed(w->arg);
}

/* --- events --- */

static void on_message(struct bt_rtnl_watch *w, struct nlmsghdr *nlh)
{
	struct bt_fact_route route;
	struct bt_fact_addr addr;
	int ifindex;
	bool ours;

	switch (nlh->nlmsg_type) {
	case RTM_NEWROUTE:
	case RTM_DELROUTE:
		if (!bt_rtnl_parse_route(nlh, &route))
			return;
		if (nlh->nlmsg_type == RTM_NEWROUTE) {
			new_route(w, &route);
		} else {
			del_route(w, &route);
			free(route.hops.v);
		}
		return;
	case RTM_NEWADDR:
	case RTM_DELADDR:
		if (!bt_rtnl_parse_addr(nlh, &ifindex, &addr) ||
		    !bt_facts_link(w->facts, ifindex))
			return;
		w->stale_addrs = true;
		/* With an address go the routes that use it as a source, silently. */
		w->stale_routes |= nlh->nlmsg_type == RTM_DELADDR;
		break;
	case RTM_NEWLINK:
	case RTM_DELLINK:
		if (!bt_rtnl_parse_alias(nlh, &ifindex, &ours) ||
		    !bt_facts_link(w->facts, ifindex))
			return;
		w->stale_addrs = true;
		w->stale_routes = true;
		break;
	default:
		return;
	}
	w->changed(w->arg);
}

/*
 * A socket that has overflown gets nothing more before it has been read to its end; and
 * what is still in it is older than what a dump will tell, so it must not be taken after
 * the dump. Returns 0, or -ENOBUFS if anything is lost.
 */
static int read_events(struct bt_rtnl_watch *w)
{
	bool lost = false;
	struct nlmsghdr *nlh;
	int rem, err, i;

	for (i = 0; lost || i < READ_MAX; i++) {
		err = bt_nl_receive(&w->events, MSG_DONTWAIT);
		if (err == -EAGAIN)
			break;
		if (err == -ENOBUFS)
			lost = true;
		else if (err)
			return err;
		else if (!lost)
			bt_nl_for_each(nlh, rem, &w->events)
				on_message(w, nlh);
	}
	return lost ? -ENOBUFS : 0;
}

static void on_readable(void *arg, unsigned int ready)
{
	struct bt_rtnl_watch *w = arg;
	int err = read_events(w);

	if (!err)
		return;
	if (err == -ENOBUFS)
		bt_notice("rtnetlink: more events than there is room for: looking at all of it");
	else
		bt_err("events of rtnetlink: %s", strerror(-err));
	w->stale_addrs = true;
	w->stale_routes = true;
	w->changed(w->arg);
}

/* --- dumps --- */

static int take_alias(struct nlmsghdr *nlh, void *arg)
{
	struct bt_rtnl_watch *w = arg;
	struct bt_fact_link *l;
	int ifindex;
	bool ours;

	if (!nlh || !bt_rtnl_parse_alias(nlh, &ifindex, &ours))
		return 0;
	l = bt_facts_link(w->facts, ifindex);
	if (l)
		l->ours = ours;
	return 0;
}

static int take_addr(struct nlmsghdr *nlh, void *arg)
{
	struct bt_rtnl_watch *w = arg;
	struct bt_fact_addr addr;
	struct bt_fact_link *l;
	int ifindex;
	size_t i;

	if (!nlh) {
		for (i = 0; i < w->facts->links.n; i++)
			w->facts->links.v[i].addrs.n = 0;
		return 0;
	}
	if (!bt_rtnl_parse_addr(nlh, &ifindex, &addr))
		return 0;
	l = bt_facts_link(w->facts, ifindex);
	if (l)
		*bt_array_add(&l->addrs) = addr;
	return 0;
}

static int take_route(struct nlmsghdr *nlh, void *arg)
{
	struct bt_rtnl_watch *w = arg;
	struct bt_fact_route r;

	if (!nlh) {
		bt_fact_routes_clear(&w->facts->routes);
		return 0;
	}
	if (!bt_rtnl_parse_route(nlh, &r))
		return 0;
	if (is_ours(w, &r))
		bt_fact_routes_add(&w->facts->routes, &r);
	else
		free(r.hops.v);
	return 0;
}

/* Which devices are ours decides which routes are kept. */
static void follow_devices(struct bt_rtnl_watch *w)
{
	const struct bt_facts *f = w->facts;
	bool same = w->devices.n == f->links.n;
	size_t i;

	for (i = 0; same && i < f->links.n; i++)
		same = w->devices.v[i] == f->links.v[i].link.dev.ifindex;
	if (same)
		return;
	w->devices.n = 0;
	for (i = 0; i < f->links.n; i++)
		*bt_array_add(&w->devices) = f->links.v[i].link.dev.ifindex;
	w->stale_addrs = true;
	w->stale_routes = true;
}

/**
 * bt_rtnl_watch_sync() - bring the facts up to date
 * @w: watch
 * @e: says what is wrong
 *
 * To be called after bt_kmod_watch_sync(), which tells the devices.
 * Return: 0, or a negative errno and it is to be called again.
 */
int bt_rtnl_watch_sync(struct bt_rtnl_watch *w, struct bt_error *e)
{
	int err;

	follow_devices(w);
	if (w->stale_addrs) {
		err = bt_rtnl_dump_links(w->requests, take_alias, w, e);
		if (!err)
			err = bt_rtnl_dump_addrs(w->requests, take_addr, w, e);
		if (err)
			return err;
		w->stale_addrs = false;
	}
	if (w->stale_routes) {
		w->facts->fib = false;
		err = bt_rtnl_dump_routes(w->requests, take_route, w, e);
		if (err)
			return err;
		w->facts->fib = true;
		w->stale_routes = false;
	}
	return 0;
}

static int subscribe(struct bt_nl *nl, struct bt_error *e)
{
	static const int groups[] = {
		RTNLGRP_LINK, RTNLGRP_IPV4_IFADDR, RTNLGRP_IPV6_IFADDR,
		RTNLGRP_IPV4_ROUTE, RTNLGRP_IPV6_ROUTE,
	};
	int bytes = RX_BYTES;
	size_t i;

	/* Beyond rmem_max for who has the right; a smaller one does, with resyncs. */
	if (setsockopt(bt_nl_fd(nl), SOL_SOCKET, SO_RCVBUFFORCE, &bytes, sizeof(bytes)))
		bt_debug("receive buffer: %s", strerror(errno));
	for (i = 0; i < BT_ARRAY_SIZE(groups); i++)
		if (setsockopt(bt_nl_fd(nl), SOL_NETLINK, NETLINK_ADD_MEMBERSHIP, &groups[i],
			       sizeof(groups[i])))
			return bt_error_set(e, -errno, "cannot subscribe to rtnetlink: %s",
					    strerror(errno));
	return 0;
}

/**
 * bt_rtnl_watch_new() - begin to watch addresses and routes
 * @loop: event loop
 * @facts: where to
 * @requests: open socket for dumps; stays the caller's
 * @changed: called when the facts have changed, or need bt_rtnl_watch_sync()
 * @arg: passed to it
 * @e: says what is wrong
 *
 * Return: the watch, or NULL.
 */
struct bt_rtnl_watch *bt_rtnl_watch_new(struct bt_loop *loop, struct bt_facts *facts,
					struct bt_nl *requests, bt_loop_fn changed, void *arg,
					struct bt_error *e)
{
	struct bt_rtnl_watch *w = bt_alloc(sizeof(*w));

	w->facts = facts;
	w->requests = requests;
	w->changed = changed;
	w->arg = arg;
	w->stale_addrs = true;
	w->stale_routes = true;
	if (bt_nl_open(&w->events, NETLINK_ROUTE, e) || subscribe(&w->events, e)) {
		bt_nl_close(&w->events);
		free(w);
		return NULL;
	}
	w->fd = bt_fd_new(loop, bt_nl_fd(&w->events), BT_FD_READ, on_readable, w);
	return w;
}

/**
 * bt_rtnl_watch_free() - end it
 * @w: watch, or NULL
 */
void bt_rtnl_watch_free(struct bt_rtnl_watch *w)
{
	if (!w)
		return;
	bt_fd_free(w->fd);
	bt_nl_close(&w->events);
	free(w->devices.v);
	free(w);
}
