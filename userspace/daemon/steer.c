// SPDX-License-Identifier: GPL-2.0
/*
 * PURE: what the far end is to be told of a link's tunnels, and which routes of theirs
 * count, as tunnels fail and come back. Time is passed in.
 *
 * Routes: those of a tunnel that is down are rejected at once, and accepted when it is up
 * again, at once too, but not a second time within BT_STEER_ACCEPT_MS, so that a tunnel
 * that flaps does not shake the routing table; unless it is the only one that is up.
 *
 * Return path: the far end goes on believing what a dead tunnel announced last until its
 * hold time is over, and it cannot be told otherwise. So the others, whose sessions live,
 * must announce something strictly better. Tunnels that the far end compares are a group,
 * and a group has a level: 0 as a rule, and each one more is announced as better by one
 * step (a lower MED, or one prepended AS fewer).
 *
 *	         up                     not up: level + 1
 *	NEW -----------> IN (level) ----------------------> OUT (0) <---+
 *	                  ^                                   | up      | not up
 *	                  |    it has waited, or nobody is IN v         |
 *	                  +-------------------------------- BACK (0) ---+
 *
 * - When one that is IN fails, the level of the far end's stale memory is at most that of
 *   the group: one step more is strictly better. It is one step for all that fail at once.
 * - OUT and BACK are announced at 0, so no further step is needed when BACK fails again: a
 *   tunnel that flaps each second costs one step, and not one for each time.
 * - BACK waits, for longer the more often it has failed while others had not. Then it is
 *   as the others, and when nobody is OUT or BACK any more, all return to level 0:
 *   everybody listens now, whatever is heard first is announced by tunnels that live, so
 *   nothing is lost.
 * - When a dead one stays dead, the far end has forgotten it some time after its hold time,
 *   or has heard of level 0 if its session lives after all: level 1 is enough then.
 * - When all are dead nobody is there to announce, but the level still grows with each, so
 *   that the first one that returns, which is IN at once, beats what the others left.
 * - Levels are few. When there is none left the far end's own hold time decides, as it
 *   would without us; @exhausted says so. It takes as many failures, each after the one
 *   before had been waited for, and no quiet time between them.
 * - A tunnel that is drained goes OUT, while its routes stay accepted: the return path
 *   leaves first, flows that are there keep their way out until they have ended. Its
 *   session lives, so that level 1 for the others is enough.
 *
 * So in any stretch of BT_STEER_WAIT_MAX_MS a group changes its announcements no more
 * often than it has levels, and twice for each time that a tunnel has waited, which gets
 * rarer as it goes on.
 */
#include "steer.h"

#include <stdlib.h>
#include <string.h>

#include "util.h"

static struct bt_steer_group *group_of(struct bt_steer *s, const struct bt_steer_tunnel *t)
{
	return &s->groups.v[t->group];
}

static uint64_t wait_of(const struct bt_steer_tunnel *t)
{
	/* The second time may have been the other half of the first. */
	unsigned int shift = t->failures > 2 ? t->failures - 2 : 0;

	/* After a drain there is nothing to wait for. */
	if (!t->failures)
		return 0;
	if (shift > 16 || (uint64_t)BT_STEER_WAIT_MS << shift > BT_STEER_WAIT_MAX_MS)
		return BT_STEER_WAIT_MAX_MS;
	return (uint64_t)BT_STEER_WAIT_MS << shift;
}

/* --- who is there --- */

/* Which tunnel is first, and whether it is new, does not matter: any may know the level. */
static unsigned int seeded_level(const struct bt_steer_input *in, size_t n, const char *group)
{
	unsigned int level = 0;
	size_t i;

	for (i = 0; i < n; i++)
		if (in[i].seeded && in[i].was_level > level && !strcmp(in[i].group, group))
			level = in[i].was_level;
	return level;
}

