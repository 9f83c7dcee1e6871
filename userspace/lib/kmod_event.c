// SPDX-License-Identifier: GPL-2.0
/*
 * Notifications of the module, of its coming and going, and of its devices.
 *
 * Who wants to know the state opens this first and dumps then: what happens in
 * between is told by both, and nothing is missed. After BT_EVENT_LOST and
 * BT_EVENT_MODULE it dumps again.
 */
#include "kmod_event.h"

#include <errno.h>
#include <linux/genetlink.h>
#include <linux/netlink.h>
#include <linux/rtnetlink.h>
#include <netlink/genl/genl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "kmod_msg.h"
#include "rtnl_link.h"

/* Datagrams in one go: other events of the loop want their turn. */
#define READ_MAX	256

/**
 * struct seen - what a device's last notification said
 * @ifindex: device
 * @generation: of the link, or 0 if none is known
 * @device: what rtnetlink told
 */
struct seen {
	int ifindex;
	uint32_t generation;
	struct bt_link device;
};

/**
 * struct bt_kmod_events - subscriptions
 * @genl: the module's group, and that of generic netlink about its families
 * @rtnl: devices
 * @epoll: readable when one of the two is
 * @family: the module's, as far as known; id 0 while it is not there
 * @refused: why the module's group could not be joined, or 0
 * @seen: by device
 */
struct bt_kmod_events {
	struct bt_nl genl;
	struct bt_nl rtnl;
	int epoll;
	struct bt_genl_family family;
	int refused;
	struct {
		struct seen *v;
		size_t n;
	} seen;
};

/* Where the events of one call go. */
struct sink {
	struct bt_kmod_events *ev;
	bt_event_fn fn;
	void *arg;
};

static void emit(const struct sink *s, const struct bt_event *event)
{
	s->fn(event, s->arg);
}

static void emit_simple(const struct sink *s, enum bt_event_type type, const struct bt_dev *dev)
{
	struct bt_event event = { .type = type };

	if (dev)
		event.dev = *dev;
	emit(s, &event);
}

static struct seen *seen_find(struct bt_kmod_events *ev, int ifindex)
{
	size_t i;

	for (i = 0; i < ev->seen.n; i++)
		if (ev->seen.v[i].ifindex == ifindex)
			return &ev->seen.v[i];
	return NULL;
}

static struct seen *seen_get(struct bt_kmod_events *ev, int ifindex)
{
	struct seen *seen = seen_find(ev, ifindex);

	if (!seen) {
		seen = bt_array_add(&ev->seen);
		seen->ifindex = ifindex;
	}
	return seen;
}

static void seen_forget(struct bt_kmod_events *ev, int ifindex)
{
	struct seen *seen = seen_find(ev, ifindex);

	if (seen)
		*seen = ev->seen.v[--ev->seen.n];
}

/* From now on any generation may come first. */
static void seen_forget_generations(struct bt_kmod_events *ev)
{
	size_t i;

	for (i = 0; i < ev->seen.n; i++)
		ev->seen.v[i].generation = 0;
}

/* The module counts on from the largest number to 1. */
static bool follows(uint32_t generation, uint32_t last)
{
	return generation == (last + 1 ? last + 1 : 1);
}

static bool is_newer(uint32_t generation, uint32_t last)
{
	return (int32_t)(generation - last) > 0;
}

/**
 * bt_kmod_events_seen() - everything up to a generation is known
 * @ev: subscriptions
 * @dev: device
 * @generation: that a dump of it has told
 *
 * From then on a gap is noticed, even before the first notification.
 */
void bt_kmod_events_seen(struct bt_kmod_events *ev, const struct bt_dev *dev,
			 uint32_t generation)
{
	struct seen *seen = seen_get(ev, dev->ifindex);

	if (!seen->generation || is_newer(generation, seen->generation))
		seen->generation = generation;
}

static void check_generation(const struct sink *s, const struct bt_dev *dev, uint32_t generation)
{
	struct seen *seen = seen_get(s->ev, dev->ifindex);
	uint32_t last = seen->generation;

	if (last && !is_newer(generation, last))
		return;
	seen->generation = generation;
	if (last && !follows(generation, last))
		emit_simple(s, BT_EVENT_LOST, dev);
}

