// SPDX-License-Identifier: GPL-2.0
/*
 * Encoding and decoding of strongSwan's vici.
 *
 * PURE: no sockets, no event loop. All that comes from outside is bounded: a packet by
 * the protocol's own 512 KiB, nested sections by BT_VICI_MAX_DEPTH.
 */
#include "vici_wire.h"

#include <errno.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

/* Room for at least this in the first allocation: most messages never move */
#define MSG_FIRST_SIZE	1024
/* A receive buffer that grew beyond this for one large frame is given back */
#define RX_KEEP_SIZE	65536

/* --- building --- */

static void fail(struct bt_vici_msg *msg, int err)
{
	if (!msg->err)
		msg->err = err;
}

/* As bt_buf_reserve(), but wipes the old place, which realloc() would leave behind. */
static void msg_reserve(struct bt_vici_msg *msg, size_t more)
{
	size_t need = msg->buf.len + more;
	struct bt_buf larger = {};

	if (need < msg->buf.size)
		return;
	bt_buf_reserve(&larger, need < MSG_FIRST_SIZE ? MSG_FIRST_SIZE : 2 * need);
	bt_buf_add(&larger, msg->buf.data, msg->buf.len);
	bt_buf_wipe(&msg->buf);
	msg->buf = larger;
}

/* May an element be added, and is there room? */
static bool msg_ready(struct bt_vici_msg *msg, bool belongs_in_list, size_t size)
{
	if (msg->err)
		return false;
	if (msg->in_list != belongs_in_list)
		fail(msg, -EINVAL);
	else if (size > BT_VICI_MAX_PACKET - msg->buf.len)
		fail(msg, -EMSGSIZE);
	else
		msg_reserve(msg, size);
	return !msg->err;
}

static bool name_ok(struct bt_vici_msg *msg, const char *name)
{
	size_t len = strlen(name);
	size_t i;

	if (len > BT_VICI_MAX_NAME)
		fail(msg, -ENAMETOOLONG);
	/* charon ignores a whole message for one such byte */
	for (i = 0; i < len; i++)
		if (name[i] < ' ' || name[i] > '~')
			fail(msg, -EINVAL);
	return !msg->err;
}

static void add_u8(struct bt_vici_msg *msg, unsigned int value)
{
	uint8_t byte = value;

	bt_buf_add(&msg->buf, &byte, 1);
}

static void add_name(struct bt_vici_msg *msg, const char *name)
{
	size_t len = strlen(name);

	add_u8(msg, len);
	bt_buf_add(&msg->buf, name, len);
}

static void add_value(struct bt_vici_msg *msg, const void *value, size_t len)
{
	add_u8(msg, len >> 8);
	add_u8(msg, len & 0xff);
	bt_buf_add(&msg->buf, value, len);
}

/**
 * bt_vici_section() - open a section
 * @msg: message
 * @name: printable ASCII, at most BT_VICI_MAX_NAME bytes
 */
void bt_vici_section(struct bt_vici_msg *msg, const char *name)
{
	if (msg->depth >= BT_VICI_MAX_DEPTH)
		fail(msg, -E2BIG);
	if (!name_ok(msg, name) || !msg_ready(msg, false, 2 + strlen(name)))
		return;
	add_u8(msg, BT_VICI_SECTION_START);
	add_name(msg, name);
	msg->depth++;
}

/**
 * bt_vici_section_end() - close the innermost section
 * @msg: message
 */
void bt_vici_section_end(struct bt_vici_msg *msg)
{
	if (!msg->depth)
		fail(msg, -EINVAL);
	if (!msg_ready(msg, false, 1))
		return;
	add_u8(msg, BT_VICI_SECTION_END);
	msg->depth--;
}

/**
 * bt_vici_put() - add a key and its value
 * @msg: message
 * @key: as the name of a section; each only once in a section
 * @value: any bytes
 * @len: how many, at most BT_VICI_MAX_VALUE
 */
