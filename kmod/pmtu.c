// SPDX-License-Identifier: GPL-2.0
/*
 * Path MTU of the underlay as ICMP tells it. The stack learns it too, in the
 * exceptions of the route, but not for packets with a firewall mark: so a tunnel
 * remembers it by itself, for as long as the stack does.
 */
#include <linux/jiffies.h>
#include <linux/ipv6.h>
#include <net/ipv6.h>

#include "link.h"
#include "rx.h"
#include "tunnel.h"
#include "underlay.h"

/* As net.ipv4.route.min_pmtu and mtu_expires are by default. */
#define PMTU_MIN4	(512 + 20 + 20)
#define PMTU_LIFE	(10 * 60 * HZ)

/**
 * bowtie_pmtu_learn() - a router said that ESP of this tunnel was too big
 * @t: tunnel; the error quoted the SPI of its outbound SA
 * @mtu: of the next hop, in bytes
 *
 * Only ever lowers the MTU, and not below what the protocols guarantee, so that
 * a forged error cannot do more than make packets small for ten minutes.
 * Context: RCU read side, bottom halves off.
 */
void bowtie_pmtu_learn(struct bowtie_tunnel *t, u32 mtu)
{
	u8 family = rcu_dereference(t->conf)->family;
	bool lower;

	mtu = max_t(u32, mtu, family == AF_INET6 ? IPV6_MIN_MTU : PMTU_MIN4);

	spin_lock_bh(&t->lock);
	lower = !t->pmtu || mtu < t->pmtu;
	if (lower)
		WRITE_ONCE(t->pmtu, mtu);
	if (mtu == t->pmtu)
		WRITE_ONCE(t->pmtu_expires, jiffies + PMTU_LIFE);
	spin_unlock_bh(&t->lock);

	if (lower) {
		bowtie_underlay_purge(t);
		bowtie_link_kick(t->link, t->id);
	}
}
