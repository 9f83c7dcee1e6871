// SPDX-License-Identifier: GPL-2.0
/* Requests about links, tunnels and SAs; see kmod_route.c and rtnl_link.c for the rest. */
#include "kmod_cmd.h"

#include <errno.h>
#include <netlink/attr.h>
#include <string.h>

#include "kmod_msg.h"

/**
 * bt_kmod_close() - release a handle
 * @k: handle; may be used again
 */
void bt_kmod_close(struct bt_kmod *k)
{
	bt_nl_close(&k->genl);
	bt_nl_close(&k->rtnl);
	k->family = 0;
}

/**
 * bt_dev_parse() - a device by its name
 * @text: its name
 * @dev: result
 * @e: says what is wrong
 *
 * Return: 0, or -EINVAL if no device can have this name.
 */
int bt_dev_parse(const char *text, struct bt_dev *dev, struct bt_error *e)
{
	size_t len = strlen(text);

	if (!len || len >= sizeof(dev->name) || strpbrk(text, "/: \t\n\v\f\r") ||
	    !strcmp(text, ".") || !strcmp(text, ".."))
		return bt_error_set(e, -EINVAL, "\"%s\" cannot be the name of a device", text);
	*dev = (struct bt_dev){};
	memcpy(dev->name, text, len);
	return 0;
}

/* What a request says beside the device, and what to do with the answer. */
struct request {
	const struct bt_object *object;
	const void *obj;
	unsigned int attr;
	bool has_mode;
	enum bowtie_mode mode;
	bt_nl_fn fn;
	void *arg;
};

static int ask(struct bt_kmod *k, const struct bt_dev *dev, enum bowtie_cmd cmd,
	       const struct request *r, struct bt_error *e)
{
	struct nl_msg *msg = bt_kmod_begin(k, dev, cmd, 0, e);
	int err = 0;

	if (!msg)
		return e->code;
	if (r->obj)
		err = bt_object_put_nest(r->object, r->obj, msg, r->attr);
	if (!err && r->has_mode && nla_put_u32(msg, BOWTIE_A_MODE, r->mode))
		err = -EMSGSIZE;
	if (err)
		bt_error_set(e, err, "cannot make a request of this: %s", strerror(-err));
	else
		err = bt_kmod_ask(k, msg, r->fn, r->arg, e);
	nlmsg_free(msg);
	return err;
}

/* --- links */

static int take_link(struct nlmsghdr *nlh, void *arg)
{
	struct bt_link *l = arg;
	struct bt_kmod_msg m;
	int err = bt_kmod_msg_parse(nlh, &m);

	bt_object_free(&bt_link_object, l);
	return err ? err : bt_kmod_msg_link(&m, l);
}

static int add_link(struct nlmsghdr *nlh, void *arg)
{
	struct bt_links *links = arg;

	return take_link(nlh, bt_array_add(links));
}

static void restart_links(void *arg)
{
	bt_links_free(arg);
}

/**
 * bt_kmod_link_get() - ask for a link
 * @k: handle
 * @dev: its device
 * @out: zeroed; result
 * @e: says what is wrong
 */
int bt_kmod_link_get(struct bt_kmod *k, const struct bt_dev *dev, struct bt_link *out,
		     struct bt_error *e)
{
	struct request r = { .fn = take_link, .arg = out };

	return ask(k, dev, BOWTIE_CMD_LINK_GET, &r, e);
}

/**
 * bt_kmod_link_dump() - ask for all links
 * @k: handle
 * @dev: just this one, or NULL
 * @out: zeroed; result
 * @e: says what is wrong
 */
int bt_kmod_link_dump(struct bt_kmod *k, const struct bt_dev *dev, struct bt_links *out,
		      struct bt_error *e)
{
	return bt_kmod_dump(k, dev, BOWTIE_CMD_LINK_GET, add_link, restart_links, out, e);
}

/**
 * bt_kmod_link_set() - change a link's settings
 * @k: handle
 * @dev: its device
 * @l: settings; the MTU is bt_rtnl_link_set()'s
 * @e: says what is wrong
 */
