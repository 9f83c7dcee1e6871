// SPDX-License-Identifier: GPL-2.0
/*
 * Lines of BIRD's control protocol, put together to replies.
 *
 * PURE: no sockets, no event loop. Lines and replies are bounded.
 */
#include "bird_wire.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

/* A buffer that grew beyond this for one large reply is given back */
#define RX_KEEP_SIZE	65536

/**
 * bt_bird_classify() - what kind of line has this code?
 * @code: 0 to 9999
 */
enum bt_bird_class bt_bird_classify(unsigned int code)
{
	if (code < 1000)
		return BT_BIRD_CLASS_OK;
	if (code < 8000)
		return BT_BIRD_CLASS_DATA;
	return code < 9000 ? BT_BIRD_CLASS_RUNTIME_ERROR : BT_BIRD_CLASS_PARSE_ERROR;
}

/**
 * bt_bird_command() - a command as it goes over the wire
 * @out: appended to
 * @command: without newline
 *
 * Return: 0, -EMSGSIZE, or -EINVAL if it is empty or has a control character: a newline
 * would begin a second command.
 */
int bt_bird_command(struct bt_buf *out, const char *command)
{
	size_t len = strlen(command);
	size_t i;

	if (!len)
		return -EINVAL;
	if (len > BT_BIRD_MAX_COMMAND)
		return -EMSGSIZE;
	for (i = 0; i < len; i++)
		if ((unsigned char)command[i] < ' ' || command[i] == 0x7f)
			return -EINVAL;
	bt_buf_add(out, command, len);
	bt_buf_puts(out, "\n");
	return 0;
}

static void start_reply(struct bt_bird_rx *rx)
{
	rx->complete = false;
	rx->reply = (struct bt_bird_reply){};
	rx->n_lines = 0;
	rx->text.len = 0;
	if (rx->text.size > RX_KEEP_SIZE) {
		bt_buf_free(&rx->text);
		free(rx->lines);
		rx->lines = NULL;
		rx->room = 0;
	}
}

static bool parse_code(const struct bt_buf *line, unsigned int *code)
{
	size_t i;

	if (line->len < 5 || (line->data[4] != '-' && line->data[4] != ' '))
		return false;
	*code = 0;
	for (i = 0; i < 4; i++) {
		if (line->data[i] < '0' || line->data[i] > '9')
			return false;
		*code = *code * 10 + (line->data[i] - '0');
	}
	return true;
}

/*
 * Text moves while it grows, so lines hold no pointers yet; their order is enough, see
 * finish_reply().
 */
static int add_line(struct bt_bird_rx *rx, unsigned int code, const char *text)
{
	size_t len = strlen(text) + 1;
	size_t used = rx->text.len + rx->n_lines * sizeof(*rx->lines);

	if (used + len + sizeof(*rx->lines) > BT_BIRD_MAX_REPLY)
		return -EMSGSIZE;
	if (rx->n_lines == rx->room) {
		rx->room = rx->room ? 2 * rx->room : 16;
		rx->lines = bt_realloc(rx->lines, rx->room, sizeof(*rx->lines));
	}
	rx->lines[rx->n_lines++] = (struct bt_bird_line){ .code = code };
	bt_buf_add(&rx->text, text, len);
	return 0;
}

static void finish_reply(struct bt_bird_rx *rx)
{
	const char *text = rx->text.data;
	size_t i;

	for (i = 0; i < rx->n_lines; i++) {
		struct bt_bird_line *line = &rx->lines[i];

		line->text = text;
		text += strlen(text) + 1;
		if (!rx->reply.error && bt_bird_classify(line->code) >= BT_BIRD_CLASS_RUNTIME_ERROR)
			rx->reply.error = line;
	}
	rx->reply.lines = rx->lines;
	rx->reply.n = rx->n_lines;
	rx->complete = true;
}

/* What is shown to people, and a NUL that would cut the text. */
static void tame(struct bt_buf *line)
{
	size_t i;

	for (i = 0; i < line->len; i++)
		if (((unsigned char)line->data[i] < ' ' && line->data[i] != '\t') ||
		    line->data[i] == 0x7f)
			line->data[i] = '?';
}

/* rx->line is complete. Returns enum bt_bird_got or a negative errno. */
static int on_line(struct bt_bird_rx *rx)
{
	const struct bt_buf *line = &rx->line;
	unsigned int code;
	int err;

	tame(&rx->line);
	if (line->len && line->data[0] == '+')
		return BT_BIRD_ASYNC;
	if (rx->complete)
		start_reply(rx);
	if (line->len && line->data[0] == ' ') {
		if (!rx->n_lines)
			return -EPROTO;
		err = add_line(rx, rx->lines[rx->n_lines - 1].code, line->data + 1);
		return err ? err : BT_BIRD_MORE;
	}
	if (!parse_code(line, &code))
		return -EPROTO;
	err = add_line(rx, code, line->data + 5);
	if (err || line->data[4] == '-')
		return err ? err : BT_BIRD_MORE;
	finish_reply(rx);
	return BT_BIRD_REPLY;
}

/**
 * bt_bird_rx_next() - take bytes up to the end of a reply
 * @rx: collector
 * @data: bytes that have arrived; moved behind those taken
 * @len: how many are left
 *
 * To be called until it returns BT_BIRD_MORE, which takes all.
 * Return: BT_BIRD_REPLY, see bt_bird_rx_reply(); BT_BIRD_ASYNC, see bt_bird_rx_async();
 * BT_BIRD_MORE (0); -EPROTO if this is not BIRD's protocol; -EMSGSIZE for a line or a
 * reply too long. After a failure nothing that follows can be trusted.
 */
int bt_bird_rx_next(struct bt_bird_rx *rx, const char **data, size_t *len)
{
	const char *end;
	size_t n;
	int ret;

	while (*len) {
		end = memchr(*data, '\n', *len);
		n = end ? (size_t)(end - *data) : *len;
		if (rx->line.len + n > BT_BIRD_MAX_LINE)
			return -EMSGSIZE;
		bt_buf_add(&rx->line, *data, n);
		*data += n + !!end;
		*len -= n + !!end;
		if (!end)
			break;
		ret = on_line(rx);
		rx->line.len = 0;	/* the bytes stay, for bt_bird_rx_async() */
		if (ret)
			return ret;
	}
	return BT_BIRD_MORE;
}

/**
 * bt_bird_rx_reply() - the reply that is complete
 * @rx: collector whose bt_bird_rx_next() has just returned BT_BIRD_REPLY
 *
 * Return: the reply; it lives until the next bt_bird_rx_next() or bt_bird_rx_free().
 */
const struct bt_bird_reply *bt_bird_rx_reply(const struct bt_bird_rx *rx)
{
	return &rx->reply;
}

/**
 * bt_bird_rx_async() - the line that belongs to no reply
 * @rx: collector whose bt_bird_rx_next() has just returned BT_BIRD_ASYNC
 *
 * Return: its text without the '+'; it lives as bt_bird_rx_reply()'s result does.
 */
const char *bt_bird_rx_async(const struct bt_bird_rx *rx)
{
	return rx->line.data + 1;
}

/**
 * bt_bird_rx_free() - empty a collector
 * @rx: collector; may be used again
 */
void bt_bird_rx_free(struct bt_bird_rx *rx)
{
	bt_buf_free(&rx->line);
	bt_buf_free(&rx->text);
	free(rx->lines);
	*rx = (struct bt_bird_rx){};
}
