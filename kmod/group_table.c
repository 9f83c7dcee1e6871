// SPDX-License-Identifier: GPL-2.0
/*
 * The bucket tables of groups as the tunnels come and go. A bucket that has seen a
 * packet within the idle time is busy and stays where it is as long as its tunnel
 * lives; the table is unbalanced meanwhile, and looked at again when the first such
 * bucket may have fallen idle. bucket.c decides, only this file publishes tables.
 */
#include <linux/jiffies.h>

#include "balance.h"
#include "bucket.h"
#include "group.h"
#include "link.h"

#define tunnel_deref(link, i)	\
	rcu_dereference_protected((link)->tunnels[i], lockdep_is_held(&(link)->lock))

/* A drain shall end: it waits for a shorter silence, in ms. */
#define DRAIN_IDLE_PART	4
#define DRAIN_IDLE_MIN	1000

/* The members of a group as they are now, and which of them are draining. */
struct view {
	struct bowtie_bucket_member m[BOWTIE_TUNNELS_MAX];
	unsigned int n;
	u64 drain;
};

static void look(struct bowtie_link *link, const struct bowtie_group *g, struct view *v)
{
	const struct bowtie_tunnel_conf *conf;
	const struct bowtie_tunnel *t;
	unsigned int i;

	v->n = g->n;
	v->drain = 0;
	for (i = 0; i < g->n; i++) {
		const struct bowtie_member *from = &g->members[i];
		struct bowtie_bucket_member *m = &v->m[i];

		*m = (struct bowtie_bucket_member){ .id = from->id, .state = BOWTIE_MEMBER_DEAD };
		t = tunnel_deref(link, from->id);
		if (!t || !bowtie_tunnel_keeps(t))
			continue;
		m->state = BOWTIE_MEMBER_OPEN;
		if (!bowtie_tunnel_usable(t)) {
			m->state = BOWTIE_MEMBER_DRAIN;
			v->drain |= BIT_ULL(m->id);
		}
		conf = rcu_dereference_protected(t->conf, lockdep_is_held(&link->lock));
		m->weight = from->weight ?: conf->weight;
		m->tier = from->tier != BOWTIE_TIER_INHERIT ? from->tier : conf->tier;
	}
}

/* For how long a bucket has to be silent until it may leave a tunnel, in jiffies */
static u32 idle_time(const struct bowtie_link *link, bool drain)
{
	u32 ms = READ_ONCE(link->idle_timer);

	if (drain)
		ms = max_t(u32, ms / DRAIN_IDLE_PART, min_t(u32, ms, DRAIN_IDLE_MIN));
	/* Transmit may not have noted the latest packet. */
	return ms ? msecs_to_jiffies(ms) + BOWTIE_USED_GRAIN : 0;
}

/* How much longer is a bucket busy if nothing comes, in jiffies? 0: it is idle */
static u32 busy_for(const struct bowtie_group *g, unsigned int b, u32 idle)
{
	u32 used = READ_ONCE(g->used[b]), age = jiffies;

	/* It may be of a moment later than our clock. */
	age -= used - BOWTIE_USED_GRAIN;
	idle += idle ? BOWTIE_USED_GRAIN : 0;
	return age < idle ? idle - age : 0;
}

static u32 idle_time_at(const struct bowtie_link *link, const struct view *v, u8 id)
{
	return idle_time(link, v->drain & BIT_ULL(id));
}

/*
 * Which buckets of @g stay; @v says who is draining. If they are @forced it is only
 * those of draining tunnels, which have a time limit of their own.
 */
static void find_busy(const struct bowtie_link *link, const struct bowtie_group *g,
		      const struct bowtie_buckets *table, const struct view *v, bool forced,
		      struct bowtie_bucket_busy *busy)
{
	unsigned int b;

	memset(busy, 0, sizeof(*busy));
	for (b = 0; b < BOWTIE_BUCKETS; b++) {
		u8 id = table->id[b];

		if (id == BOWTIE_BUCKET_NONE || (forced && !(v->drain & BIT_ULL(id))))
			continue;
		if (busy_for(g, b, idle_time_at(link, v, id)))
			bowtie_bucket_set_busy(busy, b);
	}
}

