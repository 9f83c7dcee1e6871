/* SPDX-License-Identifier: GPL-2.0 */
/* PURE: replies in, structs out. */
#ifndef BT_BIRD_SHOW_H
#define BT_BIRD_SHOW_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "bird_wire.h"

/* --- show status ------------------------------------------------------------ */

enum bt_bird_daemon {
	BT_BIRD_DAEMON_UP,
	BT_BIRD_DAEMON_RECONFIGURING,
	BT_BIRD_DAEMON_STOPPING,
};

/**
 * struct bt_bird_status - reply to "show status"
 * @version: "2.0.12"
 * @router_id: the strings are NULL if BIRD did not say
 * @last_reconfiguration: in BIRD's format
 * @daemon: state
 */
struct bt_bird_status {
	char *version;
	char *router_id;
	char *hostname;
	char *server_time;
	char *last_reboot;
	char *last_reconfiguration;
	enum bt_bird_daemon daemon;
};

int bt_bird_parse_status(const struct bt_bird_reply *reply, struct bt_bird_status *out);
void bt_bird_status_free(struct bt_bird_status *status);

/* --- show protocols [all] ----------------------------------------------------- */

enum bt_bird_state {
	BT_BIRD_STATE_UNKNOWN,
	BT_BIRD_STATE_DOWN,
	BT_BIRD_STATE_FLUSH,
	BT_BIRD_STATE_START,
	BT_BIRD_STATE_UP,
	BT_BIRD_STATE_STOP,
};

enum bt_bird_bgp {
	BT_BIRD_BGP_UNKNOWN,		/* no BGP, or not said */
	BT_BIRD_BGP_DOWN,
	BT_BIRD_BGP_IDLE,
	BT_BIRD_BGP_CONNECT,
	BT_BIRD_BGP_ACTIVE,
	BT_BIRD_BGP_PASSIVE,
	BT_BIRD_BGP_OPENSENT,
	BT_BIRD_BGP_OPENCONFIRM,
	BT_BIRD_BGP_ESTABLISHED,
	BT_BIRD_BGP_CLOSE,
};

/**
 * struct bt_bird_limit - of a channel's routes
 * @set: there is one
 * @value: most routes
 * @hit: reached
 * @action: "warn", "block", "restart" or "disable"; may be NULL
 */
struct bt_bird_limit {
	bool set;
	uint32_t value;
	bool hit;
	char *action;
};

/**
 * struct bt_bird_channel - one channel of a protocol
 * @name: "ipv4", "ipv6"…
 * @state: "UP", "DOWN", "START" or "FLUSHING"
 * @table: routing table
 * @has_routes: the following four are known (not while it is DOWN)
 * @imported: routes that passed the import filter
 * @filtered: routes that did not; only with "import keep filtered"
 * @exported: routes sent
 * @preferred: imported ones that are the best of their prefix
 * @receive: limits before the import filter
 * @import: behind the import filter
 * @export: on the way out
 */
struct bt_bird_channel {
	char *name;
	char *state;
	char *table;
	bool has_routes;
	uint32_t imported;
	uint32_t filtered;
	uint32_t exported;
	uint32_t preferred;
	struct bt_bird_limit receive;
	struct bt_bird_limit import;
	struct bt_bird_limit export;
};

/**
 * struct bt_bird_protocol - one line of "show protocols", and its details with "all"
 * @name: of the session; the strings of the first line are never NULL
 * @proto: "BGP", "Kernel", "Static"…
 * @table: "---" if it has several or none
 * @state: of the protocol
 * @since: of the last change, in BIRD's format, which the operator may have changed
 * @info: anything, for people
 * @bgp: for BGP: state of the session
 * @neighbor: the others are known with "all" only, else NULL or 0. Address, without %
 * @iface: what stood behind the %
 * @source: own address, when established
 * @message: why the operator or the far end shut it down
 * @last_error: of the session
 * @neighbor_as: number of the far end's system
 * @local_as: of ours
 * @hold_time: negotiated, in s; 0 if not established or switched off
 * @hold_left_ms: until the session is given up
 * @keepalive_time: in s
 * @channels: its channels
 * @n_channels: how many
 */
struct bt_bird_protocol {
	char *name;
	char *proto;
	char *table;
	enum bt_bird_state state;
	char *since;
	char *info;
	enum bt_bird_bgp bgp;
	char *neighbor;
	char *iface;
	char *source;
	char *message;
	char *last_error;
	uint32_t neighbor_as;
	uint32_t local_as;
	uint32_t hold_time;
	uint32_t hold_left_ms;
	uint32_t keepalive_time;
	struct {
		struct bt_bird_channel *v;
		size_t n;
	} channels;
};

struct bt_bird_protocols {
	struct bt_bird_protocol *v;
	size_t n;
};

int bt_bird_parse_protocols(const struct bt_bird_reply *reply, struct bt_bird_protocols *out);
void bt_bird_protocols_free(struct bt_bird_protocols *protocols);
const char *bt_bird_bgp_name(enum bt_bird_bgp state);
const char *bt_bird_state_name(enum bt_bird_state state);

/* --- configure ---------------------------------------------------------------- */

/**
 * struct bt_bird_configure - reply to "configure" and its kin
 * @code: what BIRD did; BT_BIRD_ERR_CONFIG if the file has an error
 * @accepted: the configuration is, or will be, in force, or was found good ("check")
 * @file: where the error is; NULL if it has no place
 * @line: counted from 1
 * @column: as BIRD counts
 * @message: its words
 */
struct bt_bird_configure {
	unsigned int code;
	bool accepted;
	char *file;
	unsigned int line;
	unsigned int column;
	char *message;
};

int bt_bird_parse_configure(const struct bt_bird_reply *reply, struct bt_bird_configure *out);
void bt_bird_configure_free(struct bt_bird_configure *result);

#endif /* BT_BIRD_SHOW_H */
