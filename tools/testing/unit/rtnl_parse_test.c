// SPDX-License-Identifier: GPL-2.0
/* rtnetlink's messages about addresses, routes and devices: whole, cut off, and wrong. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <arpa/inet.h>
#include <linux/if_addr.h>
#include <linux/rtnetlink.h>
#include <netlink/attr.h>
#include <netlink/msg.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/names.h"
#include "daemon/rtnl_parse.h"
#include "util.h"

#define IFA_PROTO_	11	/* IFA_PROTO: newer than the libc's headers */

static void put_addr(struct nl_msg *msg, int type, const char *text)
{
	struct bt_addr a;

	assert_true(bt_addr_parse(text, &a));
	assert_int_equal(nla_put(msg, type, a.family == AF_INET ? 4 : 16, a.bytes), 0);
}

static struct nl_msg *message(uint16_t type, const void *head, size_t len)
{
	struct nl_msg *msg = nlmsg_alloc();

	assert_non_null(msg);
	assert_non_null(nlmsg_put(msg, 0, 0, type, 0, 0));
	assert_int_equal(nlmsg_append(msg, (void *)(uintptr_t)head, len, NLMSG_ALIGNTO), 0);
	return msg;
}

static struct nl_msg *route_message(uint8_t family, uint8_t len, uint8_t table)
{
	const struct rtmsg rtm = {
		.rtm_family = family, .rtm_dst_len = len, .rtm_table = table,
		.rtm_protocol = RTPROT_BIRD, .rtm_type = RTN_UNICAST,
	};

	return message(RTM_NEWROUTE, &rtm, sizeof(rtm));
}

static void put_hop(struct nl_msg *msg, int ifindex, uint8_t hops, const char *gateway)
{
	struct rtnexthop *nh = nlmsg_reserve(msg, sizeof(*nh), NLMSG_ALIGNTO);
	char *end;

	assert_non_null(nh);
	*nh = (struct rtnexthop){ .rtnh_ifindex = ifindex, .rtnh_hops = hops };
	if (gateway)
		put_addr(msg, RTA_GATEWAY, gateway);
	end = (char *)nlmsg_hdr(msg) + NLMSG_ALIGN(nlmsg_hdr(msg)->nlmsg_len);
	nh->rtnh_len = (unsigned short)(end - (char *)nh);
}

static struct nl_msg *multipath(void)
{
	struct nl_msg *msg = route_message(AF_INET, 16, RT_TABLE_COMPAT);
	struct nlattr *nest;

	put_addr(msg, RTA_DST, "10.2.0.0");
	nla_put_u32(msg, RTA_TABLE, 4711);
	nla_put_u32(msg, RTA_PRIORITY, 32);
	nest = nla_nest_start(msg, RTA_MULTIPATH);
	put_hop(msg, 7, 0, "169.254.21.1");
	put_hop(msg, 7, 4, "169.254.21.5");
	put_hop(msg, 9, 0, NULL);
	nla_nest_end(msg, nest);
	return msg;
}

static void test_multipath(void **state)
{
	struct nl_msg *msg = multipath();
	struct bt_fact_route r;
	char buf[BT_PREFIX_STRLEN];

	assert_true(bt_rtnl_parse_route(nlmsg_hdr(msg), &r));
	assert_string_equal(bt_prefix_str(&r.dst, buf), "10.2.0.0/16");
	assert_int_equal(r.table, 4711);
	assert_int_equal(r.metric, 32);
	assert_int_equal(r.protocol, RTPROT_BIRD);
	assert_int_equal(r.hops.n, 3);
	assert_int_equal(r.hops.v[0].weight, 1);
	assert_int_equal(r.hops.v[1].weight, 5);
	assert_string_equal(bt_addr_str(&r.hops.v[1].gateway, buf), "169.254.21.5");
	assert_int_equal(r.hops.v[2].ifindex, 9);
	assert_int_equal(r.hops.v[2].gateway.family, AF_UNSPEC);
	free(r.hops.v);
	nlmsg_free(msg);
}

