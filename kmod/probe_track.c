// SPDX-License-Identifier: GPL-2.0
/*
 * PURE: which probes are out, what their answers tell, and when silence is death.
 *
 * Life is a round trip. Packets from the peer show that half of the way works: they
 * put a probe off, and count as a sign of life for three intervals after the latest
 * answer, no more, so that a busy tunnel costs a third of the probes and a blackhole
 * of our own packets is found all the same. Once a probe waits for its answer, the
 * next ones go out at every interval.
 *
 * A tunnel is dead if there was no sign of life for multiplier x interval, at least
 * two probes wait, and the oldest has waited longer than an answer takes (RFC 6298's
 * timeout; a second while no round trip is known).
 */
#include "probe_track.h"

#ifdef __KERNEL__
#include <linux/limits.h>
#include <linux/string.h>
#else
#include <limits.h>
#include <string.h>
#endif

/* Timeout while no round trip is known, and its bounds after that, in ns */
#define RTO_FIRST	1000000000ULL
#define RTO_MIN		1000000ULL
#define RTO_MAX		10000000000ULL

/**
 * bowtie_probe_track_init() - begin to probe
 * @p: to be filled in
 * @interval: between probes, in ns
 * @multiplier: silent intervals that mean death
 * @now: the time, in ns
 */
void bowtie_probe_track_init(struct bowtie_probe_track *p, __u64 interval, __u32 multiplier,
			     __u64 now)
{
	memset(p, 0, sizeof(*p));
	p->interval = interval;
	p->multiplier = multiplier;
	p->start = now;
}

/**
 * bowtie_probe_track_restart() - count silence from now on
 * @p: the probes
 * @now: the time, in ns
 *
 * What is out may still be answered; the round trips stay known.
 */
void bowtie_probe_track_restart(struct bowtie_probe_track *p, __u64 now)
{
	p->start = now;
	p->answered = 0;
	p->answered_second = 0;
	p->inbound = 0;
	p->waiting = 0;
	p->excused = 0;
	p->unanswered = 0;
}

static __u64 rto(const struct bowtie_probe_track *p)
{
	__u64 timeout;

	if (!p->srtt)
		return RTO_FIRST;
	timeout = p->srtt + 4ULL * p->rttvar;
	if (timeout < RTO_MIN)
		return RTO_MIN;
	return timeout > RTO_MAX ? RTO_MAX : timeout;
}

static __u64 later(__u64 a, __u64 b)
{
	return a > b ? a : b;
}

/* The latest sign of life. */
static __u64 sign(const struct bowtie_probe_track *p)
{
	__u64 answered = later(p->answered, p->start);
	__u64 cap = answered + BOWTIE_PROBE_DEFER * p->interval;

	return later(answered, p->inbound < cap ? p->inbound : cap);
}

/**
 * bowtie_probe_track_inbound() - the peer has sent something authentic
 * @p: the probes
 * @when: the time of the latest packet, in ns
 */
void bowtie_probe_track_inbound(struct bowtie_probe_track *p, __u64 when)
{
	p->inbound = later(p->inbound, when);
}

/**
 * bowtie_probe_track_late() - the prober was held up
 * @p: the probes
 * @late: for how long, in ns
 *
 * A machine that stood still (a hypervisor has taken its CPUs away, say) has heard nothing
 * from any tunnel, and the answers may be waiting. What counts as silence is the rest.
 */
void bowtie_probe_track_late(struct bowtie_probe_track *p, __u64 late)
{
	if (late > p->interval / 2)
		p->excused += late;
}

/**
 * bowtie_probe_track_due() - is a probe to be sent at this interval?
 * @p: the probes
 * @now: the time, in ns
 */
bool bowtie_probe_track_due(const struct bowtie_probe_track *p, __u64 now)
{
	/* Half an interval of grace: the intervals jitter. */
	__u64 enough = BOWTIE_PROBE_DEFER * p->interval - p->interval / 2;

	if (!p->answered || p->waiting || !p->inbound || now - p->inbound >= p->interval)
		return true;
	return now - p->answered >= enough;
}

/**
 * bowtie_probe_track_missed() - have answers failed to come?
 * @p: the probes
 * @now: the time, in ns
 *
 * More than one, and not only because a round trip takes longer than an interval.
 */
bool bowtie_probe_track_missed(const struct bowtie_probe_track *p, __u64 now)
{
	return p->unanswered > 1 && now - p->waiting > rto(p);
}

/**
 * bowtie_probe_track_try_second() - is the older SA to be tried, too?
 * @p: the probes
 * @now: the time, in ns
 *
 * As soon as an answer is later than usual: at the verdict it is known then whether it helps.
 */
bool bowtie_probe_track_try_second(const struct bowtie_probe_track *p, __u64 now)
{
	return p->waiting && now - p->waiting >= p->srtt;
}

