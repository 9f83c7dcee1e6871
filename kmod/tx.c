// SPDX-License-Identifier: GPL-2.0
/*
 * Packets out: check, route, pick the tunnel, send. Every packet that does not
 * make it is counted under one reason, at the single place where it is dropped.
 */
#include <linux/icmp.h>
#include <linux/icmpv6.h>
#include <linux/inetdevice.h>
#include <linux/ip.h>
#include <linux/ipv6.h>
#include <linux/skbuff.h>
#include <net/icmp.h>
#include <net/ip_tunnels.h>
#include <net/ipv6.h>
#include <net/neighbour.h>
#include <net/sch_generic.h>

#include "group.h"
#include "link.h"
#include "sa.h"
#include "selector.h"
#include "trace.h"
#include "tunnel.h"
#include "tx.h"

static int check4(struct sk_buff *skb, struct bowtie_key *dst)
{
	const struct iphdr *iph;

	if (unlikely(!pskb_may_pull(skb, sizeof(*iph))))
		return BOWTIE_A_STATS_TX_DROP_INVALID;
	iph = ip_hdr(skb);
	if (unlikely(iph->version != 4 || iph->ihl < 5 ||
		     !pskb_may_pull(skb, iph->ihl * 4)))
		return BOWTIE_A_STATS_TX_DROP_INVALID;
	iph = ip_hdr(skb);
	if (unlikely(ipv4_is_multicast(iph->daddr) || ipv4_is_lbcast(iph->daddr)))
		return BOWTIE_A_STATS_TX_DROP_MULTICAST;
	*dst = bowtie_key4(iph->daddr);
	return 0;
}

static int check6(struct sk_buff *skb, struct bowtie_key *dst)
{
	const struct ipv6hdr *ip6h;

	if (unlikely(!pskb_may_pull(skb, sizeof(*ip6h))))
		return BOWTIE_A_STATS_TX_DROP_INVALID;
	ip6h = ipv6_hdr(skb);
	if (unlikely(ip6h->version != 6))
		return BOWTIE_A_STATS_TX_DROP_INVALID;
	if (unlikely(ipv6_addr_type(&ip6h->daddr) & (IPV6_ADDR_MULTICAST | IPV6_ADDR_LINKLOCAL)))
		return BOWTIE_A_STATS_TX_DROP_MULTICAST;
	*dst = bowtie_key6(&ip6h->daddr);
	return 0;
}

static void send_unreachable(struct sk_buff *skb, bool v6, bool no_route)
{
	if (v6)
		icmpv6_ndo_send(skb, ICMPV6_DEST_UNREACH,
				no_route ? ICMPV6_NOROUTE : ICMPV6_ADDR_UNREACH, 0);
	else
		icmp_ndo_send(skb, ICMP_DEST_UNREACH,
			      no_route ? ICMP_NET_UNREACH : ICMP_HOST_UNREACH, 0);
}

static struct bowtie_sa *tunnel_sa(struct bowtie_tunnel *t)
{
	struct bowtie_sa *sa = rcu_dereference(t->sa_out);

	if (likely(sa && bowtie_sa_valid(sa)))
		return sa;
	return bowtie_sa_out_refresh(t);
}

/* A peer's own address: through its tunnel or not at all, even if flows avoid it. */
static int pick_pinned(struct bowtie_tunnel *t, struct bowtie_sa **sa)
{
	if (rcu_dereference(t->conf)->admin == BOWTIE_ADMIN_DOWN)
		return BOWTIE_A_STATS_TX_DROP_NO_TUNNEL;
	*sa = tunnel_sa(t);
	return *sa ? 0 : BOWTIE_A_STATS_TX_DROP_NO_SA;
}

/* By the flow's hash. A tunnel that turns out to have lost its SA is passed over. */
static int pick_flow(const struct bowtie_link *link, struct bowtie_group *group,
		     struct sk_buff *skb, bool v6, struct bowtie_tunnel **tunnel,
		     struct bowtie_sa **sa)
{
	u32 hash = bowtie_tx_flow_hash(link, skb, v6);
	bool fallback = false;

	do {
		*tunnel = bowtie_group_pick(link, group, hash, &fallback);
		if (unlikely(!*tunnel))
			return BOWTIE_A_STATS_TX_DROP_NO_TUNNEL;
		*sa = tunnel_sa(*tunnel);
	} while (unlikely(!*sa));

	if (unlikely(fallback))
		bowtie_stat_inc(&this_cpu_ptr((*tunnel)->pcpu)->stats, BOWTIE_STAT(TX_FALLBACK));
	trace_bowtie_pick(link->dev, (*tunnel)->id, hash, fallback);
	return 0;
}

static int route_and_send(struct bowtie_link *link, struct sk_buff *skb, bool v6,
			  struct bowtie_key dst, struct bowtie_tunnel **tunnel)
{
	struct bowtie_target target;
	struct bowtie_tunnel *t;
	struct bowtie_sa *sa;
	int drop;

