// SPDX-License-Identifier: GPL-2.0
/*
 * Security associations: which xfrm_state belongs to which tunnel. A key manager
 * hook reports changes, a walk finds what was there before. Keys stay in xfrm.
 *
 * The hook may run under x->lock and the walk runs under the state table's lock,
 * so the SA lock nests inside both: nothing here takes either of them, sleeps,
 * or sends messages. News goes to link->work.
 */
#include <linux/slab.h>
#include <net/xfrm.h>

#include "link.h"
#include "netns.h"
#include "sa.h"
#include "tunnel.h"
#include "underlay.h"

/* At most for so long an old outbound SA is preferred to a new one. */
#define SETTLE		(3 * HZ)

/* States looked at in one go with bottom halves off. */
#define WALK_BATCH	512

static bool addr_matches(const xfrm_address_t *want, const xfrm_address_t *is, u8 family)
{
	return xfrm_addr_any(want, family) || xfrm_addr_equal(want, is, family);
}

/* Direction of @x in the tunnel, or negative if it has no place there. */
static int sa_direction(const struct bowtie_tunnel_conf *conf, const struct xfrm_state *x)
{
	if (x->id.proto != IPPROTO_ESP || x->props.mode != XFRM_MODE_TUNNEL ||
	    x->props.family != conf->family)
		return -EPROTONOSUPPORT;
	/* Addresses can be looked at for each packet: see selector.h. */
	if (x->sel.proto || x->sel.sport_mask || x->sel.dport_mask)
		return -EPROTONOSUPPORT;
	if (addr_matches(&conf->local, &x->id.daddr, conf->family) &&
	    addr_matches(&conf->remote, &x->props.saddr, conf->family))
		return BOWTIE_SA_IN;
	if (addr_matches(&conf->local, &x->props.saddr, conf->family) &&
	    addr_matches(&conf->remote, &x->id.daddr, conf->family))
		return BOWTIE_SA_OUT;
	return -EADDRNOTAVAIL;
}

/* SA lock held. */
static struct bowtie_tunnel *tunnel_by_if_id(struct bowtie_net *bn, u32 if_id)
{
	struct bowtie_tunnel *t;

	hash_for_each_possible(bn->tunnels, t, if_id_node, if_id)
		if (t->if_id == if_id)
			return t;
	return NULL;
}

/* SA lock held. The newest valid SA of a direction, older than @than if that is given. */
static struct bowtie_sa *newest(const struct bowtie_tunnel *t, u8 dir,
				const struct bowtie_sa *than)
{
	struct bowtie_sa *sa;

	list_for_each_entry(sa, &t->sas, list)
		if (sa->dir == dir && bowtie_sa_valid(sa) && (!than || sa->order < than->order))
			return sa;
	return NULL;
}

static bool suspect(const struct bowtie_sa *sa)
{
	return test_bit(BOWTIE_SA_F_SUSPECT, &sa->flags);
}

/* SA lock held. The newest valid outbound SA, those that bring no answers last. */
static struct bowtie_sa *best_out(const struct bowtie_tunnel *t)
{
	struct bowtie_sa *sa = newest(t, BOWTIE_SA_OUT, NULL), *first = sa;

	while (sa && suspect(sa))
		sa = newest(t, BOWTIE_SA_OUT, sa);
	return sa ?: first;
}

static bool still_there(const struct bowtie_tunnel *t, const struct bowtie_sa *wanted)
{
	const struct bowtie_sa *sa;

	list_for_each_entry(sa, &t->sas, list)
		if (sa == wanted)
			return bowtie_sa_valid(sa);
	return false;
}

/*
 * SA lock held. Whoever answers a rekeying has both new SAs before its peer has heard of
 * them (RFC 7296, 2.8): the first packet by the new inbound one tells that it has. So
 * the old outbound one stays in use until then, or until it goes, or for a moment at
 * most: the peer may have nothing to send. Returns the inbound SA that is waited for.
 */
static struct bowtie_sa *unproven(const struct bowtie_tunnel *t, const struct bowtie_sa *old,
				  const struct bowtie_sa *best)
{
	struct bowtie_sa *in = newest(t, BOWTIE_SA_IN, NULL);

	if (!old || !best || best == old || !still_there(t, old) || suspect(old) || !in ||
	    in->order < old->order || !newest(t, BOWTIE_SA_IN, in) ||
	    READ_ONCE(in->x->curlft.packets) ||
	    time_after_eq(jiffies, best->since + SETTLE))
		return NULL;
	return in;
}

