// SPDX-License-Identifier: GPL-2.0
/*
 * Outer packets to the underlay: netfilter's hooks for local packets, and then straight to
 * the neighbour. What is not as usual (a VRF, a lightweight tunnel, a packet that has to be
 * fragmented) takes the stack's own way.
 */
#include <linux/netfilter.h>
#include <net/arp.h>
#include <net/ip.h>
#include <net/ip6_route.h>
#include <net/l3mdev.h>
#include <net/ndisc.h>

#include "esp_out.h"

/* Without netfilter there is nothing to look at, and required.config asks for it. */
#define hooked(entries)		(!!rcu_access_pointer(entries))

/*
 * May the packet go to the neighbour as soon as the hooks have seen it? Not what has to be
 * fragmented, nor a local socket's, whose control group may have filters.
 */
static __always_inline bool plain(const struct sk_buff *skb, const struct dst_entry *dst,
				  u32 path_mtu)
{
	return likely(skb->len <= path_mtu) && !skb->sk && !dst->lwtstate && !dst->xfrm &&
	       likely(skb_headroom(skb) >= LL_RESERVED_SPACE(dst->dev));
}

static int to_neighbour4(struct net *net, struct sk_buff *skb, struct dst_entry *dst)
{
	struct neighbour *n;
	bool v6gw = false;

	IP_UPD_PO_STATS(net, IPSTATS_MIB_OUT, skb->len);
	n = ip_neigh_for_gw(container_of(dst, struct rtable, dst), skb, &v6gw);
	if (IS_ERR(n)) {
		kfree_skb(skb);
		return PTR_ERR(n);
	}
	return neigh_output(n, skb, v6gw);
}

static int out4(struct net *net, struct sk_buff *skb, struct dst_entry *dst, u32 path_mtu)
{
	int err;

	if (unlikely(!plain(skb, dst, path_mtu)))
		return ip_local_out(net, skb->sk, skb);
	if (hooked(net->nf.hooks_ipv4[NF_INET_LOCAL_OUT])) {
		err = nf_hook(NFPROTO_IPV4, NF_INET_LOCAL_OUT, net, skb->sk, skb, NULL, dst->dev,
			      ip_output);
		if (unlikely(err != 1))
			return err;
		if (unlikely(skb_dst(skb) != dst || !plain(skb, dst, path_mtu)))
			return dst_output(net, skb->sk, skb);
	}
	if (!hooked(net->nf.hooks_ipv4[NF_INET_POST_ROUTING]))
		return to_neighbour4(net, skb, dst);
	/* Whoever keeps the packet goes on in the stack, which is not to ask again. */
	IPCB(skb)->flags |= IPSKB_REROUTED;
	err = nf_hook(NFPROTO_IPV4, NF_INET_POST_ROUTING, net, NULL, skb, NULL, dst->dev,
		      ip_output);
	if (unlikely(err != 1))
		return err;
	if (unlikely(!plain(skb, dst, path_mtu)))
		return ip_output(net, NULL, skb);
	return to_neighbour4(net, skb, dst);
}

static int to_neighbour6(struct net *net, struct sk_buff *skb, struct dst_entry *dst)
{
	struct rt6_info *rt = container_of(dst, struct rt6_info, dst);
	struct inet6_dev *idev = ip6_dst_idev(dst);
	const struct in6_addr *nexthop;
	struct neighbour *n;

	IP6_UPD_PO_STATS(net, idev, IPSTATS_MIB_OUT, skb->len);
	nexthop = rt6_nexthop(rt, &ipv6_hdr(skb)->daddr);
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

static int out6(struct net *net, struct sk_buff *skb, struct dst_entry *dst, u32 path_mtu)
{
	const struct inet6_dev *idev = ip6_dst_idev(dst);
	int err;

	if (unlikely(!idev || idev->cnf.disable_ipv6 || !plain(skb, dst, path_mtu)))
		return ip6_local_out(net, skb->sk, skb);
	if (hooked(net->nf.hooks_ipv6[NF_INET_LOCAL_OUT])) {
		err = nf_hook(NFPROTO_IPV6, NF_INET_LOCAL_OUT, net, skb->sk, skb, NULL, dst->dev,
			      ip6_output);
		if (unlikely(err != 1))
			return err;
		if (unlikely(skb_dst(skb) != dst || !plain(skb, dst, path_mtu)))
			return dst_output(net, skb->sk, skb);
	}
	if (!hooked(net->nf.hooks_ipv6[NF_INET_POST_ROUTING]))
		return to_neighbour6(net, skb, dst);
	IP6CB(skb)->flags |= IP6SKB_REROUTED;
	err = nf_hook(NFPROTO_IPV6, NF_INET_POST_ROUTING, net, NULL, skb, NULL, dst->dev,
		      ip6_output);
	if (unlikely(err != 1))
		return err;
	if (unlikely(!plain(skb, dst, path_mtu)))
		return ip6_output(net, NULL, skb);
	return to_neighbour6(net, skb, dst);
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
	/* A VRF has a say of its own. */
	if (unlikely(netif_is_l3_slave(dst->dev) || netif_is_l3_master(dst->dev)))
		return v4 ? ip_local_out(net, skb->sk, skb) : ip6_local_out(net, skb->sk, skb);
	return v4 ? out4(net, skb, dst, path_mtu) : out6(net, skb, dst, path_mtu);
}
