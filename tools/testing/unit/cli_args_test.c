// SPDX-License-Identifier: GPL-2.0
/* cli/args.c: words, quotes, abbreviations. */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <setjmp.h>
#include <cmocka.h>

#include "cli/args.c"
#include "format.h"

/* Splits, and joins with "|". */
static void assert_split(const char *line, const char *want)
{
	struct bt_buf joined = {};
	struct cli_args args;
	const char *word;

	assert_int_equal(cli_split(line, &args, NULL), 0);
	assert_null(args.v[args.n]);
	while ((word = cli_next(&args)))
		bt_buf_printf(&joined, "%s|", word);
	assert_string_equal(joined.data ? joined.data : "", want);
	bt_buf_free(&joined);
	cli_args_free(&args);
}

static void split(void **state)
{
	assert_split("", "");
	assert_split("   \t ", "");
	assert_split("# nothing", "");
	assert_split("link show", "link|show|");
	assert_split("  link\tshow  # comment", "link|show|");
	assert_split("a#b", "a#b|");
	assert_split("'a b' \"c d\"", "a b|c d|");
	assert_split("a'b c'd", "ab cd|");
	assert_split("'' \"\"", "||");
	assert_split("a\\ b \\#c \\\\ \\'", "a b|#c|\\|'|");
	assert_split("'\\' \"\\\"\"", "\\|\"|");
	assert_split("\"it's\"", "it's|");
	assert_split("a\\", "a\\|");
}

static void split_refused(void **state)
{
	static const char *const bad[] = { "'", "\"", "a 'b", "\"a\\\"", "show \"x y" };
	struct bt_error e = {};
	struct cli_args args;
	size_t i;

	for (i = 0; i < BT_ARRAY_SIZE(bad); i++) {
		assert_int_equal(cli_split(bad[i], &args, &e), -EINVAL);
		assert_string_equal(e.text, "a quotation has no end");
		assert_null(args.v);
	}
	bt_error_free(&e);
}

/* What showconf writes is read back as it was. */
static void words_survive(void **state)
{
	static const char *const words[] = {
		"bow0", "a b", "#x", "'", "\"", "\\", "\\\\\"'# \t", "\xff\x01",
	};
	struct bt_buf line = {};
	struct cli_args args;
	size_t i;

	for (i = 0; i < BT_ARRAY_SIZE(words); i++) {
		bt_format_word(&line, words[i]);
		bt_buf_puts(&line, " ");
	}
	assert_int_equal(cli_split(line.data, &args, NULL), 0);
	assert_int_equal(args.n, BT_ARRAY_SIZE(words));
	for (i = 0; i < BT_ARRAY_SIZE(words); i++)
		assert_string_equal(args.v[i], words[i]);
	cli_args_free(&args);
	bt_buf_free(&line);
}

static void taking_words(void **state)
{
	struct cli_args args;

	cli_split("dev bow0", &args, NULL);
	assert_string_equal(cli_peek(&args), "dev");
	assert_false(cli_accept(&args, "de"));
	assert_false(cli_accept(&args, "device"));
	assert_true(cli_accept(&args, "dev"));
	assert_string_equal(cli_next(&args), "bow0");
	assert_null(cli_next(&args));
	assert_null(cli_peek(&args));
	assert_false(cli_accept(&args, "dev"));
	cli_args_free(&args);
}

static const struct cli_command commands[] = {
	{ .name = "show" }, { .name = "set" }, { .name = "setup" }, { .name = "delete" },
};

static const char *match(const char *word, struct bt_error *e)
{
	const struct cli_command *c =
		cli_match(commands, BT_ARRAY_SIZE(commands), word, "command", e);

	return c ? c->name : NULL;
}

static void abbreviations(void **state)
{
	struct bt_error e = {};

	assert_string_equal(match("show", &e), "show");
	assert_string_equal(match("sh", &e), "show");
	assert_string_equal(match("d", &e), "delete");
	assert_string_equal(match("del", &e), "delete");
	/* In full it is clear though another one begins so. */
	assert_string_equal(match("set", &e), "set");
	assert_string_equal(match("setu", &e), "setup");
	assert_null(match("se", &e));
	assert_string_equal(e.text, "command \"se\" is ambiguous: set, setup");
	assert_null(match("s", &e));
	assert_string_equal(e.text, "command \"s\" is ambiguous: show, set, setup");
	assert_null(match("x", &e));
	assert_string_equal(e.text,
			    "command \"x\" is unknown, there are: show, set, setup, delete");
	assert_null(match("shows", &e));
	assert_null(match("", &e));
	assert_string_equal(e.text,
			    "command \"\" is unknown, there are: show, set, setup, delete");
	bt_error_free(&e);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(split),
		cmocka_unit_test(split_refused),
		cmocka_unit_test(words_survive),
		cmocka_unit_test(taking_words),
		cmocka_unit_test(abbreviations),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
