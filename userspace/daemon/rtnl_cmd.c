// SPDX-License-Identifier: GPL-2.0
/* Requests to rtnetlink: addresses and routes of a link, and what there is. */
#include "rtnl_cmd.h"

#include <errno.h>
#include <linux/if_addr.h>
#include <linux/if_link.h>
#include <linux/rtnetlink.h>
#include <netlink/attr.h>
#include <netlink/msg.h>
#include <string.h>

#include "names.h"

/* <linux/if_addr.h> of Debian 12's libc is older than the attribute. */
#define BT_IFA_PROTO	11
#define DUMP_TRIES	16

static int request(struct bt_nl *nl, struct nl_msg *msg, bool complete, struct bt_error *e)
{
	int err = complete ? bt_nl_request(nl, msg, NULL, NULL, e) :
			     bt_error_set(e, -ENOMEM, "%s", strerror(ENOMEM));

	nlmsg_free(msg);
	return err;
}

static int put_addr(struct nl_msg *msg, int attr, const struct bt_addr *addr)
{
	return nla_put(msg, attr, (int)bt_addr_size(addr), addr->bytes);
}

/**
 * bt_rtnl_addr() - add or delete an address
 * @nl: open socket
 * @add: or else delete
 * @ifindex: device
 * @p: address with its prefix length
 * @e: says what is wrong
 *
 * One that is there already, or is not, is no failure.
 */
int bt_rtnl_addr(struct bt_nl *nl, bool add, int ifindex, const struct bt_prefix *p,
		 struct bt_error *e)
{
	struct ifaddrmsg ifa = {
		.ifa_family = (unsigned char)p->addr.family,
		.ifa_prefixlen = (unsigned char)p->len,
		.ifa_index = (unsigned int)ifindex,
		/* The device has nobody to ask whether it is taken. */
		.ifa_flags = IFA_F_NODAD,
	};
	struct nl_msg *msg = nlmsg_alloc_simple(add ? RTM_NEWADDR : RTM_DELADDR,
						add ? NLM_F_CREATE | NLM_F_EXCL : 0);
	bool complete = msg && !nlmsg_append(msg, &ifa, sizeof(ifa), NLMSG_ALIGNTO) &&
			!put_addr(msg, IFA_LOCAL, &p->addr) &&
			!put_addr(msg, IFA_ADDRESS, &p->addr) &&
			(!add || !nla_put_u8(msg, BT_IFA_PROTO, BT_ADDRPROT));
	int err = request(nl, msg, complete, e);

	if (err == (add ? -EEXIST : -EADDRNOTAVAIL)) {
		bt_error_free(e);
		return 0;
	}
	return err;
}

/**
 * bt_rtnl_route() - add or delete a route of the configuration's
 * @nl: open socket
 * @add: or else delete
 * @ifindex: device that it leads into
 * @p: prefix
 * @e: says what is wrong
 *
 * One that is not there to be deleted is no failure. A route of somebody else to the same
 * prefix stays: ours would take its place, and then it would be lost. Return: 0 or an error,
 * -EEXIST among them.
 */
int bt_rtnl_route(struct bt_nl *nl, bool add, int ifindex, const struct bt_prefix *p,
		  struct bt_error *e)
{
	struct rtmsg rtm = {
		.rtm_family = (unsigned char)p->addr.family,
		.rtm_dst_len = (unsigned char)p->len,
		.rtm_table = RT_TABLE_MAIN,
		.rtm_protocol = BT_RTPROT,
		.rtm_scope = add ? RT_SCOPE_LINK : RT_SCOPE_NOWHERE,
		.rtm_type = RTN_UNICAST,
	};
	struct nl_msg *msg = nlmsg_alloc_simple(add ? RTM_NEWROUTE : RTM_DELROUTE,
						add ? NLM_F_CREATE | NLM_F_EXCL : 0);
	bool complete = msg && !nlmsg_append(msg, &rtm, sizeof(rtm), NLMSG_ALIGNTO) &&
			(!p->len || !put_addr(msg, RTA_DST, &p->addr)) &&
			!nla_put_u32(msg, RTA_OIF, (uint32_t)ifindex);
	int err = request(nl, msg, complete, e);

	if (!add && err == -ESRCH) {
		bt_error_free(e);
		return 0;
	}
	if (err == -EEXIST) {
		bt_error_free(e);
		return bt_error_set(e, err, "there is a route to it that is not ours");
	}
	return err;
}

/**
 * bt_rtnl_hold() - add or delete a route that makes a prefix unreachable
 * @nl: open socket
 * @add: or else delete
 * @metric: tells it from all other routes to the prefix
 * @protocol: whose it is, to be added
 * @p: prefix
 * @e: says what is wrong
 *
 * One that is there already becomes @protocol's. One that is not there to be deleted is no
 * failure.
 */
int bt_rtnl_hold(struct bt_nl *nl, bool add, uint32_t metric, uint8_t protocol,
		 const struct bt_prefix *p, struct bt_error *e)
{
	struct rtmsg rtm = {
		.rtm_family = (unsigned char)p->addr.family,
		.rtm_dst_len = (unsigned char)p->len,
		.rtm_table = RT_TABLE_MAIN,
		.rtm_protocol = add ? protocol : RTPROT_UNSPEC,
		.rtm_scope = add ? RT_SCOPE_UNIVERSE : RT_SCOPE_NOWHERE,
		.rtm_type = RTN_UNREACHABLE,
	};
	struct nl_msg *msg = nlmsg_alloc_simple(add ? RTM_NEWROUTE : RTM_DELROUTE,
						add ? NLM_F_CREATE | NLM_F_REPLACE : 0);
	bool complete = msg && !nlmsg_append(msg, &rtm, sizeof(rtm), NLMSG_ALIGNTO) &&
			!put_addr(msg, RTA_DST, &p->addr) &&
			!nla_put_u32(msg, RTA_PRIORITY, metric);
	int err = request(nl, msg, complete, e);

	if (!add && err == -ESRCH) {
		bt_error_free(e);
		return 0;
	}
	return err;
}

