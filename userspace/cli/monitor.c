// SPDX-License-Identifier: GPL-2.0
/* bowtie monitor: what happens, as it happens. */
#include <errno.h>
#include <poll.h>
#include <string.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

#include "cli.h"
#include "kmod_event.h"

static const char usage[] =
	"Usage: bowtie monitor [ all | OBJECT... ]\n"
	"  OBJECT := { link | tunnel | route | sa }\n";

enum {
	SHOW_LINK = 1,
	SHOW_TUNNEL = 2,
	SHOW_ROUTE = 4,
	SHOW_SA = 8,
	SHOW_ALL = 15,
};

/**
 * struct monitor - a run of the monitor
 * @cli: run
 * @events: subscriptions
 * @show: which objects
 * @names: tunnels, as far as known
 * @status: CLI_*, of the last line
 */
struct monitor {
	struct cli *cli;
	struct bt_kmod_events *events;
	unsigned int show;
	struct bt_tunnels names;
	int status;
};

/* How the events look: the first word of a line, and the kind of object. */
static const struct look {
	const char *word;
	const char *object;
	unsigned int show;
	bool deleted;
} looks[] = {
	[BT_EVENT_LINK] = { "link", "link", SHOW_LINK, false },
	[BT_EVENT_TUNNEL] = { "tunnel", "tunnel", SHOW_TUNNEL, false },
	[BT_EVENT_TUNNEL_DEL] = { "tunnel-del", "tunnel", SHOW_TUNNEL, true },
	[BT_EVENT_ROUTE] = { "route", "route", SHOW_ROUTE, false },
	[BT_EVENT_ROUTE_DEL] = { "route-del", "route", SHOW_ROUTE, true },
	[BT_EVENT_SA] = { "sa", "sa", SHOW_SA, false },
	[BT_EVENT_SA_DEL] = { "sa-del", "sa", SHOW_SA, true },
	[BT_EVENT_DEVICE] = { "device", "device", SHOW_LINK, false },
	[BT_EVENT_DEVICE_DEL] = { "device-del", "device", SHOW_LINK, true },
	[BT_EVENT_LOST] = { "lost", NULL, SHOW_ALL, false },
	[BT_EVENT_MODULE] = { "module", NULL, SHOW_ALL, false },
	[BT_EVENT_MODULE_GONE] = { "module-gone", NULL, SHOW_ALL, false },
};

/* --- names of tunnels, which routes and SAs do not tell */

static void names_forget(struct bt_tunnels *names, const struct bt_dev *dev)
{
	size_t i;

	for (i = names->n; i-- > 0;) {
		if (names->v[i].dev.ifindex != dev->ifindex)
			continue;
		bt_object_free(&bt_tunnel_object, &names->v[i]);
		names->v[i] = names->v[--names->n];
	}
}

static void name_learn(struct bt_tunnels *names, const struct bt_tunnel *t)
{
	size_t i;

	for (i = 0; i < names->n; i++) {
		if (names->v[i].id != t->id || names->v[i].dev.ifindex != t->dev.ifindex)
			continue;
		bt_object_free(&bt_tunnel_object, &names->v[i]);
		bt_object_copy(&bt_tunnel_object, &names->v[i], t);
		return;
	}
	bt_object_copy(&bt_tunnel_object, bt_array_add(names), t);
}

/* Without names there are still ids. */
static void names_refresh(struct monitor *m)
{
	struct bt_error ignored = {};
	size_t i;

	bt_tunnels_free(&m->names);
	if (!bt_kmod_tunnel_dump(&m->cli->kmod, NULL, &m->names, &ignored))
		for (i = 0; i < m->names.n; i++)
			bt_kmod_events_seen(m->events, &m->names.v[i].dev,
					    m->names.v[i].generation);
	bt_error_free(&ignored);
}

/* --- lines */

static void timestamp(struct cli *cli)
{
	char day[32], zone[16] = "";
	struct timeval now;
	struct bt_buf text = {};
	struct tm tm;

	if (!cli->timestamp)
		return;
	gettimeofday(&now, NULL);
	localtime_r(&now.tv_sec, &tm);
	strftime(day, sizeof(day), "%Y-%m-%dT%H:%M:%S", &tm);
	/* +hhmm; RFC 3339 has +hh:mm */
	if (cli->timestamp == 't' && strftime(zone, sizeof(zone), "%z", &tm) == 5) {
		memmove(zone + 4, zone + 3, 3);
		zone[3] = ':';
	}
	bt_buf_printf(&text, "%s.%06ld%s", day, (long)now.tv_usec, zone);
	bt_print_string(&cli->out, "time", "[%s] ", text.data);
	bt_buf_free(&text);
}

static void line_begin(struct monitor *m, const struct look *look)
{
	struct bt_print *p = &m->cli->out;

	bt_print_open_object(p, NULL);
	timestamp(m->cli);
	bt_print_string_value(p, "event", look->word, "%s%s ", look->deleted ? "deleted " : "",
			      look->object ? look->object : look->word);
}