/* SA lock held. Transmit takes the newest valid SA that the peer has, too. */
static void choose_out(struct bowtie_net *bn, struct bowtie_tunnel *t)
{
	struct bowtie_sa *best = best_out(t), *old, *wait;

	old = rcu_dereference_protected(t->sa_out, lockdep_is_held(&bn->sa_lock));
	wait = unproven(t, old, best);
	WRITE_ONCE(t->sa_wait, wait);
	if (wait) {
		queue_delayed_work(bowtie_wq, &t->link->settle_work, SETTLE + 1);
		return;
	}
	if (best == old)
		return;
	rcu_assign_pointer(t->sa_out, best);
	if (best)
		set_bit(BOWTIE_SA_F_NOTIFY, &best->flags);
	if (old)
		set_bit(BOWTIE_SA_F_NOTIFY, &old->flags);
	bowtie_link_kick(t->link, t->id);
}

/**
 * bowtie_sa_settle() - choose the outbound SA anew
 * @t: tunnel
 *
 * Context: RCU read side or link->lock, any.
 */
void bowtie_sa_settle(struct bowtie_tunnel *t)
{
	struct bowtie_net *bn = bowtie_pernet(t->link->net);

	spin_lock_bh(&bn->sa_lock);
	if (!hlist_unhashed(&t->if_id_node))
		choose_out(bn, t);
	spin_unlock_bh(&bn->sa_lock);
}

/**
 * bowtie_sa_out_other() - an outbound SA to try beside the one in use
 * @t: tunnel
 *
 * Context: RCU read side. Return: the newest valid one, or NULL if there is no other.
 */
struct bowtie_sa *bowtie_sa_out_other(const struct bowtie_tunnel *t)
{
	const struct bowtie_sa *current_sa = rcu_dereference(t->sa_out);
	struct bowtie_sa *sa;

	list_for_each_entry_rcu(sa, &t->sas, list)
		if (sa->dir == BOWTIE_SA_OUT && sa != current_sa && bowtie_sa_valid(sa))
			return sa;
	return NULL;
}

/**
 * bowtie_sa_suspect() - the SA in use brings no answers, but another one does
 * @t: tunnel
 * @order: of that SA; if another is in use by now, nothing is known of that one
 *
 * Duplicates that only one side knows of are common: the newest SA may be such a one.
 * Context: RCU read side, any.
 */
void bowtie_sa_suspect(struct bowtie_tunnel *t, u64 order)
{
	struct bowtie_net *bn = bowtie_pernet(t->link->net);
	struct bowtie_sa *sa, *other;

	spin_lock_bh(&bn->sa_lock);
	sa = rcu_dereference_protected(t->sa_out, lockdep_is_held(&bn->sa_lock));
	if (sa && sa->order == order && !hlist_unhashed(&t->if_id_node)) {
		/* The one that answers is above suspicion again. */
		list_for_each_entry(other, &t->sas, list)
			clear_bit(BOWTIE_SA_F_SUSPECT, &other->flags);
		set_bit(BOWTIE_SA_F_SUSPECT, &sa->flags);
		choose_out(bn, t);
	}
	spin_unlock_bh(&bn->sa_lock);
}

/* SA lock held. The caller chooses sa_out anew, and then calls sas_release(). */
static void sa_remove(struct bowtie_sa *sa, struct list_head *gone)
{
	hash_del_rcu(&sa->spi_node);
	list_del_rcu(&sa->list);
	list_add_tail(&sa->gone, gone);
}

/* SA lock held. The SAs are unpublished; what is left of them waits to be announced. */
static void sas_release(struct bowtie_tunnel *t, struct list_head *gone)
{
	list_splice_tail(gone, &t->link->sas_gone);
	bowtie_underlay_purge(t);
}

/* SA lock held. Drop the one with state @dead, or everything that is not valid. */
static void sas_prune(struct bowtie_net *bn, struct bowtie_tunnel *t,
		      const struct xfrm_state *dead)
{
	struct bowtie_sa *sa, *tmp;
	LIST_HEAD(gone);

	list_for_each_entry_safe(sa, tmp, &t->sas, list)
		if (dead ? sa->x == dead : !bowtie_sa_valid(sa))
			sa_remove(sa, &gone);
	if (list_empty(&gone))
		return;
	choose_out(bn, t);
	sas_release(t, &gone);
	bowtie_link_kick(t->link, t->id);
}

