// SPDX-License-Identifier: GPL-2.0
/* Encoding and decoding of vici: good, cut, too large, too deep, out of order. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <cmocka.h>

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/vici_tree.h"
#include "daemon/vici_wire.h"

/* The example of strongSwan's README */
static const uint8_t example[] = {
	/* key1 = value1 */
	3, 4, 'k', 'e', 'y', '1', 0, 6, 'v', 'a', 'l', 'u', 'e', '1',
	/* section1 */
	1, 8, 's', 'e', 'c', 't', 'i', 'o', 'n', '1',
	/* sub-section */
	1, 11, 's', 'u', 'b', '-', 's', 'e', 'c', 't', 'i', 'o', 'n',
	/* key2 = value2 */
	3, 4, 'k', 'e', 'y', '2', 0, 6, 'v', 'a', 'l', 'u', 'e', '2',
	/* sub-section end */
	2,
	/* list1 */
	4, 5, 'l', 'i', 's', 't', '1',
	/* item1 */
	5, 0, 5, 'i', 't', 'e', 'm', '1',
	/* item2 */
	5, 0, 5, 'i', 't', 'e', 'm', '2',
	/* list1 end */
	6,
	/* section1 end */
	2,
};

/* A complete message ends behind its first element */
#define EXAMPLE_FIRST	14

/* Take the place of libc's two (fortified or not): count how often a secret goes. */
static unsigned int secrets_wiped;
#define SECRET	"correct horse battery staple"

void wipe(void *s, size_t n) __asm__("explicit_bzero");
void wipe_checked(void *s, size_t n, size_t room) __asm__("__explicit_bzero_chk");

void wipe(void *s, size_t n)
{
	if (memmem(s, n, SECRET, strlen(SECRET)))
		secrets_wiped++;
	memset(s, 0, n);
}

void wipe_checked(void *s, size_t n, size_t room)
{
	assert_true(n <= room);
	wipe(s, n);
}

static void build_example(struct bt_vici_msg *msg)
{
	bt_vici_put_str(msg, "key1", "value1");
	bt_vici_section(msg, "section1");
	bt_vici_section(msg, "sub-section");
	bt_vici_put_fmt(msg, "key2", "value%d", 2);
	bt_vici_section_end(msg);
	bt_vici_list(msg, "list1");
	bt_vici_list_item(msg, "item1", 5);
	bt_vici_list_item_str(msg, "item2");
	bt_vici_list_end(msg);
	bt_vici_section_end(msg);
}

static int parse(const void *data, size_t len)
{
	struct bt_vici_node *root;
	/* A copy of exactly this size: the sanitizer sees a read behind its end */
	void *copy = bt_memdup(data, len);
	int err = bt_vici_tree_parse(copy, len, &root);

	assert_int_equal(!root, !!err);
	bt_vici_tree_free(root);
	free(copy);
	return err;
}

/* --- building --- */

static void build_the_example(void **state)
{
	struct bt_vici_msg msg = {};

	build_example(&msg);
	assert_int_equal(bt_vici_msg_check(&msg), 0);
	assert_int_equal(msg.buf.len, sizeof(example));
	assert_memory_equal(msg.buf.data, example, sizeof(example));
	bt_vici_msg_wipe(&msg);
	assert_int_equal(msg.buf.len, 0);
}

static void build_empty(void **state)
{
	struct bt_vici_msg msg = {};

	assert_int_equal(bt_vici_msg_check(&msg), 0);
	bt_vici_msg_wipe(&msg);
}

#define BUILD_FAILS(want, ...) do {				\
	__VA_ARGS__;						\
	assert_int_equal(bt_vici_msg_check(&msg), want);	\
	bt_vici_msg_wipe(&msg);					\
} while (0)

