/* SPDX-License-Identifier: GPL-2.0 */
/* PURE: what is to be done. */
#ifndef BT_RECONCILE_H
#define BT_RECONCILE_H

#include "config.h"
#include "facts.h"
#include "vici_wire.h"

/* In the order in which they are done. */
enum bt_op_type {
	/* What is to be held is so before anything goes, and as long as anything is there. */
	BT_OP_HOLD_ADD,
	BT_OP_LINK_DEL,
	BT_OP_LINK_ADD,
	BT_OP_LINK_SET,
	BT_OP_TUNNEL_DEL,
	BT_OP_TUNNEL_ADD,
	BT_OP_TUNNEL_SET,
	BT_OP_ADDR_DEL,
	BT_OP_ADDR_ADD,
	BT_OP_ROUTES_SET,
	BT_OP_ROUTES_DEL,
	BT_OP_FIB_DEL,
	BT_OP_FIB_ADD,
	BT_OP_LEFT_DEL,
	BT_OP_HOLD_DEL,
	BT_OP_CONN_UNLOAD,
	BT_OP_SHARED_UNLOAD,
	BT_OP_SHARED_LOAD,
	BT_OP_CONN_LOAD,
	BT_OP_TERMINATE,
	BT_OP_INITIATE,
	BT_OP_BIRD_VARS,
	BT_OP_BIRD_FLAG,
	BT_OP_BIRD_RELOAD,
	BT_OP_BIRD_FILE,
	BT_OP_BIRD_CONFIGURE,
};

/**
 * struct bt_op - one thing to do
 * @type: what; says which of the others count
 * @key: the same for the same operation at another time
 * @dev: device
 * @link: settings that are to change; BT_LINK_UP to bring it up
 * @tunnel: settings that are to change, and its name or id
 * @routes: of the module, or the kernel
 * @table: of the kernel's routes that BIRD has left
 * @metric: of these, and of routes that hold prefixes
 * @protocol: likewise
 * @addr: of the device
 * @conf_link: of @conf
 * @conf: tunnel that a secret belongs to, or whose IKE is begun
 * @name: of charon's or BIRD's object; of a reload, with its direction
 * @id: of an IKE SA, or of a CHILD SA
 * @child: it is that of a CHILD SA
 * @message: for charon
 * @content: what is remembered of it, or BIRD's file
 * @on: the flag is to be set
 * @reloads: what is to be looked at anew when the flag has changed
 */
struct bt_op {
	enum bt_op_type type;
	char *key;
	struct bt_dev dev;
	struct bt_link link;
	struct bt_tunnel tunnel;
	struct bt_routes routes;
	uint32_t table;
	uint32_t metric;
	uint8_t protocol;
	struct bt_prefix addr;
	const struct bt_conf_link *conf_link;
	const struct bt_conf_tunnel *conf;
	char *name;
	uint32_t id;
	bool child;
	struct bt_vici_msg message;
	char *content;
	bool on;
	struct bt_strings reloads;
};

/**
 * struct bt_ops - things to do
 * @v: array
 * @n: how many
 * @room: for so many
 */
struct bt_ops {
	struct bt_op *v;
	size_t n;
	size_t room;
};

/* Is it done route by route, each of which may fail, and some at a time? */
static inline bool bt_op_is_batch(const struct bt_op *op)
{
	return op->type == BT_OP_HOLD_ADD || op->type == BT_OP_HOLD_DEL ||
	       op->type == BT_OP_LEFT_DEL;
}

void bt_reconcile(const struct bt_config *want, const struct bt_facts *facts, uint64_t now,
		  struct bt_ops *out);
void bt_ops_free(struct bt_ops *ops);
char *bt_op_route_key(const struct bt_op *op, const struct bt_prefix *dst);
void bt_op_text(const struct bt_op *op, struct bt_buf *out);

/* The parts; each looks at one kind of things. */
void bt_reconcile_kernel(const struct bt_config *want, const struct bt_facts *facts,
			 struct bt_ops *out);
void bt_reconcile_holds(const struct bt_config *want, const struct bt_facts *facts,
			struct bt_ops *out);
void bt_reconcile_left(const struct bt_config *want, const struct bt_facts *facts,
		       struct bt_ops *out);
void bt_reconcile_charon(const struct bt_config *want, const struct bt_facts *facts,
			 uint64_t now, struct bt_ops *out);
void bt_reconcile_bird(const struct bt_config *want, const struct bt_facts *facts,
		       uint64_t now, struct bt_ops *out);

/* For the parts. */
struct bt_op *bt_op_add(struct bt_ops *ops, enum bt_op_type type, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));

#endif /* BT_RECONCILE_H */
