// SPDX-License-Identifier: GPL-2.0
/* PURE: of "status", what BIRD's routes are worth, and how many SAs are. */
#include "ctl_status.h"

#include <json-c/json.h>

static const char *bird_state(const struct bt_bird_hold *hold)
{
	static const char *const names[] = {
		[BT_BIRD_HOLD_NEW] = "unknown",
		[BT_BIRD_HOLD_AWAY] = "away",
		[BT_BIRD_HOLD_BACK] = "back",
		[BT_BIRD_HOLD_SETTLED] = "settled",
	};

	return hold->stale ? "stale" : names[hold->state];
}

/**
 * bt_ctl_status_put() - add them
 * @f: facts
 * @o: gets "bird-state" and "suspects"
 */
void bt_ctl_status_put(const struct bt_facts *f, struct json_object *o)
{
	json_object_object_add(o, "bird-state", json_object_new_string(bird_state(&f->hold)));
	json_object_object_add(o, "suspects", json_object_new_int64((int64_t)f->suspects.n));
}
