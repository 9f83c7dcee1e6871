/* SPDX-License-Identifier: GPL-2.0 */
/* PURE: facts that a status has numbers and words for. */
#ifndef BT_CTL_STATUS_H
#define BT_CTL_STATUS_H

#include "facts.h"

struct json_object;

void bt_ctl_status_put(const struct bt_facts *f, struct json_object *o);

#endif /* BT_CTL_STATUS_H */
