// SPDX-License-Identifier: GPL-2.0
/*
 * libbowtie against the module, for netlink_client.sh: what the tool does not show of it.
 * Prints TAP; runs in a network namespace of its own.
 */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include "kmod_cmd.h"
#include "kmod_event.h"
#include "kmod_route.h"
#include "rtnl_link.h"

#define MANY	5000

static int count, failures;
static struct bt_kmod kmod;
static struct bt_error error;
static struct bt_dev dev;

static void __attribute__((format(printf, 2, 3))) ok(bool good, const char *fmt, ...)
{
	va_list ap;

	printf("%sok %d - ", good ? "" : "not ", ++count);
	va_start(ap, fmt);
	vprintf(fmt, ap);
	va_end(ap);
	if (!good && error.text)
		printf("\n# %s (%d, index %ld)", error.text, error.code, error.index);
	putchar('\n');
	failures += !good;
	bt_error_free(&error);
}

static void link_make(const char *name)
{
	struct bt_link l = {};

	bt_dev_parse(name, &dev, NULL);
	ok(!bt_rtnl_link_add(&kmod, &dev, &l, &error), "%s made", name);
	ok(!bt_kmod_link_get(&kmod, &dev, &l, &error) && l.dev.ifindex > 0, "%s read", name);
	dev = l.dev;
}

static void tunnel_make(const char *id, const char *if_id, const char *remote)
{
	struct bt_tunnel t = {};

	bt_object_parse(&bt_tunnel_object, &t, "id", id, NULL);
	bt_object_parse(&bt_tunnel_object, &t, "if-id", if_id, NULL);
	bt_object_parse(&bt_tunnel_object, &t, "local", "192.0.2.1", NULL);
	bt_object_parse(&bt_tunnel_object, &t, "remote", remote, NULL);
	ok(!bt_kmod_tunnel_new(&kmod, &dev, &t, BOWTIE_MODE_CREATE, &error), "tunnel %s", id);
}

static struct bt_route *route_add(struct bt_routes *routes, uint32_t addr, unsigned int tunnels)
{
	struct bt_route *r = bt_array_add(routes);
	struct bt_nexthop *nh;
	unsigned int i;

	r->set = BT_BIT(BOWTIE_A_ROUTE_DST) | BT_BIT(BOWTIE_A_ROUTE_NEXTHOP);
	r->dst = (struct bt_prefix){ .addr.family = AF_INET, .len = 32 };
	r->dst.addr.v4.s_addr = htonl(addr);
	for (i = 0; i < tunnels; i++) {
		nh = bt_array_add(&r->nexthops);
		nh->set = BT_BIT(BOWTIE_A_NEXTHOP_TUNNEL);
		nh->tunnel = i;
	}
	return r;
}

static size_t routes_there(void)
{
	struct bt_routes routes = {};
	size_t n = bt_kmod_route_dump(&kmod, &dev, &routes, &error) ? (size_t)-1 : routes.n;

	bt_routes_free(&routes);
	return n;
}

/* More than a message holds; each refusal tells which one it is about. */
static void many_routes(void)
{
	struct bt_routes routes = {}, there = {};
	struct bt_route r = {};
	unsigned int i;

	for (i = 0; i < MANY; i++)
		route_add(&routes, 0x0a000000 + i, 2);
	ok(!bt_kmod_route_new(&kmod, &dev, routes.v, routes.n, BOWTIE_MODE_CREATE, &error),
	   "%d routes added", MANY);
	ok(!bt_kmod_route_dump(&kmod, &dev, &there, &error) && there.n == MANY, "and read");
	qsort(there.v, there.n, sizeof(*there.v), bt_route_cmp);
	for (i = 0; i < there.n && i < MANY; i++)
		if (bt_object_diff(&bt_route_object, &routes.v[i], &there.v[i], NULL) ||
		    bt_prefix_cmp(&routes.v[i].dst, &there.v[i].dst))
			break;
	ok(i == MANY, "they are the same");
	bt_routes_free(&there);

	ok(!bt_kmod_route_new(&kmod, &dev, routes.v, routes.n, BOWTIE_MODE_REPLACE, &error),
	   "replaced");
	ok(!bt_kmod_route_find(&kmod, &dev, &routes.v[7].dst, &r, &error) &&
	   r.nexthops.n == 2, "one of them found");
	bt_object_free(&bt_route_object, &r);
	ok(bt_kmod_route_new(&kmod, &dev, routes.v, 1, BOWTIE_MODE_CREATE, &error) == -EEXIST &&
	   !strcmp(error.text, "it exists already") && error.index == 0, "one that exists");
	ok(!bt_kmod_route_del(&kmod, &dev, routes.v + MANY - 10, 10, &error), "ten deleted");
	ok(bt_kmod_route_del(&kmod, &dev, routes.v, routes.n, &error) == -ENOENT &&
	   error.index == MANY - 10 && !strcmp(error.text, "10.0.19.126/32: no such route"),
	   "all of them are not there to delete");
	bt_routes_free(&routes);
	ok(!bt_kmod_route_flush(&kmod, &dev, &error) && routes_there() == 0, "flushed");
}

