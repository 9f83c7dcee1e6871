/* SPDX-License-Identifier: GPL-2.0 */
#ifndef _BOWTIE_FSM_H
#define _BOWTIE_FSM_H

/* PURE: builds into the hosted unit tests with nothing else. */
#include <linux/types.h>
#ifndef __KERNEL__
#include <stdbool.h>
#endif
#include <linux/bowtie.h>

/* What can happen to a tunnel. */
enum bowtie_event {
	BOWTIE_EV_ADMIN_UP,
	BOWTIE_EV_ADMIN_DOWN,
	BOWTIE_EV_ADMIN_DRAIN,
	BOWTIE_EV_SA_FOUND,	/* there is an SA to send by */
	BOWTIE_EV_SA_LOST,
	BOWTIE_EV_PROBES_ON,
	BOWTIE_EV_PROBES_OFF,
	BOWTIE_EV_ANSWER,	/* a round trip */
	BOWTIE_EV_MISSED,	/* an answer is overdue */
	BOWTIE_EV_SILENT,	/* none for multiplier x interval */
	BOWTIE_EV_ASKED_ANEW,	/* another peer, or in another way */
	BOWTIE_EV_TICK,		/* time has passed, no more */
	BOWTIE_EV_NEEDED,	/* no other tunnel is left: do not hold this one down */
	BOWTIE_EV_DRAINED,	/* no flow is left on it */

	__BOWTIE_EV_MAX,
};

/**
 * struct bowtie_fsm - the state of a tunnel
 * @admin: enum bowtie_admin_state
 * @oper: enum bowtie_oper_state
 * @reason: enum bowtie_reason
 * @has_sa: there is an SA to send by
 * @probes: the state depends on answers
 * @known: the peer has answered since probing began: from then on silence counts
 * @alive: the peer answers
 * @silent: it does not; neither while it is not known which
 * @drained: no flow is left; only while @admin is drain
 * @failed: it has gone silent while it took flows
 * @answers: in a row, up to @multiplier
 * @multiplier: answers in a row that bring a failed tunnel back, if fewer than
 *	BOWTIE_ANSWERS_MAX
 * @hold: hold-down that the latest failure has earned, in ns, or 0
 * @hold_until: end of it, on the caller's clock, in ns
 * @up_since: when it came up last, on the same clock
 */
struct bowtie_fsm {
	__u8 admin;
	__u8 oper;
	__u8 reason;
	bool has_sa;
	bool probes;
	bool known;
	bool alive;
	bool silent;
	bool drained;
	bool failed;
	__u8 answers;
	__u8 multiplier;
	__u64 hold;
	__u64 hold_until;
	__u64 up_since;
};

/* The first hold-down, its bound, and how long without failure takes one doubling back. */
#define BOWTIE_HOLD_MIN		(1000000000ULL)
#define BOWTIE_HOLD_MAX		(64 * BOWTIE_HOLD_MIN)
#define BOWTIE_HOLD_DECAY	(30 * BOWTIE_HOLD_MIN)
/* Who tolerates many losses does not ask for as many answers without one. */
#define BOWTIE_ANSWERS_MAX	5

void bowtie_fsm_init(struct bowtie_fsm *fsm);
bool bowtie_fsm_event(struct bowtie_fsm *fsm, enum bowtie_event event, __u64 now);

#endif /* _BOWTIE_FSM_H */
