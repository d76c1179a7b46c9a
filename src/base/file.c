/* SPDX-License-Identifier: MIT */
#include "base/file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
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

/* Takes over fd, or the error that opening gave. */
static int read_file(int opened, const char *path, bool regular, size_t max, char **data,
		     size_t *len, struct err *e)
{
	AUTO_STRBUF struct strbuf s = STRBUF_INIT;
	AUTO_CLOSE int fd = opened;
	struct stat st;
	int r;

	if (fd < 0)
		return err_sys(e, fd, "cannot open %s", path);
	if (fstat(fd, &st) < 0)
		return err_sys(e, -errno, "cannot examine %s", path);
	if (regular && !S_ISREG(st.st_mode))
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

int file_read_at(int dirfd, const char *path, size_t max, char **data, size_t *len,
		 struct err *e)
{
	int fd = openat(dirfd, path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);

	return read_file(fd < 0 ? -errno : fd, path, true, max, data, len, e);
}

int file_read_given(const char *path, size_t max, char **data, size_t *len, struct err *e)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY);

	return read_file(fd < 0 ? -errno : fd, path, false, max, data, len, e);
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
	if (mode != FILE_MODE_UMASK && fchmod(fd, mode) < 0)
		return -errno;
	return fsync(fd) < 0 ? -errno : 0;
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

int file_write_all(int fd, const void *data, size_t n, const char *what, struct err *e)
{
	int r = write_all(fd, data, n);

	return r < 0 ? err_sys(e, r, "cannot write %s", what) : 0;
}

int file_temporary(struct err *e)
{
	const char *folder = getenv("TMPDIR");
	AUTO_FREE char *path = NULL;
	int fd;

	folder = folder && *folder ? folder : "/var/tmp";
	path = xasprintf("%s/mab-build-XXXXXX", folder);
	fd = mkostemp(path, O_CLOEXEC);
	if (fd < 0)
		return err_sys(e, -errno, "cannot make a temporary file in %s", folder);
	(void)unlink(path); /* at worst an empty name stays */
	return fd;
}

/* Something that takes bytes, and has none that could be replaced. */
static bool is_written_directly(const char *path)
{
	struct stat st;

	return stat(path, &st) == 0 && !S_ISREG(st.st_mode) && !S_ISDIR(st.st_mode);
}

static int draft_fd(struct file_draft *f)
{
	if (strcmp(f->path, "-") == 0)
		return fcntl(STDOUT_FILENO, F_DUPFD_CLOEXEC, 0);
	if (is_written_directly(f->path))
		return open(f->path, O_WRONLY | O_CLOEXEC | O_NOCTTY);
	f->temporary =
		xasprintf("%s" FILE_TEMPORARY_SUFFIX "%ld", f->path, (long)getpid());
	return open(f->temporary, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666);
}

int file_draft_open(struct file_draft *f, const char *path, struct err *e)
{
	int r;

	*f = (struct file_draft){-1, path, NULL};
	f->fd = draft_fd(f);
	if (f->fd >= 0)
		return 0;
	r = -errno;
	free(TAKE_PTR(f->temporary)); /* not ours */
	return err_sys(e, r, "cannot make %s", path);
}

int file_draft_commit(struct file_draft *f, struct err *e)
{
	if (!f->temporary)
		return 0;
	if (fsync(f->fd) < 0 || rename(f->temporary, f->path) < 0)
		return err_sys(e, -errno, "cannot write %s", f->path);
	free(TAKE_PTR(f->temporary));
	return 0;
}

void file_draft_close(struct file_draft *f)
{
	clean_close(&f->fd);
	f->fd = -1;
	if (f->temporary)
		(void)unlink(f->temporary); /* the failure is told already */
	free(TAKE_PTR(f->temporary));
}
