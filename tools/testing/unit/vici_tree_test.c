// SPDX-License-Identifier: GPL-2.0
/* Reading vici messages: good, cut, too large, too deep, out of order. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <cmocka.h>

#include <errno.h>
#include <string.h>

#include "vici_example.h"

/* A complete message ends behind its first element */
#define EXAMPLE_FIRST	14

static void read_the_example(void **state)
{
	struct bt_vici_node *root;
	const struct bt_vici_node *node;

	assert_int_equal(bt_vici_tree_parse(example, sizeof(example), &root), 0);
	assert_string_equal(bt_vici_get_str(root, "key1"), "value1");
	node = bt_vici_find(root, "section1", "sub-section", "key2", NULL);
	assert_string_equal(bt_vici_str(node), "value2");
	assert_null(node->next);
	node = bt_vici_find(root, "section1", "list1", NULL);
	assert_int_equal(node->kind, BT_VICI_LIST);
	assert_string_equal(bt_vici_str(node->child), "item1");
	assert_string_equal(bt_vici_str(node->child->next), "item2");
	assert_null(node->child->next->next);
	assert_null(bt_vici_find(root, "section1", "key1", NULL));
	assert_null(bt_vici_find(root, "section1", "list1", "item1", NULL));
	assert_null(bt_vici_find(NULL, "a", NULL));
	assert_ptr_equal(bt_vici_find(root, NULL), root);
	assert_null(bt_vici_get_str(NULL, "key1"));
	assert_null(bt_vici_get_str(root, "section1"));
	bt_vici_tree_free(root);
	bt_vici_tree_free(NULL);
}

static void read_elements(void **state)
{
	static const enum bt_vici_element order[] = {
		BT_VICI_KEY_VALUE, BT_VICI_SECTION_START, BT_VICI_SECTION_START, BT_VICI_KEY_VALUE,
		BT_VICI_SECTION_END, BT_VICI_LIST_START, BT_VICI_LIST_ITEM, BT_VICI_LIST_ITEM,
		BT_VICI_LIST_END, BT_VICI_SECTION_END,
	};
	struct bt_vici_iter iter;
	struct bt_vici_item item;
	size_t i;

	bt_vici_iter_init(&iter, example, sizeof(example));
	for (i = 0; i < BT_ARRAY_SIZE(order); i++) {
		assert_int_equal(bt_vici_iter_next(&iter, &item), 1);
		assert_int_equal(item.type, order[i]);
	}
	assert_int_equal(bt_vici_iter_next(&iter, &item), 0);
	assert_int_equal(item.type, BT_VICI_END);
	bt_vici_iter_init(&iter, NULL, 0);
	assert_int_equal(bt_vici_iter_next(&iter, &item), 0);
}

static void read_cut_at_every_byte(void **state)
{
	size_t len;

	for (len = 0; len < sizeof(example); len++)
		assert_int_equal(parse(example, len), len && len != EXAMPLE_FIRST ? -EBADMSG : 0);
	assert_int_equal(parse(example, sizeof(example)), 0);
}

#define READ_FAILS(...) do {					\
	const uint8_t bytes[] = { __VA_ARGS__ };		\
	assert_int_equal(parse(bytes, sizeof(bytes)), -EBADMSG);	\
} while (0)

static void read_out_of_order(void **state)
{
	READ_FAILS(2);						/* end of no section */
	READ_FAILS(1, 1, 'a');					/* section left open */
	READ_FAILS(1, 1, 'a', 2, 2);				/* one end too many */
	READ_FAILS(6);						/* end of no list */
	READ_FAILS(5, 0, 1, 'a');				/* item outside a list */
	READ_FAILS(4, 1, 'a');					/* list left open */
	READ_FAILS(4, 1, 'a', 4, 1, 'b', 6, 6);			/* list in a list */
	READ_FAILS(4, 1, 'a', 1, 1, 'b', 2, 6);			/* section in a list */
	READ_FAILS(4, 1, 'a', 3, 1, 'b', 0, 0, 6);		/* key in a list */
	READ_FAILS(1, 1, 's', 4, 1, 'a', 2, 6);			/* section ends in a list */
	READ_FAILS(0);						/* no such types */
	READ_FAILS(7);
	READ_FAILS(255);
	READ_FAILS(3, 255, 'a', 0, 0);				/* longer than there is */
	READ_FAILS(3, 1, 'a', 255, 255, 'b');
	READ_FAILS(4, 1, 'a', 5, 0, 2, 'b', 6);			/* swallows the end */
}

