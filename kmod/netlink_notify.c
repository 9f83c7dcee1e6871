// SPDX-License-Identifier: GPL-2.0
/*
 * Multicast of changes. Each message carries the link's next generation, so that a
 * listener sees whether it missed one. If there is no memory the generation moves
 * on all the same, and the gap tells.
 */
#include <net/genetlink.h>

#include "link.h"
#include "netlink.h"
#include "route.h"
#include "tunnel.h"

static bool anybody_listens(const struct bowtie_link *link)
{
	return genl_has_listeners(&bowtie_genl_family, dev_net(link->dev), 0);
}

static struct sk_buff *notify_begin(struct bowtie_link *link, u8 cmd, void **hdr)
{
	struct sk_buff *msg;

	link->generation = link->generation + 1 ?: 1;
	if (!anybody_listens(link))
		return NULL;
	msg = genlmsg_new(NLMSG_GOODSIZE, GFP_ATOMIC);
	if (!msg)
		return NULL;
	*hdr = bowtie_nl_begin(msg, link, cmd, 0, 0, 0);
	if (*hdr)
		return msg;
	nlmsg_free(msg);
	return NULL;
}

static void notify_send(struct bowtie_link *link, struct sk_buff *msg, void *hdr)
{
	genlmsg_end(msg, hdr);
	genlmsg_multicast_netns(&bowtie_genl_family, dev_net(link->dev), msg, 0, 0, GFP_ATOMIC);
}

static void notify(struct bowtie_link *link, u8 cmd,
		   int (*fill)(struct sk_buff *skb, const void *object), const void *object)
{
	struct sk_buff *msg;
	void *hdr;

	/* The device may move, and the namespace that it was in may go. */
	rcu_read_lock();
	msg = notify_begin(link, cmd, &hdr);
	if (msg && WARN_ON_ONCE(fill(msg, object)))
		nlmsg_free(msg);
	else if (msg)
		notify_send(link, msg, hdr);
	rcu_read_unlock();
}

/**
 * bowtie_notify_link() - a link's settings have changed
 * @link: link
 *
 * Context: link->lock, as for all functions here; any that need not sleep.
 */
void bowtie_notify_link(struct bowtie_link *link)
{
	notify(link, BOWTIE_CMD_LINK_NTF, bowtie_nl_fill_link, link);
}

/**
 * bowtie_notify_tunnel() - a tunnel is new, or its settings or state have changed
 * @t: tunnel
 */
void bowtie_notify_tunnel(struct bowtie_tunnel *t)
{
	notify(t->link, BOWTIE_CMD_TUNNEL_NTF, bowtie_nl_fill_tunnel, t);
}

/**
 * bowtie_notify_tunnel_del() - a tunnel is gone, and with it its routes and SAs
 * @t: tunnel, not freed yet
 */
void bowtie_notify_tunnel_del(struct bowtie_tunnel *t)
{
	notify(t->link, BOWTIE_CMD_TUNNEL_DEL_NTF, bowtie_nl_fill_tunnel_key, t);
}

/**
 * bowtie_notify_sa() - an SA has been bound
 * @link: link
 * @sa: SA; RCU read side
 */
void bowtie_notify_sa(struct bowtie_link *link, const struct bowtie_sa *sa)
{
	notify(link, BOWTIE_CMD_SA_NTF, bowtie_nl_fill_sa, sa);
}

/**
 * bowtie_notify_sa_del() - an SA is bound no more
 * @link: link
 * @sa: SA, unpublished
 */
void bowtie_notify_sa_del(struct bowtie_link *link, const struct bowtie_sa *sa)
{
	notify(link, BOWTIE_CMD_SA_DEL_NTF, bowtie_nl_fill_sa_key, sa);
}

static int fill_one(struct bowtie_link *link, struct sk_buff *msg, const struct bowtie_prefix *p,
		    bool deleted)
{
	const struct bowtie_route *r;

	if (deleted)
		return bowtie_nl_fill_prefix(msg, p);
	r = bowtie_route_find(link, p);
	return r ? bowtie_nl_fill_route(msg, link, r) : 0;
}

/**
 * bowtie_notify_routes() - routes are new, changed or gone
 * @link: link
 * @p: their prefixes
 * @n: how many
 * @deleted: they are gone
 *
 * As many in a message as it holds.
 */
void bowtie_notify_routes(struct bowtie_link *link, const struct bowtie_prefix *p, size_t n,
			  bool deleted)
{
	u8 cmd = deleted ? BOWTIE_CMD_ROUTE_DEL_NTF : BOWTIE_CMD_ROUTE_NTF;
	size_t i = 0, begun;
	struct sk_buff *msg;
	void *hdr;

	while (i < n) {
		begun = i;
		rcu_read_lock();
		msg = notify_begin(link, cmd, &hdr);
		while (msg && i < n && !fill_one(link, msg, &p[i], deleted))
			i++;
		if (msg && i > begun)
			notify_send(link, msg, hdr);
		else
			nlmsg_free(msg);
		rcu_read_unlock();
		if (!msg || WARN_ON_ONCE(i == begun))
			return;
	}
}
