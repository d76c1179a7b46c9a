/* SPDX-License-Identifier: MIT */
#include "layer/tar.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/file.h"
#include "layer/convert.h"
#include "layer/tar-internal.h"

enum { READ_SIZE = 16 << 10 };

/* A tar in a file, which can be passed over without being read. */
struct tar_file {
	int fd;
	uint64_t at, size;
	uint8_t data[READ_SIZE];
};

static int read_file(void *context, const uint8_t **data, size_t *n, struct err *e)
{
	struct tar_file *f = context;
	ssize_t got;

	do
		got = pread(f->fd, f->data, sizeof f->data, (off_t)f->at);
	while (got < 0 && errno == EINTR);
	if (got < 0)
		return err_sys(e, -errno, "cannot read the tar");
	f->at += (uint64_t)got;
	*data = f->data;
	*n = (size_t)got;
	return got > 0;
}

static int skip_file(void *context, uint64_t n, struct err *e)
{
	struct tar_file *f = context;

	if (n > f->size - f->at)
		return err_set(e, -EBADMSG, "the tar ends too early");
	f->at += n;
	return 0;
}

static int check_whole(const struct tar_file *f, const struct layer_entry *entry,
		       struct err *e)
{
	uint64_t n = tar_content_size(entry);

	if (!n || (entry->offset <= f->size && n <= f->size - entry->offset))
		return 0;
	return err_set(e, -EBADMSG, "the tar ends in the middle of %s", entry->path);
}

int layer_tar_list(int fd,
		   int (*member)(void *context, const struct layer_entry *entry,
				 struct err *e),
		   void *context, struct err *e)
{
	CLEAN(layer_entry_clear) struct layer_entry entry = {.path = NULL};
	AUTO_FREE struct tar_file *f = xcalloc(1, sizeof *f);
	struct tar_reader t = {.source = read_file, .skip = skip_file, .context = f};
	struct stat st;
	int r;

	if (fstat(fd, &st) < 0)
		return err_sys(e, -errno, "cannot read the tar");
	f->fd = fd;
	f->size = (uint64_t)st.st_size;
	while ((r = tar_next(&t, &entry, e)) > 0) {
		r = check_whole(f, &entry, e);
		if (r == 0)
			r = member(context, &entry, e);
		if (r < 0)
			return r;
	}
	return r;
}

int layer_tar_header(const struct layer_entry *entry, struct strbuf *out, struct err *e)
{
	return tar_header(entry, out, e);
}

static int into_file(void *context, const void *data, size_t n, struct err *e)
{
	return file_write_all(*(int *)context, data, n, "a temporary file", e);
}

/* Its tar in a file of its own, as members are read in any order. */
static int unpacked(int fd, struct err *e)
{
	const struct layer_read_options options = {.digest = NULL};
	AUTO_CLOSE int plain = file_temporary(e);
	struct layer_result result;
	int r;

	if (plain < 0)
		return plain;
	r = layer_decompress(layer_source_fd, &fd, &options, into_file, &plain, &result,
			     e);
	return r < 0 ? r : TAKE_FD(plain);
}

int layer_tar_open(int dirfd, const char *path, struct err *e)
{
	AUTO_CLOSE int fd =
		openat(dirfd, path, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
	uint8_t begin[6];
	struct stat st;
	ssize_t n;

	if (fd < 0 || fstat(fd, &st) < 0)
		return err_sys(e, -errno, "cannot open it");
	if (S_ISFIFO(st.st_mode) && fcntl(fd, F_SETFL, 0) == 0)
		return unpacked(fd, e);
	if (!S_ISREG(st.st_mode))
		return err_set(e, -EINVAL, "it is not a regular file");
	n = pread(fd, begin, sizeof begin, 0);
	if (n < 0)
		return err_sys(e, -errno, "cannot read it");
	if (layer_compression_guess(begin, (size_t)n) == LAYER_PLAIN)
		return TAKE_FD(fd);
	return unpacked(fd, e);
}
