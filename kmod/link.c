// SPDX-License-Identifier: GPL-2.0
/* The net device: creation, settings, MTU, and the end of it. */
#include <linux/ethtool.h>
#include <linux/if_arp.h>
#include <linux/inetdevice.h>
#include <linux/rtnetlink.h>
#include <net/addrconf.h>
#include <net/ip_tunnels.h>
#include <net/ipv6.h>
#include <net/neighbour.h>
#include <net/rtnetlink.h>

#include "balance.h"
#include "group.h"
#include "health.h"
#include "link.h"
#include "netlink.h"
#include "netns.h"
#include "route_index.h"
#include "rx.h"
#include "rx_early.h"
#include "sa.h"
#include "tunnel.h"
#include "tx.h"
#include "underlay.h"

/* GSO types that xfrm_output() can segment; no frag lists. */
#define LINK_FEATURES	(NETIF_F_SG | NETIF_F_HIGHDMA | NETIF_F_HW_CSUM | NETIF_F_RXCSUM | \
			 (NETIF_F_GSO_SOFTWARE & ~NETIF_F_GSO_FRAGLIST))

/* IPv6 and UDP headers, ESP header with IV, and what the device below wants. */
#define LINK_HEADROOM	(LL_MAX_HEADER + sizeof(struct ipv6hdr) + 8 + 8 + 16)

#define MTU_RETRY	msecs_to_jiffies(10)

/**
 * bowtie_link_kick() - let the second step of a change follow
 * @link: link
 * @id: tunnel that the change is about
 *
 * Context: any.
 */
void bowtie_link_kick(struct bowtie_link *link, unsigned int id)
{
	set_bit(id, link->dirty);
	queue_work(bowtie_wq, &link->work);
}

/**
 * bowtie_link_kick_all() - the same for all tunnels
 * @link: link
 */
void bowtie_link_kick_all(struct bowtie_link *link)
{
	unsigned int id;

	for (id = 0; id < BOWTIE_TUNNELS_MAX; id++)
		set_bit(id, link->dirty);
	queue_work(bowtie_wq, &link->work);
}

/**
 * bowtie_link_kick_mtu() - the MTU of a tunnel has changed
 * @link: link
 *
 * Context: any.
 */
void bowtie_link_kick_mtu(struct bowtie_link *link)
{
	queue_delayed_work(bowtie_wq, &link->mtu_work, 0);
}

/**
 * bowtie_link_mtu() - what the device's MTU would be if it followed the tunnels
 * @link: link
 *
 * The smallest tunnel rules; one that has no SA just now still counts, so that
 * the MTU does not move with every failover. One that ignores DF has to be shown
 * what it ignores: what is larger than the device IP refuses by itself.
 * Context: RTNL or link->lock.
 * Return: bytes, or 0 while no tunnel knows its MTU.
 */
u32 bowtie_link_mtu(struct bowtie_link *link)
{
	const struct bowtie_tunnel *t;
	u32 mtu, least = 0;
	int i;

	rcu_read_lock();
	for (i = 0; i < BOWTIE_TUNNELS_MAX; i++) {
		t = rcu_dereference(link->tunnels[i]);
		mtu = t ? READ_ONCE(t->mtu) : 0;
		if (mtu && rcu_dereference(t->conf)->df == BOWTIE_DF_CLEAR)
			mtu = max_t(u32, mtu, ETH_DATA_LEN);
		if (mtu && (!least || mtu < least))
			least = mtu;
	}
	rcu_read_unlock();
	return least ? clamp_t(u32, least, BOWTIE_MTU_MIN, BOWTIE_MTU_MAX) : 0;
}

/* RTNL is only tried for, since whoever cancels this work may hold it. */
static void mtu_work(struct work_struct *work)
{
	struct bowtie_link *link = container_of(to_delayed_work(work), struct bowtie_link,
						mtu_work);
	u32 mtu;

	if (!rtnl_trylock()) {
		queue_delayed_work(bowtie_wq, &link->mtu_work, MTU_RETRY);
		return;
	}
	mtu = bowtie_link_mtu(link);
	if (link->mtu_auto && link->dev->reg_state == NETREG_REGISTERED && mtu &&
	    mtu != link->dev->mtu) {
		link->mtu_own = true;
		if (dev_set_mtu(link->dev, mtu))
			netdev_warn_once(link->dev, "MTU %u was refused\n", mtu);
		link->mtu_own = false;
	}
	rtnl_unlock();
}

