/* SPDX-License-Identifier: GPL-2.0 */
#ifndef BT_LOG_H
#define BT_LOG_H

#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>

/* As in syslog(3). */
enum bt_log_level {
	BT_LOG_ERR = 3,
	BT_LOG_WARNING = 4,
	BT_LOG_NOTICE = 5,
	BT_LOG_INFO = 6,
	BT_LOG_DEBUG = 7,
};

void bt_log_init(const char *name, enum bt_log_level level);
void bt_log_set_level(enum bt_log_level level);
bool bt_log_enabled(enum bt_log_level level);
void bt_log(enum bt_log_level level, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

#define bt_err(...)	bt_log(BT_LOG_ERR, __VA_ARGS__)
#define bt_warn(...)	bt_log(BT_LOG_WARNING, __VA_ARGS__)
#define bt_notice(...)	bt_log(BT_LOG_NOTICE, __VA_ARGS__)
#define bt_info(...)	bt_log(BT_LOG_INFO, __VA_ARGS__)
/* The arguments are not evaluated unless debugging is on. */
#define bt_debug(...)	do {					\
	if (bt_log_enabled(BT_LOG_DEBUG))			\
		bt_log(BT_LOG_DEBUG, __VA_ARGS__);		\
} while (0)

#endif /* BT_LOG_H */
