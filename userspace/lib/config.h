/* SPDX-License-Identifier: GPL-2.0 */
#ifndef BT_CONFIG_H
#define BT_CONFIG_H

#include "conf_types.h"
#include "error.h"
#include "model.h"

struct bt_yaml;

/*
 * /etc/bowtie/bowtie.yaml as structures. Each begins with "set", a bit for each field
 * that has a value, and "node", where the file has it. conf_fields.c has the tables:
 * what is said there is all that the file may say, beside the settings of a link and a
 * tunnel that the module has, which are told by the tables of model.c.
 */

enum bt_auth {
	BT_AUTH_PSK,
};

enum bt_start {
	BT_START_INITIATE,
	BT_START_RESPOND,
};

/* By what the far end is told to use another tunnel. */
enum bt_return_path {
	BT_RETURN_MED,
	BT_RETURN_PREPEND,
	BT_RETURN_OFF,
};

/* What becomes of routes while one end of a session is restarted (RFC 4724). */
enum bt_graceful {
	BT_GRACEFUL_OFF,
	BT_GRACEFUL_AWARE,
	BT_GRACEFUL_ON,
};

/**
 * struct bt_conf_ike - IKE SA of a tunnel (RFC 7296)
 * @version: 1 or 2
 * @local_id: identity of ours; default the address
 * @remote_id: identity of the peer; default its address
 * @auth: how both prove it
 * @psk_file: has the pre-shared key
 * @proposals: in strongSwan's notation
 * @lifetime: until the IKE SA must have been replaced, in s
 * @dpd: silence after which the peer is asked whether it lives, in s; 0: never
 * @encap: ESP in UDP even if there is no NAT
 * @start: who begins
 * @extra: options of strongSwan's connection, as they are
 */
struct bt_conf_ike {
	uint64_t set;
	const struct bt_yaml *node;
	uint32_t version;
	char *local_id;
	char *remote_id;
	uint32_t auth;
	char *psk_file;
	struct bt_strings proposals;
	uint32_t lifetime;
	uint32_t dpd;
	bool encap;
	uint32_t start;
	struct bt_map extra;
};

/**
 * struct bt_conf_esp - CHILD SA of a tunnel
 * @proposals: in strongSwan's notation
 * @lifetime: until the SA must have been replaced, in s
 * @replay_window: in packets
 * @extra: options of strongSwan's child, as they are
 */
struct bt_conf_esp {
	uint64_t set;
	const struct bt_yaml *node;
	struct bt_strings proposals;
	uint32_t lifetime;
	uint32_t replay_window;
	struct bt_map extra;
};

/**
 * struct bt_conf_peer - BGP session through a tunnel (RFC 4271)
 * @as: of the peer
 * @hold: hold time in s
 * @keepalive: keepalive time in s
 * @export_limit: prefixes that are announced at most
 * @import_limit: prefixes that are taken at most
 * @return_path: how return traffic is led away from a tunnel that has failed
 * @far_end: tells apart far ends that have the same AS number, or NULL
 * @graceful: of both ends, of the far end's, or not at all
 */
struct bt_conf_peer {
	uint64_t set;
	const struct bt_yaml *node;
	uint32_t as;
	uint32_t hold;
	uint32_t keepalive;
	uint32_t export_limit;
	uint32_t import_limit;
	uint32_t return_path;
	char *far_end;
	uint32_t graceful;
};

/**
 * struct bt_conf_inside - addresses inside a tunnel
 * @local: ours, with the length of the network that both are in
 * @peer: the far end; default the other address of a network that has two
 */
struct bt_conf_inside {
	uint64_t set;
	const struct bt_yaml *node;
	struct bt_prefix local;
	struct bt_addr peer;
};

/**
 * struct bt_conf_manage - what bowtied does
 * @ike: connections and secrets of charon
 * @bgp: BIRD's include file
 */
struct bt_conf_manage {
	uint64_t set;
	const struct bt_yaml *node;
	bool ike;
	bool bgp;
};

/**
 * struct bt_conf_tunnel - a tunnel
 * @kernel: what the module is told, name and inside addresses among it
 * @inside: addresses inside, at most one of each family
 */
struct bt_conf_tunnel {
	uint64_t set;
	const struct bt_yaml *node;
	struct bt_tunnel kernel;
	struct {
		struct bt_conf_inside *v;
		size_t n;
	} inside;
	struct bt_conf_manage manage;
	struct bt_conf_ike ike;
	struct bt_conf_esp esp;
	struct bt_conf_peer bgp;
};

/**
 * struct bt_conf_route - static routes into a link
 * @prefixes: where to
 * @tunnels: by which ones; default all
 */
struct bt_conf_route {
	uint64_t set;
	const struct bt_yaml *node;
	struct bt_prefixes prefixes;
	struct bt_strings tunnels;
};

