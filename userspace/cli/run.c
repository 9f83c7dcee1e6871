// SPDX-License-Identifier: GPL-2.0
/* From words to what is done: the table of objects, help, errors, and the end of a run. */
#include <errno.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "cli.h"

static const struct cli_command objects[] = {
	{ .name = "link", .run = cli_link },
	{ .name = "tunnel", .run = cli_tunnel },
	{ .name = "route", .run = cli_route },
	{ .name = "sa", .run = cli_sa },
	{ .name = "monitor", .run = cli_monitor },
	{ .name = "status", .run = cli_status },
	{ .name = "showconf", .run = cli_showconf },
	{ .name = "config", .run = cli_config },
};

static const char general_usage[] =
	"Usage: bowtie [ OPTION ]... OBJECT [ COMMAND ] [ help ]\n"
	"       bowtie [ OPTION ]... [ -force ] -batch { FILE | - }\n"
	"  OBJECT := { link | tunnel | route | sa | monitor | status | showconf | config }\n"
	"  OPTION := { -j[son] | -p[retty] | -o[neline] | -s[tats] | -d[etails] |\n"
	"              -t[imestamp] | -ts[hort] | -n[etns] NAME | -V[ersion] | -h[elp] }\n";

/* What went wrong, and in a batch where. */
static void complain(const struct cli *cli, const char *kind, const char *text)
{
	size_t len = strlen(text);

	/* Commands before this one may have left something to be read first. */
	fflush(stdout);
	if (cli->where)
		fprintf(stderr, "%s: ", cli->where);
	fprintf(stderr, "%s: %s%s\n", kind, text, len && text[len - 1] == '.' ? "" : ".");
}

/**
 * cli_usage() - the command line makes no sense
 * @cli: run
 * @fmt: why, as printf()
 *
 * Return: CLI_USAGE.
 */
int cli_usage(struct cli *cli, const char *fmt, ...)
{
	struct bt_buf text = {};
	va_list ap;

	va_start(ap, fmt);
	bt_buf_vprintf(&text, fmt, ap);
	va_end(ap);
	complain(cli, "Error", text.data);
	bt_buf_free(&text);
	return CLI_USAGE;
}

/**
 * cli_wrong() - a value makes no sense, as cli->error tells
 * @cli: run
 *
 * Return: CLI_USAGE.
 */
int cli_wrong(struct cli *cli)
{
	complain(cli, "Error", cli->error.text);
	bt_error_free(&cli->error);
	return CLI_USAGE;
}

/**
 * cli_failed() - it could not be done, as cli->error tells
 * @cli: run
 *
 * Return: CLI_FAILED.
 */
int cli_failed(struct cli *cli)
{
	complain(cli, "Error", cli->error.text);
	bt_error_free(&cli->error);
	return CLI_FAILED;
}

/**
 * cli_dumped() - how a dump went
 * @cli: run
 * @err: what it returned
 *
 * One that never came to rest is shown all the same, with a warning.
 * Return: CLI_*.
 */
int cli_dumped(struct cli *cli, int err)
{
	if (!err)
		return CLI_OK;
	if (err != -EINTR)
		return cli_failed(cli);
	complain(cli, "Warning", cli->error.text);
	bt_error_free(&cli->error);
	return CLI_OK;
}

/**
 * cli_unexpected() - there is a word that has no place there
 * @cli: run
 * @word: the word
 *
 * Return: CLI_USAGE.
 */
int cli_unexpected(struct cli *cli, const char *word)
{
	return cli_usage(cli, "\"%s\" is not expected here, try \"help\"", word);
}

/**
 * cli_help() - what the tool can do
 *
 * Return: CLI_OK.
 */
int cli_help(void)
{
	fputs(general_usage, stdout);
	return CLI_OK;
}

static int object_help(const struct cli_object *object)
{
	size_t i;

	for (i = 0; i < object->n; i++)
		printf("%s bowtie %s %s%s%s\n", i ? "      " : "Usage:", object->name,
		       object->commands[i].name, *object->commands[i].usage ? " " : "",
		       object->commands[i].usage);
	fputs(object->notes, stdout);
	return CLI_OK;
}

/**
 * cli_commands() - run a command of an object
 * @cli: run
 * @args: words
 * @object: which
 *
 * Return: CLI_*.
 */
int cli_commands(struct cli *cli, struct cli_args *args, const struct cli_object *object)
{
	const struct cli_command *command = object->commands;
	const char *word = cli_next(args);

	if (word && !strcmp(word, "help"))
		return object_help(object);
	if (word) {
		command = cli_match(object->commands, object->n, word, "command", &cli->error);
		if (!command)
			return cli_wrong(cli);
	}
	if (cli_accept(args, "help"))
		return object_help(object);
	return command->run(cli, args);
}

/**
 * cli_flush() - write the output of a command
 * @cli: run
 *
 * Return: CLI_*.
 */
int cli_flush(struct cli *cli)
{
	int err = bt_print_flush(&cli->out, stdout);

	if (!err)
		return CLI_OK;
	bt_error_set(&cli->error, err, "cannot write: %s", strerror(-err));
	return cli_failed(cli);
}

/**
 * cli_run() - run one command; only if it succeeds its output is written
 * @cli: run
 * @args: its words
 *
 * Return: CLI_*.
 */
int cli_run(struct cli *cli, struct cli_args *args)
{
	const char *word = cli_next(args);
	const struct cli_command *object;
	int status;

	if (!strcmp(word, "help"))
		return cli_help();
	object = cli_match(objects, BT_ARRAY_SIZE(objects), word, "object", &cli->error);
	if (!object)
		return cli_wrong(cli);
	status = object->run(cli, args);
	if (!status)
		status = cli_flush(cli);
	bt_print_free(&cli->out);
	return status;
}
