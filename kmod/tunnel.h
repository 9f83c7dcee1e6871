/* SPDX-License-Identifier: GPL-2.0 */
#ifndef _BOWTIE_TUNNEL_H
#define _BOWTIE_TUNNEL_H

#include <linux/in6.h>
#include <linux/list.h>
#include <linux/rcupdate.h>
#include <linux/spinlock.h>
#include <net/xfrm.h>
#include <linux/bowtie.h>

#include "fsm.h"
#include "probe.h"
#include "stats.h"

struct bowtie_link;
struct bowtie_sa;
struct netlink_ext_ack;

/**
 * struct bowtie_selector - a pair of traffic selectors (RFC 7296, 3.13) reduced
 *	to prefixes
 * @family: AF_INET or AF_INET6
 * @local_len: prefix length of @local
 * @remote_len: prefix length of @remote
 * @local: our side of the tunnel
 * @remote: the far side
 */
struct bowtie_selector {
	u8 family;
	u8 local_len;
	u8 remote_len;
	xfrm_address_t local;
	xfrm_address_t remote;
};

/**
 * struct bowtie_tunnel_conf - what a tunnel is configured to be
 * @name: unique on the link
 * @if_id: of its SAs; unique in the underlay's namespace; not 0
 * @local: outer address of ours, or any
 * @remote: outer address of the peer, or any (not both)
 * @family: of the outer addresses
 * @inside_local4: our IPv4 address inside, or 0
 * @inside_peer4: the peer's, unique on the link, or 0
 * @inside_local6: our IPv6 address inside, or ::
 * @inside_peer6: the peer's, unique on the link, or ::
 * @weight: 1..BOWTIE_WEIGHT_MAX, for next hops that give none
 * @tier: 0..BOWTIE_TIER_MAX, for next hops that give none
 * @esp_mode: enum bowtie_esp_mode
 * @df: enum bowtie_df
 * @admin: enum bowtie_admin_state
 * @mss: bytes, or BOWTIE_MSS_OFF or BOWTIE_MSS_AUTO
 * @drain_timeout: how long a drain may take, in ms; 0: as long as there are flows
 * @mark: put on packets that came out of the tunnel
 * @probe: enum bowtie_probe_type
 * @probe_multiplier: silent intervals that mean death
 * @probe_port: TCP port of the peer to probe
 * @probe_interval: between probes, in ms
 * @rcu: frees it
 * @n_selectors: 0 means any traffic
 * @selectors: what may pass
 *
 * Immutable once published; a change publishes a new one.
 */
struct bowtie_tunnel_conf {
	char name[BOWTIE_NAME_MAX + 1];
	u32 if_id;
	xfrm_address_t local;
	xfrm_address_t remote;
	u8 family;
	__be32 inside_local4;
	__be32 inside_peer4;
	struct in6_addr inside_local6;
	struct in6_addr inside_peer6;
	u16 weight;
	u8 tier;
	u8 esp_mode;
	u8 df;
	u8 admin;
	u32 mss;
	u32 drain_timeout;
	u32 mark;
	u8 probe;
	u8 probe_multiplier;
	u16 probe_port;
	u32 probe_interval;
	struct rcu_head rcu;
	u8 n_selectors;
	struct bowtie_selector selectors[] __counted_by(n_selectors);
};

/**
 * struct bowtie_tunnel_pcpu - what a CPU keeps of a tunnel
 * @dst: cached bundle by inner family (0: IPv4, 1: IPv6). Filled by this CPU
 *	with bottom halves off, emptied by anybody with xchg().
 * @rx_last: when the latest authentic packet came, in jiffies; this CPU writes, READ_ONCE
 * @stats: counters
 */
struct bowtie_tunnel_pcpu {
	struct dst_entry __rcu *dst[2];
	unsigned long rx_last;
	struct bowtie_pcpu_stats stats;
};

#define BOWTIE_DRAIN_TIMEOUT	300000	/* ms */

/* Values of usable. */
enum bowtie_usable {
	BOWTIE_USABLE_NOT,
	BOWTIE_USABLE,		/* for any flow */
	BOWTIE_USABLE_DRAIN,	/* for those that it has */
};

