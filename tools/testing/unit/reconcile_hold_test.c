// SPDX-License-Identifier: GPL-2.0
/* Prefixes that are held, so that nothing leaves by another way than their link. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <linux/rtnetlink.h>

#include "daemon/names.h"
#include "daemon/route_hold.h"
#include "world.h"

#define METRIC		(BT_HOLD_METRIC | 100)
#define HOUR		(3600 * 1000u)

/* Nothing inside, so that there is nothing to hold but what a test says. */
#define LINK(_name, _table, _id, _more)							\
	"- name: " _name "\n"								\
	"  hold_routes: on\n"								\
	"  manage: {ike: no, bgp: no}\n"						\
	"  bgp: {table: " _table "}\n"							\
	"  tunnels:\n"									\
	"  - name: a\n"									\
	"    remote: 192.0.2." _id "\n"						\
	"    if_id: " _id "\n"								\
	_more

static const char basic[] = "links:\n" LINK("bow0", "100", "1", "");

static void add_hold(struct world *w, const char *dst, uint8_t protocol, uint32_t metric)
{
	add_fib(w, dst, RT_TABLE_MAIN, protocol, metric, "");
}

/* As bgp has it: in the main table, and the module knows. */
static void learn(struct world *w, const char *dst)
{
	add_fib(w, dst, RT_TABLE_MAIN, RTPROT_BIRD, 32, "-");
	add_module(w, dst, 0);
}

static void forget(struct world *w)
{
	struct bt_fact_link *l = &w->facts.links.v[0];
	struct bt_fact_routes *routes = &w->facts.routes;
	struct bt_routes none = {};
	size_t i, n = 0;

	for (i = 0; i < routes->n; i++) {
		if (routes->v[i].protocol == RTPROT_BIRD)
			free(routes->v[i].hops.v);
		else
			routes->v[n++] = routes->v[i];
	}
	routes->n = n;
	bt_fact_link_set_routes(l, &none);
}

static uint64_t follow(struct world *w, uint64_t now)
{
	return bt_hold_follow(&w->facts, w->config, now);
}

static void test_configured(void **state)
{
	static const char text[] = "links:\n" LINK("bow0", "100", "1",
		"    inside: [{local: 169.254.21.2/30}, {local: 'fd00:21::2/126'}]\n"
		"  addresses: [10.9.0.1/24, 10.8.0.1/32, 'fe80::7/64']\n"
		"  routes: [{prefixes: [10.0.0.0/8, 0.0.0.0/0, 'fd00::/8', 192.0.0.0/8]}]\n");
	struct world *w = fit(text);

	/* Before there is a module; the device's own networks, but not single addresses. */
	w->facts.kmod = false;
	expect_ops(w, "hold routes add bow0 10.0.0.0/8, 10.9.0.0/24, 169.254.21.0/30, "
		      "fd00::/8, fd00:21::/126\n"
		      "link add bow0 up\n");
	w->facts.fib = false;
	expect_ops(w, "link add bow0 up\n");
	done(w);
}

static void test_learned(void **state)
{
	struct world *w = fit(basic);

	learn(w, "10.2.0.0/16");
	/* The same in a table of its own, and by a better metric: once. */
	add_fib(w, "10.2.0.0/16", 100, RTPROT_STATIC, 32, "-");
	add_fib(w, "10.3.0.0/16", 101, RTPROT_STATIC, 32, "-");
	add_fib(w, "10.4.0.0/16", RT_TABLE_MAIN, RTPROT_KERNEL, 0, "-");
	/* Without a way to the far end nothing would ever be learned again. */
	learn(w, "192.0.2.0/24");
	expect_ops(w, "hold routes add bow0 10.2.0.0/16\n");
	add_hold(w, "10.2.0.0/16", BT_RTPROT_LEARNED, METRIC);
	expect_ops(w, "");
	done(w);
}

static void add_ike(struct world *w, const char *remote)
{
	struct bt_fact_ike *ike = bt_array_add(&w->facts.ikes);

	ike->name = bt_strdup("bt_bow1_a");
	ike->remote = addr(remote);
}

