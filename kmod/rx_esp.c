// SPDX-License-Identifier: GPL-2.0
/*
 * ESP in. We stand before the stack's own ESP handlers, let xfrm_input() decrypt
 * packets of our SAs, and take them back in the callback that it makes.
 *
 * The callback has no way to say "I keep this one". It does so in two steps: the
 * first call (error 0) accepts the packet and refuses it with an error, whereupon
 * xfrm_input() calls again (error -1) just before its kfree_skb(); the second call
 * takes a reference, which that kfree_skb() then merely drops. Both calls happen
 * back to back on one CPU with bottom halves off. If it was us who called
 * xfrm_input(), the packet is delivered when that has returned, and nobody else has
 * a reference any more. Else (GRO called it, or crypto that completed later) it
 * waits in our GRO cell until that has happened, as the NAPI poll runs on the same
 * CPU; and where a packet would not go by the cell, a clone is delivered.
 *
 * This also keeps skb->dev untouched until xfrm_input() has dropped its reference to
 * it, which after asynchronous crypto it does by way of skb->dev, and it uses our own
 * GRO cells, which die with the link.
 */
#include <linux/icmp.h>
#include <linux/icmpv6.h>
#include <linux/percpu.h>
#include <linux/skbuff.h>
#include <net/icmp.h>
#include <net/protocol.h>
#include <net/xfrm.h>

#include "esp.h"
#include "link.h"
#include "netns.h"
#include "rx.h"
#include "sa.h"
#include "trace.h"
#include "tunnel.h"

/* Above VTI (100): equal priorities are refused. */
#define RX_PRIORITY	200

/**
 * struct rx_context - what this CPU is in the middle of
 * @skb: packet that is being decrypted on behalf of @sa
 * @sa: its SA
 * @decided: packet whose first callback is done
 * @tunnel: where it is accepted from, or NULL if it is to be dropped
 * @deliver: packet that input() has to deliver, with a reference, or NULL
 */
struct rx_context {
	const struct sk_buff *skb;
	const struct bowtie_sa *sa;
	const struct sk_buff *decided;
	struct bowtie_tunnel *tunnel;
	struct sk_buff *deliver;
};

static DEFINE_PER_CPU(struct rx_context, rx_context);

static int input(struct sk_buff *skb, int nexthdr, __be32 spi, int encap_type, u8 family)
{
	struct rx_context *ctx = this_cpu_ptr(&rx_context), saved;
	const xfrm_address_t *daddr;
	struct bowtie_sa *sa;
	struct sk_buff *deliver;
	__be32 key = spi, seq;
	int err;

	if (!key && xfrm_parse_spi(skb, nexthdr, &key, &seq))
		return -EINVAL;
	daddr = family == AF_INET ? (const xfrm_address_t *)&ip_hdr(skb)->daddr :
				    (const xfrm_address_t *)&ipv6_hdr(skb)->daddr;
	sa = bowtie_sa_lookup(bowtie_pernet(dev_net(skb->dev)), key, daddr, family);
	if (!sa)
		return -EINVAL;

	/* ESP inside ESP: the outer one must satisfy the host's policies first. */
	if (unlikely(secpath_exists(skb)) &&
	    !xfrm_policy_check(NULL, XFRM_POLICY_IN, skb, family)) {
		kfree_skb(skb);
		return 0;
	}

	if (likely(bowtie_sa_fast(sa) &&
		   bowtie_esp_fast_rx(sa, skb, encap_type, false) != BOWTIE_ESP_DECLINED))
		return 0;

	XFRM_SPI_SKB_CB(skb)->family = family;
	if (family == AF_INET) {
		XFRM_SPI_SKB_CB(skb)->daddroff = offsetof(struct iphdr, daddr);
		XFRM_TUNNEL_SKB_CB(skb)->tunnel.ip4 = NULL;
	} else {
		XFRM_SPI_SKB_CB(skb)->daddroff = offsetof(struct ipv6hdr, daddr);
		XFRM_TUNNEL_SKB_CB(skb)->tunnel.ip6 = NULL;
	}
	saved = *ctx;
	*ctx = (struct rx_context){ .skb = skb, .sa = sa };
	/* An SPI of 0 makes it read the sequence number too. */
	err = xfrm_input(skb, nexthdr, spi, encap_type);
	deliver = ctx->deliver;
	*ctx = saved;
	if (likely(deliver))
		bowtie_rx_deliver(sa->tunnel, deliver, false);
	return err;
}

static int input4(struct sk_buff *skb, int nexthdr, __be32 spi, int encap_type)
{
	return input(skb, nexthdr, spi, encap_type, AF_INET);
}

static int input6(struct sk_buff *skb, int nexthdr, __be32 spi, int encap_type)
{
	return input(skb, nexthdr, spi, encap_type, AF_INET6);
}

static int rcv4(struct sk_buff *skb)
{
	return input4(skb, ip_hdr(skb)->protocol, 0, 0);
}

static int rcv6(struct sk_buff *skb)
{
	return input6(skb, skb_network_header(skb)[IP6CB(skb)->nhoff], 0, 0);
}