/* --- notifications of the module */

static int event_link(const struct bt_kmod_msg *m, struct bt_event *event, const struct sink *s)
{
	struct bt_link l = {};
	int err = bt_kmod_msg_link(m, &l);

	event->link = &l;
	if (!err)
		emit(s, event);
	bt_object_free(&bt_link_object, &l);
	return err;
}

static int event_tunnel(const struct bt_kmod_msg *m, struct bt_event *event,
			const struct sink *s)
{
	struct bt_tunnel t = {};
	int err = bt_kmod_msg_tunnel(m, &t);

	event->tunnel = &t;
	if (!err)
		emit(s, event);
	bt_object_free(&bt_tunnel_object, &t);
	return err;
}

static int event_sa(const struct bt_kmod_msg *m, struct bt_event *event, const struct sink *s)
{
	struct bt_sa sa = {};
	int err = bt_kmod_msg_sa(m, &sa);

	event->sa = &sa;
	if (!err)
		emit(s, event);
	bt_object_free(&bt_sa_object, &sa);
	return err;
}

static int event_routes(struct nlmsghdr *nlh, const struct bt_kmod_msg *m,
			struct bt_event *event, const struct sink *s)
{
	struct bt_routes routes = {};
	int err = bt_kmod_msg_routes(nlh, m, &routes);

	event->routes = &routes;
	if (!err)
		emit(s, event);
	bt_routes_free(&routes);
	return err;
}

static int event_of(struct nlmsghdr *nlh, const struct bt_kmod_msg *m, const struct sink *s)
{
	struct bt_event event = { .dev = m->dev, .generation = m->generation };

	switch (m->cmd) {
	case BOWTIE_CMD_LINK_NTF:
		event.type = BT_EVENT_LINK;
		return event_link(m, &event, s);
	case BOWTIE_CMD_TUNNEL_NTF:
		event.type = BT_EVENT_TUNNEL;
		return event_tunnel(m, &event, s);
	case BOWTIE_CMD_TUNNEL_DEL_NTF:
		event.type = BT_EVENT_TUNNEL_DEL;
		return event_tunnel(m, &event, s);
	case BOWTIE_CMD_ROUTE_NTF:
		event.type = BT_EVENT_ROUTE;
		return event_routes(nlh, m, &event, s);
	case BOWTIE_CMD_ROUTE_DEL_NTF:
		event.type = BT_EVENT_ROUTE_DEL;
		return event_routes(nlh, m, &event, s);
	case BOWTIE_CMD_SA_NTF:
		event.type = BT_EVENT_SA;
		return event_sa(m, &event, s);
	case BOWTIE_CMD_SA_DEL_NTF:
		event.type = BT_EVENT_SA_DEL;
		return event_sa(m, &event, s);
	default:
		/* Of a newer module. */
		return 0;
	}
}

static void take_module_msg(struct nlmsghdr *nlh, const struct sink *s)
{
	struct bt_kmod_msg m;

	/* What cannot be read is as good as lost. */
	if (bt_kmod_msg_parse(nlh, &m)) {
		emit_simple(s, BT_EVENT_LOST, NULL);
		return;
	}
	if (m.generation)
		check_generation(s, &m.dev, m.generation);
	if (event_of(nlh, &m, s))
		emit_simple(s, BT_EVENT_LOST, &m.dev);
}

/* --- the module itself */

/* A group that has gone meanwhile comes back, or not: that is news, no mistake. */
static int join(struct bt_nl *nl, uint32_t group)
{
	int value = (int)group;

	if (!group || !setsockopt(bt_nl_fd(nl), SOL_NETLINK, NETLINK_ADD_MEMBERSHIP, &value,
				  sizeof(value)))
		return 0;
	return errno == ENOENT ? 0 : -errno;
}

