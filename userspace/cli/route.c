// SPDX-License-Identifier: GPL-2.0
/* bowtie route */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "cli.h"
#include "kmod_route.h"

#define WORDS								\
	"  PREFIX  := ADDR[/LENGTH] | default\n"			\
	"  NEXTHOP := tunnel { NAME | ID } [ weight 1..256 ] [ tier 0..7 ]\n"

/**
 * struct wish - a route as the user wrote it
 * @dev: its device; without a name while it is not given
 * @route: prefix and next hops; their tunnels wait for the device
 * @tunnels: what the user called them
 */
struct wish {
	struct bt_dev dev;
	struct bt_route route;
	struct {
		const char **v;
		size_t n;
	} tunnels;
};

static void wish_free(struct wish *w)
{
	bt_object_free(&bt_route_object, &w->route);
	free(w->tunnels.v);
}

static int take_prefix(struct cli *cli, struct cli_args *args, struct bt_route *r)
{
	const char *word = cli_next(args);

	if (!word)
		return cli_usage(cli, "the prefix is missing");
	if (bt_prefix_parse(word, &r->dst, &cli->error))
		return cli_wrong(cli);
	r->set |= BT_BIT(BOWTIE_A_ROUTE_DST);
	return CLI_OK;
}

static int take_nexthop(struct cli *cli, struct cli_args *args, struct wish *w)
{
	struct bt_nexthop *nh = bt_array_add(&w->route.nexthops);
	const char *word;
	int status = cli_value(cli, args, "tunnel", bt_array_add(&w->tunnels));

	w->route.set |= BT_BIT(BOWTIE_A_ROUTE_NEXTHOP);
	while (!status && (word = cli_peek(args)) &&
	       (!strcmp(word, "weight") || !strcmp(word, "tier")))
		status = cli_setting(cli, args, &bt_nexthop_object, nh);
	return status;
}

static int wish_words(struct cli *cli, struct cli_args *args, struct wish *w)
{
	int status = take_prefix(cli, args, &w->route);
	const char *word;

	while (!status && (word = cli_peek(args))) {
		if (!strcmp(word, "dev") && *w->dev.name)
			status = cli_usage(cli, "dev is given twice");
		else if (!strcmp(word, "dev"))
			status = cli_dev(cli, args, &w->dev);
		else if (cli_accept(args, "tunnel"))
			status = take_nexthop(cli, args, w);
		else
			status = cli_unexpected(cli, word);
	}
	if (!status && !*w->dev.name)
		status = cli_usage(cli, "dev is missing");
	return status;
}

static int new(struct cli *cli, struct cli_args *args, enum bowtie_mode mode)
{
	struct wish w = {};
	int status = wish_words(cli, args, &w);
	struct bt_nexthop *nh;
	size_t i;

	if (!status && !w.tunnels.n)
		status = cli_usage(cli, "a tunnel is missing");
	for (i = 0; !status && i < w.tunnels.n; i++) {
		nh = &w.route.nexthops.v[i];
		nh->set |= BT_BIT(BOWTIE_A_NEXTHOP_TUNNEL);
		status = cli_tunnel_id(cli, &w.dev, w.tunnels.v[i], &nh->tunnel);
	}
	if (!status && bt_kmod_route_new(&cli->kmod, &w.dev, &w.route, 1, mode, &cli->error))
		status = cli_failed(cli);
	wish_free(&w);
	return status;
}

static int route_add(struct cli *cli, struct cli_args *args)
{
	return new(cli, args, BOWTIE_MODE_CREATE);
}

static int route_change(struct cli *cli, struct cli_args *args)
{
	return new(cli, args, BOWTIE_MODE_CHANGE);
}

static int route_replace(struct cli *cli, struct cli_args *args)
{
	return new(cli, args, BOWTIE_MODE_REPLACE);
}

static int route_delete(struct cli *cli, struct cli_args *args)
{
	struct wish w = {};
	int status = wish_words(cli, args, &w);

	if (!status && w.tunnels.n)
		status = cli_usage(cli, "a route is deleted with all its tunnels");
	if (!status && bt_kmod_route_del(&cli->kmod, &w.dev, &w.route, 1, &cli->error))
		status = cli_failed(cli);
	wish_free(&w);
	return status;
}

static bool leads_to(const struct bt_route *r, const struct bt_tunnels *tunnels,
		     const struct bt_tunnel *key)
{
	const struct bt_tunnel *t;
	size_t i;

	for (i = 0; i < tunnels->n; i++) {
		t = &tunnels->v[i];
		if (t->dev.ifindex != r->dev.ifindex ||
		    ((key->set & BT_BIT(BOWTIE_A_TUNNEL_ID)) ? t->id != key->id :
		     strcmp(t->name, key->name) != 0))
			continue;
		if ((r->set & BT_BIT(BOWTIE_A_ROUTE_PINNED)) && r->pinned == t->id)
			return true;
		for (size_t n = 0; n < r->nexthops.n; n++)
			if (r->nexthops.v[n].tunnel == t->id)
				return true;
	}
	return false;
}

