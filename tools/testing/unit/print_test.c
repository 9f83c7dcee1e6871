// SPDX-License-Identifier: GPL-2.0
/* lib/print.c, lib/format.c: text and JSON out of one path. */
#include <errno.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <setjmp.h>
#include <string.h>
#include <cmocka.h>

#include <json-c/json.h>

#include "format.h"
#include "model.h"
#include "print.h"

static void assert_output(struct bt_print *p, const char *want)
{
	char *text = NULL;
	size_t size = 0;
	FILE *file = open_memstream(&text, &size);

	assert_non_null(file);
	assert_int_equal(bt_print_flush(p, file), 0);
	fclose(file);
	assert_string_equal(text, want);
	free(text);
}

static void print_something(struct bt_print *p)
{
	bt_print_open_array(p, NULL);
	bt_print_open_object(p, NULL);
	bt_print_string(p, "name", "%s:", "t0");
	bt_print_text(p, " text only");
	bt_print_uint(p, "weight", " weight %u", 4000000000U);
	bt_print_json(p, "json", json_object_new_boolean(1));
	bt_print_open_array(p, "list");
	bt_print_uint(p, NULL, " %u", 1);
	bt_print_string(p, NULL, " %s", "two");
	bt_print_close(p);
	bt_print_close(p);
	bt_print_close(p);
	bt_print_text(p, "\n");
}

static void both_shapes(void **state)
{
	struct bt_print p;

	bt_print_init(&p, false);
	print_something(&p);
	assert_output(&p, "t0: text only weight 4000000000 1 two\n");
	/* It is empty after that. */
	assert_output(&p, "");
	bt_print_free(&p);

	bt_print_init(&p, true);
	print_something(&p);
	assert_output(&p, "[{\"name\":\"t0\",\"weight\":4000000000,\"json\":true,\"list\":[1,\"two\"]}]\n");
	assert_output(&p, "");
	bt_print_open_array(&p, NULL);
	bt_print_close(&p);
	assert_output(&p, "[]\n");
	bt_print_free(&p);
}

static void nothing_leaves_early(void **state)
{
	struct bt_print p;

	bt_print_init(&p, false);
	print_something(&p);
	bt_print_free(&p);
	bt_print_init(&p, true);
	print_something(&p);
	bt_print_free(&p);
	assert_output(&p, "");
}

static void write_errors(void **state)
{
	FILE *full = fopen("/dev/full", "w");
	struct bt_print p;

	assert_non_null(full);
	bt_print_init(&p, false);
	print_something(&p);
	assert_int_equal(bt_print_flush(&p, full), -ENOSPC);
	bt_print_free(&p);
	bt_print_init(&p, true);
	print_something(&p);
	assert_true(bt_print_flush(&p, full) < 0);
	bt_print_free(&p);
	fclose(full);
}

static void colours(void **state)
{
	struct bt_print p;

	bt_print_init(&p, false);
	bt_print_colour(&p, BT_COLOUR_GOOD, "up");
	assert_output(&p, "up");
	p.colour = true;
	bt_print_colour(&p, BT_COLOUR_GOOD, "up");
	assert_output(&p, "\033[32mup\033[0m");
	bt_print_init(&p, true);
	p.colour = true;
	bt_print_colour(&p, BT_COLOUR_GOOD, "up");
	assert_output(&p, "");
	bt_print_free(&p);
}

static void strings_are_utf8(void **state)
{
	static const struct {
		const char *in, *out;
	} cases[] = {
		{ "", "" },
		{ "plain", "plain" },
		{ "\xc3\xa4\xe2\x82\xac\xf0\x9f\x8e\x80", "\xc3\xa4\xe2\x82\xac\xf0\x9f\x8e\x80" },
		{ "\xff", "\xef\xbf\xbd" },
		{ "a\xc3", "a\xef\xbf\xbd" },
		{ "\xc3(", "\xef\xbf\xbd(" },
		/* too long for what it is, a surrogate, beyond Unicode */
		{ "\xc0\x80", "\xef\xbf\xbd\xef\xbf\xbd" },
		{ "\xed\xa0\x80", "\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd" },
		{ "\xf4\x90\x80\x80", "\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd" },
	};
	struct bt_buf out = {};
	struct bt_print p;
	size_t i;

	for (i = 0; i < BT_ARRAY_SIZE(cases); i++) {
		bt_format_utf8(&out, cases[i].in);
		assert_string_equal(out.data ? out.data : "", cases[i].out);
		bt_buf_free(&out);
	}
	bt_print_init(&p, true);
	bt_print_string(&p, NULL, "%s", "\xff\"\n/");
	assert_output(&p, "\"\xef\xbf\xbd\\\"\\n/\"\n");
	bt_print_free(&p);
}

static void assert_format(void (*format)(struct bt_buf *out, uint64_t value), uint64_t value,
			  const char *want)
{
	struct bt_buf out = {};

	format(&out, value);
	assert_string_equal(out.data, want);
	bt_buf_free(&out);
}

