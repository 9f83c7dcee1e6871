// SPDX-License-Identifier: GPL-2.0
/*
 * The generic netlink family: which command runs what, with which rights and
 * locks, and the commands about links.
 */
#include <linux/rtnetlink.h>
#include <net/genetlink.h>

#include "health.h"
#include "link.h"
#include "netlink.h"

/* genl_ops.internal_flags */
#define NEEDS_RTNL	BIT(0)	/* the link's lock alone does not do */
#define CHANGES		BIT(1)	/* the second step shall be done when we return */

/**
 * bowtie_link_params_parse() - settings of a link from netlink
 * @tb: attributes that passed bowtie_link_nl_policy, or NULL
 * @p: result
 */
void bowtie_link_params_parse(struct nlattr *tb[], struct bowtie_link_params *p)
{
	int i;

	memset(p, 0, sizeof(*p));
	if (!tb)
		return;
	for (i = 1; i <= BOWTIE_A_LINK_UNBALANCED_TIMER; i++)
		if (tb[i])
			p->set |= BIT(i);
	if (tb[BOWTIE_A_LINK_FWMARK])
		p->fwmark = nla_get_u32(tb[BOWTIE_A_LINK_FWMARK]);
	if (tb[BOWTIE_A_LINK_HASH])
		p->hash = nla_get_u32(tb[BOWTIE_A_LINK_HASH]);
	if (tb[BOWTIE_A_LINK_HAIRPIN])
		p->hairpin = nla_get_u32(tb[BOWTIE_A_LINK_HAIRPIN]);
	if (tb[BOWTIE_A_LINK_STRICT_SOURCE])
		p->strict_source = nla_get_u32(tb[BOWTIE_A_LINK_STRICT_SOURCE]);
	if (tb[BOWTIE_A_LINK_MTU_AUTO])
		p->mtu_auto = nla_get_u32(tb[BOWTIE_A_LINK_MTU_AUTO]);
	if (tb[BOWTIE_A_LINK_IDLE_TIMER])
		p->idle_timer = nla_get_u32(tb[BOWTIE_A_LINK_IDLE_TIMER]);
	if (tb[BOWTIE_A_LINK_UNBALANCED_TIMER])
		p->unbalanced_timer = nla_get_u32(tb[BOWTIE_A_LINK_UNBALANCED_TIMER]);
}

/**
 * bowtie_nl_may_underlay() - may the sender of a request decide about outer packets?
 * @skb: the request
 * @link: link
 *
 * The device may have been given to a namespace of lesser rights, but its outer
 * packets are the underlay's.
 */
bool bowtie_nl_may_underlay(struct sk_buff *skb, const struct bowtie_link *link)
{
	return netlink_ns_capable(skb, link->net->user_ns, CAP_NET_ADMIN);
}

/**
 * bowtie_nl_reply() - answer a request with one object
 * @info: request
 * @link: link
 * @fill: describes the object
 * @object: given to @fill
 *
 * Context: link->lock, may sleep. Return: 0, -ENOMEM or -EMSGSIZE.
 */
int bowtie_nl_reply(struct genl_info *info, struct bowtie_link *link,
		    int (*fill)(struct sk_buff *skb, const void *object), const void *object)
{
	struct sk_buff *msg = genlmsg_new(NLMSG_GOODSIZE, GFP_KERNEL);
	void *hdr;

	if (!msg)
		return -ENOMEM;
	hdr = bowtie_nl_begin(msg, link, info->genlhdr->cmd, info->snd_portid, info->snd_seq, 0);
	if (!hdr || fill(msg, object)) {
		nlmsg_free(msg);
		return -EMSGSIZE;
	}
	genlmsg_end(msg, hdr);
	return genlmsg_reply(msg, info);
}

/**
 * bowtie_nl_check_mode() - may an object be added, given that it exists or not?
 * @info: request
 * @exists: the object is there
 * @attr: attribute to blame
 *
 * Return: 0, -EEXIST or -ENOENT.
 */
