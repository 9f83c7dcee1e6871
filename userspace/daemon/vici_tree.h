/* SPDX-License-Identifier: GPL-2.0 */
/* PURE: bytes in, structs out. */
#ifndef BT_VICI_TREE_H
#define BT_VICI_TREE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "vici_wire.h"

#define BT_VICI_MAX_NODES	65536

enum bt_vici_kind {
	BT_VICI_SECTION,
	BT_VICI_VALUE,
	BT_VICI_LIST,
	BT_VICI_ITEM,		/* of a list; without a name */
};

/**
 * struct bt_vici_node - a section, value, list or item of a list
 * @kind: which
 * @name: terminated; bytes as they came
 * @name_len: without the terminator
 * @value: terminated; bytes as they came; "" if it is none. See bt_vici_str()
 * @len: without the terminator
 * @child: first of what is in it, in the message's order
 * @next: one on the same level
 */
struct bt_vici_node {
	enum bt_vici_kind kind;
	const char *name;
	size_t name_len;
	const char *value;
	size_t len;
	const struct bt_vici_node *child;
	const struct bt_vici_node *next;
};

#define bt_vici_for_each(node, parent)	\
	for ((node) = (parent)->child; (node); (node) = (node)->next)

int bt_vici_tree_parse(const void *data, size_t len, struct bt_vici_node **root);
void bt_vici_tree_free(struct bt_vici_node *root);

const struct bt_vici_node *bt_vici_find(const struct bt_vici_node *root, ...)
	__attribute__((sentinel));
const char *bt_vici_str(const struct bt_vici_node *node);
const char *bt_vici_get_str(const struct bt_vici_node *section, const char *key);
bool bt_vici_get_u64(const struct bt_vici_node *section, const char *key, int base, uint64_t *out);
bool bt_vici_get_yes(const struct bt_vici_node *section, const char *key);
bool bt_vici_success(const struct bt_vici_node *reply, const char **errmsg);

#endif /* BT_VICI_TREE_H */
