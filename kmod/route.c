// SPDX-License-Identifier: GPL-2.0
/*
 * Routes of a link: a path-compressed binary tree for each family. Readers walk
 * it under RCU; writers hold link->lock. A node appears whole and with its
 * subtree in place, so that a lookup that runs meanwhile finds the old state or
 * the new one.
 */
#include <linux/bitops.h>
#include <linux/slab.h>
#include <linux/socket.h>

#include "group.h"
#include "link.h"
#include "route.h"
#include "route_index.h"

static bool key_matches(struct bowtie_key a, struct bowtie_key b, unsigned int len)
{
	if (len > 64)
		return a.hi == b.hi && !((a.lo ^ b.lo) >> (128 - len));
	return !len || !((a.hi ^ b.hi) >> (64 - len));
}

static unsigned int key_bit(struct bowtie_key k, unsigned int n)
{
	return n < 64 ? (k.hi >> (63 - n)) & 1 : (k.lo >> (127 - n)) & 1;
}

static unsigned int key_common(struct bowtie_key a, struct bowtie_key b)
{
	if (a.hi != b.hi)
		return 64 - fls64(a.hi ^ b.hi);
	return 128 - fls64(a.lo ^ b.lo);
}

static struct bowtie_key key_cut(struct bowtie_key k, unsigned int len)
{
	if (len <= 64) {
		k.lo = 0;
		k.hi = len ? k.hi & (~0ULL << (64 - len)) : 0;
	} else if (len < 128) {
		k.lo &= ~0ULL << (128 - len);
	}
	return k;
}

static unsigned int family_bits(u8 family)
{
	return family == AF_INET ? 32 : 128;
}

/**
 * bowtie_prefix_valid() - is it a prefix, with no bits beyond its length?
 * @p: prefix as received from the outside
 *
 * Return: true if it may be given to the other functions here.
 */
bool bowtie_prefix_valid(const struct bowtie_prefix *p)
{
	struct bowtie_key cut = key_cut(p->key, p->len);

	return p->len <= family_bits(p->family) &&
	       cut.hi == p->key.hi && cut.lo == p->key.lo;
}

/* What a route says, if it says anything: a fork does not. */
static bool route_target(const struct bowtie_route *r, struct bowtie_target *target)
{
	struct bowtie_tunnel *pinned = rcu_dereference(r->pinned);
	struct bowtie_group *group = rcu_dereference(r->group);

	if (!pinned && !group)
		return false;
	target->pinned = pinned;
	target->group = group;
	return true;
}

/**
 * bowtie_route_lookup() - longest match
 * @routes: where to search
 * @family: AF_INET or AF_INET6
 * @key: address
 * @target: result
 *
 * Context: RCU read side, which also bounds the life of what @target points to.
 * Return: false if nothing matches.
 */
bool bowtie_route_lookup(const struct bowtie_routes *routes, u8 family, struct bowtie_key key,
			 struct bowtie_target *target)
{
	const unsigned int bits = family_bits(family);
	const struct bowtie_route_index *index;
	const struct bowtie_route_slot *slot;
	const struct bowtie_route *r = NULL;
	bool found = false;

	index = rcu_dereference(*(family == AF_INET ? &routes->index4 : &routes->index6));
	slot = index ? bowtie_route_slot(index, key) : NULL;
	if (slot) {
		r = slot->next;
		found = slot->best && route_target(slot->best, target);
	}
	/* Without an index, or it is stale: the best that it knows is being removed. */
	if (!slot || (slot->best && !found))
		r = rcu_dereference(*(family == AF_INET ? &routes->root4 : &routes->root6));
	while (r && key_matches(r->key, key, r->len)) {
		if (route_target(r, target))
			found = true;
		if (r->len == bits)
			break;
		r = rcu_dereference(r->child[key_bit(key, r->len)]);
	}
	return found;
}

#define route_deref(link, p)	rcu_dereference_protected(p, lockdep_is_held(&(link)->lock))

static bool route_is_fork(struct bowtie_link *link, const struct bowtie_route *r)
{
	return !rcu_access_pointer(r->group) && !rcu_access_pointer(r->pinned);
}

static struct bowtie_route __rcu **route_root(struct bowtie_link *link, u8 family)
{
	return family == AF_INET ? &link->routes.root4 : &link->routes.root6;
}

/**
 * bowtie_route_find() - exact match
 * @link: link
 * @p: prefix
 *
 * Context: link->lock. Return: the route, or NULL.
 */
struct bowtie_route *bowtie_route_find(struct bowtie_link *link, const struct bowtie_prefix *p)
{
	struct bowtie_route *r = route_deref(link, *route_root(link, p->family));

