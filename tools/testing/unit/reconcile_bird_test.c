// SPDX-License-Identifier: GPL-2.0
/* What BIRD is told as tunnels fail and come back. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "world.h"

static const char basic[] =
	"links:\n"
	"- name: bow0\n"
	"  bgp: {as: 65000, announce: 10.1.0.0/16, table: 100}\n"
	"  defaults: {local: 198.51.100.1, ike: {psk_file: @}, bgp: {as: 64512}}\n"
	"  tunnels:\n"
	"  - {name: a, remote: 192.0.2.1, if_id: 1, inside: [{local: 169.254.21.2/30}]}\n"
	"  - {name: b, remote: 192.0.2.2, if_id: 2, inside: [{local: 169.254.21.6/30}]}\n";

static void set_oper(struct world *w, size_t tunnel, uint32_t oper, uint64_t now)
{
	w->facts.links.v[0].tunnels.v[tunnel].oper = oper;
	bt_bird_steer(&w->facts, w->config, now);
}

static void test_steer(void **state)
{
	struct world *w = fit(basic);
	struct bt_facts *f = &w->facts;

	set_oper(w, 0, BOWTIE_OPER_UP, 1000);
	expect_ops(w, "");
	/* The return path first, then what is only our own. */
	set_oper(w, 0, BOWTIE_OPER_DOWN, 2000);
	expect_ops(w, "BIRD: write /run/bowtie/bird.conf.vars\n"
		      "BIRD: enable bt_step_bow0_64512_1\n"
		      "BIRD: disable bt_boost_bow0_a\n"
		      "BIRD: enable bt_dead_bow0_a\n"
		      "BIRD: reload out bt_bow0_b\n"
		      "BIRD: reload out bt_bow0_a\n"
		      "BIRD: reload in bt_bow0_a\n");
	/* BIRD has the flags already, as after "configure" by others or by a daemon that died. */
	fit_bird(w);
	expect_ops(w, "");
	bt_facts_reload(f, "out bt_bow0_a");
	bt_facts_reload(f, "in bt_bow0_gone");
	expect_ops(w, "BIRD: reload out bt_bow0_a\n");
	bt_facts_reload_sent(f, "out bt_bow0_a");
	expect_ops(w, "");
	/* There was another reason since: the answer is to the one before. */
	bt_facts_reload(f, "out bt_bow0_a");
	bt_facts_reload_done(f, "out bt_bow0_a");
	expect_ops(w, "BIRD: reload out bt_bow0_a\n");
	bt_facts_reload_sent(f, "out bt_bow0_a");
	bt_facts_reload_done(f, "out bt_bow0_a");
	assert_int_equal(f->bird_reloads.n, 1);
	/* Its own text is another one, and refused: it is steered nevertheless. */
	f->bird_revision[10] ^= 1;
	bt_facts_failed(f, "bird configure", 900, 30000);
	set_oper(w, 0, BOWTIE_OPER_UP, 3000);
	expect_ops(w, "BIRD: write /run/bowtie/bird.conf.vars\n"
		      "BIRD: disable bt_dead_bow0_a\n"
		      "BIRD: reload in bt_bow0_a\n");
	bt_bird_steer(f, w->config, 3000 + BT_STEER_WAIT_MS);
	expect_ops(w, "BIRD: write /run/bowtie/bird.conf.vars\n"
		      "BIRD: disable bt_step_bow0_64512_1\n"
		      "BIRD: enable bt_boost_bow0_a\n"
		      "BIRD: disable bt_dead_bow0_a\n"
		      "BIRD: reload out bt_bow0_b\n"
		      "BIRD: reload out bt_bow0_a\n"
		      "BIRD: reload in bt_bow0_a\n");
	done(w);
}

/* A flag that BIRD does not set: no reloads before it is tried again. */
static void test_flag_fails(void **state)
{
	struct world *w = fit(basic);
	uint64_t now = 2000;
	char *have;

	set_oper(w, 0, BOWTIE_OPER_UP, 1000);
	set_oper(w, 1, BOWTIE_OPER_UP, 1000);
	fit_bird(w);
	set_oper(w, 0, BOWTIE_OPER_DRAIN, now);
	bt_facts_failed(&w->facts, "bird flag bt_step_bow0_64512_1", now, 30000);
	bt_facts_failed(&w->facts, "bird flag bt_boost_bow0_a", now, 30000);
	have = ops_at(w, now);
	assert_string_equal(have, "BIRD: write /run/bowtie/bird.conf.vars\n");
	free(have);
	have = ops_at(w, now + 500);
	assert_string_equal(have, "BIRD: write /run/bowtie/bird.conf.vars\n"
			    "BIRD: enable bt_step_bow0_64512_1\n"
			    "BIRD: disable bt_boost_bow0_a\n"
			    "BIRD: reload out bt_bow0_b\n"
			    "BIRD: reload out bt_bow0_a\n");
	free(have);
	done(w);
}

