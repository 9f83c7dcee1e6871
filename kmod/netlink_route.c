// SPDX-License-Identifier: GPL-2.0
/*
 * Commands about routes. A message may hold many; it takes effect as a whole or
 * not at all.
 */
#include <linux/slab.h>
#include <linux/sort.h>
#include <net/genetlink.h>

#include "group.h"
#include "health.h"
#include "link.h"
#include "netlink.h"
#include "route.h"

#define route_group(link, r)	\
	rcu_dereference_protected((r)->group, lockdep_is_held(&(link)->lock))

/**
 * struct change - a request to change routes
 * @link: link
 * @info: the request
 * @extack: says what is wrong
 * @n: prefixes that have been dealt with
 * @prefix: which they are
 * @old: the group that each had, with a reference, or NULL
 */
struct change {
	struct bowtie_link *link;
	struct genl_info *info;
	struct netlink_ext_ack *extack;
	size_t n;
	struct bowtie_prefix *prefix;
	struct bowtie_group **old;
};

#define for_each_route(attr, info, rem)						\
	nla_for_each_attr(attr, genlmsg_data((info)->genlhdr),			\
			  genlmsg_len((info)->genlhdr), rem)			\
		if (nla_type(attr) == BOWTIE_A_ROUTE)

static int change_init(struct change *c, struct genl_info *info)
{
	struct nlattr *attr;
	size_t n = 0;
	int rem;

	*c = (struct change){ .link = info->user_ptr[0], .info = info, .extack = info->extack };
	for_each_route(attr, info, rem)
		n++;
	if (!n) {
		NL_SET_ERR_MSG(info->extack, "route is missing");
		return -EINVAL;
	}
	c->prefix = kvcalloc(n, sizeof(*c->prefix), GFP_KERNEL);
	c->old = kvcalloc(n, sizeof(*c->old), GFP_KERNEL);
	if (!c->prefix || !c->old) {
		kvfree(c->prefix);
		kvfree(c->old);
		return -ENOMEM;
	}
	c->link->routes.stamp++;
	return 0;
}

static void change_free(struct change *c)
{
	size_t i;

	for (i = 0; i < c->n; i++)
		if (c->old[i])
			bowtie_group_put(c->link, c->old[i]);
	kvfree(c->prefix);
	kvfree(c->old);
}

/* Give every prefix back what it had. Needs no memory: the nodes are there. */
static void change_undo(struct change *c)
{
	while (c->n--) {
		if (c->old[c->n])
			bowtie_route_set_group(c->link, &c->prefix[c->n], c->old[c->n]);
		else
			bowtie_route_clear_group(c->link, &c->prefix[c->n]);
	}
	kvfree(c->prefix);
	kvfree(c->old);
}

static int parse_prefix(struct nlattr **tb, const struct nlattr *route, struct bowtie_prefix *p,
			struct netlink_ext_ack *extack)
{
	struct nlattr *dst = tb[BOWTIE_A_ROUTE_DST], *len = tb[BOWTIE_A_ROUTE_LEN];
	struct in6_addr addr6;

	if (!dst) {
		NL_SET_ERR_MSG_ATTR(extack, route, "route: dst is missing");
		return -EINVAL;
	}
	switch (nla_len(dst)) {
	case sizeof(struct in_addr):
		p->family = AF_INET;
		p->key = bowtie_key4(nla_get_in_addr(dst));
		p->len = 32;
		break;
	case sizeof(struct in6_addr):
		addr6 = nla_get_in6_addr(dst);
		p->family = AF_INET6;
		p->key = bowtie_key6(&addr6);
		p->len = 128;
		break;
	default:
		NL_SET_ERR_MSG_ATTR(extack, dst, "an address has 4 or 16 bytes");
		return -EINVAL;
	}
	if (len)
		p->len = nla_get_u32(len);
	if (!bowtie_prefix_valid(p)) {
		NL_SET_ERR_MSG_ATTR(extack, len ?: dst,
				    "prefix is too long or has bits set beyond its length");
		return -EINVAL;
	}
	return 0;
}

static int parse_nexthop(struct bowtie_link *link, struct nlattr *attr, struct bowtie_member *m,
			 struct netlink_ext_ack *extack)
{
	struct nlattr *tb[BOWTIE_A_NEXTHOP_TIER + 1];
	int err;

