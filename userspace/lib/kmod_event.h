/* SPDX-License-Identifier: GPL-2.0 */
#ifndef BT_KMOD_EVENT_H
#define BT_KMOD_EVENT_H

#include "error.h"
#include "model.h"

/* What can happen. */
enum bt_event_type {
	BT_EVENT_LINK,		/* settings of a link have changed: link */
	BT_EVENT_TUNNEL,	/* a tunnel is new or has changed: tunnel */
	BT_EVENT_TUNNEL_DEL,	/* it is gone, with its SAs and next hops: tunnel (id, name) */
	BT_EVENT_ROUTE,		/* routes are new or have changed: routes */
	BT_EVENT_ROUTE_DEL,	/* they are gone: routes (dst) */
	BT_EVENT_SA,		/* an SA is bound to a tunnel: sa */
	BT_EVENT_SA_DEL,	/* it is bound no more: sa (tunnel, dir, spi, dst) */
	BT_EVENT_DEVICE,	/* a device is new or has changed: link (up, operstate, mtu) */
	BT_EVENT_DEVICE_DEL,	/* it is gone, or in another namespace: link */
	BT_EVENT_LOST,		/* notifications are lost, of a device or (ifindex 0) of any */
	BT_EVENT_MODULE,	/* the module is there (again) */
	BT_EVENT_MODULE_GONE,	/* it is not, and neither are its devices */
};

/**
 * struct bt_event - something happened
 * @type: what
 * @dev: where; a device's name may be new
 * @generation: of the link, or 0
 * @link: according to @type; these are valid during the call only
 * @tunnel: likewise
 * @routes: likewise
 * @sa: likewise
 */
struct bt_event {
	enum bt_event_type type;
	struct bt_dev dev;
	uint32_t generation;
	const struct bt_link *link;
	const struct bt_tunnel *tunnel;
	const struct bt_routes *routes;
	const struct bt_sa *sa;
};

typedef void (*bt_event_fn)(const struct bt_event *event, void *arg);

struct bt_kmod_events;

struct bt_kmod_events *bt_kmod_events_open(struct bt_error *e);
void bt_kmod_events_close(struct bt_kmod_events *ev);
int bt_kmod_events_fd(const struct bt_kmod_events *ev);
bool bt_kmod_events_module(const struct bt_kmod_events *ev);
void bt_kmod_events_seen(struct bt_kmod_events *ev, const struct bt_dev *dev,
			 uint32_t generation);
int bt_kmod_events_read(struct bt_kmod_events *ev, bt_event_fn fn, void *arg,
			struct bt_error *e);

#endif /* BT_KMOD_EVENT_H */
