// SPDX-License-Identifier: GPL-2.0
/* PURE: from what the module says of the tunnels to what steer.c is asked. */
#include <stdlib.h>
#include <string.h>

#include "bird_flags.h"
#include "facts.h"
#include "util.h"

static const struct bt_tunnel *tunnel_of(const struct bt_fact_link *l,
					 const struct bt_conf_tunnel *t)
{
	size_t i;

	for (i = 0; l && i < l->tunnels.n; i++)
		if (!strcmp(l->tunnels.v[i].name, t->kernel.name))
			return &l->tunnels.v[i];
	return NULL;
}

static enum bt_steer_state state_of(const struct bt_tunnel *t)
{
	if (t && t->oper == BOWTIE_OPER_UP)
		return BT_STEER_UP;
	return t && t->oper == BOWTIE_OPER_DRAIN ? BT_STEER_DRAIN : BT_STEER_DOWN;
}

/*
 * A tunnel that answers again, but is not trusted yet, is better than none: as soon as its
 * routes are accepted the module finds that it is the only one, and ends its hold-down.
 */
static void accept_held(struct bt_steer_input *in, size_t n, const bool *held)
{
	size_t i, j;

	for (i = 0; i < n; i++) {
		if (!held[i])
			continue;
		for (j = 0; j < n; j++)
			if (in[j].state == BT_STEER_UP && !held[j] &&
			    !strcmp(in[j].group, in[i].group))
				break;
		if (j == n)
			in[i].state = BT_STEER_UP;
	}
}

/* What the daemon before this one had steered: it wrote it down first. */
static void seed(struct bt_steer_input *in, const char *vars, unsigned int steps)
{
	char *alive = bt_asprintf("BT_ALIVE_%s", in->name);
	char *no_boost = bt_asprintf("BT_NOBOOST_%s", in->name);
	bool value;

	in->seeded = bt_bird_vars_get(vars, alive, &value);
	in->was_dead = in->seeded && !value;
	in->was_boosted = !bt_bird_vars_get(vars, no_boost, &value) || !value;
	while (in->was_level < steps) {
		char *step = bt_asprintf("BT_NOSTEP_%s_%u", in->group, in->was_level + 1);
		bool there = bt_bird_vars_get(vars, step, &value);

		free(step);
		if (!there || value)
			break;
		in->was_level++;
	}
	free(no_boost);
	free(alive);
}

/* Is there a session of ours, or somebody else to be told? */
static bool is_steered(const struct bt_conf_link *link, const struct bt_conf_tunnel *t)
{
	return link->on_change || bt_bird_session(t, AF_INET) || bt_bird_session(t, AF_INET6);
}

/**
 * bt_bird_steer() - follow the tunnels: brings @facts->steer up to date
 * @facts: what is observed
 * @config: configuration
 * @now: bt_now_ms()
 *
 * Return: when it is to be called again, or UINT64_MAX.
 */
uint64_t bt_bird_steer(struct bt_facts *facts, const struct bt_config *config, uint64_t now)
{
	struct {
		struct bt_steer_input *v;
		size_t n;
	} list = {};
	struct {
		bool *v;
		size_t n;
	} held = {};
	struct bt_strings names = {};
	const struct bt_fact_link *l;
	const struct bt_conf_tunnel *t;
	const struct bt_tunnel *k;
	uint64_t next;
	size_t i, j;

	for (i = 0; i < config->links.n; i++) {
		const struct bt_conf_link *link = &config->links.v[i];

		l = bt_facts_link_by_name(facts, link->name);
		for (j = 0; j < link->tunnels.n; j++) {
			struct bt_steer_input *in;

			t = &link->tunnels.v[j];
			if (!is_steered(link, t))
				continue;
			in = bt_array_add(&list);
			*bt_array_add(&names) = bt_bird_tunnel(link, t);
			in->name = names.v[names.n - 1];
			*bt_array_add(&names) = bt_bird_group(link, t);
			in->group = names.v[names.n - 1];
			in->levels = t->bgp.as ? bt_bird_steps(t) : 0;
			in->hold_ms = (uint64_t)t->bgp.hold * 1000;
			k = tunnel_of(l, t);
			in->state = state_of(k);
			*bt_array_add(&held) = k && k->reason == BOWTIE_REASON_HOLD_DOWN;
			if (facts->bird_vars &&
			    !bt_steer_tunnel(&facts->steer, in->name, list.n - 1))
				seed(in, facts->bird_vars, in->levels);
		}
	}
	accept_held(list.v, list.n, held.v);
	next = bt_steer_update(&facts->steer, list.v, list.n, now);
	bt_strings_clear(&names);
	free(held.v);
	free(list.v);
	return next;
}
