// SPDX-License-Identifier: GPL-2.0
/*
 * Tunnels: their settings, creation, and deletion in two phases. Unpublishing
 * makes a tunnel invisible; who still sees it then: transmit and receive under
 * RCU, the SA hook (until the SAs are unbound, which the SA lock orders), and
 * nobody else, since link->work takes link->lock. After a grace period it is freed.
 */
#include <linux/ktime.h>
#include <linux/rtnetlink.h>
#include <linux/slab.h>
#include <net/ipv6.h>

#include "group.h"
#include "health.h"
#include "link.h"
#include "rx.h"
#include "sa.h"
#include "tunnel.h"
#include "underlay.h"

#define conf_deref(t)	rcu_dereference_protected((t)->conf, lockdep_is_held(&(t)->link->lock))

/**
 * bowtie_tunnel_conf_new() - settings to fill in
 * @from: settings to start from, or NULL for the defaults
 * @n_selectors: room for that many; if it is that of @from, they are copied too
 *
 * Context: may sleep. Return: unpublished settings that the caller kfree()s, or NULL.
 */
struct bowtie_tunnel_conf *bowtie_tunnel_conf_new(const struct bowtie_tunnel_conf *from,
						  unsigned int n_selectors)
{
	struct bowtie_tunnel_conf *conf;

	conf = kzalloc(struct_size(conf, selectors, n_selectors), GFP_KERNEL_ACCOUNT);
	if (!conf)
		return NULL;
	if (from) {
		size_t n = min_t(size_t, n_selectors, from->n_selectors);

		memcpy(conf, from, struct_size(from, selectors, n));
	} else {
		conf->weight = 1;
		conf->mss = BOWTIE_MSS_AUTO;
		conf->probe_interval = BOWTIE_PROBE_INTERVAL_DEFAULT;
		conf->probe_multiplier = BOWTIE_PROBE_MULTIPLIER_DEFAULT;
		conf->probe_port = BOWTIE_PROBE_PORT_DEFAULT;
		conf->drain_timeout = BOWTIE_DRAIN_TIMEOUT;
	}
	conf->n_selectors = n_selectors;
	return conf;
}

static bool inside4_ok(__be32 addr)
{
	return !addr || (!ipv4_is_multicast(addr) && !ipv4_is_lbcast(addr) &&
			 !ipv4_is_loopback(addr) && !ipv4_is_zeronet(addr));
}

static bool inside6_ok(const struct in6_addr *addr)
{
	return ipv6_addr_any(addr) ||
	       !(ipv6_addr_type(addr) & (IPV6_ADDR_MULTICAST | IPV6_ADDR_LOOPBACK |
					 IPV6_ADDR_LINKLOCAL | IPV6_ADDR_MAPPED));
}

static bool outer_multicast(const xfrm_address_t *addr, u8 family)
{
	if (family == AF_INET)
		return ipv4_is_multicast(addr->a4) || ipv4_is_lbcast(addr->a4);
	return ipv6_addr_is_multicast(&addr->in6);
}

/* What cannot work whatever else there is, or NULL */
static const char *conf_fault(const struct bowtie_tunnel_conf *conf)
{
	if (!conf->if_id)
		return "if-id is missing or 0";
	if (!conf->family)
		return "an outer address (local or remote) is missing";
	if (xfrm_addr_any(&conf->local, conf->family) && xfrm_addr_any(&conf->remote, conf->family))
		return "local and remote cannot both be any address";
	if (xfrm_addr_equal(&conf->local, &conf->remote, conf->family))
		return "local and remote are the same address";
	if (outer_multicast(&conf->local, conf->family))
		return "local is a multicast or broadcast address";
	if (outer_multicast(&conf->remote, conf->family))
		return "remote is a multicast or broadcast address";
	if (!inside4_ok(conf->inside_local4) || !inside4_ok(conf->inside_peer4))
		return "an inside IPv4 address is no unicast address";
	if (!inside6_ok(&conf->inside_local6) || !inside6_ok(&conf->inside_peer6))
		return "an inside IPv6 address is no global or unique local address";
	if (conf->inside_peer4 && conf->inside_peer4 == conf->inside_local4)
		return "inside IPv4 addresses of both ends are the same";
	if (!ipv6_addr_any(&conf->inside_peer6) &&
	    ipv6_addr_equal(&conf->inside_peer6, &conf->inside_local6))
		return "inside IPv6 addresses of both ends are the same";
	if (conf->probe && !bowtie_probe_possible(conf))
		return "probes need the inside addresses of both ends";
	return NULL;
}

