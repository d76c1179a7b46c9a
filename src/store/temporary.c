/* SPDX-License-Identifier: MIT */
/*
 * What is made under a temporary name, and who still uses what: flock(2) tells. Makers
 * and users have a shared lock, only who removes takes an exclusive one, and never waits
 * for it. A temporary file keeps its lock when it gets its name.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/cleanup.h"
#include "base/path.h"
#include "store/store-internal.h"

/* Uses are noted this exactly; a note is a write to the disk. */
enum { TOUCH_SECONDS = 60 };

static int lock(int fd, int operation)
{
	while (flock(fd, operation) < 0)
		if (errno != EINTR)
			return -errno;
	return 0;
}

bool store_is_there(int dirfd, const char *name, int fd)
{
	struct stat here, there;

	return fstat(fd, &here) == 0 &&
	       fstatat(dirfd, name, &there, AT_SYMLINK_NOFOLLOW) == 0 &&
	       here.st_dev == there.st_dev && here.st_ino == there.st_ino;
}

int store_hold(int dirfd, const char *name, int flags)
{
	for (;;) {
		AUTO_CLOSE int fd =
			openat(dirfd, name, flags | O_RDONLY | O_NOFOLLOW | O_CLOEXEC);
		int r;

		if (fd < 0)
			return -errno;
		r = lock(fd, LOCK_SH);
		if (r < 0)
			return r;
		/* Else it was removed between the two calls; another may be there. */
		if (store_is_there(dirfd, name, fd))
			return TAKE_FD(fd);
	}
}

void store_touch(int fd)
{
	struct stat st;

	if (fstat(fd, &st) == 0 && time(NULL) - st.st_mtime >= TOUCH_SECONDS)
		(void)futimens(fd, NULL); /* only the order of pruning is less right */
}

/* -EAGAIN when somebody took it for a leftover before it was locked. */
static int make_temporary(struct store *s, bool folder, const char *name)
{
	AUTO_CLOSE int fd = -1;

	if (folder && mkdirat(s->tmp, name, 0700) < 0)
		return errno == EEXIST ? -EAGAIN : -errno;
	fd = openat(s->tmp, name,
		    folder ? O_RDONLY | O_DIRECTORY | O_CLOEXEC
			   : O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC,
		    0600);
	if (fd < 0)
		return errno == EEXIST || (folder && errno == ENOENT) ? -EAGAIN : -errno;
	if (flock(fd, LOCK_SH | LOCK_NB) < 0)
		return errno == EWOULDBLOCK ? -EAGAIN : -errno;
	return store_is_there(s->tmp, name, fd) ? TAKE_FD(fd) : -EAGAIN;
}

static int temporary(struct store *s, bool folder, char **name, struct err *e)
{
	for (;;) {
		AUTO_FREE char *n = xasprintf("%ld-%u", (long)getpid(),
					      atomic_fetch_add(&s->serial, 1));
		int fd = make_temporary(s, folder, n);

		if (fd == -EAGAIN)
			continue;
		if (fd < 0)
			return err_sys(e, fd, "cannot make a temporary file in %s/tmp",
				       s->path);
		*name = TAKE_PTR(n);
		return fd;
	}
}

int store_temporary_file(struct store *s, char **name, struct err *e)
{
	return temporary(s, false, name, e);
}

int store_temporary_folder(struct store *s, char **name, struct err *e)
{
	return temporary(s, true, name, e);
}

int store_spool(struct store *s, struct err *e)
{
	AUTO_FREE char *name = NULL;
	AUTO_CLOSE int fd = store_temporary_file(s, &name, e);

	if (fd >= 0 && unlinkat(s->tmp, name, 0) < 0)
		return err_sys(e, -errno, "cannot remove a temporary file in %s/tmp",
			       s->path);
	return TAKE_FD(fd);
}

struct cleaning {
	struct store *store;
	struct store_amount *usage;
};

static int clean_leftover(void *context, const char *name)
{
	const struct cleaning *c = context;
	AUTO_CLOSE int fd = openat(c->store->tmp, name,
				   O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);

	/* Gone, or its maker lives. */
	if (fd < 0 || flock(fd, LOCK_EX | LOCK_NB) < 0)
		return 0;
	if (c->usage) {
		c->usage->count++;
		c->usage->bytes += store_allocated(c->store->tmp, name);
		return 0;
	}
	/* What cannot be removed does no harm to a build; the next one tries again. */
	(void)path_remove(c->store->tmp, name, NULL);
	return 0;
}

int store_clean_leftovers(struct store *s, struct store_amount *usage, struct err *e)
{
	struct cleaning c = {s, usage};

	return store_each(s->tmp, clean_leftover, &c, e);
}

int store_write(int fd, const void *data, size_t n)
{
	const char *p = data;

	while (n) {
		ssize_t written = write(fd, p, n);

		if (written < 0 && errno == EINTR)
			continue;
		if (written < 0)
			return -errno;
		p += written;
		n -= (size_t)written;
	}
	return 0;
}

int store_publish(struct store *s, int dirfd, const char *name, const void *data,
		  size_t len, bool sync, struct err *e)
{
	AUTO_FREE char *other = NULL;
	AUTO_CLOSE int fd = store_temporary_file(s, &other, e);
	int r;

	if (fd < 0)
		return fd;
	r = store_write(fd, data, len);
	if (r == 0 && sync && fsync(fd) < 0)
		r = -errno;
	if (r == 0 && renameat(s->tmp, other, dirfd, name) < 0)
		r = -errno;
	if (r == 0 && sync && fsync(dirfd) < 0)
		return err_sys(e, -errno, "cannot sync %s", s->path);
	if (r == 0)
		return 0;
	(void)unlinkat(s->tmp, other, 0); /* the first error is the one to tell */
	return err_sys(e, r, "cannot write to %s", s->path);
}
