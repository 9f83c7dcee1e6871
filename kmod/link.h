/* SPDX-License-Identifier: GPL-2.0 */
#ifndef _BOWTIE_LINK_H
#define _BOWTIE_LINK_H

#include <linux/mutex.h>
#include <linux/netdevice.h>
#include <linux/workqueue.h>
#include <net/gro_cells.h>
#include <linux/bowtie.h>

#include "route.h"
#include "stats.h"

struct bowtie_tunnel;

/**
 * struct bowtie_link - private part of a bowtie net device
 * @dev: the device
 * @net: the underlay: the namespace it was created in, wherever it is moved to.
 *	Not held: the link goes when the namespace goes.
 * @routes: inner prefixes; RCU, written under @lock
 * @tunnels: by id; RCU, written under RTNL and @lock
 * @stats: counters of packets that met no tunnel
 * @fwmark: of outer packets and their route lookup
 * @hash: enum bowtie_hash_policy
 * @hairpin: packets from a tunnel may leave by a tunnel
 * @strict_source: packets from a tunnel need a route back through the link
 * @idle_timer: a bucket without a packet for so long may move, in ms
 * @unbalanced_timer: buckets may keep a group unbalanced for so long, in ms; 0: forever
 * @inside_filter: a bit for each inside address' hash, see rx.c
 * @lock: everything here that says so. Nests inside RTNL.
 * @dead: being unregistered, take no new work; @lock
 * @mtu_auto: the device's MTU follows the tunnels; RTNL
 * @mtu_own: the change of MTU in progress is our own; RTNL
 * @generation: counts changes, for readers that dump; @lock
 * @group_id: latest group id given; @lock
 * @rebuilds: how often tables were renewed as tunnels changed; @lock
 * @spare_cookie: RCU state after which the spare bucket tables are free; @lock
 * @groups: all groups; @lock
 * @n_groups: how many; @lock
 * @n_tunnels: how many; @lock
 * @n_up: tunnels that take flows; @lock
 * @dirty: tunnels whose state is to be looked at by @work; atomic bits
 * @rescan: tunnels that lost an SA event and must be searched for again; atomic bits
 * @work: the second step of a change: states, bucket tables, notifications
 * @settle_work: goes over to new outbound SAs that have waited long enough
 * @balance_work: lets buckets that fall idle follow a change, and ends drains
 * @index_work: makes the routes' index after they have changed
 * @mtu_work: sets the device's MTU, which needs RTNL
 * @sas_gone: SAs to be announced as deleted; SA lock
 * @gro_cells: where decrypted packets wait for NAPI
 * @napi_dev: stand-in device of @gro_cells, so that nobody can make its NAPI
 *	threaded: rx_esp.c relies on it staying on the CPU
 * @dying: tunnels whose readers may not have finished; RTNL
 * @stats_lock: keeps sums whole while a tunnel is deleted
 * @stats_gone: counters of tunnels that were deleted; @stats_lock
 * @list: in bowtie_net.links; RTNL
 */
struct bowtie_link {
	struct net_device *dev;
	struct net *net;
	struct bowtie_routes routes;
	struct bowtie_tunnel __rcu *tunnels[BOWTIE_TUNNELS_MAX];
	struct bowtie_pcpu_stats __percpu *stats;
	u32 fwmark;
	u8 hash;
	bool hairpin;
	bool strict_source;
	u32 idle_timer;
	u32 unbalanced_timer;
	u64 inside_filter;

	struct mutex lock;
	bool dead;
	bool mtu_auto;
	bool mtu_own;
	u32 generation;
	u32 group_id;
	u32 rebuilds;
	unsigned long spare_cookie;
	struct list_head groups;
	u32 n_groups;
	u8 n_tunnels;
	u8 n_up;

	DECLARE_BITMAP(dirty, BOWTIE_TUNNELS_MAX);
	DECLARE_BITMAP(rescan, BOWTIE_TUNNELS_MAX);
	struct work_struct work;
	struct delayed_work settle_work;
	struct delayed_work balance_work;
	struct delayed_work index_work;
	struct delayed_work mtu_work;
	struct list_head sas_gone;
	struct list_head dying;
	struct gro_cells gro_cells;
	struct net_device *napi_dev;

	spinlock_t stats_lock;
	struct bowtie_stats stats_gone;
	struct list_head list;
};

/**
 * struct bowtie_link_params - settings of a link
 * @set: which of the others are given, a bit for each BOWTIE_A_LINK_*
 */
struct bowtie_link_params {
	unsigned long set;
	u32 fwmark;
	u8 hash;
	bool hairpin;
	bool strict_source;
	bool mtu_auto;
	u32 idle_timer;
	u32 unbalanced_timer;
};

#define BOWTIE_MTU_MIN		1280
#define BOWTIE_MTU_DEFAULT	1400
#define BOWTIE_MTU_MAX		65500

#define BOWTIE_IDLE_TIMER	120000	/* ms */

extern struct workqueue_struct *bowtie_wq;
extern struct rtnl_link_ops bowtie_link_ops;
extern const struct ethtool_ops bowtie_ethtool_ops;
struct netlink_ext_ack;

bool bowtie_link_is(const struct net_device *dev);
int bowtie_link_change(struct bowtie_link *link, const struct bowtie_link_params *p,
		       bool may_underlay, struct netlink_ext_ack *extack);
void bowtie_link_kick(struct bowtie_link *link, unsigned int id);
void bowtie_link_kick_all(struct bowtie_link *link);
void bowtie_link_kick_mtu(struct bowtie_link *link);
void bowtie_link_stats(struct bowtie_link *link, struct bowtie_stats *sum);
u32 bowtie_link_mtu(struct bowtie_link *link);

/* The tunnels of a link, by a holder of its lock. */
#define bowtie_for_each_tunnel(link, t, i)				\
	for ((i) = 0; (i) < BOWTIE_TUNNELS_MAX; (i)++)			\
		if (((t) = rcu_dereference_protected((link)->tunnels[i],	\
				lockdep_is_held(&(link)->lock))))

#endif /* _BOWTIE_LINK_H */
