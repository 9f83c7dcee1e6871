// SPDX-License-Identifier: GPL-2.0
/* PURE: IKE SAs, and what becomes of each from one look at charon's list to the next. */
#include <stdlib.h>
#include <string.h>

#include "facts.h"

/**
 * bt_fact_ikes_clear() - empty a list of IKE SAs
 * @ikes: list
 */
void bt_fact_ikes_clear(struct bt_fact_ikes *ikes)
{
	size_t i;

	for (i = 0; i < ikes->n; i++) {
		free(ikes->v[i].name);
		free(ikes->v[i].sas.v);
	}
	free(ikes->v);
	*ikes = (struct bt_fact_ikes){};
}

static int in_order(const void *a, const void *b)
{
	const struct bt_fact_ike *x = a, *y = b;
	int order = strcmp(x->name, y->name);

	return order ? order : x->id < y->id ? -1 : x->id > y->id;
}

/**
 * bt_fact_ikes_sort() - bring a list of IKE SAs into order
 * @ikes: list
 */
void bt_fact_ikes_sort(struct bt_fact_ikes *ikes)
{
	if (ikes->n)
		qsort(ikes->v, ikes->n, sizeof(*ikes->v), in_order);
}

static int has_name(const void *name, const void *v)
{
	const struct bt_fact_ike *ike = v;

	return strcmp(name, ike->name);
}

/**
 * bt_fact_ikes_first() - find the IKE SAs of a connection
 * @ikes: list in order
 * @name: of the connection
 *
 * Return: the first one, which the others follow, or NULL.
 */
const struct bt_fact_ike *bt_fact_ikes_first(const struct bt_fact_ikes *ikes, const char *name)
{
	const struct bt_fact_ike *ike = NULL;

	if (ikes->n)
		ike = bsearch(name, ikes->v, ikes->n, sizeof(*ikes->v), has_name);
	while (ike && ike > ikes->v && !strcmp(ike[-1].name, name))
		ike--;
	return ike;
}

/**
 * bt_fact_ikes_follow() - what can only be told from one list and the one before
 * @ikes: list in order; @begun, @since and @received of each are set
 * @before: the list before, likewise
 * @now: when the list was told, bt_now_ms()
 */
void bt_fact_ikes_follow(struct bt_fact_ikes *ikes, const struct bt_fact_ikes *before,
			 uint64_t now)
{
	const struct bt_fact_ike *old = before->v, *end = before->v + before->n;
	size_t i;

	for (i = 0; i < ikes->n; i++) {
		struct bt_fact_ike *ike = &ikes->v[i];

		while (old < end && in_order(old, ike) < 0)
			old++;
		ike->since = ike->established ? now : 0;
		ike->begun = now;
		if (old == end || in_order(old, ike) != 0)
			continue;
		ike->begun = old->begun;
		if (ike->established && old->since)
			ike->since = old->since;
		/* What it had received when it was first seen may be long ago. */
		ike->received = ike->packets > old->packets ? now : old->received;
	}
}

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
