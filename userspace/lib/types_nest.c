// SPDX-License-Identifier: GPL-2.0
/* Values that are objects themselves, or lists of objects. */
#include <errno.h>
#include <json-c/json.h>
#include <netlink/attr.h>
#include <netlink/msg.h>
#include <stdlib.h>
#include <string.h>

#include "types.h"

static struct json_object *json_nested(const struct bt_field *f, const void *value)
{
	return bt_object_json(f->nested, value, ~0U);
}

static int get_nested(const struct bt_field *f, const struct bt_attrs *attrs, void *value)
{
	return bt_object_get_nest(f->nested, value, attrs->tb[f->attr]);
}

static void copy_nested(const struct bt_field *f, void *to, const void *from)
{
	bt_object_copy(f->nested, to, from);
}

static void free_nested(const struct bt_field *f, void *value)
{
	bt_object_free(f->nested, value);
}

const struct bt_type bt_type_nested = {
	.json = json_nested,
	.get = get_nested,
	.copy = copy_nested,
	.free = free_nested,
};

/*
 * A list is a struct { STRUCTURE *v; size_t n; } of any STRUCTURE, read and written
 * as bytes: the compiler may think that pointers of different types do not alias.
 */
struct list {
	char *v;
	size_t n;
};

static struct list list_read(const void *value)
{
	struct list list;

	memcpy(&list, value, sizeof(list));
	return list;
}

static void *element(const struct bt_field *f, const struct list *list, size_t i)
{
	return list->v + i * f->nested->size;
}

/**
 * bt_list_count() - elements of a list
 * @value: list
 */
size_t bt_list_count(const void *value)
{
	return list_read(value).n;
}

/**
 * bt_list_add() - one more element
 * @f: field that has the list
 * @value: list
 *
 * Return: the element, all zeros; elements that were there may have moved.
 */
void *bt_list_add(const struct bt_field *f, void *value)
{
	struct list list = list_read(value);

	list.v = bt_realloc(list.v, list.n + 1, f->nested->size);
	memset(element(f, &list, list.n++), 0, f->nested->size);
	memcpy(value, &list, sizeof(list));
	return element(f, &list, list.n - 1);
}

static void free_list(const struct bt_field *f, void *value)
{
	struct list list = list_read(value);
	size_t i;

	for (i = 0; i < list.n; i++)
		bt_object_free(f->nested, element(f, &list, i));
	free(list.v);
	memset(value, 0, sizeof(list));
}

static void copy_list(const struct bt_field *f, void *to, const void *from)
{
	struct list old = list_read(from), new = { .n = old.n };
	size_t i;

	if (old.n)
		new.v = bt_realloc(NULL, old.n, f->nested->size);
	for (i = 0; i < old.n; i++)
		bt_object_copy(f->nested, element(f, &new, i), element(f, &old, i));
	memcpy(to, &new, sizeof(new));
}

static bool equal_list(const struct bt_field *f, const void *want, const void *have)
{
	struct list a = list_read(want), b = list_read(have);
	size_t i;

	if (a.n != b.n)
		return false;
	for (i = 0; i < a.n; i++)
		if (bt_object_diff(f->nested, element(f, &a, i), element(f, &b, i), NULL) ||
		    bt_object_diff(f->nested, element(f, &b, i), element(f, &a, i), NULL))
			return false;
	return true;
}

/* An element is as many words as it has fields. */
static int parse_element(const struct bt_field *f, char *words, void *obj, struct bt_error *e)
{
	const struct bt_field *sub = f->nested->fields;
	char *save = NULL, *word;
	unsigned int n = 0;
	int err;

	for (word = strtok_r(words, " \t", &save); word; word = strtok_r(NULL, " \t", &save)) {
		if (n == f->type->words)
			return bt_error_set(e, -EINVAL, "\"%s\" is one too many", word);
		err = bt_object_parse(f->nested, obj, bt_field_word(sub), word, e);
		if (err)
			return err;
		sub++;
		n++;
	}
	if (n < f->type->words)
		return bt_error_set(e, -EINVAL, "%s is missing", bt_field_word(sub));
	return 0;
}

static int parse_list(const struct bt_field *f, const char *text, void *value,
		      struct bt_error *e)
{
	char *words, *obj;
	int err;

	if (!strcmp(text, "none")) {
		free_list(f, value);
		return 0;
	}
	if (f->max && bt_list_count(value) == f->max)
		return bt_error_set(e, -EINVAL, "there may be %u at most", f->max);
	words = bt_strdup(text);
	obj = bt_alloc(f->nested->size);
	err = parse_element(f, words, obj, e);
	if (err)
		bt_object_free(f->nested, obj);
	else
		memcpy(bt_list_add(f, value), obj, f->nested->size);
	free(obj);
	free(words);
	return err;
}

/* What follows the field's word, so that the whole can be read again. */
static void text_list(const struct bt_field *f, const void *value, struct bt_buf *out)
{
	struct list list = list_read(value);
	const struct bt_field *sub;
	size_t i;

	if (!list.n)
		bt_buf_puts(out, "none");
	for (i = 0; i < list.n; i++) {
		if (i)
			bt_buf_printf(out, " %s ", bt_field_word(f));
		bt_for_each_field(sub, f->nested) {
			bt_buf_puts(out, sub == f->nested->fields ? "" : " ");
			bt_field_text(sub, element(f, &list, i), out);
		}
	}
}

static struct json_object *json_list(const struct bt_field *f, const void *value)
{
	struct json_object *array = json_object_new_array();
	struct list list = list_read(value);
	size_t i;

	for (i = 0; i < list.n; i++)
		json_object_array_add(array, bt_object_json(f->nested, element(f, &list, i), ~0U));
	return array;
}

static int put_elements(const struct bt_field *f, const struct list *list, struct nl_msg *msg)
{
	size_t i;
	int err;

	for (i = 0; i < list->n; i++) {
		err = bt_object_put_nest(f->nested, element(f, list, i), msg,
					 f->item ? f->item : f->attr);
		if (err)
			return err;
	}
	return 0;
}

static int put_list(const struct bt_field *f, const void *value, struct nl_msg *msg)
{
	struct list list = list_read(value);
	struct nlattr *nest;
	int err;

	if (!f->item)
		return put_elements(f, &list, msg);
	nest = nla_nest_start(msg, NLA_F_NESTED | (int)f->attr);
	if (!nest)
		return -EMSGSIZE;
	err = put_elements(f, &list, msg);
	/* An empty list says something, too. */
	if (!err)
		nla_nest_end_keep_empty(msg, nest);
	return err;
}

static int get_list(const struct bt_field *f, const struct bt_attrs *attrs, void *value)
{
	struct nlattr *attr = attrs->head;
	int kind = (int)f->attr, rem = attrs->len, err;

	free_list(f, value);
	if (f->item) {
		kind = (int)f->item;
		attr = nla_data(attrs->tb[f->attr]);
		rem = nla_len(attrs->tb[f->attr]);
	}
	for (; nla_ok(attr, rem); attr = nla_next(attr, &rem)) {
		if (nla_type(attr) != kind)
			continue;
		err = bt_object_get_nest(f->nested, bt_list_add(f, value), attr);
		if (err)
			return err;
	}
	return 0;
}

const struct bt_type bt_type_list = {
	.words = 2,
	.size = sizeof(struct list),
	.parse = parse_list,
	.text = text_list,
	.json = json_list,
	.put = put_list,
	.get = get_list,
	.equal = equal_list,
	.copy = copy_list,
	.free = free_list,
};
