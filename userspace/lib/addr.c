// SPDX-License-Identifier: GPL-2.0
/* Addresses and prefixes of both families. */
#include "addr.h"

#include <arpa/inet.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "util.h"

/**
 * bt_addr_parse() - text to address
 * @text: 192.0.2.1 or 2001:db8::1, nothing else
 * @addr: result
 *
 * Return: true if it is an address.
 */
bool bt_addr_parse(const char *text, struct bt_addr *addr)
{
	struct bt_addr parsed = {};

	if (inet_pton(AF_INET, text, &parsed.v4) == 1)
		parsed.family = AF_INET;
	else if (inet_pton(AF_INET6, text, &parsed.v6) == 1)
		parsed.family = AF_INET6;
	else
		return false;
	*addr = parsed;
	return true;
}

/**
 * bt_addr_from_bytes() - bytes to address
 * @bytes: in network order
 * @size: 4 or 16
 * @addr: result
 *
 * Return: false if @size is another.
 */
bool bt_addr_from_bytes(const void *bytes, size_t size, struct bt_addr *addr)
{
	if (size != sizeof(struct in_addr) && size != sizeof(struct in6_addr))
		return false;
	*addr = (struct bt_addr){ .family = size == sizeof(struct in_addr) ? AF_INET : AF_INET6 };
	memcpy(addr->bytes, bytes, size);
	return true;
}

/**
 * bt_addr_size() - bytes of an address
 * @addr: address
 */
size_t bt_addr_size(const struct bt_addr *addr)
{
	switch (addr->family) {
	case AF_INET:
		return sizeof(struct in_addr);
	case AF_INET6:
		return sizeof(struct in6_addr);
	default:
		return 0;
	}
}

/**
 * bt_addr_bits() - bits of an address
 * @addr: address
 */
unsigned int bt_addr_bits(const struct bt_addr *addr)
{
	return (unsigned int)bt_addr_size(addr) * 8;
}

/**
 * bt_addr_is_any() - is it the unspecified address, or none at all?
 * @addr: address
 */
bool bt_addr_is_any(const struct bt_addr *addr)
{
	static const uint8_t zero[sizeof(addr->bytes)];

	return !memcmp(addr->bytes, zero, bt_addr_size(addr));
}

/**
 * bt_addr_cmp() - order of two addresses: IPv4 first, then by value
 * @a: address
 * @b: address
 *
 * Return: as memcmp().
 */
int bt_addr_cmp(const struct bt_addr *a, const struct bt_addr *b)
{
	if (a->family != b->family)
		return a->family < b->family ? -1 : 1;
	return memcmp(a->bytes, b->bytes, bt_addr_size(a));
}

/**
 * bt_addr_str() - address to text
 * @addr: address
 * @buf: result
 *
 * Return: @buf.
 */
const char *bt_addr_str(const struct bt_addr *addr, char buf[BT_ADDR_STRLEN])
{
	if (!bt_addr_size(addr) || !inet_ntop(addr->family, addr->bytes, buf, BT_ADDR_STRLEN))
		strcpy(buf, "any");
	return buf;
}

static int parse_len(const char *text, const struct bt_addr *addr, unsigned int *len)
{
	uint64_t value;

	/* A length is decimal, though numbers elsewhere may be hexadecimal. */
	if (text[0] == '0' && text[1])
		return -EINVAL;
	if (!bt_parse_u64(text, bt_addr_bits(addr), &value))
		return -EINVAL;
	*len = (unsigned int)value;
	return 0;
}

/**
 * bt_ifaddr_parse() - text to an address of ours in its prefix
 * @text: ADDRESS/LENGTH or ADDRESS (a single host)
 * @p: result; bits beyond the length tell the address
 * @e: says what is wrong
 *
 * Return: 0 or -EINVAL.
 */
