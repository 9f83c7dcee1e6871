// SPDX-License-Identifier: GPL-2.0
/* bowtie status: everything that matters on one screen. */
#include <inttypes.h>
#include <json-c/json.h>
#include <string.h>

#include "cli.h"
#include "ctl_client.h"
#include "daemon_status.h"
#include "format.h"
#include "table.h"

static const char usage[] = "Usage: bowtie status [ DEV ]\n";

#define NO_COLOUR	(-1)
#define PATIENCE_S	2

static void traffic(struct bt_buf *out, const char *what, uint64_t bytes, uint64_t packets)
{
	bt_buf_printf(out, "%s ", what);
	bt_format_bytes(out, bytes);
	bt_buf_printf(out, " in %" PRIu64 " packets, ", packets);
}

/* Each reason why packets were dropped, and how many. */
static void drops(struct bt_buf *out, const struct bt_stats *stats)
{
	const struct bt_field *f;
	struct bt_buf reasons = {};
	uint64_t sum = 0;

	bt_for_each_field(f, &bt_stats_object) {
		if (!strstr(f->name, "-drop-") || !stats->c[f->attr])
			continue;
		bt_buf_printf(&reasons, "%s %s %" PRIu64, sum ? "," : "", f->name,
			      stats->c[f->attr]);
		sum += stats->c[f->attr];
	}
	bt_buf_printf(out, "dropped %" PRIu64, sum);
	if (sum)
		bt_buf_printf(out, " (%s)", reasons.data + 1);
	bt_buf_free(&reasons);
}

static void link_lines(struct cli *cli, const struct bt_link *l)
{
	const uint64_t *c = l->stats.c;
	struct bt_print *p = &cli->out;
	struct bt_buf text = {};

	bt_print_colour(p, BT_COLOUR_NAME, l->dev.name);
	bt_print_text(p, ": %s, ", l->up ? "up" : "down");
	bt_buf_printf(&text, "%u of %u tunnels up", l->tunnels_up, l->tunnels);
	bt_print_colour(p, l->tunnels_up == l->tunnels ? BT_COLOUR_GOOD :
			l->tunnels_up ? BT_COLOUR_WARN : BT_COLOUR_BAD, text.data);
	bt_buf_free(&text);
	bt_buf_printf(&text, ", %u routes in %u groups, mtu %u%s", l->routes, l->groups, l->mtu,
		      l->mtu_auto ? " (auto)" : "");
	bt_link_settings(l, &text);
	bt_buf_puts(&text, "\n  ");
	traffic(&text, "sent", c[BOWTIE_A_STATS_TX_BYTES], c[BOWTIE_A_STATS_TX_PACKETS]);
	traffic(&text, "received", c[BOWTIE_A_STATS_RX_BYTES], c[BOWTIE_A_STATS_RX_PACKETS]);
	drops(&text, &l->stats);
	bt_print_text(p, "%s\n", text.data);
	bt_buf_free(&text);
}

static void state_cell(struct cli_table *table, const struct bt_tunnel *t)
{
	static const int colours[] = {
		[BOWTIE_OPER_DOWN] = BT_COLOUR_BAD,
		[BOWTIE_OPER_PROBING] = BT_COLOUR_WARN,
		[BOWTIE_OPER_UP] = BT_COLOUR_GOOD,
		[BOWTIE_OPER_DRAIN] = BT_COLOUR_WARN,
	};
	int colour = t->oper < BT_ARRAY_SIZE(colours) ? colours[t->oper] : NO_COLOUR;
	struct bt_buf state = {}, reason = {};

	bt_object_text(&bt_tunnel_object, t, "oper", &state);
	if (t->reason != BOWTIE_REASON_NONE)
		bt_object_text(&bt_tunnel_object, t, "reason", &reason);
	cli_table_add(table, colour, "%s%s%s%s", state.data, reason.len ? " (" : "",
		      reason.len ? reason.data : "", reason.len ? ")" : "");
	bt_buf_free(&state);
	bt_buf_free(&reason);
}

static void text_cell(struct cli_table *table, const struct bt_tunnel *t, const char *name)
{
	struct bt_buf text = {};

	bt_object_text(&bt_tunnel_object, t, name, &text);
	cli_table_add(table, NO_COLOUR, "%s", text.len ? text.data : "-");
	bt_buf_free(&text);
}

static void bytes_cell(struct cli_table *table, uint64_t bytes)
{
	struct bt_buf text = {};

	bt_format_bytes(&text, bytes);
	cli_table_add(table, NO_COLOUR, "%s", text.data);
	bt_buf_free(&text);
}

/* Does any tunnel take another share of the flows than the others? */
static bool unequal(const struct bt_link *l, const struct bt_tunnels *tunnels)
{
	size_t i;

	for (i = 0; i < tunnels->n; i++)
		if (tunnels->v[i].dev.ifindex == l->dev.ifindex &&
		    (tunnels->v[i].weight != 1 || tunnels->v[i].tier))
			return true;
	return false;
}

