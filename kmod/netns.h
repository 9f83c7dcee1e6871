/* SPDX-License-Identifier: GPL-2.0 */
#ifndef _BOWTIE_NETNS_H
#define _BOWTIE_NETNS_H

#include <linux/hashtable.h>
#include <linux/list.h>
#include <linux/spinlock.h>
#include <linux/workqueue.h>
#include <net/net_namespace.h>
#include <net/netns/generic.h>

/**
 * struct bowtie_net - what a network namespace keeps as an underlay
 * @links: the links whose underlay it is, wherever their devices are; RTNL
 * @sa_lock: SA tables and lists of all tunnels here. Innermost lock: taken under
 *	xfrm_state's and the state table's locks.
 * @sa_clock: age of the latest SA; @sa_lock
 * @tunnels: by if_id; @sa_lock
 * @sas: by SPI; @sa_lock, RCU to read
 * @jobs: packets whose transforms complete later
 * @net: the namespace
 * @watched: if somebody listens to changes of sequence numbers, and when that was found, see
 *	bowtie_seq_watched()
 * @early: devices that ESP arrives at, see rx_early.c; RTNL, RCU to read
 * @early_wanted: index of one that is not there yet, for @early_work
 * @early_work: looks after it
 */
struct bowtie_net {
	struct list_head links;
	spinlock_t sa_lock;
	u32 sa_clock;
	DECLARE_HASHTABLE(tunnels, 8);
	DECLARE_HASHTABLE(sas, 10);
	atomic_t jobs;
	struct net *net;
	unsigned long watched;
	struct list_head early;
	int early_wanted;
	struct work_struct early_work;
};

extern unsigned int bowtie_net_id;

static inline struct bowtie_net *bowtie_pernet(const struct net *net)
{
	return net_generic(net, bowtie_net_id);
}

int bowtie_netns_init(void);
void bowtie_netns_exit(void);

#endif /* _BOWTIE_NETNS_H */