	if (unlikely(!bowtie_route_lookup(&link->routes, v6 ? AF_INET6 : AF_INET, dst, &target))) {
		send_unreachable(skb, v6, true);
		return BOWTIE_A_STATS_TX_DROP_NO_ROUTE;
	}
	if (target.pinned) {
		t = target.pinned;
		drop = pick_pinned(t, &sa);
	} else {
		drop = pick_flow(link, target.group, skb, v6, &t, &sa);
	}
	*tunnel = t;
	if (unlikely(drop)) {
		send_unreachable(skb, v6, false);
		return drop;
	}
	if (unlikely(!bowtie_selectors_admit(rcu_dereference(t->conf), sa, skb, v6,
					     true)))
		return BOWTIE_A_STATS_TX_DROP_SELECTOR;
	return bowtie_tx_esp(t, sa, skb, v6);
}

/**
 * bowtie_tx() - ndo_start_xmit
 * @skb: packet; consumed
 * @dev: our device
 *
 * Context: bottom halves off, no queue lock (the device is lockless).
 * Return: NETDEV_TX_OK always: there is no queue that could be full.
 */
netdev_tx_t bowtie_tx(struct sk_buff *skb, struct net_device *dev)
{
	struct bowtie_link *link = netdev_priv(dev);
	struct bowtie_tunnel *t = NULL;
	struct bowtie_pcpu_stats *stats;
	struct bowtie_key dst;
	bool v6 = false;
	int drop;

	rcu_read_lock();
	skb_reset_network_header(skb);
	switch (skb->protocol) {
	case htons(ETH_P_IP):
		drop = check4(skb, &dst);
		break;
	case htons(ETH_P_IPV6):
		v6 = true;
		drop = check6(skb, &dst);
		break;
	default:
		drop = BOWTIE_A_STATS_TX_DROP_INVALID;
	}
	/* In from a tunnel, out to a tunnel. */
	if (!drop && unlikely(skb->skb_iif == dev->ifindex) && !READ_ONCE(link->hairpin))
		drop = BOWTIE_A_STATS_TX_DROP_HAIRPIN;
	if (!drop)
		drop = route_and_send(link, skb, v6, dst, &t);

	if (unlikely(drop)) {
		stats = t ? &this_cpu_ptr(t->pcpu)->stats : this_cpu_ptr(link->stats);
		bowtie_stat_inc(stats, drop - 1);
		trace_bowtie_drop(dev, t ? t->id : -1, drop);
		kfree_skb(skb);
	}
	rcu_read_unlock();
	return NETDEV_TX_OK;
}

/* Packets that came to this CPU's bowtie devices and are not through yet */
static DEFINE_PER_CPU(unsigned int, depth);
#define DEPTH_MAX	2

/*
 * Does anybody want to see or queue what goes out by the device, or has the core to make
 * something of the packet? Sockets may have more to say than is asked here.
 */
static bool straight(struct net_device *dev, struct sk_buff *skb)
{
	if (unlikely(skb_is_gso(skb) || skb_has_frag_list(skb) || skb->sk ||
		     bowtie_skb_decrypted(skb) || skb_csum_is_sctp(skb) ||
		     !(dev->flags & IFF_UP) || dev->real_num_tx_queues != 1))
		return false;
#if BOWTIE_HAVE_TC_EGRESS
	if (unlikely(rcu_access_pointer(dev->bowtie_dev_tc_egress)))
		return false;
#endif
#if IS_ENABLED(CONFIG_NETFILTER_EGRESS)
	if (unlikely(rcu_access_pointer(dev->nf_hooks_egress)))
		return false;
#endif
	return !rcu_dereference_bh(netdev_get_tx_queue(dev, 0)->qdisc)->enqueue &&
	       !dev_nit_active(dev) && __this_cpu_read(depth) < DEPTH_MAX;
}

/**
 * bowtie_tx_neigh() - a packet from the stack to our device: output of its neighbours
 * @n: neighbour
 * @skb: packet at its network header; consumed
 *
 * Nearly always there is neither a queue nor anybody who listens, and then the device's
 * general way in, with all that it has to ask for, is a waste.
 * Context: RCU read side. Return: as dev_queue_xmit().
 */
int bowtie_tx_neigh(struct neighbour *n, struct sk_buff *skb)
{
	struct net_device *dev = skb->dev;

	local_bh_disable();
	if (unlikely(!straight(dev, skb))) {
		local_bh_enable();
		return dev_queue_xmit(skb);
	}
	skb_reset_mac_header(skb);
	__this_cpu_inc(depth);
	bowtie_tx(skb, dev);
	__this_cpu_dec(depth);
	local_bh_enable();
	return NET_XMIT_SUCCESS;
}
