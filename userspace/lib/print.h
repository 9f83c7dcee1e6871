/* SPDX-License-Identifier: GPL-2.0 */
#ifndef BT_PRINT_H
#define BT_PRINT_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#include "util.h"

struct json_object;

/**
 * struct bt_print - one output, as text or as JSON
 * @json: which of the two
 * @pretty: JSON with line breaks
 * @colour: text with colours
 * @text: what there is so far
 * @root: likewise
 * @open: objects and arrays that are being filled, the innermost last
 * @depth: how many
 *
 * Nothing leaves before bt_print_flush(): an output that failed half-way shall not
 * look like one that did not.
 */
struct bt_print {
	bool json;
	bool pretty;
	bool colour;
	struct bt_buf text;
	struct json_object *root;
	struct json_object **open;
	size_t depth;
};

enum bt_colour {
	BT_COLOUR_GOOD,
	BT_COLOUR_BAD,
	BT_COLOUR_WARN,
	BT_COLOUR_NAME,
};

void bt_print_init(struct bt_print *p, bool json);
void bt_print_free(struct bt_print *p);
bool bt_print_is_json(const struct bt_print *p);
int bt_print_flush(struct bt_print *p, FILE *file);

/* Of JSON only. A key is given inside an object, NULL inside an array. */
void bt_print_open_object(struct bt_print *p, const char *key);
void bt_print_open_array(struct bt_print *p, const char *key);
void bt_print_close(struct bt_print *p);
void bt_print_json(struct bt_print *p, const char *key, struct json_object *value);

/* Of text only. */
void bt_print_text(struct bt_print *p, const char *fmt, ...)
	__attribute__((format(printf, 2, 3)));
void bt_print_colour(struct bt_print *p, enum bt_colour colour, const char *text);

/* Of both: (p, key, format, value), where the format is for text and has the value. */
#define bt_print_string(p, key, fmt, value) do {			\
	const char *value_ = (value);					\
									\
	bt_print_string_value(p, key, value_, fmt, value_);		\
} while (0)
#define bt_print_uint(p, key, fmt, value) do {				\
	unsigned int value_ = (value);					\
									\
	bt_print_uint_value(p, key, value_, fmt, value_);		\
} while (0)

void bt_print_string_value(struct bt_print *p, const char *key, const char *value,
			   const char *fmt, ...) __attribute__((format(printf, 4, 5)));
void bt_print_uint_value(struct bt_print *p, const char *key, unsigned int value,
			 const char *fmt, ...) __attribute__((format(printf, 4, 5)));

#endif /* BT_PRINT_H */
