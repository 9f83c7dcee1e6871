// SPDX-License-Identifier: GPL-2.0
/*
 * PURE: routes that BIRD has left behind in the kernel, where nobody would ever take them
 * away: it is told to leave them, so that it can be restarted.
 */
#include <linux/rtnetlink.h>
#include <stdlib.h>
#include <string.h>

#include "reconcile.h"
#include "route_want.h"

struct found {
	const struct bt_fact_route **v;
	size_t n;
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
	struct bt_routes del = {};
	struct found left = {};
	size_t i;

	for (i = 0; i < facts->routes.n; i++) {
		const struct bt_fact_route *r = &facts->routes.v[i];

		if (bt_route_is_left(conf, r) && only_by(r, l->link.dev.ifindex))
			*bt_array_add(&left) = r;
	}
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