/**
 * struct bowtie_tunnel - one ESP tunnel of a link
 * @sa_out: SA that transmit uses, NULL if there is none; RCU, written under the
 *	SA lock
 * @sa_wait: inbound SA whose first packet allows the use of the newest outbound one, only
 *	to be compared with; written under the SA lock
 * @conf: settings; RCU, written under link->lock
 * @pcpu: bundles and counters
 * @link: the link, which outlives the tunnel
 * @id: 0..BOWTIE_TUNNELS_MAX - 1
 * @usable: enum bowtie_usable; written by health.c under @lock
 * @draining: a drain is ordered; link->lock, as the next one
 * @drain_since: when it was ordered, in jiffies
 * @mtu: largest inner packet, in bytes; 0 while unknown
 * @pmtu: outer path MTU as ICMP told, in bytes, or 0; under @lock
 * @pmtu_expires: when @pmtu is forgotten, in jiffies
 * @purges: how often bundles have been dropped
 * @lock: health and path MTU
 * @fsm: operational state; @lock
 * @told_oper: state that was announced last; link->lock
 * @told_reason: its reason; link->lock
 * @transitions: changes of the operational state since creation
 * @since: time of the latest one, CLOCK_BOOTTIME, in ns
 * @probe: asks the peer whether it is there
 * @if_id: which SAs are bound to it; SA lock
 * @if_id_node: in bowtie_net.tunnels; SA lock
 * @sas: SAs bound to it, the newest first; SA lock, RCU to read
 * @dying: in link->dying while its readers finish; RTNL
 */
struct bowtie_tunnel {
	struct bowtie_sa __rcu *sa_out;
	const struct bowtie_sa *sa_wait;
	struct bowtie_tunnel_conf __rcu *conf;
	struct bowtie_tunnel_pcpu __percpu *pcpu;
	struct bowtie_link *link;
	u8 id;
	u8 usable;
	bool draining;
	unsigned long drain_since;
	u32 mtu;

	u32 pmtu;
	unsigned long pmtu_expires;
	atomic_t purges;
	spinlock_t lock;
	struct bowtie_fsm fsm;
	u8 told_oper;
	u8 told_reason;
	u32 transitions;
	u64 since;
	struct bowtie_probe probe;

	u32 if_id;
	struct hlist_node if_id_node;
	struct list_head sas;
	struct list_head dying;
};

/* May new flows take this tunnel? Cheap and for any context under RCU. */
static inline bool bowtie_tunnel_usable(const struct bowtie_tunnel *t)
{
	return READ_ONCE(t->usable) == BOWTIE_USABLE && rcu_access_pointer(t->sa_out);
}

/* May flows go on that it has? Likewise. */
static inline bool bowtie_tunnel_keeps(const struct bowtie_tunnel *t)
{
	return READ_ONCE(t->usable) != BOWTIE_USABLE_NOT && rcu_access_pointer(t->sa_out);
}

struct bowtie_tunnel_conf *bowtie_tunnel_conf_new(const struct bowtie_tunnel_conf *from,
						  unsigned int n_selectors);
int bowtie_tunnel_conf_check(const struct bowtie_tunnel_conf *conf,
			     struct netlink_ext_ack *extack);
int bowtie_tunnel_id_free(struct bowtie_link *link);
struct bowtie_tunnel *bowtie_tunnel_create(struct bowtie_link *link, unsigned int id,
					   struct bowtie_tunnel_conf *conf,
					   struct netlink_ext_ack *extack);
int bowtie_tunnel_change(struct bowtie_tunnel *t, struct bowtie_tunnel_conf *conf,
			 struct netlink_ext_ack *extack);
int bowtie_tunnel_detach(struct bowtie_tunnel *t);
void bowtie_tunnel_delete(struct bowtie_tunnel *t);
void bowtie_tunnel_unpublish(struct bowtie_tunnel *t);
void bowtie_tunnel_free(struct bowtie_tunnel *t);

struct bowtie_tunnel *bowtie_tunnel_by_name(struct bowtie_link *link, const char *name);
void bowtie_tunnel_stats(const struct bowtie_tunnel *t, struct bowtie_stats *sum);

#endif /* _BOWTIE_TUNNEL_H */
