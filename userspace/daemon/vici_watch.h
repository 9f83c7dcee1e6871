/* SPDX-License-Identifier: GPL-2.0 */
#ifndef BT_VICI_WATCH_H
#define BT_VICI_WATCH_H

#include "facts.h"
#include "loop.h"
#include "vici_conn.h"

struct bt_vici_watch;

struct bt_vici_watch *bt_vici_watch_new(struct bt_loop *loop, struct bt_facts *facts,
					const char *path, bt_loop_fn changed, void *arg);
void bt_vici_watch_free(struct bt_vici_watch *w);
void bt_vici_watch_refresh(struct bt_vici_watch *w);
void bt_vici_watch_follow(struct bt_vici_watch *w);
struct bt_vici_conn *bt_vici_watch_conn(struct bt_vici_watch *w);

/* PURE: an entry of list-sas; for the tests. */
void bt_vici_parse_sa(const struct bt_vici_node *msg, struct bt_fact_ikes *out);

#endif /* BT_VICI_WATCH_H */
