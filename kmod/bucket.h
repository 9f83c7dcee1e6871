/* SPDX-License-Identifier: GPL-2.0 */
#ifndef _BOWTIE_BUCKET_H
#define _BOWTIE_BUCKET_H

/* PURE: builds into the hosted unit tests with nothing else. */
#include <linux/types.h>
#include <linux/bowtie.h>

/* Bucket that no tunnel serves. */
#define BOWTIE_BUCKET_NONE	0xff

/**
 * struct bowtie_buckets - a bucket table; immutable while transmit can see it
 * @id: the tunnel that serves each bucket, or BOWTIE_BUCKET_NONE
 * @second: where the bucket goes if that tunnel dies, or BOWTIE_BUCKET_NONE
 */
struct bowtie_buckets {
	__u8 id[BOWTIE_BUCKETS];
	__u8 second[BOWTIE_BUCKETS];
};

/* Which buckets have packets under way, a bit each. */
struct bowtie_bucket_busy {
	__u64 bits[BOWTIE_BUCKETS / 64];
};

static inline void bowtie_bucket_set_busy(struct bowtie_bucket_busy *busy, unsigned int b)
{
	busy->bits[b / 64] |= 1ULL << (b % 64);
}

static inline void bowtie_bucket_clear_busy(struct bowtie_bucket_busy *busy, unsigned int b)
{
	busy->bits[b / 64] &= ~(1ULL << (b % 64));
}

static inline int bowtie_bucket_is_busy(const struct bowtie_bucket_busy *busy, unsigned int b)
{
	return busy->bits[b / 64] >> (b % 64) & 1;
}

/* What a member is good for. */
enum bowtie_member_state {
	BOWTIE_MEMBER_DEAD,	/* nothing */
	BOWTIE_MEMBER_DRAIN,	/* flows that it has */
	BOWTIE_MEMBER_OPEN,	/* any flow */
};

/**
 * struct bowtie_bucket_member - a tunnel that may serve buckets
 * @id: the tunnel's id; members are sorted by it, without repetition
 * @state: enum bowtie_member_state
 * @tier: the lowest one that has an open member gets all new flows
 * @weight: its share of them, 1..BOWTIE_WEIGHT_MAX; 0 gets no bucket
 */
struct bowtie_bucket_member {
	__u8 id;
	__u8 state;
	__u8 tier;
	__u16 weight;
};

void bowtie_bucket_share(const struct bowtie_bucket_member *m, unsigned int n,
			 __u16 share[BOWTIE_TUNNELS_MAX]);
__u64 bowtie_bucket_preferred(const struct bowtie_bucket_member *m, unsigned int n);
__u64 bowtie_bucket_fill(struct bowtie_buckets *next, const struct bowtie_buckets *prev,
			 const struct bowtie_bucket_busy *busy,
			 const struct bowtie_bucket_member *m, unsigned int n);

#endif /* _BOWTIE_BUCKET_H */
