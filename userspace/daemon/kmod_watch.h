/* SPDX-License-Identifier: GPL-2.0 */
#ifndef BT_KMOD_WATCH_H
#define BT_KMOD_WATCH_H

#include "facts.h"
#include "kmod_cmd.h"
#include "loop.h"

struct bt_kmod_watch;

struct bt_kmod_watch *bt_kmod_watch_new(struct bt_loop *loop, struct bt_facts *facts,
					struct bt_config *const *config,
					struct bt_kmod *kmod, bt_loop_fn changed, void *arg,
					struct bt_error *e);
void bt_kmod_watch_free(struct bt_kmod_watch *w);
void bt_kmod_watch_stale(struct bt_kmod_watch *w, int ifindex);
int bt_kmod_watch_sync(struct bt_kmod_watch *w, struct bt_error *e);

#endif /* BT_KMOD_WATCH_H */
