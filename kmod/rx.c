// SPDX-License-Identifier: GPL-2.0
/*
 * Packets in, after ESP: does what came out belong in this tunnel? Any tunnel
 * may bring a packet back, so the checks are about who sent it, not about which
 * way the flow went out.
 */
#include <linux/hash.h>
#include <linux/ip.h>
#include <linux/ipv6.h>
#include <linux/skbuff.h>
#include <net/gro_cells.h>
#include <net/ip.h>
#include <net/ipv6.h>

#include "link.h"
#include "mss.h"
#include "rx.h"
#include "sa.h"
#include "selector.h"
#include "trace.h"
#include "tunnel.h"

/* The packet was for us; no BOWTIE_A_STATS_RX_DROP_*. */
#define RX_CONSUMED	(-1)

static u64 filter_bit(struct bowtie_key key)
{
	return BIT_ULL(hash_64(key.hi ^ key.lo, 6));
}

static bool key_equal(struct bowtie_key a, struct bowtie_key b)
{
	return a.hi == b.hi && a.lo == b.lo;
}

static u64 conf_filter(const struct bowtie_tunnel_conf *conf)
{
	u64 filter = 0;

	if (conf->inside_local4)
		filter |= filter_bit(bowtie_key4(conf->inside_local4));
	if (conf->inside_peer4)
		filter |= filter_bit(bowtie_key4(conf->inside_peer4));
	if (!ipv6_addr_any(&conf->inside_local6))
		filter |= filter_bit(bowtie_key6(&conf->inside_local6));
	if (!ipv6_addr_any(&conf->inside_peer6))
		filter |= filter_bit(bowtie_key6(&conf->inside_peer6));
	return filter;
}

/**
 * bowtie_rx_filter_update() - inside addresses have changed
 * @link: link
 *
 * One word tells for nearly every packet that its source is no inside address.
 * Context: link->lock.
 */
void bowtie_rx_filter_update(struct bowtie_link *link)
{
	struct bowtie_tunnel *t;
	u64 filter = 0;
	int i;

	bowtie_for_each_tunnel(link, t, i)
		filter |= conf_filter(rcu_dereference_protected(t->conf,
								lockdep_is_held(&link->lock)));
	WRITE_ONCE(link->inside_filter, filter);
}

/* Is @src an inside address that this tunnel may not send from? */
static noinline bool inside_spoofed(const struct bowtie_tunnel *t, struct bowtie_key src, bool v6)
{
	const struct bowtie_tunnel_conf *conf;
	const struct bowtie_tunnel *other;
	int i;

	for (i = 0; i < BOWTIE_TUNNELS_MAX; i++) {
		other = rcu_dereference(t->link->tunnels[i]);
		if (!other)
			continue;
		conf = rcu_dereference(other->conf);
		if (v6) {
			if (key_equal(src, bowtie_key6(&conf->inside_local6)) ||
			    (other != t && key_equal(src, bowtie_key6(&conf->inside_peer6))))
				return true;
		} else {
			if (key_equal(src, bowtie_key4(conf->inside_local4)) ||
			    (other != t && key_equal(src, bowtie_key4(conf->inside_peer4))))
				return true;
		}
	}
	return false;
}

static bool header_valid(struct sk_buff *skb, bool *v6, struct bowtie_key *src)
{
	switch (skb->protocol) {
	case htons(ETH_P_IP):
		if (!pskb_may_pull(skb, sizeof(struct iphdr)) || ip_hdr(skb)->version != 4 ||
		    ip_hdr(skb)->ihl < 5 || !pskb_may_pull(skb, ip_hdr(skb)->ihl * 4))
			return false;
		*v6 = false;
		*src = bowtie_key4(ip_hdr(skb)->saddr);
		return true;
	case htons(ETH_P_IPV6):
		if (!pskb_may_pull(skb, sizeof(struct ipv6hdr)) || ipv6_hdr(skb)->version != 6)
			return false;
		*v6 = true;
		*src = bowtie_key6(&ipv6_hdr(skb)->saddr);
		return true;
	default:
		return false;
	}
}

/* Would packets to @src go into the link? */
static noinline bool routed(struct bowtie_link *link, struct bowtie_key src, bool v6)
{
	struct bowtie_target unused;

	return bowtie_route_lookup(&link->routes, v6 ? AF_INET6 : AF_INET, src, &unused);
}

static int check(struct bowtie_tunnel *t, const struct bowtie_tunnel_conf *conf,
		 const struct bowtie_sa *sa, struct sk_buff *skb, bool *v6)
{
	struct bowtie_link *link = t->link;
	struct bowtie_key src;

	if (unlikely(!(link->dev->flags & IFF_UP) || conf->admin == BOWTIE_ADMIN_DOWN))
		return BOWTIE_A_STATS_RX_DROP_DOWN;
	skb_reset_network_header(skb);
	if (unlikely(!header_valid(skb, v6, &src)))
		return BOWTIE_A_STATS_RX_DROP_INVALID;
	if (unlikely(!bowtie_selectors_admit(conf, sa, skb, *v6, false)))
		return BOWTIE_A_STATS_RX_DROP_SELECTOR;
	if (unlikely(READ_ONCE(link->inside_filter) & filter_bit(src))) {
		if (inside_spoofed(t, src, *v6))
			return BOWTIE_A_STATS_RX_DROP_SPOOFED;
		if (bowtie_probe_rx(t, conf, skb, *v6))
			return RX_CONSUMED;
	}
	if (unlikely(READ_ONCE(link->strict_source)) && !routed(link, src, *v6))
		return BOWTIE_A_STATS_RX_DROP_NO_ROUTE;
	return 0;
}

