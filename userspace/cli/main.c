// SPDX-License-Identifier: GPL-2.0
/* The tool "bowtie": its options. */
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cli.h"

#define NETNS_DIR	"/run/netns"

static int option_json(struct cli *cli, const char *value)
{
	cli->out.json = true;
	return CLI_OK;
}

static int option_pretty(struct cli *cli, const char *value)
{
	cli->out.pretty = true;
	return CLI_OK;
}

static int option_oneline(struct cli *cli, const char *value)
{
	cli->oneline = true;
	return CLI_OK;
}

static int option_stats(struct cli *cli, const char *value)
{
	cli->stats = true;
	return CLI_OK;
}

static int option_details(struct cli *cli, const char *value)
{
	cli->details = true;
	return CLI_OK;
}

static int option_timestamp(struct cli *cli, const char *value)
{
	cli->timestamp = 't';
	return CLI_OK;
}

static int option_tshort(struct cli *cli, const char *value)
{
	cli->timestamp = 's';
	return CLI_OK;
}

static int option_force(struct cli *cli, const char *value)
{
	cli->force = true;
	return CLI_OK;
}

static int option_batch(struct cli *cli, const char *value)
{
	cli->batch = value;
	return CLI_OK;
}

static int option_netns(struct cli *cli, const char *value)
{
	char *path = strchr(value, '/') ? bt_strdup(value) : bt_asprintf(NETNS_DIR "/%s", value);
	int fd = open(path, O_RDONLY | O_CLOEXEC), err = 0;

	if (fd < 0 || setns(fd, CLONE_NEWNET))
		err = bt_error_set(&cli->error, -errno,
				   "cannot enter the network namespace \"%s\": %s", value,
				   strerror(errno));
	if (fd >= 0)
		close(fd);
	free(path);
	return err ? cli_failed(cli) : CLI_OK;
}

/* These two end the run, whatever follows. */
static int option_version(struct cli *cli, const char *value)
{
	puts("bowtie " BOWTIE_VERSION);
	return -1;
}

static int option_help(struct cli *cli, const char *value)
{
	cli_help();
	return -1;
}

static const struct option {
	const char *name;
	const char *brief;
	bool has_value;
	int (*set)(struct cli *cli, const char *value);
} options[] = {
	{ "json", "j", false, option_json },
	{ "pretty", "p", false, option_pretty },
	{ "oneline", "o", false, option_oneline },
	{ "stats", "s", false, option_stats },
	{ "statistics", "s", false, option_stats },
	{ "details", "d", false, option_details },
	{ "timestamp", "t", false, option_timestamp },
	{ "tshort", "ts", false, option_tshort },
	{ "netns", "n", true, option_netns },
	{ "batch", "b", true, option_batch },
	{ "force", "f", false, option_force },
	{ "Version", "V", false, option_version },
	{ "help", "h", false, option_help },
};

/* By its brief name, or by the beginning of its name as far as it is clear. */
static const struct option *find_option(const char *word)
{
	const struct option *found = NULL;
	size_t i;

	for (i = 0; i < BT_ARRAY_SIZE(options); i++) {
		if (!strcmp(options[i].brief, word) || !strcmp(options[i].name, word))
			return &options[i];
		if (*word && !strncmp(options[i].name, word, strlen(word))) {
			if (found && found->set != options[i].set)
				return NULL;
			found = &options[i];
		}
	}
	return found;
}

static int take_options(struct cli *cli, struct cli_args *args)
{
	const struct option *o;
	const char *word, *value;
	int status = CLI_OK;

	while (!status && (word = cli_peek(args)) && *word == '-') {
		cli_next(args);
		word++;
		if (*word == '-')
			word++;
		o = find_option(word);
		if (!o)
			return cli_usage(cli, "there is no option -%s, or more than one; try -help",
					 word);
		value = o->has_value ? cli_next(args) : NULL;
		if (o->has_value && !value)
			return cli_usage(cli, "-%s: a value is missing", o->name);
		status = o->set(cli, value);
	}
	return status;
}

static int run(struct cli *cli, struct cli_args *args)
{
	int status = take_options(cli, args);

	if (status)
		return status < 0 ? CLI_OK : status;
	if (cli->batch) {
		status = cli_end(cli, args);
		return status ? status : cli_batch(cli, cli->batch);
	}
	if (cli_peek(args))
		return cli_run(cli, args);
	fputs("Error: the object is missing, try \"bowtie help\".\n", stderr);
	return CLI_USAGE;
}

/*
 * A socket must not become standard output because that was closed. What stands
 * in for it cannot be written to, so that nobody believes it was.
 */
static bool fix_standard_files(void)
{
	int fd;

	do {
		fd = open("/dev/null", O_RDONLY);
	} while (fd >= 0 && fd <= STDERR_FILENO);
	if (fd > STDERR_FILENO)
		close(fd);
	return fd >= 0;
}

/* Anything that did not get through must not look like success. */
static int finish_output(int status)
{
	bool bad = ferror(stdout);

	if (fclose(stdout) && errno != EBADF)
		bad = true;
	if (!bad || status)
		return status;
	fprintf(stderr, "Error: cannot write: %s.\n", strerror(errno));
	return CLI_FAILED;
}

int main(int argc, char **argv)
{
	struct cli_args args = { .v = argv, .n = (size_t)argc, .at = argc ? 1 : 0 };
	struct cli cli = {};
	int status;

	if (!fix_standard_files())
		return CLI_FAILED;
	/* A reader that is gone is an error like any other. */
	signal(SIGPIPE, SIG_IGN);
	cli.out.colour = isatty(STDOUT_FILENO) && !getenv("NO_COLOR");
	status = run(&cli, &args);
	bt_print_free(&cli.out);
	bt_kmod_close(&cli.kmod);
	bt_error_free(&cli.error);
	return finish_output(status);
}
