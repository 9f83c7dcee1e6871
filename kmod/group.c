// SPDX-License-Identifier: GPL-2.0
/*
 * ECMP groups: sets of next hops with their bucket tables. Routes that have the
 * same set share a group, so that the death of a tunnel costs the number of sets
 * and not the number of prefixes. Only this file publishes bucket tables.
 */
#include <linux/sort.h>
#include <linux/slab.h>

#include "bucket.h"
#include "group.h"
#include "link.h"

#define tunnel_deref(link, i)	\
	rcu_dereference_protected((link)->tunnels[i], lockdep_is_held(&(link)->lock))

static struct bowtie_tunnel *usable_tunnel(const struct bowtie_link *link, unsigned int id)
{
	struct bowtie_tunnel *t = rcu_dereference(link->tunnels[id]);

	return t && bowtie_tunnel_usable(t) ? t : NULL;
}

/* The tables are out of date: something died, or came up, a moment ago. */
static noinline struct bowtie_tunnel *pick_other(const struct bowtie_link *link,
						 const struct bowtie_group *group,
						 const struct bowtie_buckets *table, u32 hash)
{
	unsigned int b = bowtie_group_bucket(hash), step = hash | 1;
	struct bowtie_tunnel *t, *best = NULL;
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

		t = usable_tunnel(link, m->id);
		if (!t)
			continue;
		tier = m->tier != BOWTIE_TIER_INHERIT ? m->tier :
			rcu_dereference(t->conf)->tier;
		if (tier < best_tier) {
			best = t;
			best_tier = tier;
		}
	}
	return best;
}

/**
 * bowtie_group_pick() - the tunnel for a flow
 * @link: link
 * @group: where the route leads
 * @hash: of the flow
 * @fallback: set to true if the flow's own tunnel could not take it
 *
 * Context: RCU read side. Return: a tunnel that takes flows, or NULL.
 */
struct bowtie_tunnel *bowtie_group_pick(const struct bowtie_link *link,
					const struct bowtie_group *group, u32 hash,
					bool *fallback)
{
	const struct bowtie_buckets *table = rcu_dereference(group->buckets);
	u8 id = table->id[bowtie_group_bucket(hash)];
	struct bowtie_tunnel *t;

	if (likely(id != BOWTIE_BUCKET_NONE)) {
		t = usable_tunnel(link, id);
		if (likely(t))
			return t;
	}
	*fallback = true;
	return pick_other(link, group, table, hash);
}

/**
 * bowtie_group_usable() - does any tunnel of a group take flows?
 * @link: link
 * @group: group of it
 *
 * Context: RCU read side.
 */
bool bowtie_group_usable(const struct bowtie_link *link, const struct bowtie_group *group)
{
	unsigned int i;

	for (i = 0; i < group->n; i++)
		if (usable_tunnel(link, group->members[i].id))
			return true;
	return false;
}

/* The table of a set of next hops as the tunnels are now. */
static void build_table(struct bowtie_link *link, const struct bowtie_member *members,
			unsigned int n, const u8 *prev, u8 *table)
{
	struct bowtie_bucket_member m[BOWTIE_TUNNELS_MAX];
	u8 tier[BOWTIE_TUNNELS_MAX], best = BOWTIE_TIER_INHERIT;
	const struct bowtie_tunnel_conf *conf;
	struct bowtie_tunnel *t;
	unsigned int i;

	for (i = 0; i < n; i++) {
		m[i].id = members[i].id;
		m[i].weight = 0;
		tier[i] = BOWTIE_TIER_INHERIT;
		t = tunnel_deref(link, members[i].id);
		if (!t || !bowtie_tunnel_usable(t))
			continue;
		conf = rcu_dereference_protected(t->conf, lockdep_is_held(&link->lock));
		m[i].weight = members[i].weight ?: conf->weight;
		tier[i] = members[i].tier != BOWTIE_TIER_INHERIT ? members[i].tier : conf->tier;
		best = min(best, tier[i]);
	}
	for (i = 0; i < n; i++)
		if (tier[i] != best)
			m[i].weight = 0;
	bowtie_bucket_fill(table, prev, m, n);
}

static const struct bowtie_buckets *current_table(struct bowtie_link *link,
						  const struct bowtie_group *group)
{
	return rcu_dereference_protected(group->buckets, lockdep_is_held(&link->lock));
}

/**
 * bowtie_group_get() - the group for a set of next hops
 * @link: link
 * @members: the set, sorted by id, without repetition
 * @n: how many, 1..BOWTIE_TUNNELS_MAX
 * @prev: group that the prefix has now, or NULL
 *
 * The new table is derived from that of @prev, so that a change of the set moves
 * no flow that need not move. All prefixes that make the same step end up in one
 * group. Context: link->lock, may sleep.
 * Return: the group with a reference, or -ENOMEM.
 */
struct bowtie_group *bowtie_group_get(struct bowtie_link *link,
				      const struct bowtie_member *members, unsigned int n,
				      struct bowtie_group *prev)
{
	struct bowtie_buckets table;
	struct bowtie_group *g;

	build_table(link, members, n, prev ? current_table(link, prev)->id : NULL, table.id);
	list_for_each_entry(g, &link->groups, list) {
		if (g->n != n || memcmp(g->members, members, array_size(n, sizeof(*members))))
			continue;
		if (prev && g != prev && g->parent != prev->id &&
		    memcmp(current_table(link, g)->id, table.id, sizeof(table.id)))
			continue;
		g->routes++;
		return g;
	}

	g = kzalloc(struct_size(g, members, n), GFP_KERNEL_ACCOUNT);
	if (!g)
		return ERR_PTR(-ENOMEM);
	g->n = n;
	memcpy(g->members, members, array_size(n, sizeof(*members)));
	while (n--)
		g->mask |= BIT_ULL(members[n].id);
	g->tables[0] = table;
	RCU_INIT_POINTER(g->buckets, &g->tables[0]);
	g->id = ++link->group_id;
	g->parent = prev ? prev->id : 0;
	g->routes = 1;
	list_add_tail(&g->list, &link->groups);
	link->n_groups++;
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
 * bowtie_groups_rebuild() - renew the bucket tables after tunnels changed
 * @link: link
 * @changed: the tunnels, a bit each
 *
 * Needs no memory. Context: link->lock, may sleep for a grace period.
 */
void bowtie_groups_rebuild(struct bowtie_link *link, u64 changed)
{
	struct bowtie_group *g;

	/* Readers of the tables that the last rebuild replaced are done by now. */
	cond_synchronize_rcu(link->spare_cookie);
	list_for_each_entry(g, &link->groups, list) {
		const struct bowtie_buckets *now = current_table(link, g);
		struct bowtie_buckets *spare = &g->tables[now == &g->tables[0]];

		if (!(g->mask & changed))
			continue;
		build_table(link, g->members, g->n, now->id, spare->id);
		if (memcmp(spare->id, now->id, sizeof(spare->id)))
			rcu_assign_pointer(g->buckets, spare);
	}
	link->spare_cookie = get_state_synchronize_rcu();
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
