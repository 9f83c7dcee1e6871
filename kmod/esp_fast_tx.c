// SPDX-License-Identifier: GPL-2.0
/*
 * ESP out, the fast path (RFC 4303 in tunnel mode, RFC 3948): headers and trailer are built
 * around the packet where it is, the SA's own transform is called once, and the packet goes
 * to the neighbour. What differs from xfrm is what is left out: no bundle for each packet,
 * no request allocated, no second pass through the IP output path unless somebody has a
 * hook there. What does not differ is the result on the wire and in the SA.
 *
 * Only plain sailing is done here. A packet that meets a limit or the end of the sequence
 * numbers goes to xfrm as it came.
 */
#include <linux/netfilter.h>
#include <linux/udp.h>
#include <net/arp.h>
#include <net/dsfield.h>
#include <net/inet_ecn.h>
#include <net/ip.h>
#include <net/ip6_checksum.h>
#include <net/ip6_route.h>
#include <net/ndisc.h>
#include <net/xfrm.h>

#include "esp.h"
#include "esp_out.h"
#include "esp_seq.h"
#include "link.h"
#include "sa.h"
#include "trace.h"
#include "tunnel.h"

/**
 * struct esp_batch - packets that leave by one SA, one after the other
 * @t: tunnel
 * @sa: outbound SA
 * @path: route of the outer packets
 * @path_mtu: of @path, in bytes
 * @seq: next sequence number
 * @sport: of the UDP header, if @udp
 * @dport: likewise
 * @udp: ESP in UDP
 * @df: outer packets must not be fragmented, whatever the inner ones say
 * @v6: family of the inner packets
 */
struct esp_batch {
	struct bowtie_tunnel *t;
	const struct bowtie_sa *sa;
	struct dst_entry *path;
	u32 path_mtu;
	u64 seq;
	__be16 sport;
	__be16 dport;
	bool udp;
	bool df;
	bool v6;
};

/*
 * What comes between the payload and its length: 1, 2, 3, ... (RFC 4303, 2.4). Words are
 * written as long as what follows has room for them: it is not there yet.
 */
static void put_padding(u8 *at, unsigned int pad, unsigned int alen)
{
	unsigned int i;

	if (likely(pad <= 16 && alen >= 8)) {
		put_unaligned_be64(0x0102030405060708ULL, (__be64 *)at);
		if (pad > 8)
			put_unaligned_be64(0x090a0b0c0d0e0f10ULL, (__be64 *)(at + 8));
		return;
	}
	for (i = 0; i < pad; i++)
		at[i] = i + 1;
}

/* Numbers for @n packets, and what they count. False: all of it is for xfrm. */
static bool take_numbers(struct esp_batch *b, u32 n, u32 bytes)
{
	struct xfrm_state *x = b->sa->x;
	bool ok;

	if (unlikely(bowtie_seq_watched(b->sa)))
		return false;
	spin_lock(&x->lock);
	ok = bowtie_esp_plain_sailing(x, n, bytes) && bowtie_seq_take(x, n, &b->seq);
	if (likely(ok)) {
		x->curlft.bytes += bytes;
		x->curlft.packets += n;
		bowtie_state_used(x);
		b->udp = x->encap;
		if (b->udp) {
			b->sport = x->encap->encap_sport;
			b->dport = x->encap->encap_dport;
		}
	}
	spin_unlock(&x->lock);
	return ok;
}

/* Linear, nobody else's, with room at both ends: in one copy if it is not so. */
static int make_room(struct sk_buff *skb, unsigned int head, unsigned int tail)
{
	int more_head = head - skb_headroom(skb), more_tail;

	if (likely(!skb_cloned(skb) && more_head <= 0 && (int)tail <= skb_tailroom(skb)))
		return 0;
	more_tail = tail + skb->data_len - (skb_end_pointer(skb) - skb_tail_pointer(skb));
	if (pskb_expand_head(skb, ALIGN(max(more_head, 0), 16), max(more_tail, 0), GFP_ATOMIC))
		return -ENOMEM;
	return skb->data_len && !__pskb_pull_tail(skb, skb->data_len) ? -ENOMEM : 0;
}

static u8 outer_tos(const struct xfrm_state *x, u8 inner)
{
	u8 tos = x->props.extra_flags & XFRM_SA_XFLAG_DONT_ENCAP_DSCP ? 0 : inner;

	if (x->props.flags & XFRM_STATE_NOECN)
		return tos & ~INET_ECN_MASK;
	return INET_ECN_encapsulate(tos, inner);
}

