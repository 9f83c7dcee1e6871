// SPDX-License-Identifier: GPL-2.0
/*
 * Objects by their field tables: whatever is done with an object is done here,
 * once, field by field. To add a field means a line in its table.
 */
#include "fields.h"

#include <errno.h>
#include <json-c/json.h>
#include <netlink/attr.h>
#include <netlink/msg.h>
#include <string.h>

#include "print.h"
#include "types.h"

#define SETTABLE	(BT_F_SET | BT_F_KEY)

/* Every structure begins with it. */
static uint64_t *set_of(void *obj)
{
	return obj;
}

static uint64_t cset_of(const void *obj)
{
	return *(const uint64_t *)obj;
}

/**
 * bt_field_word() - what a user calls a field
 * @f: field
 */
const char *bt_field_word(const struct bt_field *f)
{
	return f->word ? f->word : f->name;
}

/**
 * bt_field_value() - where an object has a field's value
 * @f: field
 * @obj: object
 */
void *bt_field_value(const struct bt_field *f, void *obj)
{
	return (char *)obj + f->offset;
}

/**
 * bt_field_cvalue() - the same, to read
 * @f: field
 * @obj: object
 */
const void *bt_field_cvalue(const struct bt_field *f, const void *obj)
{
	return (const char *)obj + f->offset;
}

/**
 * bt_field_is_set() - has the field a value?
 * @f: field
 * @obj: object
 */
bool bt_field_is_set(const struct bt_field *f, const void *obj)
{
	return cset_of(obj) & BT_BIT(f->bit);
}

/**
 * bt_field_is_default() - has the field the value that it has if none is given?
 * @f: optional field that is set
 * @obj: object
 */
bool bt_field_is_default(const struct bt_field *f, const void *obj)
{
	const void *value = bt_field_cvalue(f, obj);
	uint32_t number;

	if (f->type == &bt_type_list)
		return !bt_list_count(value);
	if (f->type == &bt_type_onoff)
		return *(const bool *)value == !!f->def;
	memcpy(&number, value, sizeof(number));
	return f->type->size == sizeof(number) && number == f->def;
}

/**
 * bt_field_set_default() - give a field the value that it has if none is given
 * @f: field; that of one without a default is all zero
 * @obj: object
 */
void bt_field_set_default(const struct bt_field *f, void *obj)
{
	void *value = bt_field_value(f, obj);

	if (f->type == &bt_type_onoff)
		*(bool *)value = f->def;
	else if (f->def)
		memcpy(value, &f->def, sizeof(f->def));
	*set_of(obj) |= BT_BIT(f->bit);
}

/**
 * bt_field_text() - a field's value as text
 * @f: field that is set
 * @obj: object
 * @out: appended to
 */
void bt_field_text(const struct bt_field *f, const void *obj, struct bt_buf *out)
{
	f->type->text(f, bt_field_cvalue(f, obj), out);
}

/**
 * bt_object_field() - find a field that can be set
 * @o: kind of object
 * @word: what a user calls it, in full
 *
 * Return: the field, or NULL.
 */
const struct bt_field *bt_object_field(const struct bt_object *o, const char *word)
{
	const struct bt_field *f;

	bt_for_each_field(f, o)
		if ((f->flags & SETTABLE) && f->type->parse && !strcmp(bt_field_word(f), word))
			return f;
	return NULL;
}

/**
 * bt_object_parse() - set a field from text
 * @o: kind of object
 * @obj: object
 * @word: the field, as a user calls it
 * @text: value; a list gets one more element, or is emptied by "none"
 * @e: names the field, and says which values there are
 *
 * Fields that share a word take the value that is of their kind; "none" goes to all.
 * Return: 0, -ENOENT (no such field), or -EINVAL.
 */
int bt_object_parse(const struct bt_object *o, void *obj, const char *word, const char *text,
		    struct bt_error *e)
{
	bool none = !strcmp(text, "none"), found = false;
	const struct bt_field *f = bt_object_field(o, word);
	int err;

	if (!f)
		return bt_error_set(e, -ENOENT, "%s has no setting \"%s\"", o->name, word);
	for (; f < o->fields + o->n; f++) {
		if (!(f->flags & SETTABLE) || strcmp(bt_field_word(f), word) != 0)
			continue;
		err = f->type->parse(f, text, bt_field_value(f, obj), e);
		if (err)
			continue;
		*set_of(obj) |= BT_BIT(f->bit);
		found = true;
		if (!none)
			break;
	}
	if (!found) {
		bt_error_prefix(e, "%s", word);
		return -EINVAL;
	}
	/* What another field of this word thought of it does not matter. */
	if (e)
		bt_error_free(e);
	return 0;
}

/**
 * bt_object_text() - a field's value as text, by the field's name
 * @o: kind of object
 * @obj: object
 * @name: of the field, as in the specification
 * @out: appended to
 *
 * Return: false if there is no such field or it has no value.
 */
bool bt_object_text(const struct bt_object *o, const void *obj, const char *name,
		    struct bt_buf *out)
{
	const struct bt_field *f;