/* Peers that the configuration does not know the address of must not be locked out. */
static void test_peer_anywhere(void **state)
{
	static const char any[] =
		"links:\n" LINK("bow0", "100", "1", "  routes: [{prefixes: 198.51.100.0/24}]\n")
		"- name: bow1\n"
		"  hold_routes: on\n"
		"  manage: {ike: no, bgp: no}\n"
		"  tunnels: [{name: a, local: 192.0.2.9, remote: any, if_id: 2}]\n";
	struct world *w = fit(any);

	add_fib(w, "198.51.100.0/24", RT_TABLE_MAIN, BT_RTPROT, 0, "-");
	add_module(w, "198.51.100.0/24", 0);
	learn(w, "10.2.0.0/16");
	learn(w, "100.64.0.0/10");
	learn(w, "172.16.0.0/11");
	learn(w, "203.0.113.0/24");
	learn(w, "fd01::/16");
	learn(w, "2001:db8::/32");
	expect_ops(w, "hold routes add bow0 198.51.100.0/24\n"
		      "hold routes add bow0 10.2.0.0/16, 100.64.0.0/10, fd01::/16\n");
	add_hold(w, "198.51.100.0/24", BT_RTPROT, METRIC);
	add_hold(w, "10.2.0.0/16", BT_RTPROT_LEARNED, METRIC);
	add_hold(w, "10.4.0.0/16", BT_RTPROT_LEARNED, METRIC);
	add_hold(w, "100.64.0.0/10", BT_RTPROT_LEARNED, METRIC);
	add_hold(w, "fd01::/16", BT_RTPROT_LEARNED, METRIC);
	expect_ops(w, "");
	/* They have spoken: what is held goes, also what is learned no more. */
	add_ike(w, "10.2.255.255");
	add_ike(w, "10.4.0.0");
	add_ike(w, "198.51.100.7");
	add_ike(w, "fd01::7");
	expect_ops(w, "hold routes del bow0 10.2.0.0/16, 10.4.0.0/16, 198.51.100.0/24, "
		      "fd01::/16\n");
	done(w);
}

/* The way to the far end of one link may lead by another link. */
static void test_far_end_of_another(void **state)
{
	static const char both[] =
		"links:\n" LINK("bow0", "100", "1", "")
		"- name: bow1\n"
		"  manage: {ike: no, bgp: no}\n"
		"  tunnels: [{name: a, remote: 203.0.113.1, if_id: 2}]\n";
	struct world *w = fit(both);

	learn(w, "203.0.113.0/24");
	learn(w, "203.0.112.0/24");
	expect_ops(w, "hold routes add bow0 203.0.112.0/24\n");
	done(w);
}

/* FRR takes the upper byte for a distance, and 255 is one that it never selects. */
static void test_metric(void **state)
{
	static const char derived[] =
		"links:\n" LINK("bow0", "7", "1", "") LINK("bow1", "0x7fffffff", "2", "")
		"- name: bow2\n";
	struct world *w = fit(derived);
	uint32_t metric;
	size_t i;

	for (i = 0; i < w->config->links.n; i++) {
		metric = bt_hold_metric(&w->config->links.v[i]);
		assert_int_equal(metric >> 24, 255);
		/* Those that an administrator may use. */
		assert_in_range(metric, 0xff000000u, 0xfffffffdu);
	}
	/* Of a version before */
	add_hold(w, "10.2.0.0/16", BT_RTPROT_LEARNED, 0x80000007);
	expect_ops(w, "hold routes del - 10.2.0.0/16\n");
	done(w);
}

/* Somebody else's routes that lead nowhere are none of ours. */
static void test_others(void **state)
{
	struct world *w = fit(basic);

	add_hold(w, "10.2.0.0/16", RTPROT_STATIC, METRIC);
	add_hold(w, "10.3.0.0/16", BT_RTPROT_LEARNED, 100);
	add_fib(w, "10.4.0.0/16", 5, BT_RTPROT_LEARNED, METRIC, "");
	expect_ops(w, "");
	done(w);
}

static void test_withdrawn(void **state)
{
	struct world *w = fit(basic);

	learn(w, "10.2.0.0/16");
	add_hold(w, "10.2.0.0/16", BT_RTPROT_LEARNED, METRIC);
	add_hold(w, "10.3.0.0/16", BT_RTPROT_LEARNED, METRIC);
	/* Nobody has looked yet: a daemon that has just begun. */
	expect_ops(w, "");
	assert_int_equal(follow(w, 5000), 5000 + HOUR);
	assert_int_equal(follow(w, 4000 + HOUR), 5000 + HOUR);
	expect_ops(w, "");
	/* Learned again in between: it begins anew. */
	learn(w, "10.3.0.0/16");
	assert_int_equal(follow(w, 4500 + HOUR), UINT64_MAX);
	forget(w);
	learn(w, "10.2.0.0/16");
	assert_int_equal(follow(w, 6000 + HOUR), 6000 + 2 * HOUR);
	assert_int_equal(follow(w, 6000 + 2 * HOUR), UINT64_MAX);
	expect_ops(w, "hold routes del bow0 10.3.0.0/16\n");
	done(w);
}

/* BIRD is gone, or the link, or all sessions are down: however long that takes. */
static void test_all_lost(void **state)
{
	struct world *w = fit(basic);

	learn(w, "10.2.0.0/16");
	add_hold(w, "10.2.0.0/16", BT_RTPROT_LEARNED, METRIC);
	add_hold(w, "10.3.0.0/16", BT_RTPROT_LEARNED, METRIC);
	follow(w, 1000);
	forget(w);
	follow(w, 1000 + 100 * (uint64_t)HOUR);
	expect_ops(w, "");
	/* From when others are there again it counts. */
	learn(w, "10.2.0.0/16");
	assert_int_equal(follow(w, 2000 + 100 * (uint64_t)HOUR), 1000 + 101 * (uint64_t)HOUR);
	expect_ops(w, "");
	bt_facts_links_clear(&w->facts);
	follow(w, 1000 + 200 * (uint64_t)HOUR);
	expect_ops(w, "link add bow0 up\n");
	w->facts.kmod = false;
	follow(w, 1000 + 300 * (uint64_t)HOUR);
	expect_ops(w, "link add bow0 up\n");
	done(w);
}

