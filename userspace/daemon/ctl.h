/* SPDX-License-Identifier: GPL-2.0 */
#ifndef BT_CTL_H
#define BT_CTL_H

#include <json-c/json.h>

#include "daemon.h"

struct json_object *bt_ctl_call(struct bt_daemon *d, const char *request, size_t len);

#endif /* BT_CTL_H */
