// SPDX-License-Identifier: GPL-2.0
/* Where return traffic is steered as tunnels fail and come back, second by second. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/steer.h"
#include "util.h"

#define MAX	64
#define S	1000

static struct {
	struct bt_steer steer;
	struct bt_steer_input in[MAX];
	char names[MAX][4];
	size_t n;
	uint64_t now;
	uint64_t next;
	/* What the far end believes of each: the level that it was told last, -1 nothing */
	int heard[MAX];
	unsigned int announced;		/* changes of what tunnels announce */
	unsigned int rejected;		/* changes of what is accepted */
	int last[MAX];
	bool dead[MAX];
} t;

static void begin(size_t n, unsigned int levels)
{
	size_t i;

	memset(&t, 0, sizeof(t));
	t.n = n;
	t.now = 5 * S;
	for (i = 0; i < n; i++) {
		snprintf(t.names[i], sizeof(t.names[i]), "%c", (char)('a' + i));
		t.in[i] = (struct bt_steer_input){
			.name = t.names[i], .group = "g", .levels = levels, .hold_ms = 30 * S,
		};
		t.heard[i] = -1;
		t.last[i] = -1;
		t.dead[i] = true;
	}
}

static int end(void **state)
{
	bt_steer_free(&t.steer);
	return 0;
}

static int announces(size_t i)
{
	const struct bt_steer_tunnel *tunnel = bt_steer_tunnel(&t.steer, t.names[i], i);
	const struct bt_steer_group *g = bt_steer_group(&t.steer, t.in[i].group);

	return bt_steer_boosted(tunnel) ? (int)g->level : 0;
}

static void update(void)
{
	size_t i;

	t.next = bt_steer_update(&t.steer, t.in, t.n, t.now);
	for (i = 0; i < t.n; i++) {
		bool dead = bt_steer_tunnel(&t.steer, t.names[i], i)->dead;

		t.announced += t.last[i] >= 0 && announces(i) != t.last[i];
		t.last[i] = announces(i);
		t.rejected += dead != t.dead[i];
		t.dead[i] = dead;
		/* Who is dead is not heard. */
		if (t.in[i].state != BT_STEER_DOWN)
			t.heard[i] = announces(i);
	}
	assert_true(t.next > t.now);
}

/* States as letters: u up, d down, r drained. */
static void states(const char *letters)
{
	size_t i;

	for (i = 0; i < t.n; i++)
		t.in[i].state = letters[i] == 'u' ? BT_STEER_UP :
				letters[i] == 'r' ? BT_STEER_DRAIN : BT_STEER_DOWN;
	update();
}

/* Let time pass, and what has a deadline happen. */
static void pass(uint64_t ms)
{
	uint64_t until = t.now + ms;

	while (t.next <= until) {
		t.now = t.next;
		update();
	}
	t.now = until;
}

static void expect_levels(const char *digits)
{
	char have[MAX + 1] = {};
	size_t i;

	for (i = 0; i < t.n; i++)
		have[i] = (char)('0' + announces(i));
	assert_string_equal(have, digits);
}

/* Letters: x rejected, - accepted */
static void expect_routes(const char *letters)
{
	char have[MAX + 1] = {};
	size_t i;

	for (i = 0; i < t.n; i++)
		have[i] = t.dead[i] ? 'x' : '-';
	assert_string_equal(have, letters);
}

/* The far end sends by the best that it has heard of: is every one of them alive? */
static bool return_works(void)
{
	int best = -1;
	size_t i;

	for (i = 0; i < t.n; i++)
		if (t.heard[i] > best)
			best = t.heard[i];
	for (i = 0; i < t.n; i++)
		if (t.heard[i] == best && t.in[i].state == BT_STEER_DOWN)
			return false;
	return best >= 0;
}

/* --- */

static void test_start(void **state)
{
	begin(4, 9);
	states("dddd");
	expect_routes("xxxx");
	assert_int_equal(t.next, UINT64_MAX);
	/* One after the other: none has failed, none is better. */
	states("uddd");
	expect_levels("0000");
	expect_routes("-xxx");
	states("uudu");
	expect_routes("--x-");
	expect_levels("0000");
	states("uuuu");
	expect_routes("----");
	pass(100 * S);
	expect_levels("0000");
	assert_int_equal(t.announced, 0);
	assert_int_equal(t.rejected, 4);
}

static void test_one_fails(void **state)
{
	begin(4, 9);
	states("uuuu");
	states("uudu");
	expect_routes("--x-");
	expect_levels("1101");
	assert_true(return_works());
	/* For however long, it is not forgotten that it may be wrong about itself. */
	pass(1000 * S);
	expect_levels("1101");
	states("uuuu");
	expect_routes("----");
	expect_levels("1101");
	pass(BT_STEER_WAIT_MS - 1);
	expect_levels("1101");
	pass(1);
	expect_levels("0000");
	assert_int_equal(t.next, UINT64_MAX);
	assert_int_equal(t.announced, 6);
}

