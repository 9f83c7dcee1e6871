// SPDX-License-Identifier: GPL-2.0
/*
 * The way to the peer. Each tunnel keeps, for each CPU and inner family, an
 * xfrm_dst ("bundle") over the SA that it transmits with: what xfrm would build
 * and look up for each flow, without policies. It is revalidated for each packet
 * and dropped when the SA, the route or the device goes.
 */
#include <linux/netdevice.h>
#include <net/ip.h>
#include <net/ip6_fib.h>
#include <net/ip6_route.h>
#include <net/route.h>
#include <net/xfrm.h>

#include "link.h"
#include "netns.h"
#include "rx_early.h"
#include "sa.h"
#include "tunnel.h"
#include "underlay.h"

static struct dst_entry *route4(struct net *net, const struct xfrm_state *x, u32 mark)
{
	struct flowi4 fl4 = {
		.daddr = x->id.daddr.a4,
		.saddr = x->props.saddr.a4,
		.flowi4_mark = mark,
		.flowi4_proto = IPPROTO_ESP,
	};
	struct rtable *rt;

	if (x->encap) {
		fl4.flowi4_proto = IPPROTO_UDP;
		fl4.fl4_sport = x->encap->encap_sport;
		fl4.fl4_dport = x->encap->encap_dport;
	}
	/* Not ip_route_output_flow(): the host's own policies are not for ESP. */
	rt = __ip_route_output_key(net, &fl4);
	return IS_ERR(rt) ? ERR_CAST(rt) : &rt->dst;
}

static struct dst_entry *route6(struct net *net, const struct xfrm_state *x, u32 mark)
{
	struct flowi6 fl6 = {
		.daddr = x->id.daddr.in6,
		.saddr = x->props.saddr.in6,
		.flowi6_mark = mark,
		.flowi6_proto = IPPROTO_ESP,
	};
	struct dst_entry *dst;
	int err;

	if (x->encap) {
		fl6.flowi6_proto = IPPROTO_UDP;
		fl6.fl6_sport = x->encap->encap_sport;
		fl6.fl6_dport = x->encap->encap_dport;
	}
	dst = ip6_route_output(net, NULL, &fl6);
	err = dst->error;
	if (err) {
		dst_release(dst);
		return ERR_PTR(err);
	}
	return dst;
}

static bool pmtu_expired(const struct bowtie_tunnel *t)
{
	return READ_ONCE(t->pmtu) && time_after_eq(jiffies, READ_ONCE(t->pmtu_expires));
}

static u32 inner_mtu(struct bowtie_tunnel *t, struct xfrm_state *x, u32 outer)
{
	u32 pmtu;

	spin_lock_bh(&t->lock);
	if (pmtu_expired(t))
		WRITE_ONCE(t->pmtu, 0);
	pmtu = t->pmtu;
	spin_unlock_bh(&t->lock);

	if (pmtu)
		outer = min(outer, pmtu);
	return max_t(u32, xfrm_state_mtu(x, outer), IPV4_MIN_MTU);
}

