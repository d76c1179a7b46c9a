/* SPDX-License-Identifier: MIT */
#include "base/path.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/openat2.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/cleanup.h"

enum {
	MAX_LINKS = 40,	   /* as the kernel allows, path_resolution(7) */
	MAX_RACES = 32,	   /* -EAGAIN of openat2(2): a folder moved meanwhile */
	REMOVE_DEPTH = 64, /* folders that removing keeps open at once */
};

static bool has_dot_dot(const char *path)
{
	for (const char *p = path; *p; p += strcspn(p, "/")) {
		p += strspn(p, "/");
		if (p[0] == '.' && p[1] == '.' && (p[2] == '/' || !p[2]))
			return true;
	}
	return false;
}

static int openat2_within(int dirfd, const char *path, uint64_t resolve, int flags,
			  mode_t mode)
{
	struct open_how how = {
		.flags = (unsigned)flags,
		.mode = flags & O_CREAT ? mode : 0,
		.resolve = resolve,
	};
	long fd = -1;

	for (unsigned i = 0; i < MAX_RACES; i++) {
		fd = syscall(SYS_openat2, dirfd, path, &how, sizeof how);
		if (fd >= 0 || (errno != EAGAIN && errno != EINTR))
			break;
	}
	return fd < 0 ? -errno : (int)fd;
}

/* --- Without openat2 --- */

/* The folders from the root of the walk to where it is; the first one is borrowed. */
struct walk {
	int *fds;
	size_t n;
};

static void walk_pop(struct walk *w)
{
	close(w->fds[--w->n]);
}

static void walk_free(struct walk *w)
{
	while (w->n > 1)
		walk_pop(w);
	free(w->fds);
}

static void walk_push(struct walk *w, int fd)
{
	GROW(w->fds, w->n);
	w->fds[w->n++] = fd;
}

/* The text of a link before what is left of the path; NULL when it is no link. */
static char *link_before(int dirfd, const char *name, const char *rest)
{
	char target[PATH_MAX];
	ssize_t n = readlinkat(dirfd, name, target, sizeof target - 1);

	if (n < 0)
		return NULL;
	target[n] = '\0';
	return xasprintf("%s/%s", target, rest);
}

