// SPDX-License-Identifier: GPL-2.0
/* Memory, growing buffers, time, whole files, numbers. */
#include "util.h"

#include <errno.h>
#include <fcntl.h>
#include <malloc.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "log.h"

#define LARGE	4096

static void *checked(void *ptr)
{
	if (!ptr) {
		bt_err("out of memory");
		abort();
	}
	return ptr;
}

/**
 * bt_alloc() - zeroed memory
 * @size: bytes
 */
void *bt_alloc(size_t size)
{
	return checked(calloc(1, size ? size : 1));
}

/**
 * bt_realloc() - resize an array
 * @ptr: array or NULL
 * @n: new number of elements
 * @size: of an element
 *
 * Large ones grow to the next power of two, so that one that grows by single elements is
 * not copied each time.
 */
void *bt_realloc(void *ptr, size_t n, size_t size)
{
	size_t bytes, room = LARGE;

	if (__builtin_mul_overflow(n, size, &bytes) || bytes > PTRDIFF_MAX)
		checked(NULL);
	if (bytes <= LARGE)
		return checked(realloc(ptr, bytes ? bytes : 1));
	while (room < bytes)
		room *= 2;
	return ptr && malloc_usable_size(ptr) >= room ? ptr : checked(realloc(ptr, room));
}

/**
 * bt_strdup() - copy a string
 * @s: string or NULL, which stays NULL
 */
char *bt_strdup(const char *s)
{
	return s ? checked(strdup(s)) : NULL;
}

/**
 * bt_strndup() - copy the beginning of a string
 * @s: string
 * @n: at most so many bytes
 */
char *bt_strndup(const char *s, size_t n)
{
	return checked(strndup(s, n));
}

/**
 * bt_memdup() - copy bytes
 * @data: bytes
 * @size: how many
 */
void *bt_memdup(const void *data, size_t size)
{
	void *copy = bt_alloc(size);

	return size ? memcpy(copy, data, size) : copy;
}

/**
 * bt_asprintf() - format into new memory
 * @fmt: as printf()
 */
char *bt_asprintf(const char *fmt, ...)
{
	struct bt_buf b = {};
	va_list ap;

	va_start(ap, fmt);
	bt_buf_vprintf(&b, fmt, ap);
	va_end(ap);
	return b.data;
}

/**
 * bt_buf_reserve() - make room
 * @b: buffer
 * @more: bytes to be added, beside the zero byte
 */
void bt_buf_reserve(struct bt_buf *b, size_t more)
{
	size_t want = b->len + more + 1;

	if (want < more)
		checked(NULL);
	if (want <= b->size)
		return;
	if (want < 2 * b->size)
		want = 2 * b->size;
	b->data = bt_realloc(b->data, want, 1);
	b->size = want;
	b->data[b->len] = '\0';
}

/**
 * bt_buf_add() - append bytes
 * @b: buffer
 * @data: bytes
 * @len: how many
 */
void bt_buf_add(struct bt_buf *b, const void *data, size_t len)
{
	bt_buf_reserve(b, len);
	if (len)
		memcpy(b->data + b->len, data, len);
	b->len += len;
	b->data[b->len] = '\0';
}

/**
 * bt_buf_puts() - append a string
 * @b: buffer
 * @s: string
 */
void bt_buf_puts(struct bt_buf *b, const char *s)
{
	bt_buf_add(b, s, strlen(s));
}

/**
 * bt_buf_vprintf() - append formatted text
 * @b: buffer
 * @fmt: as vprintf()
 * @ap: its arguments
 */
void bt_buf_vprintf(struct bt_buf *b, const char *fmt, va_list ap)
{
	va_list again;
	int len;

	va_copy(again, ap);
	len = vsnprintf(NULL, 0, fmt, again);
	va_end(again);
	if (len < 0)
		return;
	bt_buf_reserve(b, len);
	vsnprintf(b->data + b->len, (size_t)len + 1, fmt, ap);
	b->len += len;
}

/**
 * bt_buf_printf() - append formatted text
 * @b: buffer
 * @fmt: as printf()
 */
