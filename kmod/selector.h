/* SPDX-License-Identifier: GPL-2.0 */
#ifndef _BOWTIE_SELECTOR_H
#define _BOWTIE_SELECTOR_H

#include <linux/ip.h>
#include <linux/ipv6.h>
#include <linux/skbuff.h>

#include "sa.h"
#include "tunnel.h"

static inline bool bowtie_selector_admits(const struct bowtie_selector *s, u8 family,
					  const void *local, const void *remote)
{
	return s->family == family && addr_match(local, &s->local, s->local_len) &&
	       addr_match(remote, &s->remote, s->remote_len);
}

static inline bool bowtie_selector_admits_skb(const struct bowtie_selector *s,
					      const struct sk_buff *skb, bool v6, bool out)
{
	const void *src, *dst;

	if (v6) {
		src = &ipv6_hdr(skb)->saddr;
		dst = &ipv6_hdr(skb)->daddr;
	} else {
		src = &ip_hdr(skb)->saddr;
		dst = &ip_hdr(skb)->daddr;
	}
	return bowtie_selector_admits(s, v6 ? AF_INET6 : AF_INET, out ? src : dst,
				      out ? dst : src);
}

/*
 * May the packet pass the tunnel by this SA? @out tells which of its addresses is ours.
 * The network header is in the linear part. No selectors admit everything, which is
 * what clouds with BGP negotiate; an SA of charon's has none of its own.
 */
static inline bool bowtie_selectors_admit(const struct bowtie_tunnel_conf *conf,
					  const struct bowtie_sa *sa, const struct sk_buff *skb,
					  bool v6, bool out)
{
	unsigned int i;

	if (unlikely(sa->sel.family != AF_UNSPEC) &&
	    !bowtie_selector_admits_skb(&sa->sel, skb, v6, out))
		return false;
	if (likely(!conf->n_selectors))
		return true;
	for (i = 0; i < conf->n_selectors; i++)
		if (bowtie_selector_admits_skb(&conf->selectors[i], skb, v6, out))
			return true;
	return false;
}

#endif /* _BOWTIE_SELECTOR_H */