/* SA lock held; idempotent. */
static int sa_insert(struct bowtie_net *bn, struct bowtie_tunnel *t, struct xfrm_state *x,
		     u64 order)
{
	struct bowtie_sa *sa, *pos;
	struct list_head *after;
	int dir;

	if (READ_ONCE(x->km.state) != XFRM_STATE_VALID)
		return 0;
	rcu_read_lock();
	dir = sa_direction(rcu_dereference(t->conf), x);
	rcu_read_unlock();
	if (dir < 0)
		return 0;
	list_for_each_entry(pos, &t->sas, list) {
		if (pos->x == x) {
			/* What an update may have changed. */
			WRITE_ONCE(pos->fast, pos->fast && bowtie_esp_serves(x));
			return 0;
		}
	}

	sa = kzalloc(sizeof(*sa), GFP_ATOMIC);
	if (!sa)
		return -ENOMEM;
	sa->x = x;
	sa->tunnel = t;
	sa->bn = bn;
	sa->tunnel_id = t->id;
	sa->order = order;
	sa->since = jiffies;
	sa->sel = (struct bowtie_selector){
		.family = x->sel.family,
		.local_len = dir == BOWTIE_SA_OUT ? x->sel.prefixlen_s : x->sel.prefixlen_d,
		.remote_len = dir == BOWTIE_SA_OUT ? x->sel.prefixlen_d : x->sel.prefixlen_s,
		.local = dir == BOWTIE_SA_OUT ? x->sel.saddr : x->sel.daddr,
		.remote = dir == BOWTIE_SA_OUT ? x->sel.daddr : x->sel.saddr,
	};
	sa->spi = x->id.spi;
	sa->daddr = x->id.daddr;
	sa->family = x->props.family;
	sa->dir = dir;
	sa->fast = bowtie_esp_serves(x);
	if (sa->fast)
		bowtie_esp_setup(&sa->esp, x);
	__set_bit(BOWTIE_SA_F_NOTIFY, &sa->flags);
	xfrm_state_hold(x);

	after = &t->sas;
	list_for_each_entry(pos, &t->sas, list) {
		if (pos->order < order)
			break;
		after = &pos->list;
	}
	list_add_rcu(&sa->list, after);
	hash_add_rcu(bn->sas, &sa->spi_node, bowtie_spi_hash(sa->spi));
	choose_out(bn, t);
	bowtie_link_kick(t->link, t->id);
	return 0;
}

static u64 order_event(struct bowtie_net *bn)
{
	return (u64)++bn->sa_clock << 32 | U32_MAX;
}

static void event_add(struct net *net, struct xfrm_state *x)
{
	struct bowtie_net *bn = bowtie_pernet(net);
	struct bowtie_tunnel *t;

	spin_lock_bh(&bn->sa_lock);
	t = tunnel_by_if_id(bn, x->if_id);
	if (t && sa_insert(bn, t, x, order_event(bn))) {
		/* No memory here and now: look for it again from the work. */
		set_bit(t->id, t->link->rescan);
		bowtie_link_kick(t->link, t->id);
	}
	spin_unlock_bh(&bn->sa_lock);
}

/* An update hands us a dead copy; what it changed is found by its SPI. */
static void event_update(struct net *net, struct xfrm_state *x)
{
	struct bowtie_net *bn = bowtie_pernet(net);
	struct xfrm_state *real;
	struct bowtie_sa *sa;

	if (READ_ONCE(x->km.state) == XFRM_STATE_VALID) {
		event_add(net, x);
		return;
	}
	real = xfrm_state_lookup(net, x->mark.v & x->mark.m, &x->id.daddr, x->id.spi,
				 x->id.proto, x->props.family);
	if (!real)
		return;
	/* The update may have moved it to another if_id. */
	spin_lock_bh(&bn->sa_lock);
	sa = bowtie_sa_lookup(bn, real->id.spi, &real->id.daddr, real->props.family);
	if (sa && sa->x == real && sa->tunnel->if_id != real->if_id)
		sas_prune(bn, sa->tunnel, real);
	spin_unlock_bh(&bn->sa_lock);
	event_add(net, real);
	xfrm_state_put(real);
}

