// SPDX-License-Identifier: GPL-2.0
/*
 * A table over the upper levels of a tree of routes, so that a lookup costs about the same
 * with a hundred thousand of them as with ten. It only speeds the tree up, and knows no
 * changes: it goes before a route is added or removed, and a moment later it is made anew.
 * (Where a route leads to may change under it.)
 *
 * It takes 16 bytes a slot, and has four to eight slots for each route, 65536 at most: 64 to
 * 128 bytes a route while there are less than 8192, beside the route's own 72 (96 as kmalloc
 * has it) and as much for a fork; none if there are few.
 */
#include <linux/log2.h>
#include <linux/sched.h>
#include <linux/slab.h>
#include <linux/socket.h>

#include "link.h"
#include "route_index.h"

#define INDEX_ROUTES_MIN	64
#define INDEX_BITS_MIN		3
#define INDEX_BITS_MAX		16

/* After a change; until then searches go through the whole tree. */
#define INDEX_DELAY		(HZ / 10)

#define route_deref(link, p)	rcu_dereference_protected(p, lockdep_is_held(&(link)->lock))

static struct bowtie_route_index __rcu **index_of(struct bowtie_link *link, u8 family)
{
	return family == AF_INET ? &link->routes.index4 : &link->routes.index6;
}

/**
 * bowtie_route_index_drop() - routes are about to be added or removed
 * @link: link
 * @family: AF_INET or AF_INET6
 *
 * Context: link->lock, or nobody else is left.
 */
void bowtie_route_index_drop(struct bowtie_link *link, u8 family)
{
	struct bowtie_route_index *index;

	index = unrcu_pointer(xchg(index_of(link, family), NULL));
	if (index)
		kvfree_rcu(index, rcu);
	if (!link->dead && link->routes.count + 1 >= INDEX_ROUTES_MIN)
		queue_delayed_work(bowtie_wq, &link->index_work, INDEX_DELAY);
}

static bool is_route(const struct bowtie_route *r)
{
	return rcu_access_pointer(r->group) || rcu_access_pointer(r->pinned);
}

/* The first node with two ways to go on, and the longest route on the way there. */
static const struct bowtie_route *find_base(struct bowtie_link *link, u8 family,
					    const struct bowtie_route **best)
{
	const struct bowtie_route *r, *zero, *one;

	r = route_deref(link, *(family == AF_INET ? &link->routes.root4 : &link->routes.root6));
	*best = NULL;
	while (r) {
		if (is_route(r))
			*best = r;
		zero = route_deref(link, r->child[0]);
		one = route_deref(link, r->child[1]);
		if (zero && one)
			return r;
		r = zero ?: one;
	}
	return NULL;
}

static void fill_slot(struct bowtie_link *link, struct bowtie_route_slot *slot,
		      const struct bowtie_route *r, u64 key, unsigned int len)
{
	const struct bowtie_route *next = r;
	unsigned int common;

	do {
		r = next;
		if (is_route(r))
			slot->best = r;
		next = route_deref(link, r->child[key >> (63 - r->len) & 1]);
		common = next ? min_t(unsigned int, next->len, len) : 0;
		/* Beside all that begins like this? */
		if (next && common && (next->key.hi ^ key) >> (64 - common))
			next = NULL;
	} while (next && next->len < len);
	slot->next = next;
}

static struct bowtie_route_index *build(struct bowtie_link *link, u8 family)
{
	unsigned int bits = min_t(unsigned int, ilog2(link->routes.count) + 3, INDEX_BITS_MAX);
	unsigned int room = family == AF_INET ? 32 : 64;
	const struct bowtie_route *base, *best;
	struct bowtie_route_index *index;
	unsigned int i;

	base = find_base(link, family, &best);
	if (!base || base->len + INDEX_BITS_MIN > room)
		return NULL;
	bits = min(bits, room - base->len);
	index = kvmalloc(struct_size(index, slots, 1UL << bits), GFP_KERNEL_ACCOUNT | __GFP_NOWARN);
	if (!index)
		return NULL;
	index->base = base->key.hi;
	index->base_len = base->len;
	index->bits = bits;
	for (i = 0; i < 1U << bits; i++) {
		index->slots[i].best = best;
		fill_slot(link, &index->slots[i], base,
			  base->key.hi | (u64)i << (64 - base->len - bits), base->len + bits);
		if (!(i & 1023))
			cond_resched();
	}
	return index;
}

/**
 * bowtie_route_index_work() - make the tables anew
 * @work: link->index_work
 *
 * Context: process. Without memory there is none, until the next change.
 */
void bowtie_route_index_work(struct work_struct *work)
{
	struct bowtie_link *link = container_of(to_delayed_work(work), struct bowtie_link,
						index_work);

	mutex_lock(&link->lock);
	if (!link->dead && link->routes.count >= INDEX_ROUTES_MIN) {
		if (!rcu_access_pointer(link->routes.index4))
			rcu_assign_pointer(link->routes.index4, build(link, AF_INET));
		if (!rcu_access_pointer(link->routes.index6))
			rcu_assign_pointer(link->routes.index6, build(link, AF_INET6));
	}
	mutex_unlock(&link->lock);
}