static void durations(void **state)
{
	assert_format(bt_format_duration, 0, "0s");
	assert_format(bt_format_duration, 59, "59s");
	assert_format(bt_format_duration, 60, "1m00s");
	assert_format(bt_format_duration, 3599, "59m59s");
	assert_format(bt_format_duration, 3600, "1h00m");
	assert_format(bt_format_duration, 86399, "23h59m");
	assert_format(bt_format_duration, 86400, "1d00h");
	assert_format(bt_format_duration, 400 * 86400 + 5 * 3600, "400d05h");
	assert_format(bt_format_duration, UINT64_MAX, "213503982334601d07h");
}

static void sizes(void **state)
{
	assert_format(bt_format_bytes, 0, "0");
	assert_format(bt_format_bytes, 1023, "1023");
	assert_format(bt_format_bytes, 1024, "1.0K");
	assert_format(bt_format_bytes, 1536, "1.5K");
	assert_format(bt_format_bytes, 1048575, "1.0M");
	assert_format(bt_format_bytes, 1048576, "1.0M");
	assert_format(bt_format_bytes, 5000000000, "4.7G");
	assert_format(bt_format_bytes, UINT64_MAX, "16.0E");
}

static void words(void **state)
{
	static const char *const cases[][2] = {
		{ "bow0", "bow0" }, { "", "\"\"" }, { "a b", "a\\ b" }, { "#", "\\#" },
		{ "it's", "it\\'s" }, { "\"\\", "\\\"\\\\" },
	};
	struct bt_buf out = {};
	size_t i;

	for (i = 0; i < BT_ARRAY_SIZE(cases); i++) {
		bt_format_word(&out, cases[i][0]);
		assert_string_equal(out.data, cases[i][1]);
		bt_buf_free(&out);
	}
}

/* Lines, details and statistics of an object. */
static void object_text(void **state)
{
	struct bt_link l = {
		.set = BT_BIT(BT_LINK_UP) | BT_BIT(BOWTIE_A_LINK_MTU) |
		       BT_BIT(BOWTIE_A_LINK_GROUPS) | BT_BIT(BOWTIE_A_LINK_HASH) |
		       BT_BIT(BOWTIE_A_LINK_HAIRPIN) | BT_BIT(BOWTIE_A_LINK_FWMARK) |
		       BT_BIT(BOWTIE_A_LINK_STATS),
		.up = true, .mtu = 1400, .groups = 2, .hash = BOWTIE_HASH_L4, .fwmark = 0x64,
		.stats = { .set = BT_BIT(BOWTIE_A_STATS_TX_PACKETS) },
	};
	struct bt_print p;

	l.stats.c[BOWTIE_A_STATS_TX_PACKETS] = UINT64_MAX;
	bt_print_init(&p, false);
	bt_object_print(&bt_link_object, &l, &p, 0);
	assert_output(&p, " up mtu 1400\n    fwmark 0x64 hash l4");
	bt_object_print(&bt_link_object, &l, &p, BT_SHOW_ONELINE);
	assert_output(&p, " up mtu 1400 fwmark 0x64 hash l4");
	bt_object_print(&bt_link_object, &l, &p, BT_SHOW_DETAILS);
	assert_output(&p, " up mtu 1400 groups 2\n    fwmark 0x64 hash l4 hairpin off");
	l.up = false;
	bt_object_print(&bt_link_object, &l, &p, 0);
	assert_output(&p, " mtu 1400\n    fwmark 0x64 hash l4");

	/* JSON has everything, but counters only if asked for. */
	bt_print_init(&p, true);
	bt_print_open_object(&p, NULL);
	bt_object_print(&bt_link_object, &l, &p, 0);
	assert_output(&p, "{\"up\":false,\"mtu\":1400,\"groups\":2,\"fwmark\":\"0x64\",\"hash\":\"l4\",\"hairpin\":false}\n");
	bt_print_open_object(&p, NULL);
	bt_object_print(&bt_link_object, &l, &p, BT_SHOW_STATS);
	assert_output(&p, "{\"up\":false,\"mtu\":1400,\"groups\":2,\"fwmark\":\"0x64\",\"hash\":\"l4\",\"hairpin\":false,\"stats\":{\"tx_packets\":18446744073709551615}}\n");
	bt_print_free(&p);
}

static void pretty(void **state)
{
	struct bt_print p;

	bt_print_init(&p, true);
	p.pretty = true;
	bt_print_open_object(&p, NULL);
	bt_print_uint(&p, "a", "%u", 1);
	assert_output(&p, "{\n  \"a\": 1\n}\n");
	bt_print_free(&p);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(both_shapes),
		cmocka_unit_test(nothing_leaves_early),
		cmocka_unit_test(write_errors),
		cmocka_unit_test(colours),
		cmocka_unit_test(strings_are_utf8),
		cmocka_unit_test(durations),
		cmocka_unit_test(sizes),
		cmocka_unit_test(words),
		cmocka_unit_test(object_text),
		cmocka_unit_test(pretty),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
