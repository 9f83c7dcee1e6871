// SPDX-License-Identifier: GPL-2.0
/* PURE: the kernel's routes that hold prefixes, as they should be and as they are. */
#include <stdlib.h>
#include <string.h>

#include "names.h"
#include "reconcile.h"
#include "route_hold.h"

struct found {
	const struct bt_fact_route **v;
	size_t n;
};

/* @conf: or NULL for a link that is not in the configuration. Takes @routes over. */
static void hold_op(struct bt_ops *out, enum bt_op_type type, const struct bt_conf_link *conf,
		    uint32_t metric, uint8_t protocol, struct bt_routes *routes)
{
	const char *what = type == BT_OP_HOLD_ADD ? "hold add" : "hold del";
	struct bt_op *op;

	if (!routes->n)
		return;
	if (conf)
		op = bt_op_add(out, type, "%s %s%s", what, conf->name,
			       protocol == BT_RTPROT_LEARNED ? " learned" : "");
	else
		op = bt_op_add(out, type, "%s metric %u", what, metric);
	strcpy(op->dev.name, conf ? conf->name : "-");
	op->metric = metric;
	op->protocol = protocol;
	op->routes = *routes;
	*routes = (struct bt_routes){};
}

static int by_dst(const void *a, const void *b)
{
	const struct bt_fact_route *const *x = a, *const *y = b;

	return bt_prefix_cmp(&(*x)->dst, &(*y)->dst);
}

static void find(const struct bt_facts *facts, uint32_t metric, struct found *out)
{
	size_t i;

	for (i = 0; i < facts->routes.n; i++)
		if (bt_hold_is(&facts->routes.v[i]) && facts->routes.v[i].metric == metric)
			*bt_array_add(out) = &facts->routes.v[i];
	if (out->n)
		qsort(out->v, out->n, sizeof(*out->v), by_dst);
}

/* Is one that is not wanted any more to be left where it is? */
static bool kept(const struct bt_conf_link *conf, const struct bt_facts *facts,
		 const struct bt_far_ends *far, const struct bt_fact_route *r)
{
	return conf->hold_routes && r->protocol == BT_RTPROT_LEARNED &&
	       bt_hold_may(far, &r->dst, r->protocol) && !bt_hold_expired(facts, r);
}

static void link_holds(const struct bt_conf_link *conf, const struct bt_facts *facts,
		       const struct bt_far_ends *far, struct bt_ops *out)
{
	struct bt_routes configured = {}, learned = {}, del = {};
	uint32_t metric = bt_hold_metric(conf);
	struct found have = {};
	struct bt_holds want;
	size_t i = 0, j = 0;
	int order;

	bt_hold_want(conf, facts, far, &want);
	find(facts, metric, &have);
	while (i < want.n || j < have.n) {
		order = i == want.n ? 1 : j == have.n ? -1 :
			bt_prefix_cmp(&want.v[i].dst, &have.v[j]->dst);
		/* One that is there for the other reason is replaced. */
		if (order < 0 || (!order && want.v[i].protocol != have.v[j]->protocol))
			bt_array_add(want.v[i].protocol == BT_RTPROT ? &configured :
				     &learned)->dst = want.v[i].dst;
		else if (order > 0 && !kept(conf, facts, far, have.v[j]))
			bt_array_add(&del)->dst = have.v[j]->dst;
		i += order <= 0;
		j += order >= 0;
	}
	free(want.v);
	free(have.v);
	hold_op(out, BT_OP_HOLD_ADD, conf, metric, BT_RTPROT, &configured);
	hold_op(out, BT_OP_HOLD_ADD, conf, metric, BT_RTPROT_LEARNED, &learned);
	hold_op(out, BT_OP_HOLD_DEL, conf, metric, 0, &del);
}

static bool is_owned(const struct bt_config *want, uint32_t metric)
{
	size_t i;

	for (i = 0; i < want->links.n; i++)
		if (bt_hold_metric(&want->links.v[i]) == metric)
			return true;
	return false;
}

static int by_metric(const void *a, const void *b)
{
	const struct bt_fact_route *const *x = a, *const *y = b;

	if ((*x)->metric != (*y)->metric)
		return (*x)->metric < (*y)->metric ? -1 : 1;
	return by_dst(a, b);
}

/* Of links that are not in the configuration any more, in which nobody can be asked. */
static void orphans(const struct bt_config *want, const struct bt_facts *facts,
		    struct bt_ops *out)
{
	struct bt_routes del = {};
	struct found have = {};
	size_t i;

	for (i = 0; i < facts->routes.n; i++)
		if (bt_hold_is(&facts->routes.v[i]) &&
		    !is_owned(want, facts->routes.v[i].metric))
			*bt_array_add(&have) = &facts->routes.v[i];
	if (have.n)
		qsort(have.v, have.n, sizeof(*have.v), by_metric);
	for (i = 0; i < have.n; i++) {
		bt_array_add(&del)->dst = have.v[i]->dst;
		if (i + 1 == have.n || have.v[i + 1]->metric != have.v[i]->metric)
			hold_op(out, BT_OP_HOLD_DEL, NULL, have.v[i]->metric, 0, &del);
	}
	free(have.v);
}

/**
 * bt_reconcile_holds() - routes that keep a link's prefixes from leaving by another way
 * @want: configuration
 * @facts: what is observed
 * @out: operations are added
 *
 * They need neither the module nor its link: when these are missing they matter most.
 */
void bt_reconcile_holds(const struct bt_config *want, const struct bt_facts *facts,
			struct bt_ops *out)
{
	struct bt_far_ends far;
	size_t i;

	if (!facts->fib)
		return;
	bt_far_ends_find(want, facts, &far);
	for (i = 0; i < want->links.n; i++)
		link_holds(&want->links.v[i], facts, &far, out);
	free(far.v);
	orphans(want, facts, out);
}