	err = nla_parse_nested(tb, BOWTIE_A_NEXTHOP_TIER, attr, bowtie_nexthop_nl_policy, extack);
	if (err)
		return err;
	if (!tb[BOWTIE_A_NEXTHOP_TUNNEL]) {
		NL_SET_ERR_MSG_ATTR(extack, attr, "nexthop: tunnel is missing");
		return -EINVAL;
	}
	m->id = nla_get_u32(tb[BOWTIE_A_NEXTHOP_TUNNEL]);
	m->weight = tb[BOWTIE_A_NEXTHOP_WEIGHT] ? nla_get_u32(tb[BOWTIE_A_NEXTHOP_WEIGHT]) :
		    BOWTIE_WEIGHT_INHERIT;
	m->tier = tb[BOWTIE_A_NEXTHOP_TIER] ? nla_get_u32(tb[BOWTIE_A_NEXTHOP_TIER]) :
		  BOWTIE_TIER_INHERIT;
	if (!rcu_access_pointer(link->tunnels[m->id])) {
		NL_SET_ERR_MSG_ATTR(extack, tb[BOWTIE_A_NEXTHOP_TUNNEL],
				    "nexthop: no tunnel with this id");
		return -ENOENT;
	}
	return 0;
}

static int by_id(const void *a, const void *b)
{
	return ((const struct bowtie_member *)a)->id - ((const struct bowtie_member *)b)->id;
}

/* Number of next hops, sorted, or an error. */
static int parse_nexthops(struct bowtie_link *link, const struct nlattr *route,
			  struct bowtie_member *members, struct netlink_ext_ack *extack)
{
	struct nlattr *attr;
	int rem, err, i, n = 0;

	nla_for_each_nested(attr, route, rem) {
		if (nla_type(attr) != BOWTIE_A_ROUTE_NEXTHOP)
			continue;
		if (n == BOWTIE_TUNNELS_MAX) {
			NL_SET_ERR_MSG_ATTR(extack, attr, "route: too many nexthops");
			return -E2BIG;
		}
		err = parse_nexthop(link, attr, &members[n], extack);
		if (err)
			return err;
		n++;
	}
	if (!n) {
		NL_SET_ERR_MSG_ATTR(extack, route, "route: nexthop is missing");
		return -EINVAL;
	}
	sort(members, n, sizeof(*members), by_id, NULL);
	for (i = 1; i < n; i++) {
		if (members[i].id == members[i - 1].id) {
			NL_SET_ERR_MSG_ATTR(extack, route, "route: the same tunnel twice");
			return -EINVAL;
		}
	}
	return n;
}

static int check_once(const struct change *c, const struct bowtie_route *r,
		      const struct nlattr *attr)
{
	if (r->stamp != c->link->routes.stamp)
		return 0;
	NL_SET_ERR_MSG_ATTR(c->extack, attr, "the same prefix twice in a request");
	return -EINVAL;
}

static int route_new_one(struct change *c, struct nlattr *attr)
{
	struct bowtie_member members[BOWTIE_TUNNELS_MAX];
	struct nlattr *tb[BOWTIE_A_ROUTE_NEXTHOP + 1];
	struct bowtie_prefix *p = &c->prefix[c->n];
	struct bowtie_group *group, *old = NULL;
	struct bowtie_route *r;
	int n, err;

	err = nla_parse_nested(tb, BOWTIE_A_ROUTE_NEXTHOP, attr, bowtie_route_nl_policy,
			       c->extack);
	if (err)
		return err;
	err = parse_prefix(tb, attr, p, c->extack);
	if (err)
		return err;
	n = parse_nexthops(c->link, attr, members, c->extack);
	if (n < 0)
		return n;
	r = bowtie_route_find(c->link, p);
	if (r)
		old = route_group(c->link, r);
	err = old ? check_once(c, r, attr) : 0;
	if (!err)
		err = bowtie_nl_check_mode(c->info, old, attr);
	if (err)
		return err;

	group = bowtie_group_get(c->link, members, n, old);
	if (IS_ERR(group))
		return PTR_ERR(group);
	if (old)
		old->routes++;
	err = bowtie_route_set_group(c->link, p, group);
	if (err) {
		bowtie_group_put(c->link, group);
		if (old)
			bowtie_group_put(c->link, old);
		return err;
	}
	c->old[c->n++] = old;
	return 0;
}

/**
 * bowtie_nl_route_new() - BOWTIE_CMD_ROUTE_NEW
 * @skb: request
 * @info: its attributes
 *
 * Context: link->lock. Return: 0, or an error and nothing is changed.
 */
int bowtie_nl_route_new(struct sk_buff *skb, struct genl_info *info)
{
	struct nlattr *attr;
	struct change c;
	int rem, err;

	err = change_init(&c, info);
	if (err)
		return err;
	for_each_route(attr, info, rem) {
		err = route_new_one(&c, attr);
		if (err) {
			change_undo(&c);
			return err;
		}
	}
	bowtie_notify_routes(c.link, c.prefix, c.n, false);
	bowtie_health_routes(c.link);
	change_free(&c);
	return 0;
}

