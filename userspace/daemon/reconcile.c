// SPDX-License-Identifier: GPL-2.0
/*
 * PURE: desired x observed -> operations. Nothing is remembered from one time to the
 * next but what is in the facts, so whatever happens in between, and whoever does it,
 * the next comparison sets right. What cannot be done yet is left for the next time.
 */
#include "reconcile.h"

#include <stdlib.h>
#include <string.h>

#include "util.h"

/**
 * bt_op_add() - one more thing to do
 * @ops: list
 * @type: what
 * @fmt: its key, as printf()
 *
 * Return: the operation, to be filled in; earlier ones may have moved.
 */
struct bt_op *bt_op_add(struct bt_ops *ops, enum bt_op_type type, const char *fmt, ...)
{
	struct bt_op *op;
	struct bt_buf key = {};
	va_list ap;

	/* They are large, and may be many. */
	if (ops->n == ops->room) {
		ops->room = 2 * ops->room + 16;
		ops->v = bt_realloc(ops->v, ops->room, sizeof(*ops->v));
	}
	op = &ops->v[ops->n++];
	*op = (struct bt_op){};

	va_start(ap, fmt);
	bt_buf_vprintf(&key, fmt, ap);
	va_end(ap);
	op->type = type;
	op->key = key.data;
	return op;
}

static void op_free(struct bt_op *op)
{
	free(op->key);
	bt_object_free(&bt_link_object, &op->link);
	bt_object_free(&bt_tunnel_object, &op->tunnel);
	bt_routes_free(&op->routes);
	bt_vici_msg_wipe(&op->message);
	free(op->name);
	free(op->content);
	bt_strings_clear(&op->reloads);
}

/**
 * bt_ops_free() - free a list of operations
 * @ops: becomes empty
 */
void bt_ops_free(struct bt_ops *ops)
{
	size_t i;

	for (i = 0; i < ops->n; i++)
		op_free(&ops->v[i]);
	free(ops->v);
	*ops = (struct bt_ops){};
}

/* In the order of their types, else in that in which they were found. */
static void sort_by_type(struct bt_ops *ops)
{
	size_t next[BT_OP_BIRD_CONFIGURE + 2] = {}, i;
	struct bt_op *sorted;

	if (!ops->n)
		return;
	for (i = 0; i < ops->n; i++)
		next[ops->v[i].type + 1]++;
	for (i = 1; i < BT_ARRAY_SIZE(next); i++)
		next[i] += next[i - 1];
	sorted = bt_realloc(NULL, ops->n, sizeof(*sorted));
	for (i = 0; i < ops->n; i++)
		sorted[next[ops->v[i].type]++] = ops->v[i];
	free(ops->v);
	ops->v = sorted;
	ops->room = ops->n;
}

/**
 * bt_op_route_key() - the key of a part of an operation
 * @op: operation that is done route by route
 * @dst: prefix of the route
 *
 * Return: text for the caller to free.
 */
char *bt_op_route_key(const struct bt_op *op, const struct bt_prefix *dst)
{
	char buf[BT_PREFIX_STRLEN];

	return bt_asprintf("%s %s", op->key, bt_prefix_str(dst, buf));
}

/* Of routes that are done one by one, those that have failed keep none of the others waiting. */
static void drop_held_routes(struct bt_op *op, const struct bt_facts *facts, uint64_t now)
{
	size_t i, n = 0;

	for (i = 0; i < op->routes.n; i++) {
		char *key = bt_op_route_key(op, &op->routes.v[i].dst);

		/* These have no next hops to be freed. */
		if (!bt_facts_held(facts, key, now))
			op->routes.v[n++] = op->routes.v[i];
		free(key);
	}
	op->routes.n = n;
}

static bool is_held(struct bt_op *op, const struct bt_facts *facts, uint64_t now)
{
	if (bt_facts_held(facts, op->key, now))
		return true;
	if (!bt_op_is_batch(op) || !facts->holds.n)
		return false;
	drop_held_routes(op, facts, now);
	return !op->routes.n;
}

static void drop_held(struct bt_ops *ops, const struct bt_facts *facts, uint64_t now)
{
	size_t i, n = 0;

	for (i = 0; i < ops->n; i++) {
		if (is_held(&ops->v[i], facts, now))
			op_free(&ops->v[i]);
		else
			ops->v[n++] = ops->v[i];
	}
	ops->n = n;
}

/**
 * bt_reconcile() - what is to be done now
 * @want: configuration
 * @facts: what is observed
 * @now: bt_now_ms()
 * @out: operations in order, pointing into @want; the caller frees them
 *
 * Nothing in the list means that nothing is wrong, or that nothing can be done about
 * it now.
 */
void bt_reconcile(const struct bt_config *want, const struct bt_facts *facts, uint64_t now,
		  struct bt_ops *out)
{
	bt_reconcile_holds(want, facts, out);
	bt_reconcile_kernel(want, facts, out);
	bt_reconcile_left(want, facts, out);
	bt_reconcile_charon(want, facts, now, out);
	bt_reconcile_bird(want, facts, now, out);
	drop_held(out, facts, now);
	sort_by_type(out);
}

