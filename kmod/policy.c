// SPDX-License-Identifier: GPL-2.0
/*
 * What each command accepts. Fields that a command must not take are not in its
 * policy, so that the core refuses them. netlink_policy.py compares this with
 * Documentation/netlink/specs/bowtie.yaml.
 */
#include <linux/if.h>

#include "netlink.h"

/* The attribute's range field is no pointer to const before 6.6. */
static struct netlink_range_validation weight_range = {
	.min = 1, .max = BOWTIE_WEIGHT_MAX,
};

static struct netlink_range_validation probe_interval_range = {
	.min = BOWTIE_PROBE_INTERVAL_MIN, .max = BOWTIE_PROBE_INTERVAL_MAX,
};

static struct netlink_range_validation probe_multiplier_range = {
	.min = BOWTIE_PROBE_MULTIPLIER_MIN, .max = BOWTIE_PROBE_MULTIPLIER_MAX,
};

static struct netlink_range_validation port_range = {
	.min = 1, .max = U16_MAX,
};

/* Times, in ms. */
static struct netlink_range_validation timer_range = {
	.max = BOWTIE_TIMER_MAX,
};

#define POLICY_PREFIX_LEN	NLA_POLICY_MAX(NLA_U32, 128)
#define POLICY_ADDRESS		{ .type = NLA_BINARY, .len = sizeof(struct in6_addr) }
#define POLICY_WEIGHT		NLA_POLICY_FULL_RANGE(NLA_U32, &weight_range)
#define POLICY_TIMER		NLA_POLICY_FULL_RANGE(NLA_U32, &timer_range)
#define POLICY_TUNNEL_ID	NLA_POLICY_MAX(NLA_U32, BOWTIE_TUNNELS_MAX - 1)

/* Also of IFLA_INFO_DATA. */
const struct nla_policy bowtie_link_nl_policy[BOWTIE_A_LINK_MAX + 1] = {
	[BOWTIE_A_LINK_FWMARK] = { .type = NLA_U32 },
	[BOWTIE_A_LINK_HASH] = NLA_POLICY_MAX(NLA_U32, BOWTIE_HASH_MAX),
	[BOWTIE_A_LINK_HAIRPIN] = NLA_POLICY_MAX(NLA_U32, 1),
	[BOWTIE_A_LINK_STRICT_SOURCE] = NLA_POLICY_MAX(NLA_U32, 1),
	[BOWTIE_A_LINK_MTU_AUTO] = NLA_POLICY_MAX(NLA_U32, 1),
	[BOWTIE_A_LINK_IDLE_TIMER] = POLICY_TIMER,
	[BOWTIE_A_LINK_UNBALANCED_TIMER] = POLICY_TIMER,
};

const struct nla_policy bowtie_selector_nl_policy[BOWTIE_A_SELECTOR_MAX + 1] = {
	[BOWTIE_A_SELECTOR_LOCAL] = POLICY_ADDRESS,
	[BOWTIE_A_SELECTOR_LOCAL_LEN] = POLICY_PREFIX_LEN,
	[BOWTIE_A_SELECTOR_REMOTE] = POLICY_ADDRESS,
	[BOWTIE_A_SELECTOR_REMOTE_LEN] = POLICY_PREFIX_LEN,
};

const struct nla_policy bowtie_selectors_nl_policy[BOWTIE_A_SELECTORS_MAX + 1] = {
	[BOWTIE_A_SELECTORS_SELECTOR] = NLA_POLICY_NESTED(bowtie_selector_nl_policy),
};

const struct nla_policy bowtie_tunnel_nl_policy[BOWTIE_A_TUNNEL_MAX + 1] = {
	[BOWTIE_A_TUNNEL_ID] = POLICY_TUNNEL_ID,
	[BOWTIE_A_TUNNEL_NAME] = { .type = NLA_NUL_STRING, .len = BOWTIE_NAME_MAX },
	[BOWTIE_A_TUNNEL_IF_ID] = NLA_POLICY_MIN(NLA_U32, 1),
	[BOWTIE_A_TUNNEL_LOCAL] = POLICY_ADDRESS,
	[BOWTIE_A_TUNNEL_REMOTE] = POLICY_ADDRESS,
	[BOWTIE_A_TUNNEL_INSIDE_LOCAL4] = { .type = NLA_U32 },
	[BOWTIE_A_TUNNEL_INSIDE_PEER4] = { .type = NLA_U32 },
	[BOWTIE_A_TUNNEL_INSIDE_LOCAL6] = NLA_POLICY_EXACT_LEN(sizeof(struct in6_addr)),
	[BOWTIE_A_TUNNEL_INSIDE_PEER6] = NLA_POLICY_EXACT_LEN(sizeof(struct in6_addr)),
	[BOWTIE_A_TUNNEL_SELECTORS] = NLA_POLICY_NESTED(bowtie_selectors_nl_policy),
	[BOWTIE_A_TUNNEL_WEIGHT] = POLICY_WEIGHT,
	[BOWTIE_A_TUNNEL_TIER] = NLA_POLICY_MAX(NLA_U32, BOWTIE_TIER_MAX),
	[BOWTIE_A_TUNNEL_ESP_MODE] = NLA_POLICY_MAX(NLA_U32, BOWTIE_ESP_MAX),
	[BOWTIE_A_TUNNEL_MSS] = { .type = NLA_U32 },
	[BOWTIE_A_TUNNEL_DF] = NLA_POLICY_MAX(NLA_U32, BOWTIE_DF_MAX),
	[BOWTIE_A_TUNNEL_MARK] = { .type = NLA_U32 },
	[BOWTIE_A_TUNNEL_DRAIN_TIMEOUT] = POLICY_TIMER,
	[BOWTIE_A_TUNNEL_ADMIN] = NLA_POLICY_MAX(NLA_U32, BOWTIE_ADMIN_MAX),
	[BOWTIE_A_TUNNEL_PROBE] = NLA_POLICY_MAX(NLA_U32, BOWTIE_PROBE_TYPE_MAX),
	[BOWTIE_A_TUNNEL_PROBE_INTERVAL] = NLA_POLICY_FULL_RANGE(NLA_U32, &probe_interval_range),
	[BOWTIE_A_TUNNEL_PROBE_MULTIPLIER] =
		NLA_POLICY_FULL_RANGE(NLA_U32, &probe_multiplier_range),
	[BOWTIE_A_TUNNEL_PROBE_PORT] = NLA_POLICY_FULL_RANGE(NLA_U32, &port_range),
};

