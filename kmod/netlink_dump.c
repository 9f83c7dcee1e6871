// SPDX-License-Identifier: GPL-2.0
/*
 * Dumps: of one link, or of all in the reader's namespace. A dump of many objects
 * takes many calls, and things change in between; NLM_F_DUMP_INTR tells the reader
 * if they did: the link that is being dumped, by its generation, or the list of
 * devices.
 */
#include <linux/rtnetlink.h>
#include <net/genetlink.h>

#include "link.h"
#include "netlink.h"
#include "route.h"
#include "sa.h"
#include "tunnel.h"

/**
 * struct cursor - where a dump stands, in netlink_callback.ctx
 * @base_seq: state of the list of devices when the dump began
 * @link: links that are done
 * @item: objects of the link that are done
 * @at: last route that is done
 * @started: @at is valid
 */
struct cursor {
	u32 base_seq;
	u32 link;
	u32 item;
	struct bowtie_prefix at;
	bool started;
};

typedef int (*dump_fn)(struct sk_buff *skb, struct netlink_callback *cb,
		       struct bowtie_link *link, struct cursor *cursor);

static bool wanted(const struct net_device *dev, struct nlattr **attrs)
{
	if (!bowtie_link_is(dev))
		return false;
	if (attrs[BOWTIE_A_IFINDEX])
		return dev->ifindex == nla_get_s32(attrs[BOWTIE_A_IFINDEX]);
	if (attrs[BOWTIE_A_IFNAME])
		return !nla_strcmp(attrs[BOWTIE_A_IFNAME], dev->name);
	return true;
}

/* Calls @fn for each link with RTNL and its lock until the message is full. */
static int dump_links(struct sk_buff *skb, struct netlink_callback *cb, dump_fn fn)
{
	struct nlattr **attrs = genl_dumpit_info(cb)->attrs;
	bool one = attrs[BOWTIE_A_IFINDEX] || attrs[BOWTIE_A_IFNAME];
	struct cursor *cursor = (struct cursor *)cb->ctx;
	struct net *net = sock_net(skb->sk);
	struct bowtie_link *link;
	bool found = false, moved;
	struct net_device *dev;
	u32 index = 0;
	int err = 0;

	BUILD_BUG_ON(sizeof(*cursor) > sizeof(cb->ctx));
	rtnl_lock();
	if (!cursor->base_seq)
		cursor->base_seq = net->dev_base_seq;
	moved = cursor->base_seq != net->dev_base_seq && !one;
	for_each_netdev(net, dev) {
		if (!wanted(dev, attrs))
			continue;
		found = true;
		if (index++ < cursor->link)
			continue;
		link = netdev_priv(dev);
		mutex_lock(&link->lock);
		cb->seq = link->generation;
		err = fn(skb, cb, link, cursor);
		mutex_unlock(&link->lock);
		if (err)
			break;
		*cursor = (struct cursor){ .base_seq = cursor->base_seq, .link = index };
		cb->prev_seq = 0;
	}
	/* The count of links that are done has lost its sense: the end will say so. */
	if (moved)
		cb->prev_seq = cb->seq + 1 ?: 1;
	rtnl_unlock();
	if (!found && one) {
		NL_SET_ERR_MSG(cb->extack, "no such bowtie device");
		return -ENODEV;
	}
	return err == -EMSGSIZE || !err ? skb->len : err;
}

static int dump_object(struct sk_buff *skb, struct netlink_callback *cb,
		       struct bowtie_link *link, u8 cmd,
		       int (*fill)(struct sk_buff *skb, const void *object), const void *object)
{
	void *hdr = bowtie_nl_begin(skb, link, cmd, NETLINK_CB(cb->skb).portid,
				    cb->nlh->nlmsg_seq, NLM_F_MULTI);

	if (!hdr)
		return -EMSGSIZE;
	genl_dump_check_consistent(cb, hdr);
	if (fill(skb, object)) {
		genlmsg_cancel(skb, hdr);
		return -EMSGSIZE;
	}
	genlmsg_end(skb, hdr);
	return 0;
}

static int dump_link(struct sk_buff *skb, struct netlink_callback *cb, struct bowtie_link *link,
		     struct cursor *cursor)
{
	return dump_object(skb, cb, link, BOWTIE_CMD_LINK_GET, bowtie_nl_fill_link, link);
}

