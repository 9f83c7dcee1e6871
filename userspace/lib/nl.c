// SPDX-License-Identifier: GPL-2.0
/*
 * Netlink requests: one at a time, with the kernel's reason for a refusal. libnl
 * makes and takes messages apart; it knows nothing of extended ACKs and loses
 * the errno of a dump that fails, so sending and waiting is done here.
 */
#include "nl.h"

#include <errno.h>
#include <linux/genetlink.h>
#include <linux/netlink.h>
#include <netlink/attr.h>
#include <netlink/genl/genl.h>
#include <netlink/msg.h>
#include <netlink/netlink.h>
#include <netlink/socket.h>
#include <string.h>
#include <sys/socket.h>

/* A dump waits for its reader, but notifications come in bursts. */
#define RECEIVE_BUFFER	(4 << 20)

static int set_option(int fd, int level, int option, int value)
{
	return setsockopt(fd, level, option, &value, sizeof(value)) ? -errno : 0;
}

/**
 * bt_nl_open() - open a netlink socket
 * @nl: result
 * @protocol: NETLINK_*
 * @e: says what is wrong
 *
 * Return: 0 or a negative errno.
 */
int bt_nl_open(struct bt_nl *nl, int protocol, struct bt_error *e)
{
	int err, fd;

	*nl = (struct bt_nl){ .sk = nl_socket_alloc() };
	if (!nl->sk)
		return bt_error_set(e, -ENOMEM, "%s", strerror(ENOMEM));
	errno = 0;
	if (nl_connect(nl->sk, protocol)) {
		err = errno ? -errno : -EIO;
		bt_nl_close(nl);
		return bt_error_set(e, err, "cannot open a netlink socket: %s", strerror(-err));
	}
	fd = bt_nl_fd(nl);
	set_option(fd, SOL_NETLINK, NETLINK_EXT_ACK, 1);
	set_option(fd, SOL_NETLINK, NETLINK_CAP_ACK, 1);
	set_option(fd, SOL_NETLINK, NETLINK_GET_STRICT_CHK, 1);
	/* The one that may go beyond the system's bound needs rights. */
	if (set_option(fd, SOL_SOCKET, SO_RCVBUFFORCE, RECEIVE_BUFFER))
		set_option(fd, SOL_SOCKET, SO_RCVBUF, RECEIVE_BUFFER);
	set_option(fd, SOL_SOCKET, SO_SNDBUF, RECEIVE_BUFFER);
	return 0;
}

/**
 * bt_nl_close() - close a netlink socket
 * @nl: socket; nothing happens if it is closed
 */
void bt_nl_close(struct bt_nl *nl)
{
	if (nl->sk)
		nl_socket_free(nl->sk);
	nl->sk = NULL;
	bt_buf_free(&nl->rx);
}

/**
 * bt_nl_fd() - for poll()
 * @nl: open socket
 */
int bt_nl_fd(const struct bt_nl *nl)
{
	return nl_socket_get_fd(nl->sk);
}

/**
 * bt_nl_receive() - read one datagram into nl->rx
 * @nl: open socket
 * @flags: MSG_DONTWAIT, or 0 to wait
 *
 * Return: 0, -EAGAIN, -ENOBUFS (notifications were lost), or another negative errno.
 */
int bt_nl_receive(struct bt_nl *nl, int flags)
{
	struct sockaddr_nl from = {};
	struct iovec iov = {};
	struct msghdr msg = { .msg_name = &from, .msg_iov = &iov, .msg_iovlen = 1 };
	ssize_t n;

	do {
		nl->rx.len = 0;
		msg.msg_namelen = sizeof(from);
		/* First its size, whatever it is. */
		iov.iov_len = 0;
		n = recvmsg(bt_nl_fd(nl), &msg, flags | MSG_PEEK | MSG_TRUNC);
		if (n >= 0) {
			bt_buf_reserve(&nl->rx, (size_t)n);
			iov.iov_base = nl->rx.data;
			iov.iov_len = (size_t)n;
			n = recvmsg(bt_nl_fd(nl), &msg, flags | MSG_TRUNC);
		}
		/* Anybody may send here; only the kernel is listened to. */
	} while ((n < 0 && errno == EINTR) || (n >= 0 && from.nl_pid));
	if (n < 0)
		return -errno;
	if ((size_t)n > iov.iov_len)
		return -EMSGSIZE;
	nl->rx.len = (size_t)n;
	return 0;
}

