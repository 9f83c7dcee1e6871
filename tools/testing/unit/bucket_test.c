// SPDX-License-Identifier: GPL-2.0
/* The module's bucket tables: shares, spread, how little moves, and where it goes. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdlib.h>

#include "../../../kmod/bucket.c"

#define N(a)		(sizeof(a) / sizeof((a)[0]))
#define OPEN(id, weight)	{ id, BOWTIE_MEMBER_OPEN, 0, weight }

static void count(const struct bowtie_buckets *table, unsigned int *of)
{
	unsigned int b;

	memset(of, 0, 256 * sizeof(*of));
	for (b = 0; b < BOWTIE_BUCKETS; b++)
		of[table->id[b]]++;
}

static unsigned int moved(const struct bowtie_buckets *a, const struct bowtie_buckets *b)
{
	unsigned int i, n = 0;

	for (i = 0; i < BOWTIE_BUCKETS; i++)
		n += a->id[i] != b->id[i];
	return n;
}

static void all_busy(struct bowtie_bucket_busy *busy)
{
	memset(busy, 0xff, sizeof(*busy));
}

/* Any table, for which nothing has been decided yet. */
static void fill(struct bowtie_buckets *table, const struct bowtie_bucket_member *m,
		 unsigned int n)
{
	assert_int_equal(bowtie_bucket_fill(table, NULL, NULL, m, n), 0);
}

static void test_equal(void **state)
{
	const struct bowtie_bucket_member m[] = { OPEN(0, 1), OPEN(1, 1), OPEN(5, 1), OPEN(63, 1) };
	struct bowtie_buckets table;
	unsigned int of[256], i;

	fill(&table, m, N(m));
	count(&table, of);
	for (i = 0; i < N(m); i++)
		assert_int_equal(of[m[i].id], 64);
	assert_int_equal(of[BOWTIE_BUCKET_NONE], 0);
	/* Neighbours are different tunnels: a dead one's flows go to all of the others. */
	for (i = 1; i < BOWTIE_BUCKETS; i++)
		assert_int_not_equal(table.id[i], table.id[i - 1]);
}

static void test_weights(void **state)
{
	const struct bowtie_bucket_member m[] = { OPEN(0, 2), OPEN(1, 1), OPEN(2, 1) };
	const struct bowtie_bucket_member tiny[] = { OPEN(0, 256), OPEN(1, 1), OPEN(2, 256) };
	const struct bowtie_bucket_member thirds[] = { OPEN(0, 7), OPEN(1, 7), OPEN(2, 7) };
	struct bowtie_buckets table;
	unsigned int of[256];

	fill(&table, m, N(m));
	count(&table, of);
	assert_int_equal(of[0], 128);
	assert_int_equal(of[1], 64);
	assert_int_equal(of[2], 64);
	/* Whoever has a weight gets a bucket. */
	fill(&table, tiny, N(tiny));
	count(&table, of);
	assert_int_equal(of[1], 1);
	assert_int_equal(of[0] + of[2], 255);
	fill(&table, thirds, N(thirds));
	count(&table, of);
	assert_true(of[0] >= 85 && of[0] <= 86 && of[1] >= 85 && of[1] <= 86);
}

static void test_nobody(void **state)
{
	const struct bowtie_bucket_member m[] = {
		{ 3, BOWTIE_MEMBER_DEAD, 0, 1 }, { 4, BOWTIE_MEMBER_OPEN, 0, 0 },
		{ 5, BOWTIE_MEMBER_DRAIN, 0, 1 },
	};
	struct bowtie_buckets table;
	unsigned int of[256];

	fill(&table, m, N(m));
	count(&table, of);
	assert_int_equal(of[BOWTIE_BUCKET_NONE], BOWTIE_BUCKETS);
	fill(&table, m, 0);
	count(&table, of);
	assert_int_equal(of[BOWTIE_BUCKET_NONE], BOWTIE_BUCKETS);
}

