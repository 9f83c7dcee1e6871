// SPDX-License-Identifier: GPL-2.0
/*
 * Fuzzes the decoding of vici: the first byte says in pieces of which size the rest, a
 * stream of frames, arrives. What decodes must encode to the same bytes again.
 */
#include <stdlib.h>
#include <string.h>

#include "daemon/vici_tree.h"
#include "daemon/vici_wire.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* The sum makes the compiler, and the sanitizer, read it all. */
static unsigned int sum(const void *data, size_t len)
{
	const uint8_t *bytes = data;
	unsigned int total = 0;

	while (len--)
		total += *bytes++;
	return total;
}

static void must(bool ok)
{
	if (!ok)
		abort();
}

static bool encodable(const char *name)
{
	for (; *name; name++)
		if (*name < ' ' || *name > '~')
			return false;
	return true;
}

/* Returns false if some name is one that only others would send. */
static bool encode(struct bt_vici_msg *msg, const struct bt_vici_node *parent)
{
	const struct bt_vici_node *node;

	bt_vici_for_each(node, parent) {
		must(node->name[node->name_len] == '\0' && node->value[node->len] == '\0');
		if (strlen(node->name) != node->name_len || !encodable(node->name))
			return false;
		if (node->kind == BT_VICI_VALUE) {
			bt_vici_put(msg, node->name, node->value, node->len);
			continue;
		}
		if (node->kind == BT_VICI_ITEM) {
			bt_vici_list_item(msg, node->value, node->len);
			continue;
		}
		if (node->kind == BT_VICI_LIST)
			bt_vici_list(msg, node->name);
		else
			bt_vici_section(msg, node->name);
		if (!encode(msg, node))
			return false;
		if (node->kind == BT_VICI_LIST)
			bt_vici_list_end(msg);
		else
			bt_vici_section_end(msg);
	}
	return true;
}

static void look_up(const struct bt_vici_node *root)
{
	const struct bt_vici_node *node;
	const char *errmsg;
	uint64_t number;

	if (!bt_vici_success(root, &errmsg))
		must(errmsg);
	bt_vici_for_each(node, root) {
		bt_vici_str(node);
		bt_vici_get_u64(root, node->name, 10, &number);
		bt_vici_get_u64(node, "if-id-in", 16, &number);
		bt_vici_get_yes(node, "initiator");
		bt_vici_find(node, "child-sas", "net", "spi-in", NULL);
	}
}

static void message(const void *data, size_t len)
{
	struct bt_vici_msg msg = {};
	struct bt_vici_node *root;

	if (bt_vici_tree_parse(data, len, &root))
		return;
	look_up(root);
	if (encode(&msg, root)) {
		must(!bt_vici_msg_check(&msg));
		must(msg.buf.len == len && (!len || !memcmp(msg.buf.data, data, len)));
	}
	bt_vici_msg_wipe(&msg);
	bt_vici_tree_free(root);
}

static void one_packet(const void *data, size_t len)
{
	struct bt_vici_packet packet;

	sum(data, len);
	if (bt_vici_packet_parse(data, len, &packet))
		return;
	must(packet.msg_len < len);
	bt_vici_packet_is(&packet, "child-updown");
	message(packet.msg, packet.msg_len);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct bt_vici_rx rx = {};
	const void *frame;
	size_t step, len;
	int ret = 0;

	if (!size--)
		return 0;
	step = *data++ % 61 + 1;
	message(data, size);
	while (size && !ret) {
		if (step > size)
			step = size;
		bt_vici_rx_feed(&rx, data, step);
		data += step;
		size -= step;
		while ((ret = bt_vici_rx_next(&rx, &frame, &len)) > 0)
			one_packet(frame, len);
	}
	bt_vici_rx_free(&rx);
	return 0;
}