static int link_change_mtu(struct net_device *dev, int mtu)
{
	struct bowtie_link *link = netdev_priv(dev);

	WRITE_ONCE(dev->mtu, mtu);
	/* The operator's word: from now on the MTU stays what it is. */
	if (link->mtu_auto && !link->mtu_own) {
		mutex_lock(&link->lock);
		link->mtu_auto = false;
		bowtie_notify_link(link);
		mutex_unlock(&link->lock);
	}
	return 0;
}

/**
 * bowtie_link_stats() - all counters of a link
 * @link: link
 * @sum: result, added to
 *
 * Context: any that may take a lock with bottom halves off.
 */
void bowtie_link_stats(struct bowtie_link *link, struct bowtie_stats *sum)
{
	const struct bowtie_tunnel *t;
	int i;

	spin_lock_bh(&link->stats_lock);
	rcu_read_lock();
	bowtie_stats_add(sum, &link->stats_gone);
	for_each_possible_cpu(i)
		bowtie_stats_add_pcpu(sum, per_cpu_ptr(link->stats, i));
	for (i = 0; i < BOWTIE_TUNNELS_MAX; i++) {
		t = rcu_dereference(link->tunnels[i]);
		if (t)
			bowtie_tunnel_stats(t, sum);
	}
	rcu_read_unlock();
	spin_unlock_bh(&link->stats_lock);
}

static void link_get_stats64(struct net_device *dev, struct rtnl_link_stats64 *out)
{
	struct bowtie_stats sum = {};

	bowtie_link_stats(netdev_priv(dev), &sum);
	bowtie_stats_to_rtnl(&sum, out);
}

static int link_open(struct net_device *dev)
{
	struct in_device *in_dev = __in_dev_get_rtnl(dev);
	struct inet6_dev *in6_dev = __in6_dev_get(dev);

	/*
	 * A packet that came in here and leaves here is no reason for a redirect:
	 * the next hop is another tunnel. The sum of "all" and the device counts.
	 */
	if (in_dev) {
		IN_DEV_CONF_SET(in_dev, SEND_REDIRECTS, false);
		IPV4_DEVCONF_ALL(dev_net(dev), SEND_REDIRECTS) = false;
		/* The host's own IPsec policies are not about our traffic. */
		IN_DEV_CONF_SET(in_dev, NOPOLICY, true);
		IN_DEV_CONF_SET(in_dev, NOXFRM, true);
	}
	if (in6_dev) {
		in6_dev->cnf.addr_gen_mode = IN6_ADDR_GEN_MODE_NONE;
		in6_dev->cnf.disable_policy = 1;
	}
	return 0;
}

static int link_init(struct net_device *dev)
{
	struct bowtie_link *link = netdev_priv(dev);
	int cpu, err;

	link->stats = alloc_percpu(struct bowtie_pcpu_stats);
	if (!link->stats)
		return -ENOMEM;
	for_each_possible_cpu(cpu)
		bowtie_stats_init(per_cpu_ptr(link->stats, cpu));
	link->napi_dev = bowtie_dummy_netdev_alloc();
	if (!link->napi_dev) {
		err = -ENOMEM;
		goto err_stats;
	}
	err = gro_cells_init(&link->gro_cells, link->napi_dev);
	if (err)
		goto err_napi_dev;
	return 0;

err_napi_dev:
	bowtie_dummy_netdev_free(link->napi_dev);
err_stats:
	free_percpu(link->stats);
	return err;
}

/* First phase. Readers finish before the device is freed. */
static void link_uninit(struct net_device *dev)
{
	struct bowtie_link *link = netdev_priv(dev);
	struct bowtie_tunnel *t;
	int i;

	mutex_lock(&link->lock);
	link->dead = true;
	bowtie_for_each_tunnel(link, t, i)
		bowtie_tunnel_unpublish(t);
	mutex_unlock(&link->lock);
	if (!list_empty(&link->list))
		list_del_init(&link->list);
	if (list_empty(&bowtie_pernet(link->net)->links))
		bowtie_early_forget(bowtie_pernet(link->net), NULL);
}

/* Second phase: no reader, and the device is invisible. */
static void link_free(struct net_device *dev)
{
	struct bowtie_link *link = netdev_priv(dev);
	struct bowtie_tunnel *t, *tmp;
	struct bowtie_sa *sa, *sa_tmp;

	cancel_work_sync(&link->work);
	cancel_delayed_work_sync(&link->settle_work);
	cancel_delayed_work_sync(&link->balance_work);
	cancel_delayed_work_sync(&link->index_work);
	cancel_delayed_work_sync(&link->mtu_work);
	list_for_each_entry_safe(t, tmp, &link->dying, dying)
		bowtie_tunnel_free(t);
	list_for_each_entry_safe(sa, sa_tmp, &link->sas_gone, gone)
		bowtie_sa_free(sa);
	bowtie_routes_destroy(link);
	bowtie_groups_destroy(link);
	gro_cells_destroy(&link->gro_cells);
	bowtie_dummy_netdev_free(link->napi_dev);
	free_percpu(link->stats);
}

