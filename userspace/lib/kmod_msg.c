// SPDX-License-Identifier: GPL-2.0
/* Messages of the module: taken apart for replies and notifications alike, and sent. */
#include "kmod_msg.h"

#include <errno.h>
#include <linux/genetlink.h>
#include <netlink/attr.h>
#include <netlink/genl/genl.h>
#include <stdio.h>
#include <string.h>

/* Room for a tunnel with all its selectors, or for some hundred routes. */
#define MSG_SIZE	(32 << 10)
/* A dump of what never stands still has to end, too. */
#define DUMP_TRIES	10

/**
 * bt_kmod_msg_parse() - take a message apart
 * @nlh: message of the family "bowtie"
 * @m: result; points into the message
 *
 * Return: 0 or -EBADMSG.
 */
int bt_kmod_msg_parse(struct nlmsghdr *nlh, struct bt_kmod_msg *m)
{
	*m = (struct bt_kmod_msg){};
	if (!genlmsg_valid_hdr(nlh, 0) ||
	    genlmsg_parse(nlh, 0, m->tb, BOWTIE_A_MAX, NULL) < 0 ||
	    !m->tb[BOWTIE_A_IFINDEX] || !m->tb[BOWTIE_A_IFNAME] ||
	    nla_len(m->tb[BOWTIE_A_IFINDEX]) != sizeof(int32_t))
		return -EBADMSG;
	m->cmd = genlmsg_hdr(nlh)->cmd;
	m->dev.ifindex = nla_get_s32(m->tb[BOWTIE_A_IFINDEX]);
	nla_strlcpy(m->dev.name, m->tb[BOWTIE_A_IFNAME], sizeof(m->dev.name));
	if (m->tb[BOWTIE_A_GENERATION] &&
	    nla_len(m->tb[BOWTIE_A_GENERATION]) == sizeof(uint32_t))
		m->generation = nla_get_u32(m->tb[BOWTIE_A_GENERATION]);
	return 0;
}

static int get_object(const struct bt_kmod_msg *m, const struct bt_object *o, unsigned int attr,
		      void *obj)
{
	return m->tb[attr] ? bt_object_get_nest(o, obj, m->tb[attr]) : -EBADMSG;
}

/**
 * bt_kmod_msg_link() - the link that a message is about
 * @m: message
 * @l: zeroed; the caller's to free, whatever is returned
 *
 * Return: 0 or -EBADMSG.
 */
int bt_kmod_msg_link(const struct bt_kmod_msg *m, struct bt_link *l)
{
	l->dev = m->dev;
	l->generation = m->generation;
	return get_object(m, &bt_link_object, BOWTIE_A_LINK, l);
}

/**
 * bt_kmod_msg_tunnel() - the tunnel that a message is about
 * @m: message
 * @t: zeroed; the caller's to free, whatever is returned
 *
 * Return: 0 or -EBADMSG.
 */
int bt_kmod_msg_tunnel(const struct bt_kmod_msg *m, struct bt_tunnel *t)
{
	t->dev = m->dev;
	t->generation = m->generation;
	return get_object(m, &bt_tunnel_object, BOWTIE_A_TUNNEL, t);
}

/**
 * bt_kmod_msg_sa() - the SA that a message is about
 * @m: message
 * @sa: zeroed; the caller's to free, whatever is returned
 *
 * Return: 0 or -EBADMSG.
 */
int bt_kmod_msg_sa(const struct bt_kmod_msg *m, struct bt_sa *sa)
{
	sa->dev = m->dev;
	sa->generation = m->generation;
	return get_object(m, &bt_sa_object, BOWTIE_A_SA, sa);
}

/**
 * bt_kmod_msg_routes() - the routes that a message is about
 * @nlh: message
 * @m: the same, taken apart
 * @routes: appended to; the caller's to free, whatever is returned
 *
 * Return: 0 or -EBADMSG.
 */
int bt_kmod_msg_routes(struct nlmsghdr *nlh, const struct bt_kmod_msg *m,
		       struct bt_routes *routes)
{
	struct nlattr *attr = genlmsg_attrdata(genlmsg_hdr(nlh), 0);
	int rem = genlmsg_attrlen(genlmsg_hdr(nlh), 0), err;
	struct bt_route *r;

	for (; nla_ok(attr, rem); attr = nla_next(attr, &rem)) {
		if (nla_type(attr) != BOWTIE_A_ROUTE)
			continue;
		r = bt_array_add(routes);
		r->dev = m->dev;
		r->generation = m->generation;
		err = bt_object_get_nest(&bt_route_object, r, attr);
		if (err)
			return err;
	}
	return 0;
}

/**
 * bt_kmod_no_module() - say that the module is not there
 * @e: where to
 *
 * Return: -BT_ENOMODULE.
 */
