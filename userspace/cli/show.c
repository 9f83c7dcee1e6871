// SPDX-License-Identifier: GPL-2.0
/* How an object looks, wherever it is shown. */
#include <inttypes.h>
#include <json-c/json.h>

#include "cli.h"

static unsigned int show_flags(const struct cli *cli)
{
	return (cli->details ? BT_SHOW_DETAILS : 0) | (cli->stats ? BT_SHOW_STATS : 0) |
	       (cli->oneline ? BT_SHOW_ONELINE : 0);
}

static const char *new_line(const struct cli *cli)
{
	return cli->oneline ? "" : "\n   ";
}

/* The traffic, and each other counter that counted anything. */
static void show_stats(struct cli *cli, const struct bt_stats *stats)
{
	const struct bt_field *f;
	bool traffic, any = false;

	if (!cli->stats || bt_print_is_json(&cli->out))
		return;
	bt_print_text(&cli->out, "%s", new_line(cli));
	bt_for_each_field(f, &bt_stats_object) {
		traffic = f->attr <= BOWTIE_A_STATS_RX_BYTES;
		if (!(stats->set & BT_BIT(f->bit)) ||
		    (!traffic && !cli->details && !stats->c[f->attr]))
			continue;
		if (!traffic && !any)
			bt_print_text(&cli->out, "%s", new_line(cli));
		any = !traffic;
		bt_print_text(&cli->out, " %s %" PRIu64, f->name, stats->c[f->attr]);
	}
}

static void show_generation(struct cli *cli, const struct bt_dev *dev, uint32_t generation)
{
	if (!generation)
		return;
	bt_print_json(&cli->out, "ifindex", json_object_new_int(dev->ifindex));
	bt_print_json(&cli->out, "generation", json_object_new_int64(generation));
}

/**
 * cli_show_link() - print a link
 * @cli: run
 * @key: of the object in JSON, or NULL
 * @l: link
 */
void cli_show_link(struct cli *cli, const char *key, const struct bt_link *l)
{
	struct bt_print *p = &cli->out;

	bt_print_open_object(p, key);
	bt_print_json(p, "ifindex", json_object_new_int(l->dev.ifindex));
	bt_print_text(p, "%d: ", l->dev.ifindex);
	bt_print_string(p, "ifname", "%s:", l->dev.name);
	bt_object_print(&bt_link_object, l, p, show_flags(cli));
	show_stats(cli, &l->stats);
	if (cli->details)
		bt_print_text(p, " generation %u", l->generation);
	if (l->generation)
		bt_print_json(p, "generation", json_object_new_int64(l->generation));
	bt_print_text(p, "\n");
	bt_print_close(p);
}

/**
 * cli_show_tunnel() - print a tunnel
 * @cli: run
 * @key: of the object in JSON, or NULL
 * @t: tunnel
 */
void cli_show_tunnel(struct cli *cli, const char *key, const struct bt_tunnel *t)
{
	struct bt_print *p = &cli->out;

	bt_print_open_object(p, key);
	bt_print_string(p, "name", "%s:", t->name);
	bt_print_string(p, "dev", " dev %s", t->dev.name);
	bt_object_print(&bt_tunnel_object, t, p, show_flags(cli));
	show_stats(cli, &t->stats);
	show_generation(cli, &t->dev, t->generation);
	bt_print_text(p, "\n");
	bt_print_close(p);
}

/**
 * cli_tunnel_name() - what to call a tunnel
 * @names: tunnels of its link
 * @dev: device
 * @id: its id
 * @buf: room for a number
 *
 * Return: its name, or its id if it is gone already.
 */
const char *cli_tunnel_name(const struct bt_tunnels *names, const struct bt_dev *dev,
			    uint32_t id, char buf[16])
{
	const struct bt_tunnel *t = bt_tunnels_by_id(names, dev->ifindex, id);

	if (t && (t->set & BT_BIT(BOWTIE_A_TUNNEL_NAME)))
		return t->name;
	snprintf(buf, 16, "%u", id);
	return buf;
}

static void show_nexthops(struct cli *cli, const struct bt_route *r,
			  const struct bt_tunnels *names)
{
	struct bt_print *p = &cli->out;
	char buf[16];
	size_t i;

	bt_print_open_array(p, "nexthops");
	for (i = 0; i < r->nexthops.n; i++) {
		bt_print_open_object(p, NULL);
		bt_print_string(p, "tunnel", " tunnel %s",
				cli_tunnel_name(names, &r->dev, r->nexthops.v[i].tunnel, buf));
		bt_print_json(p, "tunnel_id", json_object_new_int64(r->nexthops.v[i].tunnel));
		bt_object_print(&bt_nexthop_object, &r->nexthops.v[i], p, show_flags(cli));
		bt_print_close(p);
	}
	bt_print_close(p);
}

/**
 * cli_show_route() - print a route
 * @cli: run
 * @key: of the object in JSON, or NULL
 * @r: route
 * @names: tunnels of its link
 */
void cli_show_route(struct cli *cli, const char *key, const struct bt_route *r,
		    const struct bt_tunnels *names)
{
	char dst[BT_PREFIX_STRLEN], buf[16];
	struct bt_print *p = &cli->out;

	bt_print_open_object(p, key);
	bt_print_string(p, "dst", "%s", bt_prefix_str(&r->dst, dst));
	bt_print_string(p, "dev", " dev %s", r->dev.name);
	if (r->set & BT_BIT(BOWTIE_A_ROUTE_PINNED))
		bt_print_string(p, "pinned", " pinned %s",
				cli_tunnel_name(names, &r->dev, r->pinned, buf));
	if (r->nexthops.n || bt_print_is_json(p))
		show_nexthops(cli, r, names);
	bt_object_print(&bt_route_object, r, p, show_flags(cli));
	show_generation(cli, &r->dev, r->generation);
	bt_print_text(p, "\n");
	bt_print_close(p);
}

/**
 * cli_show_sa() - print an SA
 * @cli: run
 * @key: of the object in JSON, or NULL
 * @sa: SA
 * @names: tunnels of its link
 */
void cli_show_sa(struct cli *cli, const char *key, const struct bt_sa *sa,
		 const struct bt_tunnels *names)
{
	struct bt_print *p = &cli->out;
	char buf[16];

	bt_print_open_object(p, key);
	bt_print_string(p, "dev", "dev %s", sa->dev.name);
	bt_print_string(p, "tunnel", " tunnel %s",
			cli_tunnel_name(names, &sa->dev, sa->tunnel, buf));
	bt_print_json(p, "tunnel_id", json_object_new_int64(sa->tunnel));
	bt_object_print(&bt_sa_object, sa, p, show_flags(cli));
	show_generation(cli, &sa->dev, sa->generation);
	bt_print_text(p, "\n");
	bt_print_close(p);
}

/**
 * cli_show_device() - print what rtnetlink tells of a link
 * @cli: run
 * @key: of the object in JSON, or NULL
 * @l: link, without what the module knows
 */
void cli_show_device(struct cli *cli, const char *key, const struct bt_link *l)
{
	struct bt_print *p = &cli->out;

	bt_print_open_object(p, key);
	bt_print_json(p, "ifindex", json_object_new_int(l->dev.ifindex));
	bt_print_text(p, "%d: ", l->dev.ifindex);
	bt_print_string(p, "ifname", "%s:", l->dev.name);
	bt_object_print(&bt_link_object, l, p, show_flags(cli));
	bt_print_text(p, "\n");
	bt_print_close(p);
}
