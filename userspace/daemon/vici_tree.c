// SPDX-License-Identifier: GPL-2.0
/*
 * A vici message as a tree, for those who want to look things up.
 *
 * PURE: no sockets, no event loop. Its size is bounded by BT_VICI_MAX_NODES.
 */
#include "vici_tree.h"

#include <errno.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

/* One block holds the nodes, root first, and behind them all names and values. */
struct tree {
	struct bt_vici_node *nodes;
	size_t n;
	char *bytes;
	struct bt_vici_node *open[BT_VICI_MAX_DEPTH + 2];	/* root, sections, list */
	struct bt_vici_node *last[BT_VICI_MAX_DEPTH + 2];	/* child of each */
	unsigned int level;
};

static bool is_node(enum bt_vici_element type)
{
	return type != BT_VICI_SECTION_END && type != BT_VICI_LIST_END;
}

/* Returns how many nodes there will be, without the root, or a negative errno. */
static ssize_t measure(const void *data, size_t len, size_t *bytes)
{
	struct bt_vici_iter iter;
	struct bt_vici_item item;
	ssize_t n = 0;
	int ret;

	*bytes = 0;
	bt_vici_iter_init(&iter, data, len);
	while ((ret = bt_vici_iter_next(&iter, &item)) > 0) {
		if (!is_node(item.type))
			continue;
		if (++n > BT_VICI_MAX_NODES)
			return -E2BIG;
		*bytes += item.name_len + 1 + item.value_len + 1;
	}
	return ret ? ret : n;
}

static const char *store(struct tree *tree, const uint8_t *data, size_t len)
{
	char *copy = tree->bytes;

	if (len)
		memcpy(copy, data, len);
	copy[len] = '\0';
	tree->bytes += len + 1;
	return copy;
}

static void tree_add(struct tree *tree, const struct bt_vici_item *item)
{
	struct bt_vici_node *node = &tree->nodes[tree->n++];
	struct bt_vici_node *parent = tree->open[tree->level];
	struct bt_vici_node **last = &tree->last[tree->level];

	node->kind = item->type == BT_VICI_SECTION_START ? BT_VICI_SECTION :
		     item->type == BT_VICI_LIST_START ? BT_VICI_LIST :
		     item->type == BT_VICI_LIST_ITEM ? BT_VICI_ITEM : BT_VICI_VALUE;
	node->name = store(tree, item->name, item->name_len);
	node->name_len = item->name_len;
	node->value = store(tree, item->value, item->value_len);
	node->len = item->value_len;
	if (*last)
		(*last)->next = node;
	else
		parent->child = node;
	*last = node;
	if (node->kind == BT_VICI_SECTION || node->kind == BT_VICI_LIST) {
		tree->open[++tree->level] = node;
		tree->last[tree->level] = NULL;
	}
}

/**
 * bt_vici_tree_parse() - read a whole message
 * @data: message; not needed any more afterwards
 * @len: its size in bytes
 * @root: result: a section without a name; to be freed with bt_vici_tree_free(). NULL
 *	on failure
 *
 * Return: 0, -EBADMSG if it is no message, -E2BIG if it is too large.
 */
int bt_vici_tree_parse(const void *data, size_t len, struct bt_vici_node **root)
{
	struct bt_vici_iter iter;
	struct bt_vici_item item;
	struct tree tree = {};
	size_t bytes;
	ssize_t n;

	*root = NULL;
	if (len > BT_VICI_MAX_PACKET)
		return -E2BIG;
	n = measure(data, len, &bytes);
	if (n < 0)
		return n;
	tree.nodes = bt_alloc((n + 1) * sizeof(*tree.nodes) + bytes);
	tree.bytes = (char *)(tree.nodes + n + 1);
	tree.open[0] = &tree.nodes[tree.n++];
	tree.open[0]->name = "";
	tree.open[0]->value = "";
	bt_vici_iter_init(&iter, data, len);
	while (bt_vici_iter_next(&iter, &item) > 0) {
		if (is_node(item.type))
			tree_add(&tree, &item);
		else
			tree.level--;
	}
	*root = tree.nodes;
	return 0;
}

