// SPDX-License-Identifier: GPL-2.0
/* bowtie tunnel */
#include <errno.h>
#include <string.h>

#include "cli.h"

#define SETTINGS								\
	"  TUNNEL  := NAME | ID\n"						\
	"  SETTING := name NAME | if-id N | local { ADDR | any } |\n"		\
	"             remote { ADDR | any } |\n"				\
	"             inside-local { ADDR | none } | inside-peer { ADDR | none } |\n" \
	"             selector LOCALPREFIX REMOTEPREFIX | selector none |\n"	\
	"             weight 1..256 | tier 0..7 | esp-mode { auto | xfrm | fast } |\n" \
	"             mss { auto | off | BYTES } | df { copy | clear | set } |\n" \
	"             mark MARK | drain-timeout TIME |\n"			\
	"             admin { up | down | drain } | up | down | drain\n"	\
	"  TIME    := NUMBER{ms|s|m|h}\n"

static bool has(const struct bt_tunnel *t, unsigned int attr)
{
	return t->set & BT_BIT(attr);
}

/* Does a user who wrote this mean that tunnel? */
static bool matches(const struct bt_tunnel *t, const struct bt_tunnel *key)
{
	return has(key, BOWTIE_A_TUNNEL_ID) ? t->id == key->id : !strcmp(t->name, key->name);
}

static bool device_exists(struct cli *cli, const char *name)
{
	struct bt_error ignored = {};
	struct bt_link l = {};
	struct bt_dev dev;
	bool exists;

	exists = !bt_dev_parse(name, &dev, &ignored) &&
		 !bt_kmod_link_get(&cli->kmod, &dev, &l, &ignored);
	bt_object_free(&bt_link_object, &l);
	bt_error_free(&ignored);
	return exists;
}

/* [ [ dev ] DEV ] [ TUNNEL ]: one word is a device if there is one of this name. */
static int show_which(struct cli *cli, struct cli_args *args, struct bt_dev *dev,
		      struct bt_tunnel *key)
{
	const char *word = cli_peek(args);
	int status = CLI_OK;

	if (word && (!strcmp(word, "dev") || args->n - args->at > 1 ||
		     device_exists(cli, word)))
		status = cli_dev(cli, args, dev);
	word = status ? NULL : cli_next(args);
	if (word)
		status = cli_tunnel_key(cli, word, key);
	return status ? status : cli_end(cli, args);
}

static int tunnel_show(struct cli *cli, struct cli_args *args)
{
	struct bt_tunnels tunnels = {};
	struct bt_tunnel key = {};
	struct bt_dev dev = {};
	int status = show_which(cli, args, &dev, &key);
	bool found = !key.set;
	size_t i;

	if (!status)
		status = cli_tunnels(cli, *dev.name ? &dev : NULL, &tunnels);
	if (status)
		return status;
	bt_print_open_array(&cli->out, NULL);
	for (i = 0; i < tunnels.n; i++) {
		if (key.set && !matches(&tunnels.v[i], &key))
			continue;
		found = true;
		cli_show_tunnel(cli, NULL, &tunnels.v[i]);
	}
	bt_print_close(&cli->out);
	bt_tunnels_free(&tunnels);
	if (found)
		return CLI_OK;
	bt_error_set(&cli->error, -ENOENT, "no tunnel with this %s",
		     has(&key, BOWTIE_A_TUNNEL_ID) ? "id" : "name");
	return cli_failed(cli);
}

static int admin_word(struct cli *cli, const char *word, struct bt_tunnel *t)
{
	if (has(t, BOWTIE_A_TUNNEL_ADMIN))
		return cli_usage(cli, "admin is given twice");
	return bt_object_parse(&bt_tunnel_object, t, "admin", word, &cli->error) ?
	       cli_wrong(cli) : CLI_OK;
}

static int settings(struct cli *cli, struct cli_args *args, struct bt_tunnel *t)
{
	const char *word;
	int status = CLI_OK;

	while (!status && (word = cli_peek(args))) {
		if (cli_accept(args, "up") || cli_accept(args, "down") ||
		    cli_accept(args, "drain"))
			status = admin_word(cli, word, t);
		else
			status = cli_setting(cli, args, &bt_tunnel_object, t);
	}
	return status;
}

static bool is_setting(const char *word)
{
	return bt_object_field(&bt_tunnel_object, word) || !strcmp(word, "up") ||
	       !strcmp(word, "down") || !strcmp(word, "drain");
}

