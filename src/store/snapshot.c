/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/cleanup.h"
#include "base/path.h"
#include "store/store-internal.h"

static char *snapshot_name(const struct oci_digest *diff_id, const char *form)
{
	char text[OCI_DIGEST_TEXT];

	oci_digest_format(diff_id, text);
	return xasprintf("%s-%.*s", oci_digest_hex(text), (int)STORE_FORM_MAX, form);
}

int store_snapshot_open(struct store *s, const struct oci_digest *diff_id,
			const char *form, struct err *e)
{
	AUTO_FREE char *name = snapshot_name(diff_id, form);
	int fd = store_hold(s->snapshots, name, O_DIRECTORY);

	if (fd < 0 && fd != -ENOENT)
		return err_sys(e, fd, "cannot open the snapshot %s/snapshots/%s", s->path,
			       name);
	if (fd >= 0)
		store_touch(fd);
	return fd;
}

char *store_snapshot_path(const struct store *s, const struct oci_digest *diff_id,
			  const char *form)
{
	AUTO_FREE char *name = snapshot_name(diff_id, form);

	return xasprintf("%s/snapshots/%s/fs", s->path, name);
}

int store_draft_new(struct store *s, struct store_draft *d, struct err *e)
{
	*d = (struct store_draft)STORE_DRAFT_INIT;
	d->dirfd = store_temporary_folder(s, &d->name, e);
	if (d->dirfd < 0)
		return d->dirfd;
	d->store = s;
	d->path = xasprintf("%s/tmp/%s", s->path, d->name);
	if (mkdirat(d->dirfd, "fs", 0755) == 0)
		d->fs = openat(d->dirfd, "fs", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (d->fs < 0 || fchmod(d->fs, 0755) < 0) {
		int r = -errno;

		store_draft_discard(d);
		return err_sys(e, r, "cannot make a folder in %s/tmp", s->path);
	}
	return 0;
}

/* Hands over the draft with its lock, or holds the snapshot that is there. */
static int give_name(struct store_draft *d, const char *name)
{
	struct store *s = d->store;

	for (;;) {
		int fd;

		if (renameat(s->tmp, d->name, s->snapshots, name) == 0)
			return TAKE_FD(d->dirfd);
		/* The rename of a folder replaces an empty one only. */
		if (errno != ENOTEMPTY && errno != EEXIST)
			return -errno;
		fd = store_hold(s->snapshots, name, O_DIRECTORY);
		if (fd != -ENOENT)
			return fd;
	}
}

int store_draft_commit(struct store_draft *d, const struct oci_digest *diff_id,
		       const char *form, struct err *e)
{
	AUTO_FREE char *name = snapshot_name(diff_id, form);
	int fd, r = path_remove(d->dirfd, "work", e);

	if (r < 0)
		return r;
	fd = give_name(d, name);
	if (fd < 0)
		return err_sys(e, fd, "cannot make the snapshot %s/snapshots/%s",
			       d->store->path, name);
	store_touch(fd);
	store_draft_discard(d);
	return fd;
}

void store_draft_discard(struct store_draft *d)
{
	if (!d->name)
		return;
	clean_close(&d->fs);
	/* While it is locked it is ours; what remains is a leftover for the next one. */
	if (d->dirfd >= 0)
		(void)path_remove(d->store->tmp, d->name, NULL);
	clean_close(&d->dirfd);
	free(d->path);
	free(d->name);
	*d = (struct store_draft)STORE_DRAFT_INIT;
}
