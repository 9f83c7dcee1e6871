// SPDX-License-Identifier: GPL-2.0
/* What commands have in common: devices, tunnels and settings on the command line. */
#include <ctype.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "cli.h"
#include "rtnl_link.h"
#include "types.h"

/**
 * cli_end() - there must be no more words
 * @cli: run
 * @args: words
 *
 * Return: CLI_*.
 */
int cli_end(struct cli *cli, struct cli_args *args)
{
	const char *word = cli_peek(args);

	return word ? cli_unexpected(cli, word) : CLI_OK;
}

/**
 * cli_value() - take the word that must follow another one
 * @cli: run
 * @args: words
 * @word: the one before
 * @value: result
 *
 * Return: CLI_*.
 */
int cli_value(struct cli *cli, struct cli_args *args, const char *word, const char **value)
{
	*value = cli_next(args);
	return *value ? CLI_OK : cli_usage(cli, "%s: a value is missing", word);
}

/**
 * cli_dev() - take a device: DEV or dev DEV
 * @cli: run
 * @args: words
 * @dev: result
 *
 * Return: CLI_*.
 */
int cli_dev(struct cli *cli, struct cli_args *args, struct bt_dev *dev)
{
	const char *name;

	cli_accept(args, "dev");
	name = cli_next(args);
	if (!name)
		return cli_usage(cli, "the device is missing");
	return bt_dev_parse(name, dev, &cli->error) ? cli_wrong(cli) : CLI_OK;
}

/**
 * cli_dev_or_all() - take a device, if there is one, and nothing else
 * @cli: run
 * @args: words
 * @dev: result
 * @which: @dev, or NULL for all devices
 *
 * Return: CLI_*.
 */
int cli_dev_or_all(struct cli *cli, struct cli_args *args, struct bt_dev *dev,
		   const struct bt_dev **which)
{
	int status = CLI_OK;

	*which = NULL;
	if (cli_peek(args)) {
		status = cli_dev(cli, args, dev);
		*which = dev;
	}
	return status ? status : cli_end(cli, args);
}

/* The words of a value in one string. */
static char *join(struct cli_args *args, unsigned int n)
{
	struct bt_buf text = {};
	const char *word = cli_next(args);

	bt_buf_puts(&text, word);
	if (!strcmp(word, "none"))
		n = 1;
	while (--n) {
		word = cli_next(args);
		if (!word)
			break;
		bt_buf_printf(&text, " %s", word);
	}
	return text.data;
}

/**
 * cli_setting() - take a setting: its word and its value
 * @cli: run
 * @args: words
 * @o: kind of object
 * @obj: gets the value
 *
 * Return: CLI_*.
 */
int cli_setting(struct cli *cli, struct cli_args *args, const struct bt_object *o, void *obj)
{
	const char *word = cli_next(args);
	const struct bt_field *f = bt_object_field(o, word);
	uint64_t before = *(uint64_t *)obj;
	char *value;
	int err;

	if (!f)
		return cli_unexpected(cli, word);
	if (!cli_peek(args))
		return cli_usage(cli, "%s: a value is missing", word);
	value = join(args, f->type->words);
	if (o == &bt_link_object)
		err = bt_link_parse(obj, word, value, &cli->error);
	else
		err = bt_object_parse(o, obj, word, value, &cli->error);
	free(value);
	if (err)
		return cli_wrong(cli);
	if (*(uint64_t *)obj == before && f->type != &bt_type_list)
		return cli_usage(cli, "%s is given twice", word);
	return CLI_OK;
}

/**
 * cli_tunnel_key() - a tunnel by its name or id
 * @cli: run
 * @text: what the user wrote
 * @key: result
 *
 * Return: CLI_*.
 */
int cli_tunnel_key(struct cli *cli, const char *text, struct bt_tunnel *key)
{
	const char *word = isdigit((unsigned char)*text) ? "id" : "name";

	*key = (struct bt_tunnel){};
	if (!bt_object_parse(&bt_tunnel_object, key, word, text, &cli->error))
		return CLI_OK;
	bt_error_free(&cli->error);
	return cli_usage(cli, "\"%s\" is neither a tunnel's name nor an id from 0 to %u", text,
			 BOWTIE_TUNNELS_MAX - 1);
}

/**
 * cli_tunnel_id() - the id of a tunnel, for what takes no name
 * @cli: run
 * @dev: device
 * @text: its name or id
 * @id: result
 *
 * Return: CLI_*.
 */
int cli_tunnel_id(struct cli *cli, const struct bt_dev *dev, const char *text, uint32_t *id)
{
	struct bt_tunnel key, t = {};
	int status = cli_tunnel_key(cli, text, &key);

	if (status)
		return status;
	if (key.set & BT_BIT(BOWTIE_A_TUNNEL_ID)) {
		*id = key.id;
		return CLI_OK;
	}
	if (bt_kmod_tunnel_get(&cli->kmod, dev, &key, &t, &cli->error))
		return cli_failed(cli);
	*id = t.id;
	bt_object_free(&bt_tunnel_object, &t);
	return CLI_OK;
}

/* What rtnetlink knows of a link and the module does not. */
static void add_device_state(struct bt_link *l, const struct bt_links *devices)
{
	size_t i;

	for (i = 0; i < devices->n; i++) {
		if (devices->v[i].dev.ifindex != l->dev.ifindex)
			continue;
		l->up = devices->v[i].up;
		l->operstate = devices->v[i].operstate;
		l->set |= devices->v[i].set;
	}
}

/**
 * cli_add_devices() - add what is only known of the devices of links
 * @cli: run
 * @links: links
 *
 * Return: 0 or a negative errno, as cli->error tells.
 */
int cli_add_devices(struct cli *cli, struct bt_links *links)
{
	struct bt_links devices = {};
	int err = bt_rtnl_link_dump(&cli->kmod, &devices, &cli->error);
	size_t i;

	for (i = 0; i < links->n; i++)
		add_device_state(&links->v[i], &devices);
	bt_links_free(&devices);
	return err;
}

/**
 * cli_links() - ask for links, with all that is known of them
 * @cli: run
 * @dev: just this one, or NULL for all
 * @links: result
 *
 * Return: CLI_*.
 */
int cli_links(struct cli *cli, const struct bt_dev *dev, struct bt_links *links)
{
	int status = cli_dumped(cli, bt_kmod_link_dump(&cli->kmod, dev, links, &cli->error));

	if (!status)
		status = cli_dumped(cli, cli_add_devices(cli, links));
	if (status)
		bt_links_free(links);
	return status;
}

/**
 * cli_tunnels() - ask for tunnels
 * @cli: run
 * @dev: of this device, or NULL for all
 * @tunnels: result
 *
 * Return: CLI_*.
 */
int cli_tunnels(struct cli *cli, const struct bt_dev *dev, struct bt_tunnels *tunnels)
{
	return cli_dumped(cli, bt_kmod_tunnel_dump(&cli->kmod, dev, tunnels, &cli->error));
}