/* The include file needs the vars file: it waits until that could be written. */
static void test_vars_fail(void **state)
{
	struct world *w = fit(basic);
	char *have;

	free(w->facts.bird_vars);
	w->facts.bird_vars = NULL;
	free(w->facts.bird_file);
	w->facts.bird_file = NULL;
	bt_facts_failed(&w->facts, "bird vars", 2000, 30000);
	have = ops_at(w, 2000);
	assert_string_equal(have, "");
	free(have);
	have = ops_at(w, 2500);
	assert_string_equal(have, "BIRD: write /run/bowtie/bird.conf.vars\n"
			    "BIRD: write /run/bowtie/bird.conf\n");
	free(have);
	done(w);
}

/* Without BIRD, or with one that does not have the flags, it is written down only. */
static void test_steer_without_bird(void **state)
{
	struct world *w = fit(basic);

	set_oper(w, 0, BOWTIE_OPER_UP, 1000);
	bt_strings_clear(&w->facts.bird_on);
	bt_strings_clear(&w->facts.bird_off);
	set_oper(w, 1, BOWTIE_OPER_DRAIN, 2000);
	expect_ops(w, "BIRD: write /run/bowtie/bird.conf.vars\n");
	w->facts.bird = false;
	expect_ops(w, "BIRD: write /run/bowtie/bird.conf.vars\n");
	/* The next daemon knows from there. */
	bt_steer_free(&w->facts.steer);
	free(w->facts.bird_vars);
	w->facts.bird_vars = bt_strdup("#\ndefine BT_NOSTEP_bow0_64512_1 = 0;\n"
				       "define BT_NOSTEP_bow0_64512_2 = 0;\n"
				       "define BT_NOSTEP_bow0_64512_3 = 1;\n"
				       "define BT_NOBOOST_bow0_a = 0;\ndefine BT_ALIVE_bow0_a = 1;\n"
				       "define BT_NOBOOST_bow0_b = 1;\ndefine BT_ALIVE_bow0_b = 0;\n");
	set_oper(w, 1, BOWTIE_OPER_DOWN, 3000);
	assert_int_equal(w->facts.steer.groups.v[0].level, 2);
	assert_int_equal(w->facts.steer.tunnels.v[0].place, BT_STEER_IN);
	assert_int_equal(w->facts.steer.tunnels.v[1].place, BT_STEER_OUT);
	assert_true(w->facts.steer.tunnels.v[1].dead);
	done(w);
}

/* One that answers again, but is held down, has to do where nobody else is up. */
static void test_held_down(void **state)
{
	struct world *w = fit(basic);
	const struct bt_steer *steer = &w->facts.steer;

	set_oper(w, 1, BOWTIE_OPER_UP, 1000);
	set_oper(w, 0, BOWTIE_OPER_DOWN, 2000);
	assert_true(steer->tunnels.v[0].dead);
	w->facts.links.v[0].tunnels.v[0].reason = BOWTIE_REASON_HOLD_DOWN;
	set_oper(w, 0, BOWTIE_OPER_PROBING, 3000);
	assert_true(steer->tunnels.v[0].dead);
	set_oper(w, 1, BOWTIE_OPER_DOWN, 9000);
	assert_false(steer->tunnels.v[0].dead);
	assert_true(steer->tunnels.v[1].dead);
	done(w);
}

/* The vars file is written; returns true if a constant of tunnel a is in it. */
static bool write_vars(struct world *w)
{
	struct bt_ops ops = {};
	bool value, found = false;
	size_t i;

	bt_reconcile(w->config, &w->facts, 1000, &ops);
	for (i = 0; i < ops.n; i++) {
		if (ops.v[i].type != BT_OP_BIRD_VARS)
			continue;
		free(w->facts.bird_vars);
		w->facts.bird_vars = bt_strdup(ops.v[i].content);
	}
	bt_ops_free(&ops);
	assert_true(bt_bird_vars_get(w->facts.bird_vars, "BT_ALIVE_bow0_b", &value));
	found = bt_bird_vars_get(w->facts.bird_vars, "BT_ALIVE_bow0_a", &value);
	return found;
}

/* Constants that a file needs which is still there, or in BIRD, stay until it is not. */
static void test_vars_of_both(void **state)
{
	struct world *w = fit(basic);

	reconfigure(w, "links: [{name: bow0, bgp: {as: 65000, announce: 10.1.0.0/16, table: 100},"
		       " defaults: {local: 198.51.100.1, ike: {psk_file: @}, bgp: {as: 64512}},"
		       " tunnels: [{name: b, remote: 192.0.2.2, if_id: 2,"
		       " inside: [{local: 169.254.21.6/30}]}]}]");
	w->facts.bird = false;
	assert_true(write_vars(w));
	w->facts.bird = true;
	free(w->facts.bird_file);
	w->facts.bird_file = bt_bird_render(w->config, 0);
	assert_true(write_vars(w));
	free(w->facts.bird_revision);
	w->facts.bird_revision = bt_bird_revision(w->facts.bird_file);
	assert_false(write_vars(w));
	done(w);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_steer),
		cmocka_unit_test(test_flag_fails),
		cmocka_unit_test(test_vars_fail),
		cmocka_unit_test(test_steer_without_bird),
		cmocka_unit_test(test_held_down),
		cmocka_unit_test(test_vars_of_both),
	};

	return cmocka_run_group_tests(tests, make_secret, remove_secret);
}
