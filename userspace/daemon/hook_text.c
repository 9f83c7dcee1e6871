// SPDX-License-Identifier: GPL-2.0
/* PURE: what the operator's program is told of a link's tunnels. */
#include "hook.h"

#include <stdlib.h>
#include <string.h>

#include "bird_flags.h"
#include "util.h"

/**
 * bt_hook_retry_ms() - when to run it once more
 * @failures: one after the other, without news
 *
 * Return: for so long it is left alone.
 */
uint64_t bt_hook_retry_ms(unsigned int failures)
{
	uint64_t ms = BT_HOOK_RETRY_MS;

	while (failures-- > 1 && ms < BT_HOOK_RETRY_MAX_MS)
		ms *= 2;
	return ms < BT_HOOK_RETRY_MAX_MS ? ms : BT_HOOK_RETRY_MAX_MS;
}

static const char *state_of(const struct bt_fact_link *l, const char *name)
{
	size_t i;

	for (i = 0; l && i < l->tunnels.n; i++) {
		if (strcmp(l->tunnels.v[i].name, name) != 0)
			continue;
		return l->tunnels.v[i].oper == BOWTIE_OPER_UP ? "up" :
		       l->tunnels.v[i].oper == BOWTIE_OPER_DRAIN ? "drain" : "down";
	}
	return "down";
}

/* How much better than as a rule it is to be announced. */
static unsigned int level_of(const struct bt_steer *steer, const struct bt_steer_tunnel *s)
{
	return s && bt_steer_boosted(s) ? steer->groups.v[s->group].level : 0;
}

static void put_peer(struct bt_buf *b, const struct bt_addr *peer)
{
	char buf[BT_ADDR_STRLEN];

	bt_buf_printf(b, " %s", bt_addr_is_any(peer) ? "-" : bt_addr_str(peer, buf));
}

/**
 * bt_hook_args() - the words about a link
 * @facts: what is observed
 * @link: link
 * @out: the link's name is added, and a text for each tunnel, in the order of the
 *	configuration: NAME up|drain|down LEVEL accept|reject PEER4|- PEER6|-
 *
 * Without the link, all are as dead ones are.
 */
void bt_hook_args(const struct bt_facts *facts, const struct bt_conf_link *link,
		  struct bt_strings *out)
{
	const struct bt_fact_link *l = bt_facts_link_by_name(facts, link->name);
	size_t i;

	if (!facts->kmod)
		l = NULL;
	*bt_array_add(out) = bt_strdup(link->name);
	for (i = 0; i < link->tunnels.n; i++) {
		const struct bt_conf_tunnel *t = &link->tunnels.v[i];
		char *name = bt_bird_tunnel(link, t);
		const struct bt_steer_tunnel *s = bt_steer_tunnel(&facts->steer, name, i);
		struct bt_buf b = {};

		bt_buf_printf(&b, "%s %s %u %s", t->kernel.name, state_of(l, t->kernel.name),
			      l ? level_of(&facts->steer, s) : 0,
			      !l || !s || s->dead ? "reject" : "accept");
		put_peer(&b, &t->kernel.inside_peer4);
		put_peer(&b, &t->kernel.inside_peer6);
		*bt_array_add(out) = b.data;
		free(name);
	}
}
