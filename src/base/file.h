/* SPDX-License-Identifier: MIT */
#pragma once

/* Files, whole. A directory fd first (AT_FDCWD is allowed), the path second. */

#include <stddef.h>
#include <sys/types.h>

#include "base/err.h"

/*
 * Reads a file of at most max bytes into a NUL-terminated buffer that the caller owns;
 * len (may be NULL) is without the NUL. -EFBIG when the file is larger. Works for files
 * whose size the kernel does not tell (/proc). Never blocks on a FIFO: it is refused
 * with -EINVAL like everything that is not a regular file.
 */
int file_read_at(int dirfd, const char *path, size_t max, char **data, size_t *len,
		 struct err *e);

/*
 * The same of what a person named: also a pipe, or the standard input as /dev/stdin, to
 * its end, which is waited for.
 */
int file_read_given(const char *path, size_t max, char **data, size_t *len,
		    struct err *e);

#define FILE_TEMPORARY_SUFFIX ".tmp"
#define FILE_MODE_UMASK	      0666

/*
 * Replaces a file as a whole: a temporary file beside it, fsync, rename. A reader sees
 * the old contents or the new ones; a failure leaves the old. A process that is killed
 * may leave the temporary file, PATH.tmp and its process id. The mode is exact, whatever
 * the umask; of FILE_MODE_UMASK the umask takes its part.
 */
int file_write_at(int dirfd, const char *path, const void *data, size_t len, mode_t mode,
		  struct err *e);

/*
 * A file that is written bit by bit and takes its place at the end. The path "-" is the
 * standard output; that, a pipe or a device is written to directly.
 */
struct file_draft {
	int fd;
	const char *path; /* borrowed */
	char *temporary;  /* NULL: it is written directly */
};

#define FILE_DRAFT_INIT                                                                  \
	{                                                                                \
		-1, NULL, NULL                                                           \
	}

int file_draft_open(struct file_draft *f, const char *path, struct err *e);
int file_draft_commit(struct file_draft *f, struct err *e);

/* In any case; nothing remains of one that was not committed. */
void file_draft_close(struct file_draft *f);

#define AUTO_FILE_DRAFT CLEAN(file_draft_close)

/* All n bytes into an fd; what names it in the failure's text. */
int file_write_all(int fd, const void *data, size_t n, const char *what, struct err *e);

/* A file without a name in $TMPDIR or /var/tmp, to write and read. Returns its fd. */
int file_temporary(struct err *e);
