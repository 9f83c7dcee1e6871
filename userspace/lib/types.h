/* SPDX-License-Identifier: GPL-2.0 */
#ifndef BT_TYPES_H
#define BT_TYPES_H

#include "fields.h"

/* Kinds of values, for the field tables; the type in memory stands behind each. */
extern const struct bt_type bt_type_u32;	/* uint32_t */
extern const struct bt_type bt_type_s32;	/* int32_t */
extern const struct bt_type bt_type_hex;	/* uint32_t, shown as 0x... */
extern const struct bt_type bt_type_u64;	/* uint64_t */
extern const struct bt_type bt_type_onoff;	/* bool: on or off */
extern const struct bt_type bt_type_flag;	/* bool: the field's name, or nothing */
extern const struct bt_type bt_type_enum;	/* uint32_t */
extern const struct bt_type bt_type_mss;	/* uint32_t: off, auto or bytes */
extern const struct bt_type bt_type_name;	/* char[field->max + 1] */
extern const struct bt_type bt_type_string;	/* char *, or NULL */
extern const struct bt_type bt_type_since;	/* uint64_t: CLOCK_BOOTTIME, in ns */
extern const struct bt_type bt_type_time;	/* uint64_t: seconds since 1970, or 0 */
extern const struct bt_type bt_type_ms;		/* uint32_t: a span, in ms */
extern const struct bt_type bt_type_us;		/* uint32_t: a span, in us */
extern const struct bt_type bt_type_permille;	/* uint32_t: a share, in 1/1000 */
extern const struct bt_type bt_type_outer;	/* struct bt_addr: of either family, or any */
extern const struct bt_type bt_type_inside;	/* struct bt_addr: of the family of min bytes */
extern const struct bt_type bt_type_prefix;	/* struct bt_prefix: attribute and the next one */
extern const struct bt_type bt_type_nested;	/* structure of field->nested */
extern const struct bt_type bt_type_list;	/* struct { STRUCTURE *v; size_t n; } */

const char *bt_enum_name(const struct bt_enum *names, uint32_t value);
size_t bt_list_count(const void *value);
void *bt_list_add(const struct bt_field *f, void *value);
bool bt_enum_parse(const struct bt_enum *names, const char *text, uint32_t *value);

#endif /* BT_TYPES_H */
