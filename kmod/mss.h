/* SPDX-License-Identifier: GPL-2.0 */
#ifndef _BOWTIE_MSS_H
#define _BOWTIE_MSS_H

#include <linux/ip.h>
#include <linux/ipv6.h>
#include <linux/skbuff.h>
#include <linux/tcp.h>

struct bowtie_tunnel_conf;

int __bowtie_mss_clamp(struct sk_buff *skb, bool v6, const struct bowtie_tunnel_conf *conf,
		       u32 mtu);

/* Nearly all packets are no SYN, and that can be told at once. */
static inline int bowtie_mss_clamp(struct sk_buff *skb, bool v6,
				   const struct bowtie_tunnel_conf *conf, u32 mtu)
{
	unsigned int len = v6 ? sizeof(struct ipv6hdr) : ip_hdr(skb)->ihl * 4;
	u8 proto = v6 ? ipv6_hdr(skb)->nexthdr : ip_hdr(skb)->protocol;

	if (proto == IPPROTO_UDP)
		return 0;
	len += skb_network_offset(skb);
	if (proto == IPPROTO_TCP && likely(skb_headlen(skb) >= len + sizeof(struct tcphdr)) &&
	    !((const struct tcphdr *)(skb->data + len))->syn)
		return 0;
	return __bowtie_mss_clamp(skb, v6, conf, mtu);
}

#endif /* _BOWTIE_MSS_H */