/* One leaves: only its buckets move, evenly. It returns: the very same table. */
static void test_leave_and_return(void **state)
{
	struct bowtie_bucket_member m[] = { OPEN(0, 1), OPEN(1, 1), OPEN(2, 1), OPEN(3, 1) };
	struct bowtie_buckets before, without, after;
	unsigned int of[256], i;

	fill(&before, m, N(m));
	m[1].state = BOWTIE_MEMBER_DEAD;
	assert_int_equal(bowtie_bucket_fill(&without, &before, NULL, m, N(m)), 0);
	for (i = 0; i < BOWTIE_BUCKETS; i++)
		if (before.id[i] != 1)
			assert_int_equal(without.id[i], before.id[i]);
	count(&without, of);
	assert_int_equal(of[1], 0);
	for (i = 0; i < N(m); i++)
		if (i != 1)
			assert_true(of[i] >= 85 && of[i] <= 86);
	m[1].state = BOWTIE_MEMBER_OPEN;
	assert_int_equal(bowtie_bucket_fill(&after, &without, NULL, m, N(m)), 0);
	assert_memory_equal(&before, &after, sizeof(before));
}

/* One returns while flows go on: they stay; as buckets fall idle, they follow. */
static void test_busy_return(void **state)
{
	struct bowtie_bucket_member m[] = { OPEN(0, 1), OPEN(1, 1), OPEN(2, 1), OPEN(3, 1) };
	struct bowtie_buckets before, without, now, next;
	struct bowtie_bucket_busy busy;
	unsigned int of[256], idle, b;
	uint64_t over;

	fill(&before, m, N(m));
	m[1].state = BOWTIE_MEMBER_DEAD;
	bowtie_bucket_fill(&without, &before, NULL, m, N(m));
	m[1].state = BOWTIE_MEMBER_OPEN;
	all_busy(&busy);
	over = bowtie_bucket_fill(&now, &without, &busy, m, N(m));
	assert_int_equal(over, 1 << 0 | 1 << 2 | 1 << 3);
	assert_int_equal(moved(&without, &now), 0);
	for (idle = 0; idle < BOWTIE_BUCKETS && over; idle++) {
		busy.bits[idle / 64] &= ~(1ULL << (idle % 64));
		over = bowtie_bucket_fill(&next, &now, &busy, m, N(m));
		for (b = 0; b < BOWTIE_BUCKETS; b++)
			if (bowtie_bucket_is_busy(&busy, b))
				assert_int_equal(next.id[b], now.id[b]);
		/* Until it has its share it gets whatever it can get. */
		count(&next, of);
		assert_true(over ? of[1] < 64 : of[1] == 64);
		now = next;
	}
	assert_int_equal(over, 0);
	assert_in_range(idle, 64, 255);
	assert_int_equal(bowtie_bucket_fill(&next, &now, NULL, m, N(m)), 0);
	assert_int_equal(moved(&now, &next), 0);
	/* Forced, all go at once. */
	assert_int_equal(bowtie_bucket_fill(&next, &without, NULL, m, N(m)), 0);
	assert_int_equal(moved(&without, &next), 64);
}

/* A draining one keeps its busy buckets and gets none, until it is dead. */
static void test_drain(void **state)
{
	struct bowtie_bucket_member m[] = { OPEN(0, 1), OPEN(1, 1), OPEN(2, 1), OPEN(3, 1) };
	struct bowtie_buckets before, now, next;
	struct bowtie_bucket_busy busy = {};
	unsigned int of[256], b, kept = 0;

	fill(&before, m, N(m));
	for (b = 0; b < BOWTIE_BUCKETS; b += 3)
		bowtie_bucket_set_busy(&busy, b);
	m[2].state = BOWTIE_MEMBER_DRAIN;
	assert_int_equal(bowtie_bucket_fill(&now, &before, &busy, m, N(m)), 1 << 2);
	for (b = 0; b < BOWTIE_BUCKETS; b++) {
		if (before.id[b] != 2 || b % 3 == 0)
			assert_int_equal(now.id[b], before.id[b]);
		else
			assert_int_not_equal(now.id[b], 2);
		kept += now.id[b] == 2;
	}
	assert_in_range(kept, 10, 30);
	/* All busy now, and its time is up. */
	all_busy(&busy);
	m[2].state = BOWTIE_MEMBER_DEAD;
	assert_int_equal(bowtie_bucket_fill(&next, &now, &busy, m, N(m)), 0);
	assert_int_equal(moved(&now, &next), kept);
	count(&next, of);
	assert_int_equal(of[2], 0);
	/* The last of all: what is busy stays, new flows are not taken. */
	for (b = 0; b < N(m); b++)
		m[b].state = BOWTIE_MEMBER_DRAIN;
	busy = (struct bowtie_bucket_busy){};
	bowtie_bucket_set_busy(&busy, 7);
	bowtie_bucket_fill(&next, &before, &busy, m, N(m));
	count(&next, of);
	assert_int_equal(of[BOWTIE_BUCKET_NONE], BOWTIE_BUCKETS - 1);
	assert_int_equal(next.id[7], before.id[7]);
}

