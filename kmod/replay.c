// SPDX-License-Identifier: GPL-2.0
/*
 * PURE: the anti-replay window of an SA (RFC 4303, 3.4.3 and appendix A). The window is
 * the xfrm_state's own and xfrm works on it too, so the bits are where xfrm_replay.c looks
 * for them: that of the right edge, the highest number received, is its lower half less 1,
 * modulo the window, and the others are beside it.
 *
 * With a window that is no power of two this place jumps when the lower half wraps, and
 * between 0, where an SA begins, and 1. xfrm loses track then: it takes an SA's first packet
 * twice. Here the bits are moved along.
 */
#include "replay.h"

#ifdef __KERNEL__
#include <linux/compiler.h>
#else
#define READ_ONCE(x)	(*(const volatile __typeof__(x) *)&(x))
#endif

/*
 * The bit of the number that is @back behind @top, the right edge; @back < @window, which is
 * not read again: without the lock it may become another one meanwhile.
 */
static __u32 bit_behind(__u32 top, __u32 window, __u32 back)
{
	__u32 pos = (top - 1) % window;

	return pos >= back ? pos - back : window - (back - pos);
}

static bool bit_is_set(const struct xfrm_replay_state_esn *r, __u32 bit)
{
	return r->bmp[bit >> 5] & (1U << (bit & 31));
}

static void reverse(__u32 *bmp, __u32 from, __u32 to)
{
	for (; from < to; from++, to--) {
		__u32 a = bmp[from >> 5] >> (from & 31) & 1, b = bmp[to >> 5] >> (to & 31) & 1;

		if (a != b) {
			bmp[from >> 5] ^= 1U << (from & 31);
			bmp[to >> 5] ^= 1U << (to & 31);
		}
	}
}

/* Turn the ring of bits so that what is at @from comes to @to. */
static void turn(struct xfrm_replay_state_esn *r, __u32 from, __u32 to)
{
	__u32 window = r->replay_window, by = to > from ? to - from : window - (from - to);

	reverse(r->bmp, 0, window - 1);
	reverse(r->bmp, 0, by - 1);
	reverse(r->bmp, by, window - 1);
}

/* Move the right edge to @seq, @ahead of where it is, which is not 0. */
static void shift(struct xfrm_replay_state_esn *r, __u32 seq, __u32 ahead)
{
	__u32 window = r->replay_window, bit = (r->seq - 1) % window, i;

	r->seq = seq;
	if (ahead >= window) {
		for (i = 0; i <= (window - 1) >> 5; i++)
			r->bmp[i] = 0;
		bit = (seq - 1) % window;
	} else {
		for (i = 1; i < ahead; i++) {
			if (++bit == window)
				bit = 0;
			r->bmp[bit >> 5] &= ~(1U << (bit & 31));
		}
		if (++bit == window)
			bit = 0;
	}
	r->bmp[bit >> 5] |= 1U << (bit & 31);
	if ((window & (window - 1)) && bit != (seq - 1) % window)
		turn(r, bit, (seq - 1) % window);
}

static void set_behind(struct xfrm_replay_state_esn *r, __u32 back)
{
	__u32 bit = bit_behind(r->seq, r->replay_window, back);

	r->bmp[bit >> 5] |= 1U << (bit & 31);
}

/**
 * bowtie_replay_esn_hi() - upper half of an extended sequence number (RFC 4303, A2.2)
 * @r: the SA's window
 * @seq: lower half, as received
 *
 * Context: any; without the SA's lock it is a guess that has to be confirmed under it.
 */
__u32 bowtie_replay_esn_hi(const struct xfrm_replay_state_esn *r, __u32 seq)
{
	__u32 bottom = r->seq - r->replay_window + 1;

	if (r->seq >= r->replay_window - 1)
		return seq < bottom ? r->seq_hi + 1 : r->seq_hi;
	/* The window spans two subspaces. */
	return seq >= bottom ? r->seq_hi - 1 : r->seq_hi;
}

/**
 * bowtie_replay_check() - is it new? For a window of at most 32, kept in the state
 * @r: the window
 * @window: its size; 0: anything goes
 * @seq: number received
 *
 * Context: the SA's lock; without it "no" may be wrong, and so may "yes".
 */