static void put_ip4(const struct esp_batch *b, struct sk_buff *skb, u8 proto, u8 tos, __be16 df)
{
	const struct xfrm_state *x = b->sa->x;
	struct iphdr *iph = __skb_push(skb, sizeof(*iph));

	*(__be16 *)iph = htons(0x4500 | tos);
	iph->tot_len = htons(skb->len);
	/* Unique among the packets that could be mistaken for each other (RFC 6864). */
	iph->id = htons(b->sa->esp.ident + b->seq);
	iph->frag_off = df;
	iph->ttl = ip4_dst_hoplimit(b->path);
	iph->protocol = proto;
	iph->saddr = x->props.saddr.a4;
	iph->daddr = x->id.daddr.a4;
	iph->check = 0;
	iph->check = ip_fast_csum(iph, 5);
	skb->protocol = htons(ETH_P_IP);
	memset(IPCB(skb), 0, sizeof(*IPCB(skb)));
	IPCB(skb)->flags = IPSKB_XFRM_TRANSFORMED;
}

static void put_ip6(const struct esp_batch *b, struct sk_buff *skb, u8 proto, u8 tos, __be32 label)
{
	const struct xfrm_state *x = b->sa->x;
	struct ipv6hdr *ip6h = __skb_push(skb, sizeof(*ip6h));

	ip6_flow_hdr(ip6h, tos, label);
	ip6h->payload_len = htons(skb->len - sizeof(*ip6h));
	ip6h->nexthdr = proto;
	ip6h->hop_limit = ip6_dst_hoplimit(b->path);
	ip6h->saddr = x->props.saddr.in6;
	ip6h->daddr = x->id.daddr.in6;
	skb->protocol = htons(ETH_P_IPV6);
	/* What is no larger than IPv6's least MTU inside may be fragmented outside. */
	skb->ignore_df = 1;
	memset(IP6CB(skb), 0, sizeof(*IP6CB(skb)));
	IP6CB(skb)->flags = IP6SKB_XFRM_TRANSFORMED;
	IP6CB(skb)->nhoff = offsetof(struct ipv6hdr, nexthdr);
}

/* Outer headers, the innermost first. The packet has the room. */
static struct ip_esp_hdr *encapsulate(const struct esp_batch *b, struct sk_buff *skb)
{
	const struct bowtie_esp *esp = &b->sa->esp;
	const struct xfrm_state *x = b->sa->x;
	unsigned int pad = ALIGN(skb->len + 2, esp->block) - skb->len - 2;
	struct ip_esp_hdr *esph;
	u8 tos, proto = IPPROTO_ESP, *tail;
	__be16 df = b->df ? htons(IP_DF) : 0;
	__be32 label = 0;

	if (b->v6) {
		tos = ipv6_get_dsfield(ipv6_hdr(skb));
		label = ip6_flowlabel(ipv6_hdr(skb));
		if (skb->len > IPV6_MIN_MTU)
			df = htons(IP_DF);
	} else {
		tos = ip_hdr(skb)->tos;
		df |= ip_hdr(skb)->frag_off & htons(IP_DF);
	}
	if ((x->props.flags & XFRM_STATE_NOPMTUDISC) && !b->df)
		df = 0;
	tos = outer_tos(x, tos);

	tail = __skb_put(skb, pad + 2 + esp->alen);
	put_padding(tail, pad, esp->alen);
	tail[pad] = pad;
	tail[pad + 1] = b->v6 ? IPPROTO_IPV6 : IPPROTO_IPIP;

	esph = __skb_push(skb, sizeof(*esph) + esp->ivlen);
	esph->spi = x->id.spi;
	esph->seq_no = htonl(b->seq);
	if (b->udp) {
		struct udphdr *uh = __skb_push(skb, sizeof(*uh));

		uh->source = b->sport;
		uh->dest = b->dport;
		uh->len = htons(skb->len);
		uh->check = 0;
		proto = IPPROTO_UDP;
	}
	skb_reset_transport_header(skb);
	if (b->sa->family == AF_INET)
		put_ip4(b, skb, proto, tos, df);
	else
		put_ip6(b, skb, proto, tos, label);
	skb_reset_network_header(skb);
	return esph;
}

/* The ESP header as it is authenticated, with a number of 64 bits (RFC 4303, 2.2.1) */
static void extend_header(struct bowtie_esp_job *job, struct ip_esp_hdr *esph)
{
	__be32 *at = (__be32 *)esph - 1;

	job->saved = *at;
	at[0] = esph->spi;
	at[1] = htonl(job->seq >> 32);
}

static void restore_header(const struct bowtie_esp_job *job, struct ip_esp_hdr *esph)
{
	__be32 *at = (__be32 *)esph - 1;

	esph->spi = job->x->id.spi;
	*at = job->saved;
}

