// SPDX-License-Identifier: GPL-2.0
/* Network devices of the kind "bowtie": created, deleted, up, down, MTU. */
#include "rtnl_link.h"

#include <errno.h>
#include <linux/if_link.h>
#include <linux/rtnetlink.h>
#include <netlink/attr.h>
#include <netlink/msg.h>
#include <string.h>

#include "kmod_msg.h"

#define DUMP_TRIES	10

static int open_rtnl(struct bt_kmod *k, struct bt_error *e)
{
	return k->rtnl.sk ? 0 : bt_nl_open(&k->rtnl, NETLINK_ROUTE, e);
}

/* A request about a device, with "up" if it is set; NULL on failure. */
static struct nl_msg *begin(struct bt_kmod *k, int type, int flags, const struct bt_dev *dev,
			    const struct bt_link *l, struct bt_error *e)
{
	struct ifinfomsg ifi = { .ifi_family = AF_UNSPEC };
	struct nl_msg *msg;

	if (open_rtnl(k, e))
		return NULL;
	if (dev)
		ifi.ifi_index = dev->ifindex;
	if (l && (l->set & BT_BIT(BT_LINK_UP))) {
		ifi.ifi_change = IFF_UP;
		ifi.ifi_flags = l->up ? IFF_UP : 0;
	}
	msg = nlmsg_alloc_simple(type, flags);
	if (!msg || nlmsg_append(msg, &ifi, sizeof(ifi), NLMSG_ALIGNTO))
		goto no_memory;
	if (dev && !dev->ifindex && nla_put_string(msg, IFLA_IFNAME, dev->name))
		goto no_memory;
	if (l && (l->set & BT_BIT(BOWTIE_A_LINK_MTU)) && nla_put_u32(msg, IFLA_MTU, l->mtu))
		goto no_memory;
	return msg;

no_memory:
	nlmsg_free(msg);
	bt_error_set(e, -ENOMEM, "%s", strerror(ENOMEM));
	return NULL;
}

static int finish(struct bt_kmod *k, struct nl_msg *msg, bt_nl_fn fn, void *arg,
		  struct bt_error *e)
{
	int err = bt_nl_request(&k->rtnl, msg, fn, arg, e);

	nlmsg_free(msg);
	return err;
}

static int put_kind(struct nl_msg *msg, const struct bt_link *l)
{
	struct nlattr *info = nla_nest_start(msg, NLA_F_NESTED | IFLA_LINKINFO);
	int err = 0;

	if (!info || nla_put_string(msg, IFLA_INFO_KIND, BOWTIE_LINK_KIND))
		return -EMSGSIZE;
	if (l)
		err = bt_object_put_nest(&bt_link_object, l, msg, IFLA_INFO_DATA);
	nla_nest_end(msg, info);
	return err;
}

/**
 * bt_rtnl_link_add() - create a link
 * @k: handle
 * @dev: its name
 * @l: settings, MTU, and whether it is up
 * @e: says what is wrong
 *
 * The kernel loads the module, if it is installed and the caller may.
 */
int bt_rtnl_link_add(struct bt_kmod *k, const struct bt_dev *dev, const struct bt_link *l,
		     struct bt_error *e)
{
	struct nl_msg *msg;
	int err;

	msg = begin(k, RTM_NEWLINK, NLM_F_CREATE | NLM_F_EXCL, dev, l, e);
	if (!msg)
		return e->code;
	err = put_kind(msg, l);
	if (err) {
		nlmsg_free(msg);
		return bt_error_set(e, err, "cannot make a request of this: %s", strerror(-err));
	}
	err = finish(k, msg, NULL, NULL, e);
	/* Its own words, "Unknown device type", do not help much. */
	if (err == -EOPNOTSUPP && bt_kmod_open_genl(k, e) == -BT_ENOMODULE)
		return e->code;
	return err;
}

/**
 * bt_rtnl_parse_link() - is a message about one of our devices?
 * @nlh: RTM_NEWLINK or RTM_DELLINK
 * @l: zeroed; gets dev, up, operstate and mtu
 *
 * Return: true if it is.
 */
