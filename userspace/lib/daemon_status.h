/* SPDX-License-Identifier: GPL-2.0 */
/* PURE: what is worth telling of bowtied's status. */
#ifndef BT_DAEMON_STATUS_H
#define BT_DAEMON_STATUS_H

#include "util.h"

struct json_object;

struct json_object *bt_daemon_news(struct json_object *status);
void bt_daemon_news_text(struct json_object *news, struct bt_buf *out);

#endif /* BT_DAEMON_STATUS_H */