static void line_end(struct monitor *m)
{
	int status;

	bt_print_close(&m->cli->out);
	status = cli_flush(m->cli);
	if (status)
		m->status = status;
}

static void line_simple(struct monitor *m, const struct look *look, const struct bt_event *event)
{
	struct bt_print *p = &m->cli->out;

	line_begin(m, look);
	switch (event->type) {
	case BT_EVENT_LOST:
		if (event->dev.ifindex)
			bt_print_string(p, "dev", "dev %s: ", event->dev.name);
		bt_print_text(p, "there were more events than are shown\n");
		break;
	case BT_EVENT_MODULE:
		bt_print_text(p, "loaded\n");
		break;
	default:
		bt_print_text(p, "unloaded\n");
		break;
	}
	line_end(m);
}

static void lines_of_routes(struct monitor *m, const struct look *look,
			    const struct bt_event *event)
{
	size_t i;

	for (i = 0; i < event->routes->n; i++) {
		line_begin(m, look);
		cli_show_route(m->cli, look->object, &event->routes->v[i], &m->names);
		line_end(m);
	}
}

static void line(struct monitor *m, const struct bt_event *event)
{
	const struct look *look = &looks[event->type];

	if (!look->object) {
		line_simple(m, look, event);
	} else if (event->routes) {
		lines_of_routes(m, look, event);
	} else {
		line_begin(m, look);
		if (event->tunnel)
			cli_show_tunnel(m->cli, look->object, event->tunnel);
		else if (event->sa)
			cli_show_sa(m->cli, look->object, event->sa, &m->names);
		else if (event->type == BT_EVENT_LINK)
			cli_show_link(m->cli, look->object, event->link);
		else
			cli_show_device(m->cli, look->object, event->link);
		line_end(m);
	}
}

static void take(const struct bt_event *event, void *arg)
{
	struct monitor *m = arg;

	if (event->type == BT_EVENT_LOST || event->type == BT_EVENT_MODULE)
		names_refresh(m);
	if (event->type == BT_EVENT_TUNNEL)
		name_learn(&m->names, event->tunnel);
	/* A name outlives its tunnel: that its SAs are gone comes later. */
	if (!m->status && (looks[event->type].show & m->show))
		line(m, event);
	if (event->type == BT_EVENT_DEVICE_DEL)
		names_forget(&m->names, &event->dev);
}

/* Until nobody reads any more. */
static int follow(struct monitor *m)
{
	struct pollfd fds[] = {
		{ .fd = bt_kmod_events_fd(m->events), .events = POLLIN },
		{ .fd = STDOUT_FILENO },
	};

	while (!m->status) {
		if (poll(fds, BT_ARRAY_SIZE(fds), -1) < 0 && errno != EINTR) {
			bt_error_set(&m->cli->error, -errno, "poll: %s", strerror(errno));
			return cli_failed(m->cli);
		}
		if (fds[1].revents & (POLLERR | POLLNVAL)) {
			bt_error_set(&m->cli->error, -EPIPE, "cannot write: %s",
				     strerror(EPIPE));
			return cli_failed(m->cli);
		}
		if ((fds[0].revents & POLLIN) &&
		    bt_kmod_events_read(m->events, take, m, &m->cli->error))
			return cli_failed(m->cli);
	}
	return m->status;
}

static int take_objects(struct cli *cli, struct cli_args *args, unsigned int *show)
{
	static const struct cli_command names[] = {
		{ .name = "link" }, { .name = "tunnel" }, { .name = "route" }, { .name = "sa" },
		{ .name = "all" },
	};
	static const unsigned int bits[] = {
		SHOW_LINK, SHOW_TUNNEL, SHOW_ROUTE, SHOW_SA, SHOW_ALL,
	};
	const struct cli_command *found;
	const char *word;

	*show = cli_peek(args) ? 0 : SHOW_ALL;
	while ((word = cli_next(args))) {
		found = cli_match(names, BT_ARRAY_SIZE(names), word, "object", &cli->error);
		if (!found)
			return cli_wrong(cli);
		*show |= bits[found - names];
	}
	return CLI_OK;
}

/**
 * cli_monitor() - bowtie monitor
 * @cli: run
 * @args: words
 *
 * Return: CLI_*.
 */
int cli_monitor(struct cli *cli, struct cli_args *args)
{
	struct monitor m = { .cli = cli };
	int status;

	if (cli_accept(args, "help")) {
		fputs(usage, stdout);
		return CLI_OK;
	}
	status = take_objects(cli, args, &m.show);
	if (status)
		return status;
	m.events = bt_kmod_events_open(&cli->error);
	if (!m.events)
		return cli_failed(cli);
	cli->oneline = true;
	cli->out.pretty = false;
	if (bt_kmod_events_module(m.events))
		names_refresh(&m);
	else
		fputs("The bowtie module is not loaded; waiting for it.\n", stderr);
	status = follow(&m);
	bt_kmod_events_close(m.events);
	bt_tunnels_free(&m.names);
	return status;
}
