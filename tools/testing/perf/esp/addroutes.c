// SPDX-License-Identifier: GPL-2.0-only
/*
 * addroutes: contiguous /24 prefixes for bench, 100 000 of them in a few messages.
 *
 *	addroutes DEV FIRST COUNT TUNNELS	each through tunnels 0 to TUNNELS - 1
 */
#include <arpa/inet.h>
#include <net/if.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "kmod_route.h"
#include "model.h"

static struct bt_route *routes_new(in_addr_t first, unsigned long n, struct bt_nexthop *nexthops,
				   unsigned long n_nexthops)
{
	struct bt_route *routes = calloc(n, sizeof(*routes));
	unsigned long i;

	for (i = 0; routes && i < n; i++) {
		routes[i].set = BT_BIT(BOWTIE_A_ROUTE_DST) | BT_BIT(BOWTIE_A_ROUTE_NEXTHOP);
		routes[i].dst.addr.family = AF_INET;
		routes[i].dst.addr.v4.s_addr = htonl(ntohl(first) + (uint32_t)(i << 8));
		routes[i].dst.len = 24;
		routes[i].nexthops.v = nexthops;
		routes[i].nexthops.n = n_nexthops;
	}
	return routes;
}

int main(int argc, char **argv)
{
	struct bt_nexthop nexthops[BOWTIE_TUNNELS_MAX] = {};
	unsigned long n, n_nexthops, i;
	struct bt_error e = {};
	struct bt_kmod k = {};
	struct bt_route *routes;
	struct bt_dev dev = {};
	struct in_addr first;
	int err;

	if (argc != 5 || !inet_aton(argv[2], &first)) {
		fputs("Usage: addroutes DEV FIRST COUNT TUNNELS\n", stderr);
		return 2;
	}
	n = strtoul(argv[3], NULL, 10);
	n_nexthops = strtoul(argv[4], NULL, 10);
	dev.ifindex = (int)if_nametoindex(argv[1]);
	if (!n || !n_nexthops || n_nexthops > BOWTIE_TUNNELS_MAX || !dev.ifindex) {
		fputs("addroutes: no such device, or a number out of range\n", stderr);
		return 2;
	}
	for (i = 0; i < n_nexthops; i++) {
		nexthops[i].set = BT_BIT(BOWTIE_A_NEXTHOP_TUNNEL);
		nexthops[i].tunnel = (uint32_t)i;
	}
	routes = routes_new(first.s_addr, n, nexthops, n_nexthops);
	if (!routes)
		return 1;
	err = bt_kmod_route_new(&k, &dev, routes, n, BOWTIE_MODE_CREATE, &e);
	if (err)
		fprintf(stderr, "addroutes: %s\n", e.text);
	bt_error_free(&e);
	bt_kmod_close(&k);
	free(routes);
	return err ? 1 : 0;
}