static void build_out_of_order(void **state)
{
	struct bt_vici_msg msg = {};

	BUILD_FAILS(-EINVAL, bt_vici_section_end(&msg));
	BUILD_FAILS(-EINVAL, bt_vici_section(&msg, "a"));
	BUILD_FAILS(-EINVAL, bt_vici_list(&msg, "a"));
	BUILD_FAILS(-EINVAL, bt_vici_list_end(&msg));
	BUILD_FAILS(-EINVAL, bt_vici_list_item_str(&msg, "a"));
	BUILD_FAILS(-EINVAL, bt_vici_list(&msg, "a"), bt_vici_put_str(&msg, "k", "v"),
		    bt_vici_list_end(&msg));
	BUILD_FAILS(-EINVAL, bt_vici_list(&msg, "a"), bt_vici_section(&msg, "s"),
		    bt_vici_list_end(&msg));
	BUILD_FAILS(-EINVAL, bt_vici_list(&msg, "a"), bt_vici_list(&msg, "b"),
		    bt_vici_list_end(&msg));
	BUILD_FAILS(-EINVAL, bt_vici_section(&msg, "s"), bt_vici_list(&msg, "a"),
		    bt_vici_section_end(&msg), bt_vici_list_end(&msg));
}

static void build_names(void **state)
{
	char name[BT_VICI_MAX_NAME + 2];
	struct bt_vici_msg msg = {};

	memset(name, 'n', sizeof(name));
	name[BT_VICI_MAX_NAME + 1] = '\0';
	BUILD_FAILS(-ENAMETOOLONG, bt_vici_put_str(&msg, name, "v"));
	BUILD_FAILS(-ENAMETOOLONG, bt_vici_section(&msg, name));
	BUILD_FAILS(-ENAMETOOLONG, bt_vici_list(&msg, name));
	name[BT_VICI_MAX_NAME] = '\0';
	BUILD_FAILS(0, bt_vici_put_str(&msg, name, "v"));
	BUILD_FAILS(0, bt_vici_put_str(&msg, "", "v"));
	BUILD_FAILS(-EINVAL, bt_vici_put_str(&msg, "a\nb", "v"));
	BUILD_FAILS(-EINVAL, bt_vici_section(&msg, "a\x7f"));
	BUILD_FAILS(-EINVAL, bt_vici_list(&msg, "\xc3\xa4"));
}

static void build_sizes(void **state)
{
	char *value = bt_alloc(BT_VICI_MAX_VALUE + 1);
	struct bt_vici_msg msg = {};
	size_t i;

	BUILD_FAILS(-EMSGSIZE, bt_vici_put(&msg, "k", value, BT_VICI_MAX_VALUE + 1));
	BUILD_FAILS(-EMSGSIZE, bt_vici_list(&msg, "l"),
		    bt_vici_list_item(&msg, value, BT_VICI_MAX_VALUE + 1), bt_vici_list_end(&msg));
	for (i = 0; i < 7; i++)
		bt_vici_put(&msg, "k", value, BT_VICI_MAX_VALUE);
	assert_int_equal(bt_vici_msg_check(&msg), 0);
	assert_int_equal(parse(msg.buf.data, msg.buf.len), 0);
	/* Up to the last byte, then one more */
	bt_vici_put(&msg, "k", value, BT_VICI_MAX_PACKET - msg.buf.len - 5);
	assert_int_equal(bt_vici_msg_check(&msg), 0);
	assert_int_equal(msg.buf.len, BT_VICI_MAX_PACKET);
	bt_vici_section(&msg, "");
	assert_int_equal(bt_vici_msg_check(&msg), -EMSGSIZE);
	assert_int_equal(msg.buf.len, BT_VICI_MAX_PACKET);
	bt_vici_msg_wipe(&msg);
	free(value);
}

static void build_depth(void **state)
{
	struct bt_vici_msg msg = {};
	unsigned int i;

	for (i = 0; i < BT_VICI_MAX_DEPTH; i++)
		bt_vici_section(&msg, "s");
	for (i = 0; i < BT_VICI_MAX_DEPTH; i++)
		bt_vici_section_end(&msg);
	assert_int_equal(bt_vici_msg_check(&msg), 0);
	assert_int_equal(parse(msg.buf.data, msg.buf.len), 0);
	for (i = 0; i <= BT_VICI_MAX_DEPTH; i++)
		bt_vici_section(&msg, "s");
	assert_int_equal(bt_vici_msg_check(&msg), -E2BIG);
	bt_vici_msg_wipe(&msg);
}