/* What was learned becomes configured, and the other way round. */
static void test_change_of_reason(void **state)
{
	static const char with[] =
		"links:\n" LINK("bow0", "100", "1", "  routes: [{prefixes: 10.2.0.0/16}]\n");
	struct world *w = fit(with);

	add_fib(w, "10.2.0.0/16", RT_TABLE_MAIN, BT_RTPROT, 0, "-");
	add_module(w, "10.2.0.0/16", 0);
	add_hold(w, "10.2.0.0/16", BT_RTPROT_LEARNED, METRIC);
	expect_ops(w, "hold routes add bow0 10.2.0.0/16\n");
	w->facts.routes.v[1].protocol = BT_RTPROT;
	expect_ops(w, "");

	/* Taken out on purpose: it goes, and last. */
	reconfigure(w, basic);
	expect_ops(w, "routes del bow0 10.2.0.0/16\n"
		      "kernel routes del bow0 10.2.0.0/16\n"
		      "hold routes del bow0 10.2.0.0/16\n");
	add_fib(w, "10.2.0.0/16", 100, RTPROT_STATIC, 32, "-");
	expect_ops(w, "hold routes add bow0 10.2.0.0/16\n"
		      "kernel routes del bow0 10.2.0.0/16\n");
	done(w);
}

static void test_switched_off(void **state)
{
	struct world *w = fit(basic);

	learn(w, "10.2.0.0/16");
	add_hold(w, "10.2.0.0/16", BT_RTPROT_LEARNED, METRIC);
	add_hold(w, "10.3.0.0/16", BT_RTPROT_LEARNED, METRIC);
	w->config->links.v[0].hold_routes = false;
	assert_int_equal(follow(w, 1000), UINT64_MAX);
	expect_ops(w, "hold routes del bow0 10.2.0.0/16, 10.3.0.0/16\n");
	done(w);
}

/* Two links may have the same prefix; when one of them goes the other's is still held. */
static void test_links(void **state)
{
	static const char both[] =
		"links:\n" LINK("bow0", "100", "1", "") LINK("bow1", "101", "2", "");
	struct world *w = fit(both);

	add_hold(w, "10.2.0.0/16", BT_RTPROT_LEARNED, METRIC);
	add_hold(w, "10.2.0.0/16", BT_RTPROT_LEARNED, METRIC + 1);
	add_hold(w, "10.3.0.0/16", BT_RTPROT, METRIC + 2);
	expect_ops(w, "hold routes del - 10.3.0.0/16\n");
	w->facts.routes.n = 2;
	reconfigure(w, basic);
	expect_ops(w, "link del bow1\n"
		      "hold routes del - 10.2.0.0/16\n");
	done(w);
}

/* However many there are, so many are held, and those that are learned now come first. */
static void test_bounded(void **state)
{
	struct world *w = fit(basic);
	struct bt_far_ends far = {};
	struct bt_holds want;
	char dst[32];
	int i;

	for (i = 0; i < BT_HOLD_MAX + 7; i++) {
		snprintf(dst, sizeof(dst), "10.%d.%d.0/24", i >> 8, i & 255);
		add_fib(w, dst, 100, RTPROT_STATIC, 32, "-");
	}
	add_hold(w, "10.250.0.0/16", BT_RTPROT_LEARNED, METRIC);
	bt_hold_want(&w->config->links.v[0], &w->facts, &far, &want);
	assert_int_equal(want.n, BT_HOLD_MAX);
	assert_int_equal(want.learned, BT_HOLD_MAX + 7);
	assert_null(bt_holds_find(&want, &w->facts.routes.v[BT_HOLD_MAX + 7].dst));
	free(want.v);
	assert_int_equal(follow(w, 1000), UINT64_MAX);
	assert_true(w->facts.hold_full);
	assert_true(bt_hold_expired(&w->facts, &w->facts.routes.v[BT_HOLD_MAX + 7]));
	done(w);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_configured),
		cmocka_unit_test(test_learned),
		cmocka_unit_test(test_peer_anywhere),
		cmocka_unit_test(test_far_end_of_another),
		cmocka_unit_test(test_metric),
		cmocka_unit_test(test_others),
		cmocka_unit_test(test_withdrawn),
		cmocka_unit_test(test_all_lost),
		cmocka_unit_test(test_change_of_reason),
		cmocka_unit_test(test_switched_off),
		cmocka_unit_test(test_links),
		cmocka_unit_test(test_bounded),
	};

	return cmocka_run_group_tests(tests, make_secret, remove_secret);
}
