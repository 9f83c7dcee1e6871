/* SPDX-License-Identifier: GPL-2.0 */
#ifndef _BOWTIE_ROUTE_H
#define _BOWTIE_ROUTE_H

#include <linux/in6.h>
#include <linux/rcupdate.h>
#include <linux/types.h>
#include <asm/byteorder.h>
#include <asm/unaligned.h>

struct bowtie_group;
struct bowtie_link;
struct bowtie_route_index;
struct bowtie_tunnel;
struct netlink_ext_ack;

/**
 * struct bowtie_key - an address as a number
 * @hi: its first 64 bits in host order; an IPv4 address is in the upper half
 * @lo: the last 64 bits of an IPv6 address, else 0
 */
struct bowtie_key {
	u64 hi;
	u64 lo;
};

static inline struct bowtie_key bowtie_key4(__be32 addr)
{
	return (struct bowtie_key){ .hi = (u64)be32_to_cpu(addr) << 32 };
}

static inline struct bowtie_key bowtie_key6(const struct in6_addr *addr)
{
	return (struct bowtie_key){
		.hi = get_unaligned_be64(&addr->s6_addr[0]),
		.lo = get_unaligned_be64(&addr->s6_addr[8]),
	};
}

/**
 * struct bowtie_route - a prefix, or a fork of the tree
 * @child: longer prefixes, by the bit after the prefix; RCU
 * @group: where packets go, or NULL; RCU
 * @pinned: the tunnel whose inside peer this host route is, or NULL; RCU.
 *	Takes precedence over @group.
 * @key: the prefix; bits after @len are zero
 * @len: its length
 * @family: AF_INET or AF_INET6
 * @stamp: the request that touched it last; link->lock
 * @rcu: frees it
 *
 * A node with neither @group nor @pinned has two children and only forks.
 */
struct bowtie_route {
	struct bowtie_route __rcu *child[2];
	struct bowtie_group __rcu *group;
	struct bowtie_tunnel __rcu *pinned;
	struct bowtie_key key;
	u8 len;
	u8 family;
	u32 stamp;
	struct rcu_head rcu;
};

/**
 * struct bowtie_routes - a link's routes
 * @root4: IPv4; RCU, written under link->lock
 * @root6: IPv6; likewise
 * @index4: speeds @root4 up, or NULL; RCU, written under link->lock
 * @index6: speeds @root6 up, or NULL; likewise
 * @count: prefixes with a group
 * @stamp: of the latest request
 */
struct bowtie_routes {
	struct bowtie_route __rcu *root4;
	struct bowtie_route __rcu *root6;
	struct bowtie_route_index __rcu *index4;
	struct bowtie_route_index __rcu *index6;
	u32 count;
	u32 stamp;
};

/* Which of the two trees, and a place in it. */
struct bowtie_prefix {
	struct bowtie_key key;
	u8 family;
	u8 len;
};

/**
 * struct bowtie_target - where a packet is to go
 * @pinned: to this tunnel alone, even if it takes no flows, or NULL
 * @group: to one of these if @pinned is NULL
 */
struct bowtie_target {
	struct bowtie_tunnel *pinned;
	struct bowtie_group *group;
};

bool bowtie_route_lookup(const struct bowtie_routes *routes, u8 family, struct bowtie_key key,
			 struct bowtie_target *target);
struct bowtie_route *bowtie_route_find(struct bowtie_link *link, const struct bowtie_prefix *p);
struct bowtie_route *bowtie_route_match(struct bowtie_link *link, u8 family,
					struct bowtie_key key);
struct bowtie_route *bowtie_route_next(struct bowtie_link *link, u8 family,
				       const struct bowtie_prefix *after);
bool bowtie_prefix_valid(const struct bowtie_prefix *p);

int bowtie_route_set_group(struct bowtie_link *link, const struct bowtie_prefix *p,
			   struct bowtie_group *group);
void bowtie_route_clear_group(struct bowtie_link *link, const struct bowtie_prefix *p);
int bowtie_route_pin(struct bowtie_link *link, const struct bowtie_prefix *p,
		     struct bowtie_tunnel *t);
void bowtie_route_unpin(struct bowtie_link *link, const struct bowtie_prefix *p);
void bowtie_routes_destroy(struct bowtie_link *link);

#endif /* _BOWTIE_ROUTE_H */