static void test_single(void **state)
{
	struct nl_msg *msg = route_message(AF_INET6, 0, RT_TABLE_MAIN);
	struct bt_fact_route r;
	char buf[BT_PREFIX_STRLEN];

	put_addr(msg, RTA_GATEWAY, "fd00::1");
	nla_put_u32(msg, RTA_OIF, 3);
	assert_true(bt_rtnl_parse_route(nlmsg_hdr(msg), &r));
	assert_string_equal(bt_prefix_str(&r.dst, buf), "::/0");
	assert_int_equal(r.table, RT_TABLE_MAIN);
	assert_int_equal(r.hops.n, 1);
	assert_int_equal(r.hops.v[0].ifindex, 3);
	free(r.hops.v);
	nlmsg_free(msg);
}

/* RFC 8950: an IPv4 route by an IPv6 next hop */
static void test_via(void **state)
{
	struct nl_msg *msg = route_message(AF_INET, 8, RT_TABLE_MAIN);
	struct { struct rtvia via; uint8_t addr[16]; } via = { .via = { .rtvia_family = AF_INET6 } };
	struct bt_fact_route r;

	put_addr(msg, RTA_DST, "10.0.0.0");
	nla_put_u32(msg, RTA_OIF, 3);
	via.addr[0] = 0xfd;
	nla_put(msg, RTA_VIA, sizeof(via.via) + 16, &via);
	assert_true(bt_rtnl_parse_route(nlmsg_hdr(msg), &r));
	assert_int_equal(r.hops.v[0].gateway.family, AF_INET6);
	free(r.hops.v);
	nlmsg_free(msg);
}

/* "ip route replace unreachable" is told by this message alone. */
static void test_nowhere(void **state)
{
	struct nl_msg *msg = multipath();
	struct bt_fact_route r;

	((struct rtmsg *)nlmsg_data(nlmsg_hdr(msg)))->rtm_type = RTN_UNREACHABLE;
	assert_true(bt_rtnl_parse_route(nlmsg_hdr(msg), &r));
	assert_int_equal(r.table, 4711);
	assert_int_equal(r.hops.n, 0);
	nlmsg_free(msg);
}

static void not_a_route(struct nl_msg *msg)
{
	struct bt_fact_route r;

	assert_false(bt_rtnl_parse_route(nlmsg_hdr(msg), &r));
	assert_null(r.hops.v);
	nlmsg_free(msg);
}

static void test_not_routes(void **state)
{
	struct nl_msg *msg = route_message(AF_INET, 16, RT_TABLE_MAIN);

	not_a_route(msg);	/* a length, and no destination */
	msg = route_message(AF_INET, 33, RT_TABLE_MAIN);
	put_addr(msg, RTA_DST, "10.0.0.0");
	not_a_route(msg);
	msg = route_message(AF_INET, 16, RT_TABLE_MAIN);
	put_addr(msg, RTA_DST, "fd00::");
	not_a_route(msg);
	msg = route_message(AF_INET, 0, RT_TABLE_MAIN);
	put_addr(msg, RTA_GATEWAY, "fd00::1");
	nla_put_u32(msg, RTA_OIF, 3);
	not_a_route(msg);
	msg = route_message(AF_PACKET, 0, RT_TABLE_MAIN);
	not_a_route(msg);
	msg = route_message(AF_INET, 0, RT_TABLE_MAIN);
	((struct rtmsg *)nlmsg_data(nlmsg_hdr(msg)))->rtm_type = RTN_LOCAL;
	not_a_route(msg);
	msg = route_message(AF_INET, 0, RT_TABLE_MAIN);
	((struct rtmsg *)nlmsg_data(nlmsg_hdr(msg)))->rtm_flags = RTM_F_CLONED;
	not_a_route(msg);
}

/* A next hop that says it is shorter than its head, or longer than the rest */
static void test_bad_next_hops(void **state)
{
	static const unsigned short lens[] = { 0, 1, 7, 200, 0xffff };
	struct rtnexthop *nh;
	struct nlattr *attr;
	struct nl_msg *msg;
	size_t i;

	for (i = 0; i < BT_ARRAY_SIZE(lens); i++) {
		msg = multipath();
		attr = nlmsg_find_attr(nlmsg_hdr(msg), sizeof(struct rtmsg), RTA_MULTIPATH);
		nh = nla_data(attr);
		nh->rtnh_len = lens[i];
		not_a_route(msg);
	}
}

/* In memory of exactly the size, so that the sanitizer sees every byte beyond. */
static struct nlmsghdr *cut(struct nl_msg *msg, size_t len)
{
	struct nlmsghdr *copy = bt_alloc(len < sizeof(*copy) ? sizeof(*copy) : len);