static void module_came(const struct sink *s, const struct bt_genl_family *family)
{
	if (s->ev->family.id == family->id)
		return;
	s->ev->family = *family;
	s->ev->refused = join(&s->ev->genl, family->group);
	emit_simple(s, BT_EVENT_MODULE, NULL);
}

/* The kernel ends the membership by itself. */
static void module_went(const struct sink *s)
{
	if (!s->ev->family.id)
		return;
	s->ev->family = (struct bt_genl_family){};
	s->ev->refused = 0;
	s->ev->seen.n = 0;
	emit_simple(s, BT_EVENT_MODULE_GONE, NULL);
}

static void take_family_msg(struct nlmsghdr *nlh, const struct sink *s)
{
	struct bt_genl_family family;

	if (!bt_genl_parse_family(nlh, BOWTIE_FAMILY_NAME, &family))
		return;
	if (genlmsg_hdr(nlh)->cmd == CTRL_CMD_NEWFAMILY)
		module_came(s, &family);
	else if (genlmsg_hdr(nlh)->cmd == CTRL_CMD_DELFAMILY)
		module_went(s);
}

/* Asks on a socket of its own: an answer must not mix with notifications. */
static int resolve(struct bt_genl_family *family, struct bt_error *e)
{
	struct bt_nl nl;
	int err = bt_nl_open(&nl, NETLINK_GENERIC, e);

	if (err)
		return err;
	err = bt_genl_resolve(&nl, BOWTIE_FAMILY_NAME, family, e);
	bt_nl_close(&nl);
	if (err != -ENOENT)
		return err;
	bt_error_free(e);
	*family = (struct bt_genl_family){};
	return 0;
}

/* That the module went or came may be among what was lost. */
static void after_loss(const struct sink *s)
{
	struct bt_genl_family family;
	struct bt_error ignored = {};

	seen_forget_generations(s->ev);
	if (!resolve(&family, &ignored)) {
		if (family.id != s->ev->family.id)
			module_went(s);
		if (family.id)
			module_came(s, &family);
	}
	bt_error_free(&ignored);
	emit_simple(s, BT_EVENT_LOST, NULL);
}

static void take_genl(struct nlmsghdr *nlh, const struct sink *s)
{
	if (nlh->nlmsg_type == GENL_ID_CTRL)
		take_family_msg(nlh, s);
	else if (s->ev->family.id && nlh->nlmsg_type == s->ev->family.id)
		take_module_msg(nlh, s);
}

/* --- devices */

static bool same_device(const struct bt_link *a, const struct bt_link *b)
{
	return a->up == b->up && a->operstate == b->operstate && a->mtu == b->mtu &&
	       !strcmp(a->dev.name, b->dev.name);
}

static void take_rtnl(struct nlmsghdr *nlh, const struct sink *s)
{
	struct bt_event event = { .type = BT_EVENT_DEVICE };
	struct bt_link l = {};
	struct seen *seen;

	if ((nlh->nlmsg_type != RTM_NEWLINK && nlh->nlmsg_type != RTM_DELLINK) ||
	    !bt_rtnl_parse_link(nlh, &l))
		return;
	event.dev = l.dev;
	event.link = &l;
	if (nlh->nlmsg_type == RTM_DELLINK) {
		event.type = BT_EVENT_DEVICE_DEL;
		seen_forget(s->ev, l.dev.ifindex);
	} else {
		/* Much else of a device is told this way, too. */
		seen = seen_get(s->ev, l.dev.ifindex);
		if (same_device(&seen->device, &l))
			return;
		seen->device = l;
	}
	emit(s, &event);
}

/* --- all of them */

/*
 * A socket that has overflown gets nothing more, and says nothing more, before it
 * has been read to its end. Only then is there a point in dumping again.
 */
static int read_socket(struct bt_nl *nl, void (*take)(struct nlmsghdr *nlh, const struct sink *s),
		       const struct sink *s, struct bt_error *e)
{
	bool lost = false;
	struct nlmsghdr *nlh;
	int i, rem, err;

	for (i = 0; lost || i < READ_MAX; i++) {
		err = bt_nl_receive(nl, MSG_DONTWAIT);
		if (err == -EAGAIN) {
			if (lost)
				after_loss(s);
			return 0;
		}
		if (err == -ENOBUFS) {
			lost = true;
			continue;
		}
		if (err)
			return bt_error_set(e, err, "cannot receive from the kernel: %s",
					    strerror(-err));
		bt_nl_for_each(nlh, rem, nl)
			take(nlh, s);
	}
	return 0;
}

