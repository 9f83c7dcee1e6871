/* SPDX-License-Identifier: GPL-2.0 */
#ifndef _BOWTIE_ROUTE_INDEX_H
#define _BOWTIE_ROUTE_INDEX_H

#include <linux/rcupdate.h>
#include <linux/types.h>
#include <linux/workqueue.h>

#include "route.h"

struct bowtie_link;

/**
 * struct bowtie_route_slot - what is known of all addresses that begin alike
 * @best: longest route that holds them all, or NULL
 * @next: where the search for a longer one goes on, or NULL
 */
struct bowtie_route_slot {
	const struct bowtie_route *best;
	const struct bowtie_route *next;
};

/**
 * struct bowtie_route_index - the upper levels of a tree as a table
 * @base: prefix that all entries begin with
 * @base_len: its length
 * @bits: the slot of an address is the number in so many bits behind @base
 * @rcu: frees it
 * @slots: 2^@bits of them
 *
 * Immutable, and valid as long as the tree has the same routes: whoever changes that takes
 * it away first.
 */
struct bowtie_route_index {
	u64 base;
	u8 base_len;
	u8 bits;
	struct rcu_head rcu;
	struct bowtie_route_slot slots[];
};

/* The slot of an address, or NULL if it is not among those that the index is about. */
static inline const struct bowtie_route_slot *
bowtie_route_slot(const struct bowtie_route_index *index, struct bowtie_key key)
{
	if (unlikely((key.hi ^ index->base) & ~(~0ULL >> index->base_len)))
		return NULL;
	return &index->slots[key.hi << index->base_len >> (64 - index->bits)];
}

void bowtie_route_index_drop(struct bowtie_link *link, u8 family);
void bowtie_route_index_work(struct work_struct *work);

#endif /* _BOWTIE_ROUTE_INDEX_H */
