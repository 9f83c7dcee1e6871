// SPDX-License-Identifier: GPL-2.0
/* What makes packets one flow: the hash that chooses the bucket. */
#include <linux/ip.h>
#include <linux/ipv6.h>
#include <linux/jhash.h>
#include <linux/skbuff.h>
#include <net/flow_dissector.h>
#include <net/ip.h>
#include <net/ipv6.h>

#include "flow_mix.h"
#include "link.h"
#include "tx.h"

/* So that nobody outside can choose his tunnel. One place: each has an own "once". */
static noinline u64 seed(void)
{
	static u64 value __read_mostly;

	net_get_random_once(&value, sizeof(value));
	return value;
}

/*
 * By addresses alone. The protocol is left out: in IPv6 it is behind the
 * fragment header of the first fragment and nowhere to be seen in the others.
 */
static u32 hash_l3(const struct sk_buff *skb, bool v6)
{
	if (!v6)
		return jhash_2words((__force u32)ip_hdr(skb)->saddr,
				    (__force u32)ip_hdr(skb)->daddr, seed());
	return jhash2((const u32 *)&ipv6_hdr(skb)->saddr,
		      2 * sizeof(struct in6_addr) / sizeof(u32), seed());
}

static bool is_fragment(const struct sk_buff *skb, bool v6)
{
	unsigned int off = 0;
	u8 nexthdr;

	if (!v6)
		return ip_is_fragment(ip_hdr(skb));
	nexthdr = ipv6_hdr(skb)->nexthdr;
	if (likely(!ipv6_ext_hdr(nexthdr)))
		return false;
	if (nexthdr == NEXTHDR_FRAGMENT)
		return true;
	return ipv6_find_hdr(skb, &off, NEXTHDR_FRAGMENT, NULL, NULL) == NEXTHDR_FRAGMENT;
}

/*
 * TCP and UDP, which is nearly everything, at a tenth of what the stack's dissector and its
 * SipHash cost. Returns false if there is more to look at.
 */
static __always_inline bool hash_ports(struct sk_buff *skb, bool v6, u32 *hash)
{
	const struct ipv6hdr *ip6h;
	const struct iphdr *iph;
	const __be32 *ports;
	unsigned int len;
	u64 addrs;
	u8 proto;

	if (v6) {
		ip6h = ipv6_hdr(skb);
		proto = ip6h->nexthdr;
		len = sizeof(*ip6h);
	} else {
		iph = ip_hdr(skb);
		proto = iph->protocol;
		len = iph->ihl * 4;
	}
	if (unlikely((proto != IPPROTO_TCP && proto != IPPROTO_UDP) ||
		     skb_headlen(skb) < len + sizeof(*ports)))
		return false;
	ports = (const __be32 *)(skb->data + len);
	if (v6)
		addrs = (u64)jhash2((const u32 *)&ip6h->saddr, 4, seed()) << 32 |
			jhash2((const u32 *)&ip6h->daddr, 4, seed());
	else
		addrs = get_unaligned((const u64 *)&iph->saddr);
	*hash = bowtie_flow_mix(addrs, (u64)proto << 32 | (__force u32)get_unaligned(ports),
				seed());
	/* The underlay's device chooses its queue by it. */
	__skb_set_sw_hash(skb, *hash, true);
	return true;
}

/**
 * bowtie_tx_flow_hash() - hash of the flow a packet belongs to
 * @link: link, for its hash policy
 * @skb: packet with a valid network header in its linear part
 * @v6: its family
 *
 * All fragments of a packet hash alike: by addresses, since only the first one
 * has ports; a hash that came with the packet is not to be trusted for that.
 * Context: RCU read side.
 */
u32 bowtie_tx_flow_hash(const struct bowtie_link *link, struct sk_buff *skb, bool v6)
{
	struct flow_keys keys;
	u8 policy = READ_ONCE(link->hash);
	u32 hash;

	if (policy == BOWTIE_HASH_L3 || unlikely(is_fragment(skb, v6)))
		return hash_l3(skb, v6);
	switch (policy) {
	case BOWTIE_HASH_L4:
		if (likely(hash_ports(skb, v6, &hash)))
			return hash;
		skb_flow_dissect_flow_keys(skb, &keys, 0);
		return flow_hash_from_keys(&keys);
	case BOWTIE_HASH_SYMMETRIC:
		return __skb_get_hash_symmetric(skb);
	default:
		if (!skb->l4_hash && !skb->sw_hash && likely(hash_ports(skb, v6, &hash)))
			return hash;
		return skb_get_hash(skb);
	}
}