static struct dst_entry *bundle_create(struct bowtie_tunnel *t, const struct bowtie_sa *sa,
				       bool v6)
{
	struct bowtie_link *link = t->link;
	struct xfrm_state *x = sa->x;
	struct net *net = link->net;
	u32 mark = xfrm_smark_get(READ_ONCE(link->fwmark), x);
	struct dst_entry *path, *dst;
	struct xfrm_dst *xdst;
	u32 mtu;
	int err;

	/* Deleted a moment ago, it may have no reference left that one could add to. */
	if (!refcount_inc_not_zero(&x->refcnt))
		return ERR_PTR(-ESTALE);
	path = sa->family == AF_INET ? route4(net, x, mark) : route6(net, x, mark);
	if (IS_ERR(path)) {
		err = PTR_ERR(path);
		goto err_state;
	}
	if (path->dev == link->dev) {
		err = -ELOOP;
		goto err_path;
	}

	xdst = dst_alloc(v6 ? &net->xfrm.xfrm6_dst_ops : &net->xfrm.xfrm4_dst_ops,
			 path->dev, 1, DST_OBSOLETE_FORCE_CHK, 0);
	if (!xdst) {
		err = -ENOMEM;
		goto err_path;
	}
	memset_after(xdst, 0, u.dst);
	INIT_LIST_HEAD(&xdst->u.rt.rt_uncached);
	dst = &xdst->u.dst;
	dst->xfrm = x;
	dst->header_len = x->props.header_len;
	dst->trailer_len = x->props.trailer_len;
	/* Packets go to xfrm_output() directly, never through these two. */
	dst->input = dst_discard;
	dst->output = dst_discard_out;
	xdst->xfrm_genid = x->genid;
	xdst->path = path;
	xdst->route = dst_clone(path);
	xfrm_dst_set_child(xdst, path);
	if (path->ops->family == AF_INET6)
		xdst->path_cookie = rt6_get_cookie((struct rt6_info *)path);

	xdst->child_mtu_cached = dst_mtu(path);
	mtu = inner_mtu(t, x, xdst->child_mtu_cached);
	dst_metric_set(dst, RTAX_MTU, mtu);
	/* It has taken over the references, and wants memory for its first metric. */
	if (unlikely(dst_metric_raw(dst, RTAX_MTU) != mtu)) {
		dst_release(dst);
		return ERR_PTR(-ENOMEM);
	}
	/* A probe by another SA says nothing about packets. */
	if (READ_ONCE(t->mtu) != mtu && rcu_access_pointer(t->sa_out) == sa) {
		WRITE_ONCE(t->mtu, mtu);
		bowtie_link_kick_mtu(link);
	}
	return dst;

err_path:
	dst_release(path);
err_state:
	xfrm_state_put(x);
	return ERR_PTR(err);
}

/* Is it still what bundle_create() would make? */
static bool bundle_ok(const struct bowtie_tunnel *t, struct dst_entry *dst,
		      const struct bowtie_sa *sa)
{
	struct xfrm_dst *xdst = container_of(dst, struct xfrm_dst, u.dst);

	return dst->xfrm == sa->x && xdst->xfrm_genid == READ_ONCE(sa->x->genid) &&
	       dst_check(xdst->path, xdst->path_cookie) &&
	       dst_mtu(xdst->path) == xdst->child_mtu_cached && !pmtu_expired(t);
}

/**
 * bowtie_underlay_bundle() - the bundle to send with
 * @t: tunnel
 * @sa: outbound SA of it, valid a moment ago
 * @v6: family of the inner packet
 * @own: set to true if the caller has to release the bundle after use; else it is the
 *	tunnel's, and only good for this RCU read side
 *
 * Context: RCU read side, bottom halves off.
 * Return: the bundle, whose metric RTAX_MTU is the largest inner packet; -ELOOP if the outer
 * route leads into the link itself, -ESTALE if the SA has just been deleted, -ENOMEM, or the
 * route lookup's error.
 */
struct dst_entry *bowtie_underlay_bundle(struct bowtie_tunnel *t, const struct bowtie_sa *sa,
					 bool v6, bool *own)
{
	struct dst_entry __rcu **slot = &this_cpu_ptr(t->pcpu)->dst[v6];
	struct dst_entry *dst = rcu_dereference(*slot), *old;
	int purges;

	if (unlikely(rcu_access_pointer(t->sa_out) != sa)) {
		dst = bundle_create(t, sa, v6);
		*own = !IS_ERR(dst);
		return dst;
	}
	if (likely(dst && bundle_ok(t, dst, sa)))
		return dst;

	purges = atomic_read_acquire(&t->purges);
	dst = bundle_create(t, sa, v6);
	*own = !IS_ERR(dst);
	if (IS_ERR(dst))
		old = unrcu_pointer(xchg(slot, NULL));
	else
		old = unrcu_pointer(xchg(slot, RCU_INITIALIZER(dst_clone(dst))));
	dst_release(old);
	/*
	 * What it was made of may have changed meanwhile. Either the purge that
	 * followed has met it in its slot, or we see here that there was one, or that
	 * the SA was unpublished even before.
	 */
	if (unlikely(atomic_read(&t->purges) != purges || rcu_access_pointer(t->sa_out) != sa))
		dst_release(unrcu_pointer(xchg(slot, NULL)));
	return dst;
}

