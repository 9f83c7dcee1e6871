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

/* As the kernel has it */
#define LINKS_MAX	40

/**
 * struct walk - along a path, as the kernel does it
 * @real: so far; neither links nor "." in it; "" is the root
 * @rest: still to go
 * @links: so many were followed
 */
struct walk {
	char real[PATH_MAX];
	char rest[PATH_MAX];
	unsigned int links;
};

static bool is_trusted(const struct stat *st)
{
	return st->st_uid == 0 || st->st_uid == geteuid();
}

static const char *at(const struct walk *w)
{
	return *w->real ? w->real : "/";
}

static int fail(const struct walk *w, int err, struct bt_error *e)
{
	return bt_error_set(e, -err, "%s: %s", at(w), strerror(err));
}

/* Can nobody else put something else there? In /tmp they can do so with what is theirs only. */
static int check_directory(const struct walk *w, const struct stat *st, struct bt_error *e)
{
	if ((st->st_mode & 022) && !(st->st_mode & S_ISVTX))
		return bt_error_set(e, -EPERM, "others may write in %s", at(w));
	return 0;
}

static int check_file(const struct walk *w, const struct stat *st, struct bt_error *e)
{
	if (!S_ISREG(st->st_mode) || !(st->st_mode & 0111))
		return bt_error_set(e, -EACCES, "%s is no program", at(w));
	if (st->st_mode & 022)
		return bt_error_set(e, -EPERM, "others may write to %s: chmod go-w it", at(w));
	return 0;
}

/* What it points to is to go before the rest. */
static int follow(struct walk *w, struct bt_error *e)
{
	char target[PATH_MAX];
	ssize_t len = readlink(w->real, target, sizeof(target));
	size_t rest = strlen(w->rest);

	if (len < 0)
		return fail(w, errno, e);
	if (++w->links > LINKS_MAX)
		return fail(w, ELOOP, e);
	if (!len || (size_t)len + 1 + rest >= sizeof(w->rest))
		return fail(w, ENAMETOOLONG, e);
	memmove(w->rest + len + 1, w->rest, rest + 1);
	memcpy(w->rest, target, (size_t)len);
	w->rest[len] = '/';
	*(*target == '/' ? w->real : strrchr(w->real, '/')) = 0;
	return 0;
}

/* Is there more of it? */
static bool is_more(const struct walk *w)
{
	return w->rest[strspn(w->rest, "/")];
}

/* Goes to the next name. */
static int step(struct walk *w, struct bt_error *e)
{
	char *name = w->rest + strspn(w->rest, "/");
	size_t len = strcspn(name, "/"), real = strlen(w->real);

	if (len == 2 && !strncmp(name, "..", 2)) {
		if (real)
			*strrchr(w->real, '/') = 0;
	} else if (len != 1 || *name != '.') {
		if (real + 1 + len >= sizeof(w->real))
			return fail(w, ENAMETOOLONG, e);
		w->real[real] = '/';
		memcpy(w->real + real + 1, name, len);
		w->real[real + 1 + len] = 0;
	}
	memmove(w->rest, name + len, strlen(name + len) + 1);
	return 0;
}

/* Looks at everything on the way, also at what links are in. */
static int walk(struct walk *w, struct stat *st, struct bt_error *e)
{
	int err = 0;

	for (;; err = step(w, e)) {
		if (err)
			return err;
		if (lstat(at(w), st))
			return fail(w, errno, e);
		if (!is_trusted(st))
			return bt_error_set(e, -EPERM, "%s belongs to somebody else", at(w));
		if (S_ISLNK(st->st_mode))
			err = follow(w, e);
		else if (S_ISDIR(st->st_mode))
			err = check_directory(w, st, e);
		else if (is_more(w))
			err = fail(w, ENOTDIR, e);
		if (err || !is_more(w))
			return err;
	}
}

/**
 * bt_conf_program_check() - can a program be trusted?
 * @path: absolute
 * @real: gets the path without links, for the caller to free; or NULL
 * @e: says what is wrong
 *
 * It must be root's (or our own user's), and nobody else may be able to change it, or any
 * directory or link on the way. As this goes for all of @real, nobody else can put something
 * else there before it is run. Return: 0 or a negative errno.
 */
int bt_conf_program_check(const char *path, char **real, struct bt_error *e)
{
	struct walk w = {};
	struct stat st;
	int err;

	if (strlen(path) >= sizeof(w.rest))
		return bt_error_set(e, -ENAMETOOLONG, "%s", strerror(ENAMETOOLONG));
	strcpy(w.rest, path);
	err = walk(&w, &st, e);
	if (!err)
		err = check_file(&w, &st, e);
	if (!err && real)
		*real = bt_strdup(at(&w));
	return err;
}
