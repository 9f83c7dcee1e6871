/* SPDX-License-Identifier: GPL-2.0 */
#ifndef BT_CLI_TABLE_H
#define BT_CLI_TABLE_H

#include "print.h"

/**
 * struct cli_cell - a place of a table
 * @text: what is in it
 * @colour: of it, or -1
 */
struct cli_cell {
	char *text;
	int colour;
};

/**
 * struct cli_table - text in columns that are as wide as they have to be
 * @columns: how many
 * @cells: row by row
 */
struct cli_table {
	size_t columns;
	struct {
		struct cli_cell *v;
		size_t n;
	} cells;
};

void cli_table_add(struct cli_table *t, int colour, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));
void cli_table_print(const struct cli_table *t, struct bt_print *p);
void cli_table_free(struct cli_table *t);

#endif /* BT_CLI_TABLE_H */
