/* SPDX-License-Identifier: GPL-2.0 */
#ifndef BT_FORMAT_H
#define BT_FORMAT_H

#include <stdint.h>

#include "util.h"

void bt_format_duration(struct bt_buf *out, uint64_t seconds);
void bt_format_bytes(struct bt_buf *out, uint64_t bytes);
void bt_format_word(struct bt_buf *out, const char *word);
void bt_format_utf8(struct bt_buf *out, const char *text);

#endif /* BT_FORMAT_H */