/* The group of in[index], of @n */
static size_t find_group(struct bt_steer *s, const struct bt_steer_input *inputs, size_t n,
			 size_t index, uint64_t now)
{
	const struct bt_steer_input *in = &inputs[index];
	struct bt_steer_group *g;
	size_t i;

	/* Tunnels of a group stand beside each other mostly. */
	for (i = s->groups.n; i--;)
		if (!strcmp(s->groups.v[i].name, in->group))
			return i;
	g = bt_array_add(&s->groups);
	g->name = bt_strdup(in->group);
	g->level = seeded_level(inputs, n, in->group);
	g->calm = now + BT_STEER_QUIET_MS + in->hold_ms;
	return s->groups.n - 1;
}

static struct bt_steer_tunnel new_tunnel(const struct bt_steer_input *in, uint64_t now)
{
	struct bt_steer_tunnel t = { .name = bt_strdup(in->name), .dead = true };

	if (!in->seeded)
		return t;
	t.dead = in->was_dead;
	if (!in->was_boosted) {
		t.place = BT_STEER_OUT;
		t.failures = 1;
	} else if (!in->was_dead) {
		t.place = BT_STEER_IN;
		t.joined = now;
	}
	return t;
}

static size_t find(const struct bt_steer *s, const char *name, size_t hint)
{
	size_t i;

	if (hint < s->tunnels.n && !strcmp(s->tunnels.v[hint].name, name))
		return hint;
	for (i = 0; i < s->tunnels.n; i++)
		if (!strcmp(s->tunnels.v[i].name, name))
			break;
	return i;
}

/* Takes over what stays, in the order of the input. Groups stay anyway. */
static void follow_input(struct bt_steer *s, const struct bt_steer_input *in, size_t n,
			 uint64_t now)
{
	struct bt_steer old = *s;
	size_t i, at, group;

	s->tunnels.v = n ? bt_realloc(NULL, n, sizeof(*s->tunnels.v)) : NULL;
	s->tunnels.n = n;
	for (i = 0; i < n; i++) {
		group = find_group(s, in, n, i, now);
		at = find(&old, in[i].name, i);
		/* In another group it is another one. */
		if (at < old.tunnels.n && old.tunnels.v[at].group == group) {
			s->tunnels.v[i] = old.tunnels.v[at];
			old.tunnels.v[at].name = bt_strdup(in[i].name);
		} else {
			s->tunnels.v[i] = new_tunnel(&in[i], now);
		}
		s->tunnels.v[i].group = group;
	}
	for (i = 0; i < old.tunnels.n; i++)
		free(old.tunnels.v[i].name);
	free(old.tunnels.v);
}

static void set_groups(struct bt_steer *s, const struct bt_steer_input *in)
{
	struct bt_steer_group *g;
	size_t i;

	for (i = 0; i < s->groups.n; i++)
		s->groups.v[i].quiet_ms = BT_STEER_QUIET_MS;
	for (i = 0; i < s->tunnels.n; i++) {
		g = group_of(s, &s->tunnels.v[i]);
		g->levels = in[i].levels;
		if (in[i].hold_ms + BT_STEER_MARGIN_MS > g->quiet_ms)
			g->quiet_ms = in[i].hold_ms + BT_STEER_MARGIN_MS;
		if (g->level > g->levels)
			g->level = g->levels;
	}
}

/* --- return path --- */

/* One that was IN has failed: returns the level that the others must have. */
static unsigned int fail(struct bt_steer_tunnel *t, const struct bt_steer_group *g, bool drain,
			 uint64_t now)
{
	t->place = BT_STEER_OUT;
	if (drain) {
		t->failures = 0;
		return g->level > 1 ? g->level : 1;
	}
	if (now >= t->joined + BT_STEER_CALM_MS)
		t->failures = 0;
	t->failures++;
	return g->level + 1;
}

