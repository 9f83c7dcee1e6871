/* SPDX-License-Identifier: GPL-2.0 */
#ifndef _BOWTIE_REPLAY_H
#define _BOWTIE_REPLAY_H

/* PURE: builds into the hosted unit tests with nothing else. */
#include <linux/types.h>
#include <linux/xfrm.h>
#ifndef __KERNEL__
#include <stdbool.h>
#endif

/* What a window says of a sequence number. */
enum bowtie_replay {
	BOWTIE_REPLAY_OK,
	BOWTIE_REPLAY_ZERO,	/* a number that is never sent */
	BOWTIE_REPLAY_OLD,	/* before the window, or not what was authenticated */
	BOWTIE_REPLAY_SEEN,
};

__u32 bowtie_replay_esn_hi(const struct xfrm_replay_state_esn *r, __u32 seq);

enum bowtie_replay bowtie_replay_check(const struct xfrm_replay_state *r, __u8 window, __u32 seq);
enum bowtie_replay bowtie_replay_check_bmp(const struct xfrm_replay_state_esn *r, __u32 seq);
enum bowtie_replay bowtie_replay_check_esn(const struct xfrm_replay_state_esn *r, __u32 seq);

void bowtie_replay_advance(struct xfrm_replay_state *r, __u8 window, __u32 seq);
void bowtie_replay_advance_bmp(struct xfrm_replay_state_esn *r, __u32 seq);
void bowtie_replay_advance_esn(struct xfrm_replay_state_esn *r, __u32 seq);

#endif /* _BOWTIE_REPLAY_H */
