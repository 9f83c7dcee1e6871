// SPDX-License-Identifier: GPL-2.0
/*
 * Desired x observed -> operations. Each case begins with facts that fit the
 * configuration, so that nothing is to be done, and changes one thing.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <linux/rtnetlink.h>

#include "daemon/names.h"
#include "world.h"

static const char basic[] =
	"links:\n"
	"- name: bow0\n"
	"  bgp: {as: 65000, announce: 10.1.0.0/16, table: 100}\n"
	"  defaults: {local: 198.51.100.1, ike: {psk_file: @}, bgp: {as: 64512}}\n"
	"  tunnels:\n"
	"  - {name: a, remote: 192.0.2.1, if_id: 1, inside: [{local: 169.254.21.2/30}]}\n"
	"  - {name: b, remote: 192.0.2.2, if_id: 2, inside: [{local: 169.254.21.6/30}]}\n";

static void test_nothing_to_do(void **state)
{
	struct world *w = fit(basic);

	expect_ops(w, "");
	done(w);
}

static void test_from_nothing(void **state)
{
	struct world *w = fit(basic);

	bt_facts_free(&w->facts);
	/* The module is not there: to add the link makes the kernel load it. */
	expect_ops(w, "link add bow0 up\n"
		      "BIRD: write /run/bowtie/bird.conf.vars\n"
		      "BIRD: write /run/bowtie/bird.conf\n");
	w->facts.kmod = true;
	w->facts.bird_file = bt_strdup("something");
	expect_ops(w, "link add bow0 up\n"
		      "BIRD: write /run/bowtie/bird.conf.vars\n");
	done(w);
}

static void test_links(void **state)
{
	struct world *w = fit(basic);
	struct bt_fact_link *l = &w->facts.links.v[0];

	l->link.up = false;
	l->link.fwmark = 5;
	expect_ops(w, "link set bow0 fwmark 0x0 up\n");
	l->link.up = true;
	l->link.fwmark = 0;

	/* What others made is left alone, what we made and is not wanted goes. */
	l = bt_facts_link_add(&w->facts);
	strcpy(l->link.dev.name, "bow9");
	l->link.dev.ifindex = 99;
	expect_ops(w, "");
	l->ours = true;
	expect_ops(w, "link del bow9\n");
	done(w);
}

static void test_tunnels(void **state)
{
	struct world *w = fit(basic);
	struct bt_fact_link *l = &w->facts.links.v[0];

	l->tunnels.v[0].weight = 9;
	l->tunnels.v[1].admin = BOWTIE_ADMIN_DRAIN;
	/* Drained by hand: that stays, as the configuration does not speak of it. */
	expect_ops(w, "tunnel set bow0 a weight 1\n");
	l->tunnels.v[0].weight = 1;
	l->tunnels.v[1].admin = BOWTIE_ADMIN_UP;

	strcpy(l->tunnels.v[1].name, "stray");
	expect_ops(w, "tunnel del bow0 stray\n"
		      "tunnel add bow0 b if-id 2 local 198.51.100.1 remote 192.0.2.2 "
		      "inside-local 169.254.21.6 inside-peer 169.254.21.5 probe icmp\n");
	done(w);
}

/* Two tunnels that are to change places would wait for each other for ever. */
static void test_tunnels_swapped(void **state)
{
	struct world *w = fit(basic);
	struct bt_fact_link *l = &w->facts.links.v[0];

	l->tunnels.v[0].if_id = 2;
	l->tunnels.v[1].if_id = 1;
	expect_ops(w, "tunnel del bow0 a\ntunnel del bow0 b\n");
	done(w);
}

static void test_addresses(void **state)
{
	struct world *w = fit(basic);
	struct bt_fact_link *l = &w->facts.links.v[0];

	l->addrs.v[0].p = prefix("169.254.99.2/30");
	expect_ops(w, "address del bow0 169.254.99.2/30\naddress add bow0 169.254.21.2/30\n");
	l->addrs.v[0].ours = false;
	expect_ops(w, "address add bow0 169.254.21.2/30\n");
	/* The same address with another length is another one. */
	l->addrs.v[0].p = prefix("169.254.21.2/32");
	expect_ops(w, "address add bow0 169.254.21.2/30\n");
	done(w);
}

