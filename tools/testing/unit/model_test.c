// SPDX-License-Identifier: GPL-2.0
/* lib/model.c: objects to netlink attributes and back, whatever those are. */
#include <errno.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <setjmp.h>
#include <string.h>
#include <cmocka.h>

#include <netlink/attr.h>
#include <netlink/msg.h>

#include "model.h"

static struct nl_msg *msg_new(void)
{
	struct nl_msg *msg = nlmsg_alloc_simple(100, 0);

	assert_non_null(msg);
	return msg;
}

static int get(const struct bt_object *o, void *obj, struct nl_msg *msg)
{
	struct nlmsghdr *nlh = nlmsg_hdr(msg);

	return bt_object_get(o, obj, nlmsg_attrdata(nlh, 0), nlmsg_attrlen(nlh, 0));
}

static void set(struct bt_tunnel *t, const char *word, const char *text)
{
	assert_int_equal(bt_object_parse(&bt_tunnel_object, t, word, text, NULL), 0);
}

static void tunnel_round_trip(void **state)
{
	struct nl_msg *msg = msg_new();
	struct bt_tunnel t = {}, back = {};

	set(&t, "id", "63");
	set(&t, "name", "fifteen-letters");
	set(&t, "if-id", "4294967295");
	set(&t, "local", "2001:db8::1");
	set(&t, "remote", "2001:db8::2");
	set(&t, "inside-local", "169.254.21.2");
	set(&t, "inside-peer", "fd00::1");
	set(&t, "weight", "9");
	set(&t, "mark", "0xffffffff");
	set(&t, "admin", "down");
	set(&t, "selector", "10.0.0.0/8 0.0.0.0/0");
	set(&t, "selector", "fd00::/8 ::/0");
	assert_int_equal(bt_object_put(&bt_tunnel_object, &t, msg), 0);
	assert_int_equal(get(&bt_tunnel_object, &back, msg), 0);
	assert_int_equal(back.set, t.set);
	assert_int_equal(back.id, 63);
	assert_string_equal(back.name, "fifteen-letters");
	assert_int_equal(back.selectors.n, 2);
	assert_false(bt_object_diff(&bt_tunnel_object, &t, &back, NULL));
	assert_false(bt_object_diff(&bt_tunnel_object, &back, &t, NULL));
	bt_object_free(&bt_tunnel_object, &t);
	bt_object_free(&bt_tunnel_object, &back);
	nlmsg_free(msg);
}

/* An empty list says "no selectors"; none at all leaves them alone. */
static void empty_list_is_sent(void **state)
{
	struct nl_msg *msg = msg_new();
	struct bt_tunnel t = {}, back = {};

	assert_int_equal(bt_object_put(&bt_tunnel_object, &t, msg), 0);
	assert_int_equal(nlmsg_attrlen(nlmsg_hdr(msg), 0), 0);
	set(&t, "selector", "none");
	assert_int_equal(bt_object_put(&bt_tunnel_object, &t, msg), 0);
	assert_int_equal(nlmsg_attrlen(nlmsg_hdr(msg), 0), NLA_HDRLEN);
	assert_int_equal(get(&bt_tunnel_object, &back, msg), 0);
	assert_int_equal(back.set, BT_BIT(BOWTIE_A_TUNNEL_SELECTORS));
	nlmsg_free(msg);
}

static void route_round_trip(void **state)
{
	struct nl_msg *msg = msg_new();
	struct bt_route r = {}, back = {};
	struct bt_nexthop *nh;

	bt_object_parse(&bt_route_object, &r, "dst", "10.0.0.0/8", NULL);
	nh = bt_array_add(&r.nexthops);
	nh->set = BT_BIT(BOWTIE_A_NEXTHOP_TUNNEL);
	nh = bt_array_add(&r.nexthops);
	nh->tunnel = 5;
	nh->weight = 3;
	nh->tier = 1;
	nh->set = BT_BIT(BOWTIE_A_NEXTHOP_TUNNEL) | BT_BIT(BOWTIE_A_NEXTHOP_WEIGHT) |
		  BT_BIT(BOWTIE_A_NEXTHOP_TIER);
	r.set |= BT_BIT(BOWTIE_A_ROUTE_NEXTHOP);
	/* What the kernel told earlier is not sent back. */
	r.group = 7;
	r.set |= BT_BIT(BOWTIE_A_ROUTE_GROUP);
	assert_int_equal(bt_object_put(&bt_route_object, &r, msg), 0);
	assert_int_equal(get(&bt_route_object, &back, msg), 0);
	assert_int_equal(back.set, BT_BIT(BOWTIE_A_ROUTE_DST) | BT_BIT(BOWTIE_A_ROUTE_NEXTHOP));
	assert_int_equal(bt_prefix_cmp(&back.dst, &r.dst), 0);
	assert_int_equal(back.nexthops.n, 2);
	assert_int_equal(back.nexthops.v[0].set, BT_BIT(BOWTIE_A_NEXTHOP_TUNNEL));
	assert_int_equal(back.nexthops.v[1].tunnel, 5);
	assert_int_equal(back.nexthops.v[1].weight, 3);
	assert_false(bt_object_diff(&bt_route_object, &r, &back, NULL));
	back.nexthops.v[1].weight = 4;
	assert_true(bt_object_diff(&bt_route_object, &r, &back, NULL));
	back.nexthops.v[1].set &= ~BT_BIT(BOWTIE_A_NEXTHOP_WEIGHT);
	assert_true(bt_object_diff(&bt_route_object, &r, &back, NULL));
	assert_true(bt_object_diff(&bt_route_object, &back, &r, NULL));
	bt_object_free(&bt_route_object, &r);
	bt_object_free(&bt_route_object, &back);
	nlmsg_free(msg);
}

