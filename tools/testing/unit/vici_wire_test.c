// SPDX-License-Identifier: GPL-2.0
/* Building vici messages, packets and frames: good, too large, too deep, out of order. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <cmocka.h>

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "count_wipes.h"
#include "daemon/vici_wire.h"
#include "vici_example.h"

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
		cmocka_unit_test(packets),
		cmocka_unit_test(frame_heads),
		cmocka_unit_test(frames_in_pieces),
		cmocka_unit_test(frame_sizes),
		cmocka_unit_test(frame_byte_by_byte),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
