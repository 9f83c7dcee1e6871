// SPDX-License-Identifier: GPL-2.0
/* PURE: links, tunnels, addresses and routes, as they should be and as they are. */
#include <linux/rtnetlink.h>
#include <stdlib.h>
#include <string.h>

#include "names.h"
#include "reconcile.h"
#include "route_hold.h"
#include "route_want.h"

static void copy_dev(struct bt_op *op, const struct bt_fact_link *l)
{
	op->dev = l->link.dev;
}

/* --- links --- */

static void link_add(const struct bt_conf_link *conf, struct bt_ops *out)
{
	struct bt_op *op = bt_op_add(out, BT_OP_LINK_ADD, "link %s", conf->name);

	strcpy(op->dev.name, conf->name);
	bt_object_copy(&bt_link_object, &op->link, &conf->kernel);
	op->link.up = true;
	op->link.set |= BT_BIT(BT_LINK_UP);
}

static void link_set(const struct bt_conf_link *conf, const struct bt_fact_link *l,
		     struct bt_ops *out)
{
	struct bt_link change = {};
	bool differs = bt_object_diff(&bt_link_object, &conf->kernel, &l->link, &change);
	struct bt_op *op;

	if (!l->link.up) {
		change.up = true;
		change.set |= BT_BIT(BT_LINK_UP);
		differs = true;
	}
	if (!differs)
		return;
	op = bt_op_add(out, BT_OP_LINK_SET, "link %s", conf->name);
	copy_dev(op, l);
	op->link = change;
}

/* --- tunnels --- */

static struct bt_op *tunnel_op(struct bt_ops *out, enum bt_op_type type,
			       const struct bt_fact_link *l, const char *name)
{
	struct bt_op *op = bt_op_add(out, type, "tunnel %s %s", l->link.dev.name, name);

	copy_dev(op, l);
	op->name = bt_strdup(name);
	return op;
}

static void tunnel_del(const struct bt_fact_link *l, const struct bt_tunnel *t,
		       struct bt_ops *out)
{
	struct bt_op *op = tunnel_op(out, BT_OP_TUNNEL_DEL, l, t->name);

	op->tunnel.id = t->id;
	op->tunnel.set = BT_BIT(BOWTIE_A_TUNNEL_ID);
}

static void tunnel_add(const struct bt_fact_link *l, const struct bt_tunnel *want,
		       struct bt_ops *out)
{
	struct bt_op *op = tunnel_op(out, BT_OP_TUNNEL_ADD, l, want->name);

	bt_object_copy(&bt_tunnel_object, &op->tunnel, want);
}

static bool same_inside(const struct bt_addr *a, const struct bt_addr *b)
{
	return !bt_addr_is_any(a) && !bt_addr_cmp(a, b);
}

/*
 * Does another tunnel have now what this one is to have? If that one is about to give
 * it up, both may wait for each other (a swap), so this one makes room first.
 */
static bool in_the_way(const struct bt_fact_link *l, const struct bt_tunnel *self,
		       const struct bt_tunnel *want)
{
	size_t i;

	for (i = 0; i < l->tunnels.n; i++) {
		const struct bt_tunnel *other = &l->tunnels.v[i];

		if (other != self && (other->if_id == want->if_id ||
				      same_inside(&other->inside_peer4, &want->inside_peer4) ||
				      same_inside(&other->inside_peer6, &want->inside_peer6)))
			return true;
	}
	return false;
}

static const struct bt_tunnel *tunnel_named(const struct bt_fact_link *l, const char *name)
{
	size_t i;

	for (i = 0; i < l->tunnels.n; i++)
		if (!strcmp(l->tunnels.v[i].name, name))
			return &l->tunnels.v[i];
	return NULL;
}

static void tunnel_set(const struct bt_fact_link *l, const struct bt_tunnel *want,
		       const struct bt_tunnel *have, struct bt_ops *out)
{
	const uint64_t id = BT_BIT(BOWTIE_A_TUNNEL_ID);
	struct bt_tunnel change = {};
	struct bt_op *op;

	if ((want->set & id) && want->id != have->id) {
		tunnel_del(l, have, out);
		return;
	}
	if (!bt_object_diff(&bt_tunnel_object, want, have, &change))
		return;
	if (in_the_way(l, have, want)) {
		bt_object_free(&bt_tunnel_object, &change);
		tunnel_del(l, have, out);
		return;
	}
	op = tunnel_op(out, BT_OP_TUNNEL_SET, l, want->name);
	op->tunnel = change;
	op->tunnel.id = have->id;
	op->tunnel.set |= id;
}

static void tunnels(const struct bt_conf_link *conf, const struct bt_fact_link *l,
		    struct bt_ops *out)
{
	const struct bt_tunnel *have;
	size_t i;

	for (i = 0; i < l->tunnels.n; i++)
		if (!bt_conf_link_tunnel(conf, l->tunnels.v[i].name))
			tunnel_del(l, &l->tunnels.v[i], out);
	for (i = 0; i < conf->tunnels.n; i++) {
		const struct bt_tunnel *want = &conf->tunnels.v[i].kernel;

		have = tunnel_named(l, want->name);
		if (have)
			tunnel_set(l, want, have, out);
		else
			tunnel_add(l, want, out);
	}
}

