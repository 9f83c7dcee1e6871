// SPDX-License-Identifier: GPL-2.0
/*
 * What a probe looks like inside the tunnel, and how its answer is told from the
 * packets of others: by the cookie of its sequence number, which only we know.
 *
 * icmp: an echo request to the peer's inside address. tcp: a SYN to a port of it, from
 * a port of our own for each slot of the ring; the cookie is the sequence number, so
 * that RST and SYN-ACK bring it back, and a SYN-ACK is answered with RST, so that no
 * connection is left. bowtie: include/wire/bowtie_probe.h.
 */
#include <linux/icmp.h>
#include <linux/icmpv6.h>
#include <linux/ip.h>
#include <linux/ipv6.h>
#include <linux/skbuff.h>
#include <linux/tcp.h>
#include <linux/udp.h>
#include <net/ip.h>
#include <net/ip6_checksum.h>
#include <net/ipv6.h>
#include <net/tcp.h>

#include "../include/wire/bowtie_probe.h"
#include "probe.h"
#include "tunnel.h"

/* Room for ESP in UDP in IPv6, and a link header. */
#define HEADROOM	(LL_MAX_HEADER + 128)
#define TAILROOM	64
#define HOPS		64
/* What peers with TTL security (RFC 5082) ask for. */
#define HOPS_TCP	255
#define TCP_WINDOW_SIZE	512

/* What an ICMP probe carries. */
struct echo_payload {
	__be32 seq;
	__be32 pad;
	__be64 cookie;
};

static bool pair4(const struct bowtie_tunnel_conf *conf)
{
	return conf->inside_local4 && conf->inside_peer4;
}

static bool pair6(const struct bowtie_tunnel_conf *conf)
{
	return !ipv6_addr_any(&conf->inside_local6) && !ipv6_addr_any(&conf->inside_peer6);
}

/**
 * bowtie_probe_possible() - are there inside addresses to probe with?
 * @conf: settings of a tunnel
 *
 * Return: true if both ends have one of the same family.
 */
bool bowtie_probe_possible(const struct bowtie_tunnel_conf *conf)
{
	return pair4(conf) || pair6(conf);
}

static void put_ip4(struct sk_buff *skb, const struct bowtie_tunnel_conf *conf, u8 proto, u8 hops)
{
	struct iphdr *iph = skb_push(skb, sizeof(*iph));

	*iph = (struct iphdr){
		.version = 4,
		.ihl = 5,
		.tot_len = htons(skb->len),
		.frag_off = htons(IP_DF),
		.ttl = hops,
		.protocol = proto,
		.saddr = conf->inside_local4,
		.daddr = conf->inside_peer4,
	};
	ip_send_check(iph);
}

static void put_ip6(struct sk_buff *skb, const struct bowtie_tunnel_conf *conf, u8 proto, u8 hops)
{
	unsigned int len = skb->len;
	struct ipv6hdr *ip6h = skb_push(skb, sizeof(*ip6h));

	*ip6h = (struct ipv6hdr){
		.version = 6,
		.payload_len = htons(len),
		.nexthdr = proto,
		.hop_limit = hops,
		.saddr = conf->inside_local6,
		.daddr = conf->inside_peer6,
	};
}

/* The transport's checksum; ICMPv4 has no pseudo header. */
static __sum16 checksum(const struct sk_buff *skb, const struct bowtie_tunnel_conf *conf, bool v6,
			u8 proto)
{
	__wsum sum = csum_partial(skb->data, skb->len, 0);

	if (v6)
		return csum_ipv6_magic(&conf->inside_local6, &conf->inside_peer6, skb->len, proto,
				       sum);
	if (proto == IPPROTO_ICMP)
		return csum_fold(sum);
	return csum_tcpudp_magic(conf->inside_local4, conf->inside_peer4, skb->len, proto, sum);
}

static struct sk_buff *packet_alloc(unsigned int len)
{
	unsigned int room = HEADROOM + sizeof(struct ipv6hdr);
	struct sk_buff *skb = alloc_skb(room + len + TAILROOM, GFP_ATOMIC);

