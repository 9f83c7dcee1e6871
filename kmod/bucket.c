// SPDX-License-Identifier: GPL-2.0
/*
 * PURE: which tunnel serves which bucket. Weights, tiers and the state of the
 * members go in, a table comes out. A bucket that is in use stays with its tunnel
 * as long as that lives; of the others as few move as the new shares allow, and
 * members that come back find the buckets they had: the table of a given set that
 * nothing has disturbed is always the same one.
 *
 * Each bucket has a second choice, made in advance: when its tunnel dies, transmit
 * goes there at once and the next table confirms it, so that a flow moves once.
 */
#ifdef __KERNEL__
#include <linux/string.h>
#else
#include <stdbool.h>
#include <string.h>
#endif

#include "bucket.h"

/*
 * What counts of each member when the shares are worked out: its weight, or 0 if it
 * is not open, of a tier that is not the preferred one, or left @out.
 */
static void weigh(__u16 *weight, const struct bowtie_bucket_member *m, unsigned int n,
		  unsigned int out)
{
	unsigned int i, best = ~0U;

	for (i = 0; i < n; i++) {
		weight[i] = i != out && m[i].state == BOWTIE_MEMBER_OPEN ? m[i].weight : 0;
		if (weight[i] && m[i].tier < best)
			best = m[i].tier;
	}
	for (i = 0; i < n; i++)
		if (m[i].tier != best)
			weight[i] = 0;
}

/*
 * Largest remainder, but a member with a weight gets one bucket at least: a tunnel
 * that is configured must be seen to carry traffic. Returns false if none has one.
 */
static bool share_out(__u16 *share, const __u16 *weight, unsigned int n)
{
	__u32 rest[BOWTIE_TUNNELS_MAX];
	unsigned int i, best, total = 0, given = 0;

	for (i = 0; i < n; i++)
		total += weight[i];
	for (i = 0; i < n; i++) {
		__u32 exact = total ? weight[i] * BOWTIE_BUCKETS : 0;

		share[i] = total ? exact / total : 0;
		rest[i] = total ? exact % total : 0;
		if (weight[i] && !share[i]) {
			share[i] = 1;
			rest[i] = 0;
		}
		given += share[i];
	}
	if (!total)
		return false;

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
	return true;
}

/**
 * bowtie_bucket_share() - how many buckets each member serves if nothing disturbs
 * @m: members, sorted by id
 * @n: how many, at most BOWTIE_TUNNELS_MAX
 * @share: result by index of the member; sums to BOWTIE_BUCKETS unless no open
 *	member has a weight
 *
 * Context: any; at most n * n + BOWTIE_BUCKETS steps.
 */
void bowtie_bucket_share(const struct bowtie_bucket_member *m, unsigned int n,
			 __u16 share[BOWTIE_TUNNELS_MAX])
{
	__u16 weight[BOWTIE_TUNNELS_MAX];

	weigh(weight, m, n, n);
	share_out(share, weight, n);
}

/**
 * bowtie_bucket_preferred() - who gets the new flows
 * @m: members
 * @n: how many, at most BOWTIE_TUNNELS_MAX
 *
 * Context: any. Return: the open members of the lowest tier that has one, by id, a bit
 * each.
 */
__u64 bowtie_bucket_preferred(const struct bowtie_bucket_member *m, unsigned int n)
{
	__u16 weight[BOWTIE_TUNNELS_MAX];
	__u64 preferred = 0;
	unsigned int i;

	weigh(weight, m, n, n);
	for (i = 0; i < n; i++)
		if (weight[i])
			preferred |= 1ULL << m[i].id;
	return preferred;
}

/*
 * Deal the buckets out evenly spaced ("smooth" weighted round robin): neighbours in
 * the table, and those that leave a tunnel together, go to different tunnels.
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

/* The undisturbed table of a set, as indices of members. */
static void canonical(__u8 table[BOWTIE_BUCKETS], const __u16 *share, unsigned int n)
{
	struct deal d;
	unsigned int b;

	deal_init(&d, share, n);
	for (b = 0; b < BOWTIE_BUCKETS; b++)
		table[b] = deal_next(&d, n);
}

/*
 * A table in the making: @next by index of the member or BOWTIE_BUCKET_NONE, how many
 * buckets each may still get, and who has more than its share (a bit for each index).
 */
struct fill {
	const struct bowtie_bucket_member *m;
	unsigned int n;
	__u8 index[BOWTIE_TUNNELS_MAX];
	__u16 weight[BOWTIE_TUNNELS_MAX];
	__u16 left[BOWTIE_TUNNELS_MAX];
	__u64 over;
	__u8 *next;
};

static void fill_init(struct fill *f, const struct bowtie_bucket_member *m, unsigned int n,
		      __u8 *next)
{
	unsigned int i;

	f->m = m;
	f->n = n;
	f->over = 0;
	f->next = next;
	memset(f->index, BOWTIE_BUCKET_NONE, sizeof(f->index));
	for (i = 0; i < n; i++)
		f->index[m[i].id] = i;
	memset(next, BOWTIE_BUCKET_NONE, BOWTIE_BUCKETS);
	weigh(f->weight, m, n, n);
}

/* Index of a member by id, or BOWTIE_BUCKET_NONE */
static __u8 index_of(const struct fill *f, __u8 id)
{
	return id < BOWTIE_TUNNELS_MAX ? f->index[id] : BOWTIE_BUCKET_NONE;
}

