/* SPDX-License-Identifier: GPL-2.0 */
/* PURE: the configuration in BIRD's words. */
#ifndef BT_BIRD_RENDER_H
#define BT_BIRD_RENDER_H

#include "config.h"

/* The operator's bird.conf has a kernel protocol for the main table. */
#define BT_BIRD_KERNEL4		1u
#define BT_BIRD_KERNEL6		2u

#define BT_BIRD_HEAD		"# Made by bowtied"
#define BT_BIRD_REVISION	"bt_rev_"

char *bt_bird_render(const struct bt_config *config, unsigned int operators_kernel);
char *bt_bird_revision(const char *text);
void bt_bird_names(const struct bt_config *config, struct bt_strings *out);

#endif /* BT_BIRD_RENDER_H */
