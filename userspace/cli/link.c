// SPDX-License-Identifier: GPL-2.0
/* bowtie link */
#include <string.h>

#include "cli.h"
#include "rtnl_link.h"

#define SETTINGS							\
	"  SETTING := fwmark MARK | hash { skb | l3 | l4 | symmetric } |\n"	\
	"             hairpin { on | off } | strict-source { on | off } |\n"	\
	"             mtu { auto | BYTES } | idle-timer TIME | unbalanced-timer TIME\n" \
	"  TIME    := NUMBER{ms|s|m|h}\n"

static int link_show(struct cli *cli, struct cli_args *args)
{
	struct bt_links links = {};
	const struct bt_dev *which;
	struct bt_dev dev;
	int status = cli_dev_or_all(cli, args, &dev, &which);
	size_t i;

	if (!status)
		status = cli_links(cli, which, &links);
	if (status)
		return status;
	bt_print_open_array(&cli->out, NULL);
	for (i = 0; i < links.n; i++)
		cli_show_link(cli, NULL, &links.v[i]);
	bt_print_close(&cli->out);
	bt_links_free(&links);
	return CLI_OK;
}

static int settings(struct cli *cli, struct cli_args *args, struct bt_link *l)
{
	int status = CLI_OK;

	while (!status && cli_peek(args)) {
		if (cli_accept(args, "up")) {
			l->up = true;
			l->set |= BT_BIT(BT_LINK_UP);
		} else if (cli_accept(args, "down")) {
			l->up = false;
			l->set |= BT_BIT(BT_LINK_UP);
		} else {
			status = cli_setting(cli, args, &bt_link_object, l);
		}
	}
	return status;
}

static int link_add(struct cli *cli, struct cli_args *args)
{
	struct bt_link l = {};
	struct bt_dev dev;
	int status = cli_dev(cli, args, &dev);

	if (!status)
		status = settings(cli, args, &l);
	if (status)
		return status;
	return bt_rtnl_link_add(&cli->kmod, &dev, &l, &cli->error) ? cli_failed(cli) : CLI_OK;
}

static int link_set(struct cli *cli, struct cli_args *args)
{
	const uint64_t rtnl = BT_BIT(BT_LINK_UP) | BT_BIT(BOWTIE_A_LINK_MTU);
	struct bt_link l = {};
	struct bt_dev dev;
	int status = cli_dev(cli, args, &dev);

	if (!status)
		status = settings(cli, args, &l);
	if (status)
		return status;
	if (!l.set)
		return cli_usage(cli, "nothing is to be set");
	if ((l.set & ~rtnl) && bt_kmod_link_set(&cli->kmod, &dev, &l, &cli->error))
		return cli_failed(cli);
	if ((l.set & rtnl) && bt_rtnl_link_set(&cli->kmod, &dev, &l, &cli->error))
		return cli_failed(cli);
	return CLI_OK;
}

static int link_delete(struct cli *cli, struct cli_args *args)
{
	struct bt_dev dev;
	int status = cli_dev(cli, args, &dev);

	if (!status)
		status = cli_end(cli, args);
	if (status)
		return status;
	return bt_rtnl_link_del(&cli->kmod, &dev, &cli->error) ? cli_failed(cli) : CLI_OK;
}

static const struct cli_command commands[] = {
	{ .name = "show", .run = link_show, .usage = "[ DEV ]" },
	{ .name = "add", .run = link_add, .usage = "DEV [ SETTING ]... [ up ]" },
	{ .name = "set", .run = link_set, .usage = "DEV [ SETTING ]... [ up | down ]" },
	{ .name = "delete", .run = link_delete, .usage = "DEV" },
};

static const struct cli_object object = {
	.name = "link",
	.commands = commands,
	.n = BT_ARRAY_SIZE(commands),
	.notes = SETTINGS,
};

/**
 * cli_link() - bowtie link
 * @cli: run
 * @args: words
 *
 * Return: CLI_*.
 */
int cli_link(struct cli *cli, struct cli_args *args)
{
	return cli_commands(cli, args, &object);
}
