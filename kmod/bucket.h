/* SPDX-License-Identifier: GPL-2.0 */
#ifndef _BOWTIE_BUCKET_H
#define _BOWTIE_BUCKET_H

/* PURE: builds into the hosted unit tests with nothing else. */
#include <linux/types.h>
#include <linux/bowtie.h>

/* Bucket that no tunnel serves. */
#define BOWTIE_BUCKET_NONE	0xff

/**
 * struct bowtie_bucket_member - a tunnel that may serve buckets
 * @id: the tunnel's id; members are sorted by it, without repetition
 * @weight: its share, 1..BOWTIE_WEIGHT_MAX; 0 gets no bucket
 */
struct bowtie_bucket_member {
	__u8 id;
	__u16 weight;
};

void bowtie_bucket_share(const struct bowtie_bucket_member *m, unsigned int n,
			 __u16 share[BOWTIE_TUNNELS_MAX]);
void bowtie_bucket_fill(__u8 next[BOWTIE_BUCKETS], const __u8 prev[BOWTIE_BUCKETS],
			const struct bowtie_bucket_member *m, unsigned int n);

#endif /* _BOWTIE_BUCKET_H */
