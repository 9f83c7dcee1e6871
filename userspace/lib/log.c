// SPDX-License-Identifier: GPL-2.0
/*
 * Messages to standard error: one line each, with the syslog level in front where
 * the journal reads them, so that it needs no library. Secrets do not come here.
 */
#include "log.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define LINE_MAX_BYTES	2048

static const char *log_name = "bowtie";
static enum bt_log_level log_level = BT_LOG_INFO;
static bool to_journal;

/**
 * bt_log_init() - say who speaks
 * @name: program name; kept
 * @level: messages above it are not written
 */
void bt_log_init(const char *name, enum bt_log_level level)
{
	log_name = name;
	log_level = level;
	to_journal = getenv("JOURNAL_STREAM");
}

/**
 * bt_log_set_level() - change what is written
 * @level: messages above it are not written
 */
void bt_log_set_level(enum bt_log_level level)
{
	log_level = level;
}

/**
 * bt_log_enabled() - is a level written?
 * @level: to ask about
 */
bool bt_log_enabled(enum bt_log_level level)
{
	return level <= log_level;
}

/* What came from outside must not forge further lines or terminal commands. */
static void tame(char *text)
{
	for (; *text; text++)
		if ((unsigned char)*text < ' ' || *text == 0x7f)
			*text = '?';
}

/**
 * bt_log() - write a message
 * @level: its level
 * @fmt: as printf(), without a newline
 *
 * errno is left as it was.
 */
void bt_log(enum bt_log_level level, const char *fmt, ...)
{
	int saved = errno;
	char line[LINE_MAX_BYTES];
	va_list ap;

	if (!bt_log_enabled(level))
		return;
	va_start(ap, fmt);
	vsnprintf(line, sizeof(line), fmt, ap);
	va_end(ap);
	tame(line);
	if (to_journal)
		fprintf(stderr, "<%d>%s\n", level, line);
	else
		fprintf(stderr, "%s: %s\n", log_name, line);
	errno = saved;
}
