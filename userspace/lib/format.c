// SPDX-License-Identifier: GPL-2.0
/* Text for people: durations and sizes; and text that survives a reader. */
#include "format.h"

#include <ctype.h>
#include <inttypes.h>
#include <stddef.h>
#include <string.h>

/**
 * bt_format_duration() - seconds for people
 * @out: appended to
 * @seconds: how many
 *
 * The two largest units: 7s, 3m07s, 2h05m, 12d04h.
 */
void bt_format_duration(struct bt_buf *out, uint64_t seconds)
{
	uint64_t minutes = seconds / 60, hours = minutes / 60, days = hours / 24;

	if (days)
		bt_buf_printf(out, "%" PRIu64 "d%02" PRIu64 "h", days, hours % 24);
	else if (hours)
		bt_buf_printf(out, "%" PRIu64 "h%02" PRIu64 "m", hours, minutes % 60);
	else if (minutes)
		bt_buf_printf(out, "%" PRIu64 "m%02" PRIu64 "s", minutes, seconds % 60);
	else
		bt_buf_printf(out, "%" PRIu64 "s", seconds);
}

/**
 * bt_format_bytes() - a size for people
 * @out: appended to
 * @bytes: how many
 *
 * Three figures and a power of 1024: 999, 1.5K, 20.0M.
 */
void bt_format_bytes(struct bt_buf *out, uint64_t bytes)
{
	static const char units[] = "KMGTPE";
	double value = (double)bytes;
	size_t unit = 0;

	if (bytes < 1024) {
		bt_buf_printf(out, "%" PRIu64, bytes);
		return;
	}
	for (value /= 1024; value >= 1023.95 && units[unit + 1]; value /= 1024)
		unit++;
	bt_buf_printf(out, "%.1f%c", value, units[unit]);
}

/**
 * bt_format_word() - a word that a batch file reads back as it is
 * @out: appended to
 * @word: any text
 */
void bt_format_word(struct bt_buf *out, const char *word)
{
	if (!*word)
		bt_buf_puts(out, "\"\"");
	for (; *word; word++) {
		if (isspace((unsigned char)*word) || strchr("\\\"'#", *word))
			bt_buf_puts(out, "\\");
		bt_buf_add(out, word, 1);
	}
}

/* Bytes of the valid UTF-8 sequence that text begins with, or 0. */
static size_t utf8_len(const unsigned char *text)
{
	static const struct {
		unsigned char mask, lead;
		uint32_t least;
	} kinds[] = {
		{ 0x80, 0x00, 0 }, { 0xe0, 0xc0, 0x80 }, { 0xf0, 0xe0, 0x800 },
		{ 0xf8, 0xf0, 0x10000 },
	};
	size_t kind, i;
	uint32_t code;

	for (kind = 0; kind < BT_ARRAY_SIZE(kinds); kind++)
		if ((text[0] & kinds[kind].mask) == kinds[kind].lead)
			break;
	if (kind == BT_ARRAY_SIZE(kinds))
		return 0;
	code = text[0] & (unsigned char)~kinds[kind].mask;
	for (i = 1; i <= kind; i++) {
		if ((text[i] & 0xc0) != 0x80)
			return 0;
		code = code << 6 | (text[i] & 0x3f);
	}
	if (code < kinds[kind].least || code > 0x10ffff || (code >= 0xd800 && code <= 0xdfff))
		return 0;
	return kind + 1;
}

/**
 * bt_format_utf8() - text that may stand in a JSON document
 * @out: appended to
 * @text: any bytes; those that are no UTF-8 become U+FFFD
 *
 * A network device may have any bytes in its name.
 */
void bt_format_utf8(struct bt_buf *out, const char *text)
{
	size_t len;

	while (*text) {
		len = utf8_len((const unsigned char *)text);
		if (len)
			bt_buf_add(out, text, len);
		else
			bt_buf_puts(out, "\xef\xbf\xbd");
		text += len ? len : 1;
	}
}