static void leave(struct bt_steer *s, const struct bt_steer_input *in, size_t index,
		  unsigned int *need, uint64_t now)
{
	struct bt_steer_tunnel *t = &s->tunnels.v[index];
	unsigned int level;

	/* What has never been up has announced nothing, unless it is drained. */
	if (in->state == BT_STEER_UP || t->place == BT_STEER_OUT ||
	    (t->place == BT_STEER_NEW && in->state == BT_STEER_DOWN))
		return;
	if (t->place == BT_STEER_BACK) {
		t->place = BT_STEER_OUT;
		return;
	}
	level = fail(t, group_of(s, t), in->state == BT_STEER_DRAIN, now);
	if (level > need[t->group])
		need[t->group] = level;
}

/* How many of each group are in a place. */
static void count(const struct bt_steer *s, enum bt_steer_place place, size_t *n)
{
	size_t i;

	memset(n, 0, s->groups.n * sizeof(*n));
	for (i = 0; i < s->tunnels.n; i++)
		n[s->tunnels.v[i].group] += s->tunnels.v[i].place == place;
}

/* Where all have failed it is nobody's own fault. */
static void forgive(struct bt_steer *s, const unsigned int *need)
{
	size_t *in = bt_alloc((s->groups.n + 1) * sizeof(*in)), i;

	count(s, BT_STEER_IN, in);
	for (i = 0; i < s->tunnels.n; i++) {
		struct bt_steer_tunnel *t = &s->tunnels.v[i];

		if (need[t->group] && !in[t->group] && t->failures > 1)
			t->failures = 1;
	}
	free(in);
}

static void step(struct bt_steer_group *g, unsigned int need, uint64_t now)
{
	if (!need)
		return;
	g->calm = now + g->quiet_ms;
	g->exhausted = g->levels && need > g->levels;
	g->level = need > g->levels ? g->levels : need;
}

static void come_back(struct bt_steer_tunnel *t, uint64_t now)
{
	if (t->state != BT_STEER_UP)
		return;
	if (t->place == BT_STEER_NEW) {
		t->place = BT_STEER_IN;
		t->joined = now;
	} else if (t->place == BT_STEER_OUT) {
		t->place = BT_STEER_BACK;
		t->join = now + wait_of(t);
	}
}

static void join(struct bt_steer *s, uint64_t now)
{
	size_t *in = bt_alloc((s->groups.n + 1) * sizeof(*in)), i;
	size_t *out = bt_alloc((s->groups.n + 1) * sizeof(*out));

	/* Of before: where nobody was, all that are back at the same time are welcome. */
	count(s, BT_STEER_IN, in);
	count(s, BT_STEER_OUT, out);
	for (i = 0; i < s->tunnels.n; i++) {
		struct bt_steer_tunnel *t = &s->tunnels.v[i];

		if (t->place != BT_STEER_BACK || (in[t->group] && now < t->join))
			continue;
		t->place = BT_STEER_IN;
		t->joined = now;
		/* What the far end remembers does not matter if all of them can tell it anew. */
		if (!out[t->group])
			group_of(s, t)->calm = now;
	}
	free(out);
	free(in);
}

static void settle(struct bt_steer *s, uint64_t now)
{
	size_t *out = bt_alloc((s->groups.n + 1) * sizeof(*out));
	size_t *back = bt_alloc((s->groups.n + 1) * sizeof(*back)), i;
	unsigned int least;

	count(s, BT_STEER_OUT, out);
	count(s, BT_STEER_BACK, back);
	for (i = 0; i < s->groups.n; i++) {
		struct bt_steer_group *g = &s->groups.v[i];

		least = out[i] + back[i] ? 1 : 0;
		if (g->level > least && now >= g->calm) {
			g->level = least;
			g->exhausted = false;
		}
	}
	free(back);
	free(out);
}

static void return_path(struct bt_steer *s, const struct bt_steer_input *in, uint64_t now)
{
	unsigned int *need = bt_alloc((s->groups.n + 1) * sizeof(*need));
	size_t i;

	for (i = 0; i < s->tunnels.n; i++) {
		s->tunnels.v[i].state = in[i].state;
		leave(s, &in[i], i, need, now);
	}
	forgive(s, need);
	for (i = 0; i < s->groups.n; i++)
		step(&s->groups.v[i], need[i], now);
	free(need);
	for (i = 0; i < s->tunnels.n; i++)
		come_back(&s->tunnels.v[i], now);
	join(s, now);
	settle(s, now);
}

