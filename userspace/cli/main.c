// SPDX-License-Identifier: GPL-2.0
/* The tool "bowtie": options, the table of objects, and how a run ends. */
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cli.h"

#define NETNS_DIR	"/run/netns"

static const char *const usage[] = {
	"Usage: bowtie [ OPTIONS ] OBJECT { COMMAND | help }",
	"       bowtie [ -force ] -batch { FILE | - }",
	"  OBJECT  := link | tunnel | route | sa",
	"  OPTIONS := -j[son] -p[retty] -o[neline] -s[tats] -d[etails] -n[etns] NAME -V[ersion]",
};

static const struct cli_command *const objects_list[] = {
	&cli_link, &cli_tunnel, &cli_route, &cli_sa,
};

/* An error message: where it happened in a batch, and what. */
static void complain(const struct cli *cli, const char *text)
{
	size_t len = strlen(text);

	if (cli->where)
		fprintf(stderr, "%s: ", cli->where);
	fprintf(stderr, "Error: %s%s\n", text, len && text[len - 1] == '.' ? "" : ".");
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
	complain(cli, text.data);
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
	complain(cli, cli->error.text);
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
	complain(cli, cli->error.text);
	bt_error_free(&cli->error);
	return CLI_FAILED;
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

static int object_help(const struct cli_command *object)
{
	size_t i;

	for (i = 0; i < object->n; i++)
		printf("%s bowtie %s %s %s\n", i ? "      " : "Usage:", object->name,
		       object->commands[i].name, object->commands[i].usage);
	fputs(object->usage, stdout);
	return CLI_OK;
}

static int run_object(struct cli *cli, const struct cli_command *object, struct cli_args *args)
{
	const struct cli_command *command = object->commands;
	const char *word = cli_peek(args);

	if (word && !strcmp(word, "help"))
		return object_help(object);
	if (word) {
		command = cli_match(object->commands, object->n, word, "command", &cli->error);
		if (!command)
			return cli_wrong(cli);
		cli_next(args);
	}
	return command->run(cli, args);
}

static int help(void)
{
	size_t i;

	for (i = 0; i < BT_ARRAY_SIZE(usage); i++)
		puts(usage[i]);
	return CLI_OK;
}

/**
 * cli_run() - run one command, and write its output
 * @cli: run
 * @args: its words
 *
 * Return: CLI_*.
 */
int cli_run(struct cli *cli, struct cli_args *args)
{
	struct cli_command objects[BT_ARRAY_SIZE(objects_list)];
	const struct cli_command *object;
	const char *word = cli_next(args);
	int status, err;
	size_t i;

	if (!word || !strcmp(word, "help"))
		return help();
	for (i = 0; i < BT_ARRAY_SIZE(objects_list); i++)
		objects[i] = *objects_list[i];
	object = cli_match(objects, BT_ARRAY_SIZE(objects), word, "object", &cli->error);
	if (!object)
		return cli_wrong(cli);
	status = run_object(cli, object, args);
	err = status ? 0 : bt_print_flush(&cli->out, stdout);
	if (err) {
		bt_error_set(&cli->error, err, "cannot write: %s", strerror(-err));
		status = cli_failed(cli);
	}
	bt_print_free(&cli->out);
	return status;
}

static int enter_netns(struct cli *cli, const char *name)
{
	char *path = strchr(name, '/') ? bt_strdup(name) : bt_asprintf(NETNS_DIR "/%s", name);
	int fd = open(path, O_RDONLY | O_CLOEXEC), err = 0;

	if (fd < 0 || setns(fd, CLONE_NEWNET))
		err = bt_error_set(&cli->error, -errno, "cannot enter network namespace \"%s\": %s",
				   name, strerror(errno));
	if (fd >= 0)
		close(fd);
	free(path);
	return err ? cli_failed(cli) : CLI_OK;
}

int main(int argc, char **argv)
{
	struct cli_args args = { .v = argv, .n = (size_t)argc, .at = 1 };
	struct cli cli = {};
	bool json = false;
	int status = CLI_OK;

	for (; !status && cli_peek(&args) && *cli_peek(&args) == '-';) {
		const char *word = cli_next(&args);

		if (!strcmp(word, "-j"))
			json = true;
		else if (!strcmp(word, "-p"))
			cli.pretty = true;
		else if (!strcmp(word, "-o"))
			cli.oneline = true;
		else if (!strcmp(word, "-s"))
			cli.stats = true;
		else if (!strcmp(word, "-d"))
			cli.details = true;
		else if (!strcmp(word, "-n") && cli_peek(&args))
			status = enter_netns(&cli, cli_next(&args));
		else
			status = cli_unexpected(&cli, word);
	}
	bt_print_init(&cli.out, json);
	cli.out.pretty = cli.pretty;
	if (!status)
		status = cli_run(&cli, &args);
	bt_kmod_close(&cli.kmod);
	bt_error_free(&cli.error);
	if (fclose(stdout) && !status)
		status = CLI_FAILED;
	return status;
}