	bt_for_each_field(f, o) {
		if (strcmp(f->name, name) != 0 || !bt_field_is_set(f, obj))
			continue;
		bt_field_text(f, obj, out);
		return true;
	}
	return false;
}

static bool shown(const struct bt_field *f, const void *obj, unsigned int show)
{
	if (!bt_field_is_set(f, obj))
		return false;
	return !(f->flags & BT_F_STATS) || (show & BT_SHOW_STATS);
}

static struct json_object *field_json(const struct bt_field *f, const void *obj)
{
	struct bt_buf text = {};
	struct json_object *json;

	if (f->type->json)
		return f->type->json(f, bt_field_cvalue(f, obj));
	bt_field_text(f, obj, &text);
	json = json_object_new_string(text.data ? text.data : "");
	bt_buf_free(&text);
	return json;
}

/* "if-id" is awkward in most languages that read JSON, "if_id" is not. */
static char *field_key(const struct bt_field *f)
{
	char *key = bt_strdup(f->name), *c;

	for (c = key; *c; c++)
		if (*c == '-')
			*c = '_';
	return key;
}

static void print_json(const struct bt_object *o, const void *obj, struct bt_print *p,
		       unsigned int show)
{
	const struct bt_field *f;
	char *key;

	bt_for_each_field(f, o) {
		if (!shown(f, obj, show) || (f->flags & BT_F_HEAD))
			continue;
		key = field_key(f);
		bt_print_json(p, key, field_json(f, obj));
		free(key);
	}
}

/**
 * bt_object_json() - a JSON object with all fields that have a value
 * @o: kind of object
 * @obj: object
 * @show: BT_SHOW_*
 */
struct json_object *bt_object_json(const struct bt_object *o, const void *obj, unsigned int show)
{
	struct json_object *json = json_object_new_object();
	const struct bt_field *f;
	char *key;

	bt_for_each_field(f, o) {
		if (!shown(f, obj, show))
			continue;
		key = field_key(f);
		json_object_object_add(json, key, field_json(f, obj));
		free(key);
	}
	return json;
}

static bool shown_in_text(const struct bt_field *f, const void *obj, unsigned int show)
{
	if (!shown(f, obj, show) || (f->flags & BT_F_HEAD) || f->type == &bt_type_nested)
		return false;
	if ((f->flags & BT_F_DETAIL) && !(show & BT_SHOW_DETAILS))
		return false;
	if (f->type == &bt_type_flag)
		return *(const bool *)bt_field_cvalue(f, obj);
	return !(f->flags & BT_F_OPTIONAL) || (show & BT_SHOW_DETAILS) ||
	       !bt_field_is_default(f, obj);
}

static void word_and_value(const struct bt_field *f, const void *obj, struct bt_buf *out)
{
	bt_buf_printf(out, " %s", bt_field_word(f));
	if (f->type == &bt_type_flag)
		return;
	bt_buf_puts(out, " ");
	bt_field_text(f, obj, out);
}

/**
 * bt_object_print() - print the fields of an object, but those of its head
 * @o: kind of object
 * @obj: object
 * @p: where to: into the open JSON object, or behind the text of the head
 * @show: BT_SHOW_*
 */
void bt_object_print(const struct bt_object *o, const void *obj, struct bt_print *p,
		     unsigned int show)
{
	const struct bt_field *f;
	struct bt_buf text = {};
	unsigned int line = 0;

	if (bt_print_is_json(p)) {
		print_json(o, obj, p, show);
		return;
	}
	bt_for_each_field(f, o) {
		if (!shown_in_text(f, obj, show))
			continue;
		if (f->line != line && !(show & BT_SHOW_ONELINE))
			bt_buf_puts(&text, "\n   ");
		line = f->line;
		word_and_value(f, obj, &text);
	}
	bt_print_text(p, "%s", text.data ? text.data : "");
	bt_buf_free(&text);
}

/**
 * bt_object_settings() - settings that differ from the defaults, as a user writes them,
 *	but those of the head
 * @o: kind of object
 * @obj: object
 * @out: appended to; each setting is " word value"
 */
void bt_object_settings(const struct bt_object *o, const void *obj, struct bt_buf *out)
{
	const struct bt_field *f;

	bt_for_each_field(f, o) {
		if (!(f->flags & SETTABLE) || (f->flags & (BT_F_RTNL | BT_F_HEAD)) ||
		    !bt_field_is_set(f, obj))
			continue;
		if (!(f->flags & BT_F_OPTIONAL) || !bt_field_is_default(f, obj))
			word_and_value(f, obj, out);
	}
}

/**
 * bt_object_put() - the settings and keys that are set, as netlink attributes
 * @o: kind of object
 * @obj: object
 * @msg: where to
 *
 * Return: 0 or a negative errno.
 */
int bt_object_put(const struct bt_object *o, const void *obj, struct nl_msg *msg)
{
	const struct bt_field *f;
	int err;

	bt_for_each_field(f, o) {
		if (!(f->flags & SETTABLE) || !f->attr || (f->flags & BT_F_RTNL) ||
		    !bt_field_is_set(f, obj))
			continue;
		err = f->type->put(f, bt_field_cvalue(f, obj), msg);
		if (err)
			return err;
	}
	return 0;
}

