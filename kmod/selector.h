/* SPDX-License-Identifier: GPL-2.0 */
#ifndef _BOWTIE_SELECTOR_H
#define _BOWTIE_SELECTOR_H

#include <linux/ip.h>
#include <linux/ipv6.h>
#include <linux/skbuff.h>

#include "tunnel.h"

static inline bool bowtie_selector_admits(const struct bowtie_selector *s, u8 family,
					  const void *local, const void *remote)
{
	return s->family == family && addr_match(local, &s->local, s->local_len) &&
	       addr_match(remote, &s->remote, s->remote_len);
}

/*
 * May the packet pass the tunnel? @out tells which of its addresses is ours. The
 * network header is in the linear part. No selectors admit everything, which is
 * what clouds with BGP negotiate.
 */
static inline bool bowtie_selectors_admit(const struct bowtie_tunnel_conf *conf,
					  const struct sk_buff *skb, bool v6, bool out)
{
	const void *src, *dst;
	unsigned int i;

	if (likely(!conf->n_selectors))
		return true;
	if (v6) {
		src = &ipv6_hdr(skb)->saddr;
		dst = &ipv6_hdr(skb)->daddr;
	} else {
		src = &ip_hdr(skb)->saddr;
		dst = &ip_hdr(skb)->daddr;
	}
	for (i = 0; i < conf->n_selectors; i++)
		if (bowtie_selector_admits(&conf->selectors[i], v6 ? AF_INET6 : AF_INET,
					   out ? src : dst, out ? dst : src))
			return true;
	return false;
}

#endif /* _BOWTIE_SELECTOR_H */