	if (skb)
		skb_reserve(skb, room);
	return skb;
}

static struct sk_buff *packet_finish(struct sk_buff *skb, const struct bowtie_tunnel_conf *conf,
				     bool v6, u8 proto, u8 hops)
{
	skb_reset_transport_header(skb);
	if (v6)
		put_ip6(skb, conf, proto, hops);
	else
		put_ip4(skb, conf, proto, hops);
	skb_reset_network_header(skb);
	skb->protocol = v6 ? htons(ETH_P_IPV6) : htons(ETH_P_IP);
	skb->priority = TC_PRIO_CONTROL;
	return skb;
}

static struct sk_buff *build_icmp(const struct bowtie_probe *probe,
				  const struct bowtie_tunnel_conf *conf, u32 seq, bool v6)
{
	u8 proto = v6 ? IPPROTO_ICMPV6 : IPPROTO_ICMP;
	struct echo_payload *payload;
	struct icmphdr *icmph;
	struct sk_buff *skb;

	/* Both versions have the same layout. */
	BUILD_BUG_ON(sizeof(struct icmphdr) != sizeof(struct icmp6hdr));
	skb = packet_alloc(sizeof(*icmph) + sizeof(*payload));
	if (!skb)
		return NULL;
	icmph = skb_put_zero(skb, sizeof(*icmph));
	icmph->type = v6 ? ICMPV6_ECHO_REQUEST : ICMP_ECHO;
	icmph->un.echo.id = htons(probe->id);
	icmph->un.echo.sequence = htons((u16)seq);
	payload = skb_put(skb, sizeof(*payload));
	*payload = (struct echo_payload){
		.seq = htonl(seq),
		.cookie = cpu_to_be64(bowtie_probe_cookie(probe, seq)),
	};
	icmph->checksum = checksum(skb, conf, v6, proto);
	return packet_finish(skb, conf, v6, proto, HOPS);
}

static struct sk_buff *build_tcp(const struct bowtie_tunnel_conf *conf, u16 sport, u16 dport,
				 u32 seq, u8 flags, bool v6)
{
	struct tcphdr *th;
	struct sk_buff *skb = packet_alloc(sizeof(*th));

	if (!skb)
		return NULL;
	th = skb_put_zero(skb, sizeof(*th));
	th->source = htons(sport);
	th->dest = htons(dport);
	th->seq = htonl(seq);
	th->doff = sizeof(*th) / 4;
	if (flags & TCPHDR_SYN)
		th->syn = 1;
	if (flags & TCPHDR_RST)
		th->rst = 1;
	th->window = htons(flags & TCPHDR_SYN ? TCP_WINDOW_SIZE : 0);
	th->check = checksum(skb, conf, v6, IPPROTO_TCP);
	return packet_finish(skb, conf, v6, IPPROTO_TCP, HOPS_TCP);
}

static struct sk_buff *build_udp(const struct bowtie_tunnel_conf *conf,
				 const struct bowtie_probe_echo *echo, bool v6)
{
	struct sk_buff *skb = packet_alloc(sizeof(struct udphdr) + sizeof(*echo));
	struct udphdr *uh;

	if (!skb)
		return NULL;
	uh = skb_put_zero(skb, sizeof(*uh));
	uh->source = htons(BOWTIE_PROBE_UDP_PORT);
	uh->dest = htons(BOWTIE_PROBE_UDP_PORT);
	uh->len = htons(sizeof(*uh) + sizeof(*echo));
	skb_put_data(skb, echo, sizeof(*echo));
	uh->check = checksum(skb, conf, v6, IPPROTO_UDP) ?: CSUM_MANGLED_0;
	return packet_finish(skb, conf, v6, IPPROTO_UDP, HOPS);
}

/**
 * bowtie_probe_build() - make a probe
 * @probe: prober
 * @conf: settings of its tunnel, for which probing is possible
 * @seq: its number
 * @now: the time, in ns
 * @v6: set to its family
 *
 * Context: any. Return: an inner packet, or NULL if there is no memory.
 */