const struct nla_policy bowtie_tunnel_key_nl_policy[BOWTIE_A_TUNNEL_NAME + 1] = {
	[BOWTIE_A_TUNNEL_ID] = POLICY_TUNNEL_ID,
	[BOWTIE_A_TUNNEL_NAME] = { .type = NLA_NUL_STRING, .len = BOWTIE_NAME_MAX },
};

const struct nla_policy bowtie_nexthop_nl_policy[BOWTIE_A_NEXTHOP_TIER + 1] = {
	[BOWTIE_A_NEXTHOP_TUNNEL] = POLICY_TUNNEL_ID,
	[BOWTIE_A_NEXTHOP_WEIGHT] = POLICY_WEIGHT,
	[BOWTIE_A_NEXTHOP_TIER] = NLA_POLICY_MAX(NLA_U32, BOWTIE_TIER_MAX),
};

const struct nla_policy bowtie_route_nl_policy[BOWTIE_A_ROUTE_NEXTHOP + 1] = {
	[BOWTIE_A_ROUTE_DST] = POLICY_ADDRESS,
	[BOWTIE_A_ROUTE_LEN] = POLICY_PREFIX_LEN,
	[BOWTIE_A_ROUTE_NEXTHOP] = NLA_POLICY_NESTED(bowtie_nexthop_nl_policy),
};

const struct nla_policy bowtie_route_key_nl_policy[BOWTIE_A_ROUTE_LEN + 1] = {
	[BOWTIE_A_ROUTE_DST] = POLICY_ADDRESS,
	[BOWTIE_A_ROUTE_LEN] = POLICY_PREFIX_LEN,
};

const struct nla_policy bowtie_sa_key_nl_policy[BOWTIE_A_SA_SPI + 1] = {
	[BOWTIE_A_SA_SPI] = { .type = NLA_U32 },
};

#define POLICY_DEVICE						\
	[BOWTIE_A_IFINDEX] = NLA_POLICY_MIN(NLA_S32, 1),	\
	[BOWTIE_A_IFNAME] = { .type = NLA_NUL_STRING, .len = IFNAMSIZ - 1 }

const struct nla_policy bowtie_dev_nl_policy[BOWTIE_A_IFNAME + 1] = {
	POLICY_DEVICE,
};

const struct nla_policy bowtie_link_set_nl_policy[BOWTIE_A_LINK + 1] = {
	POLICY_DEVICE,
	[BOWTIE_A_LINK] = NLA_POLICY_NESTED(bowtie_link_nl_policy),
};

const struct nla_policy bowtie_tunnel_new_nl_policy[BOWTIE_A_MODE + 1] = {
	POLICY_DEVICE,
	[BOWTIE_A_TUNNEL] = NLA_POLICY_NESTED(bowtie_tunnel_nl_policy),
	[BOWTIE_A_MODE] = NLA_POLICY_MAX(NLA_U32, BOWTIE_MODE_MAX),
};

const struct nla_policy bowtie_tunnel_set_nl_policy[BOWTIE_A_TUNNEL + 1] = {
	POLICY_DEVICE,
	[BOWTIE_A_TUNNEL] = NLA_POLICY_NESTED(bowtie_tunnel_nl_policy),
};

const struct nla_policy bowtie_tunnel_get_nl_policy[BOWTIE_A_TUNNEL + 1] = {
	POLICY_DEVICE,
	[BOWTIE_A_TUNNEL] = NLA_POLICY_NESTED(bowtie_tunnel_key_nl_policy),
};

const struct nla_policy bowtie_route_new_nl_policy[BOWTIE_A_MODE + 1] = {
	POLICY_DEVICE,
	[BOWTIE_A_ROUTE] = NLA_POLICY_NESTED(bowtie_route_nl_policy),
	[BOWTIE_A_MODE] = NLA_POLICY_MAX(NLA_U32, BOWTIE_MODE_MAX),
};

const struct nla_policy bowtie_route_get_nl_policy[BOWTIE_A_ROUTE + 1] = {
	POLICY_DEVICE,
	[BOWTIE_A_ROUTE] = NLA_POLICY_NESTED(bowtie_route_key_nl_policy),
};

const struct nla_policy bowtie_sa_get_nl_policy[BOWTIE_A_SA + 1] = {
	POLICY_DEVICE,
	[BOWTIE_A_SA] = NLA_POLICY_NESTED(bowtie_sa_key_nl_policy),
};
