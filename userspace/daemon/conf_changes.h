/* SPDX-License-Identifier: GPL-2.0 */
#ifndef BT_CONF_CHANGES_H
#define BT_CONF_CHANGES_H

#include "config.h"
#include "util.h"

/* conf_changes.c, PURE */
void bt_conf_changes(const struct bt_config *old, const struct bt_config *new,
		     struct bt_strings *out);

#endif /* BT_CONF_CHANGES_H */