void bt_vici_put(struct bt_vici_msg *msg, const char *key, const void *value, size_t len)
{
	if (len > BT_VICI_MAX_VALUE)
		fail(msg, -EMSGSIZE);
	if (!name_ok(msg, key) || !msg_ready(msg, false, 4 + strlen(key) + len))
		return;
	add_u8(msg, BT_VICI_KEY_VALUE);
	add_name(msg, key);
	add_value(msg, value, len);
}

/**
 * bt_vici_put_str() - add a key and a string
 * @msg: message
 * @key: see bt_vici_put()
 * @value: goes without its terminator
 */
void bt_vici_put_str(struct bt_vici_msg *msg, const char *key, const char *value)
{
	bt_vici_put(msg, key, value, strlen(value));
}

/**
 * bt_vici_put_fmt() - add a key and formatted text
 * @msg: message
 * @key: see bt_vici_put()
 * @fmt: as printf(). Not for secrets: the text passes through other memory
 */
void bt_vici_put_fmt(struct bt_vici_msg *msg, const char *key, const char *fmt, ...)
{
	struct bt_buf text = {};
	va_list ap;

	va_start(ap, fmt);
	bt_buf_vprintf(&text, fmt, ap);
	va_end(ap);
	bt_vici_put(msg, key, text.data, text.len);
	bt_buf_free(&text);
}

/**
 * bt_vici_list() - open a list; until it is closed only items may follow
 * @msg: message
 * @name: as the name of a section
 */
void bt_vici_list(struct bt_vici_msg *msg, const char *name)
{
	if (!name_ok(msg, name) || !msg_ready(msg, false, 2 + strlen(name)))
		return;
	add_u8(msg, BT_VICI_LIST_START);
	add_name(msg, name);
	msg->in_list = true;
}

/**
 * bt_vici_list_item() - add an item to the open list
 * @msg: message
 * @value: any bytes
 * @len: how many, at most BT_VICI_MAX_VALUE
 */
void bt_vici_list_item(struct bt_vici_msg *msg, const void *value, size_t len)
{
	if (len > BT_VICI_MAX_VALUE)
		fail(msg, -EMSGSIZE);
	if (!msg_ready(msg, true, 3 + len))
		return;
	add_u8(msg, BT_VICI_LIST_ITEM);
	add_value(msg, value, len);
}

/**
 * bt_vici_list_item_str() - add a string to the open list
 * @msg: message
 * @value: goes without its terminator
 */
void bt_vici_list_item_str(struct bt_vici_msg *msg, const char *value)
{
	bt_vici_list_item(msg, value, strlen(value));
}

/**
 * bt_vici_list_end() - close the list
 * @msg: message
 */
void bt_vici_list_end(struct bt_vici_msg *msg)
{
	if (!msg_ready(msg, true, 1))
		return;
	add_u8(msg, BT_VICI_LIST_END);
	msg->in_list = false;
}

/**
 * bt_vici_msg_check() - can it be sent?
 * @msg: message
 *
 * Return: 0; the first mistake made while it was built (-EINVAL wrong order or name,
 * -ENAMETOOLONG, -EMSGSIZE, -E2BIG nested too deep); -EINVAL if something is open.
 */
int bt_vici_msg_check(const struct bt_vici_msg *msg)
{
	if (msg->err)
		return msg->err;
	return msg->depth || msg->in_list ? -EINVAL : 0;
}

/**
 * bt_vici_msg_wipe() - overwrite and empty a message
 * @msg: message; may be used again
 */
void bt_vici_msg_wipe(struct bt_vici_msg *msg)
{
	bt_buf_wipe(&msg->buf);
	*msg = (struct bt_vici_msg){};
}

/* --- reading element by element --- */

/**
 * bt_vici_iter_init() - begin to read a message
 * @iter: memory for the iterator
 * @data: message; must stay while it is read
 * @len: its size in bytes
 */
