/* SPDX-License-Identifier: GPL-2.0 */
/* PURE: things by their names. */
#ifndef BT_NAME_INDEX_H
#define BT_NAME_INDEX_H

#include <stddef.h>

/**
 * struct bt_name_index - things by their names
 * @v: sorted by bt_name_index_sort(); the names stay their owners'
 * @n: how many
 */
struct bt_name_index {
	struct bt_name_entry {
		const char *name;
		const void *thing;
	} *v;
	size_t n;
};

void bt_name_index_add(struct bt_name_index *index, const char *name, const void *thing);
void bt_name_index_sort(struct bt_name_index *index);
const void *bt_name_index_find(const struct bt_name_index *index, const char *name);
void bt_name_index_free(struct bt_name_index *index);

#endif /* BT_NAME_INDEX_H */
