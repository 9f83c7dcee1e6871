// SPDX-License-Identifier: GPL-2.0
/* Clamp the maximum segment size (RFC 9293, 3.7.1) in TCP SYN segments. */
#include <linux/ip.h>
#include <linux/ipv6.h>
#include <linux/skbuff.h>
#include <linux/swab.h>
#include <linux/tcp.h>
#include <net/checksum.h>
#include <net/ip.h>
#include <net/ipv6.h>
#include <net/tcp.h>

#include "mss.h"
#include "tunnel.h"

/* Offset of the TCP header from skb->data, or negative if there is none here. */
static int tcp_offset(const struct sk_buff *skb, bool v6)
{
	int nh = skb_network_offset(skb);
	__be16 frag_off = 0;
	u8 proto;

	if (!v6) {
		const struct iphdr *iph = ip_hdr(skb);

		if (iph->protocol != IPPROTO_TCP || (iph->frag_off & htons(IP_OFFSET)))
			return -1;
		return nh + iph->ihl * 4;
	}
	proto = ipv6_hdr(skb)->nexthdr;
	if (likely(proto == IPPROTO_TCP))
		return nh + sizeof(struct ipv6hdr);
	if (!ipv6_ext_hdr(proto))
		return -1;
	nh = ipv6_skip_exthdr(skb, nh + sizeof(struct ipv6hdr), &proto, &frag_off);
	return nh >= 0 && proto == IPPROTO_TCP && !(frag_off & htons(IP6_OFFSET)) ? nh : -1;
}

/* Index of the MSS value in the options, or 0. */
static unsigned int find_mss(const u8 *opt, unsigned int len)
{
	unsigned int i = 0;

	while (i < len && opt[i] != TCPOPT_EOL) {
		if (opt[i] == TCPOPT_NOP) {
			i++;
			continue;
		}
		if (i + 1 >= len || opt[i + 1] < 2 || opt[i + 1] > len - i)
			return 0;
		if (opt[i] == TCPOPT_MSS && opt[i + 1] == TCPOLEN_MSS)
			return i + 2;
		i += opt[i + 1];
	}
	return 0;
}

static void replace_mss(struct sk_buff *skb, struct tcphdr *th, u8 *at, u16 mss)
{
	__be16 from = get_unaligned((__be16 *)at), to = htons(mss);

	put_unaligned(to, (__be16 *)at);
	/* At an odd offset the two bytes are in different words of the sum. */
	if ((at - (u8 *)th) & 1) {
		from = (__force __be16)swab16((__force u16)from);
		to = (__force __be16)swab16((__force u16)to);
	}
	inet_proto_csum_replace2(&th->check, skb, from, to, false);
}

/**
 * __bowtie_mss_clamp() - lower the MSS that a SYN announces to what fits
 * @skb: inner packet whose network header is in the linear part
 * @v6: its family
 * @conf: settings of the tunnel: what to clamp to
 * @mtu: largest inner packet of the tunnel in bytes, or 0 while unknown
 *
 * Context: any. Return: 1 if the packet was changed, 0 if not, -ENOMEM.
 */
int __bowtie_mss_clamp(struct sk_buff *skb, bool v6, const struct bowtie_tunnel_conf *conf,
		       u32 mtu)
{
	u32 headers = (v6 ? sizeof(struct ipv6hdr) : sizeof(struct iphdr)) + sizeof(struct tcphdr);
	u32 mss = conf->mss;
	struct tcphdr *th, buf;
	unsigned int len, at;
	int off;
	u8 *opt;

	if (mss == BOWTIE_MSS_OFF)
		return 0;
	off = tcp_offset(skb, v6);
	if (off < 0)
		return 0;
	th = skb_header_pointer(skb, off, sizeof(buf), &buf);
	if (!th || !th->syn)
		return 0;
	if (mss == BOWTIE_MSS_AUTO)
		mss = mtu > headers ? mtu - headers : 0;
	len = th->doff * 4;
	if (!mss || len <= sizeof(*th) || off + len > skb->len)
		return 0;
	if (skb_ensure_writable(skb, off + len))
		return -ENOMEM;

	th = (struct tcphdr *)(skb->data + off);
	opt = (u8 *)(th + 1);
	at = find_mss(opt, len - sizeof(*th));
	if (!at || get_unaligned_be16(opt + at) <= mss)
		return 0;
	replace_mss(skb, th, opt + at, mss);
	return 1;
}
