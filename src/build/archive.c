/* SPDX-License-Identifier: MIT */
#include "build/archive.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/path.h"
#include "build/internal.h"
#include "layer/read.h"

enum { MAGIC = 257 }; /* where "ustar" is (pax(1)), which the oldest form has not */

static bool is_tar(const char *head, size_t n)
{
	return n == BUILD_ARCHIVE_HEAD && (memcmp(head + MAGIC, "ustar", 5) == 0 ||
					   layer_is_tar_header((const uint8_t *)head));
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
	return layer_is_tar(layer_source_fd, &fd);
}

static struct build_archive *keep(struct build_archives *a,
				  const struct build_archive *new)
{
	GROW(a->v, a->n);
	a->v[a->n] = *new;
	return &a->v[a->n++];
}

int build_archives_keep(struct build_archives *a, struct store_draft *draft)
{
	const struct build_archive new = {.draft = *draft, .index = LAYER_INDEX_INIT};

	*draft = (struct store_draft)STORE_DRAFT_INIT;
	return keep(a, &new)->draft.fs;
}

static struct build_archive *find(const struct build_archives *a, int root,
				  const char *path)
{
	for (size_t i = 0; i < a->n; i++)
		if (a->v[i].path && a->v[i].root == root &&
		    strcmp(a->v[i].path, path) == 0)
			return &a->v[i];
	return NULL;
}

/* What follows the archive's end may have been left unread. */
static int digest_of(const struct layer_result *result, int fd, int root,
		     const char *path, struct oci_digest *digest, struct err *e)
{
	struct stat st;

	if (fstat(fd, &st) < 0)
		return err_sys(e, -errno, "cannot examine %s", path);
	*digest = result->digest;
	return result->size == (uint64_t)st.st_size
		       ? 0
		       : build_file_digest(root, path, digest, e);
}

static int unpack(struct build *b, struct build_archive *new, struct err *e)
{
	AUTO_CLOSE int fd = open_file(new->root, new->path, e);
	struct layer_unpack_options o = {
		.form = LAYER_UNPACK_ARCHIVE,
		.userxattr = b->userxattr,
		.owner_xattr = b->one_owner,
		.devices = !b->userxattr,
		.read.index = &new->index,
	};
	struct layer_result result;
	int r;

	if (fd < 0)
		return fd;
	r = store_draft_new(b->store, &new->draft, e);
	if (r == 0)
		r = layer_unpack(new->draft.fs, layer_source_fd, &fd, &o, &result, e);
	if (r == 0)
		r = digest_of(&result, fd, new->root, new->path, &new->digest, e);
	return r < 0 ? err_wrap(e, r, "cannot unpack %s", new->path) : 0;
}

static void archive_free(struct build_archive *a)
{
	store_draft_discard(&a->draft);
	layer_index_free(&a->index);
	free(a->path);
}

int build_archive_unpack(struct build *b, struct build_archives *a, int root,
			 const char *path, struct build_archive **archive, struct err *e)
{
	struct build_archive new = {.draft = STORE_DRAFT_INIT,
				    .path = xstrdup(path),
				    .root = root,
				    .index = LAYER_INDEX_INIT};
	int r = 0;

	*archive = find(a, root, path);
	if (!*archive)
		r = unpack(b, &new, e);
	if (r < 0 || *archive)
		archive_free(&new);
	else
		*archive = keep(a, &new);
	return r;
}

void build_archives_free(struct build_archives *a)
{
	for (size_t i = 0; i < a->n; i++)
		archive_free(&a->v[i]);
	free(a->v);
	*a = (struct build_archives){0};
}
