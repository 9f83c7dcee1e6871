// SPDX-License-Identifier: GPL-2.0
/* What has been observed: lists that are kept in order, and found in again. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "daemon/facts.h"
#include "util.h"

#define MANY	997	/* a prime: steps of any size visit all of them */

/* In an order that is neither ascending nor descending. */
static const char *name_of(int i)
{
	static char buf[32];

	snprintf(buf, sizeof(buf), "name %d", i * 331 % MANY);
	return buf;
}

static void test_strings(void **state)
{
	struct bt_strings s = {};
	size_t i;
	int j;

	assert_false(bt_strings_have(&s, "a"));
	for (j = 0; j < MANY; j++) {
		bt_strings_put(&s, name_of(j));
		bt_strings_put(&s, name_of(j));
	}
	assert_int_equal(s.n, MANY);
	for (i = 1; i < s.n; i++)
		assert_true(strcmp(s.v[i - 1], s.v[i]) < 0);
	for (j = 0; j < MANY; j++)
		assert_true(bt_strings_have(&s, name_of(j)));
	assert_false(bt_strings_have(&s, "name"));
	assert_false(bt_strings_have(&s, "zzz"));
	bt_strings_clear(&s);

	*bt_array_add(&s) = bt_strdup("b");
	*bt_array_add(&s) = bt_strdup("a");
	bt_strings_sort(&s);
	assert_true(bt_strings_have(&s, "a") && bt_strings_have(&s, "b"));
	bt_strings_clear(&s);
	bt_strings_sort(&s);
}

static void test_loaded(void **state)
{
	struct bt_fact_loadeds list = {};
	const struct bt_buf *content;
	int j;

	bt_facts_unloaded(&list, "a");
	for (j = 0; j < MANY; j++)
		bt_facts_loaded(&list, name_of(j), "first", 5);
	for (j = 0; j < MANY; j++)
		bt_facts_loaded(&list, name_of(j), name_of(j), strlen(name_of(j)));
	assert_int_equal(list.n, MANY);
	for (j = 0; j < MANY; j += 2)
		bt_facts_unloaded(&list, name_of(j));
	assert_int_equal(list.n, MANY / 2);
	for (j = 0; j < MANY; j++) {
		content = bt_facts_is_loaded(&list, name_of(j));
		assert_int_equal(!content, j % 2 == 0);
		if (content)
			assert_string_equal(content->data, name_of(j));
	}
	bt_facts_loaded_clear(&list);
	assert_int_equal(list.n, 0);
}

static void test_holds(void **state)
{
	struct bt_facts f = {};
	int j;

	for (j = 0; j < MANY; j++)
		bt_facts_wait(&f, name_of(j), 1000 + (uint64_t)j);
	bt_facts_begin(&f, "name under way");
	bt_facts_begin(&f, "other");
	for (j = 0; j < MANY; j++) {
		assert_true(bt_facts_held(&f, name_of(j), 999 + (uint64_t)j));
		assert_false(bt_facts_held(&f, name_of(j), 1000 + (uint64_t)j));
	}
	assert_int_equal(bt_facts_next_try(&f, 0), 1000);
	for (j = 0; j < MANY; j += 2)
		bt_facts_done(&f, name_of(j));
	bt_facts_done(&f, name_of(0));
	assert_int_equal(f.holds.n, MANY / 2 + 2);
	for (j = 0; j < MANY; j++)
		assert_int_equal(bt_facts_held(&f, name_of(j), 0), j % 2);
	/* What is under way is not begun a second time. */
	bt_facts_retry(&f, "name ");
	assert_int_equal(f.holds.n, 2);
	assert_true(bt_facts_held(&f, "name under way", 0));
	assert_true(bt_facts_held(&f, "other", 0));
	bt_facts_free(&f);
}

static void test_ikes(void **state)
{
	static const struct {
		const char *name;
		uint32_t id;
	} sas[] = { { "c", 5 }, { "a", 9 }, { "b", 3 }, { "a", 1 }, { "b", 2 }, { "a", 4 } };
	struct bt_fact_ikes ikes = {};
	size_t i;

	bt_fact_ikes_sort(&ikes);
	assert_null(bt_fact_ikes_first(&ikes, "a"));
	for (i = 0; i < BT_ARRAY_SIZE(sas); i++)
		*bt_array_add(&ikes) = (struct bt_fact_ike){
			.name = bt_strdup(sas[i].name), .id = sas[i].id,
		};
	bt_fact_ikes_sort(&ikes);
	assert_ptr_equal(bt_fact_ikes_first(&ikes, "a"), &ikes.v[0]);
	assert_ptr_equal(bt_fact_ikes_first(&ikes, "b"), &ikes.v[3]);
	assert_ptr_equal(bt_fact_ikes_first(&ikes, "c"), &ikes.v[5]);
	assert_null(bt_fact_ikes_first(&ikes, "d"));
	for (i = 1; i < 3; i++)
		assert_true(ikes.v[i - 1].id < ikes.v[i].id);
	bt_fact_ikes_clear(&ikes);
}

static void add_ike(struct bt_fact_ikes *ikes, const char *name, uint32_t id, bool established,
		    uint64_t packets)
{
	*bt_array_add(ikes) = (struct bt_fact_ike){
		.name = bt_strdup(name), .id = id, .established = established, .packets = packets,
	};
	bt_fact_ikes_sort(ikes);
}

