// SPDX-License-Identifier: GPL-2.0
/* What BIRD's routes are worth while BIRD is restarted. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <linux/rtnetlink.h>

#include "daemon/names.h"
#include "daemon/route_hold.h"
#include "world.h"

#define S	1000

static const char basic[] =
	"bird: {restart_time: 60, recovery_time: 20}\n"
	"links:\n"
	"- name: bow0\n"
	"  bgp: {as: 65000, announce: 10.1.0.0/16, table: 100}\n"
	"  defaults: {local: 198.51.100.1, ike: {psk_file: @}, bgp: {as: 64512}}\n"
	"  tunnels:\n"
	"  - {name: a, remote: 192.0.2.1, if_id: 1, inside: [{local: 169.254.21.2/30}]}\n"
	"  - {name: b, remote: 192.0.2.2, if_id: 2, inside: [{local: 169.254.21.6/30}]}\n";

static const char with_route[] =
	"bird: {restart_time: 60, recovery_time: 20}\n"
	"links:\n"
	"- name: bow0\n"
	"  bgp: {as: 65000, announce: 10.1.0.0/16, table: 100}\n"
	"  defaults: {local: 198.51.100.1, ike: {psk_file: @}, bgp: {as: 64512}}\n"
	"  routes: [{prefixes: 10.3.0.0/16, tunnels: a}]\n"
	"  tunnels:\n"
	"  - {name: a, remote: 192.0.2.1, if_id: 1, inside: [{local: 169.254.21.2/30}]}\n"
	"  - {name: b, remote: 192.0.2.2, if_id: 2, inside: [{local: 169.254.21.6/30}]}\n";

static const struct bt_bird_hold *at(struct world *w, uint64_t now, uint64_t next)
{
	assert_int_equal(bt_bird_hold(&w->facts, w->config, now), next);
	return &w->facts.hold;
}

static struct world *begin(void)
{
	struct world *w = fit(basic);

	bt_bird_names(w->config, &w->facts.bird_established);
	bt_strings_sort(&w->facts.bird_established);
	at(w, 100 * S, 103 * S);
	assert_true(w->facts.hold.keep);
	at(w, 103 * S, UINT64_MAX);
	assert_false(w->facts.hold.keep);
	return w;
}

static void test_restarted(void **state)
{
	struct world *w = begin();
	const struct bt_bird_hold *h;

	w->facts.bird = false;
	h = at(w, 200 * S, 260 * S);
	assert_true(h->keep);
	w->facts.bird = true;
	w->facts.bird_recovers = true;
	h = at(w, 210 * S, 235 * S);
	assert_true(h->keep);
	w->facts.bird_recovers = false;
	bt_strings_remove(&w->facts.bird_established, "bt_bow0_b");
	at(w, 211 * S, 235 * S);
	/* Whose tunnel does not work is not waited for. */
	w->facts.links.v[0].tunnels.v[1].oper = BOWTIE_OPER_DOWN;
	at(w, 212 * S, 215 * S);
	w->facts.links.v[0].tunnels.v[1].oper = BOWTIE_OPER_UP;
	at(w, 213 * S, 235 * S);
	bt_strings_put(&w->facts.bird_established, "bt_bow0_b");
	at(w, 220 * S, 223 * S);
	h = at(w, 223 * S, UINT64_MAX);
	assert_int_equal(h->state, BT_BIRD_HOLD_SETTLED);
	assert_false(h->keep);
	assert_false(h->stale);
	done(w);
}

static void test_never_whole(void **state)
{
	struct world *w = begin();
	const struct bt_bird_hold *h;

	bt_strings_clear(&w->facts.bird_established);
	/* Gone and back before anybody looked */
	w->facts.hold.state = BT_BIRD_HOLD_NEW;
	h = at(w, 200 * S, 225 * S);
	assert_int_equal(h->state, BT_BIRD_HOLD_BACK);
	h = at(w, 225 * S, UINT64_MAX);
	assert_false(h->keep);
	done(w);
}

static void test_gone(void **state)
{
	struct world *w = begin();
	const struct bt_bird_hold *h;

	w->facts.bird = false;
	at(w, 200 * S, 260 * S);
	h = at(w, 260 * S, UINT64_MAX);
	assert_false(h->keep);
	assert_true(h->stale);
	w->facts.bird = true;
	h = at(w, 270 * S, 273 * S);
	assert_true(h->keep);
	assert_false(h->stale);
	/* It was never there for this bowtied: the same, from its own beginning. */
	w->facts.hold = (struct bt_bird_hold){};
	w->facts.bird = false;
	h = at(w, 300 * S, 360 * S);
	assert_true(h->keep);
	h = at(w, 360 * S, UINT64_MAX);
	assert_false(h->keep);
	assert_true(h->stale);
	/* But where BIRD has nothing to do it is not missed. */
	w->config->links.v[0].tunnels.v[0].manage.bgp = false;
	w->config->links.v[0].tunnels.v[1].manage.bgp = false;
	h = at(w, 361 * S, UINT64_MAX);
	assert_false(h->stale);
	done(w);
}

