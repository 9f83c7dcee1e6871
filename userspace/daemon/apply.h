/* SPDX-License-Identifier: GPL-2.0 */
#ifndef BT_APPLY_H
#define BT_APPLY_H

#include "bird_watch.h"
#include "facts.h"
#include "kmod_watch.h"
#include "loop.h"
#include "reconcile.h"
#include "vici_watch.h"

/**
 * struct bt_apply - what operations are carried out with
 * @facts: results go there
 * @kmod: requests to the module
 * @rtnl: requests to rtnetlink
 * @kmod_watch: told what to look at anew
 * @vici: charon
 * @bird: BIRD
 * @changed: called when the facts have changed later on
 * @arg: passed to it
 */
struct bt_apply {
	struct bt_facts *facts;
	struct bt_kmod *kmod;
	struct bt_nl *rtnl;
	struct bt_kmod_watch *kmod_watch;
	struct bt_vici_watch *vici;
	struct bt_bird_watch *bird;
	bt_loop_fn changed;
	void *arg;
};

/**
 * typedef bt_apply_route_fn - does one route of an operation
 * @a: context
 * @op: operation
 * @dst: prefix of the route
 * @e: says what is wrong
 *
 * Return: 0, or a negative errno.
 */
typedef int (*bt_apply_route_fn)(struct bt_apply *a, const struct bt_op *op,
				 const struct bt_prefix *dst, struct bt_error *e);

/* Routes that are done in one go: other events of the loop want their turn. */
#define BT_APPLY_BATCH	256

bool bt_apply(struct bt_apply *a, const struct bt_ops *ops);

/* apply_charon.c */
bool bt_apply_charon(struct bt_apply *a, const struct bt_op *op);

/* apply_bird.c */
bool bt_apply_bird(struct bt_apply *a, const struct bt_op *op);

/* apply_batch.c */
void bt_apply_batch(struct bt_apply *a, const struct bt_op *op, bt_apply_route_fn fn);

/* For the parts: an operation has come to its end; text is why it failed, or NULL. */
void bt_apply_result(struct bt_apply *a, const char *key, const char *what, const char *text);

#endif /* BT_APPLY_H */