/* Whoever may not listen must not believe that nothing happens. */
static int check_joined(int err, struct bt_error *e)
{
	if (!err)
		return 0;
	return bt_error_set(e, err, "cannot listen to the kernel: %s", strerror(-err));
}

/**
 * bt_kmod_events_read() - take what has arrived
 * @ev: subscriptions
 * @fn: called for each event; must not close @ev
 * @arg: given to @fn
 * @e: says what is wrong
 *
 * Does not wait. Devices come before what happened in them.
 * Return: 0 or a negative errno.
 */
int bt_kmod_events_read(struct bt_kmod_events *ev, bt_event_fn fn, void *arg,
			struct bt_error *e)
{
	struct sink s = { .ev = ev, .fn = fn, .arg = arg };
	int err = read_socket(&ev->rtnl, take_rtnl, &s, e);

	if (!err)
		err = read_socket(&ev->genl, take_genl, &s, e);
	return err ? err : check_joined(ev->refused, e);
}

static int watch(struct bt_kmod_events *ev, struct bt_nl *nl)
{
	struct epoll_event event = { .events = EPOLLIN };

	return epoll_ctl(ev->epoll, EPOLL_CTL_ADD, bt_nl_fd(nl), &event) ? -errno : 0;
}

static int open_all(struct bt_kmod_events *ev, struct bt_error *e)
{
	int err;

	ev->epoll = epoll_create1(EPOLL_CLOEXEC);
	if (ev->epoll < 0)
		return bt_error_set(e, -errno, "cannot create an epoll instance: %s",
				    strerror(errno));
	err = bt_nl_open(&ev->genl, NETLINK_GENERIC, e);
	if (!err)
		err = bt_nl_open(&ev->rtnl, NETLINK_ROUTE, e);
	if (err)
		return err;
	err = watch(ev, &ev->genl);
	if (!err)
		err = watch(ev, &ev->rtnl);
	if (err)
		return bt_error_set(e, err, "cannot watch a netlink socket: %s", strerror(-err));
	err = join(&ev->rtnl, RTNLGRP_LINK);
	/* First to the news about families, whose group has this number for ever. */
	if (!err)
		err = join(&ev->genl, GENL_ID_CTRL);
	if (err)
		return check_joined(err, e);
	err = resolve(&ev->family, e);
	return err ? err : check_joined(join(&ev->genl, ev->family.group), e);
}

/**
 * bt_kmod_events_open() - subscribe
 * @e: says what is wrong
 *
 * Also without the module, whose coming is an event. Belongs to the network
 * namespace of the caller. Return: subscriptions, or NULL.
 */
struct bt_kmod_events *bt_kmod_events_open(struct bt_error *e)
{
	struct bt_kmod_events *ev = bt_alloc(sizeof(*ev));

	if (!open_all(ev, e))
		return ev;
	bt_kmod_events_close(ev);
	return NULL;
}

/**
 * bt_kmod_events_close() - unsubscribe
 * @ev: subscriptions; freed
 */
void bt_kmod_events_close(struct bt_kmod_events *ev)
{
	bt_nl_close(&ev->genl);
	bt_nl_close(&ev->rtnl);
	if (ev->epoll >= 0)
		close(ev->epoll);
	free(ev->seen.v);
	free(ev);
}

/**
 * bt_kmod_events_fd() - for an event loop: readable when there is something to read
 * @ev: subscriptions
 */
int bt_kmod_events_fd(const struct bt_kmod_events *ev)
{
	return ev->epoll;
}

/**
 * bt_kmod_events_module() - is the module there?
 * @ev: subscriptions
 */
bool bt_kmod_events_module(const struct bt_kmod_events *ev)
{
	return ev->family.id;
}
