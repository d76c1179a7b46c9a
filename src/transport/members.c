/* SPDX-License-Identifier: MIT */
#include "transport/members.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/strbuf.h"
#include "layer/tar.h"
#include "transport/blob.h"

enum {
	MEMBERS_MAX = 128 << 10,
	LINKS_MAX = 8, /* one after the other */
};

static int take_member(void *context, const struct layer_entry *entry, struct err *e)
{
	struct members *m = context;
	struct member *new;

	if (m->n == MEMBERS_MAX)
		return err_set(e, -E2BIG, "it has more than %d members", MEMBERS_MAX);
	if (entry->extents)
		return err_set(e, -EINVAL,
			       "the member %s is a file with holes, which no program "
			       "that makes such archives writes",
			       entry->path);
	GROW(m->v, m->n);
	new = &m->v[m->n++];
	*new = (struct member){.path = xstrdup(entry->path),
			       .type = entry->type,
			       .target = entry->target ? xstrdup(entry->target) : NULL,
			       .offset = entry->offset,
			       .size = entry->size};
	return 0;
}

static int by_path(const void *a, const void *b)
{
	return strcmp(((const struct member *)a)->path, ((const struct member *)b)->path);
}

/* Two readers could take different ones of two. */
static int check_single(const struct members *m, struct err *e)
{
	for (size_t i = 1; i < m->n; i++)
		if (m->v[i].type != LAYER_FOLDER && by_path(&m->v[i - 1], &m->v[i]) == 0)
			return err_set(e, -EINVAL, "the member %s is there twice",
				       m->v[i].path);
	return 0;
}

int members_open(struct members *m, const char *file, struct err *e)
{
	int r;

	*m = (struct members){.file = file};
	m->fd = layer_tar_open(AT_FDCWD, file, e);
	r = m->fd < 0 ? m->fd : layer_tar_list(m->fd, take_member, m, e);
	if (r == 0 && m->n)
		qsort(m->v, m->n, sizeof *m->v, by_path);
	if (r == 0)
		r = check_single(m, e);
	return r < 0 ? err_wrap(e, r, "archive %s", file) : 0;
}

static int name_of(const void *path, const void *member)
{
	return strcmp(path, ((const struct member *)member)->path);
}

static const struct member *find(const struct members *m, const char *path)
{
	return m->n ? bsearch(path, m->v, m->n, sizeof *m->v, name_of) : NULL;
}

/* "../b/layer.tar" seen from "a/layer.tar" is "b/layer.tar"; NULL: it leads out. */
static char *join(const char *from, const char *target)
{
	AUTO_STRBUF struct strbuf s = STRBUF_INIT;
	const char *slash = strrchr(from, '/');

	if (*target != '/' && slash)
		strbuf_add(&s, from, (size_t)(slash - from));
	while (*target) {
		size_t n = strcspn(target, "/");

		if (n == 2 && strncmp(target, "..", 2) == 0) {
			const char *up = strrchr(s.data, '/');

			if (!s.len)
				return NULL;
			strbuf_trim(&s, up ? (size_t)(up - s.data) : 0);
		} else if (n && !(n == 1 && *target == '.')) {
			if (s.len)
				strbuf_addc(&s, '/');
			strbuf_add(&s, target, n);
		}
		target += n + strspn(target + n, "/");
	}
	return strbuf_take(&s);
}

static int follow(const struct members *m, const struct member **found, struct err *e)
{
	const struct member *member = *found;
	AUTO_FREE char *path = member->type == LAYER_SYMLINK
				       ? join(member->path, member->target)
				       : xstrdup(member->target);

	*found = path ? find(m, path) : NULL;
	if (*found)
		return 0;
	return err_set(e, -EINVAL, "archive %s: %s is a link to %s, which is %s", m->file,
		       member->path, member->target,
		       path ? "not there" : "outside of the archive");
}

int members_find(const struct members *m, const char *path, const struct member **found,
		 struct err *e)
{
	AUTO_FREE char *clean = xstrdup(path);
	const struct member *member;
	int r = 0;

	if (layer_path_clean(clean) < 0)
		return err_set(e, -EXDEV, "archive %s: the name %s leads out of it",
			       m->file, path);
	member = find(m, clean);
	if (!member)
		return err_set(e, -ENOENT, "archive %s has no member %s", m->file, path);
	for (int links = 0; r == 0; links++) {
		if (member->type == LAYER_FILE)
			break;
		if (links == LINKS_MAX)
			return err_set(e, -ELOOP, "archive %s: %s leads in a circle",
				       m->file, path);
		if (member->type != LAYER_SYMLINK && member->type != LAYER_HARDLINK)
			return err_set(e, -EINVAL, "archive %s: %s is not a file",
				       m->file, path);
		r = follow(m, &member, e);
	}
	*found = member;
	return r;
}

static int read_bytes(const struct members *m, const struct member *member, char *data,
		      struct err *e)
{
	AUTO_OCI_BLOB struct oci_blob *b = NULL;
	uint64_t at = 0;
	int fd = fcntl(m->fd, F_DUPFD_CLOEXEC, 0);

	if (fd < 0)
		return err_sys(e, -errno, "cannot read the archive %s", m->file);
	b = oci_blob_of_file(fd, member->offset, member->size);
	while (at < member->size) {
		ssize_t n = b->read(b, data + at, (size_t)(member->size - at), at, e);

		if (n < 0)
			return err_wrap(e, (int)n, "archive %s: %s", m->file,
					member->path);
		at += (uint64_t)n;
	}
	return 0;
}

int members_read(const struct members *m, const char *path, size_t max, char **data,
		 size_t *len, struct err *e)
{
	const struct member *member;
	AUTO_FREE char *bytes = NULL;
	int r = members_find(m, path, &member, e);

	if (r < 0)
		return r;
	if (member->size > max)
		return err_set(e, -EFBIG, "archive %s: %s has more than %zu bytes",
			       m->file, path, max);
	bytes = xcalloc(member->size + 1, 1);
	r = read_bytes(m, member, bytes, e);
	if (r < 0)
		return r;
	*len = (size_t)member->size;
	*data = TAKE_PTR(bytes);
	return 0;
}

int members_blob(const struct members *m, const struct member *member,
		 const struct oci_digest *digest, struct oci_blob **b, struct err *e)
{
	AUTO_FREE char *what = xasprintf("archive %s: %s", m->file, member->path);
	int fd = fcntl(m->fd, F_DUPFD_CLOEXEC, 0);

	if (fd < 0)
		return err_sys(e, -errno, "cannot read the archive %s", m->file);
	*b = transport_blob(fd, member->offset, member->size, digest, what);
	return 0;
}

void members_free(struct members *m)
{
	for (size_t i = 0; i < m->n; i++) {
		free(m->v[i].path);
		free(m->v[i].target);
	}
	free(m->v);
	if (m->fd >= 0)
		close(m->fd);
}
