// SPDX-License-Identifier: GPL-2.0
/* bowtie config: the daemon's configuration, looked at, compared, applied. */
#include <errno.h>
#include <json-c/json.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>

#include "cli.h"
#include "config.h"
#include "ctl_client.h"

#define PATIENCE_S	30

/* The daemon has a working directory of its own. */
static char *absolute(const char *path)
{
	char *full = realpath(path, NULL);

	return full ? full : bt_strdup(path);
}

static int take_words(struct cli *cli, struct cli_args *args, const char **file,
		      const char **socket)
{
	const char *word;
	int status;

	*socket = BT_CTL_PATH;
	while ((word = cli_next(args))) {
		if (!strcmp(word, "socket")) {
			status = cli_value(cli, args, word, socket);
			if (status)
				return status;
		} else if (file && !*file) {
			*file = word;
		} else {
			return cli_unexpected(cli, word);
		}
	}
	return CLI_OK;
}

static struct json_object *ask(struct cli *cli, const char *method, const char *file,
			       const char *socket)
{
	struct json_object *request = json_object_new_object(), *result;
	char *full;

	json_object_object_add(request, "method", json_object_new_string(method));
	if (file) {
		full = absolute(file);
		json_object_object_add(request, "file", json_object_new_string(full));
		free(full);
	}
	result = bt_ctl_request(socket, request, PATIENCE_S, &cli->error);
	json_object_put(request);
	return result;
}

static int do_check(struct cli *cli, struct cli_args *args)
{
	const char *file = NULL, *unused;
	struct bt_config *config;
	int status = take_words(cli, args, &file, &unused);

	if (status)
		return status;
	config = bt_config_load(file ? file : BT_CONFIG_PATH, &cli->error);
	if (!config)
		return cli_failed(cli);
	bt_config_free(config);
	return CLI_OK;
}

static int do_diff(struct cli *cli, struct cli_args *args)
{
	const char *file = NULL, *socket;
	int status = take_words(cli, args, &file, &socket);
	struct json_object *list;
	size_t i;

	if (status)
		return status;
	list = ask(cli, "diff", file, socket);
	if (!list)
		return cli_failed(cli);
	bt_print_open_array(&cli->out, NULL);
	for (i = 0; i < json_object_array_length(list); i++)
		bt_print_string(&cli->out, NULL, "%s\n",
				json_object_get_string(json_object_array_get_idx(list, i)));
	bt_print_close(&cli->out);
	json_object_put(list);
	return CLI_OK;
}

static int do_reload(struct cli *cli, struct cli_args *args)
{
	struct json_object *result;
	const char *socket;
	int status = take_words(cli, args, NULL, &socket);

	if (status)
		return status;
	result = ask(cli, "reload", NULL, socket);
	if (!result)
		return cli_failed(cli);
	json_object_put(result);
	return CLI_OK;
}

static const struct cli_command commands[] = {
	{ .name = "check", .run = do_check, .usage = "[ FILE ]" },
	{ .name = "diff", .run = do_diff, .usage = "[ FILE ] [ socket PATH ]" },
	{ .name = "reload", .run = do_reload, .usage = "[ socket PATH ]" },
};

static const struct cli_object object = {
	.name = "config",
	.commands = commands,
	.n = BT_ARRAY_SIZE(commands),
	.notes = "  FILE   default " BT_CONFIG_PATH "; of diff, the daemon's\n"
		 "  PATH   the daemon's control socket, default " BT_CTL_PATH "\n",
};

/**
 * cli_config() - bowtie config
 * @cli: run
 * @args: words
 *
 * Return: CLI_*.
 */
int cli_config(struct cli *cli, struct cli_args *args)
{
	return cli_commands(cli, args, &object);
}
