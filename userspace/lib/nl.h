/* SPDX-License-Identifier: GPL-2.0 */
#ifndef BT_NL_H
#define BT_NL_H

#include <netlink/msg.h>
#include <stdbool.h>
#include <stdint.h>

#include "error.h"
#include "util.h"

struct nl_sock;

/**
 * struct bt_nl - a netlink socket
 * @sk: socket, or NULL while it is closed
 * @rx: the datagram that was read last
 */
struct bt_nl {
	struct nl_sock *sk;
	struct bt_buf rx;
};

/**
 * typedef bt_nl_fn - takes a message of an answer
 * @nlh: message
 * @arg: of whoever asked
 *
 * Return: 0, or a negative errno, which ends the request.
 */
typedef int (*bt_nl_fn)(struct nlmsghdr *nlh, void *arg);

/**
 * struct bt_genl_family - what the kernel says of a generic netlink family
 * @id: message type, or 0 if there is no such family
 * @group: of its first multicast group, or 0
 */
struct bt_genl_family {
	int id;
	uint32_t group;
};

int bt_nl_open(struct bt_nl *nl, int protocol, struct bt_error *e);
void bt_nl_close(struct bt_nl *nl);
int bt_nl_fd(const struct bt_nl *nl);
int bt_nl_receive(struct bt_nl *nl, int flags);
int bt_nl_request(struct bt_nl *nl, struct nl_msg *msg, bt_nl_fn fn, void *arg,
		  struct bt_error *e);

#define bt_nl_for_each(nlh, rem, nl)						\
	for ((nlh) = (struct nlmsghdr *)(void *)(nl)->rx.data, (rem) = (int)(nl)->rx.len;	\
	     nlmsg_ok(nlh, rem); (nlh) = nlmsg_next(nlh, &(rem)))

int bt_genl_resolve(struct bt_nl *nl, const char *name, struct bt_genl_family *family,
		    struct bt_error *e);
bool bt_genl_parse_family(struct nlmsghdr *nlh, const char *name, struct bt_genl_family *family);

#endif /* BT_NL_H */
