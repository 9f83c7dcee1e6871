// SPDX-License-Identifier: GPL-2.0
/* bowtie sa */
#include <string.h>

#include "cli.h"

static int words(struct cli *cli, struct cli_args *args, struct bt_dev *dev,
		 struct bt_tunnel *key)
{
	const char *word;
	int status = CLI_OK;

	while (!status && (word = cli_peek(args))) {
		if (!strcmp(word, "dev") && !*dev->name) {
			status = cli_dev(cli, args, dev);
		} else if (!key->set && cli_accept(args, "tunnel")) {
			status = cli_value(cli, args, "tunnel", &word);
			if (!status)
				status = cli_tunnel_key(cli, word, key);
		} else {
			status = cli_unexpected(cli, word);
		}
	}
	return status;
}

static bool is_of(const struct bt_sa *sa, const struct bt_tunnels *tunnels,
		  const struct bt_tunnel *key)
{
	const struct bt_tunnel *t;

	if (!key->set)
		return true;
	if (key->set & BT_BIT(BOWTIE_A_TUNNEL_ID))
		return sa->tunnel == key->id;
	t = bt_tunnels_by_id(tunnels, sa->dev.ifindex, sa->tunnel);
	return t && !strcmp(t->name, key->name);
}

static int sa_show(struct cli *cli, struct cli_args *args)
{
	struct bt_tunnels tunnels = {};
	struct bt_tunnel key = {};
	struct bt_sas sas = {};
	struct bt_dev dev = {};
	const struct bt_dev *which;
	int status = words(cli, args, &dev, &key);
	size_t i;

	if (status)
		return status;
	which = *dev.name ? &dev : NULL;
	status = cli_dumped(cli, bt_kmod_sa_dump(&cli->kmod, which, &sas, &cli->error));
	if (!status)
		status = cli_tunnels(cli, which, &tunnels);
	bt_print_open_array(&cli->out, NULL);
	for (i = 0; !status && i < sas.n; i++)
		if (is_of(&sas.v[i], &tunnels, &key))
			cli_show_sa(cli, NULL, &sas.v[i], &tunnels);
	bt_print_close(&cli->out);
	bt_sas_free(&sas);
	bt_tunnels_free(&tunnels);
	return status;
}

static const struct cli_command commands[] = {
	{ .name = "show", .run = sa_show, .usage = "[ dev DEV ] [ tunnel TUNNEL ]" },
};

static const struct cli_object object = {
	.name = "sa",
	.commands = commands,
	.n = BT_ARRAY_SIZE(commands),
	.notes = "",
};

/**
 * cli_sa() - bowtie sa
 * @cli: run
 * @args: words
 *
 * Return: CLI_*.
 */
int cli_sa(struct cli *cli, struct cli_args *args)
{
	return cli_commands(cli, args, &object);
}