bool bt_rtnl_parse_link(struct nlmsghdr *nlh, struct bt_link *l)
{
	struct nlattr *tb[IFLA_MAX + 1], *info[IFLA_INFO_MAX + 1];
	const struct ifinfomsg *ifi = nlmsg_data(nlh);

	if (!nlmsg_valid_hdr(nlh, sizeof(*ifi)) ||
	    nlmsg_parse(nlh, sizeof(*ifi), tb, IFLA_MAX, NULL) < 0 ||
	    !tb[IFLA_IFNAME] || !tb[IFLA_LINKINFO] ||
	    nla_parse_nested(info, IFLA_INFO_MAX, tb[IFLA_LINKINFO], NULL) < 0 ||
	    !info[IFLA_INFO_KIND] || nla_strcmp(info[IFLA_INFO_KIND], BOWTIE_LINK_KIND) != 0)
		return false;
	l->dev.ifindex = ifi->ifi_index;
	nla_strlcpy(l->dev.name, tb[IFLA_IFNAME], sizeof(l->dev.name));
	l->up = ifi->ifi_flags & IFF_UP;
	l->set |= BT_BIT(BT_LINK_UP);
	if (tb[IFLA_OPERSTATE]) {
		l->operstate = nla_get_u8(tb[IFLA_OPERSTATE]);
		l->set |= BT_BIT(BT_LINK_OPERSTATE);
	}
	if (tb[IFLA_MTU]) {
		l->mtu = nla_get_u32(tb[IFLA_MTU]);
		l->set |= BT_BIT(BOWTIE_A_LINK_MTU);
	}
	return true;
}

static int take_link(struct nlmsghdr *nlh, void *arg)
{
	struct bt_link *l = arg;

	bt_object_free(&bt_link_object, l);
	if (nlh->nlmsg_type == RTM_NEWLINK)
		bt_rtnl_parse_link(nlh, l);
	return 0;
}

/**
 * bt_rtnl_link_get() - ask for a link's device
 * @k: handle
 * @dev: which
 * @out: zeroed; gets dev, up, operstate and mtu
 * @e: says what is wrong, also if the device is of another kind
 */
int bt_rtnl_link_get(struct bt_kmod *k, const struct bt_dev *dev, struct bt_link *out,
		     struct bt_error *e)
{
	struct nl_msg *msg = begin(k, RTM_GETLINK, 0, dev, NULL, e);
	int err;

	if (!msg)
		return e->code;
	err = finish(k, msg, take_link, out, e);
	if (err == -ENODEV)
		return bt_error_set(e, err, "no such device");
	if (!err && !out->dev.ifindex)
		return bt_error_set(e, -EOPNOTSUPP, "not a bowtie device");
	return err;
}

static int add_link(struct nlmsghdr *nlh, void *arg)
{
	struct bt_links *links = arg;
	struct bt_link l = {};

	if (nlh->nlmsg_type == RTM_NEWLINK && bt_rtnl_parse_link(nlh, &l))
		*bt_array_add(links) = l;
	return 0;
}

/**
 * bt_rtnl_link_dump() - ask for the devices of all links
 * @k: handle
 * @out: zeroed; result, as of bt_rtnl_link_get()
 * @e: says what is wrong
 *
 * Return: as of bt_kmod_dump().
 */
int bt_rtnl_link_dump(struct bt_kmod *k, struct bt_links *out, struct bt_error *e)
{
	struct nl_msg *msg = begin(k, RTM_GETLINK, NLM_F_DUMP, NULL, NULL, e);
	int tries = 0, err;

	if (!msg)
		return e->code;
	err = put_kind(msg, NULL);
	while (!err) {
		bt_links_free(out);
		bt_error_free(e);
		err = bt_nl_request(&k->rtnl, msg, add_link, out, e);
		if (err != -EINTR || ++tries == DUMP_TRIES)
			break;
		err = 0;
	}
	nlmsg_free(msg);
	/* No device can be of a kind that the kernel does not know. */
	if (err == -EOPNOTSUPP) {
		bt_error_free(e);
		err = 0;
	}
	return err;
}

static int check_kind(struct bt_kmod *k, const struct bt_dev *dev, struct bt_dev *found,
		      struct bt_error *e)
{
	struct bt_link l = {};
	int err = bt_rtnl_link_get(k, dev, &l, e);

	*found = l.dev;
	return err;
}

/**
 * bt_rtnl_link_set() - change a link's device
 * @k: handle
 * @dev: which
 * @l: MTU, and whether it is up
 * @e: says what is wrong, also if the device is of another kind
 */
int bt_rtnl_link_set(struct bt_kmod *k, const struct bt_dev *dev, const struct bt_link *l,
		     struct bt_error *e)
{
	struct bt_dev found;
	struct nl_msg *msg;
	int err = check_kind(k, dev, &found, e);

	if (err)
		return err;
	msg = begin(k, RTM_NEWLINK, 0, &found, l, e);
	return msg ? finish(k, msg, NULL, NULL, e) : e->code;
}

/**
 * bt_rtnl_link_del() - delete a link
 * @k: handle
 * @dev: which
 * @e: says what is wrong, also if the device is of another kind
 */
int bt_rtnl_link_del(struct bt_kmod *k, const struct bt_dev *dev, struct bt_error *e)
{
	struct bt_dev found;
	struct nl_msg *msg;
	int err = check_kind(k, dev, &found, e);

	if (err)
		return err;
	msg = begin(k, RTM_DELLINK, 0, &found, NULL, e);
	return msg ? finish(k, msg, NULL, NULL, e) : e->code;
}
