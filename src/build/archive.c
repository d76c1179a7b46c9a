/* SPDX-License-Identifier: MIT */
#include "build/archive.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/path.h"
#include "build/internal.h"
#include "layer/read.h"

static bool is_tar(const char *head, size_t n)
{
	return n >= BUILD_ARCHIVE_HEAD &&
	       memcmp(head + BUILD_ARCHIVE_HEAD - 5, "ustar", 5) == 0;
}

bool build_archive_is_head(const char *head, size_t n)
{
	return is_tar(head, n) || layer_compression_guess(head, n) != LAYER_PLAIN;
}

static int open_file(int root, const char *path, struct err *e)
{
	int fd = path_open(root, path, PATH_BENEATH, O_RDONLY, 0);

	return fd < 0 ? err_sys(e, fd, "cannot read %s", path) : fd;
}

int build_archive_is(int root, const char *path, struct err *e)
{
	AUTO_CLOSE int fd = open_file(root, path, e);
	char head[BUILD_ARCHIVE_HEAD];
	ssize_t n;

	if (fd < 0)
		return fd;
	n = pread(fd, head, sizeof head, 0);
	if (n < 0)
		return err_sys(e, -errno, "cannot read %s", path);
	if (is_tar(head, (size_t)n))
		return 1;
	if (layer_compression_guess(head, (size_t)n) == LAYER_PLAIN)
		return 0;
	/* Compressed: an archive only if a tar is inside. */
	return layer_scan(layer_source_fd, &fd, &(struct layer_read_options){0},
			  &(struct layer_result){0}, NULL) == 0;
}

int build_archives_keep(struct build_archives *a, struct store_draft *draft)
{
	GROW(a->v, a->n);
	a->v[a->n++] = *draft;
	*draft = (struct store_draft)STORE_DRAFT_INIT;
	return a->v[a->n - 1].fs;
}

int build_archive_unpack(struct build *b, struct build_archives *a, int root,
			 const char *path, struct err *e)
{
	AUTO_CLOSE int fd = open_file(root, path, e);
	AUTO_STORE_DRAFT struct store_draft draft = STORE_DRAFT_INIT;
	struct layer_unpack_options o = {
		.form = LAYER_UNPACK_ARCHIVE,
		.userxattr = b->userxattr,
		.owner_xattr = b->one_owner,
		.devices = !b->userxattr,
	};
	struct layer_result result;
	int r;

	if (fd < 0)
		return fd;
	r = store_draft_new(b->store, &draft, e);
	if (r == 0)
		r = layer_unpack(draft.fs, layer_source_fd, &fd, &o, &result, e);
	if (r < 0)
		return err_wrap(e, r, "cannot unpack %s", path);
	return build_archives_keep(a, &draft);
}

void build_archives_free(struct build_archives *a)
{
	for (size_t i = 0; i < a->n; i++)
		store_draft_discard(&a->v[i]);
	free(a->v);
	*a = (struct build_archives){0};
}