/* IPv6 needs a checksum where IPv4 may do without (RFC 8200, 8.1). */
static void udp6_checksum(struct sk_buff *skb)
{
	struct udphdr *uh = udp_hdr(skb);
	const struct ipv6hdr *ip6h = ipv6_hdr(skb);
	unsigned int len = skb->len - skb_transport_offset(skb);

	uh->check = csum_ipv6_magic(&ip6h->saddr, &ip6h->daddr, len, IPPROTO_UDP,
				    skb_checksum(skb, skb_transport_offset(skb), len, 0));
	if (!uh->check)
		uh->check = CSUM_MANGLED_0;
}

/* Encrypted: what is left is to restore what the transform was shown. */
static void finish(const struct bowtie_esp_job *job, struct sk_buff *skb)
{
	const struct xfrm_state *x = job->x;

	if (x->props.flags & XFRM_STATE_ESN)
		restore_header(job, (void *)(skb_transport_header(skb) +
					     (x->encap ? sizeof(struct udphdr) : 0)));
	if (x->encap && x->props.family == AF_INET6)
		udp6_checksum(skb);
}

/* The transform has completed later than it was called. */
static void finish_later(struct bowtie_esp_job *job)
{
	struct sk_buff *skb = job->skb;
	struct net *net = xs_net(job->x);

	if (unlikely(job->err || !skb_dst(skb))) {
		XFRM_INC_STATS(net, job->err ? LINUX_MIB_XFRMOUTSTATEPROTOERROR :
					       LINUX_MIB_XFRMOUTERROR);
		kfree_skb(skb);
	} else {
		finish(job, skb);
		rcu_read_lock();
		/* Whether it still fits is for the stack to say. */
		bowtie_esp_out(net, skb, 0);
		rcu_read_unlock();
	}
	bowtie_esp_job_free(job);
}

static void tx_completed(bowtie_crypto_arg *arg, int err)
{
	struct bowtie_esp_job *job = bowtie_crypto_data(arg);

	if (bowtie_esp_job_complete(job, err))
		finish_later(job);
}

/*
 * The initialisation vector: ready, in the packet and for the transform, or as the SA's IV
 * generator wants it.
 */
static void put_iv(const struct bowtie_esp *esp, struct bowtie_esp_job *job, void *in_packet)
{
	__be64 seq = cpu_to_be64(job->seq);

	if (likely(esp->counts)) {
		u64 iv = (__force u64)seq ^ esp->salt;

		put_unaligned(iv, (u64 *)in_packet);
		put_unaligned(iv, (u64 *)job->iv);
		return;
	}
	memset(job->iv, 0, esp->ivlen);
	if (esp->ivlen >= sizeof(seq))
		memcpy(job->iv + esp->ivlen - sizeof(seq), &seq, sizeof(seq));
}

/* Returns 0 if the packet is encrypted, else what the transform has said. */
static int encrypt(const struct esp_batch *b, struct bowtie_esp_job *job, struct sk_buff *skb,
		   struct ip_esp_hdr *esph)
{
	const struct bowtie_esp *esp = &b->sa->esp;
	unsigned int assoclen = sizeof(*esph), len;
	u8 *begin = (u8 *)esph;

	job->state = BOWTIE_ESP_JOB_CALLED;
	job->skb = skb;
	job->x = b->sa->x;
	job->seq = b->seq;
	put_iv(esp, job, esph + 1);
	if (unlikely(esp->esn)) {
		extend_header(job, esph);
		begin -= sizeof(__be32);
		assoclen += sizeof(__be32);
	}
	/* Without its IV generator the transform is shown the vector as a header. */
	if (esp->counts)
		assoclen += esp->ivlen;
	len = skb_tail_pointer(skb) - begin;
	sg_set_buf(&job->linear, begin, len);
	aead_request_set_tfm(&job->req, esp->aead);
	aead_request_set_callback(&job->req, 0, tx_completed, job);
	aead_request_set_crypt(&job->req, &job->linear, &job->linear, len - assoclen - esp->alen,
			       job->iv);
	aead_request_set_ad(&job->req, assoclen);
	return crypto_aead_encrypt(&job->req);
}

