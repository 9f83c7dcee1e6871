// SPDX-License-Identifier: GPL-2.0
/*
 * Outer packets to the underlay. If nobody has anything to say about them there, the way
 * from the IP output path to the neighbour is short: no netfilter hook, no VRF, no
 * lightweight tunnel, nothing that would need fragments. Else they take the stack's own.
 */
#include <linux/netfilter.h>
#include <net/arp.h>
#include <net/ip.h>
#include <net/ip6_route.h>
#include <net/l3mdev.h>
#include <net/ndisc.h>

#include "esp_out.h"

static bool hooked(const struct net *net, u8 family)
{
#ifdef CONFIG_NETFILTER
	const struct netns_nf *nf = &net->nf;

	if (family == AF_INET)
		return rcu_access_pointer(nf->hooks_ipv4[NF_INET_LOCAL_OUT]) ||
		       rcu_access_pointer(nf->hooks_ipv4[NF_INET_POST_ROUTING]);
	return rcu_access_pointer(nf->hooks_ipv6[NF_INET_LOCAL_OUT]) ||
	       rcu_access_pointer(nf->hooks_ipv6[NF_INET_POST_ROUTING]);
#else
	return false;
#endif
}

/* May the packet go to the neighbour at once? */
static bool plain(const struct net *net, const struct sk_buff *skb, const struct dst_entry *dst,
		  u32 path_mtu)
{
	/* A socket may have filters of its control group. */
	return likely(skb->len <= path_mtu) && !skb->sk && !dst->lwtstate && !dst->xfrm &&
	       !hooked(net, dst->ops->family) && !netif_is_l3_slave(dst->dev) &&
	       !netif_is_l3_master(dst->dev) &&
	       likely(skb_headroom(skb) >= LL_RESERVED_SPACE(dst->dev));
}

static int out4(struct net *net, struct sk_buff *skb, struct dst_entry *dst)
{
	struct rtable *rt = container_of(dst, struct rtable, dst);
	struct neighbour *n;
	bool v6gw = false;

	IP_UPD_PO_STATS(net, IPSTATS_MIB_OUT, skb->len);
	n = ip_neigh_for_gw(rt, skb, &v6gw);
	if (IS_ERR(n)) {
		kfree_skb(skb);
		return PTR_ERR(n);
	}
	return neigh_output(n, skb, v6gw);
}

static int out6(struct net *net, struct sk_buff *skb, struct dst_entry *dst)
{
	const struct in6_addr *nexthop;
	struct inet6_dev *idev = ip6_dst_idev(dst);
	struct neighbour *n;

	IP6_UPD_PO_STATS(net, idev, IPSTATS_MIB_OUT, skb->len);
	nexthop = rt6_nexthop(container_of(dst, struct rt6_info, dst), &ipv6_hdr(skb)->daddr);
	n = __ipv6_neigh_lookup_noref(dst->dev, nexthop);
	if (unlikely(!n))
		n = __neigh_create(&nd_tbl, nexthop, dst->dev, false);
	if (IS_ERR(n)) {
		IP6_INC_STATS(net, idev, IPSTATS_MIB_OUTNOROUTES);
		kfree_skb(skb);
		return PTR_ERR(n);
	}
	return neigh_output(n, skb, false);
}

/**
 * bowtie_esp_out() - send an outer packet
 * @net: underlay
 * @skb: packet with its outer IP header complete, its protocol and its route; consumed
 * @path_mtu: what the route carries, in bytes; larger ones go by the stack's own way
 *
 * Context: RCU read side, bottom halves off. Return: as ip_local_out().
 */
int bowtie_esp_out(struct net *net, struct sk_buff *skb, u32 path_mtu)
{
	struct dst_entry *dst = skb_dst(skb);
	bool v4 = dst->ops->family == AF_INET;

	skb->dev = dst->dev;
	if (unlikely(!plain(net, skb, dst, path_mtu)))
		return v4 ? ip_local_out(net, skb->sk, skb) : ip6_local_out(net, skb->sk, skb);
	return v4 ? out4(net, skb, dst) : out6(net, skb, dst);
}