/* In a message all or none, and the one at fault is named. */
static void bad_among_good(void)
{
	struct bt_routes routes = {};
	unsigned int i;
	int err;

	for (i = 0; i < 100; i++)
		route_add(&routes, 0x0a000000 + i, 1);
	routes.v[41].nexthops.v[0].tunnel = 33;
	err = bt_kmod_route_new(&kmod, &dev, routes.v, routes.n, BOWTIE_MODE_CREATE, &error);
	ok(err == -ENOENT && error.index == 41 &&
	   !strcmp(error.text, "10.0.0.41/32: nexthop: no tunnel with this id"),
	   "one bad of a hundred is named");
	ok(routes_there() == 0, "none was added");
	routes.v[41].nexthops.v[0].tunnel = 0;
	routes.v[99].dst = routes.v[3].dst;
	err = bt_kmod_route_new(&kmod, &dev, routes.v, routes.n, BOWTIE_MODE_REPLACE, &error);
	ok(err == -EINVAL && error.index == 99 && routes_there() == 0, "one of them twice");
	ok(!bt_kmod_route_new(&kmod, &dev, routes.v, 0, BOWTIE_MODE_CREATE, &error), "none at all");
	bt_routes_free(&routes);
}

struct log {
	unsigned int n[BT_EVENT_MODULE_GONE + 1];
	size_t routes;
	uint32_t generation;
};

static void take(const struct bt_event *event, void *arg)
{
	struct log *log = arg;

	log->n[event->type]++;
	if (event->routes)
		log->routes += event->routes->n;
	if (event->generation)
		log->generation = event->generation;
}

static bool wait_for(struct bt_kmod_events *ev, struct log *log, const unsigned int *what,
		     unsigned int n)
{
	struct pollfd fd = { .fd = bt_kmod_events_fd(ev), .events = POLLIN };

	while (*what < n) {
		if (poll(&fd, 1, 30000) != 1 || bt_kmod_events_read(ev, take, log, &error))
			return false;
	}
	return true;
}

/* Subscriptions whose buffers are small: those of sockets that were not there before */
static struct bt_kmod_events *open_small(void)
{
	struct bt_kmod_events *ev;
	int i, bytes = 212992;
	bool had[64];

	for (i = 0; i < 64; i++)
		had[i] = fcntl(i, F_GETFD) >= 0;
	ev = bt_kmod_events_open(&error);
	for (i = 0; i < 64; i++)
		if (!had[i])
			setsockopt(i, SOL_SOCKET, SO_RCVBUF, &bytes, sizeof(bytes));
	return ev;
}

/* Whoever may not listen is told so. */
static void no_rights(void)
{
	struct bt_kmod_events *ev;

	if (seteuid(65534))
		return;
	ev = bt_kmod_events_open(&error);
	if (seteuid(0))
		return;
	ok(!ev && error.text && strstr(error.text, "Operation not permitted"),
	   "without rights: %s", error.text ? error.text : "no error");
	bt_error_free(&error);
}