/* The first mistake stays, whatever follows. */
static void build_first_mistake(void **state)
{
	struct bt_vici_msg msg = {};
	size_t len;

	bt_vici_put_str(&msg, "a", "b");
	bt_vici_list_item_str(&msg, "x");
	len = msg.buf.len;
	build_example(&msg);
	assert_int_equal(bt_vici_msg_check(&msg), -EINVAL);
	assert_int_equal(msg.buf.len, len);
	bt_vici_msg_wipe(&msg);
}

/* A message that grows leaves no copy of a secret behind. */
static void build_wipes_secrets(void **state)
{
	struct bt_vici_msg msg = {};
	unsigned int moves = 0;
	const char *at;
	int i;

	secrets_wiped = 0;
	bt_vici_put_str(&msg, "data", SECRET);
	at = msg.buf.data;
	for (i = 0; i < 1000; i++) {
		bt_vici_put_str(&msg, "k", "some more bytes that make it move");
		moves += at != msg.buf.data;
		at = msg.buf.data;
	}
	assert_int_equal(bt_vici_msg_check(&msg), 0);
	assert_true(moves >= 3);
	assert_int_equal(secrets_wiped, moves);
	bt_vici_msg_wipe(&msg);
	assert_int_equal(secrets_wiped, moves + 1);
}

/* --- reading --- */

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

/* --- packets and frames --- */

static void packets(void **state)
{
	static const uint8_t event[] = { 7, 2, 'u', 'p', 3, 0, 0, 0 };
	static const uint8_t response[] = { 1, 3, 0, 0, 0 };
	static const uint8_t unknown_op[] = { 8 };
	struct bt_vici_packet packet;
	size_t len;

	assert_int_equal(bt_vici_packet_parse(event, sizeof(event), &packet), 0);
	assert_int_equal(packet.op, BT_VICI_EVENT);
	assert_true(bt_vici_packet_is(&packet, "up"));
	assert_false(bt_vici_packet_is(&packet, "u"));
	assert_false(bt_vici_packet_is(&packet, "up3"));
	assert_int_equal(packet.msg_len, 4);
	for (len = 0; len < 4; len++)
		assert_int_equal(bt_vici_packet_parse(event, len, &packet), -EBADMSG);
	assert_int_equal(bt_vici_packet_parse(response, sizeof(response), &packet), 0);
	assert_int_equal(packet.op, BT_VICI_CMD_RESPONSE);
	assert_false(bt_vici_packet_is(&packet, ""));
	assert_int_equal(packet.msg_len, 4);
	assert_int_equal(bt_vici_packet_parse(unknown_op, 1, &packet), -EBADMSG);
	assert_int_equal(bt_vici_packet_parse(NULL, 0, &packet), -EBADMSG);
}

static void frame_heads(void **state)
{
	char name[BT_VICI_MAX_NAME + 2];
	struct bt_buf out = {};

	assert_int_equal(bt_vici_frame_head(&out, BT_VICI_CMD_REQUEST, "version", 0x10203), 0);
	assert_int_equal(out.len, 13);
	assert_memory_equal(out.data, "\x00\x01\x02\x0c\x00\x07version", 13);
	out.len = 0;
	assert_int_equal(bt_vici_frame_head(&out, BT_VICI_EVENT_CONFIRM, NULL, 0), 0);
	assert_memory_equal(out.data, "\x00\x00\x00\x01\x05", 5);
	out.len = 0;
	assert_int_equal(bt_vici_frame_head(&out, BT_VICI_EVENT_CONFIRM, "x", 0), -EINVAL);
	assert_int_equal(bt_vici_frame_head(&out, BT_VICI_EVENT, NULL, 0), -EINVAL);
	assert_int_equal(bt_vici_frame_head(&out, BT_VICI_EVENT, "x", BT_VICI_MAX_PACKET - 3), 0);
	out.len = 0;
	assert_int_equal(bt_vici_frame_head(&out, BT_VICI_EVENT, "x", BT_VICI_MAX_PACKET - 2),
			 -EMSGSIZE);
	assert_int_equal(bt_vici_frame_head(&out, BT_VICI_EVENT, "x", SIZE_MAX), -EMSGSIZE);
	memset(name, 'n', sizeof(name));
	name[BT_VICI_MAX_NAME + 1] = '\0';
	assert_int_equal(bt_vici_frame_head(&out, BT_VICI_EVENT, name, 0), -EINVAL);
	assert_int_equal(out.len, 0);
	bt_buf_free(&out);
}