static void test_routes(void **state)
{
	struct world *w = fit(basic);

	add_fib(w, "10.0.0.0/8", 100, RTPROT_BIRD, 32, "169.254.21.1 169.254.21.5");
	/* The same in the main table, with one next hop, does not count beside it. */
	add_fib(w, "10.0.0.0/8", RT_TABLE_MAIN, RTPROT_BIRD, 32, "169.254.21.5");
	add_fib(w, "10.9.0.0/16", RT_TABLE_MAIN, RTPROT_STATIC, 0, "-");
	add_fib(w, "169.254.21.0/30", RT_TABLE_MAIN, RTPROT_KERNEL, 0, "-");
	add_fib(w, "10.8.0.0/16", 101, RTPROT_STATIC, 0, "169.254.21.1");
	add_fib(w, "10.7.0.0/16", RT_TABLE_MAIN, RTPROT_STATIC, 0, "169.254.77.1");
	expect_ops(w, "routes set bow0 10.0.0.0/8 tunnel 0 tunnel 1, 10.9.0.0/16 tunnel 0 tunnel 1\n");

	add_module(w, "10.0.0.0/8", 1);
	add_module(w, "10.5.0.0/16", 1);
	expect_ops(w, "routes set bow0 10.0.0.0/8 tunnel 0 tunnel 1, 10.9.0.0/16 tunnel 0 tunnel 1\n"
		      "routes del bow0 10.5.0.0/16\n");

	/* Not before all is known: what is there must not be taken away. */
	w->facts.fib = false;
	expect_ops(w, "");
	done(w);
}

static void test_route_metrics_and_weights(void **state)
{
	struct world *w = fit(basic);

	add_fib(w, "10.0.0.0/8", 100, RTPROT_BIRD, 64, "169.254.21.1");
	add_fib(w, "10.0.0.0/8", 100, RTPROT_BIRD, 32, "169.254.21.5");
	expect_ops(w, "routes set bow0 10.0.0.0/8 tunnel 1\n");
	add_module(w, "10.0.0.0/8", 1);
	expect_ops(w, "");
	/* Unequal shares are those of the next hops. */
	w->facts.routes.v[1].hops.v[0].weight = 3;
	expect_ops(w, "");
	*bt_array_add(&w->facts.routes.v[1].hops) = (struct bt_fact_hop){
		IFINDEX, addr("169.254.21.1"), 1 };
	expect_ops(w, "routes set bow0 10.0.0.0/8 tunnel 0 tunnel 1\n");
	done(w);
}

static void test_static_routes(void **state)
{
	struct world *w = fit("links:\n"
			      "- name: bow0\n"
			      "  manage: {ike: no, bgp: no}\n"
			      "  tunnels:\n"
			      "  - {name: a, remote: 192.0.2.1}\n"
			      "  - {name: b, remote: 192.0.2.2}\n"
			      "  routes:\n"
			      "  - {prefixes: [10.0.0.0/8, 'fd00::/8']}\n"
			      "  - {prefixes: 10.1.0.0/16, tunnels: b}\n");

	expect_ops(w, "routes set bow0 10.0.0.0/8 tunnel 0 tunnel 1, 10.1.0.0/16 tunnel 1, "
		      "fd00::/8 tunnel 0 tunnel 1\n"
		      "kernel routes add bow0 10.0.0.0/8, fd00::/8, 10.1.0.0/16\n");
	add_fib(w, "10.0.0.0/8", RT_TABLE_MAIN, BT_RTPROT, 0, "-");
	add_fib(w, "fd00::/8", RT_TABLE_MAIN, BT_RTPROT, 0, "-");
	add_fib(w, "10.1.0.0/16", RT_TABLE_MAIN, BT_RTPROT, 0, "-");
	add_fib(w, "10.2.0.0/16", RT_TABLE_MAIN, BT_RTPROT, 0, "-");
	expect_ops(w, "routes set bow0 10.0.0.0/8 tunnel 0 tunnel 1, 10.1.0.0/16 tunnel 1, "
		      "fd00::/8 tunnel 0 tunnel 1\n"
		      "kernel routes del bow0 10.2.0.0/16\n");
	done(w);
}

