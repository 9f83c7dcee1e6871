/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Configurations as texts. "@" in them stands for the path of a secret that is in order.
 * To be included after cmocka.h.
 */
#ifndef BT_CONFIG_TEXT_H
#define BT_CONFIG_TEXT_H

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "config.h"
#include "util.h"

static char secret[] = "/tmp/bowtie-unit-test.XXXXXX";

/* Group setup and teardown */
static inline int make_secret(void **state)
{
	int fd = mkstemp(secret);

	if (fd < 0)
		return -1;
	if (write(fd, "not shown", 9) != 9)
		return -1;
	return close(fd);
}

static inline int remove_secret(void **state)
{
	return unlink(secret);
}

static inline struct bt_config *parse(const char *text, struct bt_error *e)
{
	struct bt_config *config;
	struct bt_buf full = {};

	bt_buf_reserve(&full, 0);
	for (; *text; text++) {
		if (*text == '@')
			bt_buf_puts(&full, secret);
		else
			bt_buf_add(&full, text, 1);
	}
	config = bt_config_parse("f.yaml", full.data, full.len, e);
	bt_buf_free(&full);
	return config;
}

static inline struct bt_config *good(const char *text)
{
	struct bt_error e = {};
	struct bt_config *config = parse(text, &e);

	if (!config)
		fail_msg("refused: %s", e.text);
	return config;
}

#endif /* BT_CONFIG_TEXT_H */