	while (r && r->len <= p->len && key_matches(r->key, p->key, r->len)) {
		if (r->len == p->len)
			return route_is_fork(link, r) ? NULL : r;
		r = route_deref(link, r->child[key_bit(p->key, r->len)]);
	}
	return NULL;
}

/**
 * bowtie_route_match() - longest match, for those who ask about it
 * @link: link
 * @family: AF_INET or AF_INET6
 * @key: address
 *
 * Context: link->lock. Return: the route that bowtie_route_lookup() uses, or NULL.
 */
struct bowtie_route *bowtie_route_match(struct bowtie_link *link, u8 family,
					struct bowtie_key key)
{
	struct bowtie_route *r = route_deref(link, *route_root(link, family)), *best = NULL;

	while (r && key_matches(r->key, key, r->len)) {
		if (!route_is_fork(link, r))
			best = r;
		if (r->len == family_bits(family))
			break;
		r = route_deref(link, r->child[key_bit(key, r->len)]);
	}
	return best;
}

/**
 * bowtie_route_next() - walk the routes of a family in order
 * @link: link
 * @family: AF_INET or AF_INET6
 * @after: where the walk stands, which need not exist any more; NULL to begin
 *
 * The order is by address, shorter prefixes first. Context: link->lock.
 * Return: the next route, or NULL at the end.
 */
struct bowtie_route *bowtie_route_next(struct bowtie_link *link, u8 family,
				       const struct bowtie_prefix *after)
{
	struct bowtie_route *r = route_deref(link, *route_root(link, family));
	struct bowtie_route *next = after ? NULL : r;

	while (after && r) {
		struct bowtie_route *one = route_deref(link, r->child[1]);
		unsigned int common = key_common(r->key, after->key);

		if (common < min(r->len, after->len)) {
			/* Apart: the whole subtree is on one side of us. */
			if (!key_bit(after->key, common))
				next = r;
			break;
		}
		if (r->len >= after->len) {
			if (r->len > after->len)
				next = r;
			else
				next = route_deref(link, r->child[0]) ?: one ?: next;
			break;
		}
		if (key_bit(after->key, r->len)) {
			r = one;
		} else {
			next = one ?: next;
			r = route_deref(link, r->child[0]);
		}
	}
	while (next && route_is_fork(link, next))
		next = route_deref(link, next->child[0]);
	return next;
}

static struct bowtie_route *route_new(u8 family, struct bowtie_key key, unsigned int len)
{
	struct bowtie_route *r = kzalloc(sizeof(*r), GFP_KERNEL_ACCOUNT);

	if (r) {
		r->key = key_cut(key, len);
		r->len = len;
		r->family = family;
	}
	return r;
}

/* Find the node of a prefix or make one; what is made is an unfinished fork. */
static struct bowtie_route *route_make(struct bowtie_link *link, const struct bowtie_prefix *p)
{
	struct bowtie_route __rcu **slot = route_root(link, p->family);
	struct bowtie_route *r, *new, *fork;
	unsigned int common = 0;

	while ((r = route_deref(link, *slot))) {
		common = min3(key_common(r->key, p->key), (unsigned int)r->len,
			      (unsigned int)p->len);
		if (common < r->len)
			break;
		if (r->len == p->len)
			return r;
		slot = &r->child[key_bit(p->key, r->len)];
	}

	bowtie_route_index_drop(link, p->family);
	new = route_new(p->family, p->key, p->len);
	if (!new || !r) {
		if (new)
			rcu_assign_pointer(*slot, new);
		return new;
	}
	if (common == p->len) {
		RCU_INIT_POINTER(new->child[key_bit(r->key, common)], r);
		rcu_assign_pointer(*slot, new);
		return new;
	}
	fork = route_new(p->family, p->key, common);
	if (!fork) {
		kfree(new);
		return NULL;
	}
	RCU_INIT_POINTER(fork->child[key_bit(r->key, common)], r);
	RCU_INIT_POINTER(fork->child[key_bit(p->key, common)], new);
	rcu_assign_pointer(*slot, fork);
	return new;
}

/* Take a fork out that has fewer than two children left. */
static bool route_collapse(struct bowtie_link *link, struct bowtie_route __rcu **slot)
{
	struct bowtie_route *r = route_deref(link, *slot);
	struct bowtie_route *zero = route_deref(link, r->child[0]);
	struct bowtie_route *one = route_deref(link, r->child[1]);

	if (!route_is_fork(link, r) || (zero && one))
		return false;
	rcu_assign_pointer(*slot, zero ?: one);
	kfree_rcu(r, rcu);
	return true;
}

