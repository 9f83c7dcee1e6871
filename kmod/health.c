// SPDX-License-Identifier: GPL-2.0
/*
 * What state a tunnel is in, and the two steps of every change. The first step is one
 * flag, written where the event happens: transmit passes over a tunnel whose SA or
 * usable flag is gone. The second step runs in a work: the device's dormant state, the
 * news, the bucket tables and the MTU. Which event leads where is in fsm.c. Only this
 * file changes tunnel->usable and tunnel->fsm.
 */
#include <linux/bitmap.h>
#include <linux/ktime.h>

#include "balance.h"
#include "group.h"
#include "health.h"
#include "link.h"
#include "netlink.h"
#include "sa.h"
#include "trace.h"
#include "tunnel.h"
#include "underlay.h"

static u8 usable_in(u8 oper, u8 reason)
{
	if (oper == BOWTIE_OPER_UP)
		return BOWTIE_USABLE;
	if (oper == BOWTIE_OPER_DRAIN && reason != BOWTIE_REASON_DRAINED)
		return BOWTIE_USABLE_DRAIN;
	return BOWTIE_USABLE_NOT;
}

/**
 * bowtie_health_event() - the first step: something has happened to a tunnel
 * @t: tunnel
 * @event: what has happened
 *
 * Context: t->lock held, bottom halves off. What follows is left to link->work.
 */
void bowtie_health_event(struct bowtie_tunnel *t, enum bowtie_event event)
{
	u8 from = t->fsm.oper;

	lockdep_assert_held(&t->lock);
	if (!bowtie_fsm_event(&t->fsm, event, ktime_get_ns()))
		return;
	WRITE_ONCE(t->usable, usable_in(t->fsm.oper, t->fsm.reason));
	if (t->fsm.oper != from) {
		t->since = ktime_get_boottime_ns();
		t->transitions++;
		trace_bowtie_tunnel_state(t->link->dev, t->id, from, t->fsm.oper, t->fsm.reason);
	}
	bowtie_link_kick(t->link, t->id);
}

/**
 * bowtie_health_reset() - somebody else is asked from now on, or in another way
 * @t: tunnel
 *
 * Context: link->lock. bowtie_health_update() has to follow.
 */
void bowtie_health_reset(struct bowtie_tunnel *t)
{
	spin_lock_bh(&t->lock);
	bowtie_health_event(t, BOWTIE_EV_ASKED_ANEW);
	if (t->probe.on)
		bowtie_probe_track_restart(&t->probe.track, ktime_get_ns());
	spin_unlock_bh(&t->lock);
}

static enum bowtie_event admin_event(u8 admin)
{
	switch (admin) {
	case BOWTIE_ADMIN_DOWN:
		return BOWTIE_EV_ADMIN_DOWN;
	case BOWTIE_ADMIN_DRAIN:
		return BOWTIE_EV_ADMIN_DRAIN;
	default:
		return BOWTIE_EV_ADMIN_UP;
	}
}

/**
 * bowtie_health_update() - bring a tunnel's state up to date
 * @t: tunnel
 *
 * Tells the state machine what is so, whatever it has been told before, and lets the
 * probes follow. Context: link->lock, may sleep.
 * Return: true if the state or its reason is news, which the caller has to announce.
 */
bool bowtie_health_update(struct bowtie_tunnel *t)
{
	const struct bowtie_tunnel_conf *conf =
		rcu_dereference_protected(t->conf, lockdep_is_held(&t->link->lock));
	bool has_sa = rcu_access_pointer(t->sa_out);
	bool probes = conf->probe != BOWTIE_PROBE_TYPE_NONE;
	bool news;

	bowtie_drain_follow(t, conf);
	spin_lock_bh(&t->lock);
	t->fsm.multiplier = conf->probe_multiplier;
	bowtie_health_event(t, probes ? BOWTIE_EV_PROBES_ON : BOWTIE_EV_PROBES_OFF);
	bowtie_health_event(t, has_sa ? BOWTIE_EV_SA_FOUND : BOWTIE_EV_SA_LOST);
	bowtie_health_event(t, admin_event(conf->admin));
	news = t->told_oper != t->fsm.oper || t->told_reason != t->fsm.reason;
	t->told_oper = t->fsm.oper;
	t->told_reason = t->fsm.reason;
	spin_unlock_bh(&t->lock);
	bowtie_probe_update(t, conf, probes && has_sa && conf->admin != BOWTIE_ADMIN_DOWN);
	return news;
}

/* The tunnels that are the only ones left to some prefix, or to the link: a bit each. */
static u64 needed(struct bowtie_link *link, u64 usable)
{
	const struct bowtie_group *g;
	u64 mask = usable ? 0 : ~0ULL;

	list_for_each_entry(g, &link->groups, list)
		if (!(g->mask & usable))
			mask |= g->mask;
	return mask;
}

