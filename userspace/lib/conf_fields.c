// SPDX-License-Identifier: GPL-2.0
/* The configuration file: every key that there is, in the order of the manual. */
#include "config.h"
#include "types.h"

#define NAMES(_name, ...)						\
	static const char *const _name##_words[] = { __VA_ARGS__ };	\
	static const struct bt_enum _name##_names = {			\
		.names = _name##_words,					\
		.n = BT_ARRAY_SIZE(_name##_words),			\
	}

NAMES(auth, "psk");
NAMES(start, "initiate", "respond");
NAMES(return_path, "med", "prepend", "off");
NAMES(graceful, "off", "aware", "on");
/* By number, as in syslog(3). */
NAMES(log, "emergency", "alert", "critical", "error", "warning", "notice", "info", "debug");

#define FIELD(_struct, _bit, _member, _name, _type, ...) {	\
	.name = _name,						\
	.type = &bt_type_##_type,				\
	.offset = offsetof(struct _struct, _member),		\
	.bit = _bit,						\
	.flags = BT_F_SET,					\
	##__VA_ARGS__						\
}

#define OBJECT(_symbol, _name, _struct, _fields)		\
	const struct bt_object _symbol = {			\
		.name = _name,					\
		.size = sizeof(struct _struct),			\
		.fields = _fields,				\
		.n = BT_ARRAY_SIZE(_fields),			\
	}

