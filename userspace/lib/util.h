/* SPDX-License-Identifier: GPL-2.0 */
#ifndef BT_UTIL_H
#define BT_UTIL_H

#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define BT_ARRAY_SIZE(a)	(sizeof(a) / sizeof((a)[0]))
#define bt_container_of(ptr, type, member)	\
	((type *)((char *)(ptr) - offsetof(type, member)))

/*
 * Memory. Without it nothing sensible can be done here: the module goes on
 * forwarding, systemd starts the daemon again. So these end the program, and
 * nobody checks their result.
 */
void *bt_alloc(size_t size);			/* zeroed */
void *bt_realloc(void *ptr, size_t n, size_t size);
char *bt_strdup(const char *s);
char *bt_strndup(const char *s, size_t n);
void *bt_memdup(const void *data, size_t size);
char *bt_asprintf(const char *fmt, ...) __attribute__((format(printf, 1, 2)));

/**
 * struct bt_buf - bytes that grow
 * @data: the bytes, with a zero byte behind the last one; NULL while empty
 * @len: how many
 * @size: room
 */
struct bt_buf {
	char *data;
	size_t len;
	size_t size;
};

void bt_buf_reserve(struct bt_buf *b, size_t more);
void bt_buf_add(struct bt_buf *b, const void *data, size_t len);
void bt_buf_puts(struct bt_buf *b, const char *s);
void bt_buf_printf(struct bt_buf *b, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
void bt_buf_vprintf(struct bt_buf *b, const char *fmt, va_list ap)
	__attribute__((format(printf, 2, 0)));
void bt_buf_consume(struct bt_buf *b, size_t len);
void bt_buf_free(struct bt_buf *b);
/* The same, after overwriting it: for secrets. */
void bt_buf_wipe(struct bt_buf *b);

/*
 * An array that grows:	struct { struct foo *v; size_t n; } foos;
 * Evaluates to a pointer to the new zeroed last element.
 */
#define bt_array_add(a) ({							\
	(a)->v = bt_realloc((a)->v, (a)->n + 1, sizeof(*(a)->v));		\
	__builtin_memset(&(a)->v[(a)->n], 0, sizeof(*(a)->v));			\
	&(a)->v[(a)->n++];							\
})

uint64_t bt_now_ms(void);	/* CLOCK_BOOTTIME */
uint64_t bt_now_ns(void);

int bt_read_file(const char *path, size_t max, struct bt_buf *out);
int bt_write_file(const char *path, const void *data, size_t len, unsigned int mode);
bool bt_parse_u64(const char *s, uint64_t max, uint64_t *out);

#endif /* BT_UTIL_H */
