// SPDX-License-Identifier: GPL-2.0
/* lib/addr.c: addresses and prefixes as text, their order, what contains what. */
#include <errno.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <setjmp.h>
#include <string.h>
#include <cmocka.h>

#include "addr.h"
#include "util.h"

static struct bt_addr addr(const char *text)
{
	struct bt_addr a;

	assert_true(bt_addr_parse(text, &a));
	return a;
}

static struct bt_prefix prefix(const char *text)
{
	struct bt_prefix p;

	assert_int_equal(bt_prefix_parse(text, &p, NULL), 0);
	return p;
}

static void addr_text(void **state)
{
	static const struct {
		const char *in, *out;
	} good[] = {
		{ "192.0.2.1", "192.0.2.1" },
		{ "0.0.0.0", "0.0.0.0" },
		{ "255.255.255.255", "255.255.255.255" },
		{ "2001:DB8:0:0::1", "2001:db8::1" },
		{ "::", "::" },
		{ "::ffff:192.0.2.1", "::ffff:192.0.2.1" },
		{ "fe80:1:2:3:4:5:6:7", "fe80:1:2:3:4:5:6:7" },
	};
	char buf[BT_ADDR_STRLEN];
	struct bt_addr a;
	size_t i;

	for (i = 0; i < BT_ARRAY_SIZE(good); i++) {
		a = addr(good[i].in);
		assert_string_equal(bt_addr_str(&a, buf), good[i].out);
	}
}

static void addr_refused(void **state)
{
	static const char *const bad[] = {
		"", " ", "192.0.2", "192.0.2.256", "192.0.2.1.", "192.0.2.1 ", " 192.0.2.1",
		"192.0.2.01", "0x7f.1", "1", "192.0.2.1/32", ":", ":::", "1:2:3:4:5:6:7:8:9",
		"2001:db8::1%eth0", "g::", "any", "[::1]", "localhost",
	};
	struct bt_addr a = { .family = 99 };
	size_t i;

	for (i = 0; i < BT_ARRAY_SIZE(bad); i++)
		assert_false(bt_addr_parse(bad[i], &a));
	assert_int_equal(a.family, 99);
}

static void addr_properties(void **state)
{
	struct bt_addr v4 = addr("192.0.2.1"), v6 = addr("2001:db8::1");
	struct bt_addr any4 = addr("0.0.0.0"), any6 = addr("::"), none = {};
	char buf[BT_ADDR_STRLEN];

	assert_int_equal(bt_addr_size(&v4), 4);
	assert_int_equal(bt_addr_size(&v6), 16);
	assert_int_equal(bt_addr_size(&none), 0);
	assert_int_equal(bt_addr_bits(&v4), 32);
	assert_int_equal(bt_addr_bits(&v6), 128);
	assert_false(bt_addr_is_any(&v4));
	assert_false(bt_addr_is_any(&v6));
	assert_true(bt_addr_is_any(&any4));
	assert_true(bt_addr_is_any(&any6));
	assert_true(bt_addr_is_any(&none));
	assert_string_equal(bt_addr_str(&none, buf), "any");
}

static void addr_bytes(void **state)
{
	static const uint8_t bytes[17] = { 192, 0, 2, 1 };
	struct bt_addr a, v4 = addr("192.0.2.1");

	assert_true(bt_addr_from_bytes(bytes, 4, &a));
	assert_int_equal(bt_addr_cmp(&a, &v4), 0);
	assert_true(bt_addr_from_bytes(bytes, 16, &a));
	assert_int_equal(a.family, AF_INET6);
	assert_false(bt_addr_from_bytes(bytes, 0, &a));
	assert_false(bt_addr_from_bytes(bytes, 5, &a));
	assert_false(bt_addr_from_bytes(bytes, 17, &a));
}

static void addr_order(void **state)
{
	static const char *const sorted[] = {
		"0.0.0.0", "10.0.0.1", "10.0.0.2", "192.0.2.1", "255.255.255.255",
		"::", "::1", "2001:db8::", "ffff::",
	};
	struct bt_addr a, b;
	size_t i, j;

	for (i = 0; i < BT_ARRAY_SIZE(sorted); i++) {
		for (j = 0; j < BT_ARRAY_SIZE(sorted); j++) {
			a = addr(sorted[i]);
			b = addr(sorted[j]);
			assert_int_equal(bt_addr_cmp(&a, &b) < 0, i < j);
			assert_int_equal(bt_addr_cmp(&a, &b) > 0, i > j);
		}
	}
}

static void prefix_text(void **state)
{
	static const struct {
		const char *in, *out;
	} good[] = {
		{ "10.0.0.0/8", "10.0.0.0/8" },
		{ "10.1.2.3", "10.1.2.3/32" },
		{ "10.1.2.3/32", "10.1.2.3/32" },
		{ "0.0.0.0/0", "0.0.0.0/0" },
		{ "default", "0.0.0.0/0" },
		{ "::/0", "::/0" },
		{ "2001:db8::/33", "2001:db8::/33" },
		{ "2001:db8::1", "2001:db8::1/128" },
		{ "255.255.255.254/31", "255.255.255.254/31" },
		{ "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff/128",
		  "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff/128" },
	};
	char buf[BT_PREFIX_STRLEN];
	struct bt_prefix p;
	size_t i;

	for (i = 0; i < BT_ARRAY_SIZE(good); i++) {
		p = prefix(good[i].in);
		assert_string_equal(bt_prefix_str(&p, buf), good[i].out);
		assert_false(bt_prefix_has_host_bits(&p));
	}
}