enum bowtie_replay bowtie_replay_check(const struct xfrm_replay_state *r, __u8 window, __u32 seq)
{
	__u32 back;

	if (!window)
		return BOWTIE_REPLAY_OK;
	if (!seq)
		return BOWTIE_REPLAY_ZERO;
	if (seq > r->seq)
		return BOWTIE_REPLAY_OK;
	back = r->seq - seq;
	if (back >= window)
		return BOWTIE_REPLAY_OLD;
	return r->bitmap & (1U << back) ? BOWTIE_REPLAY_SEEN : BOWTIE_REPLAY_OK;
}

/**
 * bowtie_replay_check_bmp() - the same for a window of any size
 * @r: the window
 * @seq: number received
 */
enum bowtie_replay bowtie_replay_check_bmp(const struct xfrm_replay_state_esn *r, __u32 seq)
{
	__u32 window = READ_ONCE(r->replay_window), top = READ_ONCE(r->seq), back = top - seq;

	if (!window)
		return BOWTIE_REPLAY_OK;
	if (!seq)
		return BOWTIE_REPLAY_ZERO;
	if (seq > top)
		return BOWTIE_REPLAY_OK;
	if (back >= window)
		return BOWTIE_REPLAY_OLD;
	return bit_is_set(r, bit_behind(top, window, back)) ? BOWTIE_REPLAY_SEEN : BOWTIE_REPLAY_OK;
}

/**
 * bowtie_replay_check_esn() - the same with extended sequence numbers
 * @r: the window
 * @seq: lower half of the number received; the upper half is bowtie_replay_esn_hi()
 */
enum bowtie_replay bowtie_replay_check_esn(const struct xfrm_replay_state_esn *r, __u32 seq)
{
	__u32 window = READ_ONCE(r->replay_window), top = READ_ONCE(r->seq);
	__u32 bottom = top - window + 1;
	__u32 back = top - seq;

	if (!window)
		return BOWTIE_REPLAY_OK;
	if (!seq && !bowtie_replay_esn_hi(r, seq))
		return BOWTIE_REPLAY_ZERO;
	if (top >= window - 1) {
		if (seq > top || seq < bottom)
			return BOWTIE_REPLAY_OK;
	} else if (seq > top && seq < bottom) {
		return BOWTIE_REPLAY_OK;
	}
	if (back >= window)
		return BOWTIE_REPLAY_OLD;
	return bit_is_set(r, bit_behind(top, window, back)) ? BOWTIE_REPLAY_SEEN : BOWTIE_REPLAY_OK;
}

/**
 * bowtie_replay_advance() - a number has been received and authenticated
 * @r: a window of at most 32, for which bowtie_replay_check() said OK
 * @window: its size
 * @seq: the number
 *
 * Context: the SA's lock, held since the check. So for the other two.
 */
void bowtie_replay_advance(struct xfrm_replay_state *r, __u8 window, __u32 seq)
{
	if (!window)
		return;
	if (seq > r->seq) {
		__u32 ahead = seq - r->seq;

		r->bitmap = ahead < window ? r->bitmap << ahead | 1 : 1;
		r->seq = seq;
	} else {
		r->bitmap |= 1U << (r->seq - seq);
	}
}

/**
 * bowtie_replay_advance_bmp() - the same for a window of any size
 * @r: the window
 * @seq: the number
 */
void bowtie_replay_advance_bmp(struct xfrm_replay_state_esn *r, __u32 seq)
{
	if (!r->replay_window)
		return;
	if (seq > r->seq)
		shift(r, seq, seq - r->seq);
	else
		set_behind(r, r->seq - seq);
}

/**
 * bowtie_replay_advance_esn() - the same with extended sequence numbers
 * @r: the window
 * @seq: lower half of the number
 */
void bowtie_replay_advance_esn(struct xfrm_replay_state_esn *r, __u32 seq)
{
	__s32 wrap;

	if (!r->replay_window)
		return;
	wrap = bowtie_replay_esn_hi(r, seq) - r->seq_hi;
	if (wrap > 0 || (!wrap && seq > r->seq)) {
		/* Modulo 2^32 also across the wrap. */
		shift(r, seq, seq - r->seq);
		if (wrap > 0)
			r->seq_hi++;
	} else {
		set_behind(r, r->seq - seq);
	}
}
