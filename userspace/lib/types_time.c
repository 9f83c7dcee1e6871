// SPDX-License-Identifier: GPL-2.0
/* Kinds of values: times, spans of time, and shares. */
#include "types.h"

#include <ctype.h>
#include <errno.h>
#include <inttypes.h>
#include <json-c/json.h>
#include <netlink/attr.h>
#include <netlink/msg.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "format.h"

static int get_fixed(const struct bt_field *f, const struct bt_attrs *attrs, void *value)
{
	const struct nlattr *attr = attrs->tb[f->attr];

	if (nla_len(attr) != (int)f->type->size)
		return -EBADMSG;
	memcpy(value, nla_data(attr), f->type->size);
	return 0;
}

static struct json_object *json_u32(const struct bt_field *f, const void *value)
{
	return json_object_new_int64(*(const uint32_t *)value);
}

static struct json_object *json_u64(const struct bt_field *f, const void *value)
{
	return json_object_new_uint64(*(const uint64_t *)value);
}

/* --- points in time */

static void text_since(const struct bt_field *f, const void *value, struct bt_buf *out)
{
	uint64_t now = bt_now_ns(), then = *(const uint64_t *)value;

	bt_format_duration(out, now > then ? (now - then) / 1000000000 : 0);
}

const struct bt_type bt_type_since = {
	.size = sizeof(uint64_t),
	.text = text_since,
	.json = json_u64,
	.get = get_fixed,
};

static void text_time(const struct bt_field *f, const void *value, struct bt_buf *out)
{
	uint64_t now = (uint64_t)time(NULL), then = *(const uint64_t *)value;

	if (then)
		bt_format_duration(out, now > then ? now - then : 0);
	else
		bt_buf_puts(out, "never");
}

const struct bt_type bt_type_time = {
	.size = sizeof(uint64_t),
	.text = text_time,
	.json = json_u64,
	.get = get_fixed,
};

/* --- spans */

static const struct {
	const char *name;
	uint32_t ms;
} units[] = {
	{ "ms", 1 },
	{ "s", 1000 },
	{ "m", 60 * 1000 },
	{ "h", 60 * 60 * 1000 },
	{ "", 0 },	/* nothing but 0 */
};

static bool unit_ms(const char *text, uint32_t *ms)
{
	size_t i;

	for (i = 0; i < BT_ARRAY_SIZE(units); i++) {
		if (!strcmp(text, units[i].name)) {
			*ms = units[i].ms;
			return true;
		}
	}
	return false;
}

/* A whole number and its unit; without one it could be taken for seconds, or for ms. */
static int parse_ms(const struct bt_field *f, const char *text, void *value, struct bt_error *e)
{
	uint32_t max = f->max ? f->max : UINT32_MAX, unit;
	size_t digits = strspn(text, "0123456789");
	uint64_t number;
	char buf[24];

	if (digits && digits < sizeof(buf) && unit_ms(text + digits, &unit)) {
		memcpy(buf, text, digits);
		buf[digits] = '\0';
		if (bt_parse_u64(buf, unit ? max / unit : 0, &number) && number * unit >= f->min) {
			*(uint32_t *)value = (uint32_t)(number * unit);
			return 0;
		}
	}
	return bt_error_set(e, -EINVAL,
			    "\"%s\" is not a time from %ums to %ums (with ms, s, m or h)",
			    text, f->min, max);
}

static void text_ms(const struct bt_field *f, const void *value, struct bt_buf *out)
{
	uint32_t ms = *(const uint32_t *)value;

	if (ms && ms % 1000 == 0)
		bt_buf_printf(out, "%us", ms / 1000);
	else
		bt_buf_printf(out, "%ums", ms);
}

static int put_u32(const struct bt_field *f, const void *value, struct nl_msg *msg)
{
	return nla_put(msg, (int)f->attr, sizeof(uint32_t), value) ? -EMSGSIZE : 0;
}

const struct bt_type bt_type_ms = {
	.words = 1,
	.size = sizeof(uint32_t),
	.parse = parse_ms,
	.text = text_ms,
	.json = json_u32,
	.put = put_u32,
	.get = get_fixed,
};

static void text_us(const struct bt_field *f, const void *value, struct bt_buf *out)
{
	uint32_t us = *(const uint32_t *)value;

	bt_buf_printf(out, "%u.%03ums", us / 1000, us % 1000);
}

const struct bt_type bt_type_us = {
	.size = sizeof(uint32_t),
	.text = text_us,
	.json = json_u32,
	.get = get_fixed,
};

/* --- shares */

static void text_permille(const struct bt_field *f, const void *value, struct bt_buf *out)
{
	uint32_t permille = *(const uint32_t *)value;

	bt_buf_printf(out, "%u.%u%%", permille / 10, permille % 10);
}

const struct bt_type bt_type_permille = {
	.size = sizeof(uint32_t),
	.text = text_permille,
	.json = json_u32,
	.get = get_fixed,
};
