/* SPDX-License-Identifier: GPL-2.0 */
/* PURE: a tunnel in charon's words. */
#ifndef BT_VICI_RENDER_H
#define BT_VICI_RENDER_H

#include "config.h"
#include "vici_wire.h"

char *bt_vici_name(const struct bt_conf_link *link, const struct bt_conf_tunnel *t);
void bt_vici_render_conn(const struct bt_conf_link *link, const struct bt_conf_tunnel *t,
			 struct bt_vici_msg *out);
char *bt_vici_shared_content(const struct bt_conf_tunnel *t, const char *file);
void bt_vici_render_shared(const struct bt_conf_link *link, const struct bt_conf_tunnel *t,
			   const void *secret, size_t len, struct bt_vici_msg *out);

#endif /* BT_VICI_RENDER_H */