static void test_charon_restarted(void **state)
{
	struct world *w = fit(basic);

	bt_facts_loaded_clear(&w->facts.conns_loaded);
	bt_facts_loaded_clear(&w->facts.shared_loaded);
	bt_strings_clear(&w->facts.conns);
	bt_strings_clear(&w->facts.shared);
	bt_fact_ikes_clear(&w->facts.ikes);
	expect_ops(w, "charon: load secret bt_bow0_a\ncharon: load secret bt_bow0_b\n"
		      "charon: load connection bt_bow0_a\ncharon: load connection bt_bow0_b\n");
	w->facts.vici = false;
	expect_ops(w, "");
	done(w);
}

static void test_daemon_restarted(void **state)
{
	struct world *w = fit(basic);

	/* We do not know what charon has: tell it again, touch no SA. */
	bt_facts_loaded_clear(&w->facts.conns_loaded);
	bt_facts_loaded_clear(&w->facts.shared_loaded);
	expect_ops(w, "charon: load secret bt_bow0_a\ncharon: load secret bt_bow0_b\n"
		      "charon: load connection bt_bow0_a\ncharon: load connection bt_bow0_b\n");
	done(w);
}

static void test_secret_replaced(void **state)
{
	struct world *w = fit(basic);

	bt_facts_loaded(&w->facts.secrets, secret, "another", 7);
	expect_ops(w, "charon: load secret bt_bow0_a\ncharon: load secret bt_bow0_b\n");
	done(w);
}

/* charon finds a secret by whose it is. */
static void test_secret_of_somebody_else(void **state)
{
	struct world *w = fit(basic);
	char *content;

	content = bt_vici_shared_content(&w->config->links.v[0].tunnels.v[0], "which");
	w->config->links.v[0].tunnels.v[0].kernel.remote = addr("192.0.2.77");
	bt_facts_loaded(&w->facts.shared_loaded, "bt_bow0_a", content, strlen(content));
	free(content);
	w->facts.links.v[0].tunnels.v[0].remote = addr("192.0.2.77");
	bt_fact_ikes_clear(&w->facts.ikes);
	expect_ops(w, "charon: load secret bt_bow0_a\ncharon: load connection bt_bow0_a\n"
		      "charon: initiate bt_bow0_b\n");
	done(w);
}

static void test_initiate(void **state)
{
	struct world *w = fit(basic);

	/* One at a time, and only what nobody is at already. */
	w->facts.ikes.v[0].dying = true;
	w->facts.ikes.v[1].dying = true;
	expect_ops(w, "charon: initiate bt_bow0_a\n");
	bt_facts_begin(&w->facts, "initiate");
	expect_ops(w, "");
	bt_facts_done(&w->facts, "initiate");
	bt_facts_failed(&w->facts, "initiate bt_bow0_a", 1000, 30000);
	expect_ops(w, "charon: initiate bt_bow0_b\n");
	w->facts.ikes.v[1].dying = false;
	w->facts.ikes.v[1].established = false;
	w->facts.ikes.v[1].children = 0;
	expect_ops(w, "");
	/* An IKE SA that has lost its child. */
	w->facts.ikes.v[1].established = true;
	expect_ops(w, "charon: initiate bt_bow0_b\n");
	done(w);
}