/* Two frames, in pieces of every size. */
static void frames_in_pieces(void **state)
{
	static const uint8_t two[] = { 0, 0, 0, 3, 'a', 'b', 'c', 0, 0, 0, 1, 'd' };
	size_t step, at;

	for (step = 1; step <= sizeof(two); step++) {
		struct bt_vici_rx rx = {};
		struct bt_buf got = {};
		const void *data;
		size_t len;

		for (at = 0; at < sizeof(two); at += step) {
			len = step < sizeof(two) - at ? step : sizeof(two) - at;
			bt_vici_rx_feed(&rx, two + at, len);
			while (bt_vici_rx_next(&rx, &data, &len) == 1) {
				bt_buf_add(&got, data, len);
				bt_buf_puts(&got, "|");
			}
		}
		assert_string_equal(got.data, "abc|d|");
		bt_buf_free(&got);
		bt_vici_rx_free(&rx);
	}
}

static void frame_sizes(void **state)
{
	uint8_t *largest = bt_alloc(4 + BT_VICI_MAX_PACKET);
	struct bt_vici_rx rx = {};
	const void *data;
	size_t len;

	largest[1] = BT_VICI_MAX_PACKET >> 16;
	bt_vici_rx_feed(&rx, largest, 4 + BT_VICI_MAX_PACKET - 1);
	assert_int_equal(bt_vici_rx_next(&rx, &data, &len), 0);
	bt_vici_rx_feed(&rx, largest, 1);
	assert_int_equal(bt_vici_rx_next(&rx, &data, &len), 1);
	assert_int_equal(len, BT_VICI_MAX_PACKET);
	/* The large buffer is given back */
	bt_vici_rx_feed(&rx, "", 1);
	assert_true(rx.buf.size < 4096);
	bt_vici_rx_free(&rx);
	/* One too large, as soon as its length is known; and none at all */
	largest[3] = 1;
	bt_vici_rx_feed(&rx, largest, 3);
	assert_int_equal(bt_vici_rx_next(&rx, &data, &len), 0);
	bt_vici_rx_feed(&rx, largest + 3, 1);
	assert_int_equal(bt_vici_rx_next(&rx, &data, &len), -EMSGSIZE);
	bt_vici_rx_free(&rx);
	bt_vici_rx_feed(&rx, "\xff\xff\xff\xff", 4);
	assert_int_equal(bt_vici_rx_next(&rx, &data, &len), -EMSGSIZE);
	bt_vici_rx_free(&rx);
	bt_vici_rx_feed(&rx, "\0\0\0\0", 4);
	assert_int_equal(bt_vici_rx_next(&rx, &data, &len), -EMSGSIZE);
	bt_vici_rx_free(&rx);
	free(largest);
}

/* A large frame that comes byte by byte must not cost the square of its size. */
static void frame_byte_by_byte(void **state)
{
	struct bt_vici_rx rx = {};
	const void *data;
	size_t len, i;

	bt_vici_rx_feed(&rx, "\0\x08\0\0", 4);
	for (i = 0; i < BT_VICI_MAX_PACKET; i++) {
		assert_int_equal(bt_vici_rx_next(&rx, &data, &len), 0);
		bt_vici_rx_feed(&rx, "x", 1);
	}
	assert_int_equal(bt_vici_rx_next(&rx, &data, &len), 1);
	bt_vici_rx_free(&rx);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(build_the_example),
		cmocka_unit_test(build_empty),
		cmocka_unit_test(build_out_of_order),
		cmocka_unit_test(build_names),
		cmocka_unit_test(build_sizes),
		cmocka_unit_test(build_depth),
		cmocka_unit_test(build_first_mistake),
		cmocka_unit_test(build_wipes_secrets),
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
		cmocka_unit_test(packets),
		cmocka_unit_test(frame_heads),
		cmocka_unit_test(frames_in_pieces),
		cmocka_unit_test(frame_sizes),
		cmocka_unit_test(frame_byte_by_byte),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
