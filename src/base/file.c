/* SPDX-License-Identifier: MIT */
#include "base/file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "base/alloc.h"
#include "base/strbuf.h"

static int read_all(int fd, size_t max, struct strbuf *s)
{
	for (;;) {
		size_t room = max - s->len < 4096 ? max - s->len + 1 : 4096;
		ssize_t n = read(fd, strbuf_grow(s, room), room);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return -errno;
		if (n == 0)
			return 0;
		s->len += (size_t)n;
		if (s->len > max)
			return -EFBIG;
	}
}

int file_read_at(int dirfd, const char *path, size_t max, char **data, size_t *len,
		 struct err *e)
{
	AUTO_STRBUF struct strbuf s = STRBUF_INIT;
	AUTO_CLOSE int fd = -1;
	struct stat st;
	int r;

	fd = openat(dirfd, path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
	if (fd < 0)
		return err_sys(e, -errno, "cannot open %s", path);
	if (fstat(fd, &st) < 0)
		return err_sys(e, -errno, "cannot examine %s", path);
	if (!S_ISREG(st.st_mode))
		return err_set(e, -EINVAL, "%s is not a regular file", path);
	r = read_all(fd, max, &s);
	if (r == -EFBIG)
		return err_set(e, r, "%s is larger than %zu bytes", path, max);
	if (r < 0)
		return err_sys(e, r, "cannot read %s", path);
	s.data[s.len] = '\0';
	if (len)
		*len = s.len;
	*data = strbuf_take(&s);
	return 0;
}

static int write_all(int fd, const char *data, size_t len)
{
	while (len) {
		ssize_t n = write(fd, data, len);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return -errno;
		data += n;
		len -= (size_t)n;
	}
	return 0;
}

static int write_synced(int dirfd, const char *path, const void *data, size_t len,
			mode_t mode)
{
	AUTO_CLOSE int fd =
		openat(dirfd, path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, mode);
	int r;

	if (fd < 0)
		return -errno;
	r = write_all(fd, data, len);
	if (r < 0)
		return r;
	/* The umask must not decide what others may read. */
	if (fchmod(fd, mode) < 0 || fsync(fd) < 0)
		return -errno;
	return 0;
}

int file_write_at(int dirfd, const char *path, const void *data, size_t len, mode_t mode,
		  struct err *e)
{
	AUTO_FREE char *temporary =
		xasprintf("%s" FILE_TEMPORARY_SUFFIX "%ld", path, (long)getpid());
	int r;

	r = write_synced(dirfd, temporary, data, len, mode);
	if (r == 0 && renameat(dirfd, temporary, dirfd, path) < 0)
		r = -errno;
	if (r == 0)
		return 0;
	/* What the failure left of it is of no use; the first error is the one to tell.
	 */
	if (r != -EEXIST)
		(void)unlinkat(dirfd, temporary, 0);
	return err_sys(e, r, "cannot write %s", path);
}
