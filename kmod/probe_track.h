/* SPDX-License-Identifier: GPL-2.0 */
#ifndef _BOWTIE_PROBE_TRACK_H
#define _BOWTIE_PROBE_TRACK_H

/* PURE: builds into the hosted unit tests with nothing else. */
#include <linux/types.h>
#ifndef __KERNEL__
#include <stdbool.h>
#endif

/* Probes that are remembered; a power of two. */
#define BOWTIE_PROBE_RING	64

/* Inbound packets stand in for an answer for so many intervals. */
#define BOWTIE_PROBE_DEFER	3

/**
 * struct bowtie_probe_slot - one probe
 * @sent: when, in ns; 0: none was sent
 * @rtt: until its answer came, in ns; 0: it has not
 * @second: went by the older SA
 */
struct bowtie_probe_slot {
	__u64 sent;
	__u32 rtt;
	bool second;
};

/**
 * struct bowtie_probe_track - the probes of a tunnel and what they tell
 * @interval: between probes, in ns
 * @multiplier: silent intervals that mean death
 * @seq: of the next probe
 * @start: when probing began, in ns; silence is counted from there at first
 * @answered: when the latest answer to a probe by the SA in use came, in ns, or 0
 * @answered_second: when the latest probe by the other SA that was answered was sent
 * @inbound: when the latest inbound packet was seen that may stand in for an answer
 * @waiting: when the oldest probe since @answered was sent, in ns, or 0
 * @excused: how long since @answered the prober itself was held up, in ns
 * @unanswered: probes by the SA in use since @answered
 * @rtt: latest round trip, in ns
 * @srtt: smoothed (RFC 6298), in ns; 0: none yet
 * @rttvar: its variation (RFC 6298), in ns
 * @jitter: smoothed difference of successive round trips (RFC 3550, 6.4.1), in ns
 * @ring: the latest probes, by sequence number
 *
 * Times are of one clock that does not go back, and not 0.
 */
struct bowtie_probe_track {
	__u64 interval;
	__u32 multiplier;
	__u32 seq;
	__u64 start;
	__u64 answered;
	__u64 answered_second;
	__u64 inbound;
	__u64 waiting;
	__u64 excused;
	__u32 unanswered;
	__u32 rtt;
	__u32 srtt;
	__u32 rttvar;
	__u32 jitter;
	struct bowtie_probe_slot ring[BOWTIE_PROBE_RING];
};

/**
 * struct bowtie_probe_summary - what is shown of the latest probes
 * @rtt: latest round trip, in ns; 0: none yet
 * @min: shortest in the ring, in ns
 * @avg: smoothed, in ns
 * @jitter: smoothed, in ns
 * @sent: how many in the ring are answered or old enough to be lost
 * @loss: share of those that are not answered, in 1/1000
 */
struct bowtie_probe_summary {
	__u32 rtt;
	__u32 min;
	__u32 avg;
	__u32 jitter;
	__u32 sent;
	__u32 loss;
};

enum bowtie_probe_verdict {
	BOWTIE_PROBE_WAIT,	/* nothing is known yet, or all is well */
	BOWTIE_PROBE_SECOND,	/* only the older SA brings answers */
	BOWTIE_PROBE_DEAD,
};

void bowtie_probe_track_init(struct bowtie_probe_track *p, __u64 interval, __u32 multiplier,
			     __u64 now);
void bowtie_probe_track_inbound(struct bowtie_probe_track *p, __u64 when);
void bowtie_probe_track_late(struct bowtie_probe_track *p, __u64 late);
bool bowtie_probe_track_due(const struct bowtie_probe_track *p, __u64 now);
bool bowtie_probe_track_missed(const struct bowtie_probe_track *p, __u64 now);
bool bowtie_probe_track_try_second(const struct bowtie_probe_track *p, __u64 now);
__u32 bowtie_probe_track_send(struct bowtie_probe_track *p, bool second, __u64 now);
bool bowtie_probe_track_answer(struct bowtie_probe_track *p, __u32 seq, __u64 now);
enum bowtie_probe_verdict bowtie_probe_track_verdict(const struct bowtie_probe_track *p,
						     __u64 now);
__u64 bowtie_probe_track_deadline(const struct bowtie_probe_track *p);
void bowtie_probe_track_restart(struct bowtie_probe_track *p, __u64 now);
void bowtie_probe_track_summary(const struct bowtie_probe_track *p, __u64 now,
				struct bowtie_probe_summary *s);

#endif /* _BOWTIE_PROBE_TRACK_H */