/* The next tier serves when the last of a tier is gone, busy flows stay when it is back. */
static void test_tiers(void **state)
{
	struct bowtie_bucket_member m[] = {
		{ 0, BOWTIE_MEMBER_OPEN, 2, 1 }, { 4, BOWTIE_MEMBER_OPEN, 1, 3 },
		{ 5, BOWTIE_MEMBER_OPEN, 1, 1 }, { 9, BOWTIE_MEMBER_OPEN, 0, 1 },
	};
	struct bowtie_buckets first, backup, back;
	struct bowtie_bucket_busy busy;
	unsigned int of[256], b;

	fill(&first, m, N(m));
	count(&first, of);
	assert_int_equal(of[9], BOWTIE_BUCKETS);
	assert_int_equal(bowtie_bucket_preferred(m, N(m)), 1 << 9);
	for (b = 0; b < BOWTIE_BUCKETS; b++)
		assert_true(first.second[b] == 4 || first.second[b] == 5);
	m[3].state = BOWTIE_MEMBER_DEAD;
	all_busy(&busy);
	assert_int_equal(bowtie_bucket_preferred(m, N(m)), 1 << 4 | 1 << 5);
	assert_int_equal(bowtie_bucket_fill(&backup, &first, &busy, m, N(m)), 0);
	assert_memory_equal(backup.id, first.second, sizeof(backup.id));
	count(&backup, of);
	assert_int_equal(of[4], 192);
	assert_int_equal(of[5], 64);
	m[3].state = BOWTIE_MEMBER_OPEN;
	assert_int_equal(bowtie_bucket_fill(&back, &backup, &busy, m, N(m)), 1 << 4 | 1 << 5);
	assert_int_equal(moved(&backup, &back), 0);
	/* They have left the preferred tier: should they die, they go back to it. */
	for (b = 0; b < BOWTIE_BUCKETS; b++)
		assert_int_equal(back.second[b], 9);
	assert_int_equal(bowtie_bucket_fill(&back, &backup, NULL, m, N(m)), 0);
	count(&back, of);
	assert_int_equal(of[9], BOWTIE_BUCKETS);
}

/* Whoever dies: each of its buckets goes where transmit has sent it meanwhile, evenly. */
static void second_choices(const struct bowtie_buckets *table, struct bowtie_bucket_member *m,
			   unsigned int n, const struct bowtie_bucket_busy *busy, bool balanced)
{
	__u16 share[BOWTIE_TUNNELS_MAX];
	unsigned int d, b, i, of[256];
	struct bowtie_buckets next;

	for (d = 0; d < n; d++) {
		unsigned int state = m[d].state;
		bool open = false;

		m[d].state = BOWTIE_MEMBER_DEAD;
		bowtie_bucket_fill(&next, table, busy, m, n);
		bowtie_bucket_share(m, n, share);
		for (i = 0; i < n; i++)
			open |= share[i];
		for (b = 0; b < BOWTIE_BUCKETS; b++) {
			if (bowtie_bucket_is_busy(busy, b))
				assert_int_equal(next.id[b], table->id[b] == m[d].id ?
						 table->second[b] : table->id[b]);
		}
		count(&next, of);
		assert_int_equal(of[m[d].id], 0);
		/* A survivor's share may shrink by one when the rounding changes. */
		for (i = 0; balanced && open && i < n; i++)
			assert_in_range(of[m[i].id] + 1, share[i], share[i] + 2);
		m[d].state = state;
	}
}

static void test_second_choice(void **state)
{
	struct bowtie_bucket_member m[8];
	struct bowtie_buckets table;
	struct bowtie_bucket_busy busy;
	unsigned int n, i, round;

	srand(2);
	all_busy(&busy);
	for (n = 1; n <= N(m); n++) {
		for (round = 0; round < 200; round++) {
			for (i = 0; i < n; i++)
				m[i] = (struct bowtie_bucket_member){
					(__u8)(i * 7), BOWTIE_MEMBER_OPEN,
					(__u8)(round % 2 ? rand() % 3 : 0),
					(__u16)(round < 2 ? 1 : 1 + rand() % 16) };
			fill(&table, m, n);
			second_choices(&table, m, n, &busy, true);
		}
	}
}

/*
 * Any sets, any weights, tiers and states, some buckets busy, one after another: every
 * rule at every step.
 */
