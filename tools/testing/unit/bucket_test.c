// SPDX-License-Identifier: GPL-2.0
/* The module's bucket tables: shares, spread, and how little moves. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdlib.h>

#include "../../../kmod/bucket.c"

#define N(a)	(sizeof(a) / sizeof((a)[0]))

static void count(const __u8 *table, unsigned int *of)
{
	unsigned int b;

	memset(of, 0, 256 * sizeof(*of));
	for (b = 0; b < BOWTIE_BUCKETS; b++)
		of[table[b]]++;
}

static unsigned int moved(const __u8 *a, const __u8 *b)
{
	unsigned int i, n = 0;

	for (i = 0; i < BOWTIE_BUCKETS; i++)
		n += a[i] != b[i];
	return n;
}

static void test_equal(void **state)
{
	const struct bowtie_bucket_member m[] = { { 0, 1 }, { 1, 1 }, { 5, 1 }, { 63, 1 } };
	__u8 table[BOWTIE_BUCKETS];
	unsigned int of[256], i;

	bowtie_bucket_fill(table, NULL, m, N(m));
	count(table, of);
	for (i = 0; i < N(m); i++)
		assert_int_equal(of[m[i].id], 64);
	assert_int_equal(of[BOWTIE_BUCKET_NONE], 0);
	/* Neighbours are different tunnels: a dead one's flows go to all of the others. */
	for (i = 1; i < BOWTIE_BUCKETS; i++)
		assert_int_not_equal(table[i], table[i - 1]);
}

static void test_weights(void **state)
{
	const struct bowtie_bucket_member m[] = { { 0, 2 }, { 1, 1 }, { 2, 1 } };
	const struct bowtie_bucket_member tiny[] = { { 0, 256 }, { 1, 1 }, { 2, 256 } };
	const struct bowtie_bucket_member thirds[] = { { 0, 7 }, { 1, 7 }, { 2, 7 } };
	__u8 table[BOWTIE_BUCKETS];
	unsigned int of[256];

	bowtie_bucket_fill(table, NULL, m, N(m));
	count(table, of);
	assert_int_equal(of[0], 128);
	assert_int_equal(of[1], 64);
	assert_int_equal(of[2], 64);
	/* Whoever has a weight gets a bucket. */
	bowtie_bucket_fill(table, NULL, tiny, N(tiny));
	count(table, of);
	assert_int_equal(of[1], 1);
	assert_int_equal(of[0] + of[2], 255);
	bowtie_bucket_fill(table, NULL, thirds, N(thirds));
	count(table, of);
	assert_true(of[0] >= 85 && of[0] <= 86 && of[1] >= 85 && of[1] <= 86);
}

static void test_nobody(void **state)
{
	const struct bowtie_bucket_member m[] = { { 3, 0 }, { 4, 0 } };
	__u8 table[BOWTIE_BUCKETS];
	unsigned int of[256];

	bowtie_bucket_fill(table, NULL, m, N(m));
	count(table, of);
	assert_int_equal(of[BOWTIE_BUCKET_NONE], BOWTIE_BUCKETS);
	bowtie_bucket_fill(table, NULL, m, 0);
	count(table, of);
	assert_int_equal(of[BOWTIE_BUCKET_NONE], BOWTIE_BUCKETS);
}

/* One leaves: only its buckets move, evenly. It returns: the very same table. */
static void test_leave_and_return(void **state)
{
	struct bowtie_bucket_member m[] = { { 0, 1 }, { 1, 1 }, { 2, 1 }, { 3, 1 } };
	__u8 before[BOWTIE_BUCKETS], without[BOWTIE_BUCKETS], after[BOWTIE_BUCKETS];
	unsigned int of[256], i;

	bowtie_bucket_fill(before, NULL, m, N(m));
	m[1].weight = 0;
	bowtie_bucket_fill(without, before, m, N(m));
	for (i = 0; i < BOWTIE_BUCKETS; i++)
		if (before[i] != 1)
			assert_int_equal(without[i], before[i]);
	count(without, of);
	assert_int_equal(of[1], 0);
	for (i = 0; i < N(m); i++)
		if (i != 1)
			assert_true(of[i] >= 85 && of[i] <= 86);
	m[1].weight = 1;
	bowtie_bucket_fill(after, without, m, N(m));
	assert_memory_equal(before, after, sizeof(before));
}

/* Any sets, any weights, one after another: every rule at every step. */
static void test_random(void **state)
{
	__u8 prev[BOWTIE_BUCKETS], next[BOWTIE_BUCKETS], again[BOWTIE_BUCKETS];
	struct bowtie_bucket_member m[BOWTIE_TUNNELS_MAX];
	__u16 share[BOWTIE_TUNNELS_MAX];
	unsigned int round, i, n, of[256], was[256], least;

	srand(1);
	bowtie_bucket_fill(prev, NULL, NULL, 0);
	for (round = 0; round < 3000; round++) {
		unsigned int total = 0, gained = 0;

		for (n = 0, i = 0; i < BOWTIE_TUNNELS_MAX; i++)
			if (rand() % 4 == 0)
				m[n++] = (struct bowtie_bucket_member){
					(__u8)i, (__u16)(rand() % 3 ? rand() % 257 : 0) };
		bowtie_bucket_fill(next, prev, m, n);
		bowtie_bucket_share(m, n, share);
		count(next, of);
		count(prev, was);
		for (i = 0; i < n; i++) {
			assert_int_equal(of[m[i].id], share[i]);
			assert_int_equal(!!share[i], !!m[i].weight);
			total += share[i];
			if (of[m[i].id] > was[m[i].id])
				gained += of[m[i].id] - was[m[i].id];
		}
		assert_int_equal(total + of[BOWTIE_BUCKET_NONE], BOWTIE_BUCKETS);
		least = total ? gained : BOWTIE_BUCKETS - was[BOWTIE_BUCKET_NONE];
		assert_int_equal(moved(prev, next), least);
		bowtie_bucket_fill(again, next, m, n);
		assert_memory_equal(next, again, sizeof(next));
		memcpy(prev, next, sizeof(prev));
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_equal),
		cmocka_unit_test(test_weights),
		cmocka_unit_test(test_nobody),
		cmocka_unit_test(test_leave_and_return),
		cmocka_unit_test(test_random),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