void bt_vici_iter_init(struct bt_vici_iter *iter, const void *data, size_t len)
{
	iter->pos = data ? data : "";	/* no arithmetic with NULL */
	iter->end = iter->pos + len;
	iter->depth = 0;
	iter->in_list = false;
}

/* A number of @width bytes, then so many bytes. */
static bool take_counted(struct bt_vici_iter *iter, size_t width, const uint8_t **data, size_t *len)
{
	size_t n = 0;

	if ((size_t)(iter->end - iter->pos) < width)
		return false;
	while (width--)
		n = n << 8 | *iter->pos++;
	if ((size_t)(iter->end - iter->pos) < n)
		return false;
	*data = iter->pos;
	*len = n;
	iter->pos += n;
	return true;
}

static bool take_name(struct bt_vici_iter *iter, struct bt_vici_item *item)
{
	return take_counted(iter, 1, &item->name, &item->name_len);
}

static bool take_value(struct bt_vici_iter *iter, struct bt_vici_item *item)
{
	return take_counted(iter, 2, &item->value, &item->value_len);
}

/* Lists hold items only, items are in lists only. */
static bool type_allowed(const struct bt_vici_iter *iter, unsigned int type)
{
	bool of_list = type == BT_VICI_LIST_ITEM || type == BT_VICI_LIST_END;

	return of_list == iter->in_list;
}

static bool take_element(struct bt_vici_iter *iter, struct bt_vici_item *item)
{
	switch (item->type) {
	case BT_VICI_SECTION_START:
		return iter->depth++ < BT_VICI_MAX_DEPTH && take_name(iter, item);
	case BT_VICI_SECTION_END:
		return iter->depth-- > 0;
	case BT_VICI_KEY_VALUE:
		return take_name(iter, item) && take_value(iter, item);
	case BT_VICI_LIST_START:
		iter->in_list = true;
		return take_name(iter, item);
	case BT_VICI_LIST_ITEM:
		return take_value(iter, item);
	case BT_VICI_LIST_END:
		iter->in_list = false;
		return true;
	case BT_VICI_END:
		break;
	}
	return false;
}

/**
 * bt_vici_iter_next() - read the next element
 * @iter: iterator
 * @item: result, also at the end (type BT_VICI_END)
 *
 * Return: 1 for an element, 0 at the end of a complete message, -EBADMSG if the bytes
 * are no message, or nest too deep; then the iterator must not be used any more.
 */
int bt_vici_iter_next(struct bt_vici_iter *iter, struct bt_vici_item *item)
{
	unsigned int type;

	*item = (struct bt_vici_item){};
	if (iter->pos == iter->end)
		return iter->depth || iter->in_list ? -EBADMSG : 0;
	type = *iter->pos++;
	if (type < BT_VICI_SECTION_START || type > BT_VICI_LIST_END || !type_allowed(iter, type))
		return -EBADMSG;
	item->type = type;
	return take_element(iter, item) ? 1 : -EBADMSG;
}

/* --- packets and frames --- */

static bool op_has_name(enum bt_vici_op op)
{
	return op == BT_VICI_CMD_REQUEST || op == BT_VICI_EVENT_REGISTER ||
	       op == BT_VICI_EVENT_UNREGISTER || op == BT_VICI_EVENT;
}

/**
 * bt_vici_packet_parse() - take a packet apart
 * @data: packet: a frame without its length
 * @len: its size in bytes
 * @packet: result, points into @data; the message in it is not checked
 *
 * Return: 0 or -EBADMSG.
 */
