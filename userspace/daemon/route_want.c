// SPDX-License-Identifier: GPL-2.0
/*
 * PURE: from the kernel's routes by a link, and the configuration's, to the module's:
 * each next hop is the peer inside a tunnel. The kernel needs one route into the link;
 * which tunnels it leads to is in a table of our own, where BIRD keeps all of them.
 */
#include "route_want.h"

#include <linux/rtnetlink.h>
#include <stdlib.h>
#include <string.h>

#include "names.h"

/**
 * struct candidate - a route, and how it ranks among those of its prefix
 * @route: the route
 * @source: who says so; less is better
 * @metric: less is better
 */
struct candidate {
	struct bt_route route;
	unsigned int source;
	uint32_t metric;
};

enum { SOURCE_CONFIG, SOURCE_OWN_TABLE, SOURCE_MAIN_TABLE, SOURCE_BACKUPS };

struct candidates {
	struct candidate *v;
	size_t n;
};

/* The tunnel whose peer a gateway is. */
static const struct bt_tunnel *tunnel_of(const struct bt_fact_link *link,
					 const struct bt_addr *gateway)
{
	size_t i;

	for (i = 0; i < link->tunnels.n; i++) {
		const struct bt_tunnel *t = &link->tunnels.v[i];
		const struct bt_addr *peer = gateway->family == AF_INET6 ? &t->inside_peer6 :
					     &t->inside_peer4;

		if (!bt_addr_is_any(peer) && !bt_addr_cmp(peer, gateway))
			return t;
	}
	return NULL;
}

static void add_hop(struct bt_route *r, uint32_t tunnel, uint32_t weight)
{
	struct bt_nexthop *hop;
	size_t i;

	for (i = 0; i < r->nexthops.n; i++)
		if (r->nexthops.v[i].tunnel == tunnel)
			return;
	hop = bt_array_add(&r->nexthops);
	hop->tunnel = tunnel;
	hop->set = BT_BIT(BOWTIE_A_NEXTHOP_TUNNEL);
	if (weight) {
		hop->weight = weight < BOWTIE_WEIGHT_MAX ? weight : BOWTIE_WEIGHT_MAX;
		hop->set |= BT_BIT(BOWTIE_A_NEXTHOP_WEIGHT);
	}
}

static void add_all(struct bt_route *r, const struct bt_fact_link *link)
{
	size_t i;

	for (i = 0; i < link->tunnels.n; i++)
		add_hop(r, link->tunnels.v[i].id, 0);
}

static int by_tunnel(const void *a, const void *b)
{
	const struct bt_nexthop *x = a, *y = b;

	return x->tunnel < y->tunnel ? -1 : x->tunnel > y->tunnel;
}

static void finish(struct candidates *out, struct bt_route *r, unsigned int source,
		   uint32_t metric)
{
	struct candidate *c;

	if (!r->nexthops.n) {
		bt_object_free(&bt_route_object, r);
		return;
	}
	qsort(r->nexthops.v, r->nexthops.n, sizeof(*r->nexthops.v), by_tunnel);
	r->set = BT_BIT(BOWTIE_A_ROUTE_DST) | BT_BIT(BOWTIE_A_ROUTE_NEXTHOP);
	c = bt_array_add(out);
	*c = (struct candidate){ .route = *r, .source = source, .metric = metric };
}

/* Are shares given? Equal ones are left to the tunnels' own weights. */
static bool weighted(const struct bt_fact_route *from)
{
	size_t i;

	for (i = 1; i < from->hops.n; i++)
		if (from->hops.v[i].weight != from->hops.v[0].weight)
			return true;
	return false;
}

static void add_kernel(struct candidates *out, const struct bt_fact_link *link,
		       const struct bt_fact_route *from, unsigned int source)
{
	struct bt_route r = { .dst = from->dst };
	bool shares = weighted(from);
	const struct bt_tunnel *t;
	size_t i;

	for (i = 0; i < from->hops.n; i++) {
		const struct bt_fact_hop *hop = &from->hops.v[i];

		if (hop->ifindex != link->link.dev.ifindex)
			continue;
		if (!hop->gateway.family) {
			add_all(&r, link);
			continue;
		}
		t = tunnel_of(link, &hop->gateway);
		if (t)
			add_hop(&r, t->id, shares ? hop->weight : 0);
	}
	finish(out, &r, source, from->metric);
}

static const struct bt_tunnel *tunnel_named(const struct bt_fact_link *link, const char *name)
{
	size_t i;

	for (i = 0; i < link->tunnels.n; i++)
		if (!strcmp(link->tunnels.v[i].name, name))
			return &link->tunnels.v[i];
	return NULL;
}

