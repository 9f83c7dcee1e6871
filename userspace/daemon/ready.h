/* SPDX-License-Identifier: GPL-2.0 */
#ifndef BT_READY_H
#define BT_READY_H

#include "loop.h"

void bt_ready_up(void);
void bt_ready_reloading(void);
void bt_ready_stopping(void);
struct bt_timer *bt_ready_watchdog(struct bt_loop *loop);

#endif /* BT_READY_H */