/**
 * bowtie_underlay_probe_mtu() - learn the tunnel's MTU before the first packet
 * @t: tunnel
 *
 * Context: process.
 */
void bowtie_underlay_probe_mtu(struct bowtie_tunnel *t)
{
	const struct bowtie_sa *sa;
	struct dst_entry *dst;
	bool own = false;

	local_bh_disable();
	rcu_read_lock();
	sa = rcu_dereference(t->sa_out);
	if (sa && bowtie_sa_valid(sa)) {
		dst = bowtie_underlay_bundle(t, sa, false, &own);
		if (own)
			dst_release(dst);
	}
	rcu_read_unlock();
	local_bh_enable();
}

static void purge(struct bowtie_tunnel *t, const struct net_device *dev)
{
	struct dst_entry __rcu **slot;
	struct dst_entry *dst;
	int cpu, v6;

	atomic_inc(&t->purges);
	smp_mb__after_atomic();	/* before the slots: see bowtie_underlay_bundle() */
	rcu_read_lock();
	for_each_possible_cpu(cpu) {
		for (v6 = 0; v6 < 2; v6++) {
			slot = &per_cpu_ptr(t->pcpu, cpu)->dst[v6];
			dst = rcu_dereference(*slot);
			if (!dst || (dev && dst->dev != dev))
				continue;
			dst_release(unrcu_pointer(xchg(slot, NULL)));
		}
	}
	rcu_read_unlock();
}

/**
 * bowtie_underlay_purge() - drop a tunnel's bundles
 * @t: tunnel
 *
 * What they hold (SA, route, device) is released after a grace period.
 * Context: any.
 */
void bowtie_underlay_purge(struct bowtie_tunnel *t)
{
	purge(t, NULL);
}

/*
 * A bundle holds its device. One that is built while its device goes away slips
 * through here, and is met when the core repeats NETDEV_UNREGISTER.
 */
static int underlay_event(struct notifier_block *nb, unsigned long event, void *ptr)
{
	struct net_device *dev = netdev_notifier_info_to_dev(ptr);
	struct bowtie_link *link;
	struct bowtie_tunnel *t;
	int i;

	if (event != NETDEV_DOWN && event != NETDEV_UNREGISTER)
		return NOTIFY_DONE;

	ASSERT_RTNL();
	if (event == NETDEV_UNREGISTER)
		bowtie_early_forget(bowtie_pernet(dev_net(dev)), dev);
	list_for_each_entry(link, &bowtie_pernet(dev_net(dev))->links, list) {
		for (i = 0; i < BOWTIE_TUNNELS_MAX; i++) {
			t = rtnl_dereference(link->tunnels[i]);
			if (t)
				purge(t, dev);
		}
	}
	return NOTIFY_DONE;
}

static struct notifier_block underlay_notifier = {
	.notifier_call = underlay_event,
};

/**
 * bowtie_underlay_init() - begin to watch devices
 *
 * Context: process. Return: 0 or an error.
 */
int bowtie_underlay_init(void)
{
	return register_netdevice_notifier(&underlay_notifier);
}

/**
 * bowtie_underlay_exit() - the reverse
 */
void bowtie_underlay_exit(void)
{
	unregister_netdevice_notifier(&underlay_notifier);
}