static int show_words(struct cli *cli, struct cli_args *args, struct bt_dev *dev,
		      struct bt_tunnel *key, struct bt_route *r)
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
		} else if (!r->set) {
			status = take_prefix(cli, args, r);
		} else {
			status = cli_unexpected(cli, word);
		}
	}
	return status;
}

static int route_show(struct cli *cli, struct cli_args *args)
{
	struct bt_tunnels tunnels = {};
	struct bt_routes routes = {};
	struct bt_route only = {};
	struct bt_tunnel key = {};
	struct bt_dev dev = {};
	const struct bt_dev *which;
	int status = show_words(cli, args, &dev, &key, &only);
	size_t i;

	if (status)
		return status;
	which = *dev.name ? &dev : NULL;
	status = cli_dumped(cli, bt_kmod_route_dump(&cli->kmod, which, &routes, &cli->error));
	if (!status)
		status = cli_tunnels(cli, which, &tunnels);
	bt_print_open_array(&cli->out, NULL);
	for (i = 0; !status && i < routes.n; i++) {
		if (only.set && bt_prefix_cmp(&routes.v[i].dst, &only.dst) != 0)
			continue;
		if (!key.set || leads_to(&routes.v[i], &tunnels, &key))
			cli_show_route(cli, NULL, &routes.v[i], &tunnels);
	}
	bt_print_close(&cli->out);
	bt_routes_free(&routes);
	bt_tunnels_free(&tunnels);
	return status;
}

/* Ask one link. A link without a route for it is no failure while there are others. */
static int get_from(struct cli *cli, const struct bt_dev *dev, const struct bt_addr *addr,
		    bool *found)
{
	struct bt_tunnels tunnels = {};
	struct bt_route r = {};
	int err = bt_kmod_route_get(&cli->kmod, dev, addr, &r, &cli->error);
	int status;

	if (err)
		return err == -ENOENT ? CLI_OK : cli_failed(cli);
	status = cli_tunnels(cli, dev, &tunnels);
	if (!status) {
		*found = true;
		cli_show_route(cli, NULL, &r, &tunnels);
	}
	bt_object_free(&bt_route_object, &r);
	bt_tunnels_free(&tunnels);
	return status;
}

static int get_words(struct cli *cli, struct cli_args *args, struct bt_addr *addr,
		     struct bt_dev *dev)
{
	const char *word = cli_next(args);
	int status = CLI_OK;

	if (!word)
		return cli_usage(cli, "the address is missing");
	if (!bt_addr_parse(word, addr))
		return cli_usage(cli, "\"%s\" is not an IPv4 or IPv6 address", word);
	if (cli_peek(args))
		status = cli_dev(cli, args, dev);
	return status ? status : cli_end(cli, args);
}

static int route_get(struct cli *cli, struct cli_args *args)
{
	struct bt_links links = {};
	struct bt_dev dev = {};
	struct bt_addr addr;
	bool found = false;
	int status = get_words(cli, args, &addr, &dev);
	size_t i;

	if (status)
		return status;
	bt_print_open_array(&cli->out, NULL);
	if (*dev.name)
		status = get_from(cli, &dev, &addr, &found);
	else
		status = cli_dumped(cli, bt_kmod_link_dump(&cli->kmod, NULL, &links, &cli->error));
	for (i = 0; !status && i < links.n; i++)
		status = get_from(cli, &links.v[i].dev, &addr, &found);
	bt_print_close(&cli->out);
	bt_links_free(&links);
	if (status || found)
		return status;
	bt_error_set(&cli->error, -ENOENT, "no such route");
	return cli_failed(cli);
}

static int route_flush(struct cli *cli, struct cli_args *args)
{
	struct bt_dev dev;
	int status = cli_dev(cli, args, &dev);

	if (!status)
		status = cli_end(cli, args);
	if (status)
		return status;
	return bt_kmod_route_flush(&cli->kmod, &dev, &cli->error) ? cli_failed(cli) : CLI_OK;
}

static const struct cli_command commands[] = {
	{ .name = "show", .run = route_show, .usage = "[ dev DEV ] [ tunnel TUNNEL ] [ PREFIX ]" },
	{ .name = "add", .run = route_add, .usage = "PREFIX dev DEV NEXTHOP..." },
	{ .name = "change", .run = route_change, .usage = "PREFIX dev DEV NEXTHOP..." },
	{ .name = "replace", .run = route_replace, .usage = "PREFIX dev DEV NEXTHOP..." },
	{ .name = "delete", .run = route_delete, .usage = "PREFIX dev DEV" },
	{ .name = "get", .run = route_get, .usage = "ADDR [ dev DEV ]" },
	{ .name = "flush", .run = route_flush, .usage = "dev DEV" },
};

static const struct cli_object object = {
	.name = "route",
	.commands = commands,
	.n = BT_ARRAY_SIZE(commands),
	.notes = WORDS,
};

/**
 * cli_route() - bowtie route
 * @cli: run
 * @args: words
 *
 * Return: CLI_*.
 */
int cli_route(struct cli *cli, struct cli_args *args)
{
	return cli_commands(cli, args, &object);
}