static void test_random(void **state)
{
	struct bowtie_buckets prev, next, again;
	struct bowtie_bucket_member m[BOWTIE_TUNNELS_MAX];
	struct bowtie_bucket_busy busy;
	unsigned int round, i, b, n, of[256];
	__u16 share[BOWTIE_TUNNELS_MAX];
	uint64_t over;

	srand(3);
	fill(&prev, NULL, 0);
	for (round = 0; round < 2000; round++) {
		unsigned int percent = rand() % 4 * 33, alive[256] = {};

		for (n = 0, i = 0; i < BOWTIE_TUNNELS_MAX; i++)
			if (rand() % 6 == 0)
				m[n++] = (struct bowtie_bucket_member){
					(__u8)i, (__u8)(rand() % 3), (__u8)(rand() % 2),
					(__u16)(rand() % 3 ? 1 + rand() % 256 : 1) };
		for (i = 0; i < n; i++)
			alive[m[i].id] = m[i].state != BOWTIE_MEMBER_DEAD;
		busy = (struct bowtie_bucket_busy){};
		for (b = 0; b < BOWTIE_BUCKETS; b++)
			if (rand() % 100 < (int)percent)
				bowtie_bucket_set_busy(&busy, b);
		over = bowtie_bucket_fill(&next, &prev, &busy, m, n);
		bowtie_bucket_share(m, n, share);
		count(&next, of);
		/* Nobody has more than his share but those of whom we are told. */
		for (i = 0; i < n; i++)
			assert_int_equal(of[m[i].id] > share[i], over >> m[i].id & 1);
		for (b = 0; b < BOWTIE_BUCKETS; b++) {
			if (bowtie_bucket_is_busy(&busy, b) && alive[prev.id[b]])
				assert_int_equal(next.id[b], prev.id[b]);
			if (next.id[b] == BOWTIE_BUCKET_NONE)
				assert_int_equal(next.second[b], BOWTIE_BUCKET_NONE);
			else
				assert_int_not_equal(next.second[b], next.id[b]);
		}
		/* Nothing more to do, unless something becomes idle. */
		assert_int_equal(bowtie_bucket_fill(&again, &next, &busy, m, n), over);
		assert_int_equal(moved(&next, &again), 0);
		second_choices(&next, m, n, &busy, false);
		prev = next;
	}
}

/* Nothing busy: no more moves than the new shares ask for. */
static void test_least(void **state)
{
	struct bowtie_bucket_member m[BOWTIE_TUNNELS_MAX];
	unsigned int round, i, n, of[256], was[256];
	struct bowtie_buckets prev, next, again;
	__u16 share[BOWTIE_TUNNELS_MAX];

	srand(1);
	fill(&prev, NULL, 0);
	for (round = 0; round < 3000; round++) {
		unsigned int total = 0, gained = 0, least;

		for (n = 0, i = 0; i < BOWTIE_TUNNELS_MAX; i++)
			if (rand() % 4 == 0)
				m[n++] = (struct bowtie_bucket_member)OPEN(
					(__u8)i, (__u16)(rand() % 3 ? rand() % 257 : 0));
		assert_int_equal(bowtie_bucket_fill(&next, &prev, NULL, m, n), 0);
		bowtie_bucket_share(m, n, share);
		count(&next, of);
		count(&prev, was);
		for (i = 0; i < n; i++) {
			assert_int_equal(of[m[i].id], share[i]);
			assert_int_equal(!!share[i], !!m[i].weight);
			total += share[i];
			if (of[m[i].id] > was[m[i].id])
				gained += of[m[i].id] - was[m[i].id];
		}
		assert_int_equal(total + of[BOWTIE_BUCKET_NONE], BOWTIE_BUCKETS);
		least = total ? gained : BOWTIE_BUCKETS - was[BOWTIE_BUCKET_NONE];
		assert_int_equal(moved(&prev, &next), least);
		assert_int_equal(bowtie_bucket_fill(&again, &next, NULL, m, n), 0);
		assert_memory_equal(&next, &again, sizeof(next));
		prev = next;
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_equal),
		cmocka_unit_test(test_weights),
		cmocka_unit_test(test_nobody),
		cmocka_unit_test(test_leave_and_return),
		cmocka_unit_test(test_busy_return),
		cmocka_unit_test(test_drain),
		cmocka_unit_test(test_tiers),
		cmocka_unit_test(test_second_choice),
		cmocka_unit_test(test_random),
		cmocka_unit_test(test_least),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
