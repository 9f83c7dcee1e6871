// SPDX-License-Identifier: GPL-2.0
/*
 * ESP in, the fast path (RFC 4303, 3.4): decrypted where it is by one call of the SA's own
 * transform, without secpath or request to allocate, and handed on. The window is the
 * xfrm_state's, which xfrm works on as well.
 *
 * A packet that looks wrong before it is decrypted goes to xfrm as it came, which says what
 * is wrong with it, counts and audits; afterwards that is done here.
 */
#include <linux/udp.h>
#include <net/dsfield.h>
#include <net/inet_ecn.h>
#include <net/ip.h>
#include <net/ipv6.h>
#include <net/xfrm.h>

#include "esp.h"
#include "esp_seq.h"
#include "link.h"
#include "netns.h"
#include "rx.h"
#include "rx_early.h"
#include "sa.h"
#include "trace.h"
#include "tunnel.h"

static unsigned int header_len(const struct bowtie_esp *esp)
{
	return sizeof(struct ip_esp_hdr) + esp->ivlen;
}

/* A new address or port of a peer behind NAT (RFC 7296, 2.23) is news for charon. */
static bool mapping_is_new(const struct xfrm_state *x, const struct sk_buff *skb)
{
	const struct udphdr *uh = (const void *)(skb_transport_header(skb) - sizeof(*uh));

	if (READ_ONCE(x->encap->encap_sport) != uh->source)
		return true;
	return x->props.family == AF_INET ? x->props.saddr.a4 != ip_hdr(skb)->saddr :
		!ipv6_addr_equal(&x->props.saddr.in6, &ipv6_hdr(skb)->saddr);
}

/* Can it be decrypted in place? Not if others see its pages. */
static bool in_place(const struct sk_buff *skb)
{
	if (skb_cloned(skb))
		return false;
	return !skb_is_nonlinear(skb) ||
	       (skb_shinfo(skb)->nr_frags <= BOWTIE_ESP_FRAGS_MAX && !skb_has_frag_list(skb) &&
		!skb_has_shared_frag(skb));
}

/* Everything that can be said against a packet without decrypting it; racy, as hints are. */
static bool takes(const struct bowtie_sa *sa, const struct sk_buff *skb, u32 seq, int encap_type)
{
	struct xfrm_state *x = sa->x;
	const struct bowtie_esp *esp = &sa->esp;

	if (unlikely(!bowtie_esp_plain_sailing(x, 1, skb->len) || !in_place(skb)))
		return false;
	if (unlikely((x->encap ? x->encap->encap_type : 0) != encap_type))
		return false;
	if (unlikely(encap_type && mapping_is_new(x, skb)))
		return false;
	if (unlikely(skb->len <= header_len(esp) + esp->alen))
		return false;
	return likely(bowtie_seq_check(x, seq) == BOWTIE_REPLAY_OK) && !bowtie_seq_watched(sa);
}

/* The ESP header as it is authenticated, with a number of 64 bits (RFC 4303, 2.2.1) */
static void extend_header(struct bowtie_esp_job *job, struct sk_buff *skb)
{
	__be32 *at = skb_push(skb, sizeof(*at));

	job->saved = at[0];
	at[0] = job->x->id.spi;
	at[1] = htonl(job->seq >> 32);
}

static void restore_header(const struct bowtie_esp_job *job, struct sk_buff *skb)
{
	__be32 *at = (__be32 *)skb->data;

	at[1] = at[0];
	at[0] = job->saved;
	__skb_pull(skb, sizeof(*at));
}

/* Where the packet is, as the transform wants it. NULL if its pieces cannot be told. */
static struct scatterlist *map(struct bowtie_esp_job *job, struct sk_buff *skb)
{
	if (likely(!skb_is_nonlinear(skb))) {
		sg_set_buf(&job->linear, skb->data, skb->len);
		return &job->linear;
	}
	sg_init_table(job->sg, skb_shinfo(skb)->nr_frags + 1);
	return skb_to_sgvec(skb, job->sg, 0, skb->len) < 0 ? NULL : job->sg;
}

static void count(const struct bowtie_sa *sa, int reason)
{
	struct bowtie_tunnel *t = sa->tunnel;

	bowtie_stat_inc(&this_cpu_ptr(t->pcpu)->stats, reason - 1);
	trace_bowtie_drop(t->link->dev, t->id, reason);
}