int bt_kmod_link_set(struct bt_kmod *k, const struct bt_dev *dev, const struct bt_link *l,
		     struct bt_error *e)
{
	struct request r = { .object = &bt_link_object, .obj = l, .attr = BOWTIE_A_LINK };

	return ask(k, dev, BOWTIE_CMD_LINK_SET, &r, e);
}

/* --- tunnels */

static int take_tunnel(struct nlmsghdr *nlh, void *arg)
{
	struct bt_tunnel *t = arg;
	struct bt_kmod_msg m;
	int err = bt_kmod_msg_parse(nlh, &m);

	bt_object_free(&bt_tunnel_object, t);
	return err ? err : bt_kmod_msg_tunnel(&m, t);
}

static int add_tunnel(struct nlmsghdr *nlh, void *arg)
{
	struct bt_tunnels *tunnels = arg;

	return take_tunnel(nlh, bt_array_add(tunnels));
}

static void restart_tunnels(void *arg)
{
	bt_tunnels_free(arg);
}

/* Of an id and a name the id counts, as the module has it. */
static struct bt_tunnel key_of(const struct bt_tunnel *t)
{
	struct bt_tunnel key = { .id = t->id };
	bool by_id = t->set & BT_BIT(BOWTIE_A_TUNNEL_ID);

	memcpy(key.name, t->name, sizeof(key.name));
	key.set = t->set & BT_BIT(by_id ? BOWTIE_A_TUNNEL_ID : BOWTIE_A_TUNNEL_NAME);
	return key;
}

/* The family that a tunnel has, for an "any" that comes alone. */
static int family_now(struct bt_kmod *k, const struct bt_dev *dev, const struct bt_tunnel *t)
{
	struct bt_tunnel key = key_of(t), now = {};
	struct bt_error ignored = {};
	int family = AF_UNSPEC;

	if (key.set && !bt_kmod_tunnel_get(k, dev, &key, &now, &ignored))
		family = now.local.family;
	bt_error_free(&ignored);
	bt_object_free(&bt_tunnel_object, &now);
	return family;
}

static bool is_any(const struct bt_tunnel *t, unsigned int attr, const struct bt_addr *addr)
{
	return (t->set & BT_BIT(attr)) && addr->family == AF_UNSPEC;
}

static int send_tunnel(struct bt_kmod *k, const struct bt_dev *dev, enum bowtie_cmd cmd,
		       const struct bt_tunnel *t, const enum bowtie_mode *mode,
		       struct bt_error *e)
{
	struct request r = { .object = &bt_tunnel_object, .attr = BOWTIE_A_TUNNEL };
	struct bt_tunnel fixed = *t;	/* no deep copy: nothing is changed behind it */
	int family = AF_UNSPEC;

	if (is_any(t, BOWTIE_A_TUNNEL_LOCAL, &t->local) ||
	    is_any(t, BOWTIE_A_TUNNEL_REMOTE, &t->remote)) {
		if (t->local.family == AF_UNSPEC && t->remote.family == AF_UNSPEC)
			family = family_now(k, dev, t);
		bt_tunnel_fix_families(&fixed, family);
	}
	r.obj = &fixed;
	if (mode) {
		r.has_mode = true;
		r.mode = *mode;
	}
	return ask(k, dev, cmd, &r, e);
}

/**
 * bt_kmod_tunnel_new() - add a tunnel
 * @k: handle
 * @dev: its device
 * @t: tunnel
 * @mode: whether it may, or must, be there already; then what is not set stays
 * @e: says what is wrong
 */
int bt_kmod_tunnel_new(struct bt_kmod *k, const struct bt_dev *dev, const struct bt_tunnel *t,
		       enum bowtie_mode mode, struct bt_error *e)
{
	return send_tunnel(k, dev, BOWTIE_CMD_TUNNEL_NEW, t, &mode, e);
}

/**
 * bt_kmod_tunnel_set() - change a tunnel
 * @k: handle
 * @dev: its device
 * @t: which, by id or name, and what to change; a name beside an id renames it
 * @e: says what is wrong
 */