static bool same4(__be32 a, __be32 b)
{
	return a && a == b;
}

static bool same6(const struct in6_addr *a, const struct in6_addr *b)
{
	return !ipv6_addr_any(a) && ipv6_addr_equal(a, b);
}

/* What two tunnels of a link cannot have at the same time, or NULL */
static const char *conf_clash(const struct bowtie_tunnel_conf *a,
			      const struct bowtie_tunnel_conf *b)
{
	if (!strcmp(a->name, b->name))
		return "another tunnel of the link has this name";
	if (same4(a->inside_peer4, b->inside_peer4))
		return "another tunnel of the link has this inside IPv4 peer";
	if (same6(&a->inside_peer6, &b->inside_peer6))
		return "another tunnel of the link has this inside IPv6 peer";
	if (same4(a->inside_peer4, b->inside_local4) || same4(a->inside_local4, b->inside_peer4))
		return "inside IPv4 address is at the other end of another tunnel";
	if (same6(&a->inside_peer6, &b->inside_local6) ||
	    same6(&a->inside_local6, &b->inside_peer6))
		return "inside IPv6 address is at the other end of another tunnel";
	return NULL;
}

/* As NL_SET_ERR_MSG() does, for a constant text that is chosen elsewhere */
static int refuse(struct netlink_ext_ack *extack, int err, const char *text)
{
	if (extack)
		extack->_msg = text;
	return err;
}

/**
 * bowtie_tunnel_conf_check() - can these settings work at all?
 * @conf: settings
 * @extack: says what is wrong
 *
 * Looks at nothing else than @conf. Return: 0 or -EINVAL.
 */
int bowtie_tunnel_conf_check(const struct bowtie_tunnel_conf *conf,
			     struct netlink_ext_ack *extack)
{
	const char *fault = conf_fault(conf);

	return fault ? refuse(extack, -EINVAL, fault) : 0;
}

/* Does it get on with the other tunnels? @self does not count. */
static int conf_check_others(struct bowtie_link *link, const struct bowtie_tunnel_conf *conf,
			     const struct bowtie_tunnel *self, struct netlink_ext_ack *extack)
{
	struct bowtie_tunnel *t;
	const char *clash;
	int i;

	bowtie_for_each_tunnel(link, t, i) {
		clash = t == self ? NULL : conf_clash(conf, conf_deref(t));
		if (clash)
			return refuse(extack, -EEXIST, clash);
	}
	if (bowtie_sa_if_id_taken(link, conf->if_id, self))
		return refuse(extack, -EEXIST, "another tunnel of the underlay has this if-id");
	return 0;
}

static bool pin4(const struct bowtie_tunnel_conf *conf, struct bowtie_prefix *p)
{
	*p = (struct bowtie_prefix){ bowtie_key4(conf->inside_peer4), AF_INET, 32 };
	return conf->inside_peer4;
}

static bool pin6(const struct bowtie_tunnel_conf *conf, struct bowtie_prefix *p)
{
	*p = (struct bowtie_prefix){ bowtie_key6(&conf->inside_peer6), AF_INET6, 128 };
	return !ipv6_addr_any(&conf->inside_peer6);
}

static const struct bowtie_tunnel_conf no_peers;

/* Pin the peers that only @to has, then unpin those that only @from has. */
static int repin_peers(struct bowtie_tunnel *t, const struct bowtie_tunnel_conf *from,
		       const struct bowtie_tunnel_conf *to)
{
	bool change4 = from->inside_peer4 != to->inside_peer4;
	bool change6 = !ipv6_addr_equal(&from->inside_peer6, &to->inside_peer6);
	struct bowtie_prefix p4, p6;
	int err;

	if (change4 && pin4(to, &p4)) {
		err = bowtie_route_pin(t->link, &p4, t);
		if (err)
			return err;
	}
	if (change6 && pin6(to, &p6)) {
		err = bowtie_route_pin(t->link, &p6, t);
		if (err) {
			if (change4 && pin4(to, &p4))
				bowtie_route_unpin(t->link, &p4);
			return err;
		}
	}
	if (change4 && pin4(from, &p4))
		bowtie_route_unpin(t->link, &p4);
	if (change6 && pin6(from, &p6))
		bowtie_route_unpin(t->link, &p6);
	return 0;
}

