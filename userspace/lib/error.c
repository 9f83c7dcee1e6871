// SPDX-License-Identifier: GPL-2.0
/* Why something failed, as a number for programs and as text for people. */
#include "error.h"

#include <stdarg.h>
#include <stdlib.h>

#include "util.h"

/**
 * bt_error_set() - note a failure
 * @e: where to; what was there before is replaced. NULL: nobody wants to know
 * @code: negative errno
 * @fmt: as printf(); begins in lower case, ends without a full stop
 *
 * Return: @code, so that a caller can fail in one statement.
 */
int bt_error_set(struct bt_error *e, int code, const char *fmt, ...)
{
	struct bt_buf text = {};
	va_list ap;

	if (!e)
		return code;
	va_start(ap, fmt);
	bt_buf_vprintf(&text, fmt, ap);
	va_end(ap);
	free(e->text);
	*e = (struct bt_error){ .code = code, .text = text.data, .index = -1 };
	return code;
}

/**
 * bt_error_prefix() - say in front of the text what it is about
 * @e: failure, or NULL
 * @fmt: as printf(); ": " follows by itself
 */
void bt_error_prefix(struct bt_error *e, const char *fmt, ...)
{
	struct bt_buf text = {};
	va_list ap;

	if (!e || !e->text)
		return;
	va_start(ap, fmt);
	bt_buf_vprintf(&text, fmt, ap);
	va_end(ap);
	bt_buf_printf(&text, ": %s", e->text);
	free(e->text);
	e->text = text.data;
}

/**
 * bt_error_free() - forget a failure
 * @e: may be used again
 */
void bt_error_free(struct bt_error *e)
{
	free(e->text);
	*e = (struct bt_error){};
}
