/* SPDX-License-Identifier: MIT */
#include "base/owners.h"

#include <errno.h>
#include <limits.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/cleanup.h"

static int check_owner(const char *path, const struct stat *st, uid_t also, struct err *e)
{
	bool sticky = S_ISDIR(st->st_mode) && (st->st_mode & S_ISVTX);

	if (st->st_uid != 0 && st->st_uid != also && st->st_uid != geteuid())
		return err_set(e, -EPERM,
			       "%s belongs to user %u, who could replace it (chown root)",
			       path, (unsigned)st->st_uid);
	/* Only its owner can replace a link, or what is in a sticky folder. */
	if (sticky || S_ISLNK(st->st_mode))
		return 0;
	if (st->st_mode & S_IWOTH)
		return err_set(e, -EPERM, "%s is writable by everybody (chmod o-w)",
			       path);
	if ((st->st_mode & S_IWGRP) && st->st_gid != 0)
		return err_set(e, -EPERM, "%s is writable by group %u (chmod g-w)", path,
			       (unsigned)st->st_gid);
	return 0;
}

/* Puts what a link says in its place, way[start..end]; start becomes where to go on. */
static int follow(char **way, size_t *start, size_t end, struct err *e)
{
	AUTO_FREE char *link = xstrndup(*way, end);
	char target[PATH_MAX];
	ssize_t n = readlink(link, target, sizeof target);
	char *new;

	if (n < 0)
		return err_sys(e, -errno, "cannot read the link %s", link);
	if (target[0] == '/')
		*start = 0;
	new = xasprintf("%.*s%.*s%s", (int)*start, *way, (int)n, target, *way + end);
	free(*way);
	*way = new;
	return 0;
}

int owners_check(const char *path, uid_t also, struct err *e)
{
	enum { STEPS_MAX = 1000 }; /* of a way without end */
	AUTO_FREE char *way = xstrdup(path);
	size_t start = 0, end = 1; /* the root folder first */

	for (int i = 0; i < STEPS_MAX; i++) {
		AUTO_FREE char *prefix = xstrndup(way, end);
		struct stat st;
		int r;

		if (lstat(prefix, &st) < 0)
			return err_sys(e, -errno, "cannot examine %s", prefix);
		r = check_owner(prefix, &st, also, e);
		if (r == 0 && S_ISLNK(st.st_mode))
			r = follow(&way, &start, end, e);
		else
			start = end;
		if (r < 0)
			return r;
		start += strspn(way + start, "/");
		end = start + strcspn(way + start, "/");
		if (end == start)
			return 0;
	}
	return err_sys(e, -ELOOP, "cannot examine %s", path);
}
