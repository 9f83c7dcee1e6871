// SPDX-License-Identifier: GPL-2.0
/* Kinds of values that only the configuration file has. */
#include "conf_types.h"

#include <errno.h>
#include <json-c/json.h>
#include <stdlib.h>
#include <string.h>

#include "yaml_tree.h"

/* --- durations */

static const struct {
	char suffix;
	uint32_t seconds;
} units[] = {
	{ 'd', 86400 }, { 'h', 3600 }, { 'm', 60 }, { 's', 1 },
};

static int parse_duration(const struct bt_field *f, const char *text, void *value,
			  struct bt_error *e)
{
	uint32_t max = f->max ? f->max : UINT32_MAX, unit = 1;
	char *number = bt_strdup(text);
	size_t len = strlen(number), i;
	uint64_t n = 0;
	bool ok;

	for (i = 0; i < BT_ARRAY_SIZE(units); i++) {
		if (len && number[len - 1] == units[i].suffix) {
			unit = units[i].seconds;
			number[len - 1] = '\0';
			break;
		}
	}
	ok = bt_parse_u64(number, UINT32_MAX, &n) && n * unit >= f->min && n * unit <= max;
	free(number);
	if (!ok)
		return bt_error_set(e, -EINVAL,
				    "\"%s\" is not a time from %us to %us (write 30s, 5m, 8h or 1d)",
				    text, f->min, max);
	*(uint32_t *)value = (uint32_t)n * unit;
	return 0;
}

static void text_duration(const struct bt_field *f, const void *value, struct bt_buf *out)
{
	uint32_t seconds = *(const uint32_t *)value;
	size_t i;

	for (i = 0; i < BT_ARRAY_SIZE(units) - 1; i++)
		if (seconds && seconds % units[i].seconds == 0)
			break;
	bt_buf_printf(out, "%u%c", seconds / units[i].seconds, units[i].suffix);
}

static struct json_object *json_duration(const struct bt_field *f, const void *value)
{
	return json_object_new_int64(*(const uint32_t *)value);
}

const struct bt_type bt_type_duration = {
	.words = 1,
	.size = sizeof(uint32_t),
	.parse = parse_duration,
	.text = text_duration,
	.json = json_duration,
};

/* --- strings */

static void copy_string(const struct bt_field *f, void *to, const void *from)
{
	*(char **)to = bt_strdup(*(char *const *)from);
}

static bool equal_string(const struct bt_field *f, const void *want, const void *have)
{
	return !strcmp(*(char *const *)want, *(char *const *)have);
}

static void free_string(const struct bt_field *f, void *value)
{
	free(*(char **)value);
	*(char **)value = NULL;
}

static int parse_text(const struct bt_field *f, const char *text, void *value, struct bt_error *e)
{
	if (!*text)
		return bt_error_set(e, -EINVAL, "a word is missing");
	free(*(char **)value);
	*(char **)value = bt_strdup(text);
	return 0;
}

static int parse_path(const struct bt_field *f, const char *text, void *value, struct bt_error *e)
{
	if (text[0] != '/')
		/* Not what it is: somebody may have written the secret there. */
		return bt_error_set(e, -EINVAL, "not an absolute path, which begins with /");
	return parse_text(f, text, value, e);
}

static void text_text(const struct bt_field *f, const void *value, struct bt_buf *out)
{
	bt_buf_puts(out, *(char *const *)value);
}

#define TEXT(_parse) {			\
	.words = 1,			\
	.size = sizeof(char *),		\
	.parse = _parse,		\
	.text = text_text,		\
	.equal = equal_string,		\
	.copy = copy_string,		\
	.free = free_string,		\
}

const struct bt_type bt_type_text = TEXT(parse_text);
const struct bt_type bt_type_path = TEXT(parse_path);

static int parse_strings(const struct bt_field *f, const char *text, void *value,
			 struct bt_error *e)
{
	struct bt_strings *s = value;

	if (!*text)
		return bt_error_set(e, -EINVAL, "an empty word");
	*bt_array_add(s) = bt_strdup(text);
	return 0;
}

static void text_strings(const struct bt_field *f, const void *value, struct bt_buf *out)
{
	const struct bt_strings *s = value;
	size_t i;

	for (i = 0; i < s->n; i++)
		bt_buf_printf(out, "%s%s", i ? " " : "", s->v[i]);
}

