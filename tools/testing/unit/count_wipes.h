/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Counts how often a secret is overwritten: takes the place of libc's explicit_bzero(),
 * fortified or not. To be included once, after cmocka.h.
 */
#ifndef BT_COUNT_WIPES_H
#define BT_COUNT_WIPES_H

#include <string.h>

#define SECRET	"correct horse battery staple"

static unsigned int secrets_wiped;

void wipe(void *s, size_t n) __asm__("explicit_bzero");
void wipe_checked(void *s, size_t n, size_t room) __asm__("__explicit_bzero_chk");

void wipe(void *s, size_t n)
{
	if (memmem(s, n, SECRET, strlen(SECRET)))
		secrets_wiped++;
	memset(s, 0, n);
}

void wipe_checked(void *s, size_t n, size_t room)
{
	assert_true(n <= room);
	wipe(s, n);
}

#endif /* BT_COUNT_WIPES_H */
