/* SPDX-License-Identifier: GPL-2.0 */
/* PURE: where traffic is to come back by; see steer.c. */
#ifndef BT_STEER_H
#define BT_STEER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* How long after it was accepted a tunnel's routes are not accepted once more. */
#define BT_STEER_ACCEPT_MS	5000
/* How long a tunnel that has failed waits before it is announced as the others: doubles. */
#define BT_STEER_WAIT_MS	3000
#define BT_STEER_WAIT_MAX_MS	300000
/* As long without a failure, and those before are forgotten. */
#define BT_STEER_CALM_MS	300000
/* How long the far end may remember what it was told last: at least, and beyond its hold time. */
#define BT_STEER_QUIET_MS	60000
#define BT_STEER_MARGIN_MS	10000

/* What the module says of a tunnel. */
enum bt_steer_state {
	BT_STEER_DOWN,
	BT_STEER_DRAIN,
	BT_STEER_UP,
};

/**
 * struct bt_steer_input - a tunnel, as it is wanted and as it is
 * @name: unique
 * @group: of those whose announcements the far end compares
 * @levels: how many steps better these can be announced; 0: they are left alone
 * @hold_ms: for so long the far end believes a peer that is silent
 * @state: what the module says
 * @seeded: what follows is known, from before this daemon was started
 * @was_dead: its routes were rejected
 * @was_boosted: it was announced as its group is
 * @was_level: of its group
 */
struct bt_steer_input {
	const char *name;
	const char *group;
	unsigned int levels;
	uint64_t hold_ms;
	enum bt_steer_state state;
	bool seeded;
	bool was_dead;
	bool was_boosted;
	unsigned int was_level;
};

enum bt_steer_place {
	BT_STEER_NEW,		/* has not been up yet */
	BT_STEER_IN,		/* announced as its group is */
	BT_STEER_OUT,		/* has failed or is drained: announced at level 0 */
	BT_STEER_BACK,		/* is up again, waits: announced at level 0 */
};

/**
 * struct bt_steer_tunnel - a tunnel
 * @name: first
 * @group: index of its group
 * @place: see above
 * @state: what the module said last
 * @dead: wanted: its routes are rejected
 * @accepted: when they were not any more, last; 0: never were
 * @joined: since when its place is IN
 * @join: when BACK is over
 * @failures: not long after each other
 */
struct bt_steer_tunnel {
	char *name;
	size_t group;
	enum bt_steer_place place;
	enum bt_steer_state state;
	bool dead;
	uint64_t accepted;
	uint64_t joined;
	uint64_t join;
	unsigned int failures;
};

/**
 * struct bt_steer_group - tunnels whose announcements the far end compares
 * @name: first
 * @level: wanted: how much better than at first those that are IN are announced
 * @levels: how far that can go
 * @quiet_ms: after so long the far end has forgotten what a dead tunnel announced
 * @calm: when it has
 * @exhausted: there was no level left for the last failure
 * @told: whoever looks at @exhausted has said so
 */
struct bt_steer_group {
	char *name;
	unsigned int level;
	unsigned int levels;
	uint64_t quiet_ms;
	uint64_t calm;
	bool exhausted;
	bool told;
};

/**
 * struct bt_steer - what is wanted of the routing daemon; starts with {}
 * @tunnels: in the order of the last input
 * @groups: of these
 */
struct bt_steer {
	struct {
		struct bt_steer_tunnel *v;
		size_t n;
	} tunnels;
	struct {
		struct bt_steer_group *v;
		size_t n;
	} groups;
};

uint64_t bt_steer_update(struct bt_steer *s, const struct bt_steer_input *in, size_t n,
			 uint64_t now);
const struct bt_steer_tunnel *bt_steer_tunnel(const struct bt_steer *s, const char *name,
					      size_t hint);
const struct bt_steer_group *bt_steer_group(const struct bt_steer *s, const char *name);
bool bt_steer_boosted(const struct bt_steer_tunnel *t);
void bt_steer_free(struct bt_steer *s);

#endif /* BT_STEER_H */
