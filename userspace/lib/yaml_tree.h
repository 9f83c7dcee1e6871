/* SPDX-License-Identifier: GPL-2.0 */
#ifndef BT_YAML_TREE_H
#define BT_YAML_TREE_H

#include <stdbool.h>
#include <stddef.h>

#include "error.h"

/* What a file may have, so that a hostile one is refused early. */
#define BT_YAML_MAX_BYTES	(1024 * 1024)
#define BT_YAML_MAX_DEPTH	16
#define BT_YAML_MAX_NODES	200000
#define BT_YAML_MAX_KEYS	256

enum bt_yaml_kind {
	BT_YAML_SCALAR,
	BT_YAML_SEQUENCE,
	BT_YAML_MAPPING,
};

/**
 * struct bt_yaml - a node of a document
 * @kind: what it is
 * @line: where it begins, from 1
 * @column: likewise
 * @text: of a scalar, and nothing in it is a zero byte
 * @quoted: a scalar in quotes: it is text even if it looks like something else
 * @key: if it is the value of a mapping's entry: the entry's key
 * @child: of a sequence its elements, of a mapping its values; in order
 * @n: how many
 */
struct bt_yaml {
	enum bt_yaml_kind kind;
	unsigned int line;
	unsigned int column;
	char *text;
	bool quoted;
	char *key;
	struct bt_yaml **child;
	size_t n;
};

struct bt_yaml *bt_yaml_parse(const char *name, const char *text, size_t len, struct bt_error *e);
void bt_yaml_free(struct bt_yaml *node);
const struct bt_yaml *bt_yaml_get(const struct bt_yaml *mapping, const char *key);
bool bt_yaml_is_null(const struct bt_yaml *node);
int bt_yaml_error(struct bt_error *e, const char *name, const struct bt_yaml *node,
		  const char *fmt, ...) __attribute__((format(printf, 4, 5)));

#endif /* BT_YAML_TREE_H */
