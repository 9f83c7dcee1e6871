// SPDX-License-Identifier: GPL-2.0
/* One path for text and JSON: who prints says what there is once, for both. */
#include "print.h"

#include <errno.h>
#include <json-c/json.h>
#include <stdlib.h>
#include <string.h>

#include "format.h"

/**
 * bt_print_init() - begin an output
 * @p: output
 * @json: as JSON, else as text
 */
void bt_print_init(struct bt_print *p, bool json)
{
	*p = (struct bt_print){ .json = json };
}

static void forget(struct bt_print *p)
{
	json_object_put(p->root);
	p->root = NULL;
	p->depth = 0;
	bt_buf_free(&p->text);
}

/**
 * bt_print_free() - end an output; what was not flushed is lost
 * @p: output
 */
void bt_print_free(struct bt_print *p)
{
	forget(p);
	free(p->open);
	p->open = NULL;
}

/**
 * bt_print_is_json() - for what has two shapes
 * @p: output
 */
bool bt_print_is_json(const struct bt_print *p)
{
	return p->json;
}

/**
 * bt_print_flush() - write what there is, and begin anew
 * @p: output; JSON becomes a line of its own
 * @file: where to
 *
 * Return: 0 or a negative errno.
 */
int bt_print_flush(struct bt_print *p, FILE *file)
{
	int flags = JSON_C_TO_STRING_NOSLASHESCAPE;

	if (p->pretty)
		flags |= JSON_C_TO_STRING_PRETTY | JSON_C_TO_STRING_SPACED;
	errno = 0;
	if (p->root)
		fprintf(file, "%s\n", json_object_to_json_string_ext(p->root, flags));
	if (p->text.len)
		fwrite(p->text.data, 1, p->text.len, file);
	forget(p);
	if (fflush(file) || ferror(file))
		return errno ? -errno : -EIO;
	return 0;
}

static void attach(struct bt_print *p, const char *key, struct json_object *value)
{
	struct json_object *parent = p->depth ? p->open[p->depth - 1] : NULL;

	if (!parent)
		p->root = value;
	else if (key)
		json_object_object_add(parent, key, value);
	else
		json_object_array_add(parent, value);
}

static void open_value(struct bt_print *p, const char *key, struct json_object *value)
{
	attach(p, key, value);
	p->open = bt_realloc(p->open, p->depth + 1, sizeof(*p->open));
	p->open[p->depth++] = value;
}

/**
 * bt_print_open_object() - what follows is in a JSON object
 * @p: output
 * @key: of the object, or NULL
 */
void bt_print_open_object(struct bt_print *p, const char *key)
{
	if (p->json)
		open_value(p, key, json_object_new_object());
}

/**
 * bt_print_open_array() - what follows is in a JSON array
 * @p: output
 * @key: of the array, or NULL
 */
void bt_print_open_array(struct bt_print *p, const char *key)
{
	if (p->json)
		open_value(p, key, json_object_new_array());
}

/**
 * bt_print_close() - the innermost object or array is complete
 * @p: output
 */
void bt_print_close(struct bt_print *p)
{
	if (p->json && p->depth)
		p->depth--;
}

/**
 * bt_print_json() - a JSON value that text shows otherwise
 * @p: output
 * @key: of the value, or NULL
 * @value: consumed
 */
void bt_print_json(struct bt_print *p, const char *key, struct json_object *value)
{
	if (p->json)
		attach(p, key, value);
	else
		json_object_put(value);
}

/**
 * bt_print_text() - text that JSON has no use for
 * @p: output
 * @fmt: as printf()
 */
void bt_print_text(struct bt_print *p, const char *fmt, ...)
{
	va_list ap;

	if (p->json)
		return;
	va_start(ap, fmt);
	bt_buf_vprintf(&p->text, fmt, ap);
	va_end(ap);
}

/**
 * bt_print_colour() - text in a colour, if colours are on
 * @p: output
 * @colour: what it means
 * @text: text
 */
void bt_print_colour(struct bt_print *p, enum bt_colour colour, const char *text)
{
	static const char *const codes[] = {
		[BT_COLOUR_GOOD] = "32",
		[BT_COLOUR_BAD] = "1;31",
		[BT_COLOUR_WARN] = "33",
		[BT_COLOUR_NAME] = "1",
	};

	if (p->colour)
		bt_print_text(p, "\033[%sm%s\033[0m", codes[colour], text);
	else
		bt_print_text(p, "%s", text);
}

/**
 * bt_print_string_value() - a string; see bt_print_string()
 * @p: output
 * @key: of the value, or NULL
 * @value: value
 * @fmt: text
 */
void bt_print_string_value(struct bt_print *p, const char *key, const char *value,
			   const char *fmt, ...)
{
	struct bt_buf utf8 = {};
	va_list ap;

	if (p->json) {
		bt_format_utf8(&utf8, value);
		attach(p, key, json_object_new_string(utf8.data ? utf8.data : ""));
		bt_buf_free(&utf8);
		return;
	}
	va_start(ap, fmt);
	bt_buf_vprintf(&p->text, fmt, ap);
	va_end(ap);
}

/**
 * bt_print_uint_value() - a number; see bt_print_uint()
 * @p: output
 * @key: of the value, or NULL
 * @value: value
 * @fmt: text
 */
void bt_print_uint_value(struct bt_print *p, const char *key, unsigned int value,
			 const char *fmt, ...)
{
	va_list ap;

	if (p->json) {
		attach(p, key, json_object_new_int64(value));
		return;
	}
	va_start(ap, fmt);
	bt_buf_vprintf(&p->text, fmt, ap);
	va_end(ap);
}