/* --- routes --- */

static void accept_routes(struct bt_steer *s, uint64_t now)
{
	size_t *alive = bt_alloc((s->groups.n + 1) * sizeof(*alive)), i;
	struct bt_steer_tunnel *t;

	for (i = 0; i < s->tunnels.n; i++) {
		t = &s->tunnels.v[i];
		if (t->state == BT_STEER_DOWN)
			t->dead = true;
		alive[t->group] += !t->dead;
	}
	for (i = 0; i < s->tunnels.n; i++) {
		t = &s->tunnels.v[i];
		if (!t->dead || t->state == BT_STEER_DOWN ||
		    (alive[t->group] && t->accepted && now < t->accepted + BT_STEER_ACCEPT_MS))
			continue;
		t->dead = false;
		t->accepted = now;
	}
	free(alive);
}

/* --- */

static void sooner(uint64_t *next, uint64_t then)
{
	if (then < *next)
		*next = then;
}

static uint64_t deadline(const struct bt_steer *s, uint64_t now)
{
	uint64_t next = UINT64_MAX;
	size_t i;

	for (i = 0; i < s->tunnels.n; i++) {
		const struct bt_steer_tunnel *t = &s->tunnels.v[i];

		if (t->place == BT_STEER_BACK)
			sooner(&next, t->join);
		if (t->dead && t->state != BT_STEER_DOWN)
			sooner(&next, t->accepted + BT_STEER_ACCEPT_MS);
	}
	/* What is overdue is not going to happen: the level is as low as it can be. */
	for (i = 0; i < s->groups.n; i++)
		if (s->groups.v[i].level && s->groups.v[i].calm > now)
			sooner(&next, s->groups.v[i].calm);
	return next;
}

/**
 * bt_steer_update() - follow what has happened
 * @s: state
 * @in: all tunnels with a session; those that are not in it any more are forgotten
 * @n: how many
 * @now: bt_now_ms()
 *
 * Return: when it is to be called again, or UINT64_MAX.
 */
uint64_t bt_steer_update(struct bt_steer *s, const struct bt_steer_input *in, size_t n,
			 uint64_t now)
{
	follow_input(s, in, n, now);
	set_groups(s, in);
	return_path(s, in, now);
	accept_routes(s, now);
	return deadline(s, now);
}

/**
 * bt_steer_tunnel() - find a tunnel
 * @s: state
 * @name: of the tunnel
 * @hint: where it may be
 *
 * Return: tunnel, or NULL.
 */
const struct bt_steer_tunnel *bt_steer_tunnel(const struct bt_steer *s, const char *name,
					      size_t hint)
{
	size_t at = find(s, name, hint);

	return at < s->tunnels.n ? &s->tunnels.v[at] : NULL;
}

/**
 * bt_steer_group() - find a group
 * @s: state
 * @name: of the group
 *
 * Return: group, or NULL.
 */
const struct bt_steer_group *bt_steer_group(const struct bt_steer *s, const char *name)
{
	size_t i;

	for (i = 0; i < s->groups.n; i++)
		if (!strcmp(s->groups.v[i].name, name))
			return &s->groups.v[i];
	return NULL;
}

/**
 * bt_steer_boosted() - is a tunnel to be announced as its group is?
 * @t: tunnel
 */
bool bt_steer_boosted(const struct bt_steer_tunnel *t)
{
	return t->place == BT_STEER_NEW || t->place == BT_STEER_IN;
}

/**
 * bt_steer_free() - forget everything
 * @s: state
 */
void bt_steer_free(struct bt_steer *s)
{
	size_t i;

	for (i = 0; i < s->tunnels.n; i++)
		free(s->tunnels.v[i].name);
	free(s->tunnels.v);
	for (i = 0; i < s->groups.n; i++)
		free(s->groups.v[i].name);
	free(s->groups.v);
	*s = (struct bt_steer){};
}
