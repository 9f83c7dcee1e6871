/* SPDX-License-Identifier: GPL-2.0 */
#ifndef BT_KMOD_ROUTE_H
#define BT_KMOD_ROUTE_H

#include "kmod_cmd.h"

int bt_kmod_route_new(struct bt_kmod *k, const struct bt_dev *dev, const struct bt_route *routes,
		      size_t n, enum bowtie_mode mode, struct bt_error *e);
int bt_kmod_route_del(struct bt_kmod *k, const struct bt_dev *dev, const struct bt_route *routes,
		      size_t n, struct bt_error *e);
int bt_kmod_route_get(struct bt_kmod *k, const struct bt_dev *dev, const struct bt_addr *addr,
		      struct bt_route *out, struct bt_error *e);
int bt_kmod_route_find(struct bt_kmod *k, const struct bt_dev *dev, const struct bt_prefix *dst,
		       struct bt_route *out, struct bt_error *e);
int bt_kmod_route_dump(struct bt_kmod *k, const struct bt_dev *dev, struct bt_routes *out,
		       struct bt_error *e);
int bt_kmod_route_flush(struct bt_kmod *k, const struct bt_dev *dev, struct bt_error *e);

#endif /* BT_KMOD_ROUTE_H */
