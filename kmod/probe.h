/* SPDX-License-Identifier: GPL-2.0 */
#ifndef _BOWTIE_PROBE_H
#define _BOWTIE_PROBE_H

#include <linux/hrtimer.h>
#include <linux/siphash.h>
#include <linux/types.h>

#include "probe_track.h"

struct bowtie_tunnel;
struct bowtie_tunnel_conf;
struct sk_buff;

/**
 * struct bowtie_probe - the probing of a tunnel
 * @timer: fires at every interval, and when silence becomes death
 * @key: secret; what is in a probe that an answer has to bring back comes from it
 * @id: ICMP identifier
 * @port: first of BOWTIE_PROBE_RING TCP ports, one for each slot
 * @on: the timer is to go on; tunnel->lock
 * @next: when the next probe is due, in ns; tunnel->lock
 * @packets: inbound packets seen so far, beside probes; tunnel->lock
 * @consumed: probes and answers among the inbound packets; tunnel->lock
 * @asked: order of the SA that the latest probe went by; tunnel->lock
 * @track: what is out and what it tells; tunnel->lock
 */
struct bowtie_probe {
	struct hrtimer timer;
	siphash_key_t key;
	u16 id;
	u16 port;
	bool on;
	u64 next;
	u64 packets;
	u64 consumed;
	u64 asked;
	struct bowtie_probe_track track;
};

/* probe.c */
void bowtie_probe_init(struct bowtie_tunnel *t);
void bowtie_probe_update(struct bowtie_tunnel *t, const struct bowtie_tunnel_conf *conf, bool on);
void bowtie_probe_stop(struct bowtie_tunnel *t);
bool bowtie_probe_rx(struct bowtie_tunnel *t, const struct bowtie_tunnel_conf *conf,
		     struct sk_buff *skb, bool v6);

/* What a probe of a sequence number has to carry. */
static inline u64 bowtie_probe_cookie(const struct bowtie_probe *probe, u32 seq)
{
	return siphash_1u32(seq, &probe->key);
}

/**
 * struct bowtie_probe_seen - what a packet from the peer is to the prober
 * @kind: what to do with it
 * @seq: of the probe that it answers
 */
struct bowtie_probe_seen {
	enum {
		BOWTIE_SEEN_OTHER,	/* the stack's */
		BOWTIE_SEEN_REQUEST,	/* a Bowtie's, to be sent back */
		BOWTIE_SEEN_ANSWER,
		BOWTIE_SEEN_FORGED,	/* looks like an answer, without the cookie */
	} kind;
	u32 seq;
};

/* probe_pkt.c */
struct sk_buff *bowtie_probe_build(const struct bowtie_probe *probe,
				   const struct bowtie_tunnel_conf *conf, u32 seq, u64 now,
				   bool *v6);
struct sk_buff *bowtie_probe_reply(const struct bowtie_tunnel_conf *conf, struct sk_buff *skb,
				   bool v6);
struct bowtie_probe_seen bowtie_probe_parse(const struct bowtie_probe *probe,
					    const struct bowtie_tunnel_conf *conf,
					    struct sk_buff *skb, bool v6, u32 next_seq);
bool bowtie_probe_possible(const struct bowtie_tunnel_conf *conf);

#endif /* _BOWTIE_PROBE_H */