int bt_ifaddr_parse(const char *text, struct bt_prefix *p, struct bt_error *e)
{
	const char *slash = strchr(text, '/');
	size_t size = slash ? (size_t)(slash - text) : strlen(text);
	struct bt_prefix parsed = {};
	char addr[BT_ADDR_STRLEN];

	if (size >= sizeof(addr))
		goto no_prefix;
	memcpy(addr, text, size);
	addr[size] = '\0';
	if (!bt_addr_parse(addr, &parsed.addr))
		goto no_prefix;
	parsed.len = bt_addr_bits(&parsed.addr);
	if (slash && parse_len(slash + 1, &parsed.addr, &parsed.len))
		return bt_error_set(e, -EINVAL, "\"%s\" has no prefix length from 0 to %u", text,
				    bt_addr_bits(&parsed.addr));
	*p = parsed;
	return 0;

no_prefix:
	return bt_error_set(e, -EINVAL, "\"%s\" is not an IPv4 or IPv6 prefix", text);
}

/**
 * bt_prefix_parse() - text to prefix
 * @text: ADDRESS/LENGTH, ADDRESS (a single host), or "default" (0.0.0.0/0)
 * @p: result
 * @e: says what is wrong
 *
 * Return: 0 or -EINVAL.
 */
int bt_prefix_parse(const char *text, struct bt_prefix *p, struct bt_error *e)
{
	struct bt_prefix parsed, masked;
	char good[BT_PREFIX_STRLEN];

	if (!strcmp(text, "default")) {
		*p = (struct bt_prefix){ .addr.family = AF_INET };
		return 0;
	}
	if (bt_ifaddr_parse(text, &parsed, e))
		return -EINVAL;
	if (bt_prefix_has_host_bits(&parsed)) {
		masked = parsed;
		bt_prefix_mask(&masked);
		return bt_error_set(e, -EINVAL, "\"%s\" has bits set beyond its length (not so %s)",
				    text, bt_prefix_str(&masked, good));
	}
	*p = parsed;
	return 0;
}

/**
 * bt_prefix_mask() - clear the bits that do not count
 * @p: prefix
 */
void bt_prefix_mask(struct bt_prefix *p)
{
	size_t i, size = bt_addr_size(&p->addr);

	for (i = 0; i < size; i++) {
		if (p->len >= 8 * (i + 1))
			continue;
		if (p->len <= 8 * i)
			p->addr.bytes[i] = 0;
		else
			p->addr.bytes[i] &= (uint8_t)(0xff << (8 * (i + 1) - p->len));
	}
}

/**
 * bt_prefix_has_host_bits() - are bits set that do not count?
 * @p: prefix
 */
bool bt_prefix_has_host_bits(const struct bt_prefix *p)
{
	struct bt_prefix masked = *p;

	bt_prefix_mask(&masked);
	return bt_addr_cmp(&masked.addr, &p->addr) != 0;
}

/**
 * bt_prefix_cmp() - order of two prefixes: IPv4 first, by address, shorter first
 * @a: prefix
 * @b: prefix
 *
 * Return: as memcmp().
 */
int bt_prefix_cmp(const struct bt_prefix *a, const struct bt_prefix *b)
{
	int order = bt_addr_cmp(&a->addr, &b->addr);

	if (order || a->len == b->len)
		return order;
	return a->len < b->len ? -1 : 1;
}

/**
 * bt_prefix_contains() - is an address in a prefix?
 * @p: prefix
 * @addr: address
 */
bool bt_prefix_contains(const struct bt_prefix *p, const struct bt_addr *addr)
{
	struct bt_prefix other = { .addr = *addr, .len = p->len };

	bt_prefix_mask(&other);
	return !bt_addr_cmp(&p->addr, &other.addr);
}

/**
 * bt_prefix_covers() - is every address of a prefix in another one?
 * @outer: prefix
 * @inner: prefix; the same one is covered too
 */
bool bt_prefix_covers(const struct bt_prefix *outer, const struct bt_prefix *inner)
{
	return inner->len >= outer->len && bt_prefix_contains(outer, &inner->addr);
}

/**
 * bt_prefix_str() - prefix to text
 * @p: prefix
 * @buf: result
 *
 * Return: @buf.
 */
const char *bt_prefix_str(const struct bt_prefix *p, char buf[BT_PREFIX_STRLEN])
{
	size_t len;

	bt_addr_str(&p->addr, buf);
	len = strlen(buf);
	snprintf(buf + len, BT_PREFIX_STRLEN - len, "/%u", p->len);
	return buf;
}