static void read_depth(void **state)
{
	uint8_t bytes[3 * (BT_VICI_MAX_DEPTH + 1)];
	unsigned int depth, i;

	for (depth = BT_VICI_MAX_DEPTH; depth <= BT_VICI_MAX_DEPTH + 1; depth++) {
		for (i = 0; i < depth; i++) {
			bytes[2 * i] = 1;
			bytes[2 * i + 1] = 0;
			bytes[2 * depth + i] = 2;
		}
		assert_int_equal(parse(bytes, 3 * depth),
				 depth > BT_VICI_MAX_DEPTH ? -EBADMSG : 0);
	}
}

/* A list in the deepest section: the tree's own stack must have room for it. */
static void read_list_at_the_bottom(void **state)
{
	struct bt_vici_msg msg = {};
	unsigned int i;

	for (i = 0; i < BT_VICI_MAX_DEPTH; i++)
		bt_vici_section(&msg, "s");
	bt_vici_list(&msg, "l");
	bt_vici_list_item_str(&msg, "i");
	bt_vici_list_end(&msg);
	for (i = 0; i < BT_VICI_MAX_DEPTH; i++)
		bt_vici_section_end(&msg);
	assert_int_equal(bt_vici_msg_check(&msg), 0);
	assert_int_equal(parse(msg.buf.data, msg.buf.len), 0);
	bt_vici_msg_wipe(&msg);
}

static void read_too_much(void **state)
{
	size_t n = BT_VICI_MAX_NODES;
	uint8_t *bytes = bt_alloc(BT_VICI_MAX_PACKET + 1);
	size_t i;

	for (i = 0; i <= n; i++)
		bytes[4 * i] = BT_VICI_KEY_VALUE;
	assert_int_equal(parse(bytes, 4 * n), 0);
	assert_int_equal(parse(bytes, 4 * (n + 1)), -E2BIG);
	assert_int_equal(parse(bytes, BT_VICI_MAX_PACKET + 1), -E2BIG);
	free(bytes);
}

static void read_keeps_order_and_names(void **state)
{
	struct bt_vici_msg msg = {};
	struct bt_vici_node *root;
	const struct bt_vici_node *node;
	struct bt_buf order = {};

	bt_vici_put_str(&msg, "z", "1");
	bt_vici_section(&msg, "aws.tunnel-1");
	bt_vici_section_end(&msg);
	bt_vici_put_str(&msg, "", "empty name");
	bt_vici_put_str(&msg, "a", "2");
	bt_vici_put_str(&msg, "z", "3");
	assert_int_equal(bt_vici_tree_parse(msg.buf.data, msg.buf.len, &root), 0);
	bt_vici_msg_wipe(&msg);		/* the tree needs it no more */
	bt_vici_for_each(node, root)
		bt_buf_printf(&order, "[%s]", node->name);
	assert_string_equal(order.data, "[z][aws.tunnel-1][][a][z]");
	assert_string_equal(bt_vici_get_str(root, "z"), "1");
	assert_string_equal(bt_vici_get_str(root, ""), "empty name");
	assert_non_null(bt_vici_find(root, "aws.tunnel-1", NULL));
	bt_buf_free(&order);
	bt_vici_tree_free(root);
}

