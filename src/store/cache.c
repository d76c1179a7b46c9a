/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <fcntl.h>
#include <sys/file.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/cleanup.h"
#include "store/store-internal.h"

int store_cache_open(struct store *s, const struct oci_digest *key, struct err *e)
{
	char text[OCI_DIGEST_TEXT];
	const char *name = oci_digest_hex(oci_digest_format(key, text));
	int fd = store_hold(s->caches, name, O_DIRECTORY);

	if (fd < 0 && fd != -ENOENT)
		return err_sys(e, fd, "cannot open the cache %s/caches/%s", s->path,
			       name);
	if (fd >= 0)
		store_touch(fd);
	return fd;
}

/*
 * Hands over fs with a lock of its own, or holds the cache that is there. One maker at a
 * time: rename(2) would replace an empty folder that somebody uses.
 */
static int give_name(struct store_draft *d, const char *name)
{
	struct store *s = d->store;
	AUTO_CLOSE int makers =
		openat(s->dirfd, "caches", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	int fd;

	if (makers < 0 || flock(makers, LOCK_EX) < 0)
		return -errno;
	fd = store_hold(s->caches, name, O_DIRECTORY);
	if (fd != -ENOENT)
		return fd;
	if (flock(d->fs, LOCK_SH) < 0 || renameat(d->dirfd, "fs", s->caches, name) < 0)
		return -errno;
	return TAKE_FD(d->fs);
}

int store_cache_commit(struct store_draft *d, const struct oci_digest *key, struct err *e)
{
	char text[OCI_DIGEST_TEXT];
	const char *name = oci_digest_hex(oci_digest_format(key, text));
	int fd = give_name(d, name);

	if (fd < 0)
		return err_sys(e, fd, "cannot make the cache %s/caches/%s",
			       d->store->path, name);
	store_draft_discard(d);
	return fd;
}
