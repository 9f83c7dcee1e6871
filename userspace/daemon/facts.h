/* SPDX-License-Identifier: GPL-2.0 */
/* PURE: what has been observed, without where from. */
#ifndef BT_FACTS_H
#define BT_FACTS_H

#include <stdbool.h>
#include <stdint.h>

#include "bird_hold.h"
#include "conf_types.h"
#include "model.h"
#include "steer.h"

struct bt_config;

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
 * struct bt_fact_route - a route of the kernel's by a bowtie device, or one of ours
 * @table: of the kernel
 * @protocol: RTPROT_*
 * @metric: priority
 * @dst: prefix
 * @hops: next hops; none if it leads nowhere
 */
struct bt_fact_route {
	uint32_t table;
	uint8_t protocol;
	uint32_t metric;
	struct bt_prefix dst;
	struct bt_fact_hops hops;
};

/**
 * struct bt_fact_routes - routes of the kernel's
 * @v: array
 * @n: how many
 * @slots: where in the array each is: see fact_routes.c
 * @size: of @slots
 */
struct bt_fact_routes {
	struct bt_fact_route *v;
	size_t n;
	uint32_t *slots;
	size_t size;
};

/**
 * struct bt_fact_withdrawn - a prefix that is held though it is learned no more
 * @metric: of the route that holds it, which stands for the link; and
 * @dst: prefix: the list is in the order of these
 * @since: when the link had other prefixes, and this one was missing first; bt_now_ms()
 * @expired: that is too long ago
 */
struct bt_fact_withdrawn {
	uint32_t metric;
	struct bt_prefix dst;
	uint64_t since;
	bool expired;
};

struct bt_fact_withdrawns {
	struct bt_fact_withdrawn *v;
	size_t n;
};

/**
 * struct bt_fact_child - a CHILD SA that is installed
 * @id: charon's number for it
 * @spi_out: of the SA that we send by
 */
struct bt_fact_child {
	uint32_t id;
	uint32_t spi_out;
};

/**
 * struct bt_fact_suspect - an SA by which nothing that we send is answered, while another one
 *	of the tunnel works: the peer does not have it
 * @if_id: of its tunnel
 * @spi: that we send by
 * @since: when the module said so, bt_now_ms()
 */
struct bt_fact_suspect {
	uint32_t if_id;
	uint32_t spi;
	uint64_t since;
};

/* More than that, and the oldest is forgotten. */
#define BT_FACT_SUSPECTS	128
/* How long one is remembered at least */
#define BT_FACT_SUSPECT_MS	60000

/**
 * struct bt_fact_ike - an IKE SA that charon has
 * @name: of its connection; the list is in the order of these. First
 * @id: charon's number for it, for the next command only: rekeying changes it
 * @established: or else being set up or torn down
 * @dying: being torn down
 * @ours: we have begun it
 * @answered: the peer has said something
 * @remote: address of the peer
 * @if_id: of its CHILD SAs, 0 if it has none
 * @children: how many CHILD SAs are installed
 * @sas: these
 * @packets: that these have received
 * @begun: when it was first seen, bt_now_ms()
 * @since: when it was first seen established, or 0 unless it is
 * @received: when @packets was last seen to have grown, or 0
 */
struct bt_fact_ike {
	char *name;
	uint32_t id;
	bool established;
	bool dying;
	bool ours;
	bool answered;
	struct bt_addr remote;
	uint32_t if_id;
	unsigned int children;
	struct {
		struct bt_fact_child *v;
		size_t n;
	} sas;
	uint64_t packets;
	uint64_t begun;
	uint64_t since;
	uint64_t received;
};

struct bt_fact_ikes {
	struct bt_fact_ike *v;
	size_t n;
};

/**
 * struct bt_fact_loaded - what we have told charon, and it has not lost since
 * @name: of a connection or a secret; the list is in the order of these. First
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
 * @key: which; the list is in the order of these. First
 * @until: time, bt_now_ms(); UINT64_MAX while it is under way
 * @failures: in a row
 */
struct bt_fact_hold {
	char *key;
	uint64_t until;
	unsigned int failures;
};

