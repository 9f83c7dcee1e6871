/* SPDX-License-Identifier: GPL-2.0 */
#ifndef _BOWTIE_TX_H
#define _BOWTIE_TX_H

#include <linux/netdevice.h>
#include <linux/skbuff.h>

struct bowtie_link;
struct bowtie_sa;
struct bowtie_tunnel;
struct bowtie_tunnel_conf;
struct neighbour;

/* tx.c */
netdev_tx_t bowtie_tx(struct sk_buff *skb, struct net_device *dev);
int bowtie_tx_neigh(struct neighbour *n, struct sk_buff *skb);

/* tx_flow.c */
u32 bowtie_tx_flow_hash(const struct bowtie_link *link, struct sk_buff *skb, bool v6);

/* tx_limit.c: how a packet that does not fit may still go, or negative if not at all */
enum bowtie_tx_fit {
	BOWTIE_TX_FITS,
	BOWTIE_TX_FRAGMENT,
};

int __bowtie_tx_limit(struct sk_buff *skb, bool v6, const struct bowtie_tunnel_conf *conf, u32 mtu);

static inline int bowtie_tx_limit(struct sk_buff *skb, bool v6,
				  const struct bowtie_tunnel_conf *conf, u32 mtu)
{
	if (likely(skb->len <= mtu && !skb_is_gso(skb)))
		return BOWTIE_TX_FITS;
	return __bowtie_tx_limit(skb, v6, conf, mtu);
}

int bowtie_tx_fragment(struct net *net, struct sk_buff *skb);

/* tx_esp.c */
int bowtie_tx_esp(struct bowtie_tunnel *t, const struct bowtie_sa *sa, struct sk_buff *skb,
		  bool v6);

#endif /* _BOWTIE_TX_H */
