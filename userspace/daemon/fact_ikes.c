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