/**
 * struct bt_fact_tunnel - what is remembered of a tunnel
 * @key: "LINK TUNNEL"; the list is in the order of these. First
 * @works: the module says that it is up, or the operator has taken it out
 * @worked: when it last did, bt_now_ms(), unless it does now
 * @tried: when IKE was begun last, or 0
 * @tries: so often, since it last worked
 * @mute: it is up without an answer to a probe, and this has been said
 */
struct bt_fact_tunnel {
	char *key;
	bool works;
	uint64_t worked;
	uint64_t tried;
	unsigned int tries;
	bool mute;
};

/**
 * struct bt_fact_reload - routes of a session that BIRD is to look at anew
 * @what: "in NAME" or "out NAME"; the list is in the order of these. First
 * @sent: BIRD has been told, since the last reason for it
 */
struct bt_fact_reload {
	char *what;
	bool sent;
};

/**
 * struct bt_facts - all of it
 * @kmod: the module is there and what follows is what it has
 * @links: its devices
 * @tunnels: what is remembered of tunnels, whatever becomes of their links
 * @fib: @routes is what the kernel has
 * @routes: of the kernel, by bowtie devices; and those that hold prefixes, of
 * @withdrawn: which these are learned no more: see route_hold.c
 * @hold_full: a link has learned more prefixes than are held
 * @vici: charon is there and what follows is what it has
 * @conns: names of its connections, in order
 * @shared: names of its secrets, in order
 * @ikes: its IKE SAs
 * @ikes_seen: when charon told these, bt_now_ms()
 * @suspects: SAs that only we have, as the module has found out
 * @secrets: which file is behind the path of a secret: another one if it was replaced
 * @conns_loaded: connections that it has from us
 * @shared_loaded: secrets that it has from us
 * @bird: BIRD is there and what follows is what it has
 * @bird_gone: it is not there, and this is not only because we have just begun
 * @bird_revision: which text of ours it has taken: see bt_bird_revision(); or NULL
 * @bird_kernel: the operator has a kernel protocol for the main table: BT_BIRD_KERNEL*
 * @bird_clash: BIRD refuses ours because there is one
 * @bird_file: what our include file has, or NULL if there is none
 * @bird_vars: what our vars file has, or NULL if there is none
 * @bird_on: flags of BIRD's that are on, in order: see bird_flags.c
 * @bird_off: those that are off
 * @bird_sessions: BGP sessions of ours that it has, in order
 * @bird_established: those of them that are established, in order
 * @bird_recovers: it still learns what it had before it was restarted
 * @bird_reloads: what it is still to look at
 * @hold: what its routes are worth: see bird_hold.c
 * @steer: what is wanted of it for the tunnels' state: see steer.c
 * @holds: operations that are not to be tried now
 */
struct bt_facts {
	bool kmod;
	struct {
		struct bt_fact_link *v;
		size_t n;
	} links;
	struct {
		struct bt_fact_tunnel *v;
		size_t n;
	} tunnels;

	bool fib;
	struct bt_fact_routes routes;
	struct bt_fact_withdrawns withdrawn;
	bool hold_full;

	bool vici;
	struct bt_strings conns;
	struct bt_strings shared;
	struct bt_fact_ikes ikes;
	uint64_t ikes_seen;
	struct {
		struct bt_fact_suspect *v;
		size_t n;
	} suspects;
	struct bt_fact_loadeds secrets;
	struct bt_fact_loadeds conns_loaded;
	struct bt_fact_loadeds shared_loaded;

