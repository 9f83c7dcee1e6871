// SPDX-License-Identifier: GPL-2.0
/* daemon/ctl_status.c, lib/daemon_status.c: from facts to the line of "bowtie status". */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <json-c/json.h>

#include "daemon/ctl_status.h"
#include "daemon_status.h"

static void expect(const struct bt_facts *f, int held, int withdrawn, const char *text,
		   const char *json)
{
	struct json_object *status = json_object_new_object(), *news;
	struct bt_buf out = {};

	json_object_object_add(status, "held", json_object_new_int(held));
	json_object_object_add(status, "held-withdrawn", json_object_new_int(withdrawn));
	bt_ctl_status_put(f, status);
	news = bt_daemon_news(status);
	bt_buf_reserve(&out, 0);
	bt_daemon_news_text(news, &out);
	assert_string_equal(out.data, text);
	assert_string_equal(json_object_to_json_string_ext(news, JSON_C_TO_STRING_PLAIN), json);
	bt_buf_free(&out);
	json_object_put(news);
	json_object_put(status);
}

static void test_normal(void **state)
{
	struct bt_facts f = { .hold.state = BT_BIRD_HOLD_SETTLED };

	expect(&f, 0, 0, "", "null");
	f.hold.state = BT_BIRD_HOLD_NEW;
	expect(&f, 0, 0, "", "null");
	expect(&f, 7, 0, "bowtied: 7 held\n", "{\"held\":7}");
}

static void test_news(void **state)
{
	struct bt_facts f = { .hold.state = BT_BIRD_HOLD_AWAY };

	expect(&f, 0, 0, "bowtied: BIRD is away, its routes are kept\n", "{\"bird\":\"away\"}");
	f.hold.state = BT_BIRD_HOLD_BACK;
	expect(&f, 0, 0,
	       "bowtied: BIRD is back, its routes are kept until it has learned them again\n",
	       "{\"bird\":\"back\"}");
	f.hold.state = BT_BIRD_HOLD_AWAY;
	f.hold.stale = true;
	bt_facts_suspect(&f, 1, 0x11, true, 5);
	expect(&f, 7, 1, "bowtied: 7 held (1 withdrawn), 1 suspect SA, BIRD is stale: it is away "
	       "for too long, its routes do not count\n",
	       "{\"held\":7,\"held_withdrawn\":1,\"bird\":\"stale\",\"suspect_sas\":1}");
	f.hold = (struct bt_bird_hold){ .state = BT_BIRD_HOLD_SETTLED };
	bt_facts_suspect(&f, 1, 0x12, true, 5);
	expect(&f, 0, 0, "bowtied: 2 suspect SAs\n", "{\"suspect_sas\":2}");
	bt_facts_free(&f);
}

/* An older bowtied, or nonsense */
static void test_other_shapes(void **state)
{
	struct json_object *o = json_object_new_object();

	assert_null(bt_daemon_news(NULL));
	assert_null(bt_daemon_news(o));
	json_object_object_add(o, "held", json_object_new_string("many"));
	json_object_object_add(o, "bird-state", json_object_new_int(3));
	json_object_object_add(o, "suspects", json_object_new_int(-1));
	assert_null(bt_daemon_news(o));
	json_object_put(o);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_normal),
		cmocka_unit_test(test_news),
		cmocka_unit_test(test_other_shapes),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