static void tunnel_row(struct cli_table *table, const struct bt_tunnel *t, bool shares)
{
	bool peer4 = t->set & BT_BIT(BOWTIE_A_TUNNEL_INSIDE_PEER4);

	cli_table_add(table, BT_COLOUR_NAME, "%s", t->name);
	text_cell(table, t, "id");
	state_cell(table, t);
	text_cell(table, t, "since");
	text_cell(table, t, "remote");
	text_cell(table, t, peer4 ? "inside-peer4" : "inside-peer6");
	if (shares) {
		text_cell(table, t, "weight");
		text_cell(table, t, "tier");
	}
	text_cell(table, t, "mtu");
	cli_table_add(table, NO_COLOUR, "%u/%u", t->sas_in, t->sas_out);
	bytes_cell(table, t->stats.c[BOWTIE_A_STATS_TX_BYTES]);
	bytes_cell(table, t->stats.c[BOWTIE_A_STATS_RX_BYTES]);
}

static void table_head(struct cli_table *table, const char *const *heads)
{
	for (; *heads; heads++) {
		cli_table_add(table, NO_COLOUR, "%s", *heads);
		table->columns++;
	}
}

static void tunnel_table(struct cli *cli, const struct bt_link *l, const struct bt_tunnels *tunnels)
{
	static const char *const first[] = { "TUNNEL", "ID", "STATE", "SINCE", "REMOTE", "PEER",
					     NULL };
	static const char *const share[] = { "WEIGHT", "TIER", NULL };
	static const char *const rest[] = { "MTU", "SAS", "SENT", "RECEIVED", NULL };
	bool shares = unequal(l, tunnels);
	struct cli_table table = {};
	size_t i;

	table_head(&table, first);
	if (shares)
		table_head(&table, share);
	table_head(&table, rest);
	for (i = 0; i < tunnels->n; i++)
		if (tunnels->v[i].dev.ifindex == l->dev.ifindex)
			tunnel_row(&table, &tunnels->v[i], shares);
	if (table.cells.n == table.columns)
		bt_print_text(&cli->out, "  no tunnels\n");
	else
		cli_table_print(&table, &cli->out);
	cli_table_free(&table);
}

/* The same objects as of "link show" and "tunnel show", with all counters. */
static void link_json(struct cli *cli, const struct bt_link *l, const struct bt_tunnels *tunnels,
		      struct json_object *news)
{
	struct bt_print *p = &cli->out;
	size_t i;

	bt_print_open_object(p, NULL);
	cli_show_link(cli, "link", l);
	bt_print_open_array(p, "tunnels");
	for (i = 0; i < tunnels->n; i++)
		if (tunnels->v[i].dev.ifindex == l->dev.ifindex)
			cli_show_tunnel(cli, NULL, &tunnels->v[i]);
	bt_print_close(p);
	if (news)
		bt_print_json(p, "daemon", json_object_get(news));
	bt_print_close(p);
}

/* What bowtied has to tell. The link works without it: that it is not there is no error. */
static struct json_object *ask_daemon(void)
{
	struct json_object *request = json_object_new_object(), *status, *news = NULL;
	struct bt_error e = {};

	json_object_object_add(request, "method", json_object_new_string("status"));
	status = bt_ctl_request(BT_CTL_PATH, request, PATIENCE_S, &e);
	if (status)
		news = bt_daemon_news(status);
	bt_error_free(&e);
	json_object_put(status);
	json_object_put(request);
	return news;
}

static void daemon_line(struct cli *cli, struct json_object *news)
{
	struct bt_buf text = {};

	bt_daemon_news_text(news, &text);
	if (text.len)
		bt_print_text(&cli->out, "%s", text.data);
	bt_buf_free(&text);
}

static int show(struct cli *cli, const struct bt_dev *which)
{
	struct bt_tunnels tunnels = {};
	struct json_object *news;
	struct bt_links links = {};
	int status = cli_links(cli, which, &links);
	size_t i;

	if (status)
		return status;
	status = cli_tunnels(cli, which, &tunnels);
	cli->stats = true;
	news = ask_daemon();
	bt_print_open_array(&cli->out, NULL);
	for (i = 0; !status && i < links.n; i++) {
		if (bt_print_is_json(&cli->out)) {
			link_json(cli, &links.v[i], &tunnels, news);
			continue;
		}
		if (i)
			bt_print_text(&cli->out, "\n");
		link_lines(cli, &links.v[i]);
		tunnel_table(cli, &links.v[i], &tunnels);
	}
	daemon_line(cli, news);
	bt_print_close(&cli->out);
	json_object_put(news);
	bt_links_free(&links);
	bt_tunnels_free(&tunnels);
	return status;
}

/**
 * cli_status() - bowtie status
 * @cli: run
 * @args: words
 *
 * Return: CLI_*.
 */
int cli_status(struct cli *cli, struct cli_args *args)
{
	const struct bt_dev *which;
	bool stats = cli->stats;
	struct bt_dev dev;
	int status;

	if (cli_accept(args, "help")) {
		fputs(usage, stdout);
		return CLI_OK;
	}
	status = cli_dev_or_all(cli, args, &dev, &which);
	if (!status)
		status = show(cli, which);
	cli->stats = stats;
	return status;
}