static void test_one_after_the_other(void **state)
{
	begin(4, 9);
	states("uuuu");
	states("duuu");
	expect_levels("0111");
	t.now += S;
	states("dduu");
	expect_levels("0022");
	assert_true(return_works());
	t.now += S;
	states("dddu");
	expect_levels("0003");
	assert_true(return_works());
	/* Nobody announces, but the next one has to beat what they left. */
	states("dddd");
	expect_levels("0000");
	expect_routes("xxxx");
	states("dudd");
	expect_levels("0400");
	assert_true(return_works());
	states("uudd");
	expect_levels("0400");
	pass(BT_STEER_WAIT_MS);
	expect_levels("4400");
	states("uuuu");
	expect_levels("4400");
	expect_routes("----");
	pass(BT_STEER_WAIT_MS);
	expect_levels("0000");
}

static void test_at_once(void **state)
{
	begin(4, 9);
	states("uuuu");
	states("dduu");
	expect_levels("0011");
	states("dddd");
	states("uuuu");
	/* Nobody is there to wait for. */
	expect_levels("0000");
	expect_routes("----");
	assert_true(return_works());
}

/* As when charon is restarted, again and again: no tunnel is worse than the others. */
static void test_all_fail_often(void **state)
{
	int i;

	begin(4, 9);
	states("uuuu");
	for (i = 0; i < 10; i++) {
		states("dddd");
		pass(S);
		states("uddd");
		assert_true(return_works());
		states("uuuu");
		pass(BT_STEER_WAIT_MS);
		expect_levels("0000");
	}
}

/* It takes the value of the others while one is missing, or the next failure would not do. */
static void test_returns_while_another_is_gone(void **state)
{
	begin(3, 9);
	states("uuu");
	states("duu");
	states("ddu");
	expect_levels("002");
	states("duu");
	pass(BT_STEER_WAIT_MS);
	expect_levels("022");
	states("dud");
	expect_levels("030");
	assert_true(return_works());
	/* The far end has forgotten those that are dead: one step is enough. */
	pass(BT_STEER_QUIET_MS - 1);
	expect_levels("030");
	pass(1);
	expect_levels("010");
}

static void test_long_hold(void **state)
{
	begin(3, 9);
	t.in[0].hold_ms = 180 * S;
	states("uuu");
	states("duu");
	states("ddu");
	pass(180 * S);
	expect_levels("002");
	pass(BT_STEER_MARGIN_MS);
	expect_levels("001");
}

/* Once a second for a minute, then no more */
static void test_flapping(void **state)
{
	int i;

	begin(4, 9);
	states("uuuu");
	t.rejected = 0;
	for (i = 0; i < 60; i++) {
		states("uudu");
		assert_true(return_works());
		expect_routes("--x-");
		pass(500);
		states("uuuu");
		assert_true(return_works());
		pass(500);
	}
	expect_levels("1101");
	/* The three others once, it itself never (it was at 0); its routes every 5 s. */
	assert_int_equal(t.announced, 3);
	assert_in_range(t.rejected, 2, 2 * 13);
	pass(BT_STEER_ACCEPT_MS);
	expect_routes("----");
	expect_levels("0000");
	assert_int_equal(t.announced, 6);
}

/* As slowly as it takes to be taken back each time: the pauses grow. */
static void test_slow_flapping(void **state)
{
	unsigned int before;
	int i;

	begin(4, 9);
	states("uuuu");
	for (i = 0; i < 3600; i += 5) {
		states("uudu");
		assert_true(return_works());
		states("uuuu");
		pass(5 * S);
	}
	assert_in_range(t.announced, 6, 6 * 3);
	/* One that has been good for long begins anew. */
	pass(2 * BT_STEER_CALM_MS);
	before = t.announced;
	states("uudu");
	states("uuuu");
	pass(BT_STEER_WAIT_MS);
	assert_int_equal(t.announced, before + 6);
}

/* One is gone for good, another comes and goes: the levels suffice. */
static void test_levels_suffice(void **state)
{
	int i;

	begin(3, 9);
	states("uuu");
	states("duu");
	for (i = 0; i < 2000; i++) {
		states("ddu");
		assert_true(return_works());
		states("duu");
		assert_true(return_works());
		pass(S);
	}
	assert_false(bt_steer_group(&t.steer, "g")->exhausted);
	assert_in_range(t.announced, 1, 100);
}

static void test_exhausted(void **state)
{
	begin(5, 3);
	states("uuuuu");
	states("duuuu");
	states("dduuu");
	states("ddduu");
	expect_levels("00033");
	assert_false(bt_steer_group(&t.steer, "g")->exhausted);
	states("ddddu");
	expect_levels("00003");
	assert_true(bt_steer_group(&t.steer, "g")->exhausted);
	pass(BT_STEER_QUIET_MS);
	expect_levels("00001");
	assert_false(bt_steer_group(&t.steer, "g")->exhausted);
}