/**
 * bowtie_nl_link_dump() - BOWTIE_CMD_LINK_GET, all
 * @skb: where to
 * @cb: dump
 */
int bowtie_nl_link_dump(struct sk_buff *skb, struct netlink_callback *cb)
{
	return dump_links(skb, cb, dump_link);
}

static int dump_tunnels(struct sk_buff *skb, struct netlink_callback *cb,
			struct bowtie_link *link, struct cursor *cursor)
{
	struct bowtie_tunnel *t;
	int i, err;

	bowtie_for_each_tunnel(link, t, i) {
		if (i < cursor->item)
			continue;
		err = dump_object(skb, cb, link, BOWTIE_CMD_TUNNEL_GET, bowtie_nl_fill_tunnel, t);
		if (err)
			return err;
		cursor->item = i + 1;
	}
	return 0;
}

/**
 * bowtie_nl_tunnel_dump() - BOWTIE_CMD_TUNNEL_GET, all
 * @skb: where to
 * @cb: dump
 */
int bowtie_nl_tunnel_dump(struct sk_buff *skb, struct netlink_callback *cb)
{
	return dump_links(skb, cb, dump_tunnels);
}

static int dump_sas(struct sk_buff *skb, struct netlink_callback *cb, struct bowtie_link *link,
		    struct cursor *cursor)
{
	struct bowtie_tunnel *t;
	struct bowtie_sa *sa;
	u32 item = 0;
	int i, err = 0;

	rcu_read_lock();
	bowtie_for_each_tunnel(link, t, i) {
		list_for_each_entry_rcu(sa, &t->sas, list) {
			if (item++ < cursor->item)
				continue;
			err = dump_object(skb, cb, link, BOWTIE_CMD_SA_GET, bowtie_nl_fill_sa, sa);
			if (err)
				goto out;
			cursor->item = item;
		}
	}
out:
	rcu_read_unlock();
	return err;
}

/**
 * bowtie_nl_sa_dump() - BOWTIE_CMD_SA_GET, all
 * @skb: where to
 * @cb: dump
 */
int bowtie_nl_sa_dump(struct sk_buff *skb, struct netlink_callback *cb)
{
	return dump_links(skb, cb, dump_sas);
}

static struct bowtie_route *next_route(struct bowtie_link *link, const struct cursor *cursor)
{
	struct bowtie_route *r = NULL;

	if (!cursor->started)
		r = bowtie_route_next(link, AF_INET, NULL);
	else if (cursor->at.family == AF_INET)
		r = bowtie_route_next(link, AF_INET, &cursor->at);
	else
		return bowtie_route_next(link, AF_INET6, &cursor->at);
	return r ?: bowtie_route_next(link, AF_INET6, NULL);
}

/* As many routes as fit into one message: they are many and small. */
static int dump_routes(struct sk_buff *skb, struct netlink_callback *cb,
		       struct bowtie_link *link, struct cursor *cursor)
{
	struct bowtie_route *r = next_route(link, cursor);
	bool any = false;
	void *hdr;

	if (!r)
		return 0;
	hdr = bowtie_nl_begin(skb, link, BOWTIE_CMD_ROUTE_GET, NETLINK_CB(cb->skb).portid,
			      cb->nlh->nlmsg_seq, NLM_F_MULTI);
	if (!hdr)
		return -EMSGSIZE;
	genl_dump_check_consistent(cb, hdr);
	for (; r; r = next_route(link, cursor)) {
		if (bowtie_nl_fill_route(skb, link, r))
			break;
		cursor->at = (struct bowtie_prefix){ r->key, r->family, r->len };
		cursor->started = true;
		any = true;
	}
	if (any)
		genlmsg_end(skb, hdr);
	else
		genlmsg_cancel(skb, hdr);
	return r ? -EMSGSIZE : 0;
}

/**
 * bowtie_nl_route_dump() - BOWTIE_CMD_ROUTE_GET, all
 * @skb: where to
 * @cb: dump
 */
int bowtie_nl_route_dump(struct sk_buff *skb, struct netlink_callback *cb)
{
	return dump_links(skb, cb, dump_routes);
}
