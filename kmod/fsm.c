// SPDX-License-Identifier: GPL-2.0
/*
 * PURE: the state of a tunnel. Flows take a tunnel that is up; those that have it
 * stay on one that drains.
 *
 *                        no SA, or admin down
 *        any state ------------------------------> DOWN (no-sa, admin)
 *                                                   |          |
 *                            SA, probes             |          | SA, no probes
 *                    .------------------------------'          |
 *                    v                                         v
 *            PROBING (none) -------- an answer -------------> UP / DRAIN (admin)
 *               | \                                            |  ^  |
 *               |  `- silent, never an answer -> UP (no-answer)|  |  |
 *        silent |                                              |  |  | no flow left
 *               v                                              |  |  v
 *          DOWN (no-answer) <-------------- silent ------------'  | DRAIN (drained)
 *               |        ^                                        |
 *       answers |        | silent                                 |
 *               v        |                                        |
 *            PROBING (hold-down) --- its time is over, or needed -'
 *
 * A peer that has never answered is not judged: it may not answer probes of that kind at
 * all, and a tunnel that works is worth more than the proof. From its first answer on,
 * silence is death.
 *
 * Who has failed comes back after multiplier answers in a row (five at most), and not
 * before the hold-down is over: a second at first, twice as much with each failure, up to
 * about a minute; every half a minute without a failure takes one doubling back. Up and
 * drain differ in the administrator's wish only. Losing the SA forgets what the
 * answers said, but not the hold-down; within half a minute of coming up it is a
 * failure itself: a peer that flaps with new SAs flaps too.
 */
#include "fsm.h"

/**
 * bowtie_fsm_init() - a tunnel with nothing
 * @fsm: its state
 */
void bowtie_fsm_init(struct bowtie_fsm *fsm)
{
	*fsm = (struct bowtie_fsm){
		.admin = BOWTIE_ADMIN_UP,
		.oper = BOWTIE_OPER_DOWN,
		.reason = BOWTIE_REASON_NO_SA,
		.multiplier = 1,
	};
}

static bool takes_flows(const struct bowtie_fsm *fsm)
{
	return fsm->oper == BOWTIE_OPER_UP || fsm->oper == BOWTIE_OPER_DRAIN;
}

/* It has failed: for how long is it not to be trusted? */
static void punish(struct bowtie_fsm *fsm, __u64 now)
{
	__u64 quiet = now - fsm->up_since;

	for (; fsm->hold && quiet >= BOWTIE_HOLD_DECAY; quiet -= BOWTIE_HOLD_DECAY)
		fsm->hold = fsm->hold > BOWTIE_HOLD_MIN ? fsm->hold / 2 : 0;
	fsm->hold = fsm->hold ? fsm->hold * 2 : BOWTIE_HOLD_MIN;
	if (fsm->hold > BOWTIE_HOLD_MAX)
		fsm->hold = BOWTIE_HOLD_MAX;
	fsm->hold_until = now + fsm->hold;
	fsm->failed = true;
}

static void forget_answers(struct bowtie_fsm *fsm)
{
	fsm->alive = false;
	fsm->silent = false;
	fsm->answers = 0;
}

static void forgive(struct bowtie_fsm *fsm)
{
	fsm->failed = false;
	fsm->hold = 0;
	fsm->hold_until = 0;
	forget_answers(fsm);
}

static void answer(struct bowtie_fsm *fsm)
{
	bool failed = fsm->failed || (fsm->known && fsm->silent);

	fsm->known = true;
	if (fsm->answers < 255)
		fsm->answers++;
	/* A dead one stays so for the time being: one answer in a while is no news. */
	if (failed && fsm->answers < fsm->multiplier && fsm->answers < BOWTIE_ANSWERS_MAX)
		return;
	fsm->alive = true;
	fsm->silent = false;
}

static void silent(struct bowtie_fsm *fsm, __u64 now)
{
	if (!fsm->probes || !fsm->has_sa || fsm->admin == BOWTIE_ADMIN_DOWN)
		return;
	if (fsm->known && takes_flows(fsm))
		punish(fsm, now);
	forget_answers(fsm);
	fsm->silent = true;
}