int bt_kmod_tunnel_set(struct bt_kmod *k, const struct bt_dev *dev, const struct bt_tunnel *t,
		       struct bt_error *e)
{
	return send_tunnel(k, dev, BOWTIE_CMD_TUNNEL_SET, t, NULL, e);
}

/**
 * bt_kmod_tunnel_del() - delete a tunnel
 * @k: handle
 * @dev: its device
 * @key: which, by id or name
 * @e: says what is wrong
 */
int bt_kmod_tunnel_del(struct bt_kmod *k, const struct bt_dev *dev, const struct bt_tunnel *key,
		       struct bt_error *e)
{
	struct bt_tunnel only = key_of(key);
	struct request r = { .object = &bt_tunnel_object, .obj = &only, .attr = BOWTIE_A_TUNNEL };

	return ask(k, dev, BOWTIE_CMD_TUNNEL_DEL, &r, e);
}

/**
 * bt_kmod_tunnel_get() - ask for a tunnel
 * @k: handle
 * @dev: its device
 * @key: which, by id or name
 * @out: zeroed; result
 * @e: says what is wrong
 */
int bt_kmod_tunnel_get(struct bt_kmod *k, const struct bt_dev *dev, const struct bt_tunnel *key,
		       struct bt_tunnel *out, struct bt_error *e)
{
	struct bt_tunnel only = key_of(key);
	struct request r = {
		.object = &bt_tunnel_object,
		.obj = &only,
		.attr = BOWTIE_A_TUNNEL,
		.fn = take_tunnel,
		.arg = out,
	};

	return ask(k, dev, BOWTIE_CMD_TUNNEL_GET, &r, e);
}

/**
 * bt_kmod_tunnel_dump() - ask for all tunnels
 * @k: handle
 * @dev: of one device, or NULL for all
 * @out: zeroed; result
 * @e: says what is wrong
 */
int bt_kmod_tunnel_dump(struct bt_kmod *k, const struct bt_dev *dev, struct bt_tunnels *out,
			struct bt_error *e)
{
	return bt_kmod_dump(k, dev, BOWTIE_CMD_TUNNEL_GET, add_tunnel, restart_tunnels, out, e);
}

/* --- SAs */

static int take_sa(struct nlmsghdr *nlh, void *arg)
{
	struct bt_sa *sa = arg;
	struct bt_kmod_msg m;
	int err = bt_kmod_msg_parse(nlh, &m);

	bt_object_free(&bt_sa_object, sa);
	return err ? err : bt_kmod_msg_sa(&m, sa);
}

static int add_sa(struct nlmsghdr *nlh, void *arg)
{
	struct bt_sas *sas = arg;

	return take_sa(nlh, bt_array_add(sas));
}

static void restart_sas(void *arg)
{
	bt_sas_free(arg);
}

/**
 * bt_kmod_sa_get() - ask for an SA
 * @k: handle
 * @dev: device of its tunnel
 * @spi: its SPI
 * @out: zeroed; result
 * @e: says what is wrong
 */
int bt_kmod_sa_get(struct bt_kmod *k, const struct bt_dev *dev, uint32_t spi, struct bt_sa *out,
		   struct bt_error *e)
{
	struct bt_sa key = { .set = BT_BIT(BOWTIE_A_SA_SPI), .spi = spi };
	struct request r = {
		.object = &bt_sa_object,
		.obj = &key,
		.attr = BOWTIE_A_SA,
		.fn = take_sa,
		.arg = out,
	};

	return ask(k, dev, BOWTIE_CMD_SA_GET, &r, e);
}

/**
 * bt_kmod_sa_dump() - ask for all SAs
 * @k: handle
 * @dev: of one device, or NULL for all
 * @out: zeroed; result
 * @e: says what is wrong
 */
int bt_kmod_sa_dump(struct bt_kmod *k, const struct bt_dev *dev, struct bt_sas *out,
		    struct bt_error *e)
{
	return bt_kmod_dump(k, dev, BOWTIE_CMD_SA_GET, add_sa, restart_sas, out, e);
}
