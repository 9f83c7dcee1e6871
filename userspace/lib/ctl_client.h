/* SPDX-License-Identifier: GPL-2.0 */
#ifndef BT_CTL_CLIENT_H
#define BT_CTL_CLIENT_H

#include "error.h"

struct json_object;

#define BT_CTL_PATH	"/run/bowtie/bowtied.sock"

struct json_object *bt_ctl_request(const char *path, struct json_object *request,
				   unsigned int patience, struct bt_error *e);

#endif /* BT_CTL_CLIENT_H */
