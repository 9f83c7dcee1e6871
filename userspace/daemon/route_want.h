/* SPDX-License-Identifier: GPL-2.0 */
/* PURE: what the module's routes should be. */
#ifndef BT_ROUTE_WANT_H
#define BT_ROUTE_WANT_H

#include "config.h"
#include "facts.h"

void bt_route_want(const struct bt_conf_link *conf, const struct bt_fact_link *link,
		   const struct bt_facts *facts, struct bt_routes *out);
bool bt_route_leads(const struct bt_conf_link *conf, const struct bt_fact_link *link,
		    const struct bt_fact_route *r);
bool bt_route_is_left(const struct bt_conf_link *conf, const struct bt_fact_route *r);
void bt_route_keep(struct bt_routes *want, const struct bt_routes *have);
bool bt_route_same(const struct bt_route *want, const struct bt_route *have);

#endif /* BT_ROUTE_WANT_H */
