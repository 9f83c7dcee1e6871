// SPDX-License-Identifier: GPL-2.0
/*
 * Path MTU of the underlay as ICMP tells it. The stack learns it too, in the
 * exceptions of the route, but not for packets with a firewall mark: so a tunnel
 * remembers it by itself, for as long as the stack does (net.ipv4.route.mtu_expires,
 * net.ipv6.route.mtu_expires).
 */
#include <linux/jiffies.h>
#include <linux/ipv6.h>
#include <net/ipv6.h>
#include <net/net_namespace.h>

#include "link.h"
#include "rx.h"
#include "tunnel.h"
#include "underlay.h"

/**
 * bowtie_pmtu_learn() - a router said that ESP of this tunnel was too big
 * @t: tunnel; the error quoted the SPI of its outbound SA
 * @mtu: of the next hop, in bytes
 *
 * Only ever lowers the MTU, and not below what the protocols guarantee, so that
 * a forged error cannot do more than make packets small for a while.
 * Context: RCU read side, bottom halves off.
 */
void bowtie_pmtu_learn(struct bowtie_tunnel *t, u32 mtu)
{
	struct net *net = t->link->net;
	int life;
	bool lower;

	if (rcu_dereference(t->conf)->family == AF_INET6) {
		mtu = max_t(u32, mtu, IPV6_MIN_MTU);
		life = READ_ONCE(net->ipv6.sysctl.ip6_rt_mtu_expires);
	} else {
		mtu = max_t(u32, mtu, READ_ONCE(net->ipv4.ip_rt_min_pmtu));
		life = READ_ONCE(net->ipv4.ip_rt_mtu_expires);
	}

	spin_lock_bh(&t->lock);
	lower = !t->pmtu || mtu < t->pmtu;
	if (lower)
		WRITE_ONCE(t->pmtu, mtu);
	if (mtu == t->pmtu)
		WRITE_ONCE(t->pmtu_expires, jiffies + life);
	spin_unlock_bh(&t->lock);

	if (lower) {
		bowtie_underlay_purge(t);
		bowtie_link_kick(t->link, t->id);
	}
}