/* The SA of a packet in xfrm_input(), which need not have come through input(). */
static const struct bowtie_sa *packet_sa(const struct rx_context *ctx, const struct sk_buff *skb)
{
	const struct sec_path *sp = skb_sec_path(skb);
	const struct bowtie_sa *sa;
	const struct xfrm_state *x;

	if (!sp || !sp->len)
		return NULL;
	x = sp->xvec[sp->len - 1];
	if (!x->if_id)
		return NULL;
	if (likely(ctx->skb == skb && ctx->sa->x == x))
		return ctx->sa;
	sa = bowtie_sa_lookup(bowtie_pernet(xs_net((struct xfrm_state *)x)), x->id.spi,
			      &x->id.daddr, x->props.family);
	return sa && sa->x == x ? sa : NULL;
}

/*
 * Somebody else called xfrm_input(), and is about to drop a reference of its own. What
 * gro_cells_receive() does not put into a cell could meanwhile be anywhere.
 */
static void deliver_later(struct bowtie_tunnel *t, struct sk_buff *skb)
{
	if (netif_elide_gro(t->link->dev) || skb_cloned(skb))
		skb = skb_clone(skb, GFP_ATOMIC);
	else
		skb = skb_get(skb);
	if (likely(skb))
		bowtie_rx_deliver(t, skb, false);
	else
		bowtie_stat_inc(&this_cpu_ptr(t->pcpu)->stats, BOWTIE_STAT(RX_DROP_NO_MEMORY));
}

/* See the top of the file. Returns 1 if the packet is none of ours. */
static int rcv_cb(struct sk_buff *skb, int err)
{
	struct rx_context *ctx = this_cpu_ptr(&rx_context);
	const struct bowtie_sa *sa;
	struct bowtie_tunnel *t;

	if (err && ctx->decided == skb) {
		t = ctx->tunnel;
		ctx->decided = NULL;
		if (unlikely(!t))
			return 0;
		if (likely(ctx->skb == skb))
			ctx->deliver = skb_get(skb);
		else
			deliver_later(t, skb);
		return 0;
	}

	rcu_read_lock();
	sa = packet_sa(ctx, skb);
	if (!sa) {
		rcu_read_unlock();
		return 1;
	}
	t = sa->tunnel;
	if (unlikely(err)) {
		/* Replay, integrity, padding, ...: xfrm counts them in the SA. */
		bowtie_stat_inc(&this_cpu_ptr(t->pcpu)->stats, BOWTIE_STAT(RX_DROP_ESP));
		trace_bowtie_drop(t->link->dev, t->id, BOWTIE_A_STATS_RX_DROP_ESP);
		rcu_read_unlock();
		return 0;
	}
	ctx->decided = skb;
	ctx->tunnel = bowtie_rx_accept(sa, skb) ? NULL : t;
	rcu_read_unlock();
	return -EINPROGRESS;
}

static void learn_pmtu(struct net *net, __be32 spi, const void *daddr, u8 family, u32 mtu)
{
	const struct bowtie_sa *sa;

	rcu_read_lock();
	sa = bowtie_sa_lookup(bowtie_pernet(net), spi, daddr, family);
	if (sa && sa->dir == BOWTIE_SA_OUT)
		bowtie_pmtu_learn(sa->tunnel, mtu);
	rcu_read_unlock();
}

/* Not consumed: the stack's own handler updates the route and handles redirects. */
static int err4(struct sk_buff *skb, u32 info)
{
	const struct iphdr *iph = (const struct iphdr *)skb->data;
	const struct ip_esp_hdr *esph = (const void *)(skb->data + iph->ihl * 4);

	if (icmp_hdr(skb)->type == ICMP_DEST_UNREACH && icmp_hdr(skb)->code == ICMP_FRAG_NEEDED)
		learn_pmtu(dev_net(skb->dev), esph->spi, &iph->daddr, AF_INET, info);
	return -ENOENT;
}

static int err6(struct sk_buff *skb, struct inet6_skb_parm *opt, u8 type, u8 code, int offset,
		__be32 info)
{
	const struct ipv6hdr *ip6h = (const struct ipv6hdr *)skb->data;
	const struct ip_esp_hdr *esph = (const void *)(skb->data + offset);

	if (type == ICMPV6_PKT_TOOBIG)
		learn_pmtu(dev_net(skb->dev), esph->spi, &ip6h->daddr, AF_INET6, ntohl(info));
	return -ENOENT;
}

static struct xfrm4_protocol esp4_protocol __read_mostly = {
	.handler = rcv4,
	.input_handler = input4,
	.cb_handler = rcv_cb,
	.err_handler = err4,
	.priority = RX_PRIORITY,
};

static struct xfrm6_protocol esp6_protocol __read_mostly = {
	.handler = rcv6,
	.input_handler = input6,
	.cb_handler = rcv_cb,
	.err_handler = err6,
	.priority = RX_PRIORITY,
};

/**
 * bowtie_rx_init() - begin to receive
 *
 * Context: process. Return: 0 or an error.
 */
int bowtie_rx_init(void)
{
	int err;

	err = xfrm4_protocol_register(&esp4_protocol, IPPROTO_ESP);
	if (err)
		return err;
	err = xfrm6_protocol_register(&esp6_protocol, IPPROTO_ESP);
	if (err)
		xfrm4_protocol_deregister(&esp4_protocol, IPPROTO_ESP);
	return err;
}

/**
 * bowtie_rx_exit() - the reverse
 *
 * Context: process. No handler runs any more on return.
 */
void bowtie_rx_exit(void)
{
	xfrm6_protocol_deregister(&esp6_protocol, IPPROTO_ESP);
	xfrm4_protocol_deregister(&esp4_protocol, IPPROTO_ESP);
}