/**
 * bt_object_put_nest() - the same as a nest
 * @o: kind of object
 * @obj: object
 * @msg: where to; nothing is left of a nest that did not fit
 * @attr: of the nest
 *
 * Return: 0 or a negative errno.
 */
int bt_object_put_nest(const struct bt_object *o, const void *obj, struct nl_msg *msg,
		       unsigned int attr)
{
	struct nlattr *nest = nla_nest_start(msg, NLA_F_NESTED | (int)attr);
	int err;

	if (!nest)
		return -EMSGSIZE;
	err = bt_object_put(o, obj, msg);
	if (err)
		nla_nest_cancel(msg, nest);
	else
		nla_nest_end_keep_empty(msg, nest);
	return err;
}

/**
 * bt_object_get() - an object out of netlink attributes
 * @o: kind of object
 * @obj: object; fields that are not among the attributes stay as they are
 * @head: attributes
 * @len: bytes of them
 *
 * Attributes that are unknown, from a newer kernel, are passed over.
 * Return: 0 or -EBADMSG.
 */
int bt_object_get(const struct bt_object *o, void *obj, struct nlattr *head, int len)
{
	struct bt_attrs attrs = { .head = head, .len = len };
	const struct bt_field *f;
	int err;

	if (nla_parse(attrs.tb, BT_ATTR_MAX, head, len, NULL) < 0)
		return -EBADMSG;
	bt_for_each_field(f, o) {
		if (!f->attr || !f->type->get || !attrs.tb[f->attr])
			continue;
		err = f->type->get(f, &attrs, bt_field_value(f, obj));
		if (err)
			return err;
		*set_of(obj) |= BT_BIT(f->bit);
	}
	return 0;
}

/**
 * bt_object_get_nest() - an object out of a nest
 * @o: kind of object
 * @obj: object
 * @nest: attribute
 *
 * Return: 0 or -EBADMSG.
 */
int bt_object_get_nest(const struct bt_object *o, void *obj, const struct nlattr *nest)
{
	return bt_object_get(o, obj, nla_data(nest), nla_len(nest));
}

static bool same(const struct bt_field *f, const void *want, const void *have)
{
	if (f->type->equal)
		return f->type->equal(f, want, have);
	return !memcmp(want, have, f->type->size);
}

static bool differs(const struct bt_field *f, const void *want, const void *have)
{
	if (bt_field_is_set(f, have) || (f->flags & BT_F_UNSET))
		return !same(f, bt_field_cvalue(f, want), bt_field_cvalue(f, have));
	return true;
}

static void copy_field(const struct bt_field *f, void *to, const void *from)
{
	if (f->type->free)
		f->type->free(f, bt_field_value(f, to));
	if (f->type->copy)
		f->type->copy(f, bt_field_value(f, to), bt_field_cvalue(f, from));
	else
		memcpy(bt_field_value(f, to), bt_field_cvalue(f, from), f->type->size);
	*set_of(to) |= BT_BIT(f->bit);
}

/**
 * bt_object_diff() - what has to be set to turn one object into another
 * @o: kind of object
 * @want: what it shall be; fields that are not set may be anything
 * @have: what it is
 * @out: zeroed; gets a copy of the settings of @want that differ. NULL: not wanted
 *
 * Keys are not compared. Return: true if there is a difference.
 */
bool bt_object_diff(const struct bt_object *o, const void *want, const void *have, void *out)
{
	const struct bt_field *f;
	bool any = false;

	bt_for_each_field(f, o) {
		if (!(f->flags & BT_F_SET) || (f->flags & BT_F_KEY) ||
		    !bt_field_is_set(f, want) || !differs(f, want, have))
			continue;
		any = true;
		if (out)
			copy_field(f, out, want);
	}
	return any;
}

/**
 * bt_object_merge() - take over what another object has set
 * @o: kind of object
 * @into: object
 * @from: object
 */
void bt_object_merge(const struct bt_object *o, void *into, const void *from)
{
	const struct bt_field *f;

	bt_for_each_field(f, o)
		if (bt_field_is_set(f, from))
			copy_field(f, into, from);
}

/**
 * bt_object_copy() - copy an object
 * @o: kind of object
 * @to: memory that holds nothing yet
 * @from: object
 */
void bt_object_copy(const struct bt_object *o, void *to, const void *from)
{
	const struct bt_field *f;

	memcpy(to, from, o->size);
	bt_for_each_field(f, o)
		if (f->type->copy)
			f->type->copy(f, bt_field_value(f, to), bt_field_cvalue(f, from));
}

/**
 * bt_object_free() - release what an object holds, not the object itself
 * @o: kind of object
 * @obj: becomes empty
 */
void bt_object_free(const struct bt_object *o, void *obj)
{
	const struct bt_field *f;

	bt_for_each_field(f, o)
		if (f->type->free)
			f->type->free(f, bt_field_value(f, obj));
	memset(obj, 0, o->size);
}
