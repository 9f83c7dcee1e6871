/* SPDX-License-Identifier: GPL-2.0 */
#ifndef BT_CLI_H
#define BT_CLI_H

#include "args.h"
#include "kmod_cmd.h"
#include "print.h"

/* Exit statuses. */
enum {
	CLI_OK = 0,
	CLI_USAGE = 1,	/* the command line makes no sense */
	CLI_FAILED = 2,	/* it does, but it could not be done */
};

/**
 * struct cli - one run of the tool
 * @oneline: an object takes one line of text
 * @stats: show counters
 * @details: show what is rarely looked at
 * @force: a batch goes on after an error
 * @timestamp: 0, or 't' (with the time zone) or 's' for what a monitor's line begins with
 * @batch: file of commands, or NULL
 * @where: in a batch, where the command comes from, else NULL
 * @out: output of the command
 * @kmod: way to the module
 * @error: why the last thing failed
 */
struct cli {
	bool oneline;
	bool stats;
	bool details;
	bool force;
	char timestamp;
	const char *batch;
	const char *where;
	struct bt_print out;
	struct bt_kmod kmod;
	struct bt_error error;
};

/**
 * struct cli_command - a word and what it does
 * @name: in full; users may abbreviate it
 * @run: does it
 * @usage: what may follow, for the help
 */
struct cli_command {
	const char *name;
	int (*run)(struct cli *cli, struct cli_args *args);
	const char *usage;
};

/**
 * struct cli_object - an object that has commands
 * @name: in full
 * @commands: the first one is what it does without any
 * @n: how many
 * @notes: lines that explain the words of their usage
 */
struct cli_object {
	const char *name;
	const struct cli_command *commands;
	size_t n;
	const char *notes;
};

/* One for each object, in a file of its own. */
int cli_link(struct cli *cli, struct cli_args *args);
int cli_tunnel(struct cli *cli, struct cli_args *args);
int cli_route(struct cli *cli, struct cli_args *args);
int cli_sa(struct cli *cli, struct cli_args *args);
int cli_monitor(struct cli *cli, struct cli_args *args);
int cli_status(struct cli *cli, struct cli_args *args);
int cli_showconf(struct cli *cli, struct cli_args *args);
int cli_config(struct cli *cli, struct cli_args *args);

/* run.c: from words to what is done, and how it ends */
int cli_run(struct cli *cli, struct cli_args *args);
int cli_commands(struct cli *cli, struct cli_args *args, const struct cli_object *object);
int cli_help(void);
int cli_flush(struct cli *cli);
int cli_usage(struct cli *cli, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
int cli_wrong(struct cli *cli);
int cli_failed(struct cli *cli);
int cli_dumped(struct cli *cli, int err);
int cli_unexpected(struct cli *cli, const char *word);

/* batch.c */
int cli_batch(struct cli *cli, const char *path);

/* settings.c: what commands have in common */
int cli_end(struct cli *cli, struct cli_args *args);
int cli_value(struct cli *cli, struct cli_args *args, const char *word, const char **value);
int cli_dev(struct cli *cli, struct cli_args *args, struct bt_dev *dev);
int cli_dev_or_all(struct cli *cli, struct cli_args *args, struct bt_dev *dev,
		   const struct bt_dev **which);
int cli_setting(struct cli *cli, struct cli_args *args, const struct bt_object *o, void *obj);
int cli_tunnel_key(struct cli *cli, const char *text, struct bt_tunnel *key);
int cli_tunnel_id(struct cli *cli, const struct bt_dev *dev, const char *text, uint32_t *id);
int cli_add_devices(struct cli *cli, struct bt_links *links);
int cli_links(struct cli *cli, const struct bt_dev *dev, struct bt_links *links);
int cli_tunnels(struct cli *cli, const struct bt_dev *dev, struct bt_tunnels *tunnels);

/* show.c: how an object looks; the key is that of the object in JSON, or NULL */
void cli_show_link(struct cli *cli, const char *key, const struct bt_link *l);
void cli_show_tunnel(struct cli *cli, const char *key, const struct bt_tunnel *t);
void cli_show_route(struct cli *cli, const char *key, const struct bt_route *r,
		    const struct bt_tunnels *names);
void cli_show_sa(struct cli *cli, const char *key, const struct bt_sa *sa,
		 const struct bt_tunnels *names);
void cli_show_device(struct cli *cli, const char *key, const struct bt_link *l);
const char *cli_tunnel_name(const struct bt_tunnels *names, const struct bt_dev *dev,
			    uint32_t id, char buf[16]);

#endif /* BT_CLI_H */
