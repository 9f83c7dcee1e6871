// SPDX-License-Identifier: GPL-2.0
/* PURE: rtnetlink messages about addresses, routes and devices. */
#include "rtnl_parse.h"

#include <linux/if_addr.h>
#include <linux/if_link.h>
#include <linux/rtnetlink.h>
#include <netlink/attr.h>
#include <netlink/msg.h>
#include <stdlib.h>
#include <string.h>

#include "names.h"

/* <linux/if_addr.h> of Debian 12's libc is older than the attribute. */
#define BT_IFA_PROTO	11

static bool attr_addr(const struct nlattr *attr, int family, struct bt_addr *out)
{
	return attr && bt_addr_from_bytes(nla_data(attr), (size_t)nla_len(attr), out) &&
	       out->family == family;
}

/**
 * bt_rtnl_parse_addr() - is a message about an address?
 * @nlh: RTM_NEWADDR or RTM_DELADDR
 * @ifindex: its device
 * @out: the address
 *
 * Return: true if it is.
 */
bool bt_rtnl_parse_addr(struct nlmsghdr *nlh, int *ifindex, struct bt_fact_addr *out)
{
	const struct ifaddrmsg *ifa = nlmsg_data(nlh);
	struct nlattr *tb[BT_IFA_PROTO + 1];

	*out = (struct bt_fact_addr){};
	if (!nlmsg_valid_hdr(nlh, sizeof(*ifa)) ||
	    (ifa->ifa_family != AF_INET && ifa->ifa_family != AF_INET6) ||
	    nlmsg_parse(nlh, sizeof(*ifa), tb, BT_IFA_PROTO, NULL) < 0)
		return false;
	/* Of a point-to-point address IFA_ADDRESS is the other end. */
	if (!attr_addr(tb[IFA_LOCAL] ? tb[IFA_LOCAL] : tb[IFA_ADDRESS], ifa->ifa_family,
		       &out->p.addr))
		return false;
	out->p.len = ifa->ifa_prefixlen;
	out->ours = tb[BT_IFA_PROTO] && nla_len(tb[BT_IFA_PROTO]) == 1 &&
		    nla_get_u8(tb[BT_IFA_PROTO]) == BT_ADDRPROT;
	*ifindex = (int)ifa->ifa_index;
	return true;
}

static bool parse_gateway(struct nlattr **tb, int family, struct bt_addr *out)
{
	const struct nlattr *via = tb[RTA_VIA];
	const struct rtvia *rtvia;

	*out = (struct bt_addr){};
	if (via) {
		rtvia = nla_data(via);
		return nla_len(via) > (int)sizeof(*rtvia) &&
		       bt_addr_from_bytes(rtvia->rtvia_addr,
					  (size_t)nla_len(via) - sizeof(*rtvia), out) &&
		       out->family == rtvia->rtvia_family;
	}
	return !tb[RTA_GATEWAY] || attr_addr(tb[RTA_GATEWAY], family, out);
}

static bool add_hop(struct bt_fact_hops *hops, int ifindex, struct nlattr **tb, int family,
		    uint32_t weight)
{
	struct bt_fact_hop hop = { .ifindex = ifindex, .weight = weight };

	if (!parse_gateway(tb, family, &hop.gateway))
		return false;
	*bt_array_add(hops) = hop;
	return true;
}

static bool parse_multipath(const struct nlattr *attr, int family, struct bt_fact_hops *hops)
{
	char *pos = nla_data(attr);
	int rem = nla_len(attr);
	struct nlattr *tb[RTA_MAX + 1];

	while (rem >= (int)sizeof(struct rtnexthop)) {
		struct rtnexthop nh;
		int len;

		memcpy(&nh, pos, sizeof(nh));
		if (nh.rtnh_len < sizeof(nh) || nh.rtnh_len > rem)
			return false;
		if (nla_parse(tb, RTA_MAX, (struct nlattr *)(void *)(pos + sizeof(nh)),
			      (int)(nh.rtnh_len - sizeof(nh)), NULL) < 0 ||
		    !add_hop(hops, nh.rtnh_ifindex, tb, family, nh.rtnh_hops + 1u))
			return false;
		len = (int)RTNH_ALIGN(nh.rtnh_len);
		pos += len;
		rem -= len;
	}
	return true;
}

