// SPDX-License-Identifier: GPL-2.0
/*
 * PURE: a prefix that belongs behind a link is held by an unreachable route of a very high
 * metric beside the route into the link: while that is missing, packets must not follow the
 * default route instead, where nobody encrypts them. Any other route to the same prefix has
 * a better metric.
 *
 * What was learned is remembered in the kernel's table itself, by these routes, so that it
 * outlives the daemon. The lower 24 bits of the metric are made from the number of the link's
 * own table, and tell whose they are when the link is gone. The upper 8 are all set: FRR takes
 * them for an administrative distance, and 255 is one that it never selects.
 */
#include "route_hold.h"

#include <linux/rtnetlink.h>
#include <stdlib.h>
#include <string.h>

#include "names.h"
#include "route_want.h"
#include "util.h"

/* Versions before had the upper bit, and 31 of the table's number: nobody's by now. */
#define FIRST_METRIC	0x80000000u

/**
 * bt_hold_is() - does a kernel route hold a prefix for us?
 * @r: route
 */
bool bt_hold_is(const struct bt_fact_route *r)
{
	return (r->protocol == BT_RTPROT || r->protocol == BT_RTPROT_LEARNED) && !r->hops.n &&
	       r->table == RT_TABLE_MAIN && r->metric >= FIRST_METRIC;
}

/**
 * bt_hold_metric() - the metric of all routes that hold prefixes for a link
 * @conf: link
 */
uint32_t bt_hold_metric(const struct bt_conf_link *conf)
{
	return BT_HOLD_METRIC | bt_conf_link_mark(conf);
}

/* --- what is to be held --- */

static bool is_link_local(const struct bt_prefix *p)
{
	return p->addr.family == AF_INET6 && p->addr.bytes[0] == 0xfe &&
	       (p->addr.bytes[1] & 0xc0) == 0x80;
}

static void add_far_end(struct bt_far_ends *out, const struct bt_addr *addr)
{
	if (!bt_addr_is_any(addr))
		*bt_array_add(out) = *addr;
}

static int by_addr(const void *a, const void *b)
{
	return bt_addr_cmp(a, b);
}

/**
 * bt_far_ends_find() - the peers' outer addresses, of all links
 * @config: configuration
 * @facts: for those that only charon and the module know, as of road warriors
 * @out: addresses; the caller frees the array
 */
void bt_far_ends_find(const struct bt_config *config, const struct bt_facts *facts,
		      struct bt_far_ends *out)
{
	size_t i, j;

	*out = (struct bt_far_ends){};
	for (i = 0; i < config->links.n; i++) {
		const struct bt_conf_link *link = &config->links.v[i];

		for (j = 0; j < link->tunnels.n; j++) {
			out->any |= bt_addr_is_any(&link->tunnels.v[j].kernel.remote);
			add_far_end(out, &link->tunnels.v[j].kernel.remote);
		}
	}
	for (i = 0; i < facts->links.n; i++)
		for (j = 0; j < facts->links.v[i].tunnels.n; j++)
			add_far_end(out, &facts->links.v[i].tunnels.v[j].remote);
	for (i = 0; i < facts->ikes.n; i++)
		add_far_end(out, &facts->ikes.v[i].remote);
	if (out->n)
		qsort(out->v, out->n, sizeof(*out->v), by_addr);
}

/* Once held, the way to it would be gone, and with it what could end that. */
static bool has_far_end(const struct bt_far_ends *far, const struct bt_prefix *p)
{
	size_t first = 0, end = far->n, middle;

	while (first < end) {
		middle = first + (end - first) / 2;
		if (bt_addr_cmp(&far->v[middle], &p->addr) < 0)
			first = middle + 1;
		else
			end = middle;
	}
	return first < far->n && bt_prefix_contains(p, &far->v[first]);
}

/* Addresses that nobody on the internet has: RFC 1918, 3927, 4193, 6598 */
static bool is_private(const struct bt_prefix *p)
{
	static const struct bt_prefix nets[] = {
		{ .addr = { .family = AF_INET, .bytes = { 10 } }, .len = 8 },
		{ .addr = { .family = AF_INET, .bytes = { 100, 64 } }, .len = 10 },
		{ .addr = { .family = AF_INET, .bytes = { 169, 254 } }, .len = 16 },
		{ .addr = { .family = AF_INET, .bytes = { 172, 16 } }, .len = 12 },
		{ .addr = { .family = AF_INET, .bytes = { 192, 168 } }, .len = 16 },
		{ .addr = { .family = AF_INET6, .bytes = { 0xfc } }, .len = 7 },
	};
	size_t i;

	for (i = 0; i < BT_ARRAY_SIZE(nets); i++)
		if (bt_prefix_covers(&nets[i], p))
			return true;
	return false;
}