static bool same_sas(const struct bowtie_tunnel_conf *a, const struct bowtie_tunnel_conf *b)
{
	return a->if_id == b->if_id && a->family == b->family &&
	       xfrm_addr_equal(&a->local, &b->local, a->family) &&
	       xfrm_addr_equal(&a->remote, &b->remote, a->family);
}

/* Does what the peer has answered say anything about the answers to come? */
static bool same_probe(const struct bowtie_tunnel_conf *a, const struct bowtie_tunnel_conf *b)
{
	return a->probe == b->probe && a->probe_port == b->probe_port &&
	       a->inside_local4 == b->inside_local4 && a->inside_peer4 == b->inside_peer4 &&
	       ipv6_addr_equal(&a->inside_local6, &b->inside_local6) &&
	       ipv6_addr_equal(&a->inside_peer6, &b->inside_peer6);
}

static struct bowtie_tunnel *tunnel_alloc(struct bowtie_link *link, unsigned int id)
{
	struct bowtie_tunnel *t = kzalloc(sizeof(*t), GFP_KERNEL_ACCOUNT);
	int cpu;

	if (!t)
		return NULL;
	t->pcpu = alloc_percpu_gfp(struct bowtie_tunnel_pcpu, GFP_KERNEL_ACCOUNT);
	if (!t->pcpu) {
		kfree(t);
		return NULL;
	}
	for_each_possible_cpu(cpu)
		bowtie_stats_init(&per_cpu_ptr(t->pcpu, cpu)->stats);
	t->link = link;
	t->id = id;
	bowtie_fsm_init(&t->fsm);
	t->told_oper = t->fsm.oper;
	t->told_reason = t->fsm.reason;
	t->since = ktime_get_boottime_ns();
	spin_lock_init(&t->lock);
	bowtie_probe_init(t);
	INIT_HLIST_NODE(&t->if_id_node);
	INIT_LIST_HEAD(&t->sas);
	return t;
}

/**
 * bowtie_tunnel_id_free() - an id for a new tunnel
 * @link: link
 *
 * Context: link->lock. Return: the lowest free id, or -ENOSPC.
 */
int bowtie_tunnel_id_free(struct bowtie_link *link)
{
	int i;

	for (i = 0; i < BOWTIE_TUNNELS_MAX; i++)
		if (!rcu_access_pointer(link->tunnels[i]))
			return i;
	return -ENOSPC;
}

/**
 * bowtie_tunnel_create() - add a tunnel
 * @link: link
 * @id: free id, below BOWTIE_TUNNELS_MAX
 * @conf: checked settings; passes to the tunnel unless an error is returned
 * @extack: says what is wrong
 *
 * Context: RTNL and link->lock, may sleep. The caller announces it.
 * Return: the tunnel, or -EEXIST, -ENOMEM.
 */
struct bowtie_tunnel *bowtie_tunnel_create(struct bowtie_link *link, unsigned int id,
					   struct bowtie_tunnel_conf *conf,
					   struct netlink_ext_ack *extack)
{
	struct bowtie_tunnel *t;
	int err;

	ASSERT_RTNL();
	err = conf_check_others(link, conf, NULL, extack);
	if (err)
		return ERR_PTR(err);
	t = tunnel_alloc(link, id);
	if (!t)
		return ERR_PTR(-ENOMEM);
	RCU_INIT_POINTER(t->conf, conf);
	err = repin_peers(t, &no_peers, conf);
	if (err) {
		RCU_INIT_POINTER(t->conf, NULL);
		bowtie_tunnel_free(t);
		return ERR_PTR(err);
	}
	rcu_assign_pointer(link->tunnels[id], t);
	link->n_tunnels++;
	bowtie_rx_filter_update(link);
	bowtie_sa_bind_tunnel(t, conf->if_id);
	bowtie_health_update(t);
	bowtie_link_kick(link, id);
	return t;
}

/**
 * bowtie_tunnel_change() - change a tunnel's settings
 * @t: tunnel
 * @conf: checked new settings; passes to the tunnel unless an error is returned
 * @extack: says what is wrong
 *
 * Packets see the old settings or the new ones, and go on all the while unless the
 * SAs have to be bound anew. Context: RTNL and link->lock, may sleep.
 * Return: 0, -EEXIST or -ENOMEM.
 */