/**
 * bowtie_rx_accept() - check a decrypted packet and make it the inside's
 * @sa: inbound SA that it came by
 * @skb: packet, at its inner network header; skb->dev is not touched
 *
 * Context: RCU read side, bottom halves off.
 * Return: 0, or not 0 if the caller has to free it: it was an answer to a probe, or
 * dropped; that is counted already.
 */
int bowtie_rx_accept(const struct bowtie_sa *sa, struct sk_buff *skb)
{
	struct bowtie_tunnel *t = sa->tunnel;
	const struct bowtie_tunnel_conf *conf = rcu_dereference(t->conf);
	struct bowtie_tunnel_pcpu *pcpu = this_cpu_ptr(t->pcpu);
	struct bowtie_pcpu_stats *stats = &pcpu->stats;
	struct bowtie_link *link = t->link;
	bool v6 = false;
	int drop, err;

	WRITE_ONCE(pcpu->rx_last, jiffies);
	if (unlikely(READ_ONCE(t->sa_wait) == sa))
		bowtie_sa_settle(t);
	drop = check(t, conf, sa, skb, &v6);
	if (likely(!drop)) {
		err = bowtie_mss_clamp(skb, v6, conf, READ_ONCE(t->mtu));
		if (unlikely(err < 0))
			drop = BOWTIE_A_STATS_RX_DROP_NO_MEMORY;
		else if (err)
			bowtie_stat_inc(stats, BOWTIE_STAT(RX_MSS_CLAMPED));
	}
	if (unlikely(drop == RX_CONSUMED)) {
		bowtie_stat_packets(stats, BOWTIE_STAT(RX_PACKETS), 1, BOWTIE_STAT(RX_BYTES),
				    skb->len);
		return drop;
	}
	if (unlikely(drop)) {
		bowtie_stat_inc(stats, drop - 1);
		trace_bowtie_drop(link->dev, t->id, drop);
		return drop;
	}

	/* The proof that it came by ESP has been checked: no policy asks for it. */
	skb_scrub_packet(skb, !net_eq(link->net, dev_net(link->dev)));
	skb_clear_hash(skb);
	skb_set_queue_mapping(skb, 0);
	skb_reset_mac_header(skb);
	skb->mark = conf->mark;
	bowtie_stat_packets(stats, BOWTIE_STAT(RX_PACKETS), 1, BOWTIE_STAT(RX_BYTES), skb->len);
	return 0;
}

/*
 * May GRO make one packet of this and others? Of UDP only on request, of which tunnels have
 * GRO of their own.
 */
static bool merges(const struct sk_buff *skb)
{
	u8 proto = skb->protocol == htons(ETH_P_IP) ? ip_hdr(skb)->protocol :
						      ipv6_hdr(skb)->nexthdr;

	switch (proto) {
	case IPPROTO_UDP:
	case NEXTHDR_FRAGMENT:	/* as what has not been fragmented, most likely */
		return skb->dev->features & (NETIF_F_GRO_FRAGLIST | NETIF_F_GRO_UDP_FWD);
	case IPPROTO_ICMP:
	case IPPROTO_ICMPV6:
		return false;
	default:
		return true;
	}
}

static void enter_stack(struct sk_buff *skb)
{
#ifdef CONFIG_RPS
	if (!static_branch_unlikely(&rps_needed)) {
		netif_receive_skb_core(skb);
		return;
	}
#endif
	netif_receive_skb(skb);
}

/**
 * bowtie_rx_deliver() - hand an accepted packet to the stack
 * @t: tunnel it came by
 * @skb: packet; consumed
 * @early: nothing of the stack but the device's ingress is above us, so that it may be
 *	entered again
 *
 * What GRO would do nothing with goes straight to the stack then; all packets of a TCP flow
 * go the same way.
 * Context: bottom halves off.
 */
void bowtie_rx_deliver(struct bowtie_tunnel *t, struct sk_buff *skb, bool early)
{
	skb->dev = t->link->dev;
	if (early && !merges(skb)) {
		/* The device that it came by does so after its ingress. */
		skb_reset_redirect(skb);
		enter_stack(skb);
		return;
	}
	if (unlikely(gro_cells_receive(&t->link->gro_cells, skb) == NET_RX_DROP))
		bowtie_stat_inc(&this_cpu_ptr(t->pcpu)->stats, BOWTIE_STAT(RX_DROP_BACKLOG));
}