static bool parse_dst(const struct rtmsg *rtm, const struct nlattr *dst, struct bt_prefix *out)
{
	*out = (struct bt_prefix){ .len = rtm->rtm_dst_len };
	out->addr.family = rtm->rtm_family;
	if (dst && !attr_addr(dst, rtm->rtm_family, &out->addr))
		return false;
	return out->len <= bt_addr_bits(&out->addr) && (dst || !out->len);
}

/* One that leads nowhere takes the place of a unicast route without a word about that. */
static bool leads_nowhere(unsigned char type)
{
	return type == RTN_UNREACHABLE || type == RTN_BLACKHOLE || type == RTN_PROHIBIT ||
	       type == RTN_THROW;
}

/**
 * bt_rtnl_parse_route() - is a message about a route for packets to others?
 * @nlh: RTM_NEWROUTE or RTM_DELROUTE
 * @out: the route, whatever its devices; without next hops if it is not unicast. The
 *	caller frees its next hops, if it is one
 *
 * Return: true if it is.
 */
bool bt_rtnl_parse_route(struct nlmsghdr *nlh, struct bt_fact_route *out)
{
	const struct rtmsg *rtm = nlmsg_data(nlh);
	struct nlattr *tb[RTA_MAX + 1];
	bool ok = true;

	*out = (struct bt_fact_route){};
	if (!nlmsg_valid_hdr(nlh, sizeof(*rtm)) ||
	    (rtm->rtm_type != RTN_UNICAST && !leads_nowhere(rtm->rtm_type)) ||
	    (rtm->rtm_family != AF_INET && rtm->rtm_family != AF_INET6) ||
	    (rtm->rtm_flags & RTM_F_CLONED) ||
	    nlmsg_parse(nlh, sizeof(*rtm), tb, RTA_MAX, NULL) < 0 ||
	    !parse_dst(rtm, tb[RTA_DST], &out->dst))
		return false;
	out->protocol = rtm->rtm_protocol;
	out->table = tb[RTA_TABLE] && nla_len(tb[RTA_TABLE]) == 4 ? nla_get_u32(tb[RTA_TABLE]) :
		     rtm->rtm_table;
	if (tb[RTA_PRIORITY] && nla_len(tb[RTA_PRIORITY]) == 4)
		out->metric = nla_get_u32(tb[RTA_PRIORITY]);
	if (rtm->rtm_type != RTN_UNICAST)
		return true;
	if (tb[RTA_MULTIPATH])
		ok = parse_multipath(tb[RTA_MULTIPATH], rtm->rtm_family, &out->hops);
	else if (tb[RTA_OIF] && nla_len(tb[RTA_OIF]) == 4)
		ok = add_hop(&out->hops, (int)nla_get_u32(tb[RTA_OIF]), tb, rtm->rtm_family, 1);
	if (!ok) {
		free(out->hops.v);
		*out = (struct bt_fact_route){};
	}
	return ok;
}

/**
 * bt_rtnl_parse_alias() - who made a device?
 * @nlh: RTM_NEWLINK
 * @ifindex: the device
 * @ours: bowtied has
 *
 * Return: true if the message is about a device.
 */
bool bt_rtnl_parse_alias(struct nlmsghdr *nlh, int *ifindex, bool *ours)
{
	const struct ifinfomsg *ifi = nlmsg_data(nlh);
	struct nlattr *tb[IFLA_MAX + 1];

	if (!nlmsg_valid_hdr(nlh, sizeof(*ifi)) ||
	    nlmsg_parse(nlh, sizeof(*ifi), tb, IFLA_MAX, NULL) < 0)
		return false;
	*ifindex = ifi->ifi_index;
	*ours = tb[IFLA_IFALIAS] && nla_len(tb[IFLA_IFALIAS]) == sizeof(BT_LINK_ALIAS) &&
		!memcmp(nla_data(tb[IFLA_IFALIAS]), BT_LINK_ALIAS, sizeof(BT_LINK_ALIAS));
	return true;
}