	bool bird;
	bool bird_gone;
	char *bird_revision;
	unsigned int bird_kernel;
	bool bird_clash;
	char *bird_file;
	char *bird_vars;
	struct bt_strings bird_on;
	struct bt_strings bird_off;
	struct bt_strings bird_sessions;
	struct bt_strings bird_established;
	bool bird_recovers;
	struct {
		struct bt_fact_reload *v;
		size_t n;
	} bird_reloads;
	struct bt_bird_hold hold;
	struct bt_steer steer;

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

/* fact_routes.c */
struct bt_fact_route *bt_fact_routes_find(const struct bt_fact_routes *routes,
					  const struct bt_fact_route *key);
void bt_fact_routes_add(struct bt_fact_routes *routes, const struct bt_fact_route *route);
void bt_fact_routes_remove(struct bt_fact_routes *routes, struct bt_fact_route *route);
void bt_fact_routes_clear(struct bt_fact_routes *routes);

/* fact_tunnels.c */
void bt_facts_follow_tunnels(struct bt_facts *f, uint64_t now, struct bt_strings *mute);
void bt_facts_tried(struct bt_facts *f, const char *link, const char *tunnel, uint64_t now);
const struct bt_fact_tunnel *bt_facts_remembered(const struct bt_facts *f, const char *link,
						 const char *tunnel);

/* fact_ikes.c */
void bt_fact_ikes_clear(struct bt_fact_ikes *ikes);
void bt_fact_ikes_sort(struct bt_fact_ikes *ikes);
const struct bt_fact_ike *bt_fact_ikes_first(const struct bt_fact_ikes *ikes, const char *name);
void bt_facts_suspect(struct bt_facts *f, uint32_t if_id, uint32_t spi, bool suspect,
		      uint64_t now);
const struct bt_fact_suspect *bt_facts_is_suspect(const struct bt_facts *f, uint32_t if_id,
						  uint32_t spi);
void bt_facts_forget_suspects(struct bt_facts *f, uint64_t now);
void bt_facts_forget_orphans(struct bt_facts *f);
typedef void (*bt_suspect_fn)(const struct bt_fact_link *l, const struct bt_sa *sa, void *arg);
void bt_facts_link_sa(struct bt_facts *f, const struct bt_fact_link *l, const struct bt_sa *sa,
		      uint64_t now, bt_suspect_fn found, void *arg);
void bt_facts_link_suspects(struct bt_facts *f, const struct bt_fact_link *l,
			    const struct bt_sas *sas, uint64_t now, bt_suspect_fn found,
			    void *arg);
const char *bt_suspect_text(const struct bt_config *config, const char *link,
			    const char *tunnel, bool current);
void bt_fact_ikes_follow(struct bt_fact_ikes *ikes, const struct bt_fact_ikes *before,
			 uint64_t now);

void bt_strings_clear(struct bt_strings *s);
void bt_strings_sort(struct bt_strings *s);
bool bt_strings_have(const struct bt_strings *s, const char *text);
void bt_strings_put(struct bt_strings *s, const char *text);
void bt_strings_remove(struct bt_strings *s, const char *text);

const struct bt_fact_tunnel *bt_facts_tunnel(const struct bt_facts *f, const char *key);
struct bt_fact_tunnel *bt_facts_tunnel_make(struct bt_facts *f, const char *key, bool *is_new);

void bt_facts_loaded(struct bt_fact_loadeds *list, const char *name, const void *content,
		     size_t len);
void bt_facts_unloaded(struct bt_fact_loadeds *list, const char *name);
const struct bt_buf *bt_facts_is_loaded(const struct bt_fact_loadeds *list, const char *name);
void bt_facts_loaded_clear(struct bt_fact_loadeds *list);

void bt_facts_reload(struct bt_facts *f, const char *what);
void bt_facts_reload_sent(struct bt_facts *f, const char *what);
void bt_facts_reload_done(struct bt_facts *f, const char *what);

void bt_facts_begin(struct bt_facts *f, const char *key);
void bt_facts_failed(struct bt_facts *f, const char *key, uint64_t now, uint64_t max_ms);
void bt_facts_settle(struct bt_facts *f, const char *key, uint64_t now);
void bt_facts_wait(struct bt_facts *f, const char *key, uint64_t until);
void bt_facts_done(struct bt_facts *f, const char *key);
void bt_facts_retry(struct bt_facts *f, const char *prefix);
bool bt_facts_held(const struct bt_facts *f, const char *key, uint64_t now);
uint64_t bt_facts_next_try(const struct bt_facts *f, uint64_t now);

#endif /* BT_FACTS_H */
