/* SPDX-License-Identifier: GPL-2.0 */
/* PURE: rtnetlink messages in, facts out. */
#ifndef BT_RTNL_PARSE_H
#define BT_RTNL_PARSE_H

#include <linux/netlink.h>

#include "facts.h"

bool bt_rtnl_parse_addr(struct nlmsghdr *nlh, int *ifindex, struct bt_fact_addr *out);
bool bt_rtnl_parse_route(struct nlmsghdr *nlh, struct bt_fact_route *out);
bool bt_rtnl_parse_alias(struct nlmsghdr *nlh, int *ifindex, bool *ours);

#endif /* BT_RTNL_PARSE_H */