/**
 * bt_vici_tree_free() - free a tree
 * @root: its root or NULL
 */
void bt_vici_tree_free(struct bt_vici_node *root)
{
	free(root);
}

static const struct bt_vici_node *child_by_name(const struct bt_vici_node *parent, const char *name)
{
	size_t len = strlen(name);
	const struct bt_vici_node *node;

	bt_vici_for_each(node, parent)
		if (node->kind != BT_VICI_ITEM && node->name_len == len &&
		    !memcmp(node->name, name, len))
			return node;
	return NULL;
}

/**
 * bt_vici_find() - look up by path
 * @root: section to start from, or NULL; names follow, then NULL
 *
 * The names follow, then NULL: bt_vici_find(root, "aws-1", "child-sas", NULL). Names
 * come from configurations and may hold dots, hence no path in one string.
 * Return: the first that fits, or NULL.
 */
const struct bt_vici_node *bt_vici_find(const struct bt_vici_node *root, ...)
{
	const char *name;
	va_list ap;

	va_start(ap, root);
	while (root && (name = va_arg(ap, const char *)))
		root = child_by_name(root, name);
	va_end(ap);
	return root;
}

/**
 * bt_vici_str() - a value as a string
 * @node: value or item of a list, or NULL
 *
 * Return: the string, which lives as long as the tree, or NULL if it is no value or not
 * all printable ASCII: what charon says is shown to people and written to logs.
 */
const char *bt_vici_str(const struct bt_vici_node *node)
{
	size_t i;

	if (!node || (node->kind != BT_VICI_VALUE && node->kind != BT_VICI_ITEM))
		return NULL;
	for (i = 0; i < node->len; i++)
		if (node->value[i] < ' ' || node->value[i] > '~')
			return NULL;
	return node->value;
}

/**
 * bt_vici_get_str() - a key's value as a string
 * @section: section or NULL
 * @key: name of the value
 *
 * Return: as bt_vici_str(), also NULL if there is no such key.
 */
const char *bt_vici_get_str(const struct bt_vici_node *section, const char *key)
{
	return section ? bt_vici_str(child_by_name(section, key)) : NULL;
}

/**
 * bt_vici_get_u64() - a key's value as a number
 * @section: section or NULL
 * @key: name of the value
 * @base: 10, or 16 for SPIs and interface ids, which come without 0x
 * @out: result; left alone on failure
 *
 * Return: true if there is one, all digits and not too large.
 */
bool bt_vici_get_u64(const struct bt_vici_node *section, const char *key, int base, uint64_t *out)
{
	const char *digits = base == 16 ? "0123456789abcdefABCDEF" : "0123456789";
	const char *text = bt_vici_get_str(section, key);
	unsigned long long value;

	if (!text || !*text || text[strspn(text, digits)])
		return false;
	errno = 0;
	value = strtoull(text, NULL, base);
	if (errno)
		return false;
	*out = value;
	return true;
}

/**
 * bt_vici_get_yes() - is a key's value "yes"?
 * @section: section or NULL
 * @key: name of the value; charon leaves most out when they are not
 */
bool bt_vici_get_yes(const struct bt_vici_node *section, const char *key)
{
	const char *text = bt_vici_get_str(section, key);

	return text && !strcmp(text, "yes");
}

/**
 * bt_vici_success() - did a command succeed?
 * @reply: root of its reply
 * @errmsg: result if it did not: charon's words, never NULL; they live as long as @reply
 *
 * Commands that only list do not say so: they succeeded.
 */
bool bt_vici_success(const struct bt_vici_node *reply, const char **errmsg)
{
	const char *text;

	if (!bt_vici_find(reply, "success", NULL) || bt_vici_get_yes(reply, "success"))
		return true;
	text = bt_vici_get_str(reply, "errmsg");
	*errmsg = text ? text : "failed without a reason";
	return false;
}
