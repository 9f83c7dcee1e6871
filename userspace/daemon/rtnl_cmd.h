/* SPDX-License-Identifier: GPL-2.0 */
#ifndef BT_RTNL_CMD_H
#define BT_RTNL_CMD_H

#include "facts.h"
#include "nl.h"

/* Requests to rtnetlink on an open socket. All return 0 or a negative errno. */
int bt_rtnl_addr(struct bt_nl *nl, bool add, int ifindex, const struct bt_prefix *p,
		 struct bt_error *e);
int bt_rtnl_route(struct bt_nl *nl, bool add, int ifindex, const struct bt_prefix *p,
		  struct bt_error *e);
int bt_rtnl_hold(struct bt_nl *nl, bool add, uint32_t metric, uint8_t protocol,
		 const struct bt_prefix *p, struct bt_error *e);
int bt_rtnl_route_del(struct bt_nl *nl, uint32_t table, uint8_t protocol, uint32_t metric,
		      int ifindex, const struct bt_prefix *p, struct bt_error *e);
int bt_rtnl_mark_ours(struct bt_nl *nl, const char *name, struct bt_error *e);

int bt_rtnl_dump_addrs(struct bt_nl *nl, bt_nl_fn fn, void *arg, struct bt_error *e);
int bt_rtnl_dump_routes(struct bt_nl *nl, bt_nl_fn fn, void *arg, struct bt_error *e);
int bt_rtnl_dump_links(struct bt_nl *nl, bt_nl_fn fn, void *arg, struct bt_error *e);

#endif /* BT_RTNL_CMD_H */
