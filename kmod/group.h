/* SPDX-License-Identifier: GPL-2.0 */
#ifndef _BOWTIE_GROUP_H
#define _BOWTIE_GROUP_H

#include <linux/list.h>
#include <linux/rcupdate.h>
#include <linux/bowtie.h>

#include "bucket.h"
#include "flow_mix.h"
#include "tunnel.h"

struct bowtie_link;

/* Values of a member that mean "what the tunnel says". */
#define BOWTIE_WEIGHT_INHERIT	0
#define BOWTIE_TIER_INHERIT	0xff

/**
 * struct bowtie_member - a tunnel as a next hop
 * @id: the tunnel's id
 * @tier: 0..BOWTIE_TIER_MAX, or BOWTIE_TIER_INHERIT
 * @weight: 1..BOWTIE_WEIGHT_MAX, or BOWTIE_WEIGHT_INHERIT
 */
struct bowtie_member {
	u8 id;
	u8 tier;
	u16 weight;
};

/* Transmit notes the use of a bucket this often at most, in jiffies. */
#define BOWTIE_USED_GRAIN	(HZ / 8)

/**
 * struct bowtie_group - a set of next hops, shared by all routes that have it
 * @buckets: the table in use, one of @tables; RCU, written under link->lock
 * @tables: one in use, one spare, so that a rebuild cannot fail for memory
 * @used: when each bucket has seen a packet, in jiffies; written by transmit without a
 *	lock, apart from what it only reads
 * @list: in link->groups; link->lock
 * @id: names the group in dumps
 * @parent: id of the group whose table this one's was derived from, or 0
 * @routes: how many routes use it; link->lock
 * @mask: the tunnels in it, a bit each
 * @serves: those of them that have buckets; link->lock
 * @over: those that have more than their share, since these are in use; link->lock
 * @unbalanced: some of @over are not draining; link->lock
 * @since: when that began, in jiffies
 * @due: when to look at it again if any are @over, in jiffies; link->lock
 * @born: when it was made, in jiffies
 * @rebuilds: of the link when it was made
 * @heir: scratch of bowtie_group_forget_tunnel(); link->lock
 * @affected: likewise
 * @rcu: frees it
 * @n: number of members
 * @members: sorted by id, without repetition; immutable
 */
struct bowtie_group {
	struct bowtie_buckets __rcu *buckets;
	struct bowtie_buckets tables[2];
	u32 used[BOWTIE_BUCKETS] ____cacheline_aligned_in_smp;
	struct list_head list;
	u32 id;
	u32 parent;
	u32 routes;
	u64 mask;
	u64 serves;
	u64 over;
	bool unbalanced;
	unsigned long since;
	unsigned long due;
	unsigned long born;
	u32 rebuilds;
	struct bowtie_group *heir;
	struct list_head affected;
	struct rcu_head rcu;
	u8 n;
	struct bowtie_member members[] __counted_by(n);
};

/* The bucket of a flow: the hash's low bits may have chosen the queue already. */
static inline unsigned int bowtie_group_bucket(u32 hash)
{
	BUILD_BUG_ON(BOWTIE_BUCKETS != 256);
	return bowtie_flow_bucket(hash);
}

struct bowtie_tunnel *bowtie_group_pick(const struct bowtie_link *link,
					struct bowtie_group *group, u32 hash,
					bool *fallback);

struct bowtie_group *bowtie_group_get(struct bowtie_link *link,
				      const struct bowtie_member *members, unsigned int n,
				      struct bowtie_group *prev);
void bowtie_group_put(struct bowtie_link *link, struct bowtie_group *group);
int bowtie_group_forget_tunnel(struct bowtie_link *link, unsigned int id);
void bowtie_groups_destroy(struct bowtie_link *link);

void bowtie_group_table_init(struct bowtie_link *link, struct bowtie_group *group,
			     const struct bowtie_group *prev);
void bowtie_group_inherit_use(struct bowtie_group *group, const struct bowtie_group *prev);
bool bowtie_group_agrees(struct bowtie_link *link, const struct bowtie_group *group,
			 const struct bowtie_group *prev);
void bowtie_groups_rebuild(struct bowtie_link *link, u64 changed);
void bowtie_groups_rebalance(struct bowtie_link *link);

#endif /* _BOWTIE_GROUP_H */