int bt_vici_packet_parse(const void *data, size_t len, struct bt_vici_packet *packet)
{
	struct bt_vici_iter iter;
	struct bt_vici_item item = {};

	bt_vici_iter_init(&iter, data, len);
	if (!len || *iter.pos > BT_VICI_EVENT)
		return -EBADMSG;
	*packet = (struct bt_vici_packet){ .op = *iter.pos++ };
	if (op_has_name(packet->op)) {
		if (!take_name(&iter, &item))
			return -EBADMSG;
		packet->name = (const char *)item.name;
		packet->name_len = item.name_len;
	}
	packet->msg = iter.pos;
	packet->msg_len = iter.end - iter.pos;
	return 0;
}

/**
 * bt_vici_packet_is() - has a packet this name?
 * @packet: packet
 * @name: name
 */
bool bt_vici_packet_is(const struct bt_vici_packet *packet, const char *name)
{
	return packet->name && packet->name_len == strlen(name) &&
	       !memcmp(packet->name, name, packet->name_len);
}

/**
 * bt_vici_frame_head() - all of a frame but its message
 * @out: appended to
 * @op: type of the packet
 * @name: of the command or event; NULL where the type has none
 * @msg_len: size of the message that will follow, in bytes
 *
 * Return: 0, -EINVAL for a name that cannot be, -EMSGSIZE if all is too large.
 */
int bt_vici_frame_head(struct bt_buf *out, enum bt_vici_op op, const char *name, size_t msg_len)
{
	size_t name_len = name ? strlen(name) : 0;
	size_t len = 1 + (name ? 1 + name_len : 0) + msg_len;
	uint8_t head[6];

	if (op_has_name(op) != !!name || name_len > BT_VICI_MAX_NAME)
		return -EINVAL;
	if (len > BT_VICI_MAX_PACKET || msg_len > BT_VICI_MAX_PACKET)
		return -EMSGSIZE;
	head[0] = len >> 24;
	head[1] = len >> 16 & 0xff;
	head[2] = len >> 8 & 0xff;
	head[3] = len & 0xff;
	head[4] = op;
	head[5] = name_len;
	bt_buf_add(out, head, name ? 6 : 5);
	bt_buf_add(out, name, name_len);
	return 0;
}

/**
 * bt_vici_rx_feed() - hand over bytes that have arrived
 * @rx: collector; read all frames out of it before the next call, so that it holds
 *	never more than one incomplete frame and @data
 * @data: bytes
 * @len: how many
 */
void bt_vici_rx_feed(struct bt_vici_rx *rx, const void *data, size_t len)
{
	/* Not for nothing: a frame may come byte by byte */
	if (rx->pos)
		bt_buf_consume(&rx->buf, rx->pos);
	rx->pos = 0;
	if (!rx->buf.len && rx->buf.size > RX_KEEP_SIZE)
		bt_buf_free(&rx->buf);
	bt_buf_add(&rx->buf, data, len);
}

/**
 * bt_vici_rx_next() - the next packet
 * @rx: collector
 * @data: result: the packet; valid until the next call of any bt_vici_rx function
 * @len: result: its size in bytes
 *
 * Return: 1 for a packet, 0 if more bytes are needed, -EMSGSIZE if the length is out of
 * bounds; nothing that follows can be trusted then.
 */
int bt_vici_rx_next(struct bt_vici_rx *rx, const void **data, size_t *len)
{
	size_t have = rx->buf.len - rx->pos;
	const uint8_t *head;
	size_t size;

	if (have < 4)
		return 0;
	head = (const uint8_t *)rx->buf.data + rx->pos;
	size = (size_t)head[0] << 24 | head[1] << 16 | head[2] << 8 | head[3];
	if (!size || size > BT_VICI_MAX_PACKET)
		return -EMSGSIZE;
	if (have - 4 < size)
		return 0;
	*data = head + 4;
	*len = size;
	rx->pos += 4 + size;
	return 1;
}

/**
 * bt_vici_rx_free() - empty a collector
 * @rx: collector; may be used again
 */
void bt_vici_rx_free(struct bt_vici_rx *rx)
{
	bt_buf_free(&rx->buf);
	rx->pos = 0;
}
