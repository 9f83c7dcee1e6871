/* SPDX-License-Identifier: GPL-2.0 */
/* PURE: what has been observed, without where from. */
#ifndef BT_FACTS_H
#define BT_FACTS_H

#include <stdbool.h>
#include <stdint.h>

#include "conf_types.h"
#include "model.h"

/*
 * The inputs (*_watch.c) write here, reconcile.c reads, apply.c notes what it has done.
 * All from the loop's one thread.
 */

/**
 * struct bt_fact_addr - an address of a device
 * @p: with its prefix length
 * @ours: bowtied put it there
 */
struct bt_fact_addr {
	struct bt_prefix p;
	bool ours;
};

/**
 * struct bt_fact_link - a bowtie device and what the module knows of it
 * @link: settings and state, with its index and name
 * @ours: bowtied made it
 * @tunnels: of it
 * @routes: of it that are not merely pinned, in order of their prefixes
 * @addrs: of the device
 */
struct bt_fact_link {
	struct bt_link link;
	bool ours;
	struct bt_tunnels tunnels;
	struct bt_routes routes;
	struct {
		struct bt_fact_addr *v;
		size_t n;
	} addrs;
};

/**
 * struct bt_fact_hop - a next hop in the kernel's routing table
 * @ifindex: device
 * @gateway: or none (AF_UNSPEC)
 * @weight: from 1
 */
struct bt_fact_hop {
	int ifindex;
	struct bt_addr gateway;
	uint32_t weight;
};

struct bt_fact_hops {
	struct bt_fact_hop *v;
	size_t n;
};

/**
 * struct bt_fact_route - a route of the kernel's by a bowtie device
 * @table: of the kernel
 * @protocol: RTPROT_*
 * @metric: priority
 * @dst: prefix
 * @hops: next hops
 */
struct bt_fact_route {
	uint32_t table;
	uint8_t protocol;
	uint32_t metric;
	struct bt_prefix dst;
	struct bt_fact_hops hops;
};

struct bt_fact_routes {
	struct bt_fact_route *v;
	size_t n;
};

/**
 * struct bt_fact_ike - an IKE SA that charon has
 * @name: of its connection
 * @id: charon's number for it, for the next command only: rekeying changes it
 * @established: or else being set up or torn down
 * @dying: being torn down
 * @remote: address of the peer
 * @if_id: of its CHILD SAs, 0 if it has none
 * @children: CHILD SAs that are installed
 */
struct bt_fact_ike {
	char *name;
	uint32_t id;
	bool established;
	bool dying;
	struct bt_addr remote;
	uint32_t if_id;
	unsigned int children;
};

struct bt_fact_ikes {
	struct bt_fact_ike *v;
	size_t n;
};

/**
 * struct bt_fact_loaded - what we have told charon, and it has not lost since
 * @name: of a connection or a secret
 * @content: what was told, or for secrets, which file it was
 */
struct bt_fact_loaded {
	char *name;
	struct bt_buf content;
};

struct bt_fact_loadeds {
	struct bt_fact_loaded *v;
	size_t n;
};

/**
 * struct bt_fact_hold - an operation that is not to be tried now
 * @key: which
 * @until: time, bt_now_ms(); UINT64_MAX while it is under way
 * @failures: in a row
 */
struct bt_fact_hold {
	char *key;
	uint64_t until;
	unsigned int failures;
};

/**
 * struct bt_facts - all of it
 * @kmod: the module is there and what follows is what it has
 * @links: its devices
 * @fib: @routes is what the kernel has
 * @routes: of the kernel, by bowtie devices
 * @vici: charon is there and what follows is what it has
 * @conns: names of its connections
 * @shared: names of its secrets
 * @ikes: its IKE SAs
 * @secrets: which file is behind the path of a secret: another one if it was replaced
 * @conns_loaded: connections that it has from us
 * @shared_loaded: secrets that it has from us
 * @bird: BIRD is there and what follows is what it has
 * @bird_protocols: names of its protocols that are ours
 * @bird_kernel: the operator has a kernel protocol: bit 0 IPv4, bit 1 IPv6
 * @bird_file: what our include file has, or NULL if there is none
 * @bird_configured: BIRD has taken that file, as far as we know
 * @holds: operations that are not to be tried now
 */
struct bt_facts {
	bool kmod;
	struct {
		struct bt_fact_link *v;
		size_t n;
	} links;

	bool fib;
	struct bt_fact_routes routes;

	bool vici;
	struct bt_strings conns;
	struct bt_strings shared;
	struct bt_fact_ikes ikes;
	struct bt_fact_loadeds secrets;
	struct bt_fact_loadeds conns_loaded;
	struct bt_fact_loadeds shared_loaded;

	bool bird;
	struct bt_strings bird_protocols;
	unsigned int bird_kernel;
	char *bird_file;
	bool bird_configured;

	struct {
		struct bt_fact_hold *v;
		size_t n;
	} holds;
};

void bt_facts_free(struct bt_facts *f);

struct bt_fact_link *bt_facts_link(struct bt_facts *f, int ifindex);
const struct bt_fact_link *bt_facts_link_by_name(const struct bt_facts *f, const char *name);
struct bt_fact_link *bt_facts_link_add(struct bt_facts *f);
void bt_facts_link_remove(struct bt_facts *f, int ifindex);
void bt_facts_links_clear(struct bt_facts *f);
void bt_fact_link_set_routes(struct bt_fact_link *l, struct bt_routes *routes);
void bt_fact_link_patch_routes(struct bt_fact_link *l, const struct bt_routes *set,
			       const struct bt_routes *del);
const struct bt_route *bt_fact_link_route(const struct bt_fact_link *l,
					  const struct bt_prefix *dst);

void bt_fact_routes_clear(struct bt_fact_routes *routes);
void bt_fact_ikes_clear(struct bt_fact_ikes *ikes);

void bt_strings_clear(struct bt_strings *s);
bool bt_strings_have(const struct bt_strings *s, const char *text);

void bt_facts_loaded(struct bt_fact_loadeds *list, const char *name, const void *content,
		     size_t len);
void bt_facts_unloaded(struct bt_fact_loadeds *list, const char *name);
const struct bt_buf *bt_facts_is_loaded(const struct bt_fact_loadeds *list, const char *name);
void bt_facts_loaded_clear(struct bt_fact_loadeds *list);

void bt_facts_begin(struct bt_facts *f, const char *key);
void bt_facts_failed(struct bt_facts *f, const char *key, uint64_t now, uint64_t max_ms);
void bt_facts_settle(struct bt_facts *f, const char *key, uint64_t now);
void bt_facts_done(struct bt_facts *f, const char *key);
bool bt_facts_held(const struct bt_facts *f, const char *key, uint64_t now);
uint64_t bt_facts_next_try(const struct bt_facts *f, uint64_t now);

#endif /* BT_FACTS_H */
