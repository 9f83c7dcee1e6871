/* SPDX-License-Identifier: GPL-2.0 */
#ifndef _BOWTIE_ESP_H
#define _BOWTIE_ESP_H

#include <crypto/aead.h>
#include <linux/scatterlist.h>
#include <linux/skbuff.h>
#include <net/xfrm.h>

struct bowtie_net;
struct bowtie_sa;
struct bowtie_tunnel;
struct bowtie_tunnel_conf;

#define BOWTIE_ESP_IV_MAX	16
#define BOWTIE_ESP_BLOCK_MAX	64
/* What a request and an initialisation vector have to be aligned to at most. */
#define BOWTIE_ESP_ALIGN	64
/* A linear part and so many page fragments are decrypted where they are. */
#define BOWTIE_ESP_FRAGS_MAX	4

/**
 * struct bowtie_esp - what the fast path knows of an SA
 * @aead: the SA's own transform, or the one inside of it if @counts; valid as long as the
 *	state is
 * @salt: what makes the initialisation vector of a sequence number, if @counts
 * @counts: the SA's initialisation vectors are salted sequence numbers (the seqiv
 *	template), which is done here
 * @ivlen: bytes of initialisation vector in each packet
 * @alen: bytes of integrity check value
 * @block: what the ciphertext is a multiple of, in bytes
 * @esn: sequence numbers have 64 bits
 * @ident: what the identification of outer IPv4 packets begins with
 */
struct bowtie_esp {
	struct crypto_aead *aead;
	u64 salt;
	bool counts;
	u8 ivlen;
	u8 alen;
	u8 block;
	bool esn;
	u16 ident;
};

/**
 * struct bowtie_esp_job - memory for one call of the transform
 * @sg: a packet in pieces
 * @linear: a packet in one piece; its end is marked once and for all
 * @iv: initialisation vector, as the IV generator wants it
 * @room: bytes that there are behind @req
 * @state: who finishes the packet: see bowtie_esp_job_wait()
 * @err: what the transform has said, in JOB_DONE
 * @skb: the packet
 * @x: its SA; held from bowtie_esp_job_wait() on
 * @seq: its sequence number
 * @saved: what the upper half of an extended sequence number has displaced
 * @req: request, with its context behind it
 *
 * Each CPU has one. If the transform does not complete at once, the job goes with it, and
 * the CPU gets a new one.
 */
struct bowtie_esp_job {
	u8 iv[BOWTIE_ESP_IV_MAX] __aligned(BOWTIE_ESP_ALIGN);
	struct scatterlist sg[BOWTIE_ESP_FRAGS_MAX + 1];
	struct scatterlist linear;
	unsigned int room;
	int state;
	int err;
	struct sk_buff *skb;
	struct xfrm_state *x;
	u64 seq;
	__be32 saved;
	struct aead_request req __aligned(BOWTIE_ESP_ALIGN);
};

enum {
	BOWTIE_ESP_JOB_CALLED,	/* the transform has not returned yet */
	BOWTIE_ESP_JOB_WAITS,	/* whoever completes it finishes the packet */
	BOWTIE_ESP_JOB_DONE,	/* it is completed */
};

bool bowtie_esp_serves(const struct xfrm_state *x);
void bowtie_esp_setup(struct bowtie_esp *esp, const struct xfrm_state *x);

struct bowtie_esp_job *bowtie_esp_job_grow(unsigned int room);
bool bowtie_esp_job_wait(struct bowtie_esp_job *job);
bool bowtie_esp_job_complete(struct bowtie_esp_job *job, int err);
void bowtie_esp_job_free(struct bowtie_esp_job *job);
void bowtie_esp_drain(struct bowtie_net *bn);
void bowtie_esp_exit(void);

DECLARE_PER_CPU(struct bowtie_esp_job *, bowtie_esp_jobs);

/* This CPU's job, or NULL if there is no memory. Bottom halves off until it is used up. */
static inline struct bowtie_esp_job *bowtie_esp_job(const struct bowtie_esp *esp)
{
	struct bowtie_esp_job *job = __this_cpu_read(bowtie_esp_jobs);
	unsigned int room = crypto_aead_reqsize(esp->aead);

	if (likely(job && job->room >= room))
		return job;
	return bowtie_esp_job_grow(room);
}

/*
 * Nothing but the middle of the SA's life is for the fast path: the first packet, which
 * notes the time, and those that reach a limit are for xfrm. x->lock or not: it looks
 * again.
 */
static inline bool bowtie_esp_plain_sailing(const struct xfrm_state *x, unsigned int packets,
					    unsigned int bytes)
{
	u64 sum_bytes = x->curlft.bytes + bytes, sum_packets = x->curlft.packets + packets;

	if (unlikely(x->km.state != XFRM_STATE_VALID || !x->curlft.use_time))
		return false;
	if (unlikely(sum_bytes >= x->lft.hard_byte_limit ||
		     sum_packets >= x->lft.hard_packet_limit))
		return false;
	return x->km.dying || likely(sum_bytes < x->lft.soft_byte_limit &&
				     sum_packets < x->lft.soft_packet_limit);
}

/* The fast path leaves this packet to xfrm, untouched. No error of the stack's. */
#define BOWTIE_ESP_DECLINED	(-ENOTSUPP)

/* esp_fast_tx.c */
int bowtie_esp_fast_tx(struct bowtie_tunnel *t, const struct bowtie_sa *sa,
		       const struct bowtie_tunnel_conf *conf, struct dst_entry *bundle,
		       struct sk_buff *skb, bool v6);

/* esp_fast_rx.c */
int bowtie_esp_fast_rx(struct bowtie_sa *sa, struct sk_buff *skb, int encap_type,
		       bool early);

#endif /* _BOWTIE_ESP_H */