/**
 * struct bt_conf_bgp - BGP of a link
 * @as: ours
 * @router_id: ours; default BIRD's
 * @announce: prefixes to announce
 * @table: kernel routing table that the routes of the tunnels are kept in
 * @backups: tunnels that have a prefix, but not as the best, are its backups
 * @backup_table: another one, for the routes of all tunnels, whatever they are worth
 */
struct bt_conf_bgp {
	uint64_t set;
	const struct bt_yaml *node;
	uint32_t as;
	struct bt_addr router_id;
	struct bt_prefixes announce;
	uint32_t table;
	bool backups;
	uint32_t backup_table;
};

/**
 * struct bt_conf_link - a link
 * @name: of the device
 * @kernel: what the module and rtnetlink are told
 * @addresses: of the device, beside those inside the tunnels
 * @hold_routes: keep what belongs behind it from leaving by another way
 * @hold_withdrawn: seconds for which that goes for a prefix which is learned no more
 * @defaults: what all tunnels have that do not say otherwise
 * @on_change: program that is told what becomes of the tunnels, or NULL
 * @on_change_timeout: for so long it may run, in s
 */
struct bt_conf_link {
	uint64_t set;
	const struct bt_yaml *node;
	char name[IFNAMSIZ];
	struct bt_link kernel;
	struct bt_prefixes addresses;
	struct bt_conf_manage manage;
	struct bt_conf_bgp bgp;
	struct bt_conf_tunnel defaults;
	struct {
		struct bt_conf_tunnel *v;
		size_t n;
	} tunnels;
	struct {
		struct bt_conf_route *v;
		size_t n;
	} routes;
	bool hold_routes;
	uint32_t hold_withdrawn;
	char *on_change;
	uint32_t on_change_timeout;
};

/**
 * struct bt_conf_daemon - bowtied itself
 * @log: enum bt_log_level
 */
struct bt_conf_daemon {
	uint64_t set;
	const struct bt_yaml *node;
	uint32_t log;
};

/**
 * struct bt_conf_charon - how to reach charon
 * @socket: vici's
 */
struct bt_conf_charon {
	uint64_t set;
	const struct bt_yaml *node;
	char *socket;
};

/**
 * struct bt_conf_bird - how to reach BIRD
 * @socket: control socket
 * @include: file of ours that bird.conf includes
 * @restart_time: for so long routes are kept while BIRD is not there, in s
 * @recovery_time: so long it may take to have all sessions again, in s
 */
struct bt_conf_bird {
	uint64_t set;
	const struct bt_yaml *node;
	char *socket;
	char *include;
	uint32_t restart_time;
	uint32_t recovery_time;
};

/**
 * struct bt_config - the whole file
 * @path: its name
 * @tree: what "node" points into
 */
struct bt_config {
	uint64_t set;
	const struct bt_yaml *node;
	char *path;
	struct bt_yaml *tree;
	struct bt_conf_daemon daemon;
	struct bt_conf_charon charon;
	struct bt_conf_bird bird;
	struct {
		struct bt_conf_link *v;
		size_t n;
	} links;
};

#define BT_CONFIG_PATH	"/etc/bowtie/bowtie.yaml"
#define BT_VICI_SOCKET	"/var/run/charon.vici"
#define BT_BIRD_SOCKET	"/run/bird/bird.ctl"
#define BT_BIRD_INCLUDE	"/run/bowtie/bird.conf"
#define BT_BIRD_RESTART_S	60
#define BT_BIRD_RECOVERY_S	20
#define BT_ON_CHANGE_S		10
#define BT_ROUTE_TABLE	0x40000000	/* and 30 bits of the link's name */

/* Of struct bt_conf_bgp: is @backups said? */
#define BT_CONF_BGP_BACKUPS	5

extern const struct bt_object bt_config_object;
extern const struct bt_object bt_conf_bird_object;
extern const struct bt_object bt_conf_link_object;
extern const struct bt_object bt_conf_tunnel_object;
extern const struct bt_object bt_conf_manage_object;

struct bt_config *bt_config_load(const char *path, struct bt_error *e);
struct bt_config *bt_config_parse(const char *path, const char *text, size_t len,
				  struct bt_error *e);
void bt_config_free(struct bt_config *config);

/* Parts of loading, for the tests and for each other. */
int bt_config_fill(const struct bt_object *o, void *obj, const char *path,
		   const struct bt_yaml *node, struct bt_error *e);
void bt_config_resolve(struct bt_config *config);
int bt_config_check(const struct bt_config *config, struct bt_error *e);
int bt_config_check_tunnel(const struct bt_config *config, const struct bt_conf_link *link,
			   const struct bt_conf_tunnel *t, struct bt_error *e);

/* conf_program.c */
int bt_conf_program_check(const char *path, char **real, struct bt_error *e);

uint32_t bt_conf_link_mark(const struct bt_conf_link *link);
const struct bt_conf_link *bt_config_link(const struct bt_config *config, const char *name);
const struct bt_conf_tunnel *bt_conf_link_tunnel(const struct bt_conf_link *link,
						 const char *name);

#endif /* BT_CONFIG_H */