static void event_delete(struct net *net, struct xfrm_state *x)
{
	struct bowtie_net *bn = bowtie_pernet(net);
	struct bowtie_tunnel *t;

	spin_lock_bh(&bn->sa_lock);
	t = tunnel_by_if_id(bn, x->if_id);
	if (t)
		sas_prune(bn, t, x);
	spin_unlock_bh(&bn->sa_lock);
}

static void event_flush(struct net *net)
{
	struct bowtie_net *bn = bowtie_pernet(net);
	struct bowtie_tunnel *t;
	int i;

	spin_lock_bh(&bn->sa_lock);
	hash_for_each(bn->tunnels, i, t, if_id_node)
		sas_prune(bn, t, NULL);
	spin_unlock_bh(&bn->sa_lock);
}

/* Context: RCU read side, possibly x->lock. */
static int sa_event(struct xfrm_state *x, const struct km_event *c)
{
	if (c->event == XFRM_MSG_FLUSHSA) {
		event_flush(c->net);
		return 0;
	}
	if (!x || !x->if_id)
		return 0;
	switch (c->event) {
	case XFRM_MSG_NEWSA:
		event_add(xs_net(x), x);
		break;
	case XFRM_MSG_UPDSA:
		event_update(xs_net(x), x);
		break;
	case XFRM_MSG_EXPIRE:
		if (c->data.hard)
			event_delete(xs_net(x), x);
		break;
	case XFRM_MSG_DELSA:
		event_delete(xs_net(x), x);
		break;
	}
	return 0;
}

/* Called unchecked by the key manager core, so it must be there: not ours. */
static int sa_acquire(struct xfrm_state *x, struct xfrm_tmpl *tmpl, struct xfrm_policy *policy)
{
	return -EOPNOTSUPP;
}

static struct xfrm_policy *sa_compile_policy(struct sock *sk, int opt, u8 *data, int len, int *dir)
{
	*dir = -EINVAL;
	return NULL;
}

/*
 * new_mapping stays NULL: returning anything from it would hide charon's. The
 * update of the SA that follows reaches us as an event.
 */
static struct xfrm_mgr sa_mgr = {
	.notify = sa_event,
	.acquire = sa_acquire,
	.compile_policy = sa_compile_policy,
};

struct sa_walk {
	struct bowtie_net *bn;
	struct bowtie_tunnel *t;
	u64 order;
	unsigned int left;
	int err;
};

/* Under the state table's lock. The list begins with the newest state. */
static int walk_one(struct xfrm_state *x, int seq, void *data)
{
	struct sa_walk *w = data;

	if (!w->left--)
		return -EAGAIN;
	w->order--;
	if (x->if_id != w->t->if_id)
		return 0;
	spin_lock_bh(&w->bn->sa_lock);
	w->err = sa_insert(w->bn, w->t, x, w->order);
	spin_unlock_bh(&w->bn->sa_lock);
	return w->err;
}

static int walk_all(struct bowtie_tunnel *t)
{
	struct net *net = t->link->net;
	struct sa_walk w = { .bn = bowtie_pernet(net), .t = t };
	struct xfrm_state_walk walk;
	int err;

	spin_lock_bh(&w.bn->sa_lock);
	w.order = order_event(w.bn);
	spin_unlock_bh(&w.bn->sa_lock);

	xfrm_state_walk_init(&walk, IPPROTO_ESP, NULL);
	do {
		w.left = WALK_BATCH;
		err = xfrm_state_walk(net, &walk, walk_one, &w);
		cond_resched();
	} while (err == -EAGAIN && !w.err);
	xfrm_state_walk_done(&walk, net);
	return w.err;
}

/**
 * bowtie_sa_if_id_taken() - does a tunnel of the underlay have this if_id?
 * @link: link, for its underlay
 * @if_id: to look for
 * @except: tunnel that does not count, or NULL
 *
 * Context: RTNL, so that the answer stays true.
 */
bool bowtie_sa_if_id_taken(const struct bowtie_link *link, u32 if_id,
			   const struct bowtie_tunnel *except)
{
	struct bowtie_net *bn = bowtie_pernet(link->net);
	const struct bowtie_tunnel *t;

	ASSERT_RTNL();
	spin_lock_bh(&bn->sa_lock);
	t = tunnel_by_if_id(bn, if_id);
	spin_unlock_bh(&bn->sa_lock);
	return t && t != except;
}

/**
 * bowtie_sa_rescan() - look for SAs that an event failed to bind
 * @t: bound tunnel
 *
 * Context: link->lock, may sleep. Tries again by itself if memory is short.
 */
