/* SPDX-License-Identifier: GPL-2.0 */
/* PURE: bytes in, structs out. */
#ifndef BT_BIRD_WIRE_H
#define BT_BIRD_WIRE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "util.h"

/*
 * BIRD's control protocol (nest/cli.c, doc/reply_codes of 2.0.12). A command is a line, a
 * reply is lines:
 *
 *	NNNN-text	one of several
 *	 text		another one with the same code as the one before
 *	NNNN text	the last one
 *	+text		belongs to no reply, may come at any time
 *
 * What a line means is in its code, never in its text.
 */
#define BT_BIRD_MAX_LINE	4096		/* BIRD cuts its lines at 512 */
#define BT_BIRD_MAX_REPLY	(4 * 1024 * 1024)	/* in memory */
/*
 * Tried with BIRD 2.0.12: it closes the connection when 1024 bytes arrive at once, and
 * after 4094 bytes without a newline it loops for ever, deaf to everybody
 * (cli_get_command()). Ours are short, and sent one by one.
 */
#define BT_BIRD_MAX_COMMAND	1000

/* Codes that somebody has to tell apart; the others are told by their class. */
enum bt_bird_code {
	BT_BIRD_OK = 0,
	BT_BIRD_WELCOME = 1,
	BT_BIRD_RECONFIGURED = 3,
	BT_BIRD_RECONFIG_STARTED = 4,
	BT_BIRD_RECONFIG_QUEUED = 5,
	BT_BIRD_RECONFIG_SHUTDOWN = 6,
	BT_BIRD_DISABLED_BEFORE = 8,
	BT_BIRD_STATUS = 13,
	BT_BIRD_RECONFIG_UNQUEUED = 17,
	BT_BIRD_RECONFIG_CONFIRMED = 18,
	BT_BIRD_RECONFIG_NOTHING = 19,
	BT_BIRD_CONFIG_OK = 20,
	BT_BIRD_RECOVERY = 24,
	BT_BIRD_VERSION = 1000,
	BT_BIRD_PROTOCOL = 1002,
	BT_BIRD_PROTOCOL_DETAIL = 1006,
	BT_BIRD_UPTIME = 1011,
	BT_BIRD_ERR_CONFIG = 8002,
	BT_BIRD_ERR_NO_PROTOCOL = 8003,
	BT_BIRD_ERR_RELOAD = 8006,
	BT_BIRD_ERR_DENIED = 8007,
	BT_BIRD_ERR_SYNTAX = 9001,
};

enum bt_bird_class {
	BT_BIRD_CLASS_OK,		/* 0xxx */
	BT_BIRD_CLASS_DATA,		/* 1xxx, 2xxx, and 3xxx to 7xxx, not in use yet */
	BT_BIRD_CLASS_RUNTIME_ERROR,	/* 8xxx */
	BT_BIRD_CLASS_PARSE_ERROR,	/* 9xxx */
};

/**
 * struct bt_bird_line - one line of a reply
 * @code: 0 to 9999
 * @text: without code and newline; control characters but tabs have become '?'
 */
struct bt_bird_line {
	unsigned int code;
	const char *text;
};

/**
 * struct bt_bird_reply - a complete reply
 * @lines: all of them, in order
 * @n: how many, at least one; the last one's code ends the reply
 * @error: the first that is an error, or NULL. It need not be the last one: "reload all"
 *	goes on with other protocols after one that failed, and ends with 0000
 */
struct bt_bird_reply {
	const struct bt_bird_line *lines;
	size_t n;
	const struct bt_bird_line *error;
};

enum bt_bird_class bt_bird_classify(unsigned int code);
int bt_bird_command(struct bt_buf *out, const char *command);

/**
 * struct bt_bird_rx - puts replies together; start with {}
 */
struct bt_bird_rx {
	struct bt_buf line;		/* the incomplete one */
	struct bt_buf text;		/* of all lines of the reply, terminated */
	struct bt_bird_line *lines;
	size_t n_lines;
	size_t room;			/* for so many */
	bool complete;			/* handed out: the next line begins a new one */
	struct bt_bird_reply reply;
};

enum bt_bird_got {
	BT_BIRD_MORE,			/* needs more bytes */
	BT_BIRD_REPLY,
	BT_BIRD_ASYNC,
};

int bt_bird_rx_next(struct bt_bird_rx *rx, const char **data, size_t *len);
const struct bt_bird_reply *bt_bird_rx_reply(const struct bt_bird_rx *rx);
const char *bt_bird_rx_async(const struct bt_bird_rx *rx);
void bt_bird_rx_free(struct bt_bird_rx *rx);

#endif /* BT_BIRD_WIRE_H */
