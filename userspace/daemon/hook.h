/* SPDX-License-Identifier: GPL-2.0 */
/* The operator's program that is told what becomes of a link's tunnels. */
#ifndef BT_HOOK_H
#define BT_HOOK_H

#include "config.h"
#include "facts.h"
#include "loop.h"

/* Lines of a run that get into the log, and how much of each. */
#define BT_HOOK_LINES	20
#define BT_HOOK_LINE	200
/*
 * A run that has failed is repeated so long after its end, after twice as long with each
 * further failure, and so long at most; what is new is told so long after the last began.
 */
#define BT_HOOK_RETRY_MS	10000
#define BT_HOOK_RETRY_MAX_MS	120000
#define BT_HOOK_PAUSE_MS	300

/* hook_text.c, PURE */
uint64_t bt_hook_retry_ms(unsigned int failures);
void bt_hook_args(const struct bt_facts *facts, const struct bt_conf_link *link,
		  struct bt_strings *out);

/* hook.c */
struct bt_hooks;
struct bt_hooks *bt_hooks_new(struct bt_loop *loop);
void bt_hooks_hurry(struct bt_hooks *hooks, unsigned int times);
void bt_hooks_update(struct bt_hooks *hooks, const struct bt_config *config,
		     const struct bt_facts *facts);
void bt_hooks_free(struct bt_hooks *hooks);

#endif /* BT_HOOK_H */
