// SPDX-License-Identifier: GPL-2.0
/*
 * YAML to a tree that knows where each node stood. libyaml reads; what it would
 * make large out of little (aliases) or ambiguous (duplicate keys, several
 * documents) is refused here.
 */
#include "yaml_tree.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <yaml.h>

#include "util.h"

struct reader {
	yaml_parser_t parser;
	const char *name;
	struct bt_error *e;
	size_t nodes;
};

static int fail_at(struct reader *r, yaml_mark_t mark, const char *text)
{
	return bt_error_set(r->e, -EINVAL, "%s:%zu:%zu: %s", r->name, mark.line + 1,
			    mark.column + 1, text);
}

/**
 * bt_yaml_error() - say what is wrong with a node
 * @e: where to
 * @name: of the file
 * @node: at fault
 * @fmt: as printf()
 *
 * Return: -EINVAL.
 */
int bt_yaml_error(struct bt_error *e, const char *name, const struct bt_yaml *node,
		  const char *fmt, ...)
{
	struct bt_buf b = {};
	va_list ap;

	va_start(ap, fmt);
	bt_buf_vprintf(&b, fmt, ap);
	va_end(ap);
	bt_error_set(e, -EINVAL, "%s:%u:%u: %s", name, node->line, node->column, b.data);
	bt_buf_free(&b);
	return -EINVAL;
}

/**
 * bt_yaml_free() - free a tree
 * @node: its root, or NULL
 */
void bt_yaml_free(struct bt_yaml *node)
{
	size_t i;

	if (!node)
		return;
	for (i = 0; i < node->n; i++)
		bt_yaml_free(node->child[i]);
	free(node->child);
	free(node->text);
	free(node->key);
	free(node);
}

/**
 * bt_yaml_get() - value of an entry
 * @mapping: a mapping
 * @key: its key
 *
 * Return: the value, or NULL.
 */
const struct bt_yaml *bt_yaml_get(const struct bt_yaml *mapping, const char *key)
{
	size_t i;

	for (i = 0; mapping->kind == BT_YAML_MAPPING && i < mapping->n; i++)
		if (!strcmp(mapping->child[i]->key, key))
			return mapping->child[i];
	return NULL;
}

/**
 * bt_yaml_is_null() - is there nothing behind the key?
 * @node: value
 */
bool bt_yaml_is_null(const struct bt_yaml *node)
{
	return node->kind == BT_YAML_SCALAR && !node->quoted &&
	       (!*node->text || !strcmp(node->text, "~") || !strcmp(node->text, "null"));
}

static int next_event(struct reader *r, yaml_event_t *event)
{
	const yaml_parser_t *p = &r->parser;

	if (yaml_parser_parse(&r->parser, event))
		return 0;
	/* Errors of the character encoding have an offset only. */
	return bt_error_set(r->e, -EINVAL, "%s:%zu:%zu: %s", r->name, p->problem_mark.line + 1,
			    p->problem_mark.column + 1, p->problem ? p->problem : "not YAML");
}

static struct bt_yaml *node_new(struct reader *r, const yaml_event_t *event,
				enum bt_yaml_kind kind)
{
	struct bt_yaml *node;

	if (++r->nodes > BT_YAML_MAX_NODES) {
		fail_at(r, event->start_mark, "too many values");
		return NULL;
	}
	node = bt_alloc(sizeof(*node));
	node->kind = kind;
	node->line = event->start_mark.line + 1;
	node->column = event->start_mark.column + 1;
	return node;
}

static void add_child(struct bt_yaml *node, struct bt_yaml *child)
{
	/* Doubling: sequences may be long. */
	if (!(node->n & (node->n - 1)))
		node->child = bt_realloc(node->child, node->n ? 2 * node->n : 1,
					 sizeof(*node->child));
	node->child[node->n++] = child;
}

static struct bt_yaml *read_scalar(struct reader *r, const yaml_event_t *event)
{
	const char *text = (const char *)event->data.scalar.value;
	struct bt_yaml *node;

	if (strlen(text) != event->data.scalar.length) {
		fail_at(r, event->start_mark, "a zero byte in a value");
		return NULL;
	}
	node = node_new(r, event, BT_YAML_SCALAR);
	if (node) {
		node->text = bt_strdup(text);
		node->quoted = event->data.scalar.style != YAML_PLAIN_SCALAR_STYLE;
	}
	return node;
}

static struct bt_yaml *read_node(struct reader *r, const yaml_event_t *event, unsigned int depth);

static int read_sequence(struct reader *r, struct bt_yaml *node, unsigned int depth)
{
	struct bt_yaml *child;
	yaml_event_t event;

	for (;;) {
		if (next_event(r, &event))
			return -EINVAL;
		if (event.type == YAML_SEQUENCE_END_EVENT)
			break;
		child = read_node(r, &event, depth);
		yaml_event_delete(&event);
		if (!child)
			return -EINVAL;
		add_child(node, child);
	}
	yaml_event_delete(&event);
	return 0;
}

