// SPDX-License-Identifier: GPL-2.0
/*
 * Packets larger than the tunnel: told the sender, or fragmented before they are
 * encrypted. Clouds do not reassemble fragments of ESP.
 */
#include <linux/icmp.h>
#include <linux/icmpv6.h>
#include <linux/skbuff.h>
#include <net/icmp.h>
#include <net/ip.h>
#include <net/ipv6.h>
#include <net/xfrm.h>

#include "tunnel.h"
#include "tx.h"

static bool fits(const struct sk_buff *skb, u32 mtu)
{
	if (skb_is_gso(skb))
		return skb_gso_validate_network_len(skb, mtu);
	return skb->len <= mtu;
}

/**
 * __bowtie_tx_limit() - does a packet fit into the tunnel?
 * @skb: inner packet
 * @v6: its family
 * @conf: settings of the tunnel
 * @mtu: largest inner packet, in bytes
 *
 * Sends the ICMP error if the packet may not be fragmented (RFC 1191, RFC 8201).
 * With df clear an IPv4 packet is fragmented even if its sender forbade it.
 * Context: RCU read side, bottom halves off.
 * Return: enum bowtie_tx_fit, or -EMSGSIZE if the packet is to be dropped.
 */
int __bowtie_tx_limit(struct sk_buff *skb, bool v6, const struct bowtie_tunnel_conf *conf, u32 mtu)
{
	if (v6)
		mtu = max_t(u32, mtu, IPV6_MIN_MTU);
	if (likely(fits(skb, mtu)))
		return BOWTIE_TX_FITS;

	if (v6) {
		skb_dst_update_pmtu_no_confirm(skb, mtu);
		icmpv6_ndo_send(skb, ICMPV6_PKT_TOOBIG, 0, mtu);
		return -EMSGSIZE;
	}
	if ((ip_hdr(skb)->frag_off & htons(IP_DF)) && conf->df != BOWTIE_DF_CLEAR) {
		skb_dst_update_pmtu_no_confirm(skb, mtu);
		icmp_ndo_send(skb, ICMP_DEST_UNREACH, ICMP_FRAG_NEEDED, htonl(mtu));
		return -EMSGSIZE;
	}
	return BOWTIE_TX_FRAGMENT;
}

static int output_one(struct net *net, struct sock *sk, struct sk_buff *skb)
{
	return xfrm_output(skb->sk, skb);
}

/*
 * What was not to be fragmented may have any identification (RFC 6864), and Linux makes
 * that 0: the pieces of two such packets could not be told apart.
 */
static int identify(struct net *net, struct sk_buff *skb)
{
	struct iphdr *iph;

	if (skb_ensure_writable(skb, ip_hdrlen(skb)))
		return -ENOMEM;
	iph = ip_hdr(skb);
	iph->frag_off &= ~htons(IP_DF);
	__ip_select_ident(net, iph, 1);
	ip_send_check(iph);
	return 0;
}

static int fragment_one(struct net *net, struct sk_buff *skb)
{
	if ((ip_hdr(skb)->frag_off & htons(IP_DF)) && identify(net, skb)) {
		kfree_skb(skb);
		return -ENOMEM;
	}
	memset(IPCB(skb), 0, sizeof(*IPCB(skb)));
	IPCB(skb)->opt.optlen = ip_hdrlen(skb) - sizeof(struct iphdr);
	/* Without its socket, whose own mind about path MTU would rule over the tunnel's. */
	return ip_do_fragment(net, NULL, skb, output_one);
}

/**
 * bowtie_tx_fragment() - fragment an IPv4 packet and send the pieces
 * @net: underlay
 * @skb: inner packet, with the tunnel's bundle as its dst: that also tells
 *	ip_do_fragment() the MTU. Consumed.
 *
 * Context: RCU read side, bottom halves off. Return: as xfrm_output().
 */
int bowtie_tx_fragment(struct net *net, struct sk_buff *skb)
{
	struct sk_buff *segs, *next;
	int err = 0, one;

	if (!skb_is_gso(skb))
		return fragment_one(net, skb);

	segs = skb_gso_segment(skb, 0);
	if (IS_ERR_OR_NULL(segs)) {
		kfree_skb(skb);
		return segs ? PTR_ERR(segs) : -EINVAL;
	}
	consume_skb(skb);
	skb_list_walk_safe(segs, segs, next) {
		skb_mark_not_on_list(segs);
		one = fragment_one(net, segs);
		if (one)
			err = one;
	}
	return err;
}
