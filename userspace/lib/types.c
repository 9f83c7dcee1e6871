// SPDX-License-Identifier: GPL-2.0
/* Kinds of values: text, JSON and netlink of each. */
#include "types.h"

#include <ctype.h>
#include <errno.h>
#include <inttypes.h>
#include <json-c/json.h>
#include <linux/bowtie.h>
#include <netlink/attr.h>
#include <netlink/msg.h>
#include <stdlib.h>
#include <string.h>

#include "addr.h"

static int put(struct nl_msg *msg, unsigned int attr, const void *data, size_t size)
{
	return nla_put(msg, (int)attr, (int)size, data) ? -EMSGSIZE : 0;
}

/* The payload of an attribute, if it has the right size. */
static const void *payload(const struct bt_field *f, const struct bt_attrs *attrs, size_t size)
{
	const struct nlattr *attr = attrs->tb[f->attr];

	return nla_len(attr) == (int)size ? nla_data(attr) : NULL;
}

static int get_fixed(const struct bt_field *f, const struct bt_attrs *attrs, void *value)
{
	const void *data = payload(f, attrs, f->type->size);

	if (!data)
		return -EBADMSG;
	memcpy(value, data, f->type->size);
	return 0;
}

/* --- numbers */

static int parse_u32(const struct bt_field *f, const char *text, void *value, struct bt_error *e)
{
	uint32_t max = f->max ? f->max : UINT32_MAX;
	uint64_t number;

	if (!bt_parse_u64(text, max, &number) || number < f->min)
		return bt_error_set(e, -EINVAL, "\"%s\" is not a number from %u to %u", text,
				    f->min, max);
	*(uint32_t *)value = (uint32_t)number;
	return 0;
}

static void text_u32(const struct bt_field *f, const void *value, struct bt_buf *out)
{
	bt_buf_printf(out, "%u", *(const uint32_t *)value);
}

static struct json_object *json_u32(const struct bt_field *f, const void *value)
{
	return json_object_new_int64(*(const uint32_t *)value);
}

static int put_u32(const struct bt_field *f, const void *value, struct nl_msg *msg)
{
	return put(msg, f->attr, value, sizeof(uint32_t));
}

const struct bt_type bt_type_u32 = {
	.words = 1,
	.size = sizeof(uint32_t),
	.parse = parse_u32,
	.text = text_u32,
	.json = json_u32,
	.put = put_u32,
	.get = get_fixed,
};

static void text_s32(const struct bt_field *f, const void *value, struct bt_buf *out)
{
	bt_buf_printf(out, "%d", *(const int32_t *)value);
}

static struct json_object *json_s32(const struct bt_field *f, const void *value)
{
	return json_object_new_int(*(const int32_t *)value);
}

const struct bt_type bt_type_s32 = {
	.size = sizeof(int32_t),
	.text = text_s32,
	.json = json_s32,
	.get = get_fixed,
};

static void text_hex(const struct bt_field *f, const void *value, struct bt_buf *out)
{
	bt_buf_printf(out, "0x%x", *(const uint32_t *)value);
}

const struct bt_type bt_type_hex = {
	.words = 1,
	.size = sizeof(uint32_t),
	.parse = parse_u32,
	.text = text_hex,
	.put = put_u32,
	.get = get_fixed,
};

static void text_u64(const struct bt_field *f, const void *value, struct bt_buf *out)
{
	bt_buf_printf(out, "%" PRIu64, *(const uint64_t *)value);
}

static struct json_object *json_u64(const struct bt_field *f, const void *value)
{
	return json_object_new_uint64(*(const uint64_t *)value);
}

const struct bt_type bt_type_u64 = {
	.size = sizeof(uint64_t),
	.text = text_u64,
	.json = json_u64,
	.get = get_fixed,
};

/* --- choices */

static int parse_onoff(const struct bt_field *f, const char *text, void *value, struct bt_error *e)
{
	bool on = !strcmp(text, "on");

	if (!on && strcmp(text, "off") != 0)
		return bt_error_set(e, -EINVAL, "\"%s\" is neither on nor off", text);
	*(bool *)value = on;
	return 0;
}

static void text_onoff(const struct bt_field *f, const void *value, struct bt_buf *out)
{
	bt_buf_puts(out, *(const bool *)value ? "on" : "off");
}