static void link_sends_settings_only(void **state)
{
	struct nl_msg *msg = msg_new();
	struct bt_link l = {}, back = {};

	bt_link_parse(&l, "mtu", "1400", NULL);
	bt_link_parse(&l, "fwmark", "0x64", NULL);
	l.up = true;
	l.tunnels = 4;
	l.set |= BT_BIT(BT_LINK_UP) | BT_BIT(BOWTIE_A_LINK_TUNNELS);
	assert_int_equal(bt_object_put(&bt_link_object, &l, msg), 0);
	assert_int_equal(get(&bt_link_object, &back, msg), 0);
	assert_int_equal(back.set, BT_BIT(BOWTIE_A_LINK_FWMARK) | BT_BIT(BOWTIE_A_LINK_MTU_AUTO));
	assert_int_equal(back.fwmark, 0x64);
	assert_false(back.mtu_auto);
	nlmsg_free(msg);
}

static void everything_of_an_sa(void **state)
{
	struct nl_msg *msg = msg_new();
	struct bt_sa sa = {};

	nla_put_u32(msg, BOWTIE_A_SA_TUNNEL, 3);
	nla_put_u32(msg, BOWTIE_A_SA_DIR, BOWTIE_SA_OUT);
	nla_put_u32(msg, BOWTIE_A_SA_SPI, 0xc0ffee01);
	nla_put(msg, BOWTIE_A_SA_SRC, 4, "\xc0\x00\x02\x01");
	nla_put_u32(msg, BOWTIE_A_SA_CURRENT, 1);
	nla_put_u32(msg, BOWTIE_A_SA_VALID, 0);
	nla_put_string(msg, BOWTIE_A_SA_ALGORITHM, "rfc4106(gcm(aes))");
	nla_put_u64(msg, BOWTIE_A_SA_BYTES, UINT64_MAX);
	/* of a newer module */
	nla_put_u32(msg, BOWTIE_A_SA_MAX + 1, 1);
	nla_put_u32(msg, 200, 1);
	assert_int_equal(get(&bt_sa_object, &sa, msg), 0);
	assert_int_equal(sa.tunnel, 3);
	assert_int_equal(sa.dir, BOWTIE_SA_OUT);
	assert_int_equal(sa.spi, 0xc0ffee01);
	assert_true(sa.current);
	assert_false(sa.valid);
	assert_string_equal(sa.algorithm, "rfc4106(gcm(aes))");
	assert_true(sa.bytes == UINT64_MAX);
	assert_int_equal(sa.src.family, AF_INET);
	/* A second time over the first. */
	assert_int_equal(get(&bt_sa_object, &sa, msg), 0);
	bt_object_free(&bt_sa_object, &sa);
	nlmsg_free(msg);
}

static void assert_broken(const struct bt_object *o, void *obj, struct nl_msg *msg)
{
	assert_int_equal(get(o, obj, msg), -EBADMSG);
	bt_object_free(o, obj);
	nlmsg_free(msg);
}

/* Attributes of a size that they do not have. */
static void broken_attributes(void **state)
{
	struct bt_tunnel t = {};
	struct bt_route r = {};
	struct bt_link l = {};
	struct nl_msg *msg;
	struct nlattr *nest;

	msg = msg_new();
	nla_put_u64(msg, BOWTIE_A_TUNNEL_IF_ID, 1);
	assert_broken(&bt_tunnel_object, &t, msg);

	msg = msg_new();
	nla_put(msg, BOWTIE_A_TUNNEL_LOCAL, 5, "12345");
	assert_broken(&bt_tunnel_object, &t, msg);

	msg = msg_new();
	nla_put(msg, BOWTIE_A_TUNNEL_NAME, 16, "sixteen-letters-");
	assert_broken(&bt_tunnel_object, &t, msg);

	msg = msg_new();
	nla_put(msg, BOWTIE_A_LINK_HAIRPIN, 1, "1");
	assert_broken(&bt_link_object, &l, msg);

	msg = msg_new();
	nla_put(msg, BOWTIE_A_ROUTE_DST, 4, "\x0a\x00\x00\x00");
	nla_put_u32(msg, BOWTIE_A_ROUTE_LEN, 33);
	assert_broken(&bt_route_object, &r, msg);

	/* Inside a list, behind a good element. */
	msg = msg_new();
	nest = nla_nest_start(msg, BOWTIE_A_ROUTE_NEXTHOP);
	nla_put_u32(msg, BOWTIE_A_NEXTHOP_TUNNEL, 1);
	nla_nest_end(msg, nest);
	nest = nla_nest_start(msg, BOWTIE_A_ROUTE_NEXTHOP);
	nla_put_u16(msg, BOWTIE_A_NEXTHOP_TUNNEL, 1);
	nla_nest_end(msg, nest);
	assert_broken(&bt_route_object, &r, msg);
}