/**
 * bt_rtnl_route_del() - delete a route of somebody else's
 * @nl: open socket
 * @table: that it is in
 * @protocol: whose it is
 * @metric: tells it from others to the prefix
 * @ifindex: device that it leads into
 * @p: prefix
 * @e: says what is wrong
 *
 * One that is not there is no failure.
 */
int bt_rtnl_route_del(struct bt_nl *nl, uint32_t table, uint8_t protocol, uint32_t metric,
		      int ifindex, const struct bt_prefix *p, struct bt_error *e)
{
	struct rtmsg rtm = {
		.rtm_family = (unsigned char)p->addr.family,
		.rtm_dst_len = (unsigned char)p->len,
		.rtm_table = RT_TABLE_UNSPEC,
		.rtm_protocol = protocol,
		.rtm_scope = RT_SCOPE_NOWHERE,
		.rtm_type = RTN_UNICAST,
	};
	struct nl_msg *msg = nlmsg_alloc_simple(RTM_DELROUTE, 0);
	bool complete = msg && !nlmsg_append(msg, &rtm, sizeof(rtm), NLMSG_ALIGNTO) &&
			(!p->len || !put_addr(msg, RTA_DST, &p->addr)) &&
			!nla_put_u32(msg, RTA_TABLE, table) &&
			!nla_put_u32(msg, RTA_PRIORITY, metric) &&
			!nla_put_u32(msg, RTA_OIF, (uint32_t)ifindex);
	int err = request(nl, msg, complete, e);

	if (err == -ESRCH) {
		bt_error_free(e);
		return 0;
	}
	return err;
}

/**
 * bt_rtnl_mark_ours() - note on a device that bowtied made it
 * @nl: open socket
 * @name: of the device
 * @e: says what is wrong
 */
int bt_rtnl_mark_ours(struct bt_nl *nl, const char *name, struct bt_error *e)
{
	struct ifinfomsg ifi = { .ifi_family = AF_UNSPEC };
	struct nl_msg *msg = nlmsg_alloc_simple(RTM_SETLINK, 0);
	bool complete = msg && !nlmsg_append(msg, &ifi, sizeof(ifi), NLMSG_ALIGNTO) &&
			!nla_put_string(msg, IFLA_IFNAME, name) &&
			!nla_put_string(msg, IFLA_IFALIAS, BT_LINK_ALIAS);

	return request(nl, msg, complete, e);
}

/* What changes while it is being read is read again. */
static int dump(struct bt_nl *nl, int type, void *head, size_t len, bt_nl_fn fn, void *arg,
		struct bt_error *e)
{
	struct nl_msg *msg = nlmsg_alloc_simple(type, NLM_F_DUMP);
	int tries, err = -EINTR;

	if (!msg || nlmsg_append(msg, head, len, NLMSG_ALIGNTO)) {
		nlmsg_free(msg);
		return bt_error_set(e, -ENOMEM, "%s", strerror(ENOMEM));
	}
	for (tries = 0; err == -EINTR && tries < DUMP_TRIES; tries++) {
		bt_error_free(e);
		/* No message: forget what came so far. */
		fn(NULL, arg);
		err = bt_nl_request(nl, msg, fn, arg, e);
	}
	nlmsg_free(msg);
	return err;
}

/**
 * bt_rtnl_dump_addrs() - all addresses of the namespace
 * @nl: open socket
 * @fn: takes each message; NULL stands for "from the beginning"
 * @arg: given to @fn
 * @e: says what is wrong
 */
int bt_rtnl_dump_addrs(struct bt_nl *nl, bt_nl_fn fn, void *arg, struct bt_error *e)
{
	struct ifaddrmsg ifa = { .ifa_family = AF_UNSPEC };

	return dump(nl, RTM_GETADDR, &ifa, sizeof(ifa), fn, arg, e);
}

/**
 * bt_rtnl_dump_routes() - all routes of the namespace, of either family
 * @nl: open socket
 * @fn: as of bt_rtnl_dump_addrs()
 * @arg: given to @fn
 * @e: says what is wrong
 */
int bt_rtnl_dump_routes(struct bt_nl *nl, bt_nl_fn fn, void *arg, struct bt_error *e)
{
	struct rtmsg rtm = { .rtm_family = AF_UNSPEC };

	return dump(nl, RTM_GETROUTE, &rtm, sizeof(rtm), fn, arg, e);
}

/**
 * bt_rtnl_dump_links() - all devices of the namespace
 * @nl: open socket
 * @fn: as of bt_rtnl_dump_addrs()
 * @arg: given to @fn
 * @e: says what is wrong
 */
int bt_rtnl_dump_links(struct bt_nl *nl, bt_nl_fn fn, void *arg, struct bt_error *e)
{
	struct ifinfomsg ifi = { .ifi_family = AF_UNSPEC };

	return dump(nl, RTM_GETLINK, &ifi, sizeof(ifi), fn, arg, e);
}
