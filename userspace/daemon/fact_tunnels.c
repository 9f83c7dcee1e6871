// SPDX-License-Identifier: GPL-2.0
/*
 * PURE: what is remembered of tunnels. The module says since when a tunnel is in the state
 * that it is in; how long it has not worked, through all of these, is found out here.
 */
#include <stdlib.h>

#include "facts.h"
#include "util.h"

static bool works(const struct bt_tunnel *t)
{
	return t->oper == BOWTIE_OPER_UP || t->oper == BOWTIE_OPER_DRAIN ||
	       t->reason == BOWTIE_REASON_ADMIN;
}

/* When it last worked, of one that was never seen to: the best that the module knows. */
static uint64_t known_since(const struct bt_tunnel *t, uint64_t now)
{
	uint64_t since = t->since / 1000000;

	return since < now ? since : now;
}

static void follow(struct bt_fact_tunnel *m, const struct bt_tunnel *t, bool is_new, uint64_t now)
{
	if (works(t)) {
		m->works = true;
		m->tries = 0;
	} else if (m->works || is_new) {
		m->worked = m->works ? now : known_since(t, now);
		m->works = false;
	}
}

/* Does it answer no probes, and has nobody been told? */
static bool newly_mute(struct bt_fact_tunnel *m, const struct bt_tunnel *t)
{
	bool before = m->mute;

	if (t->oper == BOWTIE_OPER_UP)
		m->mute = t->reason == BOWTIE_REASON_NO_ANSWER;
	return m->mute && !before;
}

/**
 * bt_facts_follow_tunnels() - remember what the module says of the tunnels
 * @f: facts
 * @now: bt_now_ms()
 * @mute: those that are newly up without an answer to a probe are added
 */
void bt_facts_follow_tunnels(struct bt_facts *f, uint64_t now, struct bt_strings *mute)
{
	size_t i, j;

	for (i = 0; i < f->links.n; i++) {
		const struct bt_fact_link *l = &f->links.v[i];

		for (j = 0; j < l->tunnels.n; j++) {
			const struct bt_tunnel *t = &l->tunnels.v[j];
			char *key = bt_asprintf("%s %s", l->link.dev.name, t->name);
			struct bt_fact_tunnel *m;
			bool is_new;

			m = bt_facts_tunnel_make(f, key, &is_new);
			follow(m, t, is_new, now);
			if (newly_mute(m, t))
				bt_strings_put(mute, key);
			free(key);
		}
	}
}

/**
 * bt_facts_tried() - IKE of a tunnel is begun
 * @f: facts
 * @link: its link
 * @tunnel: its name
 * @now: bt_now_ms()
 */
void bt_facts_tried(struct bt_facts *f, const char *link, const char *tunnel, uint64_t now)
{
	char *key = bt_asprintf("%s %s", link, tunnel);
	struct bt_fact_tunnel *m;
	bool is_new;

	m = bt_facts_tunnel_make(f, key, &is_new);
	if (is_new)
		m->worked = now;
	m->tried = now;
	m->tries++;
	free(key);
}

/**
 * bt_facts_remembered() - what is remembered of a tunnel
 * @f: facts
 * @link: its link
 * @tunnel: its name
 *
 * Return: NULL if nothing is.
 */
const struct bt_fact_tunnel *bt_facts_remembered(const struct bt_facts *f, const char *link,
						 const char *tunnel)
{
	char *key = bt_asprintf("%s %s", link, tunnel);
	const struct bt_fact_tunnel *m = bt_facts_tunnel(f, key);

	free(key);
	return m;
}
