// SPDX-License-Identifier: GPL-2.0
/* bowtie showconf: the configuration as commands that make it again. */
#include <errno.h>
#include <string.h>

#include "cli.h"
#include "format.h"
#include "kmod_route.h"

/* Until nothing changes between the first request and the last one. */
#define TRIES	32

static const char usage[] = "Usage: bowtie showconf [ DEV ]\n";

/* The whole of it, at one point in time. */
struct conf {
	struct bt_links links;
	struct bt_tunnels tunnels;
	struct bt_routes routes;
};

static void conf_free(struct conf *c)
{
	bt_links_free(&c->links);
	bt_tunnels_free(&c->tunnels);
	bt_routes_free(&c->routes);
}

static bool same_generations(const struct bt_links *a, const struct bt_links *b)
{
	size_t i;

	if (a->n != b->n)
		return false;
	for (i = 0; i < a->n; i++)
		if (a->v[i].dev.ifindex != b->v[i].dev.ifindex ||
		    a->v[i].generation != b->v[i].generation)
			return false;
	return true;
}

static int read_once(struct cli *cli, const struct bt_dev *which, struct conf *c, bool *same)
{
	struct bt_links again = {};
	int err;

	err = bt_kmod_link_dump(&cli->kmod, which, &c->links, &cli->error);
	if (!err)
		err = bt_kmod_tunnel_dump(&cli->kmod, which, &c->tunnels, &cli->error);
	if (!err)
		err = bt_kmod_route_dump(&cli->kmod, which, &c->routes, &cli->error);
	if (!err)
		err = cli_add_devices(cli, &c->links);
	if (!err)
		err = bt_kmod_link_dump(&cli->kmod, which, &again, &cli->error);
	*same = !err && same_generations(&c->links, &again);
	bt_links_free(&again);
	if (err && err != -EINTR)
		return cli_failed(cli);
	bt_error_free(&cli->error);
	return CLI_OK;
}

static int read_conf(struct cli *cli, const struct bt_dev *which, struct conf *c)
{
	int i, status = CLI_OK;
	bool same = false;

	for (i = 0; i < TRIES && !status && !same; i++) {
		conf_free(c);
		status = read_once(cli, which, c, &same);
	}
	if (status || same)
		return status;
	bt_error_set(&cli->error, -EBUSY, "the configuration never stops changing");
	return cli_failed(cli);
}

static void link_line(const struct bt_link *l, struct bt_buf *out)
{
	if (l->set & BT_BIT(BOWTIE_A_LINK_UNDERLAY_NETNSID))
		bt_buf_puts(out, "# its underlay is another network namespace\n");
	bt_buf_puts(out, "link add dev ");
	bt_format_word(out, l->dev.name);
	bt_link_settings(l, out);
	if (l->mtu_auto)
		bt_buf_puts(out, " mtu auto");
	else
		bt_buf_printf(out, " mtu %u", l->mtu);
	bt_buf_puts(out, l->up ? " up\n" : "\n");
}

static void tunnel_line(const struct bt_tunnel *t, struct bt_buf *out)
{
	bt_buf_puts(out, "tunnel add dev ");
	bt_format_word(out, t->dev.name);
	bt_buf_printf(out, " name %s", t->name);
	bt_object_settings(&bt_tunnel_object, t, out);
	bt_buf_puts(out, "\n");
}

static void route_line(const struct bt_route *r, const struct bt_tunnels *tunnels,
		       struct bt_buf *out)
{
	char buf[BT_PREFIX_STRLEN];
	size_t i;

	/* One that a tunnel pins comes with the tunnel. */
	if (!r->nexthops.n)
		return;
	bt_buf_printf(out, "route add %s dev ", bt_prefix_str(&r->dst, buf));
	bt_format_word(out, r->dev.name);
	for (i = 0; i < r->nexthops.n; i++) {
		bt_buf_printf(out, " tunnel %s",
			      cli_tunnel_name(tunnels, &r->dev, r->nexthops.v[i].tunnel, buf));
		bt_object_settings(&bt_nexthop_object, &r->nexthops.v[i], out);
	}
	bt_buf_puts(out, "\n");
}

static void lines(const struct conf *c, struct bt_buf *out)
{
	int ifindex;
	size_t i, j;

	for (i = 0; i < c->links.n; i++) {
		ifindex = c->links.v[i].dev.ifindex;
		link_line(&c->links.v[i], out);
		for (j = 0; j < c->tunnels.n; j++)
			if (c->tunnels.v[j].dev.ifindex == ifindex)
				tunnel_line(&c->tunnels.v[j], out);
		for (j = 0; j < c->routes.n; j++)
			if (c->routes.v[j].dev.ifindex == ifindex)
				route_line(&c->routes.v[j], &c->tunnels, out);
	}
}

/**
 * cli_showconf() - bowtie showconf
 * @cli: run
 * @args: words
 *
 * Return: CLI_*.
 */
int cli_showconf(struct cli *cli, struct cli_args *args)
{
	const struct bt_dev *which;
	struct bt_buf text = {};
	struct conf c = {};
	struct bt_dev dev;
	int status;

	if (cli_accept(args, "help")) {
		fputs(usage, stdout);
		return CLI_OK;
	}
	if (bt_print_is_json(&cli->out))
		return cli_usage(cli, "showconf is commands, which have no JSON form");
	status = cli_dev_or_all(cli, args, &dev, &which);
	if (!status)
		status = read_conf(cli, which, &c);
	if (!status)
		lines(&c, &text);
	if (text.len)
		bt_print_text(&cli->out, "%s", text.data);
	bt_buf_free(&text);
	conf_free(&c);
	return status;
}
