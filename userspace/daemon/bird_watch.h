/* SPDX-License-Identifier: GPL-2.0 */
#ifndef BT_BIRD_WATCH_H
#define BT_BIRD_WATCH_H

#include "bird_conn.h"
#include "facts.h"
#include "loop.h"

struct bt_bird_watch;

struct bt_bird_watch *bt_bird_watch_new(struct bt_loop *loop, struct bt_facts *facts,
					const char *socket, const char *include,
					bt_loop_fn changed, void *arg);
void bt_bird_watch_free(struct bt_bird_watch *w);
void bt_bird_watch_refresh(struct bt_bird_watch *w);
struct bt_bird_conn *bt_bird_watch_conn(struct bt_bird_watch *w);

#endif /* BT_BIRD_WATCH_H */
