/* SPDX-License-Identifier: GPL-2.0 */
/* PURE: bytes in, bytes out. */
#ifndef BT_VICI_WIRE_H
#define BT_VICI_WIRE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "util.h"

/*
 * strongSwan's vici (protocol: README.md of libcharon/plugins/vici, 5.9.8):
 *
 *	frame	= length(32, big endian) packet
 *	packet	= type(8) [name length(8) name] [message]
 *	message	= elements: sections, key-value pairs, lists
 */
#define BT_VICI_MAX_PACKET	(512 * 1024)
#define BT_VICI_MAX_NAME	255
#define BT_VICI_MAX_VALUE	65535
#define BT_VICI_MAX_DEPTH	16	/* of sections; list-sas needs 4 */

enum bt_vici_op {
	BT_VICI_CMD_REQUEST,
	BT_VICI_CMD_RESPONSE,
	BT_VICI_CMD_UNKNOWN,
	BT_VICI_EVENT_REGISTER,
	BT_VICI_EVENT_UNREGISTER,
	BT_VICI_EVENT_CONFIRM,
	BT_VICI_EVENT_UNKNOWN,
	BT_VICI_EVENT,
};

/* --- building a message --------------------------------------------------- */

/**
 * struct bt_vici_msg - a message that is being built; start with {}
 * @buf: its bytes. When they have to move, the old place is wiped, so that a secret is
 *	only ever here
 * @depth: open sections
 * @in_list: a list is open
 * @err: first mistake; later calls do nothing
 */
struct bt_vici_msg {
	struct bt_buf buf;
	unsigned int depth;
	bool in_list;
	int err;
};

void bt_vici_section(struct bt_vici_msg *msg, const char *name);
void bt_vici_section_end(struct bt_vici_msg *msg);
void bt_vici_put(struct bt_vici_msg *msg, const char *key, const void *value, size_t len);
void bt_vici_put_str(struct bt_vici_msg *msg, const char *key, const char *value);
void bt_vici_put_fmt(struct bt_vici_msg *msg, const char *key, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));
void bt_vici_list(struct bt_vici_msg *msg, const char *name);
void bt_vici_list_item(struct bt_vici_msg *msg, const void *value, size_t len);
void bt_vici_list_item_str(struct bt_vici_msg *msg, const char *value);
void bt_vici_list_end(struct bt_vici_msg *msg);
int bt_vici_msg_check(const struct bt_vici_msg *msg);
void bt_vici_msg_wipe(struct bt_vici_msg *msg);

/* --- reading a message element by element --------------------------------- */

enum bt_vici_element {
	BT_VICI_END,		/* of the message */
	BT_VICI_SECTION_START,
	BT_VICI_SECTION_END,
	BT_VICI_KEY_VALUE,
	BT_VICI_LIST_START,
	BT_VICI_LIST_ITEM,
	BT_VICI_LIST_END,
};

/**
 * struct bt_vici_item - one element
 * @type: which; the others are NULL and 0 where it has none
 * @name: bytes of the message, not terminated
 * @name_len: how many, may be 0
 * @value: bytes of the message, not terminated
 * @value_len: how many
 */
struct bt_vici_item {
	enum bt_vici_element type;
	const uint8_t *name;
	size_t name_len;
	const uint8_t *value;
	size_t value_len;
};

struct bt_vici_iter {
	const uint8_t *pos;
	const uint8_t *end;
	unsigned int depth;
	bool in_list;
};

void bt_vici_iter_init(struct bt_vici_iter *iter, const void *data, size_t len);
int bt_vici_iter_next(struct bt_vici_iter *iter, struct bt_vici_item *item);

/* --- packets and frames ---------------------------------------------------- */

/**
 * struct bt_vici_packet - what a frame holds
 * @op: type
 * @name: of the command or event, not terminated; NULL where the type has none
 * @name_len: how many bytes
 * @msg: the message
 * @msg_len: how many bytes
 */
struct bt_vici_packet {
	enum bt_vici_op op;
	const char *name;
	size_t name_len;
	const void *msg;
	size_t msg_len;
};

int bt_vici_packet_parse(const void *data, size_t len, struct bt_vici_packet *packet);
bool bt_vici_packet_is(const struct bt_vici_packet *packet, const char *name);
int bt_vici_frame_head(struct bt_buf *out, enum bt_vici_op op, const char *name, size_t msg_len);

/**
 * struct bt_vici_rx - collects the frames of a byte stream; start with {}
 */
struct bt_vici_rx {
	struct bt_buf buf;
	size_t pos;
};

void bt_vici_rx_feed(struct bt_vici_rx *rx, const void *data, size_t len);
int bt_vici_rx_next(struct bt_vici_rx *rx, const void **data, size_t *len);
void bt_vici_rx_free(struct bt_vici_rx *rx);

#endif /* BT_VICI_WIRE_H */
