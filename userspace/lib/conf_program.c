// SPDX-License-Identifier: GPL-2.0
/* May a program of the operator's be run with our rights? */
#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "config.h"
#include "util.h"

static bool is_trusted(const struct stat *st)
{
	return st->st_uid == 0 || st->st_uid == geteuid();
}

/* Can nobody else put something else there? In /tmp they can do so with what is theirs only. */
static int check_directory(const char *dir, struct bt_error *e)
{
	struct stat st;

	if (stat(dir, &st))
		return bt_error_set(e, -errno, "%s: %s", dir, strerror(errno));
	if (!is_trusted(&st))
		return bt_error_set(e, -EPERM, "%s belongs to somebody else", dir);
	if ((st.st_mode & 022) && !(st.st_mode & S_ISVTX))
		return bt_error_set(e, -EPERM, "others may write in %s", dir);
	return 0;
}

static int check_directories(char *path, struct bt_error *e)
{
	char *slash;
	int err;

	while ((slash = strrchr(path, '/')) && slash != path) {
		*slash = 0;
		err = check_directory(path, e);
		if (err)
			return err;
	}
	return check_directory("/", e);
}

/**
 * bt_conf_program_check() - can a program be trusted?
 * @path: absolute
 * @e: says what is wrong
 *
 * It must be root's (or our own user's), and nobody else may be able to change it, or any
 * directory on the way. Return: 0 or a negative errno.
 */
int bt_conf_program_check(const char *path, struct bt_error *e)
{
	char *real = realpath(path, NULL);
	struct stat st;
	int err = 0;

	if (!real || stat(real, &st))
		err = bt_error_set(e, -errno, "%s: %s", path, strerror(errno));
	else if (!S_ISREG(st.st_mode) || !(st.st_mode & 0111))
		err = bt_error_set(e, -EACCES, "%s is no program", path);
	else if (!is_trusted(&st))
		err = bt_error_set(e, -EPERM, "%s belongs to somebody else", path);
	else if (st.st_mode & 022)
		err = bt_error_set(e, -EPERM, "others may write to %s: chmod go-w it", path);
	else
		err = check_directories(real, e);
	free(real);
	return err;
}
