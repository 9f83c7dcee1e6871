// SPDX-License-Identifier: GPL-2.0
/*
 * ESP in, before IP. On a device that ESP of ours arrives at, a hook at its ingress takes the
 * packets that the fast path serves before the stack spends its own checks, a route lookup
 * and a local delivery on them. What was inside enters the stack right there, from the
 * link, as what a redirect by tc does.
 *
 * Only where IP would have come to the same end. An SA's packet goes through IP until one of
 * them has come that way since routes, rules or addresses last changed, and by the same
 * device: so IP has agreed with its addresses as they are. And every one does as soon
 * as the namespace has any netfilter hook that it would have met (PREROUTING, INPUT: a
 * firewall, connection tracking), if it is a fragment, has options, padding or a VLAN tag, or
 * is not for this host, or if the fast path declines it. Captures of all protocols and
 * tc have seen it before.
 */
#include <linux/if_vlan.h>
#include <linux/netdevice.h>
#include <linux/netfilter.h>
#include <linux/rtnetlink.h>
#include <net/addrconf.h>
#include <net/dsfield.h>
#include <net/inet_ecn.h>
#include <net/ip.h>
#include <net/ipv6.h>
#include <net/xfrm.h>

#include "esp.h"
#include "link.h"
#include "netns.h"
#include "rx_early.h"
#include "sa.h"
#include "tunnel.h"

/* Behind whatever else an operator has put there. */
#define EARLY_PRIORITY	(INT_MAX - 1)

/**
 * struct bowtie_early - a device that ESP of ours has arrived at
 * @list: in bowtie_net.early; RTNL, RCU to read
 * @ops: the hook
 * @hooked: it is registered; else that has failed and is not tried again
 * @rcu: frees it
 */
struct bowtie_early {
	struct list_head list;
	struct nf_hook_ops ops;
	bool hooked;
	struct rcu_head rcu;
};

/* Would a packet to this host meet nobody but the stack? */
static bool unhooked(const struct net *net, u8 family)
{
	struct nf_hook_entries __rcu *const *hooks = family == AF_INET ? net->nf.hooks_ipv4 :
									 net->nf.hooks_ipv6;

	return !rcu_access_pointer(hooks[NF_INET_PRE_ROUTING]) &&
	       !rcu_access_pointer(hooks[NF_INET_LOCAL_IN]);
}

/* Nothing but an IP header without options, and ESP? */
static bool plain4(const struct sk_buff *skb)
{
	const struct iphdr *iph = (const struct iphdr *)skb->data;

	return iph->protocol == IPPROTO_ESP && *(const u8 *)iph == 0x45 && !ip_is_fragment(iph) &&
	       ntohs(iph->tot_len) == skb->len &&
	       !ip_fast_csum(iph, 5);
}

static bool plain6(const struct sk_buff *skb)
{
	const struct ipv6hdr *ip6h = (const struct ipv6hdr *)skb->data;

	return ip6h->nexthdr == IPPROTO_ESP && ip6h->version == 6 &&
	       ntohs(ip6h->payload_len) + sizeof(*ip6h) == skb->len;
}

/* Is it this host's, and in a state as if nobody had touched it yet? */
static __always_inline bool ours_alone(const struct sk_buff *skb)
{
	return skb->pkt_type == PACKET_HOST && !skb_vlan_tag_present(skb) && !skb_shared(skb) &&
	       !skb_pfmemalloc(skb) && !secpath_exists(skb) &&
	       !rcu_access_pointer(skb->dev->rx_handler);
}

/* The device, and the state of what IP decides by. */
static u64 way(const struct net *net, const struct net_device *dev, u8 family)
{
	int genid = family == AF_INET ? rt_genid_ipv4(net) : rt_genid_ipv6(net);

	return (u64)dev->ifindex << 32 | (u32)genid;
}

static __always_inline struct bowtie_sa *
find_sa(const struct bowtie_net *bn, const struct sk_buff *skb, const void *daddr, u8 family)
{
	const struct ip_esp_hdr *esph = (const void *)skb_transport_header(skb);
	struct bowtie_sa *sa = bowtie_sa_lookup(bn, esph->spi, daddr, family);

	return sa && sa->dir == BOWTIE_SA_IN && bowtie_sa_fast(sa) &&
	       READ_ONCE(sa->way) == way(bn->net, skb->dev, family) ? sa : NULL;
}