static void test_respond_and_admin_down(void **state)
{
	struct world *w = fit("links: [{name: bow0, defaults: {ike: {psk_file: @}}, tunnels: ["
			      "{name: a, local: 192.0.2.9, remote: any, ike: {start: respond}},"
			      "{name: b, remote: 192.0.2.2, admin: down}]}]");

	bt_fact_ikes_clear(&w->facts.ikes);
	expect_ops(w, "");
	done(w);
}

static void test_sa_leads_elsewhere(void **state)
{
	struct world *w = fit(basic);

	w->facts.ikes.v[0].remote = addr("192.0.2.77");
	expect_ops(w, "charon: terminate bt_bow0_a\ncharon: initiate bt_bow0_a\n");
	w->facts.ikes.v[0].remote = addr("192.0.2.1");
	w->facts.ikes.v[1].if_id = 77;
	expect_ops(w, "charon: terminate bt_bow0_b\ncharon: initiate bt_bow0_b\n");
	done(w);
}

/* Another IKE SA of bt_bow0_a, both established for so long. */
static struct bt_fact_ike *add_duplicate(struct world *w, uint64_t ms)
{
	struct bt_fact_ike *ike = bt_array_add(&w->facts.ikes), *first = w->facts.ikes.v;

	w->facts.ikes_seen = 100000;
	first->since = w->facts.ikes_seen - 90000;
	*ike = *first;
	ike->name = bt_strdup(first->name);
	ike->id = 77;
	ike->since = w->facts.ikes_seen - ms;
	return ike;
}

/* The operations, and which IKE SA is to be ended, or 0. */
static void expect_end(struct world *w, const char *want, uint32_t id)
{
	struct bt_ops ops = {};
	uint32_t ended = 0;
	size_t i;

	expect_ops(w, want);
	bt_reconcile(w->config, &w->facts, 1000, &ops);
	for (i = 0; i < ops.n; i++)
		if (ops.v[i].type == BT_OP_TERMINATE)
			ended = ops.v[i].id;
	bt_ops_free(&ops);
	assert_int_equal(ended, id);
}

static void test_duplicates(void **state)
{
	static const char end[] = "charon: terminate bt_bow0_a\n";
	struct world *w = fit(basic);
	struct bt_fact_ike *new = add_duplicate(w, 9000), *old = w->facts.ikes.v;

	/* One may be about to take over from the other. */
	expect_end(w, "", 0);
	new->since = w->facts.ikes_seen - 11000;
	expect_end(w, end, old->id);
	/* One that is being rekeyed stands like any other; one that was, does not. */
	old->dying = true;
	expect_end(w, "", 0);
	old->dying = false;
	old->established = false;
	old->since = 0;
	expect_end(w, "", 0);
	old->established = true;
	old->since = w->facts.ikes_seen - 20000;
	/* One without a child does not work, */
	new->children = 0;
	expect_end(w, end, new->id);
	/* and the one that does is not ended for it. */
	old->children = 0;
	expect_end(w, "charon: initiate bt_bow0_a\n", 0);
	new->children = 1;
	expect_end(w, end, old->id);
	/* One that leads elsewhere is ended at once, and is nobody's duplicate. */
	old->children = 1;
	old->if_id = 99;
	new->since = w->facts.ikes_seen;
	expect_end(w, end, old->id);
	done(w);
}

/* By which of them do packets come? */
static void test_duplicates_proven(void **state)
{
	static const char end[] = "charon: terminate bt_bow0_a\n";
	struct world *w = fit(basic);
	struct bt_fact_ike *new = add_duplicate(w, 11000), *old = w->facts.ikes.v;

	old->received = w->facts.ikes_seen - 15000;
	expect_end(w, end, new->id);
	new->received = w->facts.ikes_seen - 16000;
	expect_end(w, end, old->id);
	/* Long ago does not count. */
	new->received = 0;
	old->received = w->facts.ikes_seen - 31000;
	expect_end(w, end, old->id);
	/* Nor does it without a child. */
	old->received = w->facts.ikes_seen;
	old->children = 0;
	expect_end(w, end, old->id);
	done(w);
}