static void name_without_end(void **state)
{
	struct nl_msg *msg = msg_new();
	struct bt_tunnel t = {};

	/* Not all that the kernel sends as a string has its zero byte. */
	nla_put(msg, BOWTIE_A_TUNNEL_NAME, 3, "abc");
	assert_int_equal(get(&bt_tunnel_object, &t, msg), 0);
	assert_string_equal(t.name, "abc");
	nlmsg_free(msg);
}

static void full_message(void **state)
{
	struct nl_msg *msg = nlmsg_alloc_size(NLMSG_HDRLEN + 64);
	struct bt_tunnel t = {};
	int before;

	nlmsg_put(msg, 0, 0, 100, 0, 0);
	set(&t, "selector", "fd00::/8 ::/0");
	set(&t, "selector", "fd00::/8 ::/0");
	before = nlmsg_attrlen(nlmsg_hdr(msg), 0);
	assert_int_equal(bt_object_put_nest(&bt_tunnel_object, &t, msg, 1), -EMSGSIZE);
	/* Nothing is left of it. */
	assert_int_equal(nlmsg_attrlen(nlmsg_hdr(msg), 0), before);
	bt_object_free(&bt_tunnel_object, &t);
	nlmsg_free(msg);
}

static void families_of_any(void **state)
{
	struct bt_tunnel t = {};
	struct nl_msg *msg = msg_new();

	set(&t, "local", "any");
	set(&t, "remote", "2001:db8::1");
	assert_int_equal(bt_object_put(&bt_tunnel_object, &t, msg), -EAFNOSUPPORT);
	bt_tunnel_fix_families(&t, AF_INET);
	assert_int_equal(t.local.family, AF_INET6);
	assert_int_equal(bt_object_put(&bt_tunnel_object, &t, msg), 0);

	set(&t, "local", "192.0.2.1");
	set(&t, "remote", "any");
	bt_tunnel_fix_families(&t, AF_INET6);
	assert_int_equal(t.remote.family, AF_INET);

	set(&t, "local", "any");
	set(&t, "remote", "any");
	bt_tunnel_fix_families(&t, AF_INET6);
	assert_int_equal(t.local.family, AF_INET6);
	assert_int_equal(t.remote.family, AF_INET6);

	set(&t, "local", "any");
	set(&t, "remote", "any");
	bt_tunnel_fix_families(&t, AF_UNSPEC);
	assert_int_equal(t.local.family, AF_INET);
	nlmsg_free(msg);
}

static void order_of_routes(void **state)
{
	struct bt_route a = { .dev.ifindex = 1 }, b = { .dev.ifindex = 2 };

	bt_prefix_parse("::/0", &a.dst, NULL);
	bt_prefix_parse("10.0.0.0/8", &b.dst, NULL);
	assert_true(bt_route_cmp(&a, &b) < 0);
	assert_true(bt_route_cmp(&b, &a) > 0);
	b.dev.ifindex = 1;
	assert_true(bt_route_cmp(&a, &b) > 0);
	assert_int_equal(bt_route_cmp(&a, &a), 0);
}

static void find_a_tunnel(void **state)
{
	struct bt_tunnel v[] = {
		{ .dev.ifindex = 1, .id = 5 }, { .dev.ifindex = 2, .id = 5 },
	};
	struct bt_tunnels tunnels = { v, BT_ARRAY_SIZE(v) };

	assert_ptr_equal(bt_tunnels_by_id(&tunnels, 2, 5), &v[1]);
	assert_ptr_equal(bt_tunnels_by_id(&tunnels, 0, 5), &v[0]);
	assert_null(bt_tunnels_by_id(&tunnels, 2, 4));
	assert_null(bt_tunnels_by_id(&tunnels, 3, 5));
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(tunnel_round_trip),
		cmocka_unit_test(empty_list_is_sent),
		cmocka_unit_test(route_round_trip),
		cmocka_unit_test(link_sends_settings_only),
		cmocka_unit_test(everything_of_an_sa),
		cmocka_unit_test(broken_attributes),
		cmocka_unit_test(name_without_end),
		cmocka_unit_test(full_message),
		cmocka_unit_test(families_of_any),
		cmocka_unit_test(order_of_routes),
		cmocka_unit_test(find_a_tunnel),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