/* --- addresses --- */

static void want_addrs(const struct bt_conf_link *conf, struct bt_prefixes *out)
{
	size_t i, j;

	for (i = 0; i < conf->addresses.n; i++)
		*bt_array_add(out) = conf->addresses.v[i];
	for (i = 0; i < conf->tunnels.n; i++)
		for (j = 0; j < conf->tunnels.v[i].inside.n; j++)
			*bt_array_add(out) = conf->tunnels.v[i].inside.v[j].local;
}

static bool have_prefix(const struct bt_prefixes *list, const struct bt_prefix *p, size_t n)
{
	size_t i;

	for (i = 0; i < n; i++)
		if (!bt_prefix_cmp(&list->v[i], p))
			return true;
	return false;
}

static bool have_addr(const struct bt_fact_link *l, const struct bt_prefix *p)
{
	size_t i;

	for (i = 0; i < l->addrs.n; i++)
		if (!bt_prefix_cmp(&l->addrs.v[i].p, p))
			return true;
	return false;
}

static void addr_op(struct bt_ops *out, enum bt_op_type type, const struct bt_fact_link *l,
		    const struct bt_prefix *p)
{
	char buf[BT_PREFIX_STRLEN];
	struct bt_op *op = bt_op_add(out, type, "address %s %s", l->link.dev.name,
				     bt_prefix_str(p, buf));

	copy_dev(op, l);
	op->addr = *p;
}

static void addrs(const struct bt_conf_link *conf, const struct bt_fact_link *l,
		  struct bt_ops *out)
{
	struct bt_prefixes want = {};
	size_t i;

	want_addrs(conf, &want);
	for (i = 0; i < l->addrs.n; i++)
		if (l->addrs.v[i].ours && !have_prefix(&want, &l->addrs.v[i].p, want.n))
			addr_op(out, BT_OP_ADDR_DEL, l, &l->addrs.v[i].p);
	for (i = 0; i < want.n; i++)
		if (!have_addr(l, &want.v[i]) && !have_prefix(&want, &want.v[i], i))
			addr_op(out, BT_OP_ADDR_ADD, l, &want.v[i]);
	free(want.v);
}

/* --- routes of the module --- */

static struct bt_route *add_route(struct bt_routes *list, const struct bt_route *r)
{
	struct bt_route *copy = bt_array_add(list);

	bt_object_copy(&bt_route_object, copy, r);
	return copy;
}

static void routes_op(struct bt_ops *out, enum bt_op_type type, const struct bt_fact_link *l,
		      struct bt_routes *routes)
{
	struct bt_op *op;

	if (!routes->n)
		return;
	op = bt_op_add(out, type, "%s %s",
		       type == BT_OP_ROUTES_SET ? "routes set" :
		       type == BT_OP_ROUTES_DEL ? "routes del" :
		       type == BT_OP_FIB_ADD ? "fib add" : "fib del", l->link.dev.name);
	copy_dev(op, l);
	op->routes = *routes;
	*routes = (struct bt_routes){};
}

static int by_prefix(const void *a, const void *b)
{
	return bt_prefix_cmp(a, b);
}

static void sort_prefixes(struct bt_prefixes *list)
{
	if (list->n)
		qsort(list->v, list->n, sizeof(*list->v), by_prefix);
}

static bool in_order(const struct bt_prefixes *list, const struct bt_prefix *p)
{
	return list->n && bsearch(p, list->v, list->n, sizeof(*p), by_prefix);
}

/* What is the configuration's, or was: then it has left a route of ours, which goes last. */
static void find_configured(const struct bt_conf_link *conf, const struct bt_fact_link *l,
			    const struct bt_facts *facts, struct bt_prefixes *out)
{
	uint32_t metric = bt_hold_metric(conf);
	size_t i, j;

	for (i = 0; i < conf->routes.n; i++)
		for (j = 0; j < conf->routes.v[i].prefixes.n; j++)
			*bt_array_add(out) = conf->routes.v[i].prefixes.v[j];
	for (i = 0; i < facts->routes.n; i++) {
		const struct bt_fact_route *r = &facts->routes.v[i];

		if (r->protocol == BT_RTPROT &&
		    (r->hops.n ? r->hops.v[0].ifindex == l->link.dev.ifindex :
		     r->metric == metric))
			*bt_array_add(out) = r->dst;
	}
	sort_prefixes(out);
}

/* Does the configuration still have the tunnel of a next hop? */
static bool has_tunnel(const struct bt_conf_link *conf, const struct bt_fact_link *l, uint32_t id)
{
	size_t i;

	for (i = 0; i < l->tunnels.n; i++)
		if (l->tunnels.v[i].id == id)
			return bt_conf_link_tunnel(conf, l->tunnels.v[i].name);
	return false;
}

