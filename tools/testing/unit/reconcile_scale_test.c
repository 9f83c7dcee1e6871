// SPDX-License-Identifier: GPL-2.0
/*
 * The comparison runs at every change, so it must not grow faster than what there is. The
 * bounds are of CPU time and far above what is needed: what grows with the square of these
 * numbers passes them nevertheless.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <linux/rtnetlink.h>
#include <time.h>

#include "daemon/names.h"
#include "daemon/route_hold.h"
#include "world.h"

#define LINKS		300
#define TUNNELS		16
#define ROUTES		10000
#define BOUND_S		5

static char *many_links(void)
{
	struct bt_buf text = {};
	int i, j, n = 0;

	bt_buf_puts(&text, "links:\n");
	for (i = 0; i < LINKS; i++) {
		bt_buf_printf(&text, "- {name: bow%d, defaults: {local: 198.51.100.1,"
			      " ike: {psk_file: @}}, manage: {bgp: no}, tunnels: [\n", i);
		for (j = 0; j < TUNNELS; j++, n++)
			bt_buf_printf(&text, "{name: t%d, if_id: %d, remote: 192.%d.%d.%d, inside: "
				      "[{local: 10.%d.%d.%d/30}]},\n", j, n + 1, n >> 16,
				      (n >> 8) & 255, n & 255, n >> 14, (n >> 6) & 255,
				      (n & 63) * 4 + 1);
		bt_buf_puts(&text, "]}\n");
	}
	return text.data;
}

static struct world *many(void)
{
	char *text = many_links();
	struct world *w = fit(text);

	free(text);
	return w;
}

/* One comparison; returns how many operations it finds. */
static size_t compare(struct world *w, const char *what, struct bt_ops *ops)
{
	clock_t begin = clock(), took;

	bt_reconcile(w->config, &w->facts, 1000, ops);
	took = clock() - begin;
	print_message("# %s: %ld ms\n", what, (long)took / (CLOCKS_PER_SEC / 1000));
	assert_true(took < (clock_t)BOUND_S * CLOCKS_PER_SEC);
	return ops->n;
}

static void test_steady(void **state)
{
	struct world *w = many();
	struct bt_ops ops = {};

	assert_int_equal(compare(w, "nothing to do", &ops), 0);
	bt_ops_free(&ops);
	done(w);
}

static void test_all_to_do(void **state)
{
	struct world *w = many();
	struct bt_ops ops = {};
	size_t i, n;

	bt_facts_loaded_clear(&w->facts.conns_loaded);
	bt_facts_loaded_clear(&w->facts.shared_loaded);
	for (i = 0; i < w->facts.links.n; i++)
		bt_tunnels_free(&w->facts.links.v[i].tunnels);
	n = compare(w, "all to do", &ops);
	assert_int_equal(n, 3 * LINKS * TUNNELS);
	for (i = 1; i < n; i++)
		assert_true(ops.v[i - 1].type <= ops.v[i].type);
	assert_string_equal(ops.v[0].key, "tunnel bow0 t0");
	assert_string_equal(ops.v[n - 1].key, "conn bt_bow299_t15");

	/* And all of it under way. */
	for (i = 0; i < n; i++)
		bt_facts_begin(&w->facts, ops.v[i].key);
	bt_ops_free(&ops);
	assert_int_equal(compare(w, "all under way", &ops), 0);
	bt_ops_free(&ops);
	done(w);
}

static void test_none_wanted(void **state)
{
	struct world *w = many();
	struct bt_ops ops = {};
	size_t i;

	bt_config_free(w->config);
	w->config = good("links: [{name: bow0}]");
	for (i = 0; i < w->facts.links.n; i++)
		w->facts.links.v[i].ours = false;
	/* The connections, the secrets, the SAs; of bow0 the tunnels and their addresses. */
	assert_int_equal(compare(w, "none wanted", &ops), 3 * LINKS * TUNNELS + 2 * TUNNELS);
	bt_ops_free(&ops);
	done(w);
}

static void route_text(char *buf, size_t size, int i)
{
	snprintf(buf, size, "10.%d.%d.0/24", i / 256, i % 256);
}

/* From routing daemons, by one link among many. */
static void test_learnt_routes(void **state)
{
	struct world *w = many();
	struct bt_ops ops = {};
	char dst[32];
	int i;

	for (i = 0; i < ROUTES; i++) {
		route_text(dst, sizeof(dst), i);
		add_fib(w, dst, RT_TABLE_MAIN, RTPROT_BIRD, 32, "10.0.0.2 10.0.0.6");
	}
	assert_int_equal(compare(w, "learnt routes", &ops), 1);
	assert_int_equal(ops.v[0].routes.n, ROUTES);
	bt_fact_link_patch_routes(&w->facts.links.v[0], &ops.v[0].routes,
				  &(struct bt_routes){});
	bt_ops_free(&ops);
	assert_int_equal(compare(w, "learnt routes, known", &ops), 0);
	bt_ops_free(&ops);
	done(w);
}

/* Held all of them, beside as many that were withdrawn. */
static void test_held_routes(void **state)
{
	struct world *w = fit("links: [{name: bow0, hold_routes: on, manage: {ike: no, bgp: no}, "
			      "bgp: {table: 100}, tunnels: [{name: a, remote: 192.0.2.1}]}]\n");
	struct bt_ops ops = {};
	char dst[32];
	int i;

	for (i = 2 * ROUTES; i--;) {
		route_text(dst, sizeof(dst), i);
		if (i < ROUTES)
			add_fib(w, dst, 100, RTPROT_STATIC, 32, "-");
		else
			add_fib(w, dst, RT_TABLE_MAIN, BT_RTPROT_LEARNED, BT_HOLD_METRIC | 100, "");
	}
	bt_hold_follow(&w->facts, w->config, 1000);
	assert_int_equal(compare(w, "held routes", &ops), 3);
	assert_int_equal(ops.v[0].routes.n, ROUTES);
	bt_ops_free(&ops);
	done(w);
}

/* In the configuration. */
static void test_static_routes(void **state)
{
	struct bt_ops ops = {};
	struct bt_buf text = {};
	struct world *w;
	char dst[32];
	int i;

	bt_buf_puts(&text, "links: [{name: bow0, manage: {ike: no, bgp: no}, tunnels: "
		    "[{name: a, remote: 192.0.2.1}], routes: [{prefixes: [\n");
	for (i = 0; i < ROUTES; i++) {
		route_text(dst, sizeof(dst), i);
		bt_buf_printf(&text, "%s,\n", dst);
	}
	bt_buf_puts(&text, "]}]}]");
	w = fit(text.data);
	bt_buf_free(&text);
	assert_int_equal(compare(w, "static routes", &ops), 2);
	assert_int_equal(ops.v[1].routes.n, ROUTES);
	bt_ops_free(&ops);

	for (i = ROUTES; i--;) {
		route_text(dst, sizeof(dst), i);
		add_fib(w, dst, RT_TABLE_MAIN, BT_RTPROT, 0, "-");
	}
	assert_int_equal(compare(w, "static routes, there", &ops), 1);
	bt_ops_free(&ops);
	done(w);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_steady),
		cmocka_unit_test(test_all_to_do),
		cmocka_unit_test(test_none_wanted),
		cmocka_unit_test(test_learnt_routes),
		cmocka_unit_test(test_held_routes),
		cmocka_unit_test(test_static_routes),
	};

	return cmocka_run_group_tests(tests, make_secret, remove_secret);
}
