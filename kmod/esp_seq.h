/* SPDX-License-Identifier: GPL-2.0 */
#ifndef _BOWTIE_ESP_SEQ_H
#define _BOWTIE_ESP_SEQ_H

#include <linux/jiffies.h>
#include <net/xfrm.h>

#include "esp.h"
#include "netns.h"
#include "replay.h"
#include "sa.h"

/*
 * Sequence numbers of an xfrm_state, which xfrm takes and checks too. They make the nonces
 * of the counter modes: there is no other source of them, and none is used twice.
 */

/*
 * Somebody wants to be told of every number: that is for xfrm. It is asked once a jiffy, as
 * asking costs as much as the whole window: who has just begun to listen may miss as much.
 */
static inline bool bowtie_seq_watched(const struct bowtie_sa *sa)
{
	unsigned long now = jiffies * 2, known = READ_ONCE(sa->bn->watched);

	/* not when, but whether it is another jiffy */
	if (unlikely((known ^ now) & ~1UL)) {
		known = now | !!xfrm_aevent_is_on(sa->bn->net);
		WRITE_ONCE(sa->bn->watched, known);
	}
	return known & 1;
}

/**
 * bowtie_seq_take() - take sequence numbers for packets to send
 * @x: outbound state; x->lock held
 * @n: how many
 * @first: result: the first one; the others follow
 *
 * Return: false if xfrm has to do it: at a wrap.
 */
static inline bool bowtie_seq_take(struct xfrm_state *x, u32 n, u64 *first)
{
	struct xfrm_replay_state_esn *esn = x->replay_esn;
	u32 *oseq = x->repl_mode == XFRM_REPLAY_MODE_LEGACY ? &x->replay.oseq : &esn->oseq;
	u32 hi = x->repl_mode == XFRM_REPLAY_MODE_ESN ? esn->oseq_hi : 0;

	if (unlikely(*oseq > U32_MAX - n))
		return false;
	*first = (u64)hi << 32 | (*oseq + 1);
	*oseq += n;
	return true;
}

/* Upper half of a received number's extension, or 0. Confirmed by bowtie_seq_accept(). */
static inline u32 bowtie_seq_hi(const struct xfrm_state *x, u32 seq)
{
	return x->repl_mode == XFRM_REPLAY_MODE_ESN ?
		bowtie_replay_esn_hi(x->replay_esn, seq) : 0;
}

/**
 * bowtie_seq_check() - is a received number new?
 * @x: inbound state
 * @seq: the number's lower half
 *
 * Context: x->lock, or none: then ask again under it before it counts.
 */
static inline enum bowtie_replay bowtie_seq_check(const struct xfrm_state *x, u32 seq)
{
	switch (x->repl_mode) {
	case XFRM_REPLAY_MODE_ESN:
		return bowtie_replay_check_esn(x->replay_esn, seq);
	case XFRM_REPLAY_MODE_BMP:
		return bowtie_replay_check_bmp(x->replay_esn, seq);
	default:
		return bowtie_replay_check(&x->replay, x->props.replay_window, seq);
	}
}

/**
 * bowtie_seq_accept() - an authenticated packet has this number
 * @x: inbound state; x->lock held
 * @seq: the number's lower half
 * @hi: the upper half that it was authenticated with
 *
 * Return: BOWTIE_REPLAY_OK, and it will not be taken again; else it is to be dropped.
 */
static inline enum bowtie_replay bowtie_seq_accept(struct xfrm_state *x, u32 seq, u32 hi)
{
	struct xfrm_replay_state_esn *esn = x->replay_esn;
	enum bowtie_replay verdict;

	switch (x->repl_mode) {
	case XFRM_REPLAY_MODE_ESN:
		if (unlikely(bowtie_replay_esn_hi(esn, seq) != hi))
			return BOWTIE_REPLAY_OLD;
		verdict = bowtie_replay_check_esn(esn, seq);
		if (likely(verdict == BOWTIE_REPLAY_OK))
			bowtie_replay_advance_esn(esn, seq);
		break;
	case XFRM_REPLAY_MODE_BMP:
		verdict = bowtie_replay_check_bmp(esn, seq);
		if (likely(verdict == BOWTIE_REPLAY_OK))
			bowtie_replay_advance_bmp(esn, seq);
		break;
	default:
		verdict = bowtie_replay_check(&x->replay, x->props.replay_window, seq);
		if (likely(verdict == BOWTIE_REPLAY_OK))
			bowtie_replay_advance(&x->replay, x->props.replay_window, seq);
	}
	return verdict;
}

#endif /* _BOWTIE_ESP_SEQ_H */