/* When the first of the buckets that shall leave may do so, or all have to. */
static unsigned long next_look(const struct bowtie_link *link, const struct bowtie_group *g,
			       const struct bowtie_buckets *table, const struct view *v)
{
	u32 force = READ_ONCE(link->unbalanced_timer), least = U32_MAX, wait;
	unsigned int b;

	for (b = 0; b < BOWTIE_BUCKETS; b++) {
		u8 id = table->id[b];

		if (id != BOWTIE_BUCKET_NONE && (g->over & BIT_ULL(id)))
			least = min(least, busy_for(g, b, idle_time_at(link, v, id)));
	}
	/* Many fall idle one after another: some at a time. */
	wait = max_t(u32, least, max_t(u32, BOWTIE_USED_GRAIN, idle_time(link, true) / 8));
	if (g->unbalanced && force) {
		unsigned long end = g->since + msecs_to_jiffies(force);

		if (time_before(end, jiffies + wait))
			return end;
	}
	return jiffies + wait;
}

/* What follows from a new table. */
static void note_balance(const struct bowtie_link *link, struct bowtie_group *g,
			 const struct bowtie_buckets *table, const struct view *v, u64 over)
{
	bool unbalanced = over & ~v->drain;
	unsigned int b;

	if (unbalanced && !g->unbalanced)
		g->since = jiffies;
	g->unbalanced = unbalanced;
	g->over = over;
	g->serves = 0;
	for (b = 0; b < BOWTIE_BUCKETS; b++)
		if (table->id[b] != BOWTIE_BUCKET_NONE)
			g->serves |= BIT_ULL(table->id[b]);
	if (over)
		g->due = next_look(link, g, table, v);
}

static const struct bowtie_buckets *current_table(struct bowtie_link *link,
						  const struct bowtie_group *g)
{
	return rcu_dereference_protected(g->buckets, lockdep_is_held(&link->lock));
}

/*
 * Which tunnels' flows have to leave as a prefix gets another set: those of a tier that
 * was the preferred one and is not any more. That is an order, as when the far end
 * announces a path as worse before maintenance; unlike flows that a failure has brought to
 * a tier that is not preferred, which stay when the better one returns.
 */
static u64 demoted(struct bowtie_link *link, const struct bowtie_group *prev,
		   const struct view *v)
{
	struct view before;

	look(link, prev, &before);
	return bowtie_bucket_preferred(before.m, before.n) &
	       ~bowtie_bucket_preferred(v->m, v->n) & ~v->drain;
}

static void not_busy(struct bowtie_bucket_busy *busy, const struct bowtie_buckets *table, u64 ids)
{
	unsigned int b;

	for (b = 0; b < BOWTIE_BUCKETS; b++)
		if (table->id[b] != BOWTIE_BUCKET_NONE && (ids & BIT_ULL(table->id[b])))
			bowtie_bucket_clear_busy(busy, b);
}

/**
 * bowtie_group_inherit_use() - a prefix joins a group: what was in use stays so
 * @group: group
 * @prev: group that the prefix had
 *
 * Context: link->lock.
 */
void bowtie_group_inherit_use(struct bowtie_group *group, const struct bowtie_group *prev)
{
	unsigned int b;

	for (b = 0; b < BOWTIE_BUCKETS; b++) {
		u32 used = READ_ONCE(prev->used[b]), now = jiffies;

		if (now - used < now - READ_ONCE(group->used[b]))
			WRITE_ONCE(group->used[b], used);
	}
}

/**
 * bowtie_group_table_init() - the first table of a group
 * @link: link
 * @group: group that nobody sees yet
 * @prev: group to derive it from, or NULL
 *
 * Context: link->lock.
 */