static void take_in(struct bowtie_fsm *fsm, enum bowtie_event event, __u64 now)
{
	switch (event) {
	case BOWTIE_EV_ADMIN_UP:
	case BOWTIE_EV_ADMIN_DOWN:
		fsm->drained = false;
		fsm->admin = event == BOWTIE_EV_ADMIN_UP ? BOWTIE_ADMIN_UP : BOWTIE_ADMIN_DOWN;
		if (event == BOWTIE_EV_ADMIN_DOWN)
			forgive(fsm);
		break;
	case BOWTIE_EV_ADMIN_DRAIN:
		fsm->admin = BOWTIE_ADMIN_DRAIN;
		break;
	case BOWTIE_EV_SA_FOUND:
		fsm->has_sa = true;
		break;
	case BOWTIE_EV_SA_LOST:
		/* After a long time it is a rekeying that went wrong; soon, it is flapping. */
		if (fsm->has_sa && fsm->probes && fsm->known && takes_flows(fsm) &&
		    now - fsm->up_since < BOWTIE_HOLD_DECAY)
			punish(fsm, now);
		fsm->has_sa = false;
		forget_answers(fsm);
		break;
	case BOWTIE_EV_PROBES_ON:
		/* A tunnel that works is not taken down to see whether it does. */
		if (!fsm->probes && takes_flows(fsm))
			fsm->alive = true;
		fsm->probes = true;
		break;
	case BOWTIE_EV_PROBES_OFF:
		fsm->probes = false;
		fsm->known = false;
		forgive(fsm);
		break;
	case BOWTIE_EV_ANSWER:
		if (fsm->probes && fsm->has_sa && fsm->admin != BOWTIE_ADMIN_DOWN)
			answer(fsm);
		break;
	case BOWTIE_EV_MISSED:
		if (!fsm->alive)
			fsm->answers = 0;
		break;
	case BOWTIE_EV_SILENT:
		silent(fsm, now);
		break;
	case BOWTIE_EV_ASKED_ANEW:
		/* One that is dead stays so until it answers. */
		if (fsm->alive)
			fsm->known = false;
		break;
	case BOWTIE_EV_NEEDED:
		fsm->hold_until = now;
		break;
	case BOWTIE_EV_DRAINED:
		fsm->drained = fsm->admin == BOWTIE_ADMIN_DRAIN;
		break;
	case BOWTIE_EV_TICK:
	case __BOWTIE_EV_MAX:
		break;
	}
}

static void decide(struct bowtie_fsm *fsm, __u64 now)
{
	bool deaf = fsm->probes && !fsm->alive && fsm->silent && !fsm->known;

	fsm->reason = BOWTIE_REASON_NONE;
	if (fsm->admin == BOWTIE_ADMIN_DOWN) {
		fsm->oper = BOWTIE_OPER_DOWN;
		fsm->reason = BOWTIE_REASON_ADMIN;
	} else if (!fsm->has_sa) {
		fsm->oper = BOWTIE_OPER_DOWN;
		fsm->reason = BOWTIE_REASON_NO_SA;
	} else if (fsm->probes && !fsm->alive && !deaf) {
		/* Nobody has answered yet; or nobody does any more. */
		fsm->oper = fsm->silent ? BOWTIE_OPER_DOWN : BOWTIE_OPER_PROBING;
		if (fsm->silent)
			fsm->reason = BOWTIE_REASON_NO_ANSWER;
	} else if (fsm->probes && fsm->failed && now < fsm->hold_until) {
		fsm->oper = BOWTIE_OPER_PROBING;
		fsm->reason = BOWTIE_REASON_HOLD_DOWN;
	} else {
		fsm->failed = false;
		fsm->oper = fsm->admin == BOWTIE_ADMIN_DRAIN ? BOWTIE_OPER_DRAIN : BOWTIE_OPER_UP;
		if (fsm->admin == BOWTIE_ADMIN_DRAIN)
			fsm->reason = fsm->drained ? BOWTIE_REASON_DRAINED : BOWTIE_REASON_ADMIN;
		else if (deaf)
			fsm->reason = BOWTIE_REASON_NO_ANSWER;
	}
}

/**
 * bowtie_fsm_event() - something has happened to a tunnel
 * @fsm: its state
 * @event: what has happened
 * @now: any clock that does not go back, in ns
 *
 * The conditions (administrator, SA, probes) may be told again and again. Context: any;
 * the caller serialises. Return: true if the operational state or its reason changed.
 */
bool bowtie_fsm_event(struct bowtie_fsm *fsm, enum bowtie_event event, __u64 now)
{
	__u8 oper = fsm->oper, reason = fsm->reason;
	bool took_flows = takes_flows(fsm);

	take_in(fsm, event, now);
	decide(fsm, now);
	if (!took_flows && takes_flows(fsm))
		fsm->up_since = now;
	return oper != fsm->oper || reason != fsm->reason;
}
