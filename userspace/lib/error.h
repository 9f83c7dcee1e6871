/* SPDX-License-Identifier: GPL-2.0 */
#ifndef BT_ERROR_H
#define BT_ERROR_H

#include <stddef.h>

/**
 * struct bt_error - why something failed
 * @code: negative errno, or 0 while nothing has failed
 * @text: in words, without a full stop
 * @offset: of the netlink attribute at fault in its message, or 0
 * @index: which of several objects is at fault, or -1
 *
 * Starts as {}; whoever owns it calls bt_error_free() in the end.
 */
struct bt_error {
	int code;
	char *text;
	size_t offset;
	long index;
};

int bt_error_set(struct bt_error *e, int code, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));
void bt_error_prefix(struct bt_error *e, const char *fmt, ...)
	__attribute__((format(printf, 2, 3)));
void bt_error_free(struct bt_error *e);

#endif /* BT_ERROR_H */