/* It is authentic. x->lock held. */
static int accept(struct xfrm_state *x, struct sk_buff *skb, u64 seq, unsigned int inner_len)
{
	struct net *net = xs_net(x);
	enum bowtie_replay verdict;

	if (unlikely(x->km.state != XFRM_STATE_VALID)) {
		XFRM_INC_STATS(net, LINUX_MIB_XFRMINSTATEINVALID);
		return -EINVAL;
	}
	verdict = bowtie_seq_accept(x, lower_32_bits(seq), upper_32_bits(seq));
	if (unlikely(verdict != BOWTIE_REPLAY_OK)) {
		if (verdict == BOWTIE_REPLAY_OLD)
			x->stats.replay_window++;
		else if (verdict == BOWTIE_REPLAY_SEEN)
			x->stats.replay++;
		xfrm_audit_state_replay(x, skb, htonl(lower_32_bits(seq)));
		XFRM_INC_STATS(net, LINUX_MIB_XFRMINSTATESEQERROR);
		return -EINVAL;
	}
	x->curlft.bytes += inner_len;
	x->curlft.packets++;
	bowtie_state_used(x);
	return 0;
}

static void ecn_decapsulate(const struct xfrm_state *x, struct sk_buff *skb, u8 outer, bool v6)
{
	if (x->props.flags & XFRM_STATE_DECAP_DSCP) {
		if (v6)
			ipv6_change_dsfield(ipv6_hdr(skb), INET_ECN_MASK, outer & ~INET_ECN_MASK);
		else
			ipv4_change_dsfield(ip_hdr(skb), INET_ECN_MASK, outer & ~INET_ECN_MASK);
	}
	if (likely(!INET_ECN_is_ce(outer)) || (x->props.flags & XFRM_STATE_NOECN))
		return;
	if (v6)
		IP6_ECN_set_ce(skb, ipv6_hdr(skb));
	else
		IP_ECN_set_ce(ip_hdr(skb));
}

/* What has been decrypted: trailer and header off (RFC 4303, 2.4 to 2.7). */
static int strip(const struct bowtie_sa *sa, struct sk_buff *skb, u8 *nexthdr)
{
	const struct bowtie_esp *esp = &sa->esp;
	unsigned int hlen = header_len(esp), off = skb->len - esp->alen - 2;
	u8 buf[2], *tail;

	tail = skb_header_pointer(skb, off, sizeof(buf), buf);
	/* At least one byte has to be left: RFC 4303 knows no empty payload. */
	if (unlikely(!tail || hlen + tail[0] >= off))
		return -EINVAL;
	/* A dummy packet (RFC 4303, 2.6) is nothing that has come. */
	*nexthdr = tail[1];
	if (unlikely(*nexthdr == IPPROTO_NONE))
		return -EINVAL;
	if (unlikely(pskb_trim(skb, off - tail[0])))
		return -ENOMEM;
	__skb_pull(skb, hlen);
	return 0;
}

/* The inner packet at its network header, as bowtie_rx_accept() wants it. */
static int unwrap(const struct bowtie_sa *sa, struct sk_buff *skb, u8 nexthdr)
{
	u8 outer = sa->family == AF_INET ? ip_hdr(skb)->tos : ipv6_get_dsfield(ipv6_hdr(skb));
	bool v6 = nexthdr == IPPROTO_IPV6;

	if (unlikely(nexthdr != IPPROTO_IPIP && !v6))
		return -EINVAL;
	if (unlikely(!pskb_may_pull(skb, v6 ? sizeof(struct ipv6hdr) : sizeof(struct iphdr))))
		return -EINVAL;
	skb->protocol = v6 ? htons(ETH_P_IPV6) : htons(ETH_P_IP);
	skb_reset_network_header(skb);
	skb_reset_transport_header(skb);
	ecn_decapsulate(sa->x, skb, outer, v6);
	return 0;
}