/**
 * bt_hold_may() - may a prefix be held at all?
 * @far: bt_far_ends_find()
 * @p: prefix
 * @protocol: BT_RTPROT if the configuration says so, or BT_RTPROT_LEARNED
 *
 * A peer that may be anywhere and has not spoken yet must be able to: what others say of
 * public addresses is no reason to lock it out.
 */
bool bt_hold_may(const struct bt_far_ends *far, const struct bt_prefix *p, uint8_t protocol)
{
	/* Beside a default route there is another one, with a better metric, or no way out. */
	if (!p->len || is_link_local(p) || has_far_end(far, p))
		return false;
	return protocol == BT_RTPROT || !far->any || is_private(p);
}

static void add(struct bt_holds *out, const struct bt_far_ends *far,
		const struct bt_prefix *dst, uint8_t protocol)
{
	struct bt_prefix p = *dst;

	bt_prefix_mask(&p);
	if (bt_hold_may(far, &p, protocol))
		*bt_array_add(out) = (struct bt_hold){ .dst = p, .protocol = protocol };
}

/* A route to the one address says nothing of the network that its peer is in. */
static void add_network(struct bt_holds *out, const struct bt_far_ends *far,
			const struct bt_prefix *local)
{
	if (local->len < bt_addr_bits(&local->addr))
		add(out, far, local, BT_RTPROT);
}

static void add_configured(struct bt_holds *out, const struct bt_far_ends *far,
			   const struct bt_conf_link *conf)
{
	size_t i, j;

	for (i = 0; i < conf->routes.n; i++)
		for (j = 0; j < conf->routes.v[i].prefixes.n; j++)
			add(out, far, &conf->routes.v[i].prefixes.v[j], BT_RTPROT);
	for (i = 0; i < conf->addresses.n; i++)
		add_network(out, far, &conf->addresses.v[i]);
	for (i = 0; i < conf->tunnels.n; i++)
		for (j = 0; j < conf->tunnels.v[i].inside.n; j++)
			add_network(out, far, &conf->tunnels.v[i].inside.v[j].local);
}

static void add_learned(struct bt_holds *out, const struct bt_far_ends *far,
			const struct bt_conf_link *conf, const struct bt_facts *facts)
{
	const struct bt_fact_link *l = NULL;
	size_t i;

	if (facts->kmod)
		l = bt_facts_link_by_name(facts, conf->name);
	for (i = 0; l && i < facts->routes.n; i++)
		if (bt_route_leads(conf, l, &facts->routes.v[i]))
			add(out, far, &facts->routes.v[i].dst, BT_RTPROT_LEARNED);
}

/* The configuration's come first. */
static int by_prefix(const void *a, const void *b)
{
	const struct bt_hold *x = a, *y = b;
	int order = bt_prefix_cmp(&x->dst, &y->dst);

	return order ? order : x->protocol - y->protocol;
}

static int by_dst(const void *a, const void *b)
{
	return bt_prefix_cmp(a, b);
}

/**
 * bt_holds_find() - is a prefix to be held?
 * @holds: list
 * @dst: prefix
 *
 * Return: how, or NULL.
 */
const struct bt_hold *bt_holds_find(const struct bt_holds *holds, const struct bt_prefix *dst)
{
	return holds->n ? bsearch(dst, holds->v, holds->n, sizeof(*holds->v), by_dst) : NULL;
}

/**
 * bt_hold_want() - what a link's prefixes are, which are to be held
 * @conf: the link's configuration
 * @facts: the kernel's routes by it
 * @far: bt_far_ends_find()
 * @out: prefixes; the caller frees the array
 *
 * Those that were learned and are no more are not among them: see bt_hold_expired().
 */