void bowtie_sa_rescan(struct bowtie_tunnel *t)
{
	if (walk_all(t)) {
		set_bit(t->id, t->link->rescan);
		bowtie_link_kick(t->link, t->id);
	}
}

/**
 * bowtie_sa_bind_tunnel() - begin to bind SAs to a tunnel
 * @t: tunnel with its settings in place, not bound
 * @if_id: of its SAs; not taken
 *
 * Context: RTNL and link->lock, may sleep.
 */
void bowtie_sa_bind_tunnel(struct bowtie_tunnel *t, u32 if_id)
{
	struct bowtie_net *bn = bowtie_pernet(t->link->net);

	spin_lock_bh(&bn->sa_lock);
	t->if_id = if_id;
	hash_add(bn->tunnels, &t->if_id_node, if_id);
	spin_unlock_bh(&bn->sa_lock);
	bowtie_sa_rescan(t);
}

/**
 * bowtie_sa_unbind_tunnel() - let go of a tunnel's SAs
 * @t: bound tunnel; no SA will be bound to it any more
 *
 * Context: link->lock. Readers may use the SAs for another grace period.
 */
void bowtie_sa_unbind_tunnel(struct bowtie_tunnel *t)
{
	struct bowtie_net *bn = bowtie_pernet(t->link->net);
	struct bowtie_sa *sa, *tmp;
	LIST_HEAD(gone);

	spin_lock_bh(&bn->sa_lock);
	hash_del(&t->if_id_node);
	RCU_INIT_POINTER(t->sa_out, NULL);
	WRITE_ONCE(t->sa_wait, NULL);
	list_for_each_entry_safe(sa, tmp, &t->sas, list)
		sa_remove(sa, &gone);
	sas_release(t, &gone);
	spin_unlock_bh(&bn->sa_lock);
}

/**
 * bowtie_sa_out_refresh() - the SA that transmit has is no longer valid
 * @t: tunnel
 *
 * States can vanish without an event (flush of a device or a namespace).
 * Context: RCU read side, any. Return: the SA to use now, or NULL.
 */
struct bowtie_sa *bowtie_sa_out_refresh(struct bowtie_tunnel *t)
{
	struct bowtie_net *bn = bowtie_pernet(t->link->net);
	struct bowtie_sa *sa;

	if (!rcu_access_pointer(t->sa_out))
		return NULL;
	spin_lock_bh(&bn->sa_lock);
	if (!hlist_unhashed(&t->if_id_node))
		sas_prune(bn, t, NULL);
	sa = rcu_dereference_protected(t->sa_out, lockdep_is_held(&bn->sa_lock));
	spin_unlock_bh(&bn->sa_lock);
	return sa;
}

/**
 * bowtie_sa_gone_next() - take an SA whose deletion has to be announced
 * @link: link
 *
 * Context: any. Return: an unpublished SA for bowtie_sa_free(), or NULL.
 */
struct bowtie_sa *bowtie_sa_gone_next(struct bowtie_link *link)
{
	struct bowtie_net *bn = bowtie_pernet(link->net);
	struct bowtie_sa *sa;

	spin_lock_bh(&bn->sa_lock);
	sa = list_first_entry_or_null(&link->sas_gone, struct bowtie_sa, gone);
	if (sa)
		list_del(&sa->gone);
	spin_unlock_bh(&bn->sa_lock);
	return sa;
}

static void sa_free_rcu(struct rcu_head *rcu)
{
	struct bowtie_sa *sa = container_of(rcu, struct bowtie_sa, rcu);

	xfrm_state_put(sa->x);
	kfree(sa);
}

/**
 * bowtie_sa_free() - the end of an SA, when its readers have finished
 * @sa: unpublished SA in no list
 *
 * Context: any.
 */
void bowtie_sa_free(struct bowtie_sa *sa)
{
	call_rcu(&sa->rcu, sa_free_rcu);
}

/**
 * bowtie_sa_init() - begin to hear of SAs
 *
 * Tunnels register first and walk second, so nothing is missed in between.
 */
void bowtie_sa_init(void)
{
	xfrm_register_km(&sa_mgr);
}

/**
 * bowtie_sa_exit() - the reverse
 *
 * Context: process. No callback runs any more on return.
 */
void bowtie_sa_exit(void)
{
	xfrm_unregister_km(&sa_mgr);
	synchronize_rcu();
}