	memcpy(copy, nlmsg_hdr(msg), len);
	copy->nlmsg_len = (uint32_t)len;
	return copy;
}

static void test_cut_off(void **state)
{
	struct nl_msg *msg = multipath();
	struct bt_fact_route r;
	struct bt_fact_addr a;
	bool ours;
	int ifindex;
	size_t len;

	for (len = sizeof(struct nlmsghdr); len < nlmsg_hdr(msg)->nlmsg_len; len++) {
		struct nlmsghdr *copy = cut(msg, len);

		if (bt_rtnl_parse_route(copy, &r))
			free(r.hops.v);
		bt_rtnl_parse_addr(copy, &ifindex, &a);
		bt_rtnl_parse_alias(copy, &ifindex, &ours);
		free(copy);
	}
	nlmsg_free(msg);
}

static struct nl_msg *addr_message(uint8_t family, uint8_t len)
{
	const struct ifaddrmsg ifa = { .ifa_family = family, .ifa_prefixlen = len,
				       .ifa_index = 5 };

	return message(RTM_NEWADDR, &ifa, sizeof(ifa));
}

static void test_addr(void **state)
{
	struct nl_msg *msg = addr_message(AF_INET, 30);
	struct bt_fact_addr a;
	char buf[BT_PREFIX_STRLEN];
	int ifindex;

	/* Point to point: ours is IFA_LOCAL */
	put_addr(msg, IFA_ADDRESS, "169.254.21.1");
	put_addr(msg, IFA_LOCAL, "169.254.21.2");
	assert_true(bt_rtnl_parse_addr(nlmsg_hdr(msg), &ifindex, &a));
	assert_int_equal(ifindex, 5);
	assert_string_equal(bt_prefix_str(&a.p, buf), "169.254.21.2/30");
	assert_false(a.ours);
	nla_put_u8(msg, IFA_PROTO_, BT_ADDRPROT);
	assert_true(bt_rtnl_parse_addr(nlmsg_hdr(msg), &ifindex, &a));
	assert_true(a.ours);
	nlmsg_free(msg);

	msg = addr_message(AF_INET6, 126);
	put_addr(msg, IFA_ADDRESS, "fd00::2");
	assert_true(bt_rtnl_parse_addr(nlmsg_hdr(msg), &ifindex, &a));
	assert_string_equal(bt_prefix_str(&a.p, buf), "fd00::2/126");
	nlmsg_free(msg);

	msg = addr_message(AF_INET, 30);
	assert_false(bt_rtnl_parse_addr(nlmsg_hdr(msg), &ifindex, &a));
	put_addr(msg, IFA_LOCAL, "fd00::2");
	assert_false(bt_rtnl_parse_addr(nlmsg_hdr(msg), &ifindex, &a));
	nlmsg_free(msg);
}

static void test_alias(void **state)
{
	const struct ifinfomsg ifi = { .ifi_index = 6 };
	struct nl_msg *msg = message(RTM_NEWLINK, &ifi, sizeof(ifi));
	bool ours = true;
	int ifindex;

	assert_true(bt_rtnl_parse_alias(nlmsg_hdr(msg), &ifindex, &ours));
	assert_int_equal(ifindex, 6);
	assert_false(ours);
	nla_put_string(msg, IFLA_IFALIAS, BT_LINK_ALIAS);
	assert_true(bt_rtnl_parse_alias(nlmsg_hdr(msg), &ifindex, &ours));
	assert_true(ours);
	nlmsg_free(msg);
	/* Not terminated */
	msg = message(RTM_NEWLINK, &ifi, sizeof(ifi));
	nla_put(msg, IFLA_IFALIAS, 2, BT_LINK_ALIAS);
	assert_true(bt_rtnl_parse_alias(nlmsg_hdr(msg), &ifindex, &ours));
	assert_false(ours);
	nlmsg_free(msg);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_multipath),
		cmocka_unit_test(test_single),
		cmocka_unit_test(test_via),
		cmocka_unit_test(test_nowhere),
		cmocka_unit_test(test_not_routes),
		cmocka_unit_test(test_bad_next_hops),
		cmocka_unit_test(test_cut_off),
		cmocka_unit_test(test_addr),
		cmocka_unit_test(test_alias),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