/* Since when is each there, and when did its packets last come? */
static void test_ikes_followed(void **state)
{
	struct bt_fact_ikes before = {}, ikes = {};

	add_ike(&before, "a", 1, true, 10);
	add_ike(&before, "a", 2, false, 0);
	add_ike(&before, "b", 3, true, 5);
	bt_fact_ikes_follow(&before, &ikes, 1000);
	assert_int_equal(before.v[0].since, 1000);
	assert_int_equal(before.v[0].received, 0);
	assert_int_equal(before.v[1].since, 0);

	add_ike(&ikes, "a", 1, true, 11);
	add_ike(&ikes, "a", 2, true, 0);
	add_ike(&ikes, "b", 4, true, 6);
	add_ike(&ikes, "c", 3, true, 7);
	bt_fact_ikes_follow(&ikes, &before, 2000);
	assert_int_equal(ikes.v[0].since, 1000);
	assert_int_equal(ikes.v[0].received, 2000);
	/* From when it was established. */
	assert_int_equal(ikes.v[1].since, 2000);
	assert_int_equal(ikes.v[1].received, 0);
	/* Another id or another name is another one. */
	assert_int_equal(ikes.v[2].since, 2000);
	assert_int_equal(ikes.v[2].received, 0);
	assert_int_equal(ikes.v[3].since, 2000);
	bt_fact_ikes_clear(&before);

	/* A rekeyed child counts anew: that is no packet. */
	add_ike(&before, "a", 1, true, 2);
	bt_fact_ikes_follow(&before, &ikes, 3000);
	assert_int_equal(before.v[0].since, 1000);
	assert_int_equal(before.v[0].received, 2000);
	bt_fact_ikes_clear(&before);
	bt_fact_ikes_clear(&ikes);
}

/* Of both families, in several tables, with several metrics. */
static struct bt_fact_route route(uint32_t i)
{
	struct bt_fact_route r = { .table = 254 + i % 3, .metric = i / 3 % 2 };
	char text[64];

	if (i % 2)
		snprintf(text, sizeof(text), "10.%u.%u.%u/%u", i >> 16, i >> 8 & 255, i & 255,
			 i % 16 == 1 ? 31u : 32u);
	else
		snprintf(text, sizeof(text), "fd00::%x:%x/128", i >> 16, i & 0xffff);
	assert_int_equal(bt_ifaddr_parse(text, &r.dst, NULL), 0);
	return r;
}

static void check_route(const struct bt_fact_routes *routes, uint32_t i, bool there)
{
	struct bt_fact_route key = route(i), *found = bt_fact_routes_find(routes, &key);

	assert_int_equal(!!found, there);
	if (!found)
		return;
	assert_in_range(found - routes->v, 0, routes->n - 1);
	assert_int_equal(found->hops.n, 1);
	assert_int_equal(found->hops.v[0].ifindex, i);
}

static void add_route(struct bt_fact_routes *routes, uint32_t i)
{
	struct bt_fact_route r = route(i);

	bt_array_add(&r.hops)->ifindex = (int)i;
	bt_fact_routes_add(routes, &r);
}

/* Each event searches: it must not matter how many there are. */
static void test_many_routes(void **state)
{
	const uint32_t many = 30000;
	struct bt_fact_routes routes = {};
	struct bt_fact_route key;
	clock_t begin = clock();
	uint32_t i, round;

	check_route(&routes, 0, false);
	for (i = 0; i < many; i++) {
		check_route(&routes, i, false);
		add_route(&routes, i);
	}
	/* They go, and others come, in another order. */
	for (round = 0; round < 3; round++) {
		for (i = round; i < many; i += 3) {
			key = route(i * 7919 % many);
			bt_fact_routes_remove(&routes, bt_fact_routes_find(&routes, &key));
		}
		for (i = 0; i < many; i++)
			check_route(&routes, i * 7919 % many, i % 3 != round);
		for (i = round; i < many; i += 3)
			add_route(&routes, i * 7919 % many);
	}
	assert_int_equal(routes.n, many);
	for (i = 0; i < many; i++) {
		key = route(i);
		bt_fact_routes_remove(&routes, bt_fact_routes_find(&routes, &key));
	}
	assert_int_equal(routes.n, 0);
	print_message("# routes: %ld ms\n", (long)(clock() - begin) / (CLOCKS_PER_SEC / 1000));
	assert_true(clock() - begin < (clock_t)5 * CLOCKS_PER_SEC);
	bt_fact_routes_clear(&routes);
}

/* Of IPv6, and each goes by itself. */
static void test_equal_routes(void **state)
{
	struct bt_fact_routes routes = {};
	struct bt_fact_route key = route(2), *r;
	int i, sum = 0;

	for (i = 0; i < 5; i++) {
		add_route(&routes, 2);
		routes.v[routes.n - 1].hops.v[0].ifindex = 1 << i;
	}
	while ((r = bt_fact_routes_find(&routes, &key))) {
		sum += r->hops.v[0].ifindex;
		bt_fact_routes_remove(&routes, r);
	}
	assert_int_equal(sum, 31);
	assert_int_equal(routes.n, 0);
	bt_fact_routes_clear(&routes);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_strings),
		cmocka_unit_test(test_loaded),
		cmocka_unit_test(test_holds),
		cmocka_unit_test(test_ikes),
		cmocka_unit_test(test_ikes_followed),
		cmocka_unit_test(test_many_routes),
		cmocka_unit_test(test_equal_routes),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