/* Nobody else is left: those that answer, but are not trusted yet, have to do. */
static void end_hold_down(struct bowtie_link *link, u64 usable)
{
	u64 mask = needed(link, usable);
	struct bowtie_tunnel *t;
	int i;

	bowtie_for_each_tunnel(link, t, i) {
		if (!(mask & BIT_ULL(i)))
			continue;
		spin_lock_bh(&t->lock);
		if (t->fsm.reason == BOWTIE_REASON_HOLD_DOWN)
			bowtie_health_event(t, BOWTIE_EV_NEEDED);
		spin_unlock_bh(&t->lock);
	}
}

/**
 * bowtie_health_routes() - prefixes have got other tunnels
 * @link: link
 *
 * One of these may be the only one that is left to a prefix, and held down.
 * Context: link->lock.
 */
void bowtie_health_routes(struct bowtie_link *link)
{
	struct bowtie_tunnel *t;
	int i;

	bowtie_for_each_tunnel(link, t, i) {
		if (READ_ONCE(t->fsm.reason) == BOWTIE_REASON_HOLD_DOWN) {
			queue_work(bowtie_wq, &link->work);
			return;
		}
	}
}

/**
 * bowtie_health_drained() - a tunnel's drain is over
 * @t: tunnel
 *
 * Context: link->lock. The work makes it known.
 */
void bowtie_health_drained(struct bowtie_tunnel *t)
{
	spin_lock_bh(&t->lock);
	bowtie_health_event(t, BOWTIE_EV_DRAINED);
	spin_unlock_bh(&t->lock);
}

static u64 take_dirty(struct bowtie_link *link)
{
	u64 mask = 0;
	unsigned int id;

	for_each_set_bit(id, link->dirty, BOWTIE_TUNNELS_MAX)
		if (test_and_clear_bit(id, link->dirty))
			mask |= BIT_ULL(id);
	return mask;
}

static void announce_sas(struct bowtie_link *link, u64 mask)
{
	struct bowtie_tunnel *t;
	struct bowtie_sa *sa;
	int i;

	/* Deletions first: an SPI may have come back. */
	while ((sa = bowtie_sa_gone_next(link))) {
		bowtie_notify_sa_del(link, sa);
		bowtie_sa_free(sa);
	}
	rcu_read_lock();
	bowtie_for_each_tunnel(link, t, i) {
		if (!(mask & BIT_ULL(i)))
			continue;
		list_for_each_entry_rcu(sa, &t->sas, list)
			if (test_and_clear_bit(BOWTIE_SA_F_NOTIFY, &sa->flags))
				bowtie_notify_sa(link, sa);
	}
	rcu_read_unlock();
}

/**
 * bowtie_health_work() - the second step of a change
 * @work: link->work
 *
 * Context: process. Takes link->lock, never RTNL: unregistering waits for it.
 */
void bowtie_health_work(struct work_struct *work)
{
	struct bowtie_link *link = container_of(work, struct bowtie_link, work);
	u64 mask, changed = 0, usable = 0;
	struct bowtie_tunnel *t;
	bool serves = false;
	int i;

	mutex_lock(&link->lock);
	if (link->dead)
		goto out;

	mask = take_dirty(link);
	bowtie_for_each_tunnel(link, t, i) {
		if (test_and_clear_bit(i, link->rescan))
			bowtie_sa_rescan(t);
		if ((mask & BIT_ULL(i)) && bowtie_health_update(t))
			changed |= BIT_ULL(i);
		if (bowtie_tunnel_usable(t))
			usable |= BIT_ULL(i);
		serves |= bowtie_tunnel_keeps(t);
	}
	link->n_up = hweight64(usable);
	end_hold_down(link, usable);
	if (serves)
		netif_dormant_off(link->dev);
	else
		netif_dormant_on(link->dev);

	/* The news first: packets take other ways already, the tables may have to wait. */
	bowtie_for_each_tunnel(link, t, i) {
		if (changed & BIT_ULL(i))
			bowtie_notify_tunnel(t);
		if (mask & BIT_ULL(i))
			bowtie_underlay_probe_mtu(t);
	}
	announce_sas(link, mask);
	bowtie_groups_rebuild(link, mask);
	bowtie_balance_settle(link);
out:
	mutex_unlock(&link->lock);
}

/**
 * bowtie_health_settle() - go over to new outbound SAs that have waited long enough
 * @work: link->settle_work
 *
 * Context: process.
 */
void bowtie_health_settle(struct work_struct *work)
{
	struct bowtie_link *link = container_of(to_delayed_work(work), struct bowtie_link,
						settle_work);
	struct bowtie_tunnel *t;
	int i;

	mutex_lock(&link->lock);
	bowtie_for_each_tunnel(link, t, i)
		bowtie_sa_settle(t);
	mutex_unlock(&link->lock);
}