static void prefix_refused(void **state)
{
	static const struct {
		const char *text, *why;
	} bad[] = {
		{ "", "\"\" is not an IPv4 or IPv6 prefix" },
		{ "/8", "\"/8\" is not an IPv4 or IPv6 prefix" },
		{ "10.0.0.0/", "\"10.0.0.0/\" has no prefix length from 0 to 32" },
		{ "10.0.0.0/33", "\"10.0.0.0/33\" has no prefix length from 0 to 32" },
		{ "10.0.0.0/08", "\"10.0.0.0/08\" has no prefix length from 0 to 32" },
		{ "10.0.0.0/0x8", "\"10.0.0.0/0x8\" has no prefix length from 0 to 32" },
		{ "10.0.0.0/-1", "\"10.0.0.0/-1\" has no prefix length from 0 to 32" },
		{ "10.0.0.0/8/8", "\"10.0.0.0/8/8\" has no prefix length from 0 to 32" },
		{ "10.0.0.0/255.0.0.0",
		  "\"10.0.0.0/255.0.0.0\" has no prefix length from 0 to 32" },
		{ "::/129", "\"::/129\" has no prefix length from 0 to 128" },
		{ "10.0.0.1/8", "\"10.0.0.1/8\" has bits set beyond its length (not so 10.0.0.0/8)" },
		{ "2001:db8::1/64",
		  "\"2001:db8::1/64\" has bits set beyond its length (not so 2001:db8::/64)" },
		{ "nonsense", "\"nonsense\" is not an IPv4 or IPv6 prefix" },
		{ "1111:1111:1111:1111:1111:1111:1111:1111:1111:1111:1111/64",
		  "\"1111:1111:1111:1111:1111:1111:1111:1111:1111:1111:1111/64\" is not an IPv4 or IPv6 prefix" },
	};
	struct bt_prefix p = { .len = 77 };
	struct bt_error e = {};
	size_t i;

	for (i = 0; i < BT_ARRAY_SIZE(bad); i++) {
		assert_int_equal(bt_prefix_parse(bad[i].text, &p, &e), -EINVAL);
		assert_string_equal(e.text, bad[i].why);
		assert_int_equal(e.code, -EINVAL);
	}
	assert_int_equal(p.len, 77);
	bt_error_free(&e);
}

/* Every length of both families: what remains is exactly the leading bits. */
static void prefix_mask(void **state)
{
	static const char *const ones[] = {
		"255.255.255.255", "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff",
	};
	struct bt_prefix p;
	unsigned int len, bit, i;

	for (i = 0; i < BT_ARRAY_SIZE(ones); i++) {
		p.addr = addr(ones[i]);
		for (len = 0; len <= bt_addr_bits(&p.addr); len++) {
			p.addr = addr(ones[i]);
			p.len = len;
			assert_int_equal(bt_prefix_has_host_bits(&p), len < bt_addr_bits(&p.addr));
			bt_prefix_mask(&p);
			assert_false(bt_prefix_has_host_bits(&p));
			for (bit = 0; bit < bt_addr_bits(&p.addr); bit++)
				assert_int_equal(p.addr.bytes[bit / 8] >> (7 - bit % 8) & 1,
						 bit < len);
		}
	}
}

static void prefix_order(void **state)
{
	static const char *const sorted[] = {
		"0.0.0.0/0", "0.0.0.0/1", "10.0.0.0/8", "10.0.0.0/9", "10.128.0.0/9",
		"::/0", "::/1", "::1/128", "2001:db8::/32",
	};
	struct bt_prefix a, b;
	size_t i, j;

	for (i = 0; i < BT_ARRAY_SIZE(sorted); i++) {
		for (j = 0; j < BT_ARRAY_SIZE(sorted); j++) {
			a = prefix(sorted[i]);
			b = prefix(sorted[j]);
			assert_int_equal(bt_prefix_cmp(&a, &b) < 0, i < j);
			assert_int_equal(bt_prefix_cmp(&a, &b) > 0, i > j);
		}
	}
}

static void prefix_containment(void **state)
{
	static const struct {
		const char *outer, *inner;
		bool covers;
	} cases[] = {
		{ "10.0.0.0/8", "10.1.2.3/32", true },
		{ "10.0.0.0/8", "11.0.0.0/32", false },
		{ "10.0.0.0/8", "10.0.0.0/8", true },
		{ "10.0.0.0/8", "10.0.0.0/7", false },
		{ "0.0.0.0/0", "255.255.255.255/32", true },
		{ "0.0.0.0/0", "::/0", false },
		{ "::/0", "0.0.0.0/0", false },
		{ "::/0", "2001:db8::1/128", true },
		{ "2001:db8::/33", "2001:db8:7fff::/48", true },
		{ "2001:db8::/33", "2001:db8:8000::/48", false },
	};
	struct bt_prefix outer, inner;
	size_t i;

	for (i = 0; i < BT_ARRAY_SIZE(cases); i++) {
		outer = prefix(cases[i].outer);
		inner = prefix(cases[i].inner);
		assert_int_equal(bt_prefix_covers(&outer, &inner), cases[i].covers);
		if (inner.len == bt_addr_bits(&inner.addr))
			assert_int_equal(bt_prefix_contains(&outer, &inner.addr), cases[i].covers);
	}
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(addr_text),
		cmocka_unit_test(addr_refused),
		cmocka_unit_test(addr_properties),
		cmocka_unit_test(addr_bytes),
		cmocka_unit_test(addr_order),
		cmocka_unit_test(prefix_text),
		cmocka_unit_test(prefix_refused),
		cmocka_unit_test(prefix_mask),
		cmocka_unit_test(prefix_order),
		cmocka_unit_test(prefix_containment),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