void bowtie_group_table_init(struct bowtie_link *link, struct bowtie_group *group,
			     const struct bowtie_group *prev)
{
	const struct bowtie_buckets *table = prev ? current_table(link, prev) : NULL;
	struct bowtie_bucket_busy busy;
	struct view v;
	unsigned int b;
	u64 over;

	/* As long ago as can be said. */
	for (b = 0; b < BOWTIE_BUCKETS; b++)
		group->used[b] = (u32)jiffies - BIT(31);
	look(link, group, &v);
	if (prev) {
		bowtie_group_inherit_use(group, prev);
		find_busy(link, group, table, &v, false, &busy);
		not_busy(&busy, table, demoted(link, prev, &v));
	}
	over = bowtie_bucket_fill(&group->tables[0], table, prev ? &busy : NULL, v.m, v.n);
	note_balance(link, group, &group->tables[0], &v, over);
	RCU_INIT_POINTER(group->buckets, &group->tables[0]);
}

/**
 * bowtie_group_agrees() - would a prefix that changes groups keep its busy flows in place?
 * @link: link
 * @group: new group
 * @prev: group of the prefix
 *
 * Flows that have to move anyway do not count. Context: link->lock.
 */
bool bowtie_group_agrees(struct bowtie_link *link, const struct bowtie_group *group,
			 const struct bowtie_group *prev)
{
	const struct bowtie_buckets *to = current_table(link, group);
	const struct bowtie_buckets *from = current_table(link, prev);
	struct bowtie_bucket_busy busy;
	struct view v;
	unsigned int b, i;
	u64 stay = 0;

	look(link, group, &v);
	for (i = 0; i < v.n; i++)
		if (v.m[i].state != BOWTIE_MEMBER_DEAD)
			stay |= BIT_ULL(v.m[i].id);
	stay &= ~demoted(link, prev, &v);
	find_busy(link, prev, from, &v, false, &busy);
	for (b = 0; b < BOWTIE_BUCKETS; b++)
		if (bowtie_bucket_is_busy(&busy, b) && (stay & BIT_ULL(from->id[b])) &&
		    to->id[b] != from->id[b])
			return false;
	return true;
}

static bool overdue(const struct bowtie_link *link, const struct bowtie_group *g)
{
	u32 force = READ_ONCE(link->unbalanced_timer);

	return g->unbalanced && force &&
	       time_after_eq(jiffies, g->since + msecs_to_jiffies(force));
}

/* Context: readers of the spare are done. */
static void renew(struct bowtie_link *link, struct bowtie_group *g)
{
	const struct bowtie_buckets *now = current_table(link, g);
	struct bowtie_buckets *spare = &g->tables[now == &g->tables[0]];
	struct bowtie_bucket_busy busy;
	struct view v;
	u64 over;

	look(link, g, &v);
	find_busy(link, g, now, &v, overdue(link, g), &busy);
	over = bowtie_bucket_fill(spare, now, &busy, v.m, v.n);
	if (memcmp(spare, now, sizeof(*spare)))
		rcu_assign_pointer(g->buckets, spare);
	note_balance(link, g, spare, &v, over);
}

/**
 * bowtie_groups_rebuild() - renew the bucket tables after tunnels changed
 * @link: link
 * @changed: the tunnels, a bit each
 *
 * Needs no memory. Context: link->lock, may sleep for a grace period.
 */
void bowtie_groups_rebuild(struct bowtie_link *link, u64 changed)
{
	struct bowtie_group *g;

	if (!changed)
		return;
	link->rebuilds++;
	/* Readers of the tables that the last rebuild replaced are done by now. */
	cond_synchronize_rcu(link->spare_cookie);
	list_for_each_entry(g, &link->groups, list) {
		if (g->mask & changed)
			renew(link, g);
		cond_resched();
	}
	WRITE_ONCE(link->spare_cookie, get_state_synchronize_rcu());
}

/**
 * bowtie_groups_rebalance() - let the buckets follow that have fallen idle
 * @link: link
 *
 * Context: link->lock, may sleep for a grace period.
 */
void bowtie_groups_rebalance(struct bowtie_link *link)
{
	struct bowtie_group *g;

	cond_synchronize_rcu(link->spare_cookie);
	list_for_each_entry(g, &link->groups, list) {
		if (g->over && time_after_eq(jiffies, g->due))
			renew(link, g);
		cond_resched();
	}
	WRITE_ONCE(link->spare_cookie, get_state_synchronize_rcu());
}