struct sk_buff *bowtie_probe_build(const struct bowtie_probe *probe,
				   const struct bowtie_tunnel_conf *conf, u32 seq, u64 now,
				   bool *v6)
{
	u64 cookie = bowtie_probe_cookie(probe, seq);
	struct bowtie_probe_echo echo = {
		.magic = htonl(BOWTIE_PROBE_MAGIC),
		.type = BOWTIE_PROBE_REQUEST,
		.seq = htonl(seq),
		.sent = cpu_to_be64(now),
		.cookie = cpu_to_be64(cookie),
	};

	*v6 = !pair4(conf);
	switch (conf->probe) {
	case BOWTIE_PROBE_TYPE_TCP:
		return build_tcp(conf, probe->port + seq % BOWTIE_PROBE_RING, conf->probe_port,
				 (u32)cookie, TCPHDR_SYN, *v6);
	case BOWTIE_PROBE_TYPE_BOWTIE:
		return build_udp(conf, &echo, *v6);
	default:
		return build_icmp(probe, conf, seq, *v6);
	}
}

/* Where the transport header is, or negative if the packet is not from peer to us. */
static int transport(const struct bowtie_tunnel_conf *conf, const struct sk_buff *skb, bool v6,
		     u8 *proto)
{
	if (v6) {
		const struct ipv6hdr *ip6h = ipv6_hdr(skb);

		if (!pair6(conf) || !ipv6_addr_equal(&ip6h->saddr, &conf->inside_peer6) ||
		    !ipv6_addr_equal(&ip6h->daddr, &conf->inside_local6))
			return -1;
		*proto = ip6h->nexthdr;
		return skb_network_offset(skb) + sizeof(*ip6h);
	}
	if (!pair4(conf) || ip_hdr(skb)->saddr != conf->inside_peer4 ||
	    ip_hdr(skb)->daddr != conf->inside_local4 || ip_is_fragment(ip_hdr(skb)))
		return -1;
	*proto = ip_hdr(skb)->protocol;
	return skb_network_offset(skb) + ip_hdrlen(skb);
}

static struct bowtie_probe_seen seen(u64 want, u64 is, u32 seq)
{
	return (struct bowtie_probe_seen){
		.kind = want == is ? BOWTIE_SEEN_ANSWER : BOWTIE_SEEN_FORGED,
		.seq = seq,
	};
}

static const struct bowtie_probe_seen other;

static struct bowtie_probe_seen parse_icmp(const struct bowtie_probe *probe, struct sk_buff *skb,
					   int offset, bool v6)
{
	struct {
		struct icmphdr icmph;
		struct echo_payload payload;
	} buf, *p;

	p = skb_header_pointer(skb, offset, sizeof(buf), &buf);
	if (!p || p->icmph.type != (v6 ? ICMPV6_ECHO_REPLY : ICMP_ECHOREPLY) ||
	    p->icmph.un.echo.id != htons(probe->id))
		return other;
	return seen(bowtie_probe_cookie(probe, ntohl(p->payload.seq)),
		    be64_to_cpu(p->payload.cookie), ntohl(p->payload.seq));
}

static struct bowtie_probe_seen parse_tcp(const struct bowtie_probe *probe,
					  const struct bowtie_tunnel_conf *conf,
					  struct sk_buff *skb, int offset, u32 next_seq)
{
	struct tcphdr buf, *th = skb_header_pointer(skb, offset, sizeof(buf), &buf);
	u32 slot, seq;

	if (!th || ntohs(th->source) != conf->probe_port)
		return other;
	slot = ntohs(th->dest) - probe->port;
	if (slot >= BOWTIE_PROBE_RING)
		return other;
	/* The latest probe that this port was used for. */
	seq = next_seq - 1 - (next_seq - 1 - slot) % BOWTIE_PROBE_RING;
	if (!th->ack || (!th->rst && !th->syn))
		return (struct bowtie_probe_seen){ .kind = BOWTIE_SEEN_FORGED };
	return seen((u32)bowtie_probe_cookie(probe, seq) + 1U, ntohl(th->ack_seq), seq);
}