static struct json_object *json_onoff(const struct bt_field *f, const void *value)
{
	return json_object_new_boolean(*(const bool *)value);
}

static int put_onoff(const struct bt_field *f, const void *value, struct nl_msg *msg)
{
	uint32_t number = *(const bool *)value;

	return put(msg, f->attr, &number, sizeof(number));
}

static int get_onoff(const struct bt_field *f, const struct bt_attrs *attrs, void *value)
{
	const void *data = payload(f, attrs, sizeof(uint32_t));
	uint32_t number;

	if (!data)
		return -EBADMSG;
	memcpy(&number, data, sizeof(number));
	*(bool *)value = number;
	return 0;
}

const struct bt_type bt_type_onoff = {
	.words = 1,
	.size = sizeof(bool),
	.parse = parse_onoff,
	.text = text_onoff,
	.json = json_onoff,
	.put = put_onoff,
	.get = get_onoff,
};

const struct bt_type bt_type_flag = {
	.size = sizeof(bool),
	.text = text_onoff,
	.json = json_onoff,
	.get = get_onoff,
};

/**
 * bt_enum_name() - name of a value
 * @names: names
 * @value: value
 *
 * Return: the name, or NULL for a value of a newer kernel.
 */
const char *bt_enum_name(const struct bt_enum *names, uint32_t value)
{
	return value < names->n ? names->names[value] : NULL;
}

/**
 * bt_enum_parse() - value of a name
 * @names: names
 * @text: name, in full
 * @value: result
 *
 * Return: true if it is one of them.
 */
bool bt_enum_parse(const struct bt_enum *names, const char *text, uint32_t *value)
{
	size_t i;

	for (i = 0; i < names->n; i++) {
		if (!strcmp(names->names[i], text)) {
			*value = (uint32_t)i;
			return true;
		}
	}
	return false;
}

static int parse_enum(const struct bt_field *f, const char *text, void *value, struct bt_error *e)
{
	struct bt_buf all = {};
	size_t i;
	int err;

	if (bt_enum_parse(f->names, text, value))
		return 0;
	for (i = 0; i < f->names->n; i++)
		bt_buf_printf(&all, "%s%s", i ? ", " : "", f->names->names[i]);
	err = bt_error_set(e, -EINVAL, "\"%s\" is none of %s", text, all.data);
	bt_buf_free(&all);
	return err;
}

static void text_enum(const struct bt_field *f, const void *value, struct bt_buf *out)
{
	uint32_t number = *(const uint32_t *)value;
	const char *name = bt_enum_name(f->names, number);

	if (name)
		bt_buf_puts(out, name);
	else
		bt_buf_printf(out, "%u", number);
}

const struct bt_type bt_type_enum = {
	.words = 1,
	.size = sizeof(uint32_t),
	.parse = parse_enum,
	.text = text_enum,
	.put = put_u32,
	.get = get_fixed,
};

static int parse_mss(const struct bt_field *f, const char *text, void *value, struct bt_error *e)
{
	uint64_t number;

	if (!strcmp(text, "off"))
		number = BOWTIE_MSS_OFF;
	else if (!strcmp(text, "auto"))
		number = BOWTIE_MSS_AUTO;
	else if (!bt_parse_u64(text, BOWTIE_MSS_MAX, &number) || number < BOWTIE_MSS_MIN)
		return bt_error_set(e, -EINVAL, "\"%s\" is neither off, auto nor %u to %u",
				    text, BOWTIE_MSS_MIN, BOWTIE_MSS_MAX);
	*(uint32_t *)value = (uint32_t)number;
	return 0;
}

static void text_mss(const struct bt_field *f, const void *value, struct bt_buf *out)
{
	uint32_t mss = *(const uint32_t *)value;

	if (mss == BOWTIE_MSS_OFF)
		bt_buf_puts(out, "off");
	else if (mss == BOWTIE_MSS_AUTO)
		bt_buf_puts(out, "auto");
	else
		bt_buf_printf(out, "%u", mss);
}

static struct json_object *json_mss(const struct bt_field *f, const void *value)
{
	uint32_t mss = *(const uint32_t *)value;