/* An empty table of BIRD's takes nothing away; the configuration does. */
static void keep_learned(const struct bt_conf_link *conf, const struct bt_fact_link *l,
			 const struct bt_facts *facts, struct bt_routes *want)
{
	struct bt_prefixes configured = {};
	struct bt_routes learned = {};
	size_t i, j, n;

	find_configured(conf, l, facts, &configured);
	for (i = 0; i < l->routes.n; i++) {
		struct bt_route *r;

		if (in_order(&configured, &l->routes.v[i].dst))
			continue;
		r = add_route(&learned, &l->routes.v[i]);
		for (j = 0, n = 0; j < r->nexthops.n; j++)
			if (has_tunnel(conf, l, r->nexthops.v[j].tunnel))
				r->nexthops.v[n++] = r->nexthops.v[j];
		r->nexthops.n = n;
		if (n)
			continue;
		bt_object_free(&bt_route_object, r);
		learned.n--;
	}
	bt_route_keep(want, &learned);
	bt_routes_free(&learned);
	free(configured.v);
}

static void module_routes(const struct bt_conf_link *conf, const struct bt_fact_link *l,
			  const struct bt_facts *facts, struct bt_ops *out)
{
	struct bt_routes want = {}, set = {}, del = {};
	const struct bt_routes *have = &l->routes;
	size_t i = 0, j = 0;
	int order;

	bt_route_want(conf, l, facts, &want);
	if (facts->hold.keep && bt_bird_feeds(conf))
		keep_learned(conf, l, facts, &want);
	while (i < want.n || j < have->n) {
		order = i == want.n ? 1 : j == have->n ? -1 :
			bt_prefix_cmp(&want.v[i].dst, &have->v[j].dst);
		if (order < 0)
			add_route(&set, &want.v[i++]);
		else if (order > 0)
			add_route(&del, &have->v[j++]);
		else if (!bt_route_same(&want.v[i++], &have->v[j++]))
			add_route(&set, &want.v[i - 1]);
	}
	routes_op(out, BT_OP_ROUTES_SET, l, &set);
	routes_op(out, BT_OP_ROUTES_DEL, l, &del);
	bt_routes_free(&want);
}

/* --- the configuration's routes in the kernel --- */

/* What is not in the configuration goes; the others that are in the main table count. */
static void look_at_fib(const struct bt_facts *facts, const struct bt_fact_link *l,
			const struct bt_prefixes *want, struct bt_prefixes *have,
			struct bt_routes *del)
{
	size_t i;

	for (i = 0; i < facts->routes.n; i++) {
		const struct bt_fact_route *r = &facts->routes.v[i];

		if (r->protocol != BT_RTPROT || !r->hops.n ||
		    r->hops.v[0].ifindex != l->link.dev.ifindex)
			continue;
		if (!in_order(want, &r->dst))
			bt_array_add(del)->dst = r->dst;
		else if (r->table == RT_TABLE_MAIN)
			*bt_array_add(have) = r->dst;
	}
}

static void kernel_routes(const struct bt_conf_link *conf, const struct bt_fact_link *l,
			  const struct bt_facts *facts, struct bt_ops *out)
{
	struct bt_prefixes want = {}, have = {};
	struct bt_routes add = {}, del = {};
	size_t i, j;

	for (i = 0; i < conf->routes.n; i++)
		for (j = 0; j < conf->routes.v[i].prefixes.n; j++)
			*bt_array_add(&want) = conf->routes.v[i].prefixes.v[j];
	sort_prefixes(&want);
	look_at_fib(facts, l, &want, &have, &del);
	sort_prefixes(&have);
	/* A device that is down has none; they follow when it is up. */
	for (i = 0; l->link.up && i < conf->routes.n; i++)
		for (j = 0; j < conf->routes.v[i].prefixes.n; j++)
			if (!in_order(&have, &conf->routes.v[i].prefixes.v[j]))
				bt_array_add(&add)->dst = conf->routes.v[i].prefixes.v[j];
	free(want.v);
	free(have.v);
	routes_op(out, BT_OP_FIB_DEL, l, &del);
	routes_op(out, BT_OP_FIB_ADD, l, &add);
}

/**
 * bt_reconcile_kernel() - the module's part and rtnetlink's
 * @want: configuration
 * @facts: what is observed
 * @out: operations are added
 */
void bt_reconcile_kernel(const struct bt_config *want, const struct bt_facts *facts,
			 struct bt_ops *out)
{
	const struct bt_fact_link *l;
	size_t i;

	for (i = 0; facts->kmod && i < facts->links.n; i++) {
		l = &facts->links.v[i];
		if (l->ours && !bt_config_link(want, l->link.dev.name))
			copy_dev(bt_op_add(out, BT_OP_LINK_DEL, "link %s", l->link.dev.name), l);
	}
	for (i = 0; i < want->links.n; i++) {
		const struct bt_conf_link *conf = &want->links.v[i];

		l = facts->kmod ? bt_facts_link_by_name(facts, conf->name) : NULL;
		if (!l) {
			/* This is also what makes the kernel load the module. */
			link_add(conf, out);
			continue;
		}
		link_set(conf, l, out);
		tunnels(conf, l, out);
		addrs(conf, l, out);
		if (facts->fib) {
			module_routes(conf, l, facts, out);
			kernel_routes(conf, l, facts, out);
		}
	}
}
