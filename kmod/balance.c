// SPDX-License-Identifier: GPL-2.0
/*
 * What goes on after a change: buckets that fall idle follow it, and drains come to
 * their end. Nothing runs while all tables are balanced and no tunnel is draining.
 */
#include <linux/jiffies.h>

#include "balance.h"
#include "group.h"
#include "health.h"
#include "link.h"
#include "tunnel.h"

/* When a drain that goes on is ended by force; false if never. */
static bool drain_limit(const struct bowtie_tunnel *t, unsigned long *end)
{
	const struct bowtie_tunnel_conf *conf =
		rcu_dereference_protected(t->conf, lockdep_is_held(&t->link->lock));

	if (!t->draining || t->fsm.drained || !conf->drain_timeout)
		return false;
	*end = t->drain_since + msecs_to_jiffies(conf->drain_timeout);
	return true;
}

/**
 * bowtie_balance_arm() - wake up when the next table or drain is due
 * @link: link
 *
 * Context: link->lock.
 */
void bowtie_balance_arm(struct bowtie_link *link)
{
	unsigned long next = 0, end, now = jiffies;
	const struct bowtie_group *g;
	struct bowtie_tunnel *t;
	bool any = false;
	int i;

	list_for_each_entry(g, &link->groups, list) {
		if (!g->over || (any && time_after(g->due, next)))
			continue;
		next = g->due;
		any = true;
	}
	bowtie_for_each_tunnel(link, t, i) {
		if (!drain_limit(t, &end) || (any && time_after(end, next)))
			continue;
		next = end;
		any = true;
	}
	if (any)
		mod_delayed_work(bowtie_wq, &link->balance_work,
				 time_after(next, now) ? next - now : 0);
	else
		cancel_delayed_work(&link->balance_work);
}

/**
 * bowtie_balance_now() - look at all tables that are not balanced, as the rules changed
 * @link: link
 *
 * Context: link->lock.
 */
void bowtie_balance_now(struct bowtie_link *link)
{
	struct bowtie_group *g;

	list_for_each_entry(g, &link->groups, list)
		g->due = jiffies;
	mod_delayed_work(bowtie_wq, &link->balance_work, 0);
}

/**
 * bowtie_drain_follow() - note when a drain is ordered, or called off
 * @t: tunnel
 * @conf: its settings
 *
 * Context: link->lock.
 */
void bowtie_drain_follow(struct bowtie_tunnel *t, const struct bowtie_tunnel_conf *conf)
{
	bool drain = conf->admin == BOWTIE_ADMIN_DRAIN;

	if (drain && !t->draining)
		t->drain_since = jiffies;
	t->draining = drain;
}

/**
 * bowtie_balance_settle() - after a look at the tables: which drains are over, and when
 *	is the next look?
 * @link: link
 *
 * A drained tunnel never gets buckets again, so this ends. Context: link->lock.
 */
void bowtie_balance_settle(struct bowtie_link *link)
{
	const struct bowtie_group *g;
	struct bowtie_tunnel *t;
	unsigned long end;
	u64 serves = 0;
	int i;

	list_for_each_entry(g, &link->groups, list)
		serves |= g->serves;
	bowtie_for_each_tunnel(link, t, i) {
		if (!t->draining || t->fsm.drained)
			continue;
		if ((serves & BIT_ULL(i)) &&
		    !(drain_limit(t, &end) && time_after_eq(jiffies, end)))
			continue;
		bowtie_health_drained(t);
	}
	bowtie_balance_arm(link);
}

/**
 * bowtie_balance_work() - the next look
 * @work: link->balance_work
 *
 * Context: process. Takes link->lock, never RTNL.
 */
void bowtie_balance_work(struct work_struct *work)
{
	struct bowtie_link *link = container_of(to_delayed_work(work), struct bowtie_link,
						balance_work);

	/* Not under the lock, if it can be had before. */
	cond_synchronize_rcu(READ_ONCE(link->spare_cookie));
	mutex_lock(&link->lock);
	if (!link->dead) {
		bowtie_groups_rebalance(link);
		bowtie_balance_settle(link);
	}
	mutex_unlock(&link->lock);
}