	if (mss == BOWTIE_MSS_OFF || mss == BOWTIE_MSS_AUTO)
		return json_object_new_string(mss == BOWTIE_MSS_OFF ? "off" : "auto");
	return json_object_new_int64(mss);
}

const struct bt_type bt_type_mss = {
	.words = 1,
	.size = sizeof(uint32_t),
	.parse = parse_mss,
	.text = text_mss,
	.json = json_mss,
	.put = put_u32,
	.get = get_fixed,
};

/* --- text */

/* As the module checks it; without a module this is the first check. */
static int parse_name(const struct bt_field *f, const char *text, void *value, struct bt_error *e)
{
	size_t len = strlen(text), i;

	if (len > f->max || !isalpha((unsigned char)text[0]))
		goto wrong;
	for (i = 0; i < len; i++)
		if (!isalnum((unsigned char)text[i]) && !strchr("-_.", text[i]))
			goto wrong;
	memcpy(value, text, len + 1);
	return 0;

wrong:
	return bt_error_set(e, -EINVAL,
			    "\"%s\" is not up to %u letters, digits, \"-\", \"_\" and \".\" that begin with a letter",
			    text, f->max);
}

static void text_name(const struct bt_field *f, const void *value, struct bt_buf *out)
{
	bt_buf_puts(out, value);
}

static int put_name(const struct bt_field *f, const void *value, struct nl_msg *msg)
{
	return put(msg, f->attr, value, strlen(value) + 1);
}

static int get_name(const struct bt_field *f, const struct bt_attrs *attrs, void *value)
{
	const struct nlattr *attr = attrs->tb[f->attr];
	size_t len = strnlen(nla_data(attr), (size_t)nla_len(attr));

	if (len > f->max)
		return -EBADMSG;
	memcpy(value, nla_data(attr), len);
	((char *)value)[len] = '\0';
	return 0;
}

static bool equal_name(const struct bt_field *f, const void *want, const void *have)
{
	return !strcmp(want, have);
}

static void copy_name(const struct bt_field *f, void *to, const void *from)
{
	memcpy(to, from, f->max + 1);
}

const struct bt_type bt_type_name = {
	.words = 1,
	.parse = parse_name,
	.text = text_name,
	.put = put_name,
	.get = get_name,
	.equal = equal_name,
	.copy = copy_name,
};

static void text_string(const struct bt_field *f, const void *value, struct bt_buf *out)
{
	const char *s = *(char *const *)value;

	bt_buf_puts(out, s ? s : "");
}

static int get_string(const struct bt_field *f, const struct bt_attrs *attrs, void *value)
{
	const struct nlattr *attr = attrs->tb[f->attr];

	free(*(char **)value);
	*(char **)value = bt_strndup(nla_data(attr), (size_t)nla_len(attr));
	return 0;
}

static bool equal_string(const struct bt_field *f, const void *want, const void *have)
{
	const char *a = *(char *const *)want, *b = *(char *const *)have;

	return a && b ? !strcmp(a, b) : a == b;
}

static void copy_string(const struct bt_field *f, void *to, const void *from)
{
	*(char **)to = bt_strdup(*(char *const *)from);
}

static void free_string(const struct bt_field *f, void *value)
{
	free(*(char **)value);
	*(char **)value = NULL;
}

const struct bt_type bt_type_string = {
	.size = sizeof(char *),
	.text = text_string,
	.get = get_string,
	.equal = equal_string,
	.copy = copy_string,
	.free = free_string,
};

/* --- addresses */

static int parse_outer(const struct bt_field *f, const char *text, void *value, struct bt_error *e)
{
	if (!strcmp(text, "any"))
		*(struct bt_addr *)value = (struct bt_addr){ .family = AF_UNSPEC };
	else if (!bt_addr_parse(text, value))
		return bt_error_set(e, -EINVAL,
				    "\"%s\" is neither an IPv4 or IPv6 address nor any", text);
	return 0;
}

static void text_addr(const struct bt_field *f, const void *value, struct bt_buf *out)
{
	char buf[BT_ADDR_STRLEN];

	bt_buf_puts(out, bt_addr_str(value, buf));
}

