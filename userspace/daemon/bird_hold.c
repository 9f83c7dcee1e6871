// SPDX-License-Identifier: GPL-2.0
/*
 * PURE: a BIRD that ends, or is killed, is restarted as a rule, and the module forwards
 * meanwhile. A kernel table that it leaves empty, or that the next BIRD is just filling,
 * must not be taken for routes that have been withdrawn.
 *
 *	         gone               there               sessions are there, and a while
 *	SETTLED ------> AWAY (keep) -----> BACK (keep) ------------------> SETTLED
 *	  (NEW)          | restart_time      | recovery_time
 *	                 v                   v
 *	               AWAY (stale)        SETTLED
 *
 * Stale: the far ends have given up our routes by then, and somebody else may know of
 * another way; to lead traffic on into the tunnels would only hide that BIRD is missing.
 * One that is gone again and again before it has settled keeps nothing for longer than one
 * that needs all the time there is. A bowtied that is started while BIRD is away waits as
 * long, from its own beginning.
 */
#include "bird_hold.h"

#include <string.h>

#include "bird_flags.h"
#include "facts.h"

/**
 * bt_bird_feeds_family() - does a link have its routes of a family from a BIRD of ours?
 * @link: link
 * @af: AF_INET or AF_INET6
 */
bool bt_bird_feeds_family(const struct bt_conf_link *link, int af)
{
	size_t i;

	for (i = 0; i < link->tunnels.n; i++)
		if (bt_bird_session(&link->tunnels.v[i], af))
			return true;
	return false;
}

/**
 * bt_bird_feeds() - does a link have its routes from a BIRD of ours?
 * @link: link
 */
bool bt_bird_feeds(const struct bt_conf_link *link)
{
	return bt_bird_feeds_family(link, AF_INET) || bt_bird_feeds_family(link, AF_INET6);
}

static bool is_up(const struct bt_fact_link *l, const char *name)
{
	size_t i;

	for (i = 0; i < l->tunnels.n; i++)
		if (!strcmp(l->tunnels.v[i].name, name))
			return l->tunnels.v[i].oper == BOWTIE_OPER_UP;
	return false;
}

static bool has_session(const struct bt_facts *facts, const struct bt_conf_link *link,
			const struct bt_conf_tunnel *t, int af)
{
	struct bt_buf name = {};
	bool have;

	if (!bt_bird_session(t, af))
		return true;
	bt_bird_put_session(&name, link, t, af);
	have = bt_strings_have(&facts->bird_established, name.data);
	bt_buf_free(&name);
	return have;
}

/* Does every tunnel that works have its sessions? The others may take for ever. */
static bool is_whole(const struct bt_facts *facts, const struct bt_config *config)
{
	const struct bt_fact_link *l;
	size_t i, j;

	if (facts->bird_recovers)
		return false;
	for (i = 0; i < config->links.n; i++) {
		const struct bt_conf_link *link = &config->links.v[i];

		l = bt_facts_link_by_name(facts, link->name);
		for (j = 0; l && j < link->tunnels.n; j++) {
			const struct bt_conf_tunnel *t = &link->tunnels.v[j];

			if (is_up(l, t->kernel.name) &&
			    (!has_session(facts, link, t, AF_INET) ||
			     !has_session(facts, link, t, AF_INET6)))
				return false;
		}
	}
	return true;
}

static void enter(struct bt_bird_hold *h, enum bt_bird_hold_state state, uint64_t now)
{
	h->state = state;
	h->since = now;
	h->whole = 0;
	if (state == BT_BIRD_HOLD_SETTLED)
		h->unsettled = 0;
	else if (!h->unsettled)
		h->unsettled = now;
}

static uint64_t recovery_ms(const struct bt_config *config)
{
	return (uint64_t)config->bird.recovery_time * 1000 + BT_BIRD_MARGIN_MS;
}

/* Is @end still to come? Keeps until then, but not without end. Returns when to look again. */
static uint64_t keep_until(struct bt_bird_hold *h, const struct bt_config *config, uint64_t end,
			   uint64_t now)
{
	uint64_t last = h->unsettled + (uint64_t)config->bird.restart_time * 1000 +
			recovery_ms(config);

	h->keep = now < end && now < last;
	return h->keep && last < end ? last : end;
}

static bool feeds_any(const struct bt_config *config)
{
	size_t i;

	for (i = 0; i < config->links.n; i++)
		if (bt_bird_feeds(&config->links.v[i]))
			return true;
	return false;
}

static uint64_t away(struct bt_bird_hold *h, const struct bt_config *config, uint64_t now)
{
	uint64_t end = h->since + (uint64_t)config->bird.restart_time * 1000;

	uint64_t next = keep_until(h, config, end, now);

	h->stale = now >= end && feeds_any(config);
	return now < end ? next : UINT64_MAX;
}

static uint64_t back(struct bt_bird_hold *h, bool whole, const struct bt_config *config,
		     uint64_t now)
{
	uint64_t end = h->since + recovery_ms(config), next;

	if (!whole)
		h->whole = 0;
	else if (!h->whole)
		h->whole = now;
	if (h->whole && h->whole + BT_BIRD_SETTLE_MS < end)
		end = h->whole + BT_BIRD_SETTLE_MS;
	next = keep_until(h, config, end, now);
	if (now < end)
		return next;
	enter(h, BT_BIRD_HOLD_SETTLED, now);
	return UINT64_MAX;
}

/**
 * bt_bird_hold() - follow BIRD: brings @facts->hold up to date
 * @facts: what is observed
 * @config: configuration
 * @now: bt_now_ms()
 *
 * Return: when it is to be called again, or UINT64_MAX.
 */
uint64_t bt_bird_hold(struct bt_facts *facts, const struct bt_config *config, uint64_t now)
{
	struct bt_bird_hold *h = &facts->hold;
	bool there = h->state == BT_BIRD_HOLD_BACK || h->state == BT_BIRD_HOLD_SETTLED;

	if (h->state == BT_BIRD_HOLD_NEW || there != facts->bird)
		enter(h, facts->bird ? BT_BIRD_HOLD_BACK : BT_BIRD_HOLD_AWAY, now);
	h->stale = false;
	if (h->state == BT_BIRD_HOLD_AWAY)
		return away(h, config, now);
	if (h->state == BT_BIRD_HOLD_BACK)
		return back(h, is_whole(facts, config), config, now);
	h->keep = false;
	return UINT64_MAX;
}