static int route_del_one(struct change *c, struct nlattr *attr)
{
	struct nlattr *tb[BOWTIE_A_ROUTE_LEN + 1];
	struct bowtie_prefix *p = &c->prefix[c->n];
	struct bowtie_group *group = NULL;
	struct bowtie_route *r;
	int err;

	err = nla_parse_nested(tb, BOWTIE_A_ROUTE_LEN, attr, bowtie_route_key_nl_policy,
			       c->extack);
	if (err)
		return err;
	err = parse_prefix(tb, attr, p, c->extack);
	if (err)
		return err;
	r = bowtie_route_find(c->link, p);
	if (r)
		group = route_group(c->link, r);
	if (r && !group) {
		NL_SET_ERR_MSG_ATTR(c->extack, attr, "the route is pinned by a tunnel");
		return -EBUSY;
	}
	if (!group) {
		NL_SET_ERR_MSG_ATTR(c->extack, attr, "no such route");
		return -ENOENT;
	}
	err = check_once(c, r, attr);
	if (err)
		return err;
	r->stamp = c->link->routes.stamp;
	c->n++;
	return 0;
}

/**
 * bowtie_nl_route_del() - BOWTIE_CMD_ROUTE_DEL
 * @skb: request
 * @info: its attributes
 *
 * Context: link->lock. Return: 0, or an error and nothing is changed.
 */
int bowtie_nl_route_del(struct sk_buff *skb, struct genl_info *info)
{
	struct nlattr *attr;
	struct change c;
	int rem, err;
	size_t i;

	err = change_init(&c, info);
	if (err)
		return err;
	for_each_route(attr, info, rem) {
		err = route_del_one(&c, attr);
		if (err)
			goto out;
	}
	for (i = 0; i < c.n; i++)
		bowtie_route_clear_group(c.link, &c.prefix[i]);
	bowtie_notify_routes(c.link, c.prefix, c.n, true);
out:
	change_free(&c);
	return err;
}

/**
 * bowtie_nl_route_get() - BOWTIE_CMD_ROUTE_GET for one route
 * @skb: request
 * @info: its attributes: dst alone asks which route an address takes, dst and len
 *	ask for that prefix
 *
 * Context: link->lock. Return: 0 or an error.
 */
int bowtie_nl_route_get(struct sk_buff *skb, struct genl_info *info)
{
	struct nlattr *tb[BOWTIE_A_ROUTE_LEN + 1], *attr = info->attrs[BOWTIE_A_ROUTE];
	struct bowtie_link *link = info->user_ptr[0];
	const struct bowtie_route *r;
	struct bowtie_prefix p;
	struct sk_buff *msg;
	void *hdr;
	int err;

	if (!attr) {
		NL_SET_ERR_MSG(info->extack, "route is missing");
		return -EINVAL;
	}
	err = nla_parse_nested(tb, BOWTIE_A_ROUTE_LEN, attr, bowtie_route_key_nl_policy,
			       info->extack);
	if (err)
		return err;
	err = parse_prefix(tb, attr, &p, info->extack);
	if (err)
		return err;
	r = tb[BOWTIE_A_ROUTE_LEN] ? bowtie_route_find(link, &p) :
	    bowtie_route_match(link, p.family, p.key);
	if (!r) {
		NL_SET_ERR_MSG_ATTR(info->extack, attr, "no such route");
		return -ENOENT;
	}

	msg = genlmsg_new(NLMSG_GOODSIZE, GFP_KERNEL);
	if (!msg)
		return -ENOMEM;
	hdr = bowtie_nl_begin(msg, link, info->genlhdr->cmd, info->snd_portid, info->snd_seq, 0);
	if (!hdr || bowtie_nl_fill_route(msg, link, r)) {
		nlmsg_free(msg);
		return -EMSGSIZE;
	}
	genlmsg_end(msg, hdr);
	return genlmsg_reply(msg, info);
}

/* A message for each route would overrun the listeners of a large table. */
static void flush_family(struct bowtie_link *link, u8 family)
{
	struct bowtie_prefix at = { .family = family }, gone[32];
	struct bowtie_route *r = bowtie_route_next(link, family, NULL);
	size_t n = 0;

	while (r) {
		at.key = r->key;
		at.len = r->len;
		if (rcu_access_pointer(r->group)) {
			bowtie_route_clear_group(link, &at);
			gone[n++] = at;
		}
		if (n == ARRAY_SIZE(gone)) {
			bowtie_notify_routes(link, gone, n, true);
			n = 0;
			cond_resched();
		}
		r = bowtie_route_next(link, family, &at);
	}
	bowtie_notify_routes(link, gone, n, true);
}

/**
 * bowtie_nl_route_flush() - BOWTIE_CMD_ROUTE_FLUSH
 * @skb: request
 * @info: its attributes
 *
 * Pinned peers stay. Context: link->lock. Return: 0.
 */
int bowtie_nl_route_flush(struct sk_buff *skb, struct genl_info *info)
{
	struct bowtie_link *link = info->user_ptr[0];

	flush_family(link, AF_INET);
	flush_family(link, AF_INET6);
	return 0;
}