static void give(struct fill *f, unsigned int b, __u8 i)
{
	f->next[b] = i;
	if (f->left[i])
		f->left[i]--;
	else
		f->over |= 1ULL << i;
}

/* What is in use stays; what was a dead member's goes where transmit sends it already. */
static void fill_busy(struct fill *f, const struct bowtie_buckets *prev,
		      const struct bowtie_bucket_busy *busy)
{
	unsigned int b;
	__u8 i;

	for (b = 0; b < BOWTIE_BUCKETS; b++) {
		if (!bowtie_bucket_is_busy(busy, b) || prev->id[b] == BOWTIE_BUCKET_NONE)
			continue;
		i = index_of(f, prev->id[b]);
		if (i == BOWTIE_BUCKET_NONE || f->m[i].state == BOWTIE_MEMBER_DEAD) {
			i = index_of(f, prev->second[b]);
			if (i == BOWTIE_BUCKET_NONE || !f->weight[i])
				continue;
		}
		give(f, b, i);
	}
}

/* Of the rest as few move as can be: what is at home stays first. */
static void fill_rest(struct fill *f, const struct bowtie_buckets *prev, const __u8 *home)
{
	unsigned int b, pass;
	struct deal d;
	int open = 0;
	__u8 i;

	for (pass = 0; prev && pass < 2; pass++) {
		for (b = 0; b < BOWTIE_BUCKETS; b++) {
			i = index_of(f, prev->id[b]);
			if (f->next[b] == BOWTIE_BUCKET_NONE && i != BOWTIE_BUCKET_NONE &&
			    f->left[i] && (pass == 1 || home[b] == i))
				give(f, b, i);
		}
	}
	/* Send home what has to move, and deal out what finds no room there. */
	for (b = 0; b < BOWTIE_BUCKETS; b++) {
		if (f->next[b] != BOWTIE_BUCKET_NONE)
			continue;
		if (f->left[home[b]])
			give(f, b, home[b]);
		else
			open++;
	}
	if (!open)
		return;
	deal_init(&d, f->left, f->n);
	for (b = 0; b < BOWTIE_BUCKETS; b++)
		if (f->next[b] == BOWTIE_BUCKET_NONE)
			f->next[b] = deal_next(&d, f->n);
}

/*
 * The second choices: the buckets of each member are dealt out to those who would then
 * have less than their share. Just that will the next table find if it is the only one
 * to die.
 */
static void fill_second(struct fill *f, __u8 *second)
{
	__u16 count[BOWTIE_TUNNELS_MAX] = {}, share[BOWTIE_TUNNELS_MAX];
	unsigned int b, i, gone;
	struct deal d;

	memset(second, BOWTIE_BUCKET_NONE, BOWTIE_BUCKETS);
	for (b = 0; b < BOWTIE_BUCKETS; b++)
		if (f->next[b] != BOWTIE_BUCKET_NONE)
			count[f->next[b]]++;
	for (gone = 0; gone < f->n; gone++) {
		if (!count[gone])
			continue;
		weigh(f->weight, f->m, f->n, gone);
		if (!share_out(share, f->weight, f->n))
			continue;
		for (i = 0; i < f->n; i++)
			share[i] = share[i] > count[i] ? share[i] - count[i] : 0;
		deal_init(&d, share, f->n);
		for (b = 0; b < BOWTIE_BUCKETS; b++)
			if (f->next[b] == gone)
				second[b] = f->m[deal_next(&d, f->n)].id;
	}
}

/**
 * bowtie_bucket_fill() - build a bucket table
 * @next: result; without an open member that has a weight there are buckets that
 *	nobody serves
 * @prev: the table so far, or NULL; may not be the same memory as @next
 * @busy: the buckets that may not leave a member that lives, or NULL: any may
 * @m: the members, sorted by id
 * @n: how many, at most BOWTIE_TUNNELS_MAX
 *
 * A busy bucket stays with its member, that of a dead member goes where @prev has it.
 * Any other stays as long as that does not exceed its member's share; a member that must
 * give buckets up gives those first that the undisturbed table does not give it.
 * Context: any. Return: the members, by id, a bit each, that had to be left with more
 * than their share: 0 if the table is balanced.
 */
__u64 bowtie_bucket_fill(struct bowtie_buckets *next, const struct bowtie_buckets *prev,
			 const struct bowtie_bucket_busy *busy,
			 const struct bowtie_bucket_member *m, unsigned int n)
{
	__u8 home[BOWTIE_BUCKETS];
	struct fill f;
	unsigned int b, i;
	__u64 over = 0;
	bool open;

	fill_init(&f, m, n, next->id);
	open = share_out(f.left, f.weight, n);
	if (open)
		canonical(home, f.left, n);
	if (prev && busy)
		fill_busy(&f, prev, busy);
	if (open)
		fill_rest(&f, prev, home);
	fill_second(&f, next->second);

	for (b = 0; b < BOWTIE_BUCKETS; b++)
		if (next->id[b] != BOWTIE_BUCKET_NONE)
			next->id[b] = m[next->id[b]].id;
	for (i = 0; i < n; i++)
		if (f.over >> i & 1)
			over |= 1ULL << m[i].id;
	return over;
}