static int new(struct cli *cli, struct cli_args *args, enum bowtie_mode mode)
{
	struct bt_tunnel t = {};
	struct bt_dev dev;
	const char *word;
	int status = cli_dev(cli, args, &dev);

	word = cli_peek(args);
	if (!status && word && !is_setting(word))
		status = cli_tunnel_key(cli, cli_next(args), &t);
	if (!status)
		status = settings(cli, args, &t);
	if (!status && mode != BOWTIE_MODE_CREATE && !has(&t, BOWTIE_A_TUNNEL_ID) &&
	    !has(&t, BOWTIE_A_TUNNEL_NAME))
		status = cli_usage(cli, "the tunnel's name or id is missing");
	if (!status && bt_kmod_tunnel_new(&cli->kmod, &dev, &t, mode, &cli->error))
		status = cli_failed(cli);
	bt_object_free(&bt_tunnel_object, &t);
	return status;
}

static int tunnel_add(struct cli *cli, struct cli_args *args)
{
	return new(cli, args, BOWTIE_MODE_CREATE);
}

static int tunnel_replace(struct cli *cli, struct cli_args *args)
{
	return new(cli, args, BOWTIE_MODE_REPLACE);
}

/* Takes DEV TUNNEL. */
static int which(struct cli *cli, struct cli_args *args, struct bt_dev *dev,
		 struct bt_tunnel *key)
{
	const char *word;
	int status = cli_dev(cli, args, dev);

	if (status)
		return status;
	word = cli_next(args);
	return word ? cli_tunnel_key(cli, word, key) :
	       cli_usage(cli, "the tunnel's name or id is missing");
}

/* Beside a name as key another name would not be told apart: then it takes an id. */
static int add_key(struct cli *cli, const struct bt_dev *dev, const struct bt_tunnel *key,
		   struct bt_tunnel *t)
{
	if (has(t, BOWTIE_A_TUNNEL_ID))
		return cli_usage(cli, "the id of a tunnel cannot be changed");
	if (has(t, BOWTIE_A_TUNNEL_NAME) || has(key, BOWTIE_A_TUNNEL_ID)) {
		t->set |= BT_BIT(BOWTIE_A_TUNNEL_ID);
		t->id = key->id;
		if (has(key, BOWTIE_A_TUNNEL_ID))
			return CLI_OK;
		return cli_tunnel_id(cli, dev, key->name, &t->id);
	}
	memcpy(t->name, key->name, sizeof(t->name));
	t->set |= BT_BIT(BOWTIE_A_TUNNEL_NAME);
	return CLI_OK;
}

static int tunnel_set(struct cli *cli, struct cli_args *args)
{
	struct bt_tunnel key, t = {};
	struct bt_dev dev;
	int status = which(cli, args, &dev, &key);

	if (!status)
		status = settings(cli, args, &t);
	if (!status && !t.set)
		status = cli_usage(cli, "nothing is to be set");
	if (!status)
		status = add_key(cli, &dev, &key, &t);
	if (!status && bt_kmod_tunnel_set(&cli->kmod, &dev, &t, &cli->error))
		status = cli_failed(cli);
	bt_object_free(&bt_tunnel_object, &t);
	return status;
}

static int tunnel_delete(struct cli *cli, struct cli_args *args)
{
	struct bt_tunnel key;
	struct bt_dev dev;
	int status = which(cli, args, &dev, &key);

	if (!status)
		status = cli_end(cli, args);
	if (status)
		return status;
	return bt_kmod_tunnel_del(&cli->kmod, &dev, &key, &cli->error) ? cli_failed(cli) : CLI_OK;
}

static const struct cli_command commands[] = {
	{ .name = "show", .run = tunnel_show, .usage = "[ [ dev ] DEV ] [ TUNNEL ]" },
	{ .name = "add", .run = tunnel_add,
	  .usage = "[ dev ] DEV [ NAME | id ID ] if-id N { local | remote } ADDR\n"
		      "                    [ SETTING ]..." },
	{ .name = "replace", .run = tunnel_replace, .usage = "[ dev ] DEV TUNNEL [ SETTING ]..." },
	{ .name = "set", .run = tunnel_set, .usage = "[ dev ] DEV TUNNEL SETTING..." },
	{ .name = "delete", .run = tunnel_delete, .usage = "[ dev ] DEV TUNNEL" },
};

static const struct cli_object object = {
	.name = "tunnel",
	.commands = commands,
	.n = BT_ARRAY_SIZE(commands),
	.notes = SETTINGS,
};

/**
 * cli_tunnel() - bowtie tunnel
 * @cli: run
 * @args: words
 *
 * Return: CLI_*.
 */
int cli_tunnel(struct cli *cli, struct cli_args *args)
{
	return cli_commands(cli, args, &object);
}
