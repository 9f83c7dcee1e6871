// SPDX-License-Identifier: GPL-2.0
/* Tunnels that BGP holds for worse are backups of a prefix. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <linux/rtnetlink.h>

#include "daemon/route_want.h"
#include "world.h"

#define CONFIG(_bgp)								\
	"links:\n"								\
	"- name: bow0\n"							\
	"  bgp: {as: 65000, table: 100, backup_table: 101" _bgp "}\n"		\
	"  defaults: {local: 198.51.100.1, ike: {psk_file: @}, bgp: {as: 64512}}\n"	\
	"  routes: [{prefixes: 10.9.0.0/16, tunnels: a}]\n"			\
	"  tunnels:\n"								\
	"  - {name: a, remote: 192.0.2.1, if_id: 1, inside: [{local: 169.254.21.2/30}]}\n"	\
	"  - {name: b, remote: 192.0.2.2, if_id: 2, inside: [{local: 169.254.21.6/30}]}\n"	\
	"  - {name: c, remote: 192.0.2.3, if_id: 3, inside: [{local: 169.254.22.2/30}]}\n"

#define A	"169.254.21.1"
#define B	"169.254.21.5"
#define C	"169.254.22.1"

/* The routes wanted: "PREFIX TUNNEL/TIER…", those without a tier of their own as "TUNNEL" */
static void expect_routes(struct world *w, const char *want)
{
	struct bt_routes routes = {};
	char buf[BT_PREFIX_STRLEN];
	struct bt_buf out = {};
	size_t i, j;

	bt_route_want(&w->config->links.v[0], &w->facts.links.v[0], &w->facts, &routes);
	for (i = 0; i < routes.n; i++) {
		const struct bt_route *r = &routes.v[i];

		bt_buf_printf(&out, "%s", bt_prefix_str(&r->dst, buf));
		for (j = 0; j < r->nexthops.n; j++) {
			bt_buf_printf(&out, " %u", r->nexthops.v[j].tunnel);
			if (r->nexthops.v[j].set & BT_BIT(BOWTIE_A_NEXTHOP_TIER))
				bt_buf_printf(&out, "/%u", r->nexthops.v[j].tier);
		}
		bt_buf_puts(&out, "\n");
	}
	assert_string_equal(out.data, want);
	bt_buf_free(&out);
	bt_routes_free(&routes);
}

static void test_backups(void **state)
{
	struct world *w = fit(CONFIG(""));
	struct bt_tunnel *t = w->facts.links.v[0].tunnels.v;

	/* What the configuration says has none; nor what is not BIRD's. */
	add_fib(w, "10.9.0.0/16", 101, RTPROT_BIRD, 32, A " " B " " C);
	add_fib(w, "10.8.0.0/16", RT_TABLE_MAIN, RTPROT_STATIC, 0, B);
	add_fib(w, "10.8.0.0/16", 101, RTPROT_BIRD, 32, A " " B " " C);
	/* All are best: nothing is left to be a backup. */
	add_fib(w, "10.2.0.0/16", 100, RTPROT_BIRD, 32, A " " B " " C);
	add_fib(w, "10.2.0.0/16", 101, RTPROT_BIRD, 32, A " " B " " C);
	add_fib(w, "10.3.0.0/16", 100, RTPROT_BIRD, 32, B);
	add_fib(w, "10.3.0.0/16", 101, RTPROT_BIRD, 32, A " " B);
	/* Gone from the one, and not from the other yet */
	add_fib(w, "10.4.0.0/16", 101, RTPROT_BIRD, 32, A);
	expect_routes(w, "10.2.0.0/16 0 1 2\n10.3.0.0/16 0/1 1\n10.8.0.0/16 1\n10.9.0.0/16 0\n");
	/* Behind the best, whatever tier that has, and as far as there are tiers. */
	t[1].tier = 2;
	t[0].tier = 3;
	expect_routes(w, "10.2.0.0/16 0 1 2\n10.3.0.0/16 0/6 1\n10.8.0.0/16 1\n10.9.0.0/16 0\n");
	t[1].tier = 6;
	expect_routes(w, "10.2.0.0/16 0 1 2\n10.3.0.0/16 0/7 1\n10.8.0.0/16 1\n10.9.0.0/16 0\n");
	t[1].tier = BOWTIE_TIER_MAX;
	expect_routes(w, "10.2.0.0/16 0 1 2\n10.3.0.0/16 1\n10.8.0.0/16 1\n10.9.0.0/16 0\n");
	done(w);
}

static void test_off(void **state)
{
	struct world *w = fit(CONFIG(", backups: off"));

	assert_null(strstr(w->facts.bird_file, "kernel table 101"));
	add_fib(w, "10.3.0.0/16", 100, RTPROT_BIRD, 32, B);
	add_fib(w, "10.3.0.0/16", 101, RTPROT_BIRD, 32, A " " B);
	expect_routes(w, "10.3.0.0/16 1\n10.9.0.0/16 0\n");
	done(w);
}

/* What an empty table must not take away keeps its tier; what comes back has its own. */
static void test_kept(void **state)
{
	struct world *w = fit(CONFIG(""));
	struct bt_routes before = {}, after = {};

	add_fib(w, "10.3.0.0/16", 100, RTPROT_BIRD, 32, B);
	add_fib(w, "10.3.0.0/16", 101, RTPROT_BIRD, 32, A " " B);
	bt_route_want(&w->config->links.v[0], &w->facts.links.v[0], &w->facts, &before);
	w->facts.routes.v[0].hops.v[0].gateway = addr(C);
	w->facts.routes.v[1].hops.n = 1;
	bt_route_want(&w->config->links.v[0], &w->facts.links.v[0], &w->facts, &after);
	bt_route_keep(&after, &before);
	assert_int_equal(after.n, 2);
	assert_int_equal(after.v[0].nexthops.n, 3);
	assert_int_equal(after.v[0].nexthops.v[0].tier, 1);
	assert_int_equal(after.v[0].nexthops.v[1].tier, 0);
	assert_int_equal(after.v[0].nexthops.v[2].tier, 0);
	bt_routes_free(&before);
	bt_routes_free(&after);
	done(w);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_backups),
		cmocka_unit_test(test_off),
		cmocka_unit_test(test_kept),
	};

	return cmocka_run_group_tests(tests, make_secret, remove_secret);
}