int bowtie_nl_check_mode(struct genl_info *info, bool exists, const struct nlattr *attr)
{
	struct nlattr *mode = info->attrs[BOWTIE_A_MODE];

	switch (mode ? nla_get_u32(mode) : BOWTIE_MODE_CREATE) {
	case BOWTIE_MODE_CREATE:
		if (!exists)
			return 0;
		NL_SET_ERR_MSG_ATTR(info->extack, attr, "it exists already");
		return -EEXIST;
	case BOWTIE_MODE_CHANGE:
		if (exists)
			return 0;
		NL_SET_ERR_MSG_ATTR(info->extack, attr, "there is nothing to change");
		return -ENOENT;
	default:
		return 0;
	}
}

static int link_get(struct sk_buff *skb, struct genl_info *info)
{
	struct bowtie_link *link = info->user_ptr[0];

	return bowtie_nl_reply(info, link, bowtie_nl_fill_link, link);
}

static int link_set(struct sk_buff *skb, struct genl_info *info)
{
	struct bowtie_link *link = info->user_ptr[0];
	struct nlattr *tb[BOWTIE_A_LINK_MAX + 1];
	struct bowtie_link_params params;
	int err;

	if (!info->attrs[BOWTIE_A_LINK]) {
		NL_SET_ERR_MSG(info->extack, "link: settings are missing");
		return -EINVAL;
	}
	err = nla_parse_nested(tb, BOWTIE_A_LINK_MAX, info->attrs[BOWTIE_A_LINK],
			       bowtie_link_nl_policy, info->extack);
	if (err)
		return err;
	bowtie_link_params_parse(tb, &params);
	err = bowtie_link_change(link, &params, bowtie_nl_may_underlay(skb, link), info->extack);
	if (!err)
		bowtie_notify_link(link);
	return err;
}

static struct net_device *find_device(struct genl_info *info)
{
	struct nlattr *ifindex = info->attrs[BOWTIE_A_IFINDEX];
	struct nlattr *ifname = info->attrs[BOWTIE_A_IFNAME];
	struct net *net = genl_info_net(info);
	struct net_device *dev;

	if (ifindex)
		dev = dev_get_by_index(net, nla_get_s32(ifindex));
	else if (ifname)
		dev = dev_get_by_name(net, nla_data(ifname));
	else
		goto missing;
	if (!dev) {
		NL_SET_ERR_MSG_ATTR(info->extack, ifindex ?: ifname, "no such device");
		return ERR_PTR(-ENODEV);
	}
	if (!bowtie_link_is(dev)) {
		dev_put(dev);
		NL_SET_ERR_MSG_ATTR(info->extack, ifindex ?: ifname, "not a bowtie device");
		return ERR_PTR(-EOPNOTSUPP);
	}
	return dev;

missing:
	NL_SET_ERR_MSG(info->extack, "ifindex or ifname is missing");
	return ERR_PTR(-EINVAL);
}

/* Resolve the device and take the locks that the command's flags ask for. */
static int pre_doit(const struct bowtie_genl_op *op, struct sk_buff *skb, struct genl_info *info)
{
	struct net_device *dev = find_device(info);
	struct bowtie_link *link;

	if (IS_ERR(dev))
		return PTR_ERR(dev);
	link = netdev_priv(dev);
	if (op->internal_flags & NEEDS_RTNL)
		rtnl_lock();
	mutex_lock(&link->lock);
	if (link->dead) {
		mutex_unlock(&link->lock);
		if (op->internal_flags & NEEDS_RTNL)
			rtnl_unlock();
		dev_put(dev);
		NL_SET_ERR_MSG(info->extack, "the device is being deleted");
		return -ENODEV;
	}
	info->user_ptr[0] = link;
	return 0;
}

static void post_doit(const struct bowtie_genl_op *op, struct sk_buff *skb, struct genl_info *info)
{
	struct bowtie_link *link = info->user_ptr[0];

	mutex_unlock(&link->lock);
	if (op->internal_flags & NEEDS_RTNL)
		rtnl_unlock();
	if (op->internal_flags & CHANGES)
		flush_work(&link->work);
	dev_put(link->dev);
}

