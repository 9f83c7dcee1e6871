/* SPDX-License-Identifier: GPL-2.0 */
#ifndef _BOWTIE_ESP_SEQ_H
#define _BOWTIE_ESP_SEQ_H

#include <net/xfrm.h>

#include "esp.h"
#include "replay.h"

/*
 * Sequence numbers of an xfrm_state, which xfrm takes and checks too. They make the nonces
 * of the counter modes: there is no other source of them, and none is used twice.
 */

/* Somebody wants to be told of every number: that is for xfrm. */
static inline bool bowtie_seq_watched(struct xfrm_state *x)
{
	return xfrm_aevent_is_on(xs_net(x));
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
	enum bowtie_replay verdict;

	if (unlikely(bowtie_seq_hi(x, seq) != hi))
		return BOWTIE_REPLAY_OLD;
	verdict = bowtie_seq_check(x, seq);
	if (unlikely(verdict != BOWTIE_REPLAY_OK))
		return verdict;
	switch (x->repl_mode) {
	case XFRM_REPLAY_MODE_ESN:
		bowtie_replay_advance_esn(x->replay_esn, seq);
		break;
	case XFRM_REPLAY_MODE_BMP:
		bowtie_replay_advance_bmp(x->replay_esn, seq);
		break;
	default:
		bowtie_replay_advance(&x->replay, x->props.replay_window, seq);
	}
	return BOWTIE_REPLAY_OK;
}

#endif /* _BOWTIE_ESP_SEQ_H */
