/* SPDX-License-Identifier: GPL-2.0 */
#ifndef BT_RTNL_WATCH_H
#define BT_RTNL_WATCH_H

#include "facts.h"
#include "loop.h"
#include "nl.h"

struct bt_rtnl_watch;

struct bt_rtnl_watch *bt_rtnl_watch_new(struct bt_loop *loop, struct bt_facts *facts,
					struct bt_nl *requests, bt_loop_fn changed, void *arg,
					struct bt_error *e);
void bt_rtnl_watch_free(struct bt_rtnl_watch *w);
int bt_rtnl_watch_sync(struct bt_rtnl_watch *w, struct bt_error *e);

#endif /* BT_RTNL_WATCH_H */
