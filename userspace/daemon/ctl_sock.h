/* SPDX-License-Identifier: GPL-2.0 */
#ifndef BT_CTL_SOCK_H
#define BT_CTL_SOCK_H

#include "daemon.h"

struct bt_ctl_sock;

struct bt_ctl_sock *bt_ctl_sock_new(struct bt_daemon *d, const char *path, struct bt_error *e);
void bt_ctl_sock_free(struct bt_ctl_sock *sock);

#endif /* BT_CTL_SOCK_H */