static struct json_object *json_strings(const struct bt_field *f, const void *value)
{
	struct json_object *array = json_object_new_array();
	const struct bt_strings *s = value;
	size_t i;

	for (i = 0; i < s->n; i++)
		json_object_array_add(array, json_object_new_string(s->v[i]));
	return array;
}

static bool equal_strings(const struct bt_field *f, const void *want, const void *have)
{
	const struct bt_strings *a = want, *b = have;
	size_t i;

	for (i = 0; i < a->n && i < b->n && !strcmp(a->v[i], b->v[i]); i++)
		;
	return i == a->n && i == b->n;
}

static void copy_strings(const struct bt_field *f, void *to, const void *from)
{
	const struct bt_strings *old = from;
	struct bt_strings new = {};
	size_t i;

	for (i = 0; i < old->n; i++)
		*bt_array_add(&new) = bt_strdup(old->v[i]);
	*(struct bt_strings *)to = new;
}

static void free_strings(const struct bt_field *f, void *value)
{
	struct bt_strings *s = value;
	size_t i;

	for (i = 0; i < s->n; i++)
		free(s->v[i]);
	free(s->v);
	*s = (struct bt_strings){};
}

const struct bt_type bt_type_strings = {
	.words = 1,
	.size = sizeof(struct bt_strings),
	.parse = parse_strings,
	.text = text_strings,
	.json = json_strings,
	.equal = equal_strings,
	.copy = copy_strings,
	.free = free_strings,
};

/* --- words with values */

/**
 * bt_map_add() - add an entry
 * @map: where to
 * @key: copied
 * @value: copied
 */
void bt_map_add(struct bt_map *map, const char *key, const char *value)
{
	*bt_array_add(map) = (struct bt_pair){ bt_strdup(key), bt_strdup(value) };
}

static void text_map(const struct bt_field *f, const void *value, struct bt_buf *out)
{
	const struct bt_map *map = value;
	size_t i;

	for (i = 0; i < map->n; i++)
		bt_buf_printf(out, "%s%s=%s", i ? " " : "", map->v[i].key, map->v[i].value);
}

static struct json_object *json_map(const struct bt_field *f, const void *value)
{
	struct json_object *object = json_object_new_object();
	const struct bt_map *map = value;
	size_t i;

	for (i = 0; i < map->n; i++)
		json_object_object_add(object, map->v[i].key,
				       json_object_new_string(map->v[i].value));
	return object;
}

static bool equal_map(const struct bt_field *f, const void *want, const void *have)
{
	const struct bt_map *a = want, *b = have;
	size_t i;

	for (i = 0; i < a->n && i < b->n; i++)
		if (strcmp(a->v[i].key, b->v[i].key) != 0 ||
		    strcmp(a->v[i].value, b->v[i].value) != 0)
			break;
	return i == a->n && i == b->n;
}

static void copy_map(const struct bt_field *f, void *to, const void *from)
{
	const struct bt_map *old = from;
	struct bt_map new = {};
	size_t i;

	for (i = 0; i < old->n; i++)
		bt_map_add(&new, old->v[i].key, old->v[i].value);
	*(struct bt_map *)to = new;
}

static void free_map(const struct bt_field *f, void *value)
{
	struct bt_map *map = value;
	size_t i;

	for (i = 0; i < map->n; i++) {
		free(map->v[i].key);
		free(map->v[i].value);
	}
	free(map->v);
	*map = (struct bt_map){};
}

const struct bt_type bt_type_map = {
	.size = sizeof(struct bt_map),
	.text = text_map,
	.json = json_map,
	.equal = equal_map,
	.copy = copy_map,
	.free = free_map,
};

/* --- addresses */

static int parse_address(const struct bt_field *f, const char *text, void *value,
			 struct bt_error *e)
{
	struct bt_addr addr;

	if (!bt_addr_parse(text, &addr) || bt_addr_is_any(&addr))
		return bt_error_set(e, -EINVAL, "\"%s\" is not an address", text);
	*(struct bt_addr *)value = addr;
	return 0;
}

static void text_address(const struct bt_field *f, const void *value, struct bt_buf *out)
{
	char buf[BT_ADDR_STRLEN];

	bt_buf_puts(out, bt_addr_str(value, buf));
}

