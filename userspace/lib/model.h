/* SPDX-License-Identifier: GPL-2.0 */
#ifndef BT_MODEL_H
#define BT_MODEL_H

#include <linux/bowtie.h>
#include <net/if.h>
#include <stdbool.h>
#include <stdint.h>

#include "addr.h"
#include "fields.h"

/*
 * The objects of the module. "set" has a bit for each field that has a value, which
 * is BT_BIT() of its netlink attribute: one that is given, asked for, or was told.
 * model.c has a table of fields for each.
 */

/**
 * struct bt_dev - which device
 * @ifindex: its index, or 0 if only the name is known
 * @name: its name, or empty
 */
struct bt_dev {
	int ifindex;
	char name[IFNAMSIZ];
};

/**
 * struct bt_stats - counters of a link or a tunnel
 * @set: which are known
 * @c: counters, by BOWTIE_A_STATS_*
 */
struct bt_stats {
	uint64_t set;
	uint64_t c[BOWTIE_A_STATS_MAX + 1];
};

/* Bits of struct bt_link that rtnetlink tells, beside the attributes' bits. */
#define BT_LINK_UP		48
#define BT_LINK_OPERSTATE	49

/**
 * struct bt_link - a bowtie device
 * @up: administratively
 * @operstate: IF_OPER_*
 * @generation: of the link when this was told
 */
struct bt_link {
	uint64_t set;
	struct bt_dev dev;
	uint32_t generation;
	bool up;
	uint32_t operstate;
	uint32_t fwmark;
	uint32_t hash;
	bool hairpin;
	bool strict_source;
	bool mtu_auto;
	uint32_t idle_timer;
	uint32_t unbalanced_timer;
	uint32_t mtu;
	int32_t underlay_netnsid;
	uint32_t buckets;
	uint32_t tunnels;
	uint32_t tunnels_up;
	uint32_t routes;
	uint32_t groups;
	struct bt_stats stats;
};

struct bt_selector {
	uint64_t set;
	struct bt_prefix local;
	struct bt_prefix remote;
};

struct bt_tunnel {
	uint64_t set;
	struct bt_dev dev;
	uint32_t generation;
	uint32_t id;
	char name[BOWTIE_NAME_MAX + 1];
	uint32_t if_id;
	struct bt_addr local;
	struct bt_addr remote;
	struct bt_addr inside_local4;
	struct bt_addr inside_peer4;
	struct bt_addr inside_local6;
	struct bt_addr inside_peer6;
	struct {
		struct bt_selector *v;
		size_t n;
	} selectors;
	uint32_t weight;
	uint32_t tier;
	uint32_t esp_mode;
	uint32_t mss;
	uint32_t df;
	uint32_t mark;
	uint32_t drain_timeout;
	uint32_t admin;
	uint32_t oper;
	uint32_t reason;
	uint64_t since;
	uint32_t transitions;
	uint32_t mtu;
	uint32_t sas_in;
	uint32_t sas_out;
	uint32_t probe;
	uint32_t probe_interval;
	uint32_t probe_multiplier;
	uint32_t probe_port;
	uint32_t rtt;
	uint32_t rtt_min;
	uint32_t rtt_avg;
	uint32_t jitter;
	uint32_t loss;
	uint32_t hold_down;
	struct bt_stats stats;
};

struct bt_nexthop {
	uint64_t set;
	uint32_t tunnel;
	uint32_t weight;
	uint32_t tier;
	uint32_t buckets;
};

struct bt_route {
	uint64_t set;
	struct bt_dev dev;
	uint32_t generation;
	struct bt_prefix dst;
	struct {
		struct bt_nexthop *v;
		size_t n;
	} nexthops;
	uint32_t pinned;
	uint32_t group;
	uint32_t tunnels_up;
};

struct bt_sa {
	uint64_t set;
	struct bt_dev dev;
	uint32_t generation;
	uint32_t tunnel;
	uint32_t dir;
	uint32_t spi;
	struct bt_addr src;
	struct bt_addr dst;
	bool current;
	bool valid;
	bool suspect;
	char *algorithm;
	uint32_t key_bits;
	uint32_t icv_bits;
	bool esn;
	uint32_t replay_window;
	uint32_t encap_sport;
	uint32_t encap_dport;
	bool offload;
	uint32_t esp_mode;
	uint64_t bytes;
	uint64_t packets;
	uint64_t add_time;
	uint64_t use_time;
	uint32_t err_replay;
	uint32_t err_window;
	uint32_t err_integrity;
};

struct bt_links {
	struct bt_link *v;
	size_t n;
};

struct bt_tunnels {
	struct bt_tunnel *v;
	size_t n;
};

struct bt_routes {
	struct bt_route *v;
	size_t n;
};

struct bt_sas {
	struct bt_sa *v;
	size_t n;
};

extern const struct bt_object bt_stats_object;
extern const struct bt_object bt_link_object;
extern const struct bt_object bt_selector_object;
extern const struct bt_object bt_tunnel_object;
extern const struct bt_object bt_nexthop_object;
extern const struct bt_object bt_route_object;
extern const struct bt_object bt_sa_object;

extern const struct bt_enum bt_oper_names;

int bt_link_parse(struct bt_link *l, const char *word, const char *text, struct bt_error *e);
void bt_link_settings(const struct bt_link *l, struct bt_buf *out);
void bt_tunnel_fix_families(struct bt_tunnel *t, int family);
int bt_route_cmp(const void *a, const void *b);

void bt_links_free(struct bt_links *links);
void bt_tunnels_free(struct bt_tunnels *tunnels);
void bt_routes_free(struct bt_routes *routes);
void bt_sas_free(struct bt_sas *sas);
const struct bt_tunnel *bt_tunnels_by_id(const struct bt_tunnels *tunnels, int ifindex,
					 uint32_t id);

#endif /* BT_MODEL_H */
