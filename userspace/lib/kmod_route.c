// SPDX-License-Identifier: GPL-2.0
/*
 * Requests about routes. Thousands may come at once: as many as fit go into a
 * message, which the module takes as a whole or not at all.
 */
#include "kmod_route.h"

#include <errno.h>
#include <netlink/attr.h>
#include <netlink/genl/genl.h>
#include <string.h>

#include "kmod_msg.h"

/* Which of the routes in a message has the attribute at this offset? */
static long blame(struct nl_msg *msg, size_t offset)
{
	struct nlmsghdr *nlh = nlmsg_hdr(msg);
	struct nlattr *attr = genlmsg_attrdata(genlmsg_hdr(nlh), 0);
	int rem = genlmsg_attrlen(genlmsg_hdr(nlh), 0);
	size_t start;
	long index = 0;

	for (; nla_ok(attr, rem); attr = nla_next(attr, &rem)) {
		if (nla_type(attr) != BOWTIE_A_ROUTE)
			continue;
		start = (size_t)((char *)attr - (char *)nlh);
		if (offset >= start && offset < start + attr->nla_len)
			return index;
		index++;
	}
	return -1;
}

/* One message with as many routes as it holds; how many, or a negative errno. */
static long send_some(struct bt_kmod *k, const struct bt_dev *dev, enum bowtie_cmd cmd,
		      const enum bowtie_mode *mode, const struct bt_route *routes, size_t n,
		      struct bt_error *e)
{
	struct nl_msg *msg = bt_kmod_begin(k, dev, cmd, 0, e);
	size_t done = 0;
	int err = 0;

	if (!msg)
		return e->code;
	if (mode && nla_put_u32(msg, BOWTIE_A_MODE, *mode))
		err = -EMSGSIZE;
	while (!err && done < n) {
		err = bt_object_put_nest(&bt_route_object, &routes[done], msg, BOWTIE_A_ROUTE);
		if (!err)
			done++;
	}
	if (!done) {
		bt_error_set(e, err, "cannot make a request of this: %s", strerror(-err));
	} else {
		err = bt_kmod_ask(k, msg, NULL, NULL, e);
		if (err && e->offset)
			e->index = blame(msg, e->offset);
	}
	nlmsg_free(msg);
	return err ? err : (long)done;
}

static int send_routes(struct bt_kmod *k, const struct bt_dev *dev, enum bowtie_cmd cmd,
		       const enum bowtie_mode *mode, const struct bt_route *routes, size_t n,
		       struct bt_error *e)
{
	char dst[BT_PREFIX_STRLEN];
	size_t done = 0;
	long sent;

	while (done < n) {
		sent = send_some(k, dev, cmd, mode, routes + done, n - done, e);
		if (sent < 0) {
			if (e->index < 0)
				return (int)sent;
			e->index += (long)done;
			if (n > 1)
				bt_error_prefix(e, "%s",
						bt_prefix_str(&routes[e->index].dst, dst));
			return (int)sent;
		}
		done += (size_t)sent;
	}
	return 0;
}

/**
 * bt_kmod_route_new() - add routes
 * @k: handle
 * @dev: their device
 * @routes: prefix and next hops of each
 * @n: how many
 * @mode: whether they may, or must, be there already
 * @e: says what is wrong, and e->index with which route
 *
 * If they are too many for a message, those of the messages before a refusal stay.
 */
int bt_kmod_route_new(struct bt_kmod *k, const struct bt_dev *dev, const struct bt_route *routes,
		      size_t n, enum bowtie_mode mode, struct bt_error *e)
{
	return send_routes(k, dev, BOWTIE_CMD_ROUTE_NEW, &mode, routes, n, e);
}

/* Just what says which route it is: the command takes nothing else. */
static struct bt_route key_of(const struct bt_prefix *dst)
{
	return (struct bt_route){ .set = BT_BIT(BOWTIE_A_ROUTE_DST), .dst = *dst };
}

/**
 * bt_kmod_route_del() - remove routes
 * @k: handle
 * @dev: their device
 * @routes: prefix of each
 * @n: how many
 * @e: says what is wrong, and e->index with which route
 *
 * If they are too many for a message, those of the messages before a refusal are gone.
 */