const struct bt_type bt_type_address = {
	.words = 1,
	.size = sizeof(struct bt_addr),
	.parse = parse_address,
	.text = text_address,
};

static int parse_ifaddr(const struct bt_field *f, const char *text, void *value,
			struct bt_error *e)
{
	struct bt_prefix p;

	if (!strchr(text, '/') || bt_ifaddr_parse(text, &p, NULL) || bt_addr_is_any(&p.addr))
		return bt_error_set(e, -EINVAL,
				    "\"%s\" is not an address with its prefix length, as 169.254.21.2/30",
				    text);
	*(struct bt_prefix *)value = p;
	return 0;
}

static void text_prefix(const struct bt_field *f, const void *value, struct bt_buf *out)
{
	char buf[BT_PREFIX_STRLEN];

	bt_buf_puts(out, bt_prefix_str(value, buf));
}

const struct bt_type bt_type_ifaddr = {
	.words = 1,
	.size = sizeof(struct bt_prefix),
	.parse = parse_ifaddr,
	.text = text_prefix,
};

static int parse_ifaddrs(const struct bt_field *f, const char *text, void *value,
			 struct bt_error *e)
{
	struct bt_prefixes *list = value;
	struct bt_prefix p;

	if (parse_ifaddr(f, text, &p, e))
		return -EINVAL;
	*bt_array_add(list) = p;
	return 0;
}

static int parse_prefixes(const struct bt_field *f, const char *text, void *value,
			  struct bt_error *e)
{
	struct bt_prefixes *list = value;
	struct bt_prefix p;

	if (bt_prefix_parse(text, &p, e))
		return -EINVAL;
	*bt_array_add(list) = p;
	return 0;
}

static void text_prefixes(const struct bt_field *f, const void *value, struct bt_buf *out)
{
	const struct bt_prefixes *list = value;
	size_t i;

	for (i = 0; i < list->n; i++) {
		bt_buf_puts(out, i ? " " : "");
		text_prefix(f, &list->v[i], out);
	}
}

static struct json_object *json_prefixes(const struct bt_field *f, const void *value)
{
	struct json_object *array = json_object_new_array();
	const struct bt_prefixes *list = value;
	char buf[BT_PREFIX_STRLEN];
	size_t i;

	for (i = 0; i < list->n; i++)
		json_object_array_add(array,
				      json_object_new_string(bt_prefix_str(&list->v[i], buf)));
	return array;
}

static bool equal_prefixes(const struct bt_field *f, const void *want, const void *have)
{
	const struct bt_prefixes *a = want, *b = have;
	size_t i;

	for (i = 0; i < a->n && i < b->n && !bt_prefix_cmp(&a->v[i], &b->v[i]); i++)
		;
	return i == a->n && i == b->n;
}

static void copy_prefixes(const struct bt_field *f, void *to, const void *from)
{
	const struct bt_prefixes *old = from;

	*(struct bt_prefixes *)to = (struct bt_prefixes){
		.v = bt_memdup(old->v, old->n * sizeof(*old->v)),
		.n = old->n,
	};
}

static void free_prefixes(const struct bt_field *f, void *value)
{
	struct bt_prefixes *list = value;

	free(list->v);
	*list = (struct bt_prefixes){};
}

#define PREFIXES(_parse) {			\
	.words = 1,				\
	.size = sizeof(struct bt_prefixes),	\
	.parse = _parse,			\
	.text = text_prefixes,			\
	.json = json_prefixes,			\
	.equal = equal_prefixes,		\
	.copy = copy_prefixes,			\
	.free = free_prefixes,			\
}

const struct bt_type bt_type_prefixes = PREFIXES(parse_prefixes);
const struct bt_type bt_type_ifaddrs = PREFIXES(parse_ifaddrs);

/* --- places in the file */

const struct bt_type bt_type_node = {
	.size = sizeof(const struct bt_yaml *),
};

/**
 * bt_type_is_sequence() - is a value of this type made of many words?
 * @type: type
 */
bool bt_type_is_sequence(const struct bt_type *type)
{
	return type == &bt_type_strings || type == &bt_type_prefixes || type == &bt_type_ifaddrs;
}
