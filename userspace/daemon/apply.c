// SPDX-License-Identifier: GPL-2.0
/*
 * Carries operations out. Only from here does anything change outside. Requests to the
 * kernel are answered at once; charon and BIRD take their time, and meanwhile the
 * operation is held, so that it is not found again. What fails is tried again, with
 * pauses that grow.
 */
#include "apply.h"

#include <errno.h>
#include <linux/rtnetlink.h>
#include <stdlib.h>
#include <string.h>

#include "kmod_route.h"
#include "log.h"
#include "rtnl_cmd.h"
#include "rtnl_link.h"
#include "util.h"

#define MAX_PAUSE_MS	30000

/**
 * bt_apply_result() - an operation has come to its end
 * @a: context
 * @key: of the operation
 * @what: the operation, in words
 * @text: why it failed, or NULL
 */
void bt_apply_result(struct bt_apply *a, const char *key, const char *what, const char *text)
{
	uint64_t now = bt_now_ms();

	if (text) {
		bt_err("%s: %s", what, text);
		bt_facts_failed(a->facts, key, now, MAX_PAUSE_MS);
		return;
	}
	bt_info("%s", what);
	bt_facts_settle(a->facts, key, now);
}

/* --- the kernel --- */

static int link_add(struct bt_apply *a, const struct bt_op *op, struct bt_error *e)
{
	int err = bt_rtnl_link_add(a->kmod, &op->dev, &op->link, e);

	bt_kmod_watch_stale(a->kmod_watch, 0);
	return err ? err : bt_rtnl_mark_ours(a->rtnl, op->dev.name, e);
}

static int link_set(struct bt_apply *a, const struct bt_op *op, struct bt_error *e)
{
	const uint64_t device = BT_BIT(BT_LINK_UP) | BT_BIT(BOWTIE_A_LINK_MTU);
	int err = 0;

	bt_kmod_watch_stale(a->kmod_watch, op->dev.ifindex);
	if (op->link.set & ~device)
		err = bt_kmod_link_set(a->kmod, &op->dev, &op->link, e);
	if (!err && (op->link.set & device))
		err = bt_rtnl_link_set(a->kmod, &op->dev, &op->link, e);
	return err;
}

static int module_routes(struct bt_apply *a, const struct bt_op *op, struct bt_error *e)
{
	struct bt_fact_link *l = bt_facts_link(a->facts, op->dev.ifindex);
	const struct bt_routes none = {};
	bool set = op->type == BT_OP_ROUTES_SET;
	int err;

	if (set)
		err = bt_kmod_route_new(a->kmod, &op->dev, op->routes.v, op->routes.n,
					BOWTIE_MODE_REPLACE, e);
	else
		err = bt_kmod_route_del(a->kmod, &op->dev, op->routes.v, op->routes.n, e);
	/* Of many messages the first may have been taken: look what is there. */
	if (err)
		bt_kmod_watch_stale(a->kmod_watch, op->dev.ifindex);
	else if (l)
		bt_fact_link_patch_routes(l, set ? &op->routes : &none, set ? &none : &op->routes);
	return err;
}

static int kernel_routes(struct bt_apply *a, const struct bt_op *op, struct bt_error *e)
{
	size_t i;
	int err = 0;

	for (i = 0; !err && i < op->routes.n; i++)
		err = bt_rtnl_route(a->rtnl, op->type == BT_OP_FIB_ADD, op->dev.ifindex,
				    &op->routes.v[i].dst, e);
	return err;
}

/* Noted at once: there may be more of them to do, and the event tells nothing new. */
static void note_hold(struct bt_facts *facts, const struct bt_op *op, const struct bt_prefix *dst)
{
	const struct bt_fact_route r = {
		.table = RT_TABLE_MAIN,
		.protocol = op->protocol,
		.metric = op->metric,
		.dst = *dst,
	};
	struct bt_fact_route *have = bt_fact_routes_find(&facts->routes, &r);

	if (op->type == BT_OP_HOLD_DEL) {
		if (have)
			bt_fact_routes_remove(&facts->routes, have);
	} else if (have) {
		have->protocol = r.protocol;
	} else {
		bt_fact_routes_add(&facts->routes, &r);
	}
}

