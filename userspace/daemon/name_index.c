// SPDX-License-Identifier: GPL-2.0
/*
 * PURE: things by their names, for one comparison: filled, sorted once, then asked. What is
 * compared at every change must not search lists from their beginning.
 */
#include "name_index.h"

#include <stdlib.h>
#include <string.h>

#include "util.h"

/**
 * bt_name_index_add() - one more thing
 * @index: index, to be sorted afterwards
 * @name: of it; not copied
 * @thing: what is found by it
 */
void bt_name_index_add(struct bt_name_index *index, const char *name, const void *thing)
{
	*bt_array_add(index) = (struct bt_name_entry){ name, thing };
}

static int by_name(const void *a, const void *b)
{
	const struct bt_name_entry *x = a, *y = b;

	return strcmp(x->name, y->name);
}

/**
 * bt_name_index_sort() - everything has been added
 * @index: index
 */
void bt_name_index_sort(struct bt_name_index *index)
{
	if (index->n)
		qsort(index->v, index->n, sizeof(*index->v), by_name);
}

/**
 * bt_name_index_find() - find a thing
 * @index: sorted index
 * @name: of it
 *
 * Return: the thing, or NULL.
 */
const void *bt_name_index_find(const struct bt_name_index *index, const char *name)
{
	const struct bt_name_entry key = { .name = name };
	const struct bt_name_entry *found = NULL;

	if (index->n)
		found = bsearch(&key, index->v, index->n, sizeof(key), by_name);
	return found ? found->thing : NULL;
}

/**
 * bt_name_index_free() - empty an index
 * @index: index; the things stay
 */
void bt_name_index_free(struct bt_name_index *index)
{
	free(index->v);
	*index = (struct bt_name_index){};
}
