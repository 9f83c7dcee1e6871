// SPDX-License-Identifier: GPL-2.0
/*
 * From (tunnel, packet) to ESP on the underlay. The fast path is in esp_fast_tx.c. The
 * xfrm path: the tunnel's own bundle, then xfrm_output(), which knows every algorithm,
 * UDP encapsulation and NIC offload, and segments a GSO packet before it encrypts.
 */
#include <linux/netfilter.h>
#include <linux/skbuff.h>
#include <net/ip_tunnels.h>
#include <net/net_namespace.h>
#include <net/xfrm.h>

#include "esp.h"
#include "link.h"
#include "mss.h"
#include "sa.h"
#include "trace.h"
#include "tunnel.h"
#include "tx.h"
#include "underlay.h"

static int bundle_error_to_drop(int err)
{
	switch (err) {
	case -ELOOP:
		return BOWTIE_A_STATS_TX_DROP_LOOP;
	case -ESTALE:
		return BOWTIE_A_STATS_TX_DROP_NO_SA;
	case -ENOMEM:
		return BOWTIE_A_STATS_TX_DROP_NO_MEMORY;
	default:
		return BOWTIE_A_STATS_TX_DROP_NO_UNDERLAY;
	}
}

/* Take off what the packet brought from the inside; what is left is for ESP. */
static void scrub(struct bowtie_link *link, struct sk_buff *skb)
{
	bool xnet = !net_eq(link->net, dev_net(link->dev));

	if (xnet)
		skb_orphan(skb);
	skb_scrub_packet(skb, xnet);
	skb_clear_tstamp(skb);
	skb->mark = READ_ONCE(link->fwmark);
}

/* A reference, since packets may be on their way for longer than the bundle is the tunnel's. */
static struct dst_entry *hold(struct bowtie_tunnel *t, const struct bowtie_sa *sa,
			      struct dst_entry *dst, bool v6)
{
	bool own = false;

	if (likely(dst_hold_safe(dst)))
		return dst;
	/* It has been dropped this very moment. */
	dst = bowtie_underlay_bundle(t, sa, v6, &own);
	if (IS_ERR(dst) || (!own && !dst_hold_safe(dst)))
		return NULL;
	return dst;
}

static int send(struct bowtie_tunnel *t, const struct bowtie_sa *sa,
		const struct bowtie_tunnel_conf *conf, struct dst_entry *dst, struct sk_buff *skb,
		bool v6, enum bowtie_tx_fit fit)
{
	int err;

	scrub(t->link, skb);
	if (likely(fit == BOWTIE_TX_FITS && READ_ONCE(sa->fast) &&
		   conf->esp_mode != BOWTIE_ESP_XFRM)) {
		err = bowtie_esp_fast_tx(t, sa, conf, dst, skb, v6);
		if (likely(err != BOWTIE_ESP_DECLINED))
			return err;
	}
	dst = hold(t, sa, dst, v6);
	if (unlikely(!dst)) {
		kfree_skb(skb);
		return -EHOSTUNREACH;
	}
	skb->dev = dst->dev;
	skb_dst_set(skb, dst);
	if (likely(fit == BOWTIE_TX_FITS))
		return xfrm_output(skb->sk, skb);
	bowtie_stat_inc(&this_cpu_ptr(t->pcpu)->stats, BOWTIE_STAT(TX_FRAGMENTED));
	return bowtie_tx_fragment(t->link->net, skb);
}

/**
 * bowtie_tx_esp() - send a packet through a tunnel
 * @t: tunnel
 * @sa: outbound SA of it, valid a moment ago
 * @skb: inner packet; consumed unless a reason to drop it is returned
 * @v6: its family
 *
 * Context: RCU read side, bottom halves off.
 * Return: 0 if the packet is consumed and counted, else the BOWTIE_A_STATS_TX_DROP_*
 * for which the caller has to drop it.
 */
int bowtie_tx_esp(struct bowtie_tunnel *t, const struct bowtie_sa *sa, struct sk_buff *skb,
		  bool v6)
{
	struct bowtie_pcpu_stats *stats = &this_cpu_ptr(t->pcpu)->stats;
	const struct bowtie_tunnel_conf *conf = rcu_dereference(t->conf);
	unsigned int len, packets;
	struct dst_entry *dst;
	bool own = false;
	int fit, err;
	u32 mtu;

	dst = bowtie_underlay_bundle(t, sa, v6, &own);
	if (IS_ERR(dst))
		return bundle_error_to_drop(PTR_ERR(dst));
	mtu = dst_metric_raw(dst, RTAX_MTU);

	err = bowtie_mss_clamp(skb, v6, conf, mtu);
	if (err > 0)
		bowtie_stat_inc(stats, BOWTIE_STAT(TX_MSS_CLAMPED));
	fit = err < 0 ? -ENOMEM : bowtie_tx_limit(skb, v6, conf, mtu);
	if (unlikely(fit < 0)) {
		if (own)
			dst_release(dst);
		return fit == -ENOMEM ? BOWTIE_A_STATS_TX_DROP_NO_MEMORY :
					BOWTIE_A_STATS_TX_DROP_TOO_BIG;
	}

	len = skb->len;
	packets = max_t(unsigned int, 1, skb_shinfo(skb)->gso_segs);
	err = send(t, sa, conf, dst, skb, v6, fit);
	if (own)
		dst_release(dst);
	if (unlikely(net_xmit_eval(err))) {
		trace_bowtie_drop(t->link->dev, t->id, BOWTIE_A_STATS_TX_DROP_ESP);
		bowtie_stat_inc(stats, BOWTIE_STAT(TX_DROP_ESP));
	} else {
		bowtie_stat_packets(stats, BOWTIE_STAT(TX_PACKETS), packets,
				    BOWTIE_STAT(TX_BYTES), len);
	}
	return 0;
}
