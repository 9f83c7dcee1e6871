/* SPDX-License-Identifier: GPL-2.0 */
#ifndef BT_CONF_TYPES_H
#define BT_CONF_TYPES_H

#include "addr.h"
#include "fields.h"

/* Kinds of values that only the configuration file has. */

struct bt_strings {
	char **v;
	size_t n;
};

struct bt_prefixes {
	struct bt_prefix *v;
	size_t n;
};

struct bt_pair {
	char *key;
	char *value;
};

struct bt_map {
	struct bt_pair *v;
	size_t n;
};

extern const struct bt_type bt_type_duration;	/* uint32_t: seconds; 30s, 5m, 8h, 1d */
extern const struct bt_type bt_type_text;	/* char *: not empty */
extern const struct bt_type bt_type_path;	/* char *: absolute */
extern const struct bt_type bt_type_address;	/* struct bt_addr: of either family */
extern const struct bt_type bt_type_ifaddr;	/* struct bt_prefix: an address of ours in it */
extern const struct bt_type bt_type_ifaddrs;	/* struct bt_prefixes of them */
extern const struct bt_type bt_type_prefixes;	/* struct bt_prefixes */
extern const struct bt_type bt_type_strings;	/* struct bt_strings */
extern const struct bt_type bt_type_map;	/* struct bt_map */
extern const struct bt_type bt_type_node;	/* const struct bt_yaml *: where it was written */

/* Takes a sequence: its parse function adds one element. */
bool bt_type_is_sequence(const struct bt_type *type);
void bt_map_add(struct bt_map *map, const char *key, const char *value);

#endif /* BT_CONF_TYPES_H */