int bowtie_tunnel_change(struct bowtie_tunnel *t, struct bowtie_tunnel_conf *conf,
			 struct netlink_ext_ack *extack)
{
	struct bowtie_tunnel_conf *old = conf_deref(t);
	bool rebind = !same_sas(old, conf);
	int err;

	ASSERT_RTNL();
	err = conf_check_others(t->link, conf, t, extack);
	if (err)
		return err;
	err = repin_peers(t, old, conf);
	if (err)
		return err;
	if (rebind)
		bowtie_sa_unbind_tunnel(t);
	rcu_assign_pointer(t->conf, conf);
	bowtie_rx_filter_update(t->link);
	if (rebind || !same_probe(old, conf))
		bowtie_health_reset(t);
	if (rebind)
		bowtie_sa_bind_tunnel(t, conf->if_id);
	else
		bowtie_underlay_purge(t);
	kfree_rcu(old, rcu);
	bowtie_health_update(t);
	bowtie_link_kick(t->link, t->id);
	bowtie_link_kick_mtu(t->link);
	return 0;
}

/**
 * bowtie_tunnel_unpublish() - first phase of deletion
 * @t: tunnel
 *
 * Leaves the routes alone. Context: RTNL and link->lock.
 */
void bowtie_tunnel_unpublish(struct bowtie_tunnel *t)
{
	struct bowtie_link *link = t->link;
	struct bowtie_stats sum = {};

	ASSERT_RTNL();
	repin_peers(t, conf_deref(t), &no_peers);
	spin_lock_bh(&link->stats_lock);
	bowtie_tunnel_stats(t, &sum);
	bowtie_stats_add(&link->stats_gone, &sum);
	RCU_INIT_POINTER(link->tunnels[t->id], NULL);
	spin_unlock_bh(&link->stats_lock);
	link->n_tunnels--;
	bowtie_sa_unbind_tunnel(t);
	bowtie_probe_stop(t);
	bowtie_rx_filter_update(link);
	list_add_tail(&t->dying, &link->dying);
}

/**
 * bowtie_tunnel_free() - second phase of deletion
 * @t: tunnel that no reader can see any more
 *
 * Context: process.
 */
void bowtie_tunnel_free(struct bowtie_tunnel *t)
{
	bowtie_underlay_purge(t);
	free_percpu(t->pcpu);
	kfree(rcu_dereference_protected(t->conf, true));
	kfree(t);
}

/**
 * bowtie_tunnel_detach() - take a tunnel out of all routes
 * @t: tunnel that is to be deleted
 *
 * Routes that lead nowhere else go. Context: RTNL and link->lock, may sleep.
 * Return: 0, or -ENOMEM and nothing is changed.
 */
int bowtie_tunnel_detach(struct bowtie_tunnel *t)
{
	return bowtie_group_forget_tunnel(t->link, t->id);
}

/**
 * bowtie_tunnel_delete() - delete a tunnel
 * @t: detached tunnel; freed
 *
 * Context: RTNL and link->lock, sleeps for a grace period.
 */
void bowtie_tunnel_delete(struct bowtie_tunnel *t)
{
	struct bowtie_link *link = t->link;

	bowtie_tunnel_unpublish(t);
	synchronize_net();
	list_del(&t->dying);
	bowtie_tunnel_free(t);
	/* One tunnel less: is any left that takes flows, and which MTU has it? */
	queue_work(bowtie_wq, &link->work);
	bowtie_link_kick_mtu(link);
}

/**
 * bowtie_tunnel_by_name() - find a tunnel
 * @link: link
 * @name: its name
 *
 * Context: link->lock. Return: the tunnel or NULL.
 */
struct bowtie_tunnel *bowtie_tunnel_by_name(struct bowtie_link *link, const char *name)
{
	struct bowtie_tunnel *t;
	int i;

	bowtie_for_each_tunnel(link, t, i)
		if (!strcmp(conf_deref(t)->name, name))
			return t;
	return NULL;
}

/**
 * bowtie_tunnel_stats() - sum a tunnel's counters
 * @t: tunnel
 * @sum: added to
 *
 * Context: RCU read side or link->lock.
 */
void bowtie_tunnel_stats(const struct bowtie_tunnel *t, struct bowtie_stats *sum)
{
	int cpu;

	for_each_possible_cpu(cpu)
		bowtie_stats_add_pcpu(sum, &per_cpu_ptr(t->pcpu, cpu)->stats);
}