/**
 * bowtie_probe_track_send() - a probe goes out
 * @p: the probes
 * @second: it goes by the older SA
 * @now: the time, in ns
 *
 * Return: its sequence number.
 */
__u32 bowtie_probe_track_send(struct bowtie_probe_track *p, bool second, __u64 now)
{
	p->ring[p->seq % BOWTIE_PROBE_RING] = (struct bowtie_probe_slot){
		.sent = now,
		.second = second,
	};
	if (!second) {
		p->unanswered++;
		if (!p->waiting)
			p->waiting = now;
	}
	return p->seq++;
}

/* RFC 6298, 2.2 and 2.3, and RFC 3550, 6.4.1 */
static void measure(struct bowtie_probe_track *p, __u32 rtt)
{
	__u32 d;

	if (p->srtt) {
		d = rtt > p->srtt ? rtt - p->srtt : p->srtt - rtt;
		p->rttvar = p->rttvar - p->rttvar / 4 + d / 4;
		p->srtt = p->srtt - p->srtt / 8 + rtt / 8;
		d = rtt > p->rtt ? rtt - p->rtt : p->rtt - rtt;
		p->jitter = p->jitter - p->jitter / 16 + d / 16;
	} else {
		p->srtt = rtt;
		p->rttvar = rtt / 2;
	}
	p->rtt = rtt;
}

/**
 * bowtie_probe_track_answer() - an answer has come
 * @p: the probes
 * @seq: of the probe that it answers; its authenticity has been checked
 * @now: the time, in ns
 *
 * It is about the SA in use if @p->answered is @now afterwards.
 * Return: false if it proves nothing: it is late, the second one, or answers no probe.
 */
bool bowtie_probe_track_answer(struct bowtie_probe_track *p, __u32 seq, __u64 now)
{
	struct bowtie_probe_slot *slot = &p->ring[seq % BOWTIE_PROBE_RING];
	__u64 limit = later(p->interval * p->multiplier, later(rto(p), RTO_FIRST));
	__u64 rtt;

	if (p->seq - seq - 1 >= BOWTIE_PROBE_RING || !slot->sent || slot->rtt)
		return false;
	rtt = now - slot->sent;
	if (rtt > limit)
		return false;
	slot->rtt = rtt > UINT_MAX ? UINT_MAX : rtt ? (__u32)rtt : 1;
	measure(p, slot->rtt);
	if (slot->second) {
		p->answered_second = slot->sent;
		return true;
	}
	p->answered = now;
	p->waiting = 0;
	p->excused = 0;
	p->unanswered = 0;
	return true;
}

/**
 * bowtie_probe_track_deadline() - when silence will be death, if it lasts
 * @p: the probes
 *
 * Return: a time in ns; it moves on as probes are sent and answered.
 */
__u64 bowtie_probe_track_deadline(const struct bowtie_probe_track *p)
{
	__u64 silence = sign(p) + p->interval * p->multiplier, since_asked;

	if (!p->waiting)
		return silence + p->excused;
	/* Once it has been asked, what the peer says by itself delays the verdict no more. */
	since_asked = later(later(p->answered, p->start) + p->interval * p->multiplier,
			    p->waiting + p->interval * (p->multiplier - 1));
	if (silence > since_asked)
		silence = since_asked;
	return later(silence, p->waiting + rto(p)) + p->excused;
}

/**
 * bowtie_probe_track_verdict() - is it dead by now?
 * @p: the probes
 * @now: the time, in ns
 */
enum bowtie_probe_verdict bowtie_probe_track_verdict(const struct bowtie_probe_track *p,
						     __u64 now)
{
	if (!p->waiting || p->unanswered < 2 || now < bowtie_probe_track_deadline(p))
		return BOWTIE_PROBE_WAIT;
	return p->answered_second > p->waiting ? BOWTIE_PROBE_SECOND : BOWTIE_PROBE_DEAD;
}

/**
 * bowtie_probe_track_summary() - what the latest probes tell, for people
 * @p: the probes
 * @now: the time, in ns
 * @s: result
 */
void bowtie_probe_track_summary(const struct bowtie_probe_track *p, __u64 now,
				struct bowtie_probe_summary *s)
{
	__u64 timeout = later(rto(p), p->interval);
	__u32 i, lost = 0;

	*s = (struct bowtie_probe_summary){
		.rtt = p->rtt,
		.avg = p->srtt,
		.jitter = p->jitter,
	};
	for (i = 0; i < BOWTIE_PROBE_RING; i++) {
		const struct bowtie_probe_slot *slot = &p->ring[i];

		if (!slot->sent || (!slot->rtt && now - slot->sent < timeout))
			continue;
		/* The older SA need not work. */
		if (slot->second && !slot->rtt)
			continue;
		s->sent++;
		if (!slot->rtt)
			lost++;
		else if (!s->min || slot->rtt < s->min)
			s->min = slot->rtt;
	}
	if (s->sent)
		s->loss = lost * 1000 / s->sent;
}
