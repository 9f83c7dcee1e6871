/* SPDX-License-Identifier: GPL-2.0 */
/* PURE: which prefixes must not leave by another way than a link. */
#ifndef BT_ROUTE_HOLD_H
#define BT_ROUTE_HOLD_H

#include "config.h"
#include "facts.h"

/* In the kernel of each link; the configuration's own come on top. */
#define BT_HOLD_MAX	10000

/**
 * struct bt_hold - a prefix to be held
 * @dst: prefix. First
 * @protocol: of its route: BT_RTPROT if the configuration says so, or BT_RTPROT_LEARNED
 */
struct bt_hold {
	struct bt_prefix dst;
	uint8_t protocol;
};

/**
 * struct bt_holds - prefixes to be held
 * @v: array, in their order
 * @n: how many
 * @learned: how many there are that are learned, those included that there is no room for
 */
struct bt_holds {
	struct bt_hold *v;
	size_t n;
	size_t learned;
};

/**
 * struct bt_far_ends - where the peers of all links are, outside
 * @v: addresses, in order
 * @n: how many
 * @any: there is a tunnel whose peer may be anywhere
 */
struct bt_far_ends {
	struct bt_addr *v;
	size_t n;
	bool any;
};

void bt_far_ends_find(const struct bt_config *config, const struct bt_facts *facts,
		      struct bt_far_ends *out);
bool bt_hold_may(const struct bt_far_ends *far, const struct bt_prefix *p, uint8_t protocol);

bool bt_hold_is(const struct bt_fact_route *r);
uint32_t bt_hold_metric(const struct bt_conf_link *conf);
const struct bt_hold *bt_holds_find(const struct bt_holds *holds, const struct bt_prefix *dst);
void bt_hold_want(const struct bt_conf_link *conf, const struct bt_facts *facts,
		  const struct bt_far_ends *far, struct bt_holds *out);
uint64_t bt_hold_follow(struct bt_facts *f, const struct bt_config *config, uint64_t now);
bool bt_hold_expired(const struct bt_facts *f, const struct bt_fact_route *r);

#endif /* BT_ROUTE_HOLD_H */