int bt_kmod_no_module(struct bt_error *e)
{
	return bt_error_set(e, -BT_ENOMODULE,
			    "the bowtie module is not loaded (modprobe bowtie)");
}

static int resolve(struct bt_kmod *k, struct bt_error *e)
{
	struct bt_genl_family family;
	int err = bt_genl_resolve(&k->genl, BOWTIE_FAMILY_NAME, &family, e);

	k->family = family.id;
	return err == -ENOENT || (!err && !family.id) ? bt_kmod_no_module(e) : err;
}

/**
 * bt_kmod_open_genl() - open the socket for the module's own commands
 * @k: handle; nothing happens if it is open
 * @e: says what is wrong
 *
 * Return: 0 or a negative errno.
 */
int bt_kmod_open_genl(struct bt_kmod *k, struct bt_error *e)
{
	int err;

	if (!k->genl.sk) {
		err = bt_nl_open(&k->genl, NETLINK_GENERIC, e);
		if (err)
			return err;
	}
	return k->family ? 0 : resolve(k, e);
}

/**
 * bt_kmod_begin() - begin a request
 * @k: handle
 * @dev: the device that it is about, or NULL
 * @cmd: command
 * @flags: NLM_F_DUMP, or 0
 * @e: says what is wrong
 *
 * Return: message to be freed, or NULL.
 */
struct nl_msg *bt_kmod_begin(struct bt_kmod *k, const struct bt_dev *dev, enum bowtie_cmd cmd,
			     int flags, struct bt_error *e)
{
	struct nl_msg *msg;
	int err = 0;

	if (bt_kmod_open_genl(k, e))
		return NULL;
	msg = nlmsg_alloc_size(MSG_SIZE);
	if (!msg || !genlmsg_put(msg, NL_AUTO_PORT, NL_AUTO_SEQ, k->family, 0, flags, cmd,
				 BOWTIE_FAMILY_VERSION))
		goto no_memory;
	if (dev && dev->ifindex)
		err = nla_put_s32(msg, BOWTIE_A_IFINDEX, dev->ifindex);
	else if (dev)
		err = nla_put_string(msg, BOWTIE_A_IFNAME, dev->name);
	if (!err)
		return msg;

no_memory:
	nlmsg_free(msg);
	bt_error_set(e, -ENOMEM, "%s", strerror(ENOMEM));
	return NULL;
}

/**
 * bt_kmod_ask() - send a request and wait for the answer
 * @k: handle
 * @msg: request; stays the caller's
 * @fn: takes each message of the answer, or NULL
 * @arg: given to @fn
 * @e: says what is wrong
 *
 * A module that was loaded anew has another number: then it is asked again.
 * Return: 0 or a negative errno.
 */
int bt_kmod_ask(struct bt_kmod *k, struct nl_msg *msg, bt_nl_fn fn, void *arg,
		struct bt_error *e)
{
	struct bt_error again = {};
	int family = k->family;
	int err = bt_nl_request(&k->genl, msg, fn, arg, e);

	/* The kernel says the same of an unknown family as of an unknown object. */
	if (err != -ENOENT)
		return err;
	if (resolve(k, &again)) {
		bt_error_free(e);
		*e = again;
		return e->code;
	}
	if (k->family == family)
		return err;
	nlmsg_hdr(msg)->nlmsg_type = (uint16_t)k->family;
	bt_error_free(e);
	return bt_nl_request(&k->genl, msg, fn, arg, e);
}

/**
 * bt_kmod_dump() - ask for all objects of a kind
 * @k: handle
 * @dev: of one device, or NULL for all
 * @cmd: command
 * @fn: takes each message
 * @restart: forgets what @fn has taken, as things changed meanwhile
 * @arg: given to both
 * @e: says what is wrong
 *
 * Return: 0; -EINTR if they never stopped changing: what was taken may be a mixture
 * of old and new, good enough for who is subscribed to the changes; another errno,
 * and nothing was taken.
 */
int bt_kmod_dump(struct bt_kmod *k, const struct bt_dev *dev, enum bowtie_cmd cmd, bt_nl_fn fn,
		 void (*restart)(void *arg), void *arg, struct bt_error *e)
{
	struct nl_msg *msg = bt_kmod_begin(k, dev, cmd, NLM_F_DUMP, e);
	int tries = 0, err;

	if (!msg)
		return e->code;
	do {
		bt_error_free(e);
		restart(arg);
		err = bt_kmod_ask(k, msg, fn, arg, e);
	} while (err == -EINTR && ++tries < DUMP_TRIES);
	if (err && err != -EINTR)
		restart(arg);
	nlmsg_free(msg);
	return err;
}