static int hold_route(struct bt_apply *a, const struct bt_op *op, const struct bt_prefix *dst,
		      struct bt_error *e)
{
	int err = bt_rtnl_hold(a->rtnl, op->type == BT_OP_HOLD_ADD, op->metric, op->protocol,
			       dst, e);

	if (!err)
		note_hold(a->facts, op, dst);
	return err;
}

static int left_route(struct bt_apply *a, const struct bt_op *op, const struct bt_prefix *dst,
		      struct bt_error *e)
{
	const struct bt_fact_route key = { .table = op->table, .metric = op->metric, .dst = *dst };
	int err = bt_rtnl_route_del(a->rtnl, op->table, op->protocol, op->metric,
				    op->dev.ifindex, dst, e);
	struct bt_fact_route *have = err ? NULL : bt_fact_routes_find(&a->facts->routes, &key);

	if (have)
		bt_fact_routes_remove(&a->facts->routes, have);
	return err;
}

static int kernel_op(struct bt_apply *a, const struct bt_op *op, struct bt_error *e)
{
	switch (op->type) {
	case BT_OP_LINK_ADD:
		return link_add(a, op, e);
	case BT_OP_LINK_SET:
		return link_set(a, op, e);
	case BT_OP_LINK_DEL:
		bt_kmod_watch_stale(a->kmod_watch, 0);
		return bt_rtnl_link_del(a->kmod, &op->dev, e);
	case BT_OP_TUNNEL_ADD:
		bt_kmod_watch_stale(a->kmod_watch, op->dev.ifindex);
		return bt_kmod_tunnel_new(a->kmod, &op->dev, &op->tunnel, BOWTIE_MODE_CREATE, e);
	case BT_OP_TUNNEL_SET:
		bt_kmod_watch_stale(a->kmod_watch, op->dev.ifindex);
		return bt_kmod_tunnel_set(a->kmod, &op->dev, &op->tunnel, e);
	case BT_OP_TUNNEL_DEL:
		bt_kmod_watch_stale(a->kmod_watch, op->dev.ifindex);
		return bt_kmod_tunnel_del(a->kmod, &op->dev, &op->tunnel, e);
	case BT_OP_ADDR_ADD:
	case BT_OP_ADDR_DEL:
		return bt_rtnl_addr(a->rtnl, op->type == BT_OP_ADDR_ADD, op->dev.ifindex,
				    &op->addr, e);
	case BT_OP_FIB_ADD:
	case BT_OP_FIB_DEL:
		return kernel_routes(a, op, e);
	default:
		return module_routes(a, op, e);
	}
}

static void kernel(struct bt_apply *a, const struct bt_op *op)
{
	bool routes = op->type == BT_OP_ROUTES_SET || op->type == BT_OP_ROUTES_DEL;
	struct bt_buf what = {};
	struct bt_error e = {};
	int err = kernel_op(a, op, &e);

	if (routes)
		bt_buf_printf(&what, "%s: %zu", op->key, op->routes.n);
	else
		bt_op_text(op, &what);
	bt_apply_result(a, op->key, what.data, err ? e.text : NULL);
	/* Known at once, and the next change of routes must not wait. */
	if (!err && routes)
		bt_facts_done(a->facts, op->key);
	bt_buf_free(&what);
	bt_error_free(&e);
}

/**
 * bt_apply() - carry operations out
 * @a: context
 * @ops: operations, in order
 *
 * A failure ends none of the others: each is right by itself. Return: false if nothing was
 * tried, or nothing but what charon's queue had room for: what there is has to wait, and when
 * it need not any more, @a->changed is called.
 */
bool bt_apply(struct bt_apply *a, const struct bt_ops *ops)
{
	bool tried = false, all_sent = false;
	size_t i;

	for (i = 0; i < ops->n; i++) {
		if (bt_op_is_batch(&ops->v[i])) {
			bt_apply_batch(a, &ops->v[i], ops->v[i].type == BT_OP_LEFT_DEL ?
				       left_route : hold_route);
			tried = true;
		} else if (ops->v[i].type <= BT_OP_HOLD_DEL) {
			kernel(a, &ops->v[i]);
			tried = true;
		} else if (ops->v[i].type <= BT_OP_INITIATE) {
			/* Once one does not fit, none of the rest does. */
			all_sent = bt_apply_charon(a, &ops->v[i]);
		} else {
			tried |= bt_apply_bird(a, &ops->v[i]);
		}
	}
	return tried || all_sent;
}
