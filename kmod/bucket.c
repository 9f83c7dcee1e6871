// SPDX-License-Identifier: GPL-2.0
/*
 * PURE: which tunnel serves which bucket. Weights and the live members go in, a
 * table comes out. A change of the members moves as few buckets as the new
 * shares allow, and members that come back find the buckets they had: the table
 * of a given set that nothing has disturbed is always the same one.
 */
#ifdef __KERNEL__
#include <linux/string.h>
#else
#include <stdbool.h>
#include <string.h>
#endif

#include "bucket.h"

/**
 * bowtie_bucket_share() - how many buckets each member serves
 * @m: members, sorted by id
 * @n: how many, at most BOWTIE_TUNNELS_MAX
 * @share: result by index of the member; sums to BOWTIE_BUCKETS unless no
 *	member has a weight
 *
 * Largest remainder, but a member with a weight gets one bucket at least: a
 * tunnel that is configured must be seen to carry traffic. Context: any; at
 * most n * n + BOWTIE_BUCKETS steps.
 */
void bowtie_bucket_share(const struct bowtie_bucket_member *m, unsigned int n,
			 __u16 share[BOWTIE_TUNNELS_MAX])
{
	__u32 rest[BOWTIE_TUNNELS_MAX];
	unsigned int i, best, total = 0, given = 0;

	for (i = 0; i < n; i++)
		total += m[i].weight;
	for (i = 0; i < n; i++) {
		__u32 exact = total ? m[i].weight * BOWTIE_BUCKETS : 0;

		share[i] = total ? exact / total : 0;
		rest[i] = total ? exact % total : 0;
		if (m[i].weight && !share[i]) {
			share[i] = 1;
			rest[i] = 0;
		}
		given += share[i];
	}
	if (!total)
		return;

	for (; given < BOWTIE_BUCKETS; given++) {
		for (best = 0, i = 1; i < n; i++)
			if (rest[i] > rest[best])
				best = i;
		share[best]++;
		rest[best] = 0;
	}
	/* The guaranteed single buckets come from whoever has most. */
	for (; given > BOWTIE_BUCKETS; given--) {
		for (best = 0, i = 1; i < n; i++)
			if (share[i] > share[best])
				best = i;
		share[best]--;
	}
}

/*
 * Deal the buckets out evenly spaced ("smooth" weighted round robin): when a
 * tunnel dies, transmit walks on through the table until it is rebuilt, and that
 * must not send everything to one neighbour.
 */
struct deal {
	__s32 credit[BOWTIE_TUNNELS_MAX];
	__u16 left[BOWTIE_TUNNELS_MAX];
	__u32 total;
};

static void deal_init(struct deal *d, const __u16 *left, unsigned int n)
{
	unsigned int i;

	d->total = 0;
	for (i = 0; i < n; i++) {
		d->credit[i] = 0;
		d->left[i] = left[i];
		d->total += left[i];
	}
}

/* Next member by index; only called while something is left to deal. */
static unsigned int deal_next(struct deal *d, unsigned int n)
{
	unsigned int i, best = n;

	for (i = 0; i < n; i++) {
		d->credit[i] += d->left[i];
		if (d->left[i] && (best == n || d->credit[i] > d->credit[best]))
			best = i;
	}
	d->credit[best] -= d->total;
	return best;
}

static unsigned int member_index(const struct bowtie_bucket_member *m,
				 unsigned int n, __u8 id)
{
	unsigned int i;

	for (i = 0; i < n; i++)
		if (m[i].id == id && m[i].weight)
			return i;
	return n;
}

/* The undisturbed table of a set, as indices of members. */
static void canonical(__u8 table[BOWTIE_BUCKETS], const __u16 *share, unsigned int n)
{
	struct deal d;
	unsigned int b;

	deal_init(&d, share, n);
	for (b = 0; b < BOWTIE_BUCKETS; b++)
		table[b] = deal_next(&d, n);
}

/**
 * bowtie_bucket_fill() - build a bucket table
 * @next: result: the id of the tunnel that serves each bucket, or
 *	BOWTIE_BUCKET_NONE in all of them if no member has a weight
 * @prev: the table so far, or NULL; may not be the same memory as @next
 * @m: the members that are to serve, sorted by id
 * @n: how many, at most BOWTIE_TUNNELS_MAX
 *
 * A bucket stays with its tunnel as long as that does not exceed the tunnel's
 * share; a tunnel that must give buckets up gives those first that the
 * undisturbed table does not give it. Context: any.
 */
void bowtie_bucket_fill(__u8 next[BOWTIE_BUCKETS], const __u8 prev[BOWTIE_BUCKETS],
			const struct bowtie_bucket_member *m, unsigned int n)
{
	__u16 left[BOWTIE_TUNNELS_MAX];
	__u8 home[BOWTIE_BUCKETS];
	unsigned int b, i, pass;
	struct deal d;
	int open = 0;

	memset(next, BOWTIE_BUCKET_NONE, BOWTIE_BUCKETS);
	bowtie_bucket_share(m, n, left);
	for (i = 0; i < n && !left[i]; i++)
		;
	if (i == n)
		return;
	canonical(home, left, n);

	/* Keep what is at home first, then what is merely in use. */
	for (pass = 0; prev && pass < 2; pass++) {
		for (b = 0; b < BOWTIE_BUCKETS; b++) {
			if (next[b] != BOWTIE_BUCKET_NONE)
				continue;
			i = member_index(m, n, prev[b]);
			if (i == n || !left[i] || (pass == 0 && home[b] != i))
				continue;
			next[b] = m[i].id;
			left[i]--;
		}
	}
	/* Send home what has to move, and deal out the rest evenly. */
	for (b = 0; b < BOWTIE_BUCKETS; b++) {
		if (next[b] != BOWTIE_BUCKET_NONE)
			continue;
		if (left[home[b]]) {
			next[b] = m[home[b]].id;
			left[home[b]]--;
		} else {
			open++;
		}
	}
	if (!open)
		return;
	deal_init(&d, left, n);
	for (b = 0; b < BOWTIE_BUCKETS; b++) {
		if (next[b] == BOWTIE_BUCKET_NONE)
			next[b] = m[deal_next(&d, n)].id;
	}
}