static void add_static(struct candidates *out, const struct bt_fact_link *link,
		       const struct bt_conf_route *from)
{
	const struct bt_tunnel *t;
	size_t i, j;

	for (i = 0; i < from->prefixes.n; i++) {
		struct bt_route r = { .dst = from->prefixes.v[i] };

		if (!from->tunnels.n)
			add_all(&r, link);
		for (j = 0; j < from->tunnels.n; j++) {
			t = tunnel_named(link, from->tunnels.v[j]);
			if (t)
				add_hop(&r, t->id, 0);
		}
		finish(out, &r, SOURCE_CONFIG, 0);
	}
}

static bool leads_into(const struct bt_fact_route *r, int ifindex)
{
	size_t i;

	for (i = 0; i < r->hops.n; i++)
		if (r->hops.v[i].ifindex == ifindex)
			return true;
	return false;
}

static bool is_own_table(const struct bt_conf_link *conf, uint32_t table)
{
	return table == conf->bgp.table || table == conf->bgp.backup_table;
}

/**
 * bt_route_is_left() - is a route in a table of ours one that BIRD has left behind?
 * @conf: the link's configuration
 * @r: route
 *
 * BIRD leaves its routes (persist) also when our kernel protocol is taken from it, as when
 * the last session goes, or BGP is managed by somebody else from now on.
 */
bool bt_route_is_left(const struct bt_conf_link *conf, const struct bt_fact_route *r)
{
	if (r->protocol != RTPROT_BIRD || !is_own_table(conf, r->table))
		return false;
	return !bt_bird_feeds_family(conf, r->dst.addr.family) ||
	       (r->table == conf->bgp.backup_table && !conf->bgp.backups);
}

static int source_of(const struct bt_conf_link *conf, const struct bt_fact_link *link,
		     const struct bt_fact_route *r)
{
	if (r->protocol == RTPROT_KERNEL || r->protocol == BT_RTPROT ||
	    !leads_into(r, link->link.dev.ifindex) || bt_route_is_left(conf, r))
		return -1;
	if (r->table == conf->bgp.table)
		return SOURCE_OWN_TABLE;
	if (r->table == conf->bgp.backup_table)
		return conf->bgp.backups ? SOURCE_BACKUPS : -1;
	return r->table == RT_TABLE_MAIN ? SOURCE_MAIN_TABLE : -1;
}

/**
 * bt_route_leads() - has somebody else made a kernel route that leads by a link?
 * @conf: the link's configuration
 * @link: the link as it is
 * @r: route
 */
bool bt_route_leads(const struct bt_conf_link *conf, const struct bt_fact_link *link,
		    const struct bt_fact_route *r)
{
	return source_of(conf, link, r) >= 0;
}

static int by_rank(const void *a, const void *b)
{
	const struct candidate *x = a, *y = b;
	int order = bt_prefix_cmp(&x->route.dst, &y->route.dst);

	if (order)
		return order;
	if (x->source != y->source)
		return x->source < y->source ? -1 : 1;
	return x->metric < y->metric ? -1 : x->metric > y->metric;
}

static uint32_t tier_of(const struct bt_fact_link *link, uint32_t tunnel)
{
	size_t i;

	for (i = 0; i < link->tunnels.n; i++)
		if (link->tunnels.v[i].id == tunnel)
			return link->tunnels.v[i].tier;
	return 0;
}

/* Behind all of the best ones, and among each other in the order of their own tiers. */
static void add_backups(struct bt_route *r, const struct bt_route *all,
			const struct bt_fact_link *link)
{
	size_t i, n = r->nexthops.n;
	uint32_t base = 0, tier;

	for (i = 0; i < n; i++) {
		tier = tier_of(link, r->nexthops.v[i].tunnel);
		base = tier > base ? tier : base;
	}
	for (i = 0; base < BOWTIE_TIER_MAX && i < all->nexthops.n; i++) {
		size_t before = r->nexthops.n;

		add_hop(r, all->nexthops.v[i].tunnel, 0);
		if (r->nexthops.n == before)
			continue;
		tier = base + 1 + tier_of(link, all->nexthops.v[i].tunnel);
		r->nexthops.v[before].tier = tier < BOWTIE_TIER_MAX ? tier : BOWTIE_TIER_MAX;
		r->nexthops.v[before].set |= BT_BIT(BOWTIE_A_NEXTHOP_TIER);
	}
	if (r->nexthops.n > n)
		qsort(r->nexthops.v, r->nexthops.n, sizeof(*r->nexthops.v), by_tunnel);
}