/* One that never lives for long. */
static void test_crash_loop(void **state)
{
	struct world *w = begin();
	uint64_t now;

	bt_strings_clear(&w->facts.bird_established);
	/* 60 s, 20 s and the margin after it was gone first */
	for (now = 200 * S; now < 280 * S; now += 20 * S) {
		w->facts.bird = false;
		bt_bird_hold(&w->facts, w->config, now);
		assert_true(w->facts.hold.keep);
		w->facts.bird = true;
		at(w, now + 5 * S, now == 260 * S ? 285 * S : now + 30 * S);
		assert_true(w->facts.hold.keep);
	}
	w->facts.bird = false;
	at(w, 280 * S, 285 * S);
	assert_true(w->facts.hold.keep);
	at(w, 285 * S, 340 * S);
	assert_false(w->facts.hold.keep);
	assert_false(w->facts.hold.stale);
	w->facts.bird = true;
	at(w, 290 * S, 315 * S);
	assert_false(w->facts.hold.keep);
	/* Gone and back before anybody looked is no other beginning. */
	w->facts.hold.state = BT_BIRD_HOLD_NEW;
	at(w, 300 * S, 325 * S);
	assert_false(w->facts.hold.keep);
	at(w, 325 * S, UINT64_MAX);
	assert_int_equal(w->facts.hold.state, BT_BIRD_HOLD_SETTLED);
	w->facts.bird = false;
	at(w, 400 * S, 460 * S);
	assert_true(w->facts.hold.keep);
	done(w);
}

/* What the configuration has taken out is not kept because BIRD is away. */
static void test_configured(void **state)
{
	struct world *w = fit(basic);

	w->facts.hold.keep = true;
	add_module(w, "10.2.0.0/16", 0);
	add_module(w, "10.3.0.0/16", 0);
	add_module(w, "10.4.0.0/16", 7);
	add_fib(w, "10.3.0.0/16", RT_TABLE_MAIN, BT_RTPROT, 0, "-");
	/* That is another link's. */
	add_fib(w, "10.2.0.0/16", RT_TABLE_MAIN, BT_RTPROT, 0, "-");
	w->facts.routes.v[1].hops.v[0].ifindex = IFINDEX + 1;
	expect_ops(w, "routes del bow0 10.3.0.0/16, 10.4.0.0/16\n"
		      "kernel routes del bow0 10.3.0.0/16\n");
	/* A tunnel is taken out of them. */
	bt_config_free(w->config);
	w->config = world_config(with_route);
	add_module(w, "10.4.0.0/16", 0);
	add_module(w, "10.3.0.0/16", 1);
	expect_ops(w, "routes set bow0 10.3.0.0/16 tunnel 0\n");
	done(w);
}

/* What is taken away by a table that is empty, or about to be filled, stays. */
static void test_routes(void **state)
{
	struct world *w = fit(basic);

	add_module(w, "10.2.0.0/16", 0);
	add_module(w, "10.3.0.0/16", 0);
	add_fib(w, "10.2.0.0/16", 100, RTPROT_BIRD, 32, "169.254.21.5");
	add_fib(w, "10.4.0.0/16", 100, RTPROT_BIRD, 32, "169.254.21.5");
	w->facts.hold.keep = true;
	expect_ops(w, "routes set bow0 10.2.0.0/16 tunnel 0 tunnel 1, 10.4.0.0/16 tunnel 1\n");
	w->facts.hold.keep = false;
	expect_ops(w, "routes set bow0 10.2.0.0/16 tunnel 1, 10.4.0.0/16 tunnel 1\n"
		      "routes del bow0 10.3.0.0/16\n");
	/* FRR's are not BIRD's. */
	add_fib(w, "10.3.0.0/16", RT_TABLE_MAIN, RTPROT_BGP, 20, "169.254.21.1");
	w->facts.hold.stale = true;
	expect_ops(w, "routes del bow0 10.2.0.0/16\n"
		      "BIRD's routes del bow0 table 100 10.2.0.0/16, 10.4.0.0/16\n");
	w->facts.hold.stale = false;
	/* Nor are those of a BIRD that is the operator's. */
	w->config->links.v[0].tunnels.v[0].manage.bgp = false;
	w->config->links.v[0].tunnels.v[1].manage.bgp = false;
	fit_bird(w);
	w->facts.routes.v[0].table = RT_TABLE_MAIN;
	w->facts.routes.v[1].table = RT_TABLE_MAIN;
	expect_ops(w, "routes set bow0 10.2.0.0/16 tunnel 1, 10.4.0.0/16 tunnel 1\n");
	done(w);
}