/* A packet that is nothing but an IP header of @hlen bytes, and ESP. Consumed if true. */
static __always_inline bool take(const struct bowtie_net *bn, struct sk_buff *skb,
				 unsigned int hlen, const void *daddr, u8 family)
{
	struct bowtie_sa *sa;

	if (unlikely(!ours_alone(skb)) || !unhooked(bn->net, family))
		return false;
	skb_set_transport_header(skb, hlen);
	sa = find_sa(bn, skb, daddr, family);
	if (!sa)
		return false;
	__skb_pull(skb, hlen);
	if (unlikely(bowtie_esp_fast_rx(sa, skb, 0, true) == BOWTIE_ESP_DECLINED)) {
		__skb_push(skb, hlen);
		return false;
	}
	bowtie_stat_inc(&this_cpu_ptr(sa->tunnel->pcpu)->stats, BOWTIE_STAT(RX_EARLY));
	return true;
}

/* RFC 4293, as ip_rcv() and ip_local_deliver() count */
static void count4(struct net *net, unsigned int len, u8 tos)
{
	__IP_UPD_PO_STATS(net, IPSTATS_MIB_IN, len);
	__IP_INC_STATS(net, IPSTATS_MIB_NOECTPKTS + (tos & INET_ECN_MASK));
	__IP_INC_STATS(net, IPSTATS_MIB_INDELIVERS);
}

static unsigned int early4(const struct bowtie_net *bn, struct sk_buff *skb)
{
	const struct iphdr *iph = (const struct iphdr *)skb->data;
	unsigned int len = skb->len;
	u8 tos;

	if (skb_headlen(skb) < sizeof(*iph) + sizeof(struct ip_esp_hdr) || !plain4(skb))
		return NF_ACCEPT;
	tos = iph->tos;
	if (!take(bn, skb, sizeof(*iph), &iph->daddr, AF_INET))
		return NF_ACCEPT;
	count4(bn->net, len, tos);
	return NF_STOLEN;
}

static void count6(struct net *net, const struct net_device *dev, unsigned int len, u8 dsfield)
{
	struct inet6_dev *idev = __in6_dev_get(dev);

	__IP6_UPD_PO_STATS(net, idev, IPSTATS_MIB_IN, len);
	__IP6_ADD_STATS(net, idev, IPSTATS_MIB_NOECTPKTS + (dsfield & INET_ECN_MASK), 1);
	__IP6_INC_STATS(net, idev, IPSTATS_MIB_INDELIVERS);
}

static unsigned int early6(const struct bowtie_net *bn, struct sk_buff *skb)
{
	const struct ipv6hdr *ip6h = (const struct ipv6hdr *)skb->data;
	const struct net_device *dev = skb->dev;
	unsigned int len = skb->len;
	u8 dsfield;

	if (skb_headlen(skb) < sizeof(*ip6h) + sizeof(struct ip_esp_hdr) || !plain6(skb))
		return NF_ACCEPT;
	dsfield = ipv6_get_dsfield(ip6h);
	if (!take(bn, skb, sizeof(*ip6h), &ip6h->daddr, AF_INET6))
		return NF_ACCEPT;
	count6(bn->net, dev, len, dsfield);
	return NF_STOLEN;
}

static unsigned int early(void *priv, struct sk_buff *skb, const struct nf_hook_state *state)
{
	switch (skb->protocol) {
	case htons(ETH_P_IP):
		return early4(priv, skb);
	case htons(ETH_P_IPV6):
		return early6(priv, skb);
	default:
		return NF_ACCEPT;
	}
}

static bool known(const struct bowtie_net *bn, const struct net_device *dev)
{
	const struct bowtie_early *e;

	list_for_each_entry_rcu(e, &bn->early, list, lockdep_rtnl_is_held()) {
		if (e->ops.dev == dev)
			return true;
	}
	return false;
}

/*
 * A link in a link has no depth that is known; packets of a VRF change their device, for
 * which there is no ingress.
 */