/* The best of each prefix, and what else BIRD knows of where that is from BIRD. */
static void take_best(struct candidates *all, const struct bt_fact_link *link,
		      struct bt_routes *out)
{
	const struct candidate *best = NULL;
	size_t i;

	if (all->n)
		qsort(all->v, all->n, sizeof(*all->v), by_rank);
	for (i = 0; i < all->n; i++) {
		struct candidate *c = &all->v[i];

		if (!best || bt_prefix_cmp(&best->route.dst, &c->route.dst)) {
			best = c;
			if (c->source != SOURCE_BACKUPS) {
				*bt_array_add(out) = c->route;
				continue;
			}
		} else if (c->source == SOURCE_BACKUPS && best->source == SOURCE_OWN_TABLE) {
			add_backups(&out->v[out->n - 1], &c->route, link);
		}
		bt_object_free(&bt_route_object, &c->route);
	}
	free(all->v);
}

/**
 * bt_route_want() - what the module's routes of a link should be
 * @conf: the link's configuration
 * @link: the link as it is, for the ids of its tunnels
 * @facts: the kernel's routes
 * @out: routes in order of their prefixes; the caller frees them
 *
 * For one prefix the configuration comes first, then BIRD's own table, then the main
 * one, and of several metrics the lowest. Tunnels that have a prefix, but not as BIRD's
 * best, are behind those that do. What BIRD has left behind does not count for ever.
 */
void bt_route_want(const struct bt_conf_link *conf, const struct bt_fact_link *link,
		   const struct bt_facts *facts, struct bt_routes *out)
{
	bool stale = facts->hold.stale && bt_bird_feeds(conf);
	struct candidates all = {};
	int source;
	size_t i;

	for (i = 0; i < conf->routes.n; i++)
		add_static(&all, link, &conf->routes.v[i]);
	for (i = 0; i < facts->routes.n; i++) {
		if (stale && facts->routes.v[i].protocol == RTPROT_BIRD)
			continue;
		source = source_of(conf, link, &facts->routes.v[i]);
		if (source >= 0)
			add_kernel(&all, link, &facts->routes.v[i], (unsigned int)source);
	}
	take_best(&all, link, out);
}

static void keep_hops(struct bt_route *r, const struct bt_route *have)
{
	size_t i, j, n = r->nexthops.n;

	for (i = 0; i < have->nexthops.n; i++) {
		for (j = 0; j < n; j++)
			if (r->nexthops.v[j].tunnel == have->nexthops.v[i].tunnel)
				break;
		if (j == n)
			*bt_array_add(&r->nexthops) = have->nexthops.v[i];
	}
	if (r->nexthops.n > n)
		qsort(r->nexthops.v, r->nexthops.n, sizeof(*r->nexthops.v), by_tunnel);
}

/**
 * bt_route_keep() - take nothing away from what there is
 * @want: routes, in order; what only @have has is added
 * @have: routes, in order
 */
void bt_route_keep(struct bt_routes *want, const struct bt_routes *have)
{
	struct bt_routes all = {};
	size_t i = 0, j = 0;
	int order;

	while (i < want->n || j < have->n) {
		order = i == want->n ? 1 : j == have->n ? -1 :
			bt_prefix_cmp(&want->v[i].dst, &have->v[j].dst);
		if (order > 0) {
			bt_object_copy(&bt_route_object, bt_array_add(&all), &have->v[j++]);
			continue;
		}
		if (!order)
			keep_hops(&want->v[i], &have->v[j++]);
		*bt_array_add(&all) = want->v[i++];
	}
	free(want->v);
	*want = all;
}

/**
 * bt_route_same() - does a route lead where it should?
 * @want: as it should be, next hops in order
 * @have: as it is, likewise
 */
bool bt_route_same(const struct bt_route *want, const struct bt_route *have)
{
	const uint64_t shares = BT_BIT(BOWTIE_A_NEXTHOP_WEIGHT) | BT_BIT(BOWTIE_A_NEXTHOP_TIER);
	size_t i;

	if (want->nexthops.n != have->nexthops.n)
		return false;
	for (i = 0; i < want->nexthops.n; i++) {
		const struct bt_nexthop *a = &want->nexthops.v[i], *b = &have->nexthops.v[i];

		if (a->tunnel != b->tunnel || (a->set & shares) != (b->set & shares) ||
		    a->weight != b->weight || a->tier != b->tier)
			return false;
	}
	return true;
}
