// SPDX-License-Identifier: GPL-2.0
/*
 * The objects of the module: a table of fields for each, which parsing, printing,
 * netlink and comparing all go by. The names are those of
 * Documentation/netlink/specs/bowtie.yaml; the order is that of the text.
 */
#include "model.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "types.h"

#define MTU_MIN		68
#define MTU_MAX		65535

#define ENUM(list)	{ list, BT_ARRAY_SIZE(list) }

static const char *const hash_list[] = {
	[BOWTIE_HASH_SKB] = "skb",
	[BOWTIE_HASH_L3] = "l3",
	[BOWTIE_HASH_L4] = "l4",
	[BOWTIE_HASH_SYMMETRIC] = "symmetric",
};

static const struct bt_enum hash_names = ENUM(hash_list);

static const char *const esp_mode_list[] = {
	[BOWTIE_ESP_AUTO] = "auto",
	[BOWTIE_ESP_XFRM] = "xfrm",
	[BOWTIE_ESP_FAST] = "fast",
};

static const struct bt_enum esp_mode_names = ENUM(esp_mode_list);

static const char *const df_list[] = {
	[BOWTIE_DF_COPY] = "copy",
	[BOWTIE_DF_CLEAR] = "clear",
	[BOWTIE_DF_SET] = "set",
};

static const struct bt_enum df_names = ENUM(df_list);

static const char *const admin_list[] = {
	[BOWTIE_ADMIN_UP] = "up",
	[BOWTIE_ADMIN_DOWN] = "down",
	[BOWTIE_ADMIN_DRAIN] = "drain",
};

static const struct bt_enum admin_names = ENUM(admin_list);

static const char *const oper_list[] = {
	[BOWTIE_OPER_DOWN] = "down",
	[BOWTIE_OPER_PROBING] = "probing",
	[BOWTIE_OPER_UP] = "up",
	[BOWTIE_OPER_DRAIN] = "drain",
};

const struct bt_enum bt_oper_names = ENUM(oper_list);

static const char *const reason_list[] = {
	[BOWTIE_REASON_NONE] = "none",
	[BOWTIE_REASON_ADMIN] = "admin",
	[BOWTIE_REASON_NO_SA] = "no-sa",
	[BOWTIE_REASON_NO_ANSWER] = "no-answer",
	[BOWTIE_REASON_HOLD_DOWN] = "hold-down",
	[BOWTIE_REASON_DRAINED] = "drained",
};

static const struct bt_enum reason_names = ENUM(reason_list);

static const char *const probe_type_list[] = {
	[BOWTIE_PROBE_TYPE_NONE] = "none",
	[BOWTIE_PROBE_TYPE_ICMP] = "icmp",
	[BOWTIE_PROBE_TYPE_TCP] = "tcp",
	[BOWTIE_PROBE_TYPE_BOWTIE] = "bowtie",
};

static const struct bt_enum probe_type_names = ENUM(probe_type_list);

static const char *const sa_dir_list[] = {
	[BOWTIE_SA_IN] = "in",
	[BOWTIE_SA_OUT] = "out",
};

static const struct bt_enum sa_dir_names = ENUM(sa_dir_list);

/* IF_OPER_* of linux/if.h */
static const char *const operstate_list[] = {
	"unknown", "notpresent", "down", "lowerlayerdown", "testing", "dormant", "up",
};

static const struct bt_enum operstate_names = ENUM(operstate_list);

#define OBJECT(_name, _fields)						\
	const struct bt_object bt_##_name##_object = {			\
		.name = #_name,						\
		.size = sizeof(struct bt_##_name),			\
		.fields = _fields,					\
		.n = BT_ARRAY_SIZE(_fields),				\
	}

/* A field that is a netlink attribute. */
#define FIELD(_struct, _member, _attr, _name, _type, ...) {		\
	.name = _name,							\
	.type = &bt_type_##_type,					\
	.offset = offsetof(struct _struct, _member),			\
	.attr = _attr,							\
	.bit = _attr,							\
	__VA_ARGS__							\
}