int bt_kmod_route_del(struct bt_kmod *k, const struct bt_dev *dev, const struct bt_route *routes,
		      size_t n, struct bt_error *e)
{
	struct bt_routes keys = {};
	size_t i;
	int err;

	for (i = 0; i < n; i++)
		*bt_array_add(&keys) = key_of(&routes[i].dst);
	err = send_routes(k, dev, BOWTIE_CMD_ROUTE_DEL, NULL, keys.v, keys.n, e);
	bt_routes_free(&keys);
	return err;
}

static int add_routes(struct nlmsghdr *nlh, void *arg)
{
	struct bt_kmod_msg m;
	int err = bt_kmod_msg_parse(nlh, &m);

	return err ? err : bt_kmod_msg_routes(nlh, &m, arg);
}

static void restart_routes(void *arg)
{
	bt_routes_free(arg);
}

/* A request for one route; @msg is consumed. */
static int ask_route(struct bt_kmod *k, struct nl_msg *msg, struct bt_route *out,
		     struct bt_error *e)
{
	struct bt_routes routes = {};
	int err = bt_kmod_ask(k, msg, add_routes, &routes, e);

	nlmsg_free(msg);
	if (!err && routes.n != 1)
		err = bt_error_set(e, -EBADMSG, "the kernel told of %zu routes, not of one",
				   routes.n);
	if (!err) {
		*out = routes.v[0];
		routes.n = 0;
	}
	bt_routes_free(&routes);
	return err;
}

/**
 * bt_kmod_route_get() - which route does an address take?
 * @k: handle
 * @dev: device
 * @addr: address
 * @out: zeroed; result
 * @e: says what is wrong
 */
int bt_kmod_route_get(struct bt_kmod *k, const struct bt_dev *dev, const struct bt_addr *addr,
		      struct bt_route *out, struct bt_error *e)
{
	struct nl_msg *msg = bt_kmod_begin(k, dev, BOWTIE_CMD_ROUTE_GET, 0, e);
	struct nlattr *nest;

	if (!msg)
		return e->code;
	/* Without a length it is an address, not a prefix. */
	nest = nla_nest_start(msg, NLA_F_NESTED | BOWTIE_A_ROUTE);
	nla_put(msg, BOWTIE_A_ROUTE_DST, (int)bt_addr_size(addr), addr->bytes);
	nla_nest_end(msg, nest);
	return ask_route(k, msg, out, e);
}

/**
 * bt_kmod_route_find() - ask for the route of a prefix
 * @k: handle
 * @dev: device
 * @dst: prefix
 * @out: zeroed; result
 * @e: says what is wrong
 */
int bt_kmod_route_find(struct bt_kmod *k, const struct bt_dev *dev, const struct bt_prefix *dst,
		       struct bt_route *out, struct bt_error *e)
{
	struct nl_msg *msg = bt_kmod_begin(k, dev, BOWTIE_CMD_ROUTE_GET, 0, e);
	struct bt_route key = key_of(dst);

	if (!msg)
		return e->code;
	bt_object_put_nest(&bt_route_object, &key, msg, BOWTIE_A_ROUTE);
	return ask_route(k, msg, out, e);
}

/**
 * bt_kmod_route_dump() - ask for all routes
 * @k: handle
 * @dev: of one device, or NULL for all
 * @out: zeroed; result
 * @e: says what is wrong
 */
int bt_kmod_route_dump(struct bt_kmod *k, const struct bt_dev *dev, struct bt_routes *out,
		       struct bt_error *e)
{
	return bt_kmod_dump(k, dev, BOWTIE_CMD_ROUTE_GET, add_routes, restart_routes, out, e);
}

/**
 * bt_kmod_route_flush() - remove all routes but the pinned peers
 * @k: handle
 * @dev: their device
 * @e: says what is wrong
 */
int bt_kmod_route_flush(struct bt_kmod *k, const struct bt_dev *dev, struct bt_error *e)
{
	struct nl_msg *msg = bt_kmod_begin(k, dev, BOWTIE_CMD_ROUTE_FLUSH, 0, e);
	int err;

	if (!msg)
		return e->code;
	err = bt_kmod_ask(k, msg, NULL, NULL, e);
	nlmsg_free(msg);
	return err;
}
