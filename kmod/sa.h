/* SPDX-License-Identifier: GPL-2.0 */
#ifndef _BOWTIE_SA_H
#define _BOWTIE_SA_H

#include <linux/list.h>
#include <linux/rcupdate.h>
#include <net/xfrm.h>

#include "esp.h"
#include "netns.h"
#include "tunnel.h"

struct bowtie_link;
struct bowtie_net;
struct bowtie_tunnel;

/**
 * struct bowtie_sa - an xfrm_state that belongs to a tunnel
 * @x: the state; held as long as this is there, so that a reader may add a reference.
 *	Readers check km.state before they use it.
 * @tunnel: its tunnel; valid as long as this is
 * @bn: its namespace; valid as long as this is
 * @order: age; larger is newer
 * @since: when it was bound, in jiffies
 * @spi: of @x
 * @daddr: of @x
 * @family: of the outer addresses
 * @dir: enum bowtie_sa_dir
 * @fast: the fast path may serve it; SA lock, READ_ONCE to read
 * @esp: what that needs to know, if @fast
 * @way: how its packets have come through IP, see rx_early.c; READ_ONCE, any packet may write,
 *	as the next two
 * @way_next: what @way will be
 * @way_since: since when @way_next is so, in jiffies
 * @flags: BOWTIE_SA_F_*
 * @sel: what it may carry, as whoever installed it has said; family AF_UNSPEC: anything
 * @spi_node: in bowtie_net.sas; SA lock, RCU to read
 * @tunnel_id: of its tunnel, which is gone before the news of its deletion is out
 * @list: in tunnel->sas; SA lock, RCU to read
 * @gone: in link->sas_gone once it is unpublished; SA lock
 * @rcu: frees it
 */
struct bowtie_sa {
	struct xfrm_state *x;
	struct bowtie_tunnel *tunnel;
	struct bowtie_net *bn;
	u64 order;
	unsigned long since;
	__be32 spi;
	xfrm_address_t daddr;
	u8 family;
	u8 dir;
	u8 tunnel_id;
	bool fast;
	struct bowtie_esp esp;
	u64 way, way_next;
	unsigned long way_since;
	struct bowtie_selector sel;
	unsigned long flags;
	struct hlist_node spi_node;
	struct list_head list;
	struct list_head gone;
	struct rcu_head rcu;
};

/* Bit: the news of it has not been multicast yet. */
#define BOWTIE_SA_F_NOTIFY	0
/* Bit: nothing sent by it was answered while another SA brought answers. */
#define BOWTIE_SA_F_SUSPECT	1

static inline bool bowtie_sa_valid(const struct bowtie_sa *sa)
{
	return READ_ONCE(sa->x->km.state) == XFRM_STATE_VALID;
}

/* Is it for the fast path, now? RCU read side. */
static inline bool bowtie_sa_fast(const struct bowtie_sa *sa)
{
	return READ_ONCE(sa->fast) &&
	       rcu_dereference(sa->tunnel->conf)->esp_mode != BOWTIE_ESP_XFRM;
}

/* Multiplied by hash_min(). Those of packets that arrive are of our own choice. */
static inline u32 bowtie_spi_hash(__be32 spi)
{
	return (__force u32)spi;
}

/**
 * bowtie_sa_lookup() - find an SA that belongs to a tunnel
 * @bn: underlay
 * @spi: SPI
 * @daddr: outer destination
 * @family: of @daddr
 *
 * Context: RCU read side. Return: the SA, or NULL if none of ours matches.
 */
static inline struct bowtie_sa *bowtie_sa_lookup(const struct bowtie_net *bn, __be32 spi,
						 const xfrm_address_t *daddr, u8 family)
{
	struct bowtie_sa *sa;

	hash_for_each_possible_rcu(bn->sas, sa, spi_node, bowtie_spi_hash(spi)) {
		if (sa->spi == spi && sa->family == family &&
		    xfrm_addr_equal(&sa->daddr, daddr, family))
			return sa;
	}
	return NULL;
}

struct bowtie_sa *bowtie_sa_out_refresh(struct bowtie_tunnel *t);

bool bowtie_sa_if_id_taken(const struct bowtie_link *link, u32 if_id,
			   const struct bowtie_tunnel *except);
void bowtie_sa_settle(struct bowtie_tunnel *t);
struct bowtie_sa *bowtie_sa_out_other(const struct bowtie_tunnel *t);
void bowtie_sa_suspect(struct bowtie_tunnel *t, u64 order);
void bowtie_sa_bind_tunnel(struct bowtie_tunnel *t, u32 if_id);
void bowtie_sa_rescan(struct bowtie_tunnel *t);
void bowtie_sa_unbind_tunnel(struct bowtie_tunnel *t);

struct bowtie_sa *bowtie_sa_gone_next(struct bowtie_link *link);
void bowtie_sa_free(struct bowtie_sa *sa);

void bowtie_sa_init(void);
void bowtie_sa_exit(void);

#endif /* _BOWTIE_SA_H */