static struct bowtie_probe_seen parse_udp(const struct bowtie_probe *probe,
					  const struct bowtie_tunnel_conf *conf,
					  struct sk_buff *skb, int offset)
{
	struct {
		struct udphdr uh;
		struct bowtie_probe_echo echo;
	} buf, *p = skb_header_pointer(skb, offset, sizeof(buf), &buf);

	if (!p || p->uh.dest != htons(BOWTIE_PROBE_UDP_PORT) ||
	    p->uh.len != htons(sizeof(buf)) || p->echo.magic != htonl(BOWTIE_PROBE_MAGIC))
		return other;
	if (p->echo.type == BOWTIE_PROBE_REQUEST)
		return (struct bowtie_probe_seen){ .kind = BOWTIE_SEEN_REQUEST };
	if (p->echo.type != BOWTIE_PROBE_REPLY || conf->probe != BOWTIE_PROBE_TYPE_BOWTIE)
		return other;
	return seen(bowtie_probe_cookie(probe, ntohl(p->echo.seq)),
		    be64_to_cpu(p->echo.cookie), ntohl(p->echo.seq));
}

/**
 * bowtie_probe_parse() - is a packet from the peer an answer, or a request?
 * @probe: prober of the tunnel it came by
 * @conf: settings of the tunnel
 * @skb: packet with a valid IP header, at its network header
 * @v6: its family
 * @next_seq: number of the next probe
 *
 * Context: any.
 */
struct bowtie_probe_seen bowtie_probe_parse(const struct bowtie_probe *probe,
					    const struct bowtie_tunnel_conf *conf,
					    struct sk_buff *skb, bool v6, u32 next_seq)
{
	int offset;
	u8 proto;

	offset = transport(conf, skb, v6, &proto);
	if (offset < 0)
		return other;
	if (proto == IPPROTO_UDP)
		return parse_udp(probe, conf, skb, offset);
	if (conf->probe == BOWTIE_PROBE_TYPE_ICMP &&
	    proto == (v6 ? IPPROTO_ICMPV6 : IPPROTO_ICMP))
		return parse_icmp(probe, skb, offset, v6);
	if (conf->probe == BOWTIE_PROBE_TYPE_TCP && proto == IPPROTO_TCP)
		return parse_tcp(probe, conf, skb, offset, next_seq);
	return other;
}

/**
 * bowtie_probe_reply() - what a request or an answer is to be answered with
 * @conf: settings of the tunnel
 * @skb: packet that bowtie_probe_parse() has recognised
 * @v6: its family
 *
 * A request of a Bowtie gets its reply, and a SYN-ACK is answered with RST.
 * Context: any. Return: an inner packet, or NULL if nothing is to be sent, or there
 * is no memory.
 */
struct sk_buff *bowtie_probe_reply(const struct bowtie_tunnel_conf *conf, struct sk_buff *skb,
				   bool v6)
{
	struct tcphdr thbuf, *th;
	struct {
		struct udphdr uh;
		struct bowtie_probe_echo echo;
	} buf, *p;
	int offset;
	u8 proto;

	offset = transport(conf, skb, v6, &proto);
	if (offset < 0)
		return NULL;
	if (proto == IPPROTO_TCP) {
		th = skb_header_pointer(skb, offset, sizeof(thbuf), &thbuf);
		if (!th || th->rst)
			return NULL;
		return build_tcp(conf, ntohs(th->dest), ntohs(th->source), ntohl(th->ack_seq),
				 TCPHDR_RST, v6);
	}
	if (proto != IPPROTO_UDP)
		return NULL;
	p = skb_header_pointer(skb, offset, sizeof(buf), &buf);
	if (!p || p->echo.type != BOWTIE_PROBE_REQUEST)
		return NULL;
	buf.echo = p->echo;
	buf.echo.type = BOWTIE_PROBE_REPLY;
	return build_udp(conf, &buf.echo, v6);
}