void bt_hold_want(const struct bt_conf_link *conf, const struct bt_facts *facts,
		  const struct bt_far_ends *far, struct bt_holds *out)
{
	size_t i, n = 0;

	*out = (struct bt_holds){};
	if (!conf->hold_routes)
		return;
	add_configured(out, far, conf);
	add_learned(out, far, conf, facts);
	if (out->n)
		qsort(out->v, out->n, sizeof(*out->v), by_prefix);
	for (i = 0; i < out->n; i++) {
		struct bt_hold hold = out->v[i];

		if (n && !bt_prefix_cmp(&out->v[n - 1].dst, &hold.dst))
			continue;
		if (hold.protocol == BT_RTPROT_LEARNED && ++out->learned > BT_HOLD_MAX)
			continue;
		out->v[n++] = hold;
	}
	out->n = n;
}

/* --- what was withdrawn --- */

static int by_key(const void *a, const void *b)
{
	const struct bt_fact_withdrawn *x = a, *y = b;

	if (x->metric != y->metric)
		return x->metric < y->metric ? -1 : 1;
	return bt_prefix_cmp(&x->dst, &y->dst);
}

static struct bt_fact_withdrawn *find(const struct bt_fact_withdrawns *list,
				      const struct bt_fact_withdrawn *key)
{
	return list->n ? bsearch(key, list->v, list->n, sizeof(*list->v), by_key) : NULL;
}

/* Those of a link, which are added to @out. Is there too much to hold? */
static bool follow_link(const struct bt_facts *f, const struct bt_conf_link *conf,
			const struct bt_far_ends *far, uint64_t now,
			struct bt_fact_withdrawns *out)
{
	const uint64_t span = (uint64_t)conf->hold_withdrawn * 1000;
	uint32_t metric = bt_hold_metric(conf);
	const struct bt_fact_withdrawn *before;
	struct bt_holds want;
	size_t i, room;

	bt_hold_want(conf, f, far, &want);
	room = want.learned < BT_HOLD_MAX ? BT_HOLD_MAX - want.learned : 0;
	for (i = 0; i < f->routes.n; i++) {
		const struct bt_fact_route *r = &f->routes.v[i];
		struct bt_fact_withdrawn *w;

		if (!bt_hold_is(r) || r->metric != metric || r->protocol != BT_RTPROT_LEARNED ||
		    bt_holds_find(&want, &r->dst))
			continue;
		w = bt_array_add(out);
		*w = (struct bt_fact_withdrawn){ .metric = metric, .dst = r->dst, .since = now };
		before = find(&f->withdrawn, w);
		/* When nothing is learned at all, nobody has said that this one is gone. */
		if (before && want.learned)
			w->since = before->since;
		w->expired = now - w->since >= span || !room;
		room -= !!room;
	}
	free(want.v);
	return want.learned > BT_HOLD_MAX;
}

/**
 * bt_hold_follow() - remember since when prefixes that are held are not learned any more
 * @f: facts
 * @config: configuration
 * @now: bt_now_ms()
 *
 * Return: when it is to be called again at the latest, or UINT64_MAX.
 */
uint64_t bt_hold_follow(struct bt_facts *f, const struct bt_config *config, uint64_t now)
{
	struct bt_fact_withdrawns list = {};
	uint64_t next = UINT64_MAX, until;
	struct bt_far_ends far;
	size_t i, j;

	if (!f->fib)
		return next;
	f->hold_full = false;
	bt_far_ends_find(config, f, &far);
	for (i = 0; i < config->links.n; i++) {
		const struct bt_conf_link *conf = &config->links.v[i];

		j = list.n;
		if (conf->hold_routes)
			f->hold_full |= follow_link(f, conf, &far, now, &list);
		for (; j < list.n; j++) {
			until = list.v[j].since + (uint64_t)conf->hold_withdrawn * 1000;
			if (!list.v[j].expired && until < next)
				next = until;
		}
	}
	free(far.v);
	if (list.n)
		qsort(list.v, list.n, sizeof(*list.v), by_key);
	free(f->withdrawn.v);
	f->withdrawn = list;
	return next;
}

/**
 * bt_hold_expired() - has a learned prefix been withdrawn for so long that it is let go?
 * @f: facts
 * @r: the route that holds it
 *
 * One that nobody has looked at yet has not.
 */
bool bt_hold_expired(const struct bt_facts *f, const struct bt_fact_route *r)
{
	const struct bt_fact_withdrawn key = { .metric = r->metric, .dst = r->dst };
	const struct bt_fact_withdrawn *w = find(&f->withdrawn, &key);

	return w && w->expired;
}