/* Decrypted, or not. Consumes the packet. */
static void finish(struct bowtie_sa *sa, struct bowtie_esp_job *job, struct sk_buff *skb,
		   int err, bool early)
{
	struct xfrm_state *x = sa->x;
	struct net *net = xs_net(x);
	u8 nexthdr = 0;

	if (unlikely(sa->esp.esn))
		restore_header(job, skb);
	if (unlikely(err)) {
		spin_lock(&x->lock);
		if (err == -EBADMSG) {
			xfrm_audit_state_icvfail(x, skb, IPPROTO_ESP);
			x->stats.integrity_failed++;
		}
		spin_unlock(&x->lock);
		XFRM_INC_STATS(net, LINUX_MIB_XFRMINSTATEPROTOERROR);
		goto drop;
	}
	if (unlikely(strip(sa, skb, &nexthdr))) {
		XFRM_INC_STATS(net, LINUX_MIB_XFRMINSTATEPROTOERROR);
		goto drop;
	}
	spin_lock(&x->lock);
	err = accept(x, skb, job->seq, skb->len);
	spin_unlock(&x->lock);
	if (unlikely(err))
		goto drop;
	if (unlikely(unwrap(sa, skb, nexthdr))) {
		XFRM_INC_STATS(net, LINUX_MIB_XFRMINSTATEMODEERROR);
		goto drop;
	}
	if (!early)
		bowtie_early_learn(sa, skb->dev);
	if (likely(!bowtie_rx_accept(sa, skb)))
		bowtie_rx_deliver(sa->tunnel, skb, early);
	else
		kfree_skb(skb);
	return;
drop:
	count(sa, BOWTIE_A_STATS_RX_DROP_ESP);
	kfree_skb(skb);
}

/* The transform has completed later than it was called. */
static void finish_later(struct bowtie_esp_job *job)
{
	struct xfrm_state *x = job->x;
	struct net_device *dev = job->skb->dev;
	struct bowtie_sa *sa;

	rcu_read_lock();
	sa = bowtie_sa_lookup(bowtie_pernet(xs_net(x)), x->id.spi, &x->id.daddr, x->props.family);
	if (likely(sa && sa->x == x))
		finish(sa, job, job->skb, job->err, false);
	else
		kfree_skb(job->skb);
	rcu_read_unlock();
	dev_put(dev);
	bowtie_esp_job_free(job);
}

static void rx_completed(bowtie_crypto_arg *arg, int err)
{
	struct bowtie_esp_job *job = bowtie_crypto_data(arg);

	if (bowtie_esp_job_complete(job, err))
		finish_later(job);
}

/**
 * bowtie_esp_fast_rx() - decrypt a packet and deliver it
 * @sa: inbound SA of the packet, with sa->fast
 * @skb: packet at its ESP header, which is in the linear part
 * @encap_type: UDP_ENCAP_ESPINUDP, or 0 for plain ESP
 * @early: the stack has not seen it yet, see bowtie_rx_deliver()
 *
 * Context: RCU read side, softirq.
 * Return: 0, the packet consumed; or BOWTIE_ESP_DECLINED, and it is as it was.
 */
int bowtie_esp_fast_rx(struct bowtie_sa *sa, struct sk_buff *skb, int encap_type,
		       bool early)
{
	const struct ip_esp_hdr *esph = (const struct ip_esp_hdr *)skb->data;
	const struct bowtie_esp *esp = &sa->esp;
	u32 seq = ntohl(esph->seq_no);
	struct bowtie_esp_job *job;
	unsigned int assoclen = sizeof(*esph);
	struct scatterlist *sg;
	int err = -EINVAL;

	if (unlikely(!takes(sa, skb, seq, encap_type) || !pskb_may_pull(skb, header_len(esp))))
		return BOWTIE_ESP_DECLINED;
	job = bowtie_esp_job(esp);
	if (unlikely(!job))
		return BOWTIE_ESP_DECLINED;

	esph = (const struct ip_esp_hdr *)skb->data;
	job->state = BOWTIE_ESP_JOB_CALLED;
	job->skb = skb;
	job->x = sa->x;
	job->seq = (u64)bowtie_seq_hi(sa->x, seq) << 32 | seq;
	if (unlikely(esp->esn)) {
		extend_header(job, skb);
		assoclen += sizeof(__be32);
	}
	if (likely(esp->counts)) {
		memcpy(job->iv, esph + 1, sizeof(u64));
		assoclen += sizeof(u64);
	}
	skb->ip_summed = CHECKSUM_NONE;
	sg = map(job, skb);
	if (likely(sg)) {
		aead_request_set_tfm(&job->req, esp->aead);
		aead_request_set_callback(&job->req, 0, rx_completed, job);
		aead_request_set_crypt(&job->req, sg, sg, skb->len - assoclen, job->iv);
		aead_request_set_ad(&job->req, assoclen);
		err = crypto_aead_decrypt(&job->req);
	}
	if (unlikely(err == -EINPROGRESS)) {
		dev_hold(skb->dev);
		if (bowtie_esp_job_wait(job))
			finish_later(job);
		return 0;
	}
	finish(sa, job, skb, err, early);
	return 0;
}