/* One component, which is not the last; *path is what comes after it. */
static int walk_step(struct walk *w, enum path_scope scope, const char *name, char **path,
		     unsigned *links)
{
	int here = w->fds[w->n - 1];
	char *target;
	int fd;

	if (strcmp(name, "..") == 0) {
		if (w->n > 1)
			walk_pop(w);
		return 0;
	}
	fd = openat(here, name, O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (fd >= 0) {
		walk_push(w, fd);
		return 0;
	}
	if (errno != ENOTDIR)
		return -errno;
	target = link_before(here, name, *path);
	if (!target)
		return -ENOTDIR;
	if (scope == PATH_BENEATH || ++*links > MAX_LINKS) {
		free(target);
		return -ELOOP;
	}
	while (target[0] == '/' && w->n > 1)
		walk_pop(w);
	free(*path);
	*path = target;
	return 0;
}

/* The last component, followed when it is a link that is to be followed. */
static int walk_last(struct walk *w, const char *name, char **path, int flags,
		     mode_t mode, unsigned *links)
{
	int here = w->fds[w->n - 1];
	bool follow = !(flags & O_NOFOLLOW) &&
		      (flags & (O_CREAT | O_EXCL)) != (O_CREAT | O_EXCL);
	char *target = follow ? link_before(here, name, "") : NULL;
	int fd;

	if (!target) {
		fd = openat(here, name, flags | O_NOFOLLOW, mode);
		return fd < 0 ? -errno : fd;
	}
	/* The `/` after the link's text must not ask for a folder. */
	target[strlen(target) - 1] = '\0';
	if (++*links > MAX_LINKS) {
		free(target);
		return -ELOOP;
	}
	while (target[0] == '/' && w->n > 1)
		walk_pop(w);
	free(*path);
	*path = target;
	return -EAGAIN;
}

static int walk_open(struct walk *w, char **path, enum path_scope scope, int flags,
		     mode_t mode)
{
	unsigned links = 0;
	int r = 0;

	for (;;) {
		AUTO_FREE char *name = NULL;
		AUTO_FREE char *rest = NULL;
		const char *p = *path + strspn(*path, "/");
		size_t n = strcspn(p, "/");

		if (n == 0 || strcmp(p, ".") == 0 || strcmp(p, "..") == 0) {
			if (n == 2 && w->n > 1)
				walk_pop(w);
			r = openat(w->fds[w->n - 1], ".", flags & ~O_NOFOLLOW, mode);
			return r < 0 ? -errno : r;
		}
		name = xstrndup(p, n);
		rest = xstrdup(p + n);
		if (!*rest) {
			r = walk_last(w, name, path, flags, mode, &links);
			if (r != -EAGAIN)
				return r;
			continue;
		}
		free(*path);
		*path = TAKE_PTR(rest);
		if (strcmp(name, ".") == 0)
			continue;
		r = walk_step(w, scope, name, path, &links);
		if (r < 0)
			return r;
	}
}

static int walk_within(int dirfd, const char *path, enum path_scope scope, int flags,
		       mode_t mode)
{
	struct walk w = {NULL, 0};
	char *left = xstrdup(path);
	int r;

	walk_push(&w, dirfd);
	r = walk_open(&w, &left, scope, flags, mode);
	walk_free(&w);
	free(left);
	return r;
}

static int open_within(int dirfd, const char *path, enum path_scope scope, int flags,
		       mode_t mode)
{
	uint64_t resolve = scope == PATH_BENEATH
				   ? RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS
				   : RESOLVE_IN_ROOT | RESOLVE_NO_MAGICLINKS;
	int r = openat2_within(dirfd, path, resolve, flags, mode);

	/* A container's filter may answer -EPERM; a true one comes from the walk again.
	 */
	if (r == -ENOSYS || r == -EPERM)
		r = walk_within(dirfd, path, scope, flags, mode);
	return r;
}

/* A link that is not followed is no folder, but which of the two it is matters. */
static bool ends_in_link(int dirfd, const char *path)
{
	AUTO_CLOSE int fd = open_within(dirfd, path, PATH_BENEATH,
					O_PATH | O_NOFOLLOW | O_CLOEXEC, 0);
	struct stat st;

	return fd >= 0 && fstat(fd, &st) == 0 && S_ISLNK(st.st_mode);
}

int path_open(int dirfd, const char *path, enum path_scope scope, int flags, mode_t mode)
{
	int r;

	flags |= O_CLOEXEC | (flags & O_PATH ? 0 : O_NOCTTY);
	if (!*path)
		path = ".";
	if (scope == PATH_IN_ROOT)
		return open_within(dirfd, path, scope, flags, mode);
	if (*path == '/' || has_dot_dot(path))
		return -EXDEV;
	r = open_within(dirfd, path, scope, flags | O_NOFOLLOW, mode);
	return r == -ENOTDIR && ends_in_link(dirfd, path) ? -ELOOP : r;
}

int path_open_parent(int dirfd, const char *path, enum path_scope scope,
		     const char **name)
{
	const char *slash = strrchr(path, '/');
	AUTO_FREE char *folder = NULL;

	*name = slash ? slash + 1 : path;
	if (!**name || strcmp(*name, ".") == 0 || strcmp(*name, "..") == 0)
		return -EINVAL;
	/* The slash stays, so that a name right below the root is below the root. */
	folder = xstrndup(path, (size_t)(*name - path));
	return path_open(dirfd, folder, scope, O_PATH | O_DIRECTORY, 0);
}

int path_make_folders(int dirfd, const char *path, mode_t mode, struct err *e)
{
	AUTO_FREE char *copy = xstrdup(path);

	for (char *p = copy;; p++) {
		char c = *p;

		if ((c && c != '/') || p == copy)
			continue;
		*p = '\0';
		if (mkdirat(dirfd, copy, mode) < 0 && errno != EEXIST)
			return err_sys(e, -errno, "cannot make the folder %s", copy);
		*p = c;
		if (!c)
			return 0;
	}
}

/* --- Removing --- */

struct removal {
	int top;	/* the folder that all of it is in */
	unsigned moved; /* folders too deep, moved to the top */
};

static int remove_entry(struct removal *r, int dirfd, const char *name, unsigned depth);

static int remove_contents(struct removal *r, int fd, unsigned depth)
{
	AUTO_CLOSEDIR DIR *d = NULL;
	struct dirent *entry;
	int copy = fcntl(fd, F_DUPFD_CLOEXEC, 0);
	int result = 0;

	if (copy < 0)
		return -errno;
	d = fdopendir(copy);
	if (!d) {
		close(copy);
		return -errno;
	}
	rewinddir(d);
	while (result == 0 && (errno = 0, entry = readdir(d)))
		if (strcmp(entry->d_name, ".") != 0 && strcmp(entry->d_name, "..") != 0)
			result = remove_entry(r, fd, entry->d_name, depth);
	return result ? result : -errno;
}

/* So that neither open files nor the stack run out, however deep the tree is. */
static int move_to_top(struct removal *r, int dirfd, const char *name)
{
	for (;;) {
		AUTO_FREE char *other = xasprintf(".removing-%u", r->moved++);

		if (renameat(dirfd, name, r->top, other) == 0)
			return 0;
		if (errno != ENOTEMPTY && errno != EEXIST && errno != ENOTDIR)
			return -errno;
	}
}

static int open_to_empty(int dirfd, const char *name)
{
	int fd;

	/* Root may do all; for others a folder without rights is in the way. */
	if (geteuid() != 0 && fchmodat(dirfd, name, 0700, 0) < 0 && errno == ENOENT)
		return -ENOENT;
	fd = openat(dirfd, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	return fd < 0 ? -errno : fd;
}

static int remove_entry(struct removal *r, int dirfd, const char *name, unsigned depth)
{
	struct removal own = {-1, 0};
	AUTO_CLOSE int fd = -1;
	int result;

	if (unlinkat(dirfd, name, 0) == 0 || errno == ENOENT)
		return 0;
	if (errno != EISDIR)
		return -errno;
	/* rmdir(2) comes before looking inside: it tells a mount point (EBUSY). */
	if (unlinkat(dirfd, name, AT_REMOVEDIR) == 0 || errno == ENOENT)
		return 0;
	if (errno != ENOTEMPTY && errno != EEXIST)
		return -errno;
	if (depth == REMOVE_DEPTH)
		return move_to_top(r, dirfd, name);
	fd = open_to_empty(dirfd, name);
	if (fd < 0)
		return fd == -ENOENT ? 0 : fd;
	if (!r) {
		own.top = fd;
		r = &own;
	}
	do {
		own.moved = 0;
		result = remove_contents(r, fd, depth + 1);
	} while (result == 0 && own.moved);
	if (result == 0 && unlinkat(dirfd, name, AT_REMOVEDIR) < 0 && errno != ENOENT)
		result = -errno;
	return result;
}

int path_remove(int dirfd, const char *path, struct err *e)
{
	int r = remove_entry(NULL, dirfd, path, 0);

	return r < 0 ? err_sys(e, r, "cannot remove %s", path) : 0;
}