/* A route into a link that has no way for it swallows what somebody else may have one for. */
static void test_stale(void **state)
{
	struct world *w = fit(basic);
	struct bt_conf_link *link = &w->config->links.v[0];

	add_fib(w, "10.2.0.0/16", RT_TABLE_MAIN, RTPROT_BIRD, 32, "169.254.21.1 169.254.21.5");
	add_fib(w, "10.3.0.0/16", RT_TABLE_MAIN, RTPROT_BIRD, 32, "169.254.21.1 169.254.21.5");
	add_fib(w, "10.4.0.0/16", RT_TABLE_MAIN, RTPROT_BGP, 20, "169.254.21.1");
	add_module(w, "10.4.0.0/16", 0);
	add_fib(w, "10.5.0.0/16", 5, RTPROT_BIRD, 32, "169.254.21.1");
	add_fib(w, "10.2.0.0/16", link->bgp.table, RTPROT_BIRD, 32, "169.254.21.1");
	w->facts.routes.v[1].hops.v[1].ifindex = IFINDEX + 1;
	w->facts.hold.stale = true;
	expect_ops(w, "BIRD's routes del bow0 table 100 10.2.0.0/16\n"
		      "BIRD's routes del bow0 table 254 10.2.0.0/16\n");
	/* What is to be held is so first. */
	link->hold_routes = true;
	expect_ops(w, "hold routes add bow0 169.254.21.0/30, 169.254.21.4/30\n"
		      "hold routes add bow0 10.2.0.0/16, 10.3.0.0/16, 10.4.0.0/16\n"
		      "BIRD's routes del bow0 table 100 10.2.0.0/16\n");
	add_fib(w, "10.2.0.0/16", RT_TABLE_MAIN, BT_RTPROT_LEARNED, bt_hold_metric(link), "");
	expect_ops(w, "hold routes add bow0 169.254.21.0/30, 169.254.21.4/30\n"
		      "hold routes add bow0 10.3.0.0/16, 10.4.0.0/16\n"
		      "BIRD's routes del bow0 table 100 10.2.0.0/16\n"
		      "BIRD's routes del bow0 table 254 10.2.0.0/16\n");
	done(w);
}

/* What it has left in tables of ours, since the configuration took them from it. */
static void test_left(void **state)
{
	struct world *w = fit(basic);
	struct bt_conf_link *link = &w->config->links.v[0];

	add_module(w, "10.2.0.0/16", 0);
	add_fib(w, "10.2.0.0/16", link->bgp.table, RTPROT_BIRD, 32, "169.254.21.1");
	add_fib(w, "10.2.0.0/16", link->bgp.backup_table, RTPROT_BIRD, 32, "169.254.21.1");
	add_fib(w, "10.2.0.0/16", link->bgp.table, RTPROT_STATIC, 64, "169.254.21.5");
	add_fib(w, "fd01::/16", link->bgp.table, RTPROT_BIRD, 32, "-");
	/* There are no sessions of IPv6. */
	expect_ops(w, "BIRD's routes del bow0 table 100 fd01::/16\n");
	w->facts.routes.v[3].hops.v[0].ifindex = IFINDEX + 1;
	link->bgp.backups = false;
	fit_bird(w);
	link->bgp.backup_table = 101;
	w->facts.routes.v[1].table = 101;
	expect_ops(w, "BIRD's routes del bow0 table 101 10.2.0.0/16\n");
	link->bgp.backups = true;
	link->tunnels.v[0].manage.bgp = false;
	link->tunnels.v[1].manage.bgp = false;
	fit_bird(w);
	expect_ops(w, "routes set bow0 10.2.0.0/16 tunnel 1\n"
		      "BIRD's routes del bow0 table 100 10.2.0.0/16\n"
		      "BIRD's routes del bow0 table 101 10.2.0.0/16\n");
	w->facts.fib = false;
	expect_ops(w, "");
	done(w);
}

/* The next BIRD has begun without a kernel protocol of ours for the main table. */
static void test_main_table(void **state)
{
	struct world *w = fit(basic);

	free(w->facts.bird_file);
	free(w->facts.bird_revision);
	w->facts.bird_file = bt_bird_render(w->config, BT_BIRD_KERNEL4 | BT_BIRD_KERNEL6);
	w->facts.bird_revision = bt_bird_revision(w->facts.bird_file);
	w->facts.hold.keep = true;
	expect_ops(w, "BIRD: write /run/bowtie/bird.conf\n");
	add_fib(w, "10.2.0.0/16", RT_TABLE_MAIN, RTPROT_BIRD, 32, "169.254.21.5");
	add_module(w, "10.2.0.0/16", 1);
	expect_ops(w, "");
	w->facts.hold.keep = false;
	expect_ops(w, "BIRD: write /run/bowtie/bird.conf\n");
	done(w);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_restarted),
		cmocka_unit_test(test_never_whole),
		cmocka_unit_test(test_gone),
		cmocka_unit_test(test_routes),
		cmocka_unit_test(test_crash_loop),
		cmocka_unit_test(test_configured),
		cmocka_unit_test(test_stale),
		cmocka_unit_test(test_left),
		cmocka_unit_test(test_main_table),
	};

	return cmocka_run_group_tests(tests, make_secret, remove_secret);
}