void bt_buf_printf(struct bt_buf *b, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	bt_buf_vprintf(b, fmt, ap);
	va_end(ap);
}

/**
 * bt_buf_consume() - remove bytes from the front
 * @b: buffer
 * @len: how many, at most b->len
 */
void bt_buf_consume(struct bt_buf *b, size_t len)
{
	b->len -= len;
	if (b->data)
		memmove(b->data, b->data + len, b->len + 1);
}

/**
 * bt_buf_free() - empty a buffer
 * @b: buffer; may be used again
 */
void bt_buf_free(struct bt_buf *b)
{
	free(b->data);
	*b = (struct bt_buf){};
}

/**
 * bt_buf_wipe() - empty a buffer that held a secret
 * @b: buffer that never had to grow; see bt_buf_reserve()
 */
void bt_buf_wipe(struct bt_buf *b)
{
	if (b->data)
		explicit_bzero(b->data, b->size);
	bt_buf_free(b);
}

/**
 * bt_now_ns() - time since boot, in ns
 */
uint64_t bt_now_ns(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_BOOTTIME, &ts);
	return (uint64_t)ts.tv_sec * 1000000000 + (uint64_t)ts.tv_nsec;
}

/**
 * bt_now_ms() - time since boot, in ms
 */
uint64_t bt_now_ms(void)
{
	return bt_now_ns() / 1000000;
}

/**
 * bt_read_file() - read a whole file
 * @path: its name
 * @max: largest size that is accepted
 * @out: appended to; room for @max is reserved first, so that it does not move
 *
 * Return: 0, -EFBIG, or another negative errno.
 */
int bt_read_file(const char *path, size_t max, struct bt_buf *out)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	size_t start = out->len;
	ssize_t n;
	int err = 0;

	if (fd < 0)
		return -errno;
	bt_buf_reserve(out, max + 1);
	for (;;) {
		n = read(fd, out->data + out->len, max + 1 - (out->len - start));
		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			break;
		out->len += n;
		if (out->len - start > max) {
			err = -EFBIG;
			goto out;
		}
	}
	if (n < 0)
		err = -errno;
out:
	if (err)
		out->len = start;
	out->data[out->len] = '\0';
	close(fd);
	return err;
}

/* All of it or an error. */
static int write_all(int fd, const char *data, size_t len)
{
	ssize_t n;

	while (len) {
		n = write(fd, data, len);
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return -errno;
		data += n;
		len -= n;
	}
	return 0;
}

/**
 * bt_write_file() - replace a file as a whole
 * @path: its name
 * @data: new content
 * @len: its size in bytes
 * @mode: permissions
 *
 * Readers see the old content or the new one, also after a crash.
 * Return: 0 or a negative errno, and the old file is still there.
 */
int bt_write_file(const char *path, const void *data, size_t len, unsigned int mode)
{
	char *tmp = bt_asprintf("%s.XXXXXX", path);
	int fd = mkostemp(tmp, O_CLOEXEC), err;

	if (fd < 0) {
		err = -errno;
		free(tmp);
		return err;
	}
	err = write_all(fd, data, len);
	if (!err && (fchmod(fd, mode) || fsync(fd)))
		err = -errno;
	if (close(fd) && !err)
		err = -errno;
	if (!err && rename(tmp, path))
		err = -errno;
	if (err)
		unlink(tmp);
	free(tmp);
	return err;
}

/**
 * bt_parse_u64() - a number, decimal or 0x...
 * @s: text; nothing else may be in it
 * @max: largest that is accepted
 * @out: result
 *
 * Return: true if it is one.
 */
bool bt_parse_u64(const char *s, uint64_t max, uint64_t *out)
{
	bool hex = s[0] == '0' && (s[1] == 'x' || s[1] == 'X');
	unsigned long long value;
	char *end;

	if (s[0] < '0' || s[0] > '9')
		return false;
	errno = 0;
	value = strtoull(s, &end, hex ? 16 : 10);
	if (errno || *end || end == s || value > max)
		return false;
	*out = value;
	return true;
}