/* A field that is none. */
#define LOCAL_FIELD(_struct, _member, _bit, _name, _type, ...) {	\
	.name = _name,							\
	.type = &bt_type_##_type,					\
	.offset = offsetof(struct _struct, _member),			\
	.bit = _bit,							\
	__VA_ARGS__							\
}

#define S(_ATTR, _name)	\
	FIELD(bt_stats, c[BOWTIE_A_STATS_##_ATTR], BOWTIE_A_STATS_##_ATTR, _name, u64)

static const struct bt_field stats_fields[] = {
	S(TX_PACKETS, "tx-packets"),
	S(TX_BYTES, "tx-bytes"),
	S(RX_PACKETS, "rx-packets"),
	S(RX_BYTES, "rx-bytes"),
	S(TX_FALLBACK, "tx-fallback"),
	S(TX_FRAGMENTED, "tx-fragmented"),
	S(TX_MSS_CLAMPED, "tx-mss-clamped"),
	S(RX_MSS_CLAMPED, "rx-mss-clamped"),
	S(TX_DROP_INVALID, "tx-drop-invalid"),
	S(TX_DROP_MULTICAST, "tx-drop-multicast"),
	S(TX_DROP_HAIRPIN, "tx-drop-hairpin"),
	S(TX_DROP_NO_ROUTE, "tx-drop-no-route"),
	S(TX_DROP_NO_TUNNEL, "tx-drop-no-tunnel"),
	S(TX_DROP_NO_SA, "tx-drop-no-sa"),
	S(TX_DROP_NO_UNDERLAY, "tx-drop-no-underlay"),
	S(TX_DROP_LOOP, "tx-drop-loop"),
	S(TX_DROP_SELECTOR, "tx-drop-selector"),
	S(TX_DROP_TOO_BIG, "tx-drop-too-big"),
	S(TX_DROP_NO_MEMORY, "tx-drop-no-memory"),
	S(TX_DROP_ESP, "tx-drop-esp"),
	S(RX_DROP_ESP, "rx-drop-esp"),
	S(RX_DROP_INVALID, "rx-drop-invalid"),
	S(RX_DROP_DOWN, "rx-drop-down"),
	S(RX_DROP_SELECTOR, "rx-drop-selector"),
	S(RX_DROP_SPOOFED, "rx-drop-spoofed"),
	S(RX_DROP_NO_ROUTE, "rx-drop-no-route"),
	S(RX_DROP_NO_MEMORY, "rx-drop-no-memory"),
	S(RX_DROP_BACKLOG, "rx-drop-backlog"),
	S(TX_PROBES, "tx-probes"),
	S(RX_ANSWERS, "rx-answers"),
	S(RX_ANSWERS_BAD, "rx-answers-bad"),
	S(RX_PROBES, "rx-probes"),
	S(RX_EARLY, "rx-early"),
};

OBJECT(stats, stats_fields);

#define L(_member, _ATTR, _name, _type, ...)	\
	FIELD(bt_link, _member, BOWTIE_A_LINK_##_ATTR, _name, _type, ##__VA_ARGS__)
#define OPTIONAL	(BT_F_SET | BT_F_OPTIONAL)

static const struct bt_field link_fields[] = {
	LOCAL_FIELD(bt_link, up, BT_LINK_UP, "up", flag),
	LOCAL_FIELD(bt_link, operstate, BT_LINK_OPERSTATE, "operstate", enum,
		    .names = &operstate_names),
	L(mtu, MTU, "mtu", u32, .flags = BT_F_SET | BT_F_RTNL, .min = MTU_MIN, .max = MTU_MAX),
	L(mtu_auto, MTU_AUTO, "mtu-auto", onoff, .flags = OPTIONAL, .def = 1),
	L(tunnels, TUNNELS, "tunnels", u32),
	L(tunnels_up, TUNNELS_UP, "tunnels-up", u32),
	L(routes, ROUTES, "routes", u32),
	L(groups, GROUPS, "groups", u32, .flags = BT_F_DETAIL),
	L(fwmark, FWMARK, "fwmark", hex, .flags = OPTIONAL, .line = 1),
	L(hash, HASH, "hash", enum, .flags = OPTIONAL, .line = 1, .names = &hash_names),
	L(hairpin, HAIRPIN, "hairpin", onoff, .flags = OPTIONAL, .line = 1),
	L(strict_source, STRICT_SOURCE, "strict-source", onoff, .flags = OPTIONAL, .line = 1),
	L(idle_timer, IDLE_TIMER, "idle-timer", ms, .flags = OPTIONAL, .line = 1,
	  .max = BOWTIE_TIMER_MAX, .def = 120000),
	L(unbalanced_timer, UNBALANCED_TIMER, "unbalanced-timer", ms, .flags = OPTIONAL,
	  .line = 1, .max = BOWTIE_TIMER_MAX),
	L(underlay_netnsid, UNDERLAY_NETNSID, "underlay-netnsid", s32, .line = 1),
	L(buckets, BUCKETS, "buckets", u32, .flags = BT_F_DETAIL, .line = 1),
	L(stats, STATS, "stats", nested, .flags = BT_F_STATS, .nested = &bt_stats_object),
};

OBJECT(link, link_fields);

static const struct bt_field selector_fields[] = {
	FIELD(bt_selector, local, BOWTIE_A_SELECTOR_LOCAL, "local", prefix, .flags = BT_F_SET),
	FIELD(bt_selector, remote, BOWTIE_A_SELECTOR_REMOTE, "remote", prefix, .flags = BT_F_SET),
};

OBJECT(selector, selector_fields);

#define T(_member, _ATTR, _name, _type, ...)	\
	FIELD(bt_tunnel, _member, BOWTIE_A_TUNNEL_##_ATTR, _name, _type, ##__VA_ARGS__)
#define INSIDE		(BT_F_SET | BT_F_UNSET)

static const struct bt_field tunnel_fields[] = {
	T(id, ID, "id", u32, .flags = BT_F_KEY, .max = BOWTIE_TUNNELS_MAX - 1),
	T(name, NAME, "name", name, .flags = BT_F_SET | BT_F_HEAD, .max = BOWTIE_NAME_MAX),
	T(if_id, IF_ID, "if-id", u32, .flags = BT_F_SET, .min = 1),
	T(local, LOCAL, "local", outer, .flags = BT_F_SET),
	T(remote, REMOTE, "remote", outer, .flags = BT_F_SET),
	T(oper, OPER, "oper", enum, .names = &bt_oper_names),
	T(reason, REASON, "reason", enum, .flags = BT_F_OPTIONAL, .names = &reason_names),
	T(since, SINCE, "since", since),
	T(hold_down, HOLD_DOWN, "hold-down", ms),
	T(inside_local4, INSIDE_LOCAL4, "inside-local4", inside, .word = "inside-local",
	  .flags = INSIDE, .min = 4, .line = 1),
	T(inside_peer4, INSIDE_PEER4, "inside-peer4", inside, .word = "inside-peer",
	  .flags = INSIDE, .min = 4, .line = 1),
	T(inside_local6, INSIDE_LOCAL6, "inside-local6", inside, .word = "inside-local",
	  .flags = INSIDE, .min = 16, .line = 1),
	T(inside_peer6, INSIDE_PEER6, "inside-peer6", inside, .word = "inside-peer",
	  .flags = INSIDE, .min = 16, .line = 1),
	T(mtu, MTU, "mtu", u32, .flags = BT_F_OPTIONAL, .line = 1),
	T(admin, ADMIN, "admin", enum, .flags = OPTIONAL, .line = 2, .names = &admin_names),
	T(weight, WEIGHT, "weight", u32, .flags = OPTIONAL, .line = 2, .min = 1,
	  .max = BOWTIE_WEIGHT_MAX, .def = 1),
	T(tier, TIER, "tier", u32, .flags = OPTIONAL, .line = 2, .max = BOWTIE_TIER_MAX),
	T(esp_mode, ESP_MODE, "esp-mode", enum, .flags = OPTIONAL, .line = 2,
	  .names = &esp_mode_names),
	T(mss, MSS, "mss", mss, .flags = OPTIONAL, .line = 2, .def = BOWTIE_MSS_AUTO),
	T(df, DF, "df", enum, .flags = OPTIONAL, .line = 2, .names = &df_names),
	T(mark, MARK, "mark", hex, .flags = OPTIONAL, .line = 2),
	T(drain_timeout, DRAIN_TIMEOUT, "drain-timeout", ms, .flags = OPTIONAL, .line = 2,
	  .max = BOWTIE_TIMER_MAX, .def = 300000),
	T(probe, PROBE, "probe", enum, .flags = OPTIONAL, .line = 3, .names = &probe_type_names),
	T(probe_interval, PROBE_INTERVAL, "probe-interval", ms, .flags = OPTIONAL, .line = 3,
	  .min = BOWTIE_PROBE_INTERVAL_MIN, .max = BOWTIE_PROBE_INTERVAL_MAX,
	  .def = BOWTIE_PROBE_INTERVAL_DEFAULT),
	T(probe_multiplier, PROBE_MULTIPLIER, "probe-multiplier", u32, .flags = OPTIONAL,
	  .line = 3, .min = BOWTIE_PROBE_MULTIPLIER_MIN, .max = BOWTIE_PROBE_MULTIPLIER_MAX,
	  .def = BOWTIE_PROBE_MULTIPLIER_DEFAULT),
	T(probe_port, PROBE_PORT, "probe-port", u32, .flags = OPTIONAL, .line = 3, .min = 1,
	  .max = UINT16_MAX, .def = BOWTIE_PROBE_PORT_DEFAULT),
	T(rtt, RTT, "rtt", us, .line = 3),
	T(rtt_min, RTT_MIN, "rtt-min", us, .flags = BT_F_DETAIL, .line = 3),
	T(rtt_avg, RTT_AVG, "rtt-avg", us, .flags = BT_F_DETAIL, .line = 3),
	T(jitter, JITTER, "jitter", us, .flags = BT_F_DETAIL, .line = 3),
	T(loss, LOSS, "loss", permille, .line = 3),
	T(selectors, SELECTORS, "selectors", list, .word = "selector", .flags = OPTIONAL,
	  .line = 4, .max = BOWTIE_SELECTORS_MAX, .nested = &bt_selector_object,
	  .item = BOWTIE_A_SELECTORS_SELECTOR),
	T(sas_in, SAS_IN, "sas-in", u32, .flags = BT_F_DETAIL, .line = 5),
	T(sas_out, SAS_OUT, "sas-out", u32, .flags = BT_F_DETAIL, .line = 5),
	T(transitions, TRANSITIONS, "transitions", u32, .flags = BT_F_DETAIL, .line = 5),
	T(stats, STATS, "stats", nested, .flags = BT_F_STATS, .nested = &bt_stats_object),
};

OBJECT(tunnel, tunnel_fields);

#define N(_member, _ATTR, _name, _type, ...)	\
	FIELD(bt_nexthop, _member, BOWTIE_A_NEXTHOP_##_ATTR, _name, _type, ##__VA_ARGS__)

static const struct bt_field nexthop_fields[] = {
	N(tunnel, TUNNEL, "tunnel", u32, .flags = BT_F_SET | BT_F_HEAD,
	  .max = BOWTIE_TUNNELS_MAX - 1),
	N(weight, WEIGHT, "weight", u32, .flags = BT_F_SET, .min = 1, .max = BOWTIE_WEIGHT_MAX),
	N(tier, TIER, "tier", u32, .flags = BT_F_SET, .max = BOWTIE_TIER_MAX),
	N(buckets, BUCKETS, "buckets", u32, .flags = BT_F_DETAIL),
};

OBJECT(nexthop, nexthop_fields);

#define R(_member, _ATTR, _name, _type, ...)	\
	FIELD(bt_route, _member, BOWTIE_A_ROUTE_##_ATTR, _name, _type, ##__VA_ARGS__)

static const struct bt_field route_fields[] = {
	R(dst, DST, "dst", prefix, .flags = BT_F_KEY | BT_F_HEAD),
	R(pinned, PINNED, "pinned", u32, .flags = BT_F_HEAD),
	R(nexthops, NEXTHOP, "nexthops", list, .flags = BT_F_SET | BT_F_HEAD,
	  .nested = &bt_nexthop_object),
	R(group, GROUP, "group", u32, .flags = BT_F_DETAIL),
	R(tunnels_up, TUNNELS_UP, "tunnels-up", u32, .flags = BT_F_DETAIL),
};

OBJECT(route, route_fields);

#define A(_member, _ATTR, _name, _type, ...)	\
	FIELD(bt_sa, _member, BOWTIE_A_SA_##_ATTR, _name, _type, ##__VA_ARGS__)

static const struct bt_field sa_fields[] = {
	A(tunnel, TUNNEL, "tunnel", u32, .flags = BT_F_HEAD),
	A(dir, DIR, "dir", enum, .names = &sa_dir_names),
	A(spi, SPI, "spi", hex, .flags = BT_F_KEY, .min = 1),
	A(src, SRC, "src", outer),
	A(dst, DST, "dst", outer),
	A(current, CURRENT, "current", flag),
	A(valid, VALID, "valid", flag),
	A(suspect, SUSPECT, "suspect", flag),
	A(algorithm, ALGORITHM, "algorithm", string, .line = 1),
	A(key_bits, KEY_BITS, "key-bits", u32, .flags = BT_F_DETAIL, .line = 1),
	A(icv_bits, ICV_BITS, "icv-bits", u32, .flags = BT_F_DETAIL, .line = 1),
	A(esn, ESN, "esn", flag, .line = 1),
	A(replay_window, REPLAY_WINDOW, "replay-window", u32, .flags = BT_F_DETAIL, .line = 1),
	A(encap_sport, ENCAP_SPORT, "encap-sport", u32, .line = 1),
	A(encap_dport, ENCAP_DPORT, "encap-dport", u32, .line = 1),
	A(offload, OFFLOAD, "offload", flag, .line = 1),
	A(esp_mode, ESP_MODE, "esp-mode", enum, .flags = BT_F_DETAIL, .line = 1,
	  .names = &esp_mode_names),
	A(add_time, ADD_TIME, "add-time", time, .word = "age", .line = 2),
	A(use_time, USE_TIME, "use-time", time, .word = "used", .flags = BT_F_DETAIL, .line = 2),
	A(packets, PACKETS, "packets", u64, .line = 2),
	A(bytes, BYTES, "bytes", u64, .line = 2),
	A(err_replay, ERR_REPLAY, "err-replay", u32, .flags = BT_F_STATS, .line = 3),
	A(err_window, ERR_WINDOW, "err-window", u32, .flags = BT_F_STATS, .line = 3),
	A(err_integrity, ERR_INTEGRITY, "err-integrity", u32, .flags = BT_F_STATS, .line = 3),
};

OBJECT(sa, sa_fields);

/**
 * bt_link_parse() - set a setting of a link from text
 * @l: link
 * @word: the setting; beside those of the table, "mtu" may be "auto"
 * @text: value
 * @e: names the setting, and says which values there are
 *
 * An MTU that is given by hand no longer follows the tunnels.
 * Return: 0, -ENOENT (no such setting) or -EINVAL.
 */
int bt_link_parse(struct bt_link *l, const char *word, const char *text, struct bt_error *e)
{
	bool mtu = !strcmp(word, "mtu");
	int err;

	if (mtu && !strcmp(text, "auto")) {
		l->mtu_auto = true;
		l->set |= BT_BIT(BOWTIE_A_LINK_MTU_AUTO);
		l->set &= ~BT_BIT(BOWTIE_A_LINK_MTU);
		return 0;
	}
	err = bt_object_parse(&bt_link_object, l, word, text, e);
	if (mtu && err == -EINVAL)
		return bt_error_set(e, err, "mtu: \"%s\" is neither auto nor %u to %u", text,
				    MTU_MIN, MTU_MAX);
	if (!err && mtu) {
		l->mtu_auto = false;
		l->set |= BT_BIT(BOWTIE_A_LINK_MTU_AUTO);
	}
	return err;
}

/**
 * bt_link_settings() - settings that differ from the defaults, but for the MTU
 * @l: link
 * @out: appended to; each setting is " word value"
 *
 * How the MTU is put is up to the caller: as it is written, or as it is now.
 */
void bt_link_settings(const struct bt_link *l, struct bt_buf *out)
{
	struct bt_link others = *l;

	others.set &= ~BT_BIT(BOWTIE_A_LINK_MTU_AUTO);
	bt_object_settings(&bt_link_object, &others, out);
}

/**
 * bt_tunnel_fix_families() - give an outer address that is "any" a family
 * @t: tunnel
 * @family: what the tunnel has now, or AF_UNSPEC
 *
 * The family is that of the other end, if it is given too.
 */
void bt_tunnel_fix_families(struct bt_tunnel *t, int family)
{
	if (family == AF_UNSPEC)
		family = AF_INET;
	if (t->local.family == AF_UNSPEC)
		t->local.family = t->remote.family != AF_UNSPEC ? t->remote.family : family;
	if (t->remote.family == AF_UNSPEC)
		t->remote.family = t->local.family;
}

/**
 * bt_route_cmp() - order of routes, for qsort(): by device, then by prefix
 * @a: struct bt_route
 * @b: struct bt_route
 */
int bt_route_cmp(const void *a, const void *b)
{
	const struct bt_route *x = a, *y = b;

	if (x->dev.ifindex != y->dev.ifindex)
		return x->dev.ifindex < y->dev.ifindex ? -1 : 1;
	return bt_prefix_cmp(&x->dst, &y->dst);
}

/**
 * bt_links_free() - release an array of links
 * @links: becomes empty
 */
void bt_links_free(struct bt_links *links)
{
	size_t i;

	for (i = 0; i < links->n; i++)
		bt_object_free(&bt_link_object, &links->v[i]);
	free(links->v);
	*links = (struct bt_links){};
}

/**
 * bt_tunnels_free() - release an array of tunnels
 * @tunnels: becomes empty
 */
void bt_tunnels_free(struct bt_tunnels *tunnels)
{
	size_t i;

	for (i = 0; i < tunnels->n; i++)
		bt_object_free(&bt_tunnel_object, &tunnels->v[i]);
	free(tunnels->v);
	*tunnels = (struct bt_tunnels){};
}

/**
 * bt_routes_free() - release an array of routes
 * @routes: becomes empty
 */
void bt_routes_free(struct bt_routes *routes)
{
	size_t i;

	for (i = 0; i < routes->n; i++)
		bt_object_free(&bt_route_object, &routes->v[i]);
	free(routes->v);
	*routes = (struct bt_routes){};
}

/**
 * bt_sas_free() - release an array of SAs
 * @sas: becomes empty
 */
void bt_sas_free(struct bt_sas *sas)
{
	size_t i;

	for (i = 0; i < sas->n; i++)
		bt_object_free(&bt_sa_object, &sas->v[i]);
	free(sas->v);
	*sas = (struct bt_sas){};
}

/**
 * bt_tunnels_by_id() - find a tunnel
 * @tunnels: where to look
 * @ifindex: of its link, or 0 for any
 * @id: its id
 *
 * Return: the tunnel or NULL.
 */
const struct bt_tunnel *bt_tunnels_by_id(const struct bt_tunnels *tunnels, int ifindex,
					 uint32_t id)
{
	size_t i;

	for (i = 0; i < tunnels->n; i++)
		if (tunnels->v[i].id == id && (!ifindex || tunnels->v[i].dev.ifindex == ifindex))
			return &tunnels->v[i];
	return NULL;
}