static bool may_hook(const struct net_device *dev)
{
	return dev->rtnl_link_ops != &bowtie_link_ops && !netif_is_l3_master(dev);
}

/*
 * Packets of the same poll may still wait in a GRO cell. They are not overtaken, as it takes
 * another packet, a while later, to make the way known.
 */
static void learn_way(struct bowtie_sa *sa, u64 now)
{
	/* pairs with the release below: way_since is that of way_next */
	if (smp_load_acquire(&sa->way_next) != now) {
		WRITE_ONCE(sa->way_since, jiffies);
		/* pairs with the acquire above */
		smp_store_release(&sa->way_next, now);
	} else if (jiffies - READ_ONCE(sa->way_since) > 1) {
		WRITE_ONCE(sa->way, now);
	}
}

/**
 * bowtie_early_learn() - an authentic packet has come through IP
 * @sa: its SA
 * @dev: device it came by
 *
 * Context: RCU read side, softirq.
 */
void bowtie_early_learn(struct bowtie_sa *sa, const struct net_device *dev)
{
	struct bowtie_net *bn = sa->bn;
	u64 now;

	if (sa->x->encap || !unhooked(bn->net, sa->family))
		return;
	now = way(bn->net, dev, sa->family);
	if (unlikely(READ_ONCE(sa->way) != now))
		learn_way(sa, now);
	if (likely(known(bn, dev)) || !may_hook(dev))
		return;
	WRITE_ONCE(bn->early_wanted, dev->ifindex);
	queue_work(bowtie_wq, &bn->early_work);
}

static void hook(struct bowtie_net *bn, struct net_device *dev)
{
	struct bowtie_early *e = kzalloc(sizeof(*e), GFP_KERNEL);

	if (!e)
		return;
	e->ops.hook = early;
	e->ops.dev = dev;
	e->ops.priv = bn;
	e->ops.pf = NFPROTO_NETDEV;
	e->ops.hooknum = NF_NETDEV_INGRESS;
	e->ops.priority = EARLY_PRIORITY;
	e->hooked = !nf_register_net_hook(bn->net, &e->ops);
	list_add_rcu(&e->list, &bn->early);
}

static void early_work(struct work_struct *work)
{
	struct bowtie_net *bn = container_of(work, struct bowtie_net, early_work);
	struct net_device *dev;

	rtnl_lock();
	dev = __dev_get_by_index(bn->net, READ_ONCE(bn->early_wanted));
	if (dev && may_hook(dev) && !list_empty(&bn->links) && !known(bn, dev))
		hook(bn, dev);
	rtnl_unlock();
}

/**
 * bowtie_early_forget() - take hooks away
 * @bn: underlay
 * @dev: from this device, which goes; or NULL, from all, since no link is left
 *
 * Context: RTNL. The hooks may still run until a grace period is over.
 */
void bowtie_early_forget(struct bowtie_net *bn, const struct net_device *dev)
{
	struct bowtie_early *e, *tmp;

	list_for_each_entry_safe(e, tmp, &bn->early, list) {
		if (dev && e->ops.dev != dev)
			continue;
		if (e->hooked)
			nf_unregister_net_hook(bn->net, &e->ops);
		list_del_rcu(&e->list);
		kfree_rcu(e, rcu);
	}
}

/**
 * bowtie_early_init_net() - prepare an underlay
 * @bn: underlay
 */
void bowtie_early_init_net(struct bowtie_net *bn)
{
	INIT_LIST_HEAD(&bn->early);
	INIT_WORK(&bn->early_work, early_work);
}

/**
 * bowtie_early_exit_net() - the reverse, when no packet of ours arrives any more
 * @bn: underlay without links
 *
 * Context: process, without RTNL.
 */
void bowtie_early_exit_net(struct bowtie_net *bn)
{
	cancel_work_sync(&bn->early_work);
	WARN_ON_ONCE(!list_empty(&bn->early));
}

/**
 * bowtie_early_exit() - wait for hooks that have been taken away
 *
 * Context: process, without RTNL.
 */
void bowtie_early_exit(void)
{
	synchronize_net();
}