static void test_drain(void **state)
{
	begin(3, 9);
	states("uuu");
	states("uru");
	expect_levels("101");
	expect_routes("---");
	/* The next one costs no step either. */
	states("urr");
	expect_levels("100");
	/* Empty, and taken down: nothing new for the far end. */
	states("udr");
	expect_levels("100");
	expect_routes("-x-");
	pass(1000 * S);
	expect_levels("100");
	/* It was not at fault, so it does not wait. */
	states("uur");
	expect_levels("110");
	states("uuu");
	expect_levels("000");
	/* All of them: nobody is better. */
	states("rrr");
	expect_levels("000");
	expect_routes("---");
}

static void test_drained_from_the_start(void **state)
{
	begin(2, 9);
	states("ur");
	expect_levels("10");
	expect_routes("--");
}

static void test_off(void **state)
{
	begin(2, 0);
	states("uu");
	states("ud");
	expect_levels("00");
	expect_routes("-x");
	assert_false(bt_steer_group(&t.steer, "g")->exhausted);
	states("uu");
	pass(100 * S);
	assert_int_equal(t.announced, 0);
}

/* The only one: no time is lost, however often it fails. */
static void test_only_one(void **state)
{
	int i;

	begin(1, 9);
	for (i = 0; i < 10; i++) {
		states("u");
		expect_routes("-");
		states("d");
		expect_routes("x");
	}
}

static void test_groups(void **state)
{
	begin(4, 9);
	t.in[2].group = "h";
	t.in[3].group = "h";
	states("uuuu");
	states("duuu");
	expect_levels("0100");
	states("dudu");
	expect_levels("0101");
	/* To another group it comes as a new one. */
	t.in[0].group = "h";
	states("uudu");
	expect_levels("1101");
}

/* Added, removed and renamed while the others go on */
static void test_configuration(void **state)
{
	struct bt_steer_input all[4];

	begin(4, 9);
	memcpy(all, t.in, sizeof(all));
	t.n = 3;
	states("uuu");
	states("duu");
	expect_levels("011");
	t.n = 4;
	states("duuu");
	expect_levels("0111");
	/* The dead one is removed: the far end may remember it all the same. */
	memcpy(t.in, all + 1, 3 * sizeof(*all));
	memcpy(t.names, "b\0\0\0c\0\0\0d\0\0\0", 12);
	t.in[0].name = t.names[0];
	t.in[1].name = t.names[1];
	t.in[2].name = t.names[2];
	t.n = 3;
	states("uuu");
	expect_levels("111");
	pass(BT_STEER_QUIET_MS);
	expect_levels("000");
	t.n = 0;
	states("");
	assert_int_equal(t.steer.tunnels.n, 0);
}

/* A daemon that is started again goes on where the last one was. */
static void test_seed(void **state)
{
	begin(4, 9);
	t.in[0] = (struct bt_steer_input){ "a", "g", 9, 30 * S, 0, true, false, true, 2 };
	t.in[1] = (struct bt_steer_input){ "b", "g", 9, 30 * S, 0, true, true, false, 2 };
	t.in[2] = (struct bt_steer_input){ "c", "g", 9, 30 * S, 0, true, false, true, 2 };
	t.in[3] = (struct bt_steer_input){ "d", "g", 9, 30 * S, 0, true, true, true, 2 };
	states("uduu");
	expect_levels("2022");
	expect_routes("-x--");
	/* What failed while nobody looked */
	bt_steer_free(&t.steer);
	states("uddd");
	expect_levels("3003");
	expect_routes("-xxx");
	bt_steer_free(&t.steer);
	states("uuuu");
	expect_levels("2022");
	pass(BT_STEER_WAIT_MS);
	expect_levels("0000");
}

/* The first one of the configuration is new: the others know the level. */
static void test_seed_behind_new(void **state)
{
	begin(3, 9);
	t.in[1] = (struct bt_steer_input){ "b", "g", 9, 30 * S, 0, true, false, true, 2 };
	t.in[2] = (struct bt_steer_input){ "c", "g", 9, 30 * S, 0, true, true, false, 2 };
	states("uud");
	expect_levels("220");
}

int main(void)
{
#define TEST(_name)	cmocka_unit_test_teardown(test_##_name, end)
	const struct CMUnitTest tests[] = {
		TEST(start),
		TEST(one_fails),
		TEST(one_after_the_other),
		TEST(at_once),
		TEST(all_fail_often),
		TEST(returns_while_another_is_gone),
		TEST(long_hold),
		TEST(flapping),
		TEST(slow_flapping),
		TEST(levels_suffice),
		TEST(exhausted),
		TEST(drain),
		TEST(drained_from_the_start),
		TEST(off),
		TEST(only_one),
		TEST(groups),
		TEST(configuration),
		TEST(seed),
		TEST(seed_behind_new),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
