/* SPDX-License-Identifier: GPL-2.0 */
#ifndef BT_KMOD_MSG_H
#define BT_KMOD_MSG_H

#include "kmod_cmd.h"

/**
 * struct bt_kmod_msg - a message of the module, taken apart
 * @cmd: BOWTIE_CMD_*
 * @dev: the device that it is about
 * @generation: of the link
 * @tb: attributes
 */
struct bt_kmod_msg {
	unsigned int cmd;
	struct bt_dev dev;
	uint32_t generation;
	struct nlattr *tb[BOWTIE_A_MAX + 1];
};

/* Between the files of this part of the library. */
int bt_kmod_msg_parse(struct nlmsghdr *nlh, struct bt_kmod_msg *m);
int bt_kmod_msg_link(const struct bt_kmod_msg *m, struct bt_link *l);
int bt_kmod_msg_tunnel(const struct bt_kmod_msg *m, struct bt_tunnel *t);
int bt_kmod_msg_sa(const struct bt_kmod_msg *m, struct bt_sa *sa);
int bt_kmod_msg_routes(struct nlmsghdr *nlh, const struct bt_kmod_msg *m,
		       struct bt_routes *routes);

int bt_kmod_open_genl(struct bt_kmod *k, struct bt_error *e);
struct nl_msg *bt_kmod_begin(struct bt_kmod *k, const struct bt_dev *dev, enum bowtie_cmd cmd,
			     int flags, struct bt_error *e);
int bt_kmod_ask(struct bt_kmod *k, struct nl_msg *msg, bt_nl_fn fn, void *arg,
		struct bt_error *e);
int bt_kmod_dump(struct bt_kmod *k, const struct bt_dev *dev, enum bowtie_cmd cmd, bt_nl_fn fn,
		 void (*restart)(void *arg), void *arg, struct bt_error *e);

#endif /* BT_KMOD_MSG_H */
