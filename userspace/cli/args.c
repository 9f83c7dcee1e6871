// SPDX-License-Identifier: GPL-2.0
/* Words of a command line, and which command one stands for. */
#include "args.h"

#include <ctype.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "cli.h"

/**
 * cli_peek() - the next word, which stays
 * @args: words
 *
 * Return: the word, or NULL.
 */
const char *cli_peek(const struct cli_args *args)
{
	return args->at < args->n ? args->v[args->at] : NULL;
}

/**
 * cli_next() - take the next word
 * @args: words
 *
 * Return: the word, or NULL.
 */
const char *cli_next(struct cli_args *args)
{
	return args->at < args->n ? args->v[args->at++] : NULL;
}

/**
 * cli_accept() - take the next word if it is this one
 * @args: words
 * @word: in full
 *
 * Return: true if it was.
 */
bool cli_accept(struct cli_args *args, const char *word)
{
	if (args->at == args->n || strcmp(args->v[args->at], word) != 0)
		return false;
	args->at++;
	return true;
}

static const struct cli_command *find(const struct cli_command *commands, size_t n,
				      const char *word, struct bt_buf *candidates)
{
	const struct cli_command *found = NULL;
	size_t i, many = 0;

	for (i = 0; i < n; i++) {
		if (!strcmp(commands[i].name, word))
			return &commands[i];
		if (strncmp(commands[i].name, word, strlen(word)) != 0)
			continue;
		found = &commands[i];
		bt_buf_printf(candidates, "%s%s", many++ ? ", " : "", found->name);
	}
	return many == 1 ? found : NULL;
}

/**
 * cli_match() - find a command by its name or the beginning of it
 * @commands: to choose from
 * @n: how many
 * @word: what the user wrote
 * @what: what they are called in a message
 * @e: says which ones it could mean, or which ones there are
 *
 * Return: the command, or NULL.
 */
const struct cli_command *cli_match(const struct cli_command *commands, size_t n,
				    const char *word, const char *what, struct bt_error *e)
{
	struct bt_buf list = {};
	const struct cli_command *found = find(commands, n, word, &list);
	size_t i;

	if (!found && list.len && *word) {
		bt_error_set(e, -EINVAL, "%s \"%s\" is ambiguous: %s", what, word, list.data);
	} else if (!found) {
		list.len = 0;
		for (i = 0; i < n; i++)
			bt_buf_printf(&list, "%s%s", i ? ", " : "", commands[i].name);
		bt_error_set(e, -EINVAL, "%s \"%s\" is unknown, there are: %s", what, word,
			     list.data);
	}
	bt_buf_free(&list);
	return found;
}

/* One word, with its quotes removed; NULL if a quote has no end. */
static const char *split_word(const char *s, struct bt_buf *word)
{
	char quote = 0;

	for (; *s && (quote || !isspace((unsigned char)*s)); s++) {
		if (*s == '\\' && quote != '\'' && s[1])
			bt_buf_add(word, ++s, 1);
		else if (quote ? *s == quote : *s == '"' || *s == '\'')
			quote = quote ? 0 : *s;
		else
			bt_buf_add(word, s, 1);
	}
	return quote ? NULL : s;
}

/**
 * cli_split() - split a line of a batch file into words
 * @line: line; a word may be quoted as in a shell, and "#" begins a comment
 * @args: result
 * @e: says what is wrong
 *
 * Return: 0 or -EINVAL.
 */
int cli_split(const char *line, struct cli_args *args, struct bt_error *e)
{
	struct { char **v; size_t n; } words = {};
	struct bt_buf word = {};

	while (line) {
		while (isspace((unsigned char)*line))
			line++;
		if (!*line || *line == '#')
			break;
		bt_buf_reserve(&word, 0);
		line = split_word(line, &word);
		*bt_array_add(&words) = word.data;
		word = (struct bt_buf){};
	}
	*bt_array_add(&words) = NULL;
	*args = (struct cli_args){ .v = words.v, .n = words.n - 1 };
	if (line)
		return 0;
	cli_args_free(args);
	return bt_error_set(e, -EINVAL, "a quotation has no end");
}

/**
 * cli_args_free() - release the words of cli_split()
 * @args: becomes empty
 */
void cli_args_free(struct cli_args *args)
{
	size_t i;

	for (i = 0; i < args->n; i++)
		free(args->v[i]);
	free(args->v);
	*args = (struct cli_args){};
}
