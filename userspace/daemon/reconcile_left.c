// SPDX-License-Identifier: GPL-2.0
/*
 * PURE: routes that BIRD has left behind in the kernel, where nobody would ever take them
 * away: it is told to leave them, so that it can be restarted. When it has been gone for too
 * long those of the main table would go on to lead into a link that has no way for them.
 */
#include <linux/rtnetlink.h>
#include <stdlib.h>
#include <string.h>

#include "reconcile.h"
#include "route_hold.h"
#include "route_want.h"

struct found {
	const struct bt_fact_route **v;
	size_t n;
};

/**
 * struct look - at a link
 * @conf: its configuration
 * @link: as it is
 * @stale: BIRD's routes do not count any more
 * @held: prefixes that are held for it, in order
 */
struct look {
	const struct bt_conf_link *conf;
	const struct bt_fact_link *link;
	bool stale;
	struct bt_prefixes held;
};

/* Is there no other device in it, whose part of the traffic is none of ours? */
static bool only_by(const struct bt_fact_route *r, int ifindex)
{
	size_t i;

	for (i = 0; i < r->hops.n; i++)
		if (r->hops.v[i].ifindex != ifindex)
			return false;
	return r->hops.n;
}

static int by_prefix(const void *a, const void *b)
{
	return bt_prefix_cmp(a, b);
}

static void find_held(struct look *look, const struct bt_facts *facts)
{
	uint32_t metric = bt_hold_metric(look->conf);
	size_t i;

	for (i = 0; i < facts->routes.n; i++)
		if (bt_hold_is(&facts->routes.v[i]) && facts->routes.v[i].metric == metric)
			*bt_array_add(&look->held) = facts->routes.v[i].dst;
	if (look->held.n)
		qsort(look->held.v, look->held.n, sizeof(*look->held.v), by_prefix);
}

/* What is not held, though it should be, would leave in the clear without the route. */
static bool may_go(const struct look *look, const struct bt_prefix *dst)
{
	return !look->conf->hold_routes ||
	       (look->held.n && bsearch(dst, look->held.v, look->held.n, sizeof(*dst), by_prefix));
}

static bool is_left(const struct look *look, const struct bt_fact_route *r)
{
	if (r->protocol != RTPROT_BIRD || !only_by(r, look->link->link.dev.ifindex))
		return false;
	if (bt_route_is_left(look->conf, r))
		return true;
	if (!look->stale || !bt_bird_feeds_family(look->conf, r->dst.addr.family) ||
	    !bt_route_leads(look->conf, look->link, r))
		return false;
	return r->table != RT_TABLE_MAIN || may_go(look, &r->dst);
}

static int by_table(const void *a, const void *b)
{
	const struct bt_fact_route *const *pa = a, *const *pb = b;
	const struct bt_fact_route *x = *pa, *y = *pb;

	if (x->table != y->table)
		return x->table < y->table ? -1 : 1;
	if (x->metric != y->metric)
		return x->metric < y->metric ? -1 : 1;
	return bt_prefix_cmp(&x->dst, &y->dst);
}

static void left_op(struct bt_ops *out, const struct bt_fact_link *l,
		    const struct bt_fact_route *r, struct bt_routes *routes)
{
	struct bt_op *op = bt_op_add(out, BT_OP_LEFT_DEL, "left del %s table %u metric %u",
				     l->link.dev.name, r->table, r->metric);

	op->dev = l->link.dev;
	op->table = r->table;
	op->metric = r->metric;
	op->protocol = r->protocol;
	op->routes = *routes;
	*routes = (struct bt_routes){};
}

static void link_left(const struct bt_conf_link *conf, const struct bt_fact_link *l,
		      const struct bt_facts *facts, struct bt_ops *out)
{
	struct look look = {
		.conf = conf,
		.link = l,
		.stale = facts->hold.stale,
	};
	struct bt_routes del = {};
	struct found left = {};
	size_t i;

	if (look.stale && conf->hold_routes)
		find_held(&look, facts);
	for (i = 0; i < facts->routes.n; i++)
		if (is_left(&look, &facts->routes.v[i]))
			*bt_array_add(&left) = &facts->routes.v[i];
	free(look.held.v);
	if (left.n)
		qsort(left.v, left.n, sizeof(*left.v), by_table);
	for (i = 0; i < left.n; i++) {
		const struct bt_fact_route *r = left.v[i], *next;

		bt_array_add(&del)->dst = r->dst;
		next = i + 1 < left.n ? left.v[i + 1] : NULL;
		if (!next || next->table != r->table || next->metric != r->metric)
			left_op(out, l, r, &del);
	}
	free(left.v);
}

/**
 * bt_reconcile_left() - routes of BIRD's that count no more
 * @want: configuration
 * @facts: what is observed
 * @out: operations are added
 */
void bt_reconcile_left(const struct bt_config *want, const struct bt_facts *facts,
		       struct bt_ops *out)
{
	const struct bt_fact_link *l;
	size_t i;

	for (i = 0; facts->kmod && facts->fib && i < want->links.n; i++) {
		l = bt_facts_link_by_name(facts, want->links.v[i].name);
		if (l)
			link_left(&want->links.v[i], l, facts, out);
	}
}
