// SPDX-License-Identifier: GPL-2.0
/* Text in columns. */
#include "table.h"

#include <stdlib.h>
#include <string.h>

/**
 * cli_table_add() - fill the next cell
 * @t: table
 * @colour: enum bt_colour, or -1
 * @fmt: as printf()
 */
void cli_table_add(struct cli_table *t, int colour, const char *fmt, ...)
{
	struct cli_cell *cell = bt_array_add(&t->cells);
	struct bt_buf text = {};
	va_list ap;

	va_start(ap, fmt);
	bt_buf_vprintf(&text, fmt, ap);
	va_end(ap);
	*cell = (struct cli_cell){ .text = text.data ? text.data : bt_strdup(""),
				   .colour = colour };
}

static size_t width(const struct cli_table *t, size_t column)
{
	size_t i, len, most = 0;

	for (i = column; i < t->cells.n; i += t->columns) {
		len = strlen(t->cells.v[i].text);
		if (len > most)
			most = len;
	}
	return most;
}

static void print_row(const struct cli_table *t, const struct cli_cell *row,
		      const size_t *widths, struct bt_print *p)
{
	size_t i;

	for (i = 0; i < t->columns; i++) {
		bt_print_text(p, "  ");
		if (row[i].colour < 0)
			bt_print_text(p, "%s", row[i].text);
		else
			bt_print_colour(p, (enum bt_colour)row[i].colour, row[i].text);
		/* No blanks at the end of a line. */
		if (i < t->columns - 1)
			bt_print_text(p, "%*s", (int)(widths[i] - strlen(row[i].text)), "");
	}
	bt_print_text(p, "\n");
}

/**
 * cli_table_print() - print a table
 * @t: table
 * @p: where to
 */
void cli_table_print(const struct cli_table *t, struct bt_print *p)
{
	size_t *widths = bt_alloc(t->columns * sizeof(*widths)), i;

	for (i = 0; i < t->columns; i++)
		widths[i] = width(t, i);
	for (i = 0; i + t->columns <= t->cells.n; i += t->columns)
		print_row(t, &t->cells.v[i], widths, p);
	free(widths);
}

/**
 * cli_table_free() - empty a table
 * @t: table
 */
void cli_table_free(struct cli_table *t)
{
	size_t i;

	for (i = 0; i < t->cells.n; i++)
		free(t->cells.v[i].text);
	free(t->cells.v);
	t->cells.v = NULL;
	t->cells.n = 0;
}
