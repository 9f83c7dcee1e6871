/* SPDX-License-Identifier: GPL-2.0 */
#ifndef BT_FIELDS_H
#define BT_FIELDS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "error.h"
#include "util.h"

struct bt_field;
struct bt_object;
struct bt_print;
struct json_object;
struct nl_msg;
struct nlattr;

#define BT_ATTR_MAX	63
#define BT_BIT(bit)	(UINT64_C(1) << (bit))

/**
 * struct bt_attrs - the attributes of a message or of a nest
 * @tb: the last one of each number
 * @head: all of them
 * @len: bytes of all of them
 */
struct bt_attrs {
	struct nlattr *tb[BT_ATTR_MAX + 1];
	struct nlattr *head;
	int len;
};

/**
 * struct bt_type - a kind of value and what can be done with it
 * @words: how many words of a command line make up a value
 * @size: of the value in memory
 * @parse: from text; on failure @e says which values there are. NULL: it cannot be given
 * @text: to text; what @parse reads, where there is a @parse
 * @json: to JSON; NULL: the text as a string
 * @put: into a netlink message. NULL: never sent
 * @get: out of netlink attributes. NULL: never received
 * @equal: does @have fulfil what @want asks for? NULL: if the bytes are the same
 * @copy: into memory that holds nothing yet. NULL: the bytes
 * @free: release what the value points to. NULL: it points to nothing
 *
 * Netlink functions return 0 or a negative errno.
 */
struct bt_type {
	unsigned int words;
	size_t size;
	int (*parse)(const struct bt_field *f, const char *text, void *value, struct bt_error *e);
	void (*text)(const struct bt_field *f, const void *value, struct bt_buf *out);
	struct json_object *(*json)(const struct bt_field *f, const void *value);
	int (*put)(const struct bt_field *f, const void *value, struct nl_msg *msg);
	int (*get)(const struct bt_field *f, const struct bt_attrs *attrs, void *value);
	bool (*equal)(const struct bt_field *f, const void *want, const void *have);
	void (*copy)(const struct bt_field *f, void *to, const void *from);
	void (*free)(const struct bt_field *f, void *value);
};

/**
 * struct bt_enum - names of the values 0, 1, 2 ...
 * @names: in order
 * @n: how many
 */
struct bt_enum {
	const char *const *names;
	size_t n;
};

/* What a field is for. */
#define BT_F_SET	0x01	/* can be set */
#define BT_F_KEY	0x02	/* tells which object is meant; no part of a difference */
#define BT_F_OPTIONAL	0x04	/* text leaves it out while it has its default */
#define BT_F_DETAIL	0x08	/* text shows it on request only */
#define BT_F_STATS	0x10	/* shown with statistics only */
#define BT_F_HEAD	0x20	/* text has it elsewhere, in the head of the object */
#define BT_F_UNSET	0x40	/* the kernel leaves it out while it is zero */
#define BT_F_RTNL	0x80	/* set by rtnetlink, no attribute of ours */

/**
 * struct bt_field - one field of an object
 * @name: as in the specification; JSON has "_" for "-"
 * @word: what a user writes, if that is something else; fields of different
 *	families may share one
 * @type: kind of value
 * @offset: where the value is in the object's structure
 * @bit: of the structure's set
 * @attr: netlink attribute, or 0
 * @flags: BT_F_*
 * @line: of the text that describes the object, counted from 0
 * @min: least number
 * @max: largest number, or 0 if there is no bound; longest text
 * @def: number that the kernel takes if none is given
 * @names: of an enum
 * @nested: what a nest or a list has in it
 * @item: attribute of a list's elements, if the list itself is a nest
 */
struct bt_field {
	const char *name;
	const char *word;
	const struct bt_type *type;
	size_t offset;
	unsigned int bit;
	unsigned int attr;
	unsigned int flags;
	unsigned int line;
	uint32_t min;
	uint32_t max;
	uint32_t def;
	const struct bt_enum *names;
	const struct bt_object *nested;
	unsigned int item;
};

/**
 * struct bt_object - a kind of object: all its fields, in the order of its text
 * @name: for messages
 * @size: of its structure, which begins with "uint64_t set": a bit for each field
 *	that has a value
 * @fields: the fields
 * @n: how many
 */
struct bt_object {
	const char *name;
	size_t size;
	const struct bt_field *fields;
	size_t n;
};

#define bt_for_each_field(f, object)	\
	for ((f) = (object)->fields; (f) < (object)->fields + (object)->n; (f)++)

/* What is printed of an object. */
#define BT_SHOW_DETAILS	0x01
#define BT_SHOW_STATS	0x02
#define BT_SHOW_ONELINE	0x04

const char *bt_field_word(const struct bt_field *f);
void *bt_field_value(const struct bt_field *f, void *obj);
const void *bt_field_cvalue(const struct bt_field *f, const void *obj);
bool bt_field_is_set(const struct bt_field *f, const void *obj);
void bt_field_set_default(const struct bt_field *f, void *obj);
bool bt_field_is_default(const struct bt_field *f, const void *obj);
void bt_field_text(const struct bt_field *f, const void *obj, struct bt_buf *out);

const struct bt_field *bt_object_field(const struct bt_object *o, const char *word);
bool bt_object_text(const struct bt_object *o, const void *obj, const char *name,
		    struct bt_buf *out);
int bt_object_parse(const struct bt_object *o, void *obj, const char *word, const char *text,
		    struct bt_error *e);
struct json_object *bt_object_json(const struct bt_object *o, const void *obj, unsigned int show);
void bt_object_print(const struct bt_object *o, const void *obj, struct bt_print *p,
		     unsigned int show);
void bt_object_settings(const struct bt_object *o, const void *obj, struct bt_buf *out);

int bt_object_put(const struct bt_object *o, const void *obj, struct nl_msg *msg);
int bt_object_put_nest(const struct bt_object *o, const void *obj, struct nl_msg *msg,
		       unsigned int attr);
int bt_object_get(const struct bt_object *o, void *obj, struct nlattr *head, int len);
int bt_object_get_nest(const struct bt_object *o, void *obj, const struct nlattr *nest);

bool bt_object_diff(const struct bt_object *o, const void *want, const void *have, void *out);
void bt_object_merge(const struct bt_object *o, void *into, const void *from);
void bt_object_copy(const struct bt_object *o, void *to, const void *from);
void bt_object_free(const struct bt_object *o, void *obj);

#endif /* BT_FIELDS_H */
