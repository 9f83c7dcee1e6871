// SPDX-License-Identifier: GPL-2.0
/*
 * PURE: SAs by which nothing is answered, though another one of their tunnel works. The
 * module tells of each by an event; of one that goes with its tunnel, its link or the module
 * itself it tells nothing.
 */
#include <string.h>

#include "conf_types.h"
#include "config.h"
#include "facts.h"
#include "util.h"

/**
 * bt_facts_is_suspect() - is an SA one that only we have?
 * @f: facts
 * @if_id: of its tunnel
 * @spi: that we send by
 *
 * Return: NULL if not.
 */
const struct bt_fact_suspect *bt_facts_is_suspect(const struct bt_facts *f, uint32_t if_id,
						  uint32_t spi)
{
	size_t i;

	for (i = 0; i < f->suspects.n; i++)
		if (f->suspects.v[i].if_id == if_id && f->suspects.v[i].spi == spi)
			return &f->suspects.v[i];
	return NULL;
}

static void forget(struct bt_facts *f, size_t index)
{
	struct bt_fact_suspect *v = f->suspects.v;

	memmove(&v[index], &v[index + 1], (--f->suspects.n - index) * sizeof(*v));
}

/**
 * bt_facts_suspect() - what the module says of an SA
 * @f: facts
 * @if_id: of its tunnel
 * @spi: that we send by
 * @suspect: nothing is answered; or not
 * @now: bt_now_ms()
 */
void bt_facts_suspect(struct bt_facts *f, uint32_t if_id, uint32_t spi, bool suspect,
		      uint64_t now)
{
	const struct bt_fact_suspect *have = bt_facts_is_suspect(f, if_id, spi);

	if (have && !suspect)
		forget(f, (size_t)(have - f->suspects.v));
	if (have || !suspect)
		return;
	if (f->suspects.n == BT_FACT_SUSPECTS)
		forget(f, 0);
	*bt_array_add(&f->suspects) = (struct bt_fact_suspect){ if_id, spi, now };
}

static bool has_child(const struct bt_fact_ikes *ikes, uint32_t spi)
{
	size_t i, j;

	for (i = 0; i < ikes->n; i++)
		for (j = 0; j < ikes->v[i].sas.n; j++)
			if (ikes->v[i].sas.v[j].spi_out == spi)
				return true;
	return false;
}

/**
 * bt_facts_forget_suspects() - forget SAs that charon does not have any more
 * @f: facts, with a new list of IKE SAs
 * @now: bt_now_ms()
 *
 * Not by the module's word that an SA is gone, as that comes before the list without it:
 * the SA would look as good as the others for a moment.
 */
void bt_facts_forget_suspects(struct bt_facts *f, uint64_t now)
{
	size_t i;

	for (i = f->suspects.n; i--;)
		if (now >= f->suspects.v[i].since + BT_FACT_SUSPECT_MS &&
		    !has_child(&f->ikes, f->suspects.v[i].spi))
			forget(f, i);
}

static const struct bt_tunnel *tunnel_of(const struct bt_fact_link *l, uint32_t id)
{
	size_t i;

	for (i = 0; i < l->tunnels.n; i++)
		if (l->tunnels.v[i].id == id)
			return &l->tunnels.v[i];
	return NULL;
}

static bool has_if_id(const struct bt_fact_link *l, uint32_t if_id)
{
	size_t i;

	for (i = 0; i < l->tunnels.n; i++)
		if (l->tunnels.v[i].if_id == if_id)
			return true;
	return false;
}

/**
 * bt_facts_forget_orphans() - forget SAs of tunnels that are there no more
 * @f: facts, with all links and tunnels
 */
void bt_facts_forget_orphans(struct bt_facts *f)
{
	size_t i, j;

	for (i = f->suspects.n; i--;) {
		for (j = 0; j < f->links.n; j++)
			if (has_if_id(&f->links.v[j], f->suspects.v[i].if_id))
				break;
		if (j == f->links.n)
			forget(f, i);
	}
}

/**
 * bt_facts_link_sa() - what the module says of an SA of a link
 * @f: facts
 * @l: link
 * @sa: SA, of either direction
 * @now: bt_now_ms()
 * @found: told if it is suspect, and was not
 * @arg: passed to it
 */
void bt_facts_link_sa(struct bt_facts *f, const struct bt_fact_link *l, const struct bt_sa *sa,
		      uint64_t now, bt_suspect_fn found, void *arg)
{
	const struct bt_tunnel *t = tunnel_of(l, sa->tunnel);

	if (sa->dir != BOWTIE_SA_OUT || !t)
		return;
	if (sa->suspect && !bt_facts_is_suspect(f, t->if_id, sa->spi))
		found(l, sa, arg);
	/* One that is all there is, is no duplicate. */
	bt_facts_suspect(f, t->if_id, sa->spi, sa->suspect && !sa->current, now);
}

static bool has_sa(const struct bt_fact_link *l, const struct bt_sas *sas,
		   const struct bt_fact_suspect *s)
{
	const struct bt_tunnel *t;
	size_t i;

	for (i = 0; i < sas->n; i++) {
		if (sas->v[i].spi != s->spi || sas->v[i].dir != BOWTIE_SA_OUT)
			continue;
		t = tunnel_of(l, sas->v[i].tunnel);
		if (t && t->if_id == s->if_id)
			return true;
	}
	return false;
}

/**
 * bt_facts_link_suspects() - take what the module has, whatever was known
 * @f: facts
 * @l: link, with its tunnels
 * @sas: all SAs of it
 * @now: bt_now_ms()
 * @found: told of each that is suspect, and was not
 * @arg: passed to it
 *
 * One that the module does not have stays for a while if charon had it when it told last:
 * see bt_facts_forget_suspects().
 */
void bt_facts_link_suspects(struct bt_facts *f, const struct bt_fact_link *l,
			    const struct bt_sas *sas, uint64_t now, bt_suspect_fn found,
			    void *arg)
{
	size_t i;

	for (i = f->suspects.n; i--;) {
		const struct bt_fact_suspect *s = &f->suspects.v[i];

		if (has_if_id(l, s->if_id) && !has_sa(l, sas, s) &&
		    (now >= s->since + BT_FACT_SUSPECT_MS || !has_child(&f->ikes, s->spi)))
			forget(f, i);
	}
	for (i = 0; i < sas->n; i++)
		bt_facts_link_sa(f, l, &sas->v[i], now, found, arg);
}

/* Is it bowtied that looks after the SAs? */
static bool ends_sas(const struct bt_config *config, const char *link, const char *tunnel)
{
	size_t i, j;

	for (i = 0; i < config->links.n; i++) {
		const struct bt_conf_link *l = &config->links.v[i];

		for (j = 0; !strcmp(l->name, link) && j < l->tunnels.n; j++)
			if (!strcmp(l->tunnels.v[j].kernel.name, tunnel))
				return l->tunnels.v[j].manage.ike;
	}
	return false;
}

/**
 * bt_suspect_text() - what becomes of an SA by which nothing is answered
 * @config: configuration
 * @link: name of the link
 * @tunnel: name of its tunnel
 * @current: it is used all the same
 *
 * Return: a sentence for the log.
 */
const char *bt_suspect_text(const struct bt_config *config, const char *link,
			    const char *tunnel, bool current)
{
	if (current)
		return "there is no other";
	return ends_sas(config, link, tunnel) ?
	       "another one is used, and this one will be ended" :
	       "another one is used; to end this one is up to whoever manages IKE";
}