/* What an error message, or the end of a dump, has to say beyond its errno. */
static int refused(struct nlmsghdr *nlh, int code, int skip, struct bt_error *e)
{
	struct nlattr *tb[NLMSGERR_ATTR_MAX + 1] = {};
	const struct nlattr *text;

	if ((nlh->nlmsg_flags & NLM_F_ACK_TLVS) && nlmsg_datalen(nlh) > skip)
		nla_parse(tb, NLMSGERR_ATTR_MAX,
			  (struct nlattr *)(void *)((char *)nlmsg_data(nlh) + skip),
			  nlmsg_datalen(nlh) - skip, NULL);
	text = tb[NLMSGERR_ATTR_MSG];
	if (text)
		bt_error_set(e, code, "%.*s", nla_len(text), (char *)nla_data(text));
	else
		bt_error_set(e, code, "%s", strerror(-code));
	if (e && tb[NLMSGERR_ATTR_OFFS] && nla_len(tb[NLMSGERR_ATTR_OFFS]) == sizeof(uint32_t))
		e->offset = nla_get_u32(tb[NLMSGERR_ATTR_OFFS]);
	return code;
}

/* Bytes of the request that an error message quotes. */
static int quoted(struct nlmsghdr *nlh)
{
	const struct nlmsgerr *ack = nlmsg_data(nlh);
	int size = sizeof(*ack);

	if (!(nlh->nlmsg_flags & NLM_F_CAPPED))
		size += NLMSG_ALIGN(ack->msg.nlmsg_len) - sizeof(ack->msg);
	return size;
}

/* 1: more is to come, 0: done, or a negative errno. */
static int take(struct nlmsghdr *nlh, bt_nl_fn fn, void *arg, bool *changed, struct bt_error *e)
{
	int code = 0;

	if (nlh->nlmsg_flags & NLM_F_DUMP_INTR)
		*changed = true;
	if (nlh->nlmsg_type == NLMSG_ERROR || nlh->nlmsg_type == NLMSG_DONE) {
		if (nlmsg_datalen(nlh) >= (int)sizeof(code))
			memcpy(&code, nlmsg_data(nlh), sizeof(code));
		if (code >= 0)
			return 0;
		return refused(nlh, code, nlh->nlmsg_type == NLMSG_DONE ? (int)sizeof(code) :
			       quoted(nlh), e);
	}
	if (nlh->nlmsg_type == NLMSG_NOOP || !fn)
		return 1;
	code = fn(nlh, arg);
	if (!code)
		return 1;
	return bt_error_set(e, code, "the kernel's answer makes no sense: %s", strerror(-code));
}

static int wait_for_end(struct bt_nl *nl, uint32_t seq, bt_nl_fn fn, void *arg, bool *changed,
			struct bt_error *e)
{
	struct nlmsghdr *nlh;
	int rem, err;

	for (;;) {
		err = bt_nl_receive(nl, 0);
		if (err)
			return bt_error_set(e, err, "cannot receive from the kernel: %s",
					    strerror(-err));
		bt_nl_for_each(nlh, rem, nl) {
			/* Of an earlier request that was given up. */
			if (nlh->nlmsg_seq != seq)
				continue;
			err = take(nlh, fn, arg, changed, e);
			if (err <= 0)
				return err;
		}
	}
}

/**
 * bt_nl_request() - ask, and wait for the whole answer
 * @nl: open socket
 * @msg: request; stays the caller's, may be sent again
 * @fn: takes each message of the answer, or NULL
 * @arg: given to @fn
 * @e: says what is wrong, if possible in the kernel's own words
 *
 * Return: 0; -EINTR: what was being dumped changed meanwhile; the kernel's errno.
 */
