// SPDX-License-Identifier: GPL-2.0
/*
 * ECMP groups: sets of next hops with their bucket tables. Routes that have the
 * same set share a group, so that the death of a tunnel costs the number of sets
 * and not the number of prefixes. group_table.c has the tables.
 */
#include <linux/slab.h>

#include "balance.h"
#include "group.h"
#include "link.h"

/* Prefixes that make the same step within this time follow each other blindly. */
#define STEP_TIME	(10 * HZ)

static struct bowtie_tunnel *usable_tunnel(const struct bowtie_link *link, unsigned int id)
{
	struct bowtie_tunnel *t = rcu_dereference(link->tunnels[id]);

	return t && bowtie_tunnel_usable(t) ? t : NULL;
}

/* Its own tunnel and the second choice died together, or there was none, a moment ago. */
static noinline struct bowtie_tunnel *pick_other(const struct bowtie_link *link,
						 const struct bowtie_group *group,
						 const struct bowtie_buckets *table, u32 hash)
{
	unsigned int b = bowtie_group_bucket(hash), step = hash | 1;
	struct bowtie_tunnel *t, *best = NULL, *draining = NULL;
	unsigned int i, tier, best_tier = ~0;

	/* An odd step visits every bucket, and spreads the dead tunnel's flows. */
	for (i = 1; i < BOWTIE_BUCKETS; i++) {
		b = (b + step) % BOWTIE_BUCKETS;
		if (table->id[b] == BOWTIE_BUCKET_NONE)
			continue;
		t = usable_tunnel(link, table->id[b]);
		if (t)
			return t;
	}
	for (i = 0; i < group->n; i++) {
		const struct bowtie_member *m = &group->members[i];

		t = rcu_dereference(link->tunnels[m->id]);
		if (!t || !bowtie_tunnel_keeps(t))
			continue;
		/* One that drains is better than none. */
		if (!bowtie_tunnel_usable(t)) {
			draining = t;
			continue;
		}
		tier = m->tier != BOWTIE_TIER_INHERIT ? m->tier :
			rcu_dereference(t->conf)->tier;
		if (tier < best_tier) {
			best = t;
			best_tier = tier;
		}
	}
	return best ?: draining;
}

/* Not for each packet: many CPUs share the line. */
static void note_use(struct bowtie_group *group, unsigned int b)
{
	u32 now = jiffies;

	if (unlikely(now - READ_ONCE(group->used[b]) >= BOWTIE_USED_GRAIN))
		WRITE_ONCE(group->used[b], now);
}

/**
 * bowtie_group_pick() - the tunnel for a flow
 * @link: link
 * @group: where the route leads
 * @hash: of the flow
 * @fallback: set to true if the flow's own tunnel could not take it
 *
 * Context: RCU read side. Return: a tunnel that takes the flow, or NULL.
 */
struct bowtie_tunnel *bowtie_group_pick(const struct bowtie_link *link,
					struct bowtie_group *group, u32 hash, bool *fallback)
{
	const struct bowtie_buckets *table = rcu_dereference(group->buckets);
	unsigned int b = bowtie_group_bucket(hash);
	struct bowtie_tunnel *t;

	note_use(group, b);
	if (likely(table->id[b] != BOWTIE_BUCKET_NONE)) {
		t = rcu_dereference(link->tunnels[table->id[b]]);
		if (likely(t && bowtie_tunnel_keeps(t)))
			return t;
	}
	*fallback = true;
	if (table->second[b] != BOWTIE_BUCKET_NONE) {
		t = usable_tunnel(link, table->second[b]);
		if (t)
			return t;
	}
	return pick_other(link, group, table, hash);
}

static bool same_set(const struct bowtie_group *g, const struct bowtie_member *members,
		     unsigned int n)
{
	return g->n == n && !memcmp(g->members, members, array_size(n, sizeof(*members)));
}

/*
 * A group that a prefix may join without moving a flow that need not move. If many
 * prefixes make the same step, all shall end up in one group.
 */
static struct bowtie_group *find_group(struct bowtie_link *link,
				       const struct bowtie_member *members, unsigned int n,
				       struct bowtie_group *prev)
{
	struct bowtie_group *g;

	if (prev && same_set(prev, members, n))
		return prev;
	list_for_each_entry(g, &link->groups, list) {
		if (!same_set(g, members, n))
			continue;
		if (!prev)
			return g;
		if (g->parent == prev->id && g->rebuilds == link->rebuilds &&
		    time_before(jiffies, g->born + STEP_TIME))
			return g;
		if (bowtie_group_agrees(link, g, prev))
			return g;
	}
	return NULL;
}

