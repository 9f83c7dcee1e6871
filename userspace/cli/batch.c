// SPDX-License-Identifier: GPL-2.0
/* bowtie -batch: commands from a file, one a line. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "cli.h"

/* A line that ends in a backslash goes on in the next one. Bytes, 0 at the end. */
static size_t read_line(FILE *file, struct bt_buf *line, unsigned int *number)
{
	char *part = NULL;
	size_t size = 0;
	ssize_t n;

	line->len = 0;
	do {
		n = getline(&part, &size, file);
		if (n <= 0)
			break;
		++*number;
		if (part[n - 1] == '\n')
			n--;
		bt_buf_add(line, part, (size_t)n);
	} while (n && part[n - 1] == '\\' && line->len--);
	free(part);
	/* Also an empty line is one. */
	return n < 0 ? line->len : line->len + 1;
}

static int run_line(struct cli *cli, const struct bt_buf *line)
{
	struct cli_args args;
	int status = CLI_OK;

	if (strlen(line->data) != line->len)
		return cli_usage(cli, "a zero byte in the line");
	if (cli_split(line->data, &args, &cli->error))
		return cli_wrong(cli);
	if (cli_peek(&args))
		status = cli_run(cli, &args);
	cli_args_free(&args);
	return status;
}

static int run_lines(struct cli *cli, FILE *file, const char *path)
{
	unsigned int number = 0, first;
	struct bt_buf line = {};
	int status = CLI_OK, one;
	char *where;

	for (;;) {
		first = number + 1;
		if (!read_line(file, &line, &number))
			break;
		bt_buf_reserve(&line, 0);
		line.data[line.len] = '\0';
		where = bt_asprintf("%s:%u", path, first);
		cli->where = where;
		one = run_line(cli, &line);
		cli->where = NULL;
		free(where);
		if (!status)
			status = one;
		if (status && !cli->force)
			break;
	}
	bt_buf_free(&line);
	return status;
}

/**
 * cli_batch() - run the commands of a file
 * @cli: run; stops at the first one that fails, unless cli->force
 * @path: name of the file, or "-"
 *
 * Return: CLI_* of the first command that failed.
 */
int cli_batch(struct cli *cli, const char *path)
{
	FILE *file = strcmp(path, "-") ? fopen(path, "re") : stdin;
	int status;

	if (!file) {
		bt_error_set(&cli->error, -errno, "cannot read %s: %s", path, strerror(errno));
		return cli_failed(cli);
	}
	status = run_lines(cli, file, path);
	if (ferror(file) && !status) {
		bt_error_set(&cli->error, -EIO, "cannot read %s to its end", path);
		status = cli_failed(cli);
	}
	if (file != stdin)
		fclose(file);
	return status;
}