static void test_three_duplicates(void **state)
{
	struct world *w = fit(basic);

	add_duplicate(w, 50000)->id = 70;
	add_duplicate(w, 20000);
	add_duplicate(w, 1000)->id = 80;
	/* Only of those that have stood for long enough, and one of these stays. */
	expect_ops(w, "charon: terminate bt_bow0_a\ncharon: terminate bt_bow0_a\n");
	w->facts.ikes.v[3].children = 0;
	expect_ops(w, "charon: terminate bt_bow0_a\ncharon: terminate bt_bow0_a\n");
	done(w);
}

static void test_unwanted_in_charon(void **state)
{
	struct world *w = fit(basic);

	*bt_array_add(&w->facts.conns) = bt_strdup("operators");
	*bt_array_add(&w->facts.shared) = bt_strdup("operators");
	expect_ops(w, "");
	reconfigure(w, "links: [{name: bow0, bgp: {as: 65000, announce: 10.1.0.0/16, table: 100},"
		       " defaults: {local: 198.51.100.1, ike: {psk_file: @}, bgp: {as: 64512}},"
		       " tunnels: [{name: a, remote: 192.0.2.1, if_id: 1,"
		       " inside: [{local: 169.254.21.2/30}]}]}]");
	expect_ops(w, "tunnel del bow0 b\n"
		      "address del bow0 169.254.21.6/30\n"
		      "charon: unload connection bt_bow0_b\n"
		      "charon: unload secret bt_bow0_b\n"
		      "charon: terminate bt_bow0_b\n"
		      "BIRD: write /run/bowtie/bird.conf.vars\n"
		      "BIRD: write /run/bowtie/bird.conf\n");
	done(w);
}

/* "I do that myself from now on": the connections go, the traffic goes on. */
static void test_managed_no_more(void **state)
{
	struct world *w = fit(basic);

	reconfigure(w, "links: [{name: bow0, manage: {ike: no},"
		       " bgp: {as: 65000, announce: 10.1.0.0/16, table: 100},"
		       " defaults: {local: 198.51.100.1, bgp: {as: 64512}}, tunnels: ["
		       "{name: a, remote: 192.0.2.1, if_id: 1, inside: [{local: 169.254.21.2/30}]},"
		       "{name: b, remote: 192.0.2.2, if_id: 2, inside: [{local: 169.254.21.6/30}]}]}]");
	expect_ops(w, "charon: unload connection bt_bow0_a\n"
		      "charon: unload connection bt_bow0_b\n"
		      "charon: unload secret bt_bow0_a\n"
		      "charon: unload secret bt_bow0_b\n");
	done(w);
}

static void test_not_managed(void **state)
{
	struct world *w = fit("links: [{name: bow0, manage: {ike: no, bgp: no}, bgp: {as: 65000},"
			      " tunnels: [{name: a, remote: 192.0.2.1,"
			      " inside: [{local: 169.254.21.2/30}], bgp: {as: 1}}]}]");

	free(w->facts.bird_file);
	w->facts.bird_file = NULL;
	expect_ops(w, "");
	done(w);
}

static void test_bird(void **state)
{
	struct world *w = fit(basic);

	/* It has another text, or none of ours: killed before it was told, for example. */
	w->facts.bird_revision[10] ^= 1;
	expect_ops(w, "BIRD: configure\n");
	free(w->facts.bird_revision);
	w->facts.bird_revision = NULL;
	expect_ops(w, "BIRD: configure\n");
	/* The operator has brought a kernel protocol; BIRD has said so, or has refused ours. */
	w->facts.bird_clash = true;
	expect_ops(w, "BIRD: write /run/bowtie/bird.conf\n");
	w->facts.bird_clash = false;
	w->facts.bird_kernel = BT_BIRD_KERNEL4;
	expect_ops(w, "BIRD: write /run/bowtie/bird.conf\n");
	/* A file that is there is left alone until it is known whether BIRD is, */
	w->facts.bird = false;
	expect_ops(w, "");
	/* and if it is not, it must find one that it can start with. */
	w->facts.bird_gone = true;
	expect_ops(w, "BIRD: write /run/bowtie/bird.conf\n");
	free(w->facts.bird_file);
	w->facts.bird_file = bt_bird_render(w->config, BT_BIRD_KERNEL4 | BT_BIRD_KERNEL6);
	expect_ops(w, "");
	free(w->facts.bird_file);
	w->facts.bird_file = NULL;
	expect_ops(w, "BIRD: write /run/bowtie/bird.conf\n");
	done(w);
}