#define IKE(_bit, _member, _name, _type, ...)	\
	FIELD(bt_conf_ike, _bit, _member, _name, _type, ##__VA_ARGS__)

static const struct bt_field ike_fields[] = {
	IKE(0, node, "", node),
	IKE(1, version, "version", u32, .min = 1, .max = 2),
	IKE(2, local_id, "local-id", text),
	IKE(3, remote_id, "remote-id", text),
	IKE(4, auth, "auth", enum, .names = &auth_names),
	IKE(5, psk_file, "psk-file", path),
	IKE(6, proposals, "proposals", strings),
	IKE(7, lifetime, "lifetime", duration, .min = 60, .max = 86400 * 7),
	IKE(8, dpd, "dpd", duration, .max = 3600),
	IKE(9, encap, "encap", onoff),
	IKE(10, start, "start", enum, .names = &start_names),
	IKE(11, extra, "extra", map),
};

static OBJECT(ike_object, "ike", bt_conf_ike, ike_fields);

#define ESP(_bit, _member, _name, _type, ...)	\
	FIELD(bt_conf_esp, _bit, _member, _name, _type, ##__VA_ARGS__)

static const struct bt_field esp_fields[] = {
	ESP(0, node, "", node),
	ESP(1, proposals, "proposals", strings),
	ESP(2, lifetime, "lifetime", duration, .min = 30, .max = 86400 * 7),
	ESP(3, replay_window, "replay-window", u32, .max = 4096),
	ESP(4, extra, "extra", map),
};

static OBJECT(esp_object, "esp", bt_conf_esp, esp_fields);

#define PEER(_bit, _member, _name, _type, ...)	\
	FIELD(bt_conf_peer, _bit, _member, _name, _type, ##__VA_ARGS__)

static const struct bt_field peer_fields[] = {
	PEER(0, node, "", node),
	PEER(1, as, "as", u32, .min = 1),
	PEER(2, hold, "hold", duration, .min = 3, .max = 65535),
	PEER(3, keepalive, "keepalive", duration, .min = 1, .max = 65535),
	PEER(4, export_limit, "export-limit", u32, .min = 1),
	PEER(5, import_limit, "import-limit", u32, .min = 1),
	PEER(6, return_path, "return-path", enum, .names = &return_path_names),
	PEER(7, far_end, "far-end", text),
	PEER(8, graceful, "graceful-restart", enum, .names = &graceful_names),
};

static OBJECT(peer_object, "bgp", bt_conf_peer, peer_fields);

#define INSIDE(_bit, _member, _name, _type, ...)	\
	FIELD(bt_conf_inside, _bit, _member, _name, _type, ##__VA_ARGS__)

static const struct bt_field inside_fields[] = {
	INSIDE(0, node, "", node),
	INSIDE(1, local, "local", ifaddr),
	INSIDE(2, peer, "peer", address),
};

static OBJECT(inside_object, "inside", bt_conf_inside, inside_fields);

#define MANAGE(_bit, _member, _name, _type, ...)	\
	FIELD(bt_conf_manage, _bit, _member, _name, _type, ##__VA_ARGS__)

static const struct bt_field manage_fields[] = {
	MANAGE(0, node, "", node),
	MANAGE(1, ike, "ike", onoff),
	MANAGE(2, bgp, "bgp", onoff),
};

OBJECT(bt_conf_manage_object, "manage", bt_conf_manage, manage_fields);

#define TUNNEL(_bit, _member, _name, _type, ...)	\
	FIELD(bt_conf_tunnel, _bit, _member, _name, _type, ##__VA_ARGS__)

static const struct bt_field tunnel_fields[] = {
	TUNNEL(0, node, "", node),
	/* Its keys stand beside the others. */
	TUNNEL(1, kernel, "", nested, .nested = &bt_tunnel_object),
	TUNNEL(2, inside, "inside", list, .nested = &inside_object, .max = 2),
	TUNNEL(3, manage, "manage", nested, .nested = &bt_conf_manage_object),
	TUNNEL(4, ike, "ike", nested, .nested = &ike_object),
	TUNNEL(5, esp, "esp", nested, .nested = &esp_object),
	TUNNEL(6, bgp, "bgp", nested, .nested = &peer_object),
};

OBJECT(bt_conf_tunnel_object, "tunnel", bt_conf_tunnel, tunnel_fields);

#define ROUTE(_bit, _member, _name, _type, ...)	\
	FIELD(bt_conf_route, _bit, _member, _name, _type, ##__VA_ARGS__)

static const struct bt_field route_fields[] = {
	ROUTE(0, node, "", node),
	ROUTE(1, prefixes, "prefixes", prefixes),
	ROUTE(2, tunnels, "tunnels", strings),
};

static OBJECT(route_object, "route", bt_conf_route, route_fields);

#define BGP(_bit, _member, _name, _type, ...)	\
	FIELD(bt_conf_bgp, _bit, _member, _name, _type, ##__VA_ARGS__)

static const struct bt_field bgp_fields[] = {
	BGP(0, node, "", node),
	BGP(1, as, "as", u32, .min = 1),
	BGP(2, router_id, "router-id", address),
	BGP(3, announce, "announce", prefixes),
	BGP(4, table, "table", u32, .min = 1, .max = 0x7fffffff),
	BGP(BT_CONF_BGP_BACKUPS, backups, "backups", onoff),
	BGP(6, backup_table, "backup-table", u32, .min = 1, .max = 0x7fffffff),
};

static OBJECT(bgp_object, "bgp", bt_conf_bgp, bgp_fields);

#define LINK(_bit, _member, _name, _type, ...)	\
	FIELD(bt_conf_link, _bit, _member, _name, _type, ##__VA_ARGS__)

static const struct bt_field link_fields[] = {
	LINK(0, node, "", node),
	LINK(1, name, "name", name, .max = IFNAMSIZ - 1),
	LINK(2, kernel, "", nested, .nested = &bt_link_object),
	LINK(3, addresses, "addresses", ifaddrs),
	LINK(4, manage, "manage", nested, .nested = &bt_conf_manage_object),
	LINK(5, bgp, "bgp", nested, .nested = &bgp_object),
	LINK(6, defaults, "defaults", nested, .nested = &bt_conf_tunnel_object),
	LINK(7, tunnels, "tunnels", list, .nested = &bt_conf_tunnel_object,
	     .max = BOWTIE_TUNNELS_MAX),
	LINK(8, routes, "routes", list, .nested = &route_object),
	LINK(9, hold_routes, "hold-routes", onoff, .def = true),
	/* Not less than a restart of BIRD takes, when all come back one after the other. */
	LINK(10, hold_withdrawn, "hold-withdrawn", duration, .def = 3600, .min = 60,
	     .max = 86400 * 365),
	LINK(11, on_change, "on-change", path),
	LINK(12, on_change_timeout, "on-change-timeout", duration, .min = 1, .max = 300),
};

OBJECT(bt_conf_link_object, "link", bt_conf_link, link_fields);

#define DAEMON(_bit, _member, _name, _type, ...)	\
	FIELD(bt_conf_daemon, _bit, _member, _name, _type, ##__VA_ARGS__)

static const struct bt_field daemon_fields[] = {
	DAEMON(0, node, "", node),
	DAEMON(1, log, "log", enum, .names = &log_names),
};

static OBJECT(daemon_object, "daemon", bt_conf_daemon, daemon_fields);

#define CHARON(_bit, _member, _name, _type, ...)	\
	FIELD(bt_conf_charon, _bit, _member, _name, _type, ##__VA_ARGS__)

static const struct bt_field charon_fields[] = {
	CHARON(0, node, "", node),
	CHARON(1, socket, "socket", path),
};

static OBJECT(charon_object, "charon", bt_conf_charon, charon_fields);

#define BIRD(_bit, _member, _name, _type, ...)	\
	FIELD(bt_conf_bird, _bit, _member, _name, _type, ##__VA_ARGS__)

static const struct bt_field bird_fields[] = {
	BIRD(0, node, "", node),
	BIRD(1, socket, "socket", path),
	BIRD(2, include, "include", path),
	BIRD(3, restart_time, "restart-time", duration, .min = 1, .max = 1800),
	BIRD(4, recovery_time, "recovery-time", duration, .min = 1, .max = 600),
};

OBJECT(bt_conf_bird_object, "bird", bt_conf_bird, bird_fields);

#define CONFIG(_bit, _member, _name, _type, ...)	\
	FIELD(bt_config, _bit, _member, _name, _type, ##__VA_ARGS__)

static const struct bt_field config_fields[] = {
	CONFIG(0, node, "", node),
	CONFIG(1, daemon, "daemon", nested, .nested = &daemon_object),
	CONFIG(2, charon, "charon", nested, .nested = &charon_object),
	CONFIG(3, bird, "bird", nested, .nested = &bt_conf_bird_object),
	CONFIG(4, links, "links", list, .nested = &bt_conf_link_object),
};

OBJECT(bt_config_object, "configuration", bt_config, config_fields);