static struct bowtie_group *make_group(struct bowtie_link *link,
				       const struct bowtie_member *members, unsigned int n,
				       const struct bowtie_group *prev)
{
	struct bowtie_group *g;

	g = kzalloc(struct_size(g, members, n), GFP_KERNEL_ACCOUNT);
	if (!g)
		return NULL;
	g->n = n;
	memcpy(g->members, members, array_size(n, sizeof(*members)));
	while (n--)
		g->mask |= BIT_ULL(members[n].id);
	g->id = ++link->group_id;
	g->parent = prev ? prev->id : 0;
	g->born = jiffies;
	g->rebuilds = link->rebuilds;
	bowtie_group_table_init(link, g, prev);
	list_add_tail(&g->list, &link->groups);
	link->n_groups++;
	if (g->over)
		bowtie_balance_arm(link);
	return g;
}

/**
 * bowtie_group_get() - the group for a set of next hops
 * @link: link
 * @members: the set, sorted by id, without repetition
 * @n: how many, 1..BOWTIE_TUNNELS_MAX
 * @prev: group that the prefix has now, or NULL
 *
 * The new table is derived from that of @prev, so that a change of the set moves
 * no flow that need not move. Context: link->lock, may sleep.
 * Return: the group with a reference, or -ENOMEM.
 */
struct bowtie_group *bowtie_group_get(struct bowtie_link *link,
				      const struct bowtie_member *members, unsigned int n,
				      struct bowtie_group *prev)
{
	struct bowtie_group *g = find_group(link, members, n, prev);

	if (!g)
		g = make_group(link, members, n, prev);
	else if (prev && g != prev)
		bowtie_group_inherit_use(g, prev);
	if (!g)
		return ERR_PTR(-ENOMEM);
	g->routes++;
	return g;
}

/**
 * bowtie_group_put() - drop a reference
 * @link: link
 * @group: group of it
 *
 * Context: link->lock.
 */
void bowtie_group_put(struct bowtie_link *link, struct bowtie_group *group)
{
	lockdep_assert_held(&link->lock);
	if (--group->routes)
		return;
	list_del(&group->list);
	link->n_groups--;
	/* Perhaps it was the last that a draining tunnel had buckets of. */
	if (group->over)
		bowtie_balance_now(link);
	kfree_rcu(group, rcu);
}

static struct bowtie_group *group_without(struct bowtie_link *link, struct bowtie_group *g,
					  unsigned int id)
{
	struct bowtie_member members[BOWTIE_TUNNELS_MAX];
	unsigned int i, n = 0;

	for (i = 0; i < g->n; i++)
		if (g->members[i].id != id)
			members[n++] = g->members[i];
	return n ? bowtie_group_get(link, members, n, g) : NULL;
}

/* Give the routes of a family whose group has an heir to that heir. */
static void routes_inherit(struct bowtie_link *link, u8 family, u64 bit)
{
	struct bowtie_prefix at = { .family = family };
	struct bowtie_route *r = bowtie_route_next(link, family, NULL);

	while (r) {
		struct bowtie_group *g =
			rcu_dereference_protected(r->group, lockdep_is_held(&link->lock));

		at.key = r->key;
		at.len = r->len;
		if (g && (g->mask & bit)) {
			if (g->heir) {
				g->heir->routes++;
				/* The node is there: this cannot fail. */
				bowtie_route_set_group(link, &at, g->heir);
			} else {
				bowtie_route_clear_group(link, &at);
			}
		}
		r = bowtie_route_next(link, family, &at);
		cond_resched();
	}
}

/**
 * bowtie_group_forget_tunnel() - take a tunnel out of every route
 * @link: link
 * @id: tunnel
 *
 * Routes that lead nowhere else go away. Context: link->lock, may sleep.
 * Return: 0, or -ENOMEM and nothing is changed.
 */
int bowtie_group_forget_tunnel(struct bowtie_link *link, unsigned int id)
{
	struct bowtie_group *g, *tmp;
	u64 bit = BIT_ULL(id);
	LIST_HEAD(affected);
	int err = 0;

	/* Groups made here are appended, and met without the bit. */
	list_for_each_entry(g, &link->groups, list) {
		if (!(g->mask & bit))
			continue;
		g->heir = group_without(link, g, id);
		if (IS_ERR(g->heir)) {
			err = PTR_ERR(g->heir);
			g->heir = NULL;
			break;
		}
		g->routes++;
		list_add(&g->affected, &affected);
	}
	if (!err) {
		routes_inherit(link, AF_INET, bit);
		routes_inherit(link, AF_INET6, bit);
	}
	list_for_each_entry_safe(g, tmp, &affected, affected) {
		struct bowtie_group *heir = g->heir;

		g->heir = NULL;
		bowtie_group_put(link, g);
		if (heir)
			bowtie_group_put(link, heir);
	}
	return err;
}

/**
 * bowtie_groups_destroy() - free the groups of a link that nobody uses any more
 * @link: link whose device is gone
 *
 * Context: no readers, no other writer.
 */
void bowtie_groups_destroy(struct bowtie_link *link)
{
	struct bowtie_group *g, *tmp;

	list_for_each_entry_safe(g, tmp, &link->groups, list) {
		list_del(&g->list);
		kfree(g);
	}
}