int bt_nl_request(struct bt_nl *nl, struct nl_msg *msg, bt_nl_fn fn, void *arg,
		  struct bt_error *e)
{
	struct nlmsghdr *nlh = nlmsg_hdr(msg);
	bool changed = false;
	int err;

	/* Both anew, in case that it is sent again. */
	nlh->nlmsg_seq = NL_AUTO_SEQ;
	nlh->nlmsg_flags |= NLM_F_REQUEST | NLM_F_ACK;
	errno = 0;
	if (nl_send_auto(nl->sk, msg) < 0) {
		err = errno ? -errno : -EIO;
		return bt_error_set(e, err, "cannot send to the kernel: %s", strerror(-err));
	}
	err = wait_for_end(nl, nlh->nlmsg_seq, fn, arg, &changed, e);
	if (!err && changed)
		return bt_error_set(e, -EINTR, "it changed while it was being read");
	return err;
}

/**
 * bt_genl_parse_family() - is a message about a family?
 * @nlh: message of the family "nlctrl"
 * @name: of the family
 * @family: result
 *
 * Return: true if it is.
 */
bool bt_genl_parse_family(struct nlmsghdr *nlh, const char *name, struct bt_genl_family *family)
{
	struct nlattr *tb[CTRL_ATTR_MAX + 1], *grp[CTRL_ATTR_MCAST_GRP_MAX + 1];

	if (!genlmsg_valid_hdr(nlh, 0) ||
	    genlmsg_parse(nlh, 0, tb, CTRL_ATTR_MAX, NULL) < 0 || !tb[CTRL_ATTR_FAMILY_NAME] ||
	    nla_strcmp(tb[CTRL_ATTR_FAMILY_NAME], name) != 0)
		return false;
	*family = (struct bt_genl_family){};
	if (tb[CTRL_ATTR_FAMILY_ID])
		family->id = nla_get_u16(tb[CTRL_ATTR_FAMILY_ID]);
	if (!tb[CTRL_ATTR_MCAST_GROUPS] || nla_len(tb[CTRL_ATTR_MCAST_GROUPS]) < NLA_HDRLEN)
		return true;
	if (nla_parse_nested(grp, CTRL_ATTR_MCAST_GRP_MAX, nla_data(tb[CTRL_ATTR_MCAST_GROUPS]),
			     NULL) >= 0 && grp[CTRL_ATTR_MCAST_GRP_ID])
		family->group = nla_get_u32(grp[CTRL_ATTR_MCAST_GRP_ID]);
	return true;
}

struct resolve {
	const char *name;
	struct bt_genl_family *family;
};

static int take_family(struct nlmsghdr *nlh, void *arg)
{
	struct resolve *r = arg;

	return bt_genl_parse_family(nlh, r->name, r->family) ? 0 : -EBADMSG;
}

/**
 * bt_genl_resolve() - find a generic netlink family
 * @nl: open socket
 * @name: of the family
 * @family: result
 * @e: says what is wrong
 *
 * The kernel loads the module of the family, if it is installed and the caller may.
 * Return: 0, -ENOENT or another negative errno.
 */
int bt_genl_resolve(struct bt_nl *nl, const char *name, struct bt_genl_family *family,
		    struct bt_error *e)
{
	struct resolve r = { name, family };
	struct nl_msg *msg = nlmsg_alloc();
	int err = -ENOMEM;

	*family = (struct bt_genl_family){};
	if (msg && genlmsg_put(msg, NL_AUTO_PORT, NL_AUTO_SEQ, GENL_ID_CTRL, 0, 0,
			       CTRL_CMD_GETFAMILY, 1) &&
	    !nla_put_string(msg, CTRL_ATTR_FAMILY_NAME, name))
		err = bt_nl_request(nl, msg, take_family, &r, e);
	else
		bt_error_set(e, err, "%s", strerror(-err));
	nlmsg_free(msg);
	return err;
}