static char *read_key(struct reader *r, const struct bt_yaml *mapping, const yaml_event_t *event)
{
	const char *text;

	if (event->type != YAML_SCALAR_EVENT) {
		fail_at(r, event->start_mark, "a key must be a word");
		return NULL;
	}
	text = (const char *)event->data.scalar.value;
	if (!strcmp(text, "<<")) {
		fail_at(r, event->start_mark, "merging of mappings (<<) is not supported");
		return NULL;
	}
	if (mapping->n >= BT_YAML_MAX_KEYS) {
		fail_at(r, event->start_mark, "too many keys in a mapping");
		return NULL;
	}
	if (bt_yaml_get(mapping, text)) {
		fail_at(r, event->start_mark, "this key was given before");
		return NULL;
	}
	return bt_strdup(text);
}

static int read_mapping(struct reader *r, struct bt_yaml *node, unsigned int depth)
{
	struct bt_yaml *child;
	yaml_event_t event;
	char *key;

	for (;;) {
		if (next_event(r, &event))
			return -EINVAL;
		if (event.type == YAML_MAPPING_END_EVENT)
			break;
		key = read_key(r, node, &event);
		yaml_event_delete(&event);
		if (!key)
			return -EINVAL;
		if (next_event(r, &event)) {
			free(key);
			return -EINVAL;
		}
		child = read_node(r, &event, depth);
		yaml_event_delete(&event);
		if (!child) {
			free(key);
			return -EINVAL;
		}
		child->key = key;
		add_child(node, child);
	}
	yaml_event_delete(&event);
	return 0;
}

static struct bt_yaml *read_node(struct reader *r, const yaml_event_t *event, unsigned int depth)
{
	struct bt_yaml *node;
	int err;

	if (depth >= BT_YAML_MAX_DEPTH) {
		fail_at(r, event->start_mark, "nested too deep");
		return NULL;
	}
	switch (event->type) {
	case YAML_SCALAR_EVENT:
		return read_scalar(r, event);
	case YAML_SEQUENCE_START_EVENT:
		node = node_new(r, event, BT_YAML_SEQUENCE);
		err = node ? read_sequence(r, node, depth + 1) : -EINVAL;
		break;
	case YAML_MAPPING_START_EVENT:
		node = node_new(r, event, BT_YAML_MAPPING);
		err = node ? read_mapping(r, node, depth + 1) : -EINVAL;
		break;
	case YAML_ALIAS_EVENT:
		fail_at(r, event->start_mark, "aliases (*) are not supported");
		return NULL;
	default:
		fail_at(r, event->start_mark, "a value is missing");
		return NULL;
	}
	if (err) {
		bt_yaml_free(node);
		return NULL;
	}
	return node;
}

/* STREAM-START, DOCUMENT-START, a node, DOCUMENT-END, STREAM-END and no more. */
static struct bt_yaml *read_document(struct reader *r)
{
	struct bt_yaml *root = NULL;
	yaml_event_t event;
	bool done = false;

	while (!done) {
		if (next_event(r, &event))
			goto fail;
		switch (event.type) {
		case YAML_STREAM_START_EVENT:
		case YAML_DOCUMENT_END_EVENT:
			break;
		case YAML_DOCUMENT_START_EVENT:
			if (root) {
				fail_at(r, event.start_mark, "a second document (---)");
				yaml_event_delete(&event);
				goto fail;
			}
			break;
		case YAML_STREAM_END_EVENT:
			done = true;
			break;
		default:
			root = read_node(r, &event, 0);
			if (!root) {
				yaml_event_delete(&event);
				goto fail;
			}
		}
		yaml_event_delete(&event);
	}
	if (!root)
		bt_error_set(r->e, -EINVAL, "%s:1:1: the file is empty", r->name);
	return root;

fail:
	bt_yaml_free(root);
	return NULL;
}

/**
 * bt_yaml_parse() - read a document
 * @name: of the file, for messages
 * @text: its content
 * @len: in bytes
 * @e: on failure says "name:line:column: what"
 *
 * Return: the root for the caller to bt_yaml_free(), or NULL.
 */
struct bt_yaml *bt_yaml_parse(const char *name, const char *text, size_t len, struct bt_error *e)
{
	struct reader r = { .name = name, .e = e };
	struct bt_yaml *root;

	if (len > BT_YAML_MAX_BYTES) {
		bt_error_set(e, -EFBIG, "%s:1:1: the file is too large", name);
		return NULL;
	}
	if (!yaml_parser_initialize(&r.parser)) {
		bt_error_set(e, -ENOMEM, "out of memory");
		return NULL;
	}
	yaml_parser_set_input_string(&r.parser, (const unsigned char *)text, len);
	root = read_document(&r);
	yaml_parser_delete(&r.parser);
	return root;
}