/* Nobody to resolve, and no link layer header: bowtie_tx_neigh() is all there is to do. */
static void link_neigh_error(struct neighbour *n, struct sk_buff *skb)
{
	kfree_skb(skb);
}

static const struct neigh_ops link_neigh_ops4 = {
	.family = AF_INET,
	.error_report = link_neigh_error,
	.output = bowtie_tx_neigh,
	.connected_output = bowtie_tx_neigh,
};

static const struct neigh_ops link_neigh_ops6 = {
	.family = AF_INET6,
	.error_report = link_neigh_error,
	.output = bowtie_tx_neigh,
	.connected_output = bowtie_tx_neigh,
};

static int link_neigh_init(struct neighbour *n)
{
	n->nud_state = NUD_NOARP;
	n->ops = n->tbl->family == AF_INET ? &link_neigh_ops4 : &link_neigh_ops6;
	n->output = bowtie_tx_neigh;
	return 0;
}

static int link_neigh_setup(struct net_device *dev, struct neigh_parms *parms)
{
	parms->neigh_setup = link_neigh_init;
	return 0;
}

static const struct net_device_ops link_netdev_ops = {
	.ndo_init = link_init,
	.ndo_uninit = link_uninit,
	.ndo_open = link_open,
	.ndo_start_xmit = bowtie_tx,
	.ndo_neigh_setup = link_neigh_setup,
	.ndo_change_mtu = link_change_mtu,
	.ndo_get_stats64 = link_get_stats64,
};

static const struct device_type link_device_type = { .name = BOWTIE_LINK_KIND };

static void link_setup(struct net_device *dev)
{
	struct bowtie_link *link = netdev_priv(dev);

	dev->netdev_ops = &link_netdev_ops;
	dev->ethtool_ops = &bowtie_ethtool_ops;
	dev->header_ops = &ip_tunnel_header_ops;
	SET_NETDEV_DEVTYPE(dev, &link_device_type);
	dev->type = ARPHRD_NONE;
	/* One neighbour for all IPv4 destinations, not one for each */
	dev->flags = IFF_POINTOPOINT | IFF_NOARP;
	/* Nor can a transform be called with interrupts off. */
	dev->priv_flags |= IFF_NO_QUEUE | IFF_DISABLE_NETPOLL;
	bowtie_dev_set_lockless(dev);
	dev->features |= LINK_FEATURES;
	dev->hw_features |= LINK_FEATURES;
	dev->hw_enc_features |= LINK_FEATURES;
	dev->hard_header_len = 0;
	dev->addr_len = 0;
	dev->needed_headroom = LINK_HEADROOM;
	dev->mtu = BOWTIE_MTU_DEFAULT;
	dev->min_mtu = ETH_MIN_MTU;
	dev->max_mtu = BOWTIE_MTU_MAX;
	dev->needs_free_netdev = true;
	dev->priv_destructor = link_free;
	/* ICMP errors are made from the packet's route. */
	netif_keep_dst(dev);

	/*
	 * No tunnel takes flows yet. Not by netif_dormant_on(): its event would refer
	 * to a device that may fail to be registered.
	 */
	set_bit(__LINK_STATE_DORMANT, &dev->state);

	link->dev = dev;
	link->mtu_auto = true;
	link->idle_timer = BOWTIE_IDLE_TIMER;
	mutex_init(&link->lock);
	spin_lock_init(&link->stats_lock);
	INIT_LIST_HEAD(&link->list);
	INIT_LIST_HEAD(&link->groups);
	INIT_LIST_HEAD(&link->dying);
	INIT_LIST_HEAD(&link->sas_gone);
	INIT_WORK(&link->work, bowtie_health_work);
	INIT_DELAYED_WORK(&link->settle_work, bowtie_health_settle);
	INIT_DELAYED_WORK(&link->balance_work, bowtie_balance_work);
	INIT_DELAYED_WORK(&link->index_work, bowtie_route_index_work);
	INIT_DELAYED_WORK(&link->mtu_work, mtu_work);
	link->generation = 1;
	link->spare_cookie = get_state_synchronize_rcu();
}

/**
 * bowtie_link_is() - is it one of our devices?
 * @dev: any device
 */
bool bowtie_link_is(const struct net_device *dev)
{
	return dev->netdev_ops == &link_netdev_ops;
}

static void set_mtu_auto(struct bowtie_link *link, bool mtu_auto)
{
	link->mtu_auto = mtu_auto;
	if (mtu_auto)
		bowtie_link_kick_mtu(link);
}