/* Send one packet, with the number that is next. Returns 0 or an error; consumes it. */
static int send_one(struct esp_batch *b, struct sk_buff *skb)
{
	const struct bowtie_esp *esp = &b->sa->esp;
	struct net *net = b->t->link->net;
	struct bowtie_esp_job *job = bowtie_esp_job(esp);
	unsigned int head, tail;
	int err = -ENOMEM;

	head = sizeof(struct ip_esp_hdr) + esp->ivlen + (b->udp ? sizeof(struct udphdr) : 0) +
	       (b->sa->family == AF_INET ? sizeof(struct iphdr) : sizeof(struct ipv6hdr)) +
	       LL_RESERVED_SPACE(b->path->dev);
	tail = esp->block + 1 + esp->alen;
	if (unlikely(!job || make_room(skb, head, tail)))
		goto drop;
	skb->ip_summed = CHECKSUM_NONE;
	skb->encapsulation = 0;
	skb_dst_set_noref(skb, b->path);
	err = encrypt(b, job, skb, encapsulate(b, skb));
	b->seq++;
	if (likely(!err)) {
		finish(job, skb);
		return bowtie_esp_out(net, skb, b->path_mtu);
	}
	if (err == -EINPROGRESS) {
		/* Under RCU the route is still there, but it may be on its way out. */
		skb_dst_force(skb);
		if (bowtie_esp_job_wait(job))
			finish_later(job);
		return 0;
	}
	XFRM_INC_STATS(net, LINUX_MIB_XFRMOUTSTATEPROTOERROR);
drop:
	kfree_skb(skb);
	return err;
}

/* A limit or a wrap is near: each packet by itself, as if there were no fast path. */
static int send_by_xfrm(struct dst_entry *bundle, struct sk_buff *skb)
{
	if (unlikely(!dst_hold_safe(bundle))) {
		kfree_skb(skb);
		return -EHOSTUNREACH;
	}
	skb_dst_set(skb, bundle);
	skb->dev = bundle->dev;
	return xfrm_output(skb->sk, skb);
}

/* Packets larger than the tunnel's are made into such that fit, and sent one by one. */
static int send_segments(struct esp_batch *b, struct dst_entry *bundle, struct sk_buff *skb)
{
	struct sk_buff *segs, *seg, *next;
	u32 n = 0, bytes = 0;
	int err = 0, one;
	bool fast;

	segs = skb_gso_segment(skb, 0);
	if (IS_ERR_OR_NULL(segs)) {
		kfree_skb(skb);
		return segs ? PTR_ERR(segs) : -EINVAL;
	}
	consume_skb(skb);
	skb_list_walk_safe(segs, seg, next) {
		n++;
		bytes += seg->len;
	}
	fast = take_numbers(b, n, bytes);
	skb_list_walk_safe(segs, seg, next) {
		skb_mark_not_on_list(seg);
		one = fast ? send_one(b, seg) : send_by_xfrm(bundle, seg);
		if (unlikely(net_xmit_eval(one)))
			err = one;
	}
	return err;
}

/* What was left to hardware has to be there before it is encrypted. (SCTP's: by the core) */
static int complete_checksum(struct sk_buff *skb, bool v6)
{
	int err;

	/* Not into the header that has been looked at. */
	if (unlikely(!v6 && skb_checksum_start_offset(skb) <
			    skb_network_offset(skb) + (int)ip_hdrlen(skb)))
		return BOWTIE_ESP_DECLINED;
	err = skb_checksum_help(skb);
	if (unlikely(err))
		kfree_skb(skb);
	return err;
}

/**
 * bowtie_esp_fast_tx() - send a packet by the fast path
 * @t: tunnel
 * @sa: outbound SA of it, with sa->fast
 * @conf: settings of @t
 * @bundle: bundle of @t over @sa
 * @skb: inner packet that fits, or large one whose segments do; what it brought from the
 *	inside is off
 * @v6: its family
 *
 * Context: RCU read side, bottom halves off.
 * Return: as xfrm_output(), the packet consumed; or BOWTIE_ESP_DECLINED, and it is as it was.
 */
int bowtie_esp_fast_tx(struct bowtie_tunnel *t, const struct bowtie_sa *sa,
		       const struct bowtie_tunnel_conf *conf, struct dst_entry *bundle,
		       struct sk_buff *skb, bool v6)
{
	const struct xfrm_dst *xdst = container_of(bundle, struct xfrm_dst, u.dst);
	struct esp_batch b = {
		.t = t,
		.sa = sa,
		.path = xdst->path,
		.path_mtu = xdst->child_mtu_cached,
		.df = conf->df == BOWTIE_DF_SET,
		.v6 = v6,
	};
	int err;

	if (skb_is_gso(skb)) {
		if (unlikely(!bowtie_esp_plain_sailing(sa->x, skb_shinfo(skb)->gso_segs, skb->len)))
			return BOWTIE_ESP_DECLINED;
		return send_segments(&b, bundle, skb);
	}
	if (unlikely(skb->ip_summed == CHECKSUM_PARTIAL)) {
		err = complete_checksum(skb, v6);
		if (err)
			return err;
	}
	if (unlikely(!take_numbers(&b, 1, skb->len)))
		return BOWTIE_ESP_DECLINED;
	return send_one(&b, skb);
}