static void test_holds(void **state)
{
	struct world *w = fit(basic);
	char *ops;

	w->facts.links.v[0].link.up = false;
	bt_facts_failed(&w->facts, "link bow0", 1000, 30000);
	expect_ops(w, "");
	assert_int_equal(bt_facts_next_try(&w->facts, 1000), 1500);
	ops = ops_at(w, 1501);
	assert_string_equal(ops, "link set bow0 up\n");
	free(ops);
	bt_facts_failed(&w->facts, "link bow0", 1501, 30000);
	assert_int_equal(bt_facts_next_try(&w->facts, 1501), 2501);
	for (int i = 0; i < 40; i++)
		bt_facts_failed(&w->facts, "link bow0", 5000, 30000);
	assert_int_equal(bt_facts_next_try(&w->facts, 5000), 35000);
	assert_true(bt_facts_next_try(&w->facts, 35000) == UINT64_MAX);
	done(w);
}

/* Ten thousand prefixes that change at once are one operation, found quickly. */
static void test_many_routes(void **state)
{
	struct world *w = fit(basic);
	struct bt_ops ops = {};
	char dst[32];
	int i;

	for (i = 0; i < 10000; i++) {
		snprintf(dst, sizeof(dst), "10.%d.%d.0/24", i / 256, i % 256);
		add_fib(w, dst, 100, RTPROT_BIRD, 32, "169.254.21.1 169.254.21.5");
	}
	bt_reconcile(w->config, &w->facts, 1000, &ops);
	assert_int_equal(ops.n, 1);
	assert_int_equal(ops.v[0].routes.n, 10000);
	bt_fact_link_patch_routes(&w->facts.links.v[0], &ops.v[0].routes,
				  &(struct bt_routes){});
	bt_ops_free(&ops);
	bt_reconcile(w->config, &w->facts, 1000, &ops);
	assert_int_equal(ops.n, 0);
	bt_ops_free(&ops);
	done(w);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_nothing_to_do),
		cmocka_unit_test(test_from_nothing),
		cmocka_unit_test(test_links),
		cmocka_unit_test(test_tunnels),
		cmocka_unit_test(test_tunnels_swapped),
		cmocka_unit_test(test_addresses),
		cmocka_unit_test(test_routes),
		cmocka_unit_test(test_route_metrics_and_weights),
		cmocka_unit_test(test_static_routes),
		cmocka_unit_test(test_charon_restarted),
		cmocka_unit_test(test_daemon_restarted),
		cmocka_unit_test(test_secret_replaced),
		cmocka_unit_test(test_secret_of_somebody_else),
		cmocka_unit_test(test_initiate),
		cmocka_unit_test(test_respond_and_admin_down),
		cmocka_unit_test(test_sa_leads_elsewhere),
		cmocka_unit_test(test_duplicates),
		cmocka_unit_test(test_duplicates_proven),
		cmocka_unit_test(test_three_duplicates),
		cmocka_unit_test(test_unwanted_in_charon),
		cmocka_unit_test(test_managed_no_more),
		cmocka_unit_test(test_not_managed),
		cmocka_unit_test(test_bird),
		cmocka_unit_test(test_holds),
		cmocka_unit_test(test_many_routes),
	};

	return cmocka_run_group_tests(tests, make_secret, remove_secret);
}