/* --- in words --- */

static void put_settings(const struct bt_object *o, const void *obj, bool all, struct bt_buf *out)
{
	const struct bt_field *f;
	struct bt_buf text = {};

	bt_for_each_field(f, o) {
		if (!(f->flags & BT_F_SET) || !bt_field_is_set(f, obj) || !f->type->text ||
		    (f->flags & BT_F_HEAD))
			continue;
		/* Of something new, what is as by default goes without saying. */
		if (!all && (f->flags & BT_F_OPTIONAL) && bt_field_is_default(f, obj))
			continue;
		text.len = 0;
		bt_field_text(f, obj, &text);
		if (all || strcmp(text.data, "none") != 0)
			bt_buf_printf(out, " %s %s", bt_field_word(f), text.data);
	}
	bt_buf_free(&text);
}

static void put_routes(const struct bt_op *op, struct bt_buf *out)
{
	char buf[BT_PREFIX_STRLEN];
	size_t i, j;

	for (i = 0; i < op->routes.n; i++) {
		const struct bt_route *r = &op->routes.v[i];

		bt_buf_printf(out, "%s%s", i ? ", " : " ", bt_prefix_str(&r->dst, buf));
		for (j = 0; op->type == BT_OP_ROUTES_SET && j < r->nexthops.n; j++)
			bt_buf_printf(out, " tunnel %u", r->nexthops.v[j].tunnel);
	}
}

static void put_kernel(const struct bt_op *op, const char *what, struct bt_buf *out)
{
	char buf[BT_PREFIX_STRLEN];

	bt_buf_printf(out, "%s %s", what, op->dev.name);
	switch (op->type) {
	case BT_OP_LINK_ADD:
	case BT_OP_LINK_SET:
		put_settings(&bt_link_object, &op->link, op->type == BT_OP_LINK_SET, out);
		if (op->link.set & BT_BIT(BT_LINK_UP))
			bt_buf_puts(out, " up");
		break;
	case BT_OP_TUNNEL_DEL:
	case BT_OP_TUNNEL_ADD:
	case BT_OP_TUNNEL_SET:
		bt_buf_printf(out, " %s", op->name);
		if (op->type != BT_OP_TUNNEL_DEL)
			put_settings(&bt_tunnel_object, &op->tunnel,
				     op->type == BT_OP_TUNNEL_SET, out);
		break;
	case BT_OP_ADDR_DEL:
	case BT_OP_ADDR_ADD:
		bt_buf_printf(out, " %s", bt_prefix_str(&op->addr, buf));
		break;
	case BT_OP_LEFT_DEL:
		bt_buf_printf(out, " table %u", op->table);
		put_routes(op, out);
		break;
	default:
		put_routes(op, out);
	}
}

static const char *const op_words[] = {
	[BT_OP_HOLD_ADD] = "hold routes add",
	[BT_OP_LINK_DEL] = "link del",
	[BT_OP_LINK_ADD] = "link add",
	[BT_OP_LINK_SET] = "link set",
	[BT_OP_TUNNEL_DEL] = "tunnel del",
	[BT_OP_TUNNEL_ADD] = "tunnel add",
	[BT_OP_TUNNEL_SET] = "tunnel set",
	[BT_OP_ADDR_DEL] = "address del",
	[BT_OP_ADDR_ADD] = "address add",
	[BT_OP_ROUTES_SET] = "routes set",
	[BT_OP_ROUTES_DEL] = "routes del",
	[BT_OP_FIB_DEL] = "kernel routes del",
	[BT_OP_FIB_ADD] = "kernel routes add",
	[BT_OP_LEFT_DEL] = "BIRD's routes del",
	[BT_OP_HOLD_DEL] = "hold routes del",
	[BT_OP_CONN_UNLOAD] = "charon: unload connection",
	[BT_OP_SHARED_UNLOAD] = "charon: unload secret",
	[BT_OP_SHARED_LOAD] = "charon: load secret",
	[BT_OP_CONN_LOAD] = "charon: load connection",
	[BT_OP_TERMINATE] = "charon: terminate",
	[BT_OP_INITIATE] = "charon: initiate",
	[BT_OP_BIRD_VARS] = "BIRD: write",
	[BT_OP_BIRD_FLAG] = "BIRD: disable",
	[BT_OP_BIRD_RELOAD] = "BIRD: reload",
	[BT_OP_BIRD_FILE] = "BIRD: write",
	[BT_OP_BIRD_CONFIGURE] = "BIRD: configure",
};

/**
 * bt_op_text() - an operation in words, for people
 * @op: operation
 * @out: where to; no secret gets there
 */
void bt_op_text(const struct bt_op *op, struct bt_buf *out)
{
	if (op->type <= BT_OP_HOLD_DEL)
		put_kernel(op, op_words[op->type], out);
	else
		bt_buf_printf(out, "%s%s%s",
			      op->type == BT_OP_BIRD_FLAG && op->on ? "BIRD: enable" :
			      op_words[op->type], op->name ? " " : "", op->name ? op->name : "");
}
