/* SPDX-License-Identifier: GPL-2.0 */
#ifndef BT_ADDR_H
#define BT_ADDR_H

#include <netinet/in.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "error.h"

/**
 * struct bt_addr - an IPv4 or IPv6 address
 * @family: AF_INET, AF_INET6; AF_UNSPEC is any address, of no family yet
 * @v4: the address
 * @v6: the address
 * @bytes: the same, in network order; what the family does not use is 0
 */
struct bt_addr {
	int family;
	union {
		struct in_addr v4;
		struct in6_addr v6;
		uint8_t bytes[16];
	};
};

/**
 * struct bt_prefix - an address and how many of its leading bits count
 * @addr: address
 * @len: bits
 */
struct bt_prefix {
	struct bt_addr addr;
	unsigned int len;
};

#define BT_ADDR_STRLEN		INET6_ADDRSTRLEN
#define BT_PREFIX_STRLEN	(INET6_ADDRSTRLEN + 4)

bool bt_addr_parse(const char *text, struct bt_addr *addr);
bool bt_addr_from_bytes(const void *bytes, size_t size, struct bt_addr *addr);
size_t bt_addr_size(const struct bt_addr *addr);
unsigned int bt_addr_bits(const struct bt_addr *addr);
bool bt_addr_is_any(const struct bt_addr *addr);
int bt_addr_cmp(const struct bt_addr *a, const struct bt_addr *b);
const char *bt_addr_str(const struct bt_addr *addr, char buf[BT_ADDR_STRLEN]);

int bt_ifaddr_parse(const char *text, struct bt_prefix *p, struct bt_error *e);
int bt_prefix_parse(const char *text, struct bt_prefix *p, struct bt_error *e);
bool bt_prefix_has_host_bits(const struct bt_prefix *p);
void bt_prefix_mask(struct bt_prefix *p);
int bt_prefix_cmp(const struct bt_prefix *a, const struct bt_prefix *b);
bool bt_prefix_contains(const struct bt_prefix *p, const struct bt_addr *addr);
bool bt_prefix_covers(const struct bt_prefix *outer, const struct bt_prefix *inner);
const char *bt_prefix_str(const struct bt_prefix *p, char buf[BT_PREFIX_STRLEN]);

#endif /* BT_ADDR_H */
