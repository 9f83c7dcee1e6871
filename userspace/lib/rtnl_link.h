/* SPDX-License-Identifier: GPL-2.0 */
#ifndef BT_RTNL_LINK_H
#define BT_RTNL_LINK_H

#include "kmod_cmd.h"

/*
 * The network device of a link: what rtnetlink does. Arguments as in kmod_cmd.h. Of
 * a struct bt_link counts what has its bit in "set": the settings when it is added;
 * mtu and BT_LINK_UP always.
 */
int bt_rtnl_link_add(struct bt_kmod *k, const struct bt_dev *dev, const struct bt_link *l,
		     struct bt_error *e);
int bt_rtnl_link_set(struct bt_kmod *k, const struct bt_dev *dev, const struct bt_link *l,
		     struct bt_error *e);
int bt_rtnl_link_del(struct bt_kmod *k, const struct bt_dev *dev, struct bt_error *e);
int bt_rtnl_link_get(struct bt_kmod *k, const struct bt_dev *dev, struct bt_link *out,
		     struct bt_error *e);
int bt_rtnl_link_dump(struct bt_kmod *k, struct bt_links *out, struct bt_error *e);

bool bt_rtnl_parse_link(struct nlmsghdr *nlh, struct bt_link *l);

#endif /* BT_RTNL_LINK_H */
