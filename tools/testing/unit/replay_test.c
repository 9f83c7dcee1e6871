// SPDX-License-Identifier: GPL-2.0
/*
 * The module's anti-replay windows, against a model that remembers every number: RFC 4303,
 * 3.4.3 and appendix A. Windows of 1 to 4 096, both sides of every edge, and the wrap of the
 * lower half of an extended sequence number.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdlib.h>
#include <string.h>

#include "../../../kmod/replay.c"

#define N(a)		(sizeof(a) / sizeof((a)[0]))
#define WINDOW_MAX	4096
#define SEEN_MAX	65536	/* numbers that a run of the model spans */

static const __u32 windows[] = { 1, 2, 31, 32, 33, 63, 64, 127, 128, 1000, 1024, 2048, 4096 };

/* A window with its bitmap, as an xfrm_state keeps it */
static union {
	struct xfrm_replay_state_esn esn;
	__u8 room[sizeof(struct xfrm_replay_state_esn) + WINDOW_MAX / 8];
} state;

static __u64 base, top;
static __u8 seen[SEEN_MAX];

static struct xfrm_replay_state_esn *begin(__u32 window, __u64 highest)
{
	struct xfrm_replay_state_esn *r = &state.esn;

	memset(&state, 0, sizeof(state));
	memset(seen, 0, sizeof(seen));
	r->replay_window = window;
	r->bmp_len = (window + 31) / 32;
	r->seq = highest;
	r->seq_hi = highest >> 32;
	top = highest;
	base = highest > SEEN_MAX / 2 ? highest - SEEN_MAX / 2 : 0;
	return r;
}

/* What RFC 4303 says of @seq */
static bool model(__u32 window, __u64 seq)
{
	if (seq > top)
		return true;
	return top - seq < window && !seen[seq - base];
}

static void model_accept(__u64 seq)
{
	seen[seq - base] = 1;
	if (seq > top)
		top = seq;
}

/* A receiver: what the upper half is has to be guessed from the lower one. */
static bool esn_takes(struct xfrm_replay_state_esn *r, __u64 seq)
{
	__u32 low = seq;

	/* The wrong upper half: the check value would not match. */
	if (bowtie_replay_esn_hi(r, low) != seq >> 32)
		return false;
	if (bowtie_replay_check_esn(r, low) != BOWTIE_REPLAY_OK)
		return false;
	bowtie_replay_advance_esn(r, low);
	return true;
}

static bool bmp_takes(struct xfrm_replay_state_esn *r, __u64 seq)
{
	if (bowtie_replay_check_bmp(r, seq) != BOWTIE_REPLAY_OK)
		return false;
	bowtie_replay_advance_bmp(r, seq);
	return true;
}

static __u64 next_number(__u32 window)
{
	__u64 far = 2 * (__u64)window + 8;

	switch (rand() % 8) {
	case 0:	/* far ahead */
		return top + rand() % far;
	case 1: case 2:	/* anywhere in or behind the window */
		return top > far ? top - rand() % far : (__u64)rand() % (top + 1);
	case 3:	/* its left edge */
		return top > window + 2 ? top - window - 2 + rand() % 5 : 1;
	default:
		return top + 1;
	}
}

static void against_model(bool (*takes)(struct xfrm_replay_state_esn *, __u64), __u64 from)
{
	unsigned int i, n;

	for (i = 0; i < N(windows); i++) {
		struct xfrm_replay_state_esn *r = begin(windows[i], from);

		/* What came before is known to have come. */
		for (n = 0; n <= SEEN_MAX / 2 && base + n <= from; n++)
			seen[n] = 1;
		memset(r->bmp, from ? 0xff : 0, r->bmp_len * 4);
		while (top - base < SEEN_MAX - 3 * WINDOW_MAX) {
			__u64 seq = next_number(windows[i]);
			bool should = seq && model(windows[i], seq);

			if (takes(r, seq) != should)
				fail_msg("window %u, top %llu: %llu is %s", windows[i],
					 (unsigned long long)top, (unsigned long long)seq,
					 should ? "refused" : "taken");
			if (should)
				model_accept(seq);
		}
	}
}

static void test_bitmap(void **unused)
{
	against_model(bmp_takes, 0);
	against_model(bmp_takes, 1000000);
}

static void test_extended(void **unused)
{
	against_model(esn_takes, 0);
	against_model(esn_takes, 1000000);
}

/* The lower half wraps in the middle of it. */
static void test_extended_wrap(void **unused)
{
	against_model(esn_takes, 0xffffffffULL - 20000);
	against_model(esn_takes, 0x5ffffffffULL - 20000);
}

static void test_extended_edges(void **unused)
{
	struct xfrm_replay_state_esn *r = begin(32, 0x100000005ULL);

	/* 0x100000005 down to 0xffffffe6 are inside */
	assert_int_equal(bowtie_replay_esn_hi(r, 0xffffffe6), 0);
	assert_int_equal(bowtie_replay_esn_hi(r, 5), 1);
	assert_int_equal(bowtie_replay_esn_hi(r, 0xffffffe5), 1);
	assert_true(esn_takes(r, 0xffffffe6ULL));
	assert_int_equal(bowtie_replay_check_esn(r, 0xffffffe6), BOWTIE_REPLAY_SEEN);
	assert_int_equal(r->seq, 5);
	assert_int_equal(r->seq_hi, 1);
	/* What is before it is the next round's, far ahead. */
	assert_int_equal(bowtie_replay_check_esn(r, 0xffffffe5), BOWTIE_REPLAY_OK);
}

static void test_zero(void **unused)
{
	struct xfrm_replay_state small = {};

	assert_int_equal(bowtie_replay_check(&small, 32, 0), BOWTIE_REPLAY_ZERO);
	assert_int_equal(bowtie_replay_check_bmp(begin(64, 0), 0), BOWTIE_REPLAY_ZERO);
	assert_int_equal(bowtie_replay_check_esn(begin(64, 0), 0), BOWTIE_REPLAY_ZERO);
}

static void test_none(void **unused)
{
	struct xfrm_replay_state small = { .seq = 7 };
	struct xfrm_replay_state_esn *r = begin(0, 9);

	assert_int_equal(bowtie_replay_check(&small, 0, 1), BOWTIE_REPLAY_OK);
	bowtie_replay_advance(&small, 0, 100);
	assert_int_equal(small.seq, 7);
	assert_int_equal(bowtie_replay_check_bmp(r, 1), BOWTIE_REPLAY_OK);
	assert_int_equal(bowtie_replay_check_esn(r, 1), BOWTIE_REPLAY_OK);
	bowtie_replay_advance_bmp(r, 100);
	bowtie_replay_advance_esn(r, 100);
	assert_int_equal(r->seq, 9);
}

/* The window in the state itself: 1 to 32 */
static void test_small(void **unused)
{
	__u32 window;

	for (window = 1; window <= 32; window++) {
		struct xfrm_replay_state r = {};

		begin(window, 0);
		while (top < 10000) {
			__u32 seq = next_number(window);
			bool should = seq && model(window, seq);
			bool is = bowtie_replay_check(&r, window, seq) == BOWTIE_REPLAY_OK;

			assert_int_equal(is, should);
			if (should) {
				bowtie_replay_advance(&r, window, seq);
				model_accept(seq);
			}
		}
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_bitmap),
		cmocka_unit_test(test_extended),
		cmocka_unit_test(test_extended_wrap),
		cmocka_unit_test(test_extended_edges),
		cmocka_unit_test(test_zero),
		cmocka_unit_test(test_none),
		cmocka_unit_test(test_small),
	};

	srand(4303);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