/* Bytes as they come: charon lists names that other programs have loaded. */
static void read_odd_bytes(void **state)
{
	static const uint8_t bytes[] = {
		3, 2, 'a', 0, 0, 1, 'x',
		3, 1, 'b', 0, 3, 'x', 0, 'y',
		3, 1, 'c', 0, 2, 0xc3, 0xa4,
		3, 1, 'd', 0, 1, '\n',
		3, 2, 0xff, 0xfe, 0, 1, ' ',
	};
	struct bt_vici_node *root;

	assert_int_equal(bt_vici_tree_parse(bytes, sizeof(bytes), &root), 0);
	assert_null(bt_vici_find(root, "a", NULL));
	assert_null(bt_vici_get_str(root, "b"));
	assert_int_equal(bt_vici_find(root, "b", NULL)->len, 3);
	assert_memory_equal(bt_vici_find(root, "b", NULL)->value, "x\0y", 4);
	assert_null(bt_vici_get_str(root, "c"));
	assert_null(bt_vici_get_str(root, "d"));
	assert_string_equal(bt_vici_get_str(root, "\xff\xfe"), " ");
	bt_vici_tree_free(root);
}

static void read_numbers(void **state)
{
	static const struct {
		const char *text;
		int base;
		bool ok;
		uint64_t value;		/* left alone if it is none */
	} cases[] = {
		{ "0", 10, true, 0 },
		{ "18446744073709551615", 10, true, UINT64_MAX },
		{ "18446744073709551616", 10, false, 4711 },
		{ "c0ffee01", 16, true, 0xc0ffee01 },
		{ "c0ffee01", 10, false, 4711 },
		{ "0x10", 16, false, 4711 },
		{ "", 10, false, 4711 },
		{ "-1", 10, false, 4711 },
		{ "+1", 10, false, 4711 },
		{ " 1", 10, false, 4711 },
		{ "1 ", 10, false, 4711 },
	};
	size_t i;

	for (i = 0; i < BT_ARRAY_SIZE(cases); i++) {
		struct bt_vici_msg msg = {};
		struct bt_vici_node *root;
		uint64_t value = 4711;

		bt_vici_put_str(&msg, "k", cases[i].text);
		assert_int_equal(bt_vici_tree_parse(msg.buf.data, msg.buf.len, &root), 0);
		assert_int_equal(bt_vici_get_u64(root, "k", cases[i].base, &value), cases[i].ok);
		assert_true(value == cases[i].value);
		assert_false(bt_vici_get_u64(root, "none", 10, &value));
		bt_vici_tree_free(root);
		bt_vici_msg_wipe(&msg);
	}
}

static void read_success(void **state)
{
	static const struct {
		const char *success;
		const char *errmsg;
		const char *want;	/* NULL: success */
	} cases[] = {
		{ NULL, NULL, NULL },
		{ "yes", NULL, NULL },
		{ "yes", "ignored", NULL },
		{ "no", "invalid value", "invalid value" },
		{ "no", NULL, "failed without a reason" },
		{ "no", "with\ncontrol", "failed without a reason" },
		{ "", "odd", "odd" },
	};
	size_t i;

	for (i = 0; i < BT_ARRAY_SIZE(cases); i++) {
		struct bt_vici_msg msg = {};
		struct bt_vici_node *root;
		const char *errmsg = NULL;

		if (cases[i].success)
			bt_vici_put_str(&msg, "success", cases[i].success);
		if (cases[i].errmsg)
			bt_vici_put_str(&msg, "errmsg", cases[i].errmsg);
		assert_int_equal(bt_vici_tree_parse(msg.buf.data, msg.buf.len, &root), 0);
		assert_int_equal(bt_vici_success(root, &errmsg), !cases[i].want);
		if (cases[i].want)
			assert_string_equal(errmsg, cases[i].want);
		bt_vici_tree_free(root);
		bt_vici_msg_wipe(&msg);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(read_the_example),
		cmocka_unit_test(read_elements),
		cmocka_unit_test(read_cut_at_every_byte),
		cmocka_unit_test(read_out_of_order),
		cmocka_unit_test(read_depth),
		cmocka_unit_test(read_list_at_the_bottom),
		cmocka_unit_test(read_too_much),
		cmocka_unit_test(read_keeps_order_and_names),
		cmocka_unit_test(read_odd_bytes),
		cmocka_unit_test(read_numbers),
		cmocka_unit_test(read_success),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