static void text_outer(const struct bt_field *f, const void *value, struct bt_buf *out)
{
	if (bt_addr_is_any(value))
		bt_buf_puts(out, "any");
	else
		text_addr(f, value, out);
}

static int put_addr(const struct bt_field *f, const void *value, struct nl_msg *msg)
{
	const struct bt_addr *addr = value;

	/* An "any" that nobody has given a family: see bt_tunnel_fix_families(). */
	if (!bt_addr_size(addr))
		return -EAFNOSUPPORT;
	return put(msg, f->attr, addr->bytes, bt_addr_size(addr));
}

static int get_addr(const struct bt_field *f, const struct bt_attrs *attrs, void *value)
{
	const struct nlattr *attr = attrs->tb[f->attr];

	return bt_addr_from_bytes(nla_data(attr), (size_t)nla_len(attr), value) ? 0 : -EBADMSG;
}

static bool equal_addr(const struct bt_field *f, const void *want, const void *have)
{
	if (bt_addr_is_any(want) || bt_addr_is_any(have))
		return bt_addr_is_any(want) && bt_addr_is_any(have);
	return !bt_addr_cmp(want, have);
}

const struct bt_type bt_type_outer = {
	.words = 1,
	.size = sizeof(struct bt_addr),
	.parse = parse_outer,
	.text = text_outer,
	.put = put_addr,
	.get = get_addr,
	.equal = equal_addr,
};

static int parse_inside(const struct bt_field *f, const char *text, void *value,
			struct bt_error *e)
{
	struct bt_addr addr = { .family = f->min == 4 ? AF_INET : AF_INET6 };

	if (strcmp(text, "none") != 0 &&
	    (!bt_addr_parse(text, &addr) || bt_addr_size(&addr) != f->min))
		return bt_error_set(e, -EINVAL, "\"%s\" is neither an IP%s address nor none", text,
				    f->word ? "v4 or IPv6" : f->min == 4 ? "v4" : "v6");
	*(struct bt_addr *)value = addr;
	return 0;
}

static void text_inside(const struct bt_field *f, const void *value, struct bt_buf *out)
{
	if (bt_addr_is_any(value))
		bt_buf_puts(out, "none");
	else
		text_addr(f, value, out);
}

const struct bt_type bt_type_inside = {
	.words = 1,
	.size = sizeof(struct bt_addr),
	.parse = parse_inside,
	.text = text_inside,
	.put = put_addr,
	.get = get_addr,
	.equal = equal_addr,
};

static int parse_prefix(const struct bt_field *f, const char *text, void *value,
			struct bt_error *e)
{
	return bt_prefix_parse(text, value, e);
}

static void text_prefix(const struct bt_field *f, const void *value, struct bt_buf *out)
{
	char buf[BT_PREFIX_STRLEN];

	bt_buf_puts(out, bt_prefix_str(value, buf));
}

static int put_prefix(const struct bt_field *f, const void *value, struct nl_msg *msg)
{
	const struct bt_prefix *p = value;
	uint32_t len = p->len;
	int err;

	err = put(msg, f->attr, p->addr.bytes, bt_addr_size(&p->addr));
	return err ? err : put(msg, f->attr + 1, &len, sizeof(len));
}

static int get_prefix(const struct bt_field *f, const struct bt_attrs *attrs, void *value)
{
	const struct nlattr *attr = attrs->tb[f->attr], *len = attrs->tb[f->attr + 1];
	struct bt_prefix p = {};

	if (!bt_addr_from_bytes(nla_data(attr), (size_t)nla_len(attr), &p.addr))
		return -EBADMSG;
	p.len = bt_addr_bits(&p.addr);
	if (len) {
		if (nla_len(len) != sizeof(uint32_t) || nla_get_u32(len) > p.len)
			return -EBADMSG;
		p.len = nla_get_u32(len);
	}
	*(struct bt_prefix *)value = p;
	return 0;
}

static bool equal_prefix(const struct bt_field *f, const void *want, const void *have)
{
	return !bt_prefix_cmp(want, have);
}

const struct bt_type bt_type_prefix = {
	.words = 1,
	.size = sizeof(struct bt_prefix),
	.parse = parse_prefix,
	.text = text_prefix,
	.put = put_prefix,
	.get = get_prefix,
	.equal = equal_prefix,
};
