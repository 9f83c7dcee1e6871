/* SPDX-License-Identifier: GPL-2.0 */
/* PURE: what BIRD's routes are worth while BIRD is restarted; see bird_hold.c. */
#ifndef BT_BIRD_HOLD_H
#define BT_BIRD_HOLD_H

#include <stdbool.h>
#include <stdint.h>

/* How long all sessions must have been there: their routes follow. */
#define BT_BIRD_SETTLE_MS	3000
/* BIRD's own recovery may have begun, and ends, somewhat later than we think. */
#define BT_BIRD_MARGIN_MS	5000

enum bt_bird_hold_state {
	BT_BIRD_HOLD_NEW,		/* it has just gone, or nothing is known yet */
	BT_BIRD_HOLD_AWAY,		/* it is not there */
	BT_BIRD_HOLD_BACK,		/* it is, and learns its routes */
	BT_BIRD_HOLD_SETTLED,		/* it has */
};

/**
 * struct bt_bird_hold - follows BIRD; starts with {}
 * @state: see above
 * @since: since when in @state
 * @whole: since when it has all of its sessions, or 0
 * @unsettled: since when it has not been SETTLED, or 0 if it is
 * @keep: nothing is to be taken away because the kernel does not have it
 * @stale: what the kernel has from it does not count any more
 */
struct bt_bird_hold {
	enum bt_bird_hold_state state;
	uint64_t since;
	uint64_t whole;
	uint64_t unsettled;
	bool keep;
	bool stale;
};

struct bt_config;
struct bt_conf_link;
struct bt_facts;

uint64_t bt_bird_hold(struct bt_facts *facts, const struct bt_config *config, uint64_t now);
bool bt_bird_feeds_family(const struct bt_conf_link *link, int af);
bool bt_bird_feeds(const struct bt_conf_link *link);

#endif /* BT_BIRD_HOLD_H */