/* Context: RTNL and link->lock; the device is registered, as this queues work. */
static void apply(struct bowtie_link *link, const struct bowtie_link_params *p)
{
	struct bowtie_tunnel *t;
	int i;

	if (p->set & BIT(BOWTIE_A_LINK_FWMARK)) {
		WRITE_ONCE(link->fwmark, p->fwmark);
		bowtie_for_each_tunnel(link, t, i)
			bowtie_underlay_purge(t);
		bowtie_link_kick_all(link);
	}
	if (p->set & BIT(BOWTIE_A_LINK_HASH))
		WRITE_ONCE(link->hash, p->hash);
	if (p->set & BIT(BOWTIE_A_LINK_HAIRPIN))
		WRITE_ONCE(link->hairpin, p->hairpin);
	if (p->set & BIT(BOWTIE_A_LINK_STRICT_SOURCE))
		WRITE_ONCE(link->strict_source, p->strict_source);
	if (p->set & BIT(BOWTIE_A_LINK_MTU_AUTO))
		set_mtu_auto(link, p->mtu_auto);
	if (p->set & BIT(BOWTIE_A_LINK_IDLE_TIMER))
		WRITE_ONCE(link->idle_timer, p->idle_timer);
	if (p->set & BIT(BOWTIE_A_LINK_UNBALANCED_TIMER))
		WRITE_ONCE(link->unbalanced_timer, p->unbalanced_timer);
	if (p->set & (BIT(BOWTIE_A_LINK_IDLE_TIMER) | BIT(BOWTIE_A_LINK_UNBALANCED_TIMER)))
		bowtie_balance_now(link);
}

/**
 * bowtie_link_change() - change a link's settings
 * @link: link
 * @p: which settings, and what to
 * @may_underlay: the caller has CAP_NET_ADMIN over the underlay: the device may
 *	have been given to a namespace of lesser rights, its outer packets have not
 * @extack: says what is wrong
 *
 * Context: RTNL and link->lock. Return: 0 or -EPERM.
 */
int bowtie_link_change(struct bowtie_link *link, const struct bowtie_link_params *p,
		       bool may_underlay, struct netlink_ext_ack *extack)
{
	if ((p->set & BIT(BOWTIE_A_LINK_FWMARK)) && p->fwmark != link->fwmark &&
	    !may_underlay) {
		NL_SET_ERR_MSG(extack, "fwmark: no CAP_NET_ADMIN in the underlay's namespace");
		return -EPERM;
	}
	apply(link, p);
	return 0;
}

static int link_newlink(struct net *src_net, struct net_device *dev, struct nlattr *tb[],
			struct nlattr *data[], struct netlink_ext_ack *extack)
{
	struct bowtie_link *link = netdev_priv(dev);
	struct bowtie_link_params params;
	int err;

	link->net = src_net;
	err = register_netdevice(dev);
	if (err)
		return err;
	list_add_tail(&link->list, &bowtie_pernet(src_net)->links);

	/*
	 * Only now, since this queues work, which nobody would wait for after a failure
	 * to register. The core has checked the caller's rights in @src_net.
	 */
	bowtie_link_params_parse(data, &params);
	mutex_lock(&link->lock);
	apply(link, &params);
	mutex_unlock(&link->lock);
	if (tb[IFLA_MTU])
		link->mtu_auto = false;
	return 0;
}

static int link_changelink(struct net_device *dev, struct nlattr *tb[], struct nlattr *data[],
			   struct netlink_ext_ack *extack)
{
	struct bowtie_link *link = netdev_priv(dev);
	struct bowtie_link_params params;
	int err;

	bowtie_link_params_parse(data, &params);
	mutex_lock(&link->lock);
	err = bowtie_link_change(link, &params, ns_capable(link->net->user_ns, CAP_NET_ADMIN),
				 extack);
	if (!err)
		bowtie_notify_link(link);
	mutex_unlock(&link->lock);
	return err;
}

static struct net *link_get_net(const struct net_device *dev)
{
	return ((const struct bowtie_link *)netdev_priv(dev))->net;
}

struct rtnl_link_ops bowtie_link_ops __read_mostly = {
	.kind = BOWTIE_LINK_KIND,
	.priv_size = sizeof(struct bowtie_link),
	.setup = link_setup,
	.maxtype = BOWTIE_A_LINK_MAX,
	.policy = bowtie_link_nl_policy,
	.newlink = link_newlink,
	.changelink = link_changelink,
	.get_size = bowtie_link_info_size,
	.fill_info = bowtie_link_fill_info,
	.get_link_net = link_get_net,
};