#define OP(_cmd, _policy, _rights, _flags, ...) {		\
	.cmd = BOWTIE_CMD_##_cmd,				\
	.policy = _policy,					\
	.maxattr = ARRAY_SIZE(_policy) - 1,			\
	.flags = _rights,					\
	.internal_flags = _flags,				\
	__VA_ARGS__						\
}

static const struct genl_ops ops[] = {
	OP(LINK_GET, bowtie_dev_nl_policy, 0, 0,
	   .doit = link_get, .dumpit = bowtie_nl_link_dump),
	OP(LINK_SET, bowtie_link_set_nl_policy, GENL_UNS_ADMIN_PERM, NEEDS_RTNL | CHANGES,
	   .doit = link_set),
	OP(TUNNEL_NEW, bowtie_tunnel_new_nl_policy, GENL_UNS_ADMIN_PERM, NEEDS_RTNL | CHANGES,
	   .doit = bowtie_nl_tunnel_new),
	OP(TUNNEL_SET, bowtie_tunnel_set_nl_policy, GENL_UNS_ADMIN_PERM, NEEDS_RTNL | CHANGES,
	   .doit = bowtie_nl_tunnel_set),
	OP(TUNNEL_DEL, bowtie_tunnel_get_nl_policy, GENL_UNS_ADMIN_PERM, NEEDS_RTNL | CHANGES,
	   .doit = bowtie_nl_tunnel_del),
	OP(TUNNEL_GET, bowtie_tunnel_get_nl_policy, 0, 0,
	   .doit = bowtie_nl_tunnel_get, .dumpit = bowtie_nl_tunnel_dump),
	OP(ROUTE_NEW, bowtie_route_new_nl_policy, GENL_UNS_ADMIN_PERM, 0,
	   .doit = bowtie_nl_route_new),
	OP(ROUTE_DEL, bowtie_route_get_nl_policy, GENL_UNS_ADMIN_PERM, 0,
	   .doit = bowtie_nl_route_del),
	OP(ROUTE_GET, bowtie_route_get_nl_policy, 0, 0,
	   .doit = bowtie_nl_route_get, .dumpit = bowtie_nl_route_dump),
	OP(ROUTE_FLUSH, bowtie_dev_nl_policy, GENL_UNS_ADMIN_PERM, 0,
	   .doit = bowtie_nl_route_flush),
	/* SPIs and byte counts of the underlay are not for everybody. */
	OP(SA_GET, bowtie_sa_get_nl_policy, GENL_UNS_ADMIN_PERM, 0,
	   .doit = bowtie_nl_sa_get, .dumpit = bowtie_nl_sa_dump),
};

/* They tell of SAs, too: who may not dump those may not listen. */
static const struct genl_multicast_group mcgrps[] = {
	{ .name = BOWTIE_MCGRP_EVENTS, .flags = GENL_MCAST_CAP_NET_ADMIN },
};

struct genl_family bowtie_genl_family __ro_after_init = {
	.name = BOWTIE_FAMILY_NAME,
	.version = BOWTIE_FAMILY_VERSION,
	.netnsok = true,
	.parallel_ops = true,
	.module = THIS_MODULE,
	.ops = ops,
	.n_ops = ARRAY_SIZE(ops),
	.resv_start_op = BOWTIE_CMD_LINK_GET,
	.mcgrps = mcgrps,
	.n_mcgrps = ARRAY_SIZE(mcgrps),
	.maxattr = BOWTIE_A_MAX,
	.pre_doit = pre_doit,
	.post_doit = post_doit,
};

/**
 * bowtie_netlink_init() - begin to take commands
 *
 * Context: process. Return: 0 or an error.
 */
int __init bowtie_netlink_init(void)
{
	return genl_register_family(&bowtie_genl_family);
}

/**
 * bowtie_netlink_exit() - the reverse
 *
 * Context: process. No command runs any more on return.
 */
void bowtie_netlink_exit(void)
{
	genl_unregister_family(&bowtie_genl_family);
}