/* The node of @p has lost its group or pin: remove it if it serves no more. */
static void route_prune(struct bowtie_link *link, const struct bowtie_prefix *p)
{
	struct bowtie_route __rcu **slot = route_root(link, p->family), **up = NULL;
	struct bowtie_route *r;

	while ((r = route_deref(link, *slot)) && r->len < p->len) {
		up = slot;
		slot = &r->child[key_bit(p->key, r->len)];
	}
	if (WARN_ON_ONCE(!r || r->len != p->len || !key_matches(r->key, p->key, r->len)))
		return;
	if (route_collapse(link, slot) && up)
		route_collapse(link, up);
}

/**
 * bowtie_route_set_group() - add a route or change where it goes
 * @link: link
 * @p: prefix
 * @group: of @link; the caller's reference passes to the route
 *
 * Context: link->lock, may sleep. Return: 0, or -ENOMEM, which leaves the
 * reference with the caller.
 */
int bowtie_route_set_group(struct bowtie_link *link, const struct bowtie_prefix *p,
			   struct bowtie_group *group)
{
	struct bowtie_route *r = route_make(link, p);
	struct bowtie_group *old;

	if (!r)
		return -ENOMEM;
	old = route_deref(link, r->group);
	if (!old)
		bowtie_route_index_drop(link, p->family);
	rcu_assign_pointer(r->group, group);
	r->stamp = link->routes.stamp;
	if (old)
		bowtie_group_put(link, old);
	else
		link->routes.count++;
	return 0;
}

/**
 * bowtie_route_clear_group() - remove a route
 * @link: link
 * @p: prefix, which must have a group
 *
 * A pin on the same prefix stays. Context: link->lock.
 */
void bowtie_route_clear_group(struct bowtie_link *link, const struct bowtie_prefix *p)
{
	struct bowtie_route *r = bowtie_route_find(link, p);
	struct bowtie_group *old;

	if (WARN_ON_ONCE(!r || !rcu_access_pointer(r->group)))
		return;
	old = route_deref(link, r->group);
	bowtie_route_index_drop(link, p->family);
	RCU_INIT_POINTER(r->group, NULL);
	link->routes.count--;
	route_prune(link, p);
	bowtie_group_put(link, old);
}

/**
 * bowtie_route_pin() - tie a host route to a tunnel
 * @link: link
 * @p: the tunnel's inside peer, as a host route without another pin
 * @t: tunnel; must be unpinned a grace period before it is freed
 *
 * Context: link->lock, may sleep. Return: 0 or -ENOMEM.
 */
int bowtie_route_pin(struct bowtie_link *link, const struct bowtie_prefix *p,
		     struct bowtie_tunnel *t)
{
	struct bowtie_route *r = route_make(link, p);

	if (!r)
		return -ENOMEM;
	WARN_ON_ONCE(rcu_access_pointer(r->pinned));
	bowtie_route_index_drop(link, p->family);
	rcu_assign_pointer(r->pinned, t);
	return 0;
}

/**
 * bowtie_route_unpin() - undo bowtie_route_pin()
 * @link: link
 * @p: the prefix that was pinned
 *
 * Context: link->lock.
 */
void bowtie_route_unpin(struct bowtie_link *link, const struct bowtie_prefix *p)
{
	struct bowtie_route *r = bowtie_route_find(link, p);

	if (WARN_ON_ONCE(!r || !rcu_access_pointer(r->pinned)))
		return;
	bowtie_route_index_drop(link, p->family);
	RCU_INIT_POINTER(r->pinned, NULL);
	route_prune(link, p);
}

/**
 * bowtie_routes_destroy() - free the trees of a link that nobody uses any more
 * @link: link whose device is gone
 *
 * Context: no readers, no other writer. The groups are freed separately.
 */
void bowtie_routes_destroy(struct bowtie_link *link)
{
	static const u8 families[] = { AF_INET, AF_INET6 };
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(families); i++) {
		struct bowtie_route __rcu **root = route_root(link, families[i]);
		struct bowtie_route *r, *child[2];

		bowtie_route_index_drop(link, families[i]);
		/* Rotate the left child up until there is none: no stack needed. */
		while ((r = rcu_dereference_protected(*root, true))) {
			child[0] = rcu_dereference_protected(r->child[0], true);
			child[1] = rcu_dereference_protected(r->child[1], true);
			if (child[0]) {
				RCU_INIT_POINTER(r->child[0],
						 rcu_dereference_protected(child[0]->child[1],
									   true));
				RCU_INIT_POINTER(child[0]->child[1], r);
				RCU_INIT_POINTER(*root, child[0]);
				continue;
			}
			RCU_INIT_POINTER(*root, child[1]);
			kfree(r);
		}
	}
}
