/* SPDX-License-Identifier: GPL-2.0 */
#ifndef BT_CLI_ARGS_H
#define BT_CLI_ARGS_H

#include <stdbool.h>
#include <stddef.h>

#include "error.h"
#include "util.h"

/**
 * struct cli_args - words of a command line
 * @v: the words, and behind the last one NULL
 * @n: how many
 * @at: those before it are done
 */
struct cli_args {
	char **v;
	size_t n;
	size_t at;
};

struct cli_command;

const char *cli_peek(const struct cli_args *args);
const char *cli_next(struct cli_args *args);
bool cli_accept(struct cli_args *args, const char *word);
const struct cli_command *cli_match(const struct cli_command *commands, size_t n,
				    const char *word, const char *what, struct bt_error *e);
int cli_split(const char *line, struct cli_args *args, struct bt_error *e);
void cli_args_free(struct cli_args *args);

#endif /* BT_CLI_ARGS_H */