static void events(void)
{
	struct bt_kmod_events *ev = bt_kmod_events_open(&error);
	struct bt_routes routes = {};
	struct bt_link l = {};
	struct log log = {};
	unsigned int i;

	ok(ev && bt_kmod_events_module(ev), "subscribed");
	if (!ev)
		return;
	ok(!bt_kmod_events_read(ev, take, &log, &error), "nothing to read is no error");
	for (i = 0; i < 1000; i++)
		route_add(&routes, 0x0a000000 + i, 2);
	bt_kmod_route_new(&kmod, &dev, routes.v, routes.n, BOWTIE_MODE_CREATE, &error);
	bt_rtnl_link_set(&kmod, &dev, &(struct bt_link){ .set = BT_BIT(BT_LINK_UP), .up = true },
			 &error);
	ok(wait_for(ev, &log, &log.n[BT_EVENT_DEVICE], 1), "the device is up");
	ok(log.routes == 1000 && log.n[BT_EVENT_ROUTE] < 100, "%zu routes in %u messages",
	   log.routes, log.n[BT_EVENT_ROUTE]);
	ok(!log.n[BT_EVENT_LOST], "none lost");
	bt_kmod_link_get(&kmod, &dev, &l, &error);
	ok(l.generation == log.generation, "a dump has the generation of the last event");

	/* As if notifications had been lost before the next one. */
	bt_kmod_events_seen(ev, &dev, l.generation + 10);
	bt_kmod_route_del(&kmod, &dev, routes.v, 1, &error);
	ok(wait_for(ev, &log, &log.n[BT_EVENT_ROUTE_DEL], 1) && !log.n[BT_EVENT_LOST],
	   "an event that a dump has shown already is no gap");
	bt_kmod_events_close(ev);
	ev = open_small();
	bt_kmod_events_seen(ev, &dev, l.generation - 1);
	bt_kmod_route_del(&kmod, &dev, routes.v + 1, 1, &error);
	ok(wait_for(ev, &log, &log.n[BT_EVENT_ROUTE_DEL], 2) && log.n[BT_EVENT_LOST] == 1,
	   "one that does not follow is");
	bt_kmod_route_del(&kmod, &dev, routes.v + 2, 1, &error);
	ok(wait_for(ev, &log, &log.n[BT_EVENT_ROUTE_DEL], 3) && log.n[BT_EVENT_LOST] == 1,
	   "the next one follows again");

	/* More than its buffer holds, unread. */
	for (i = 0; i < 40; i++) {
		bt_kmod_route_flush(&kmod, &dev, &error);
		bt_kmod_route_new(&kmod, &dev, routes.v, routes.n, BOWTIE_MODE_CREATE, &error);
	}
	ok(wait_for(ev, &log, &log.n[BT_EVENT_LOST], 2), "an overflow is noticed");
	/* Nothing that happens after that may be missed. */
	log.n[BT_EVENT_ROUTE_DEL] = 0;
	bt_kmod_route_del(&kmod, &dev, routes.v, 1, &error);
	ok(wait_for(ev, &log, &log.n[BT_EVENT_ROUTE_DEL], 1) && log.n[BT_EVENT_LOST] == 2,
	   "and what follows is seen");
	bt_rtnl_link_del(&kmod, &dev, &error);
	ok(wait_for(ev, &log, &log.n[BT_EVENT_DEVICE_DEL], 1), "the end of the device");
	bt_kmod_events_close(ev);
	bt_routes_free(&routes);
}

/* A handle outlives the module that it was opened for. */
static void module_anew(const char *ko)
{
	struct bt_links links = {};
	char *load = bt_asprintf("insmod %s", ko);

	ok(!system("rmmod bowtie"), "module unloaded");
	ok(bt_kmod_link_dump(&kmod, NULL, &links, &error) == -BT_ENOMODULE,
	   "which a request tells");
	ok(!system(load), "module loaded");
	ok(!bt_kmod_link_dump(&kmod, NULL, &links, &error) && !links.n, "the same handle works");
	bt_links_free(&links);
	/* Unnoticed in between. */
	ok(!system("rmmod bowtie") && !system(load), "module loaded anew");
	ok(!bt_kmod_link_dump(&kmod, NULL, &links, &error) && !links.n, "and again");
	free(load);
}

int main(int argc, char **argv)
{
	if (argc != 2)
		return 2;
	setvbuf(stdout, NULL, _IOLBF, 0);
	link_make("bow0");
	tunnel_make("0", "1", "192.0.2.2");
	tunnel_make("1", "2", "192.0.2.3");
	many_routes();
	bad_among_good();
	events();
	no_rights();
	module_anew(argv[1]);
	bt_kmod_close(&kmod);
	printf("# ran %d\n", count);
	return !!failures;
}
