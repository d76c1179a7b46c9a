/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/cleanup.h"
#include "store/store-internal.h"

/* Writing to the disk begins while the blob still grows, so that fsync(2) is short. */
enum { WRITEBACK_BYTES = 8 << 20 };

struct store_ingest {
	struct store *store;
	struct oci_hasher *hasher; /* NULL: the caller hashes */
	char *name;		   /* below tmp/; NULL once it is committed */
	int fd;
	uint64_t size, started; /* bytes written, and those on their way to the disk */
};

int store_ingest_new(struct store *s, bool hash, struct store_ingest **in, struct err *e)
{
	struct store_ingest *i = xcalloc(1, sizeof *i);

	i->store = s;
	i->fd = store_temporary_file(s, &i->name, e);
	if (i->fd < 0) {
		int r = i->fd;

		free(i);
		return r;
	}
	if (hash)
		i->hasher = oci_hasher_new();
	*in = i;
	return 0;
}

int store_ingest_add(struct store_ingest *in, const void *data, size_t n, struct err *e)
{
	int r = store_write(in->fd, data, n);

	if (r < 0)
		return err_sys(e, r, "cannot write a blob to %s", in->store->path);
	if (in->hasher)
		oci_hasher_add(in->hasher, data, n);
	in->size += n;
	if (in->size - in->started >= WRITEBACK_BYTES) {
		/* Only a hint: fsync(2) comes in any case. */
		(void)sync_file_range(in->fd, (off_t)in->started,
				      (off_t)(in->size - in->started),
				      SYNC_FILE_RANGE_WRITE);
		in->started = in->size;
	}
	return 0;
}

int store_ingest_fd(const struct store_ingest *in)
{
	return in->fd;
}

static int check_digest(struct store_ingest *in, struct oci_digest *digest, bool verify,
			struct err *e)
{
	char want[OCI_DIGEST_TEXT], got[OCI_DIGEST_TEXT];
	struct oci_digest d;

	if (!in->hasher)
		return 0;
	oci_hasher_finish(in->hasher, &d);
	if (verify && !oci_digest_equal(&d, digest))
		return err_set(e, -EBADMSG, "the blob %s arrived with other bytes: %s",
			       oci_digest_format(digest, want),
			       oci_digest_format(&d, got));
	*digest = d;
	return 0;
}

/*
 * The name goes to the new file unless there is one already: that may be in use, which
 * its own lock tells. One of another size is what a power loss left.
 */
static int give_name(struct store_ingest *in, const char *hex)
{
	struct store *s = in->store;
	struct stat st;

	for (;;) {
		AUTO_CLOSE int old = -1;

		if (linkat(s->tmp, in->name, s->blobs, hex, 0) == 0)
			return TAKE_FD(in->fd);
		if (errno != EEXIST)
			return -errno;
		old = store_hold(s->blobs, hex, 0);
		if (old == -ENOENT)
			continue;
		if (old < 0 || fstat(old, &st) < 0)
			return old < 0 ? old : -errno;
		if ((uint64_t)st.st_size == in->size) {
			store_touch(old);
			return TAKE_FD(old);
		}
		if (unlinkat(s->blobs, hex, 0) < 0 && errno != ENOENT)
			return -errno;
	}
}

int store_ingest_commit(struct store_ingest *in, struct oci_digest *digest, bool verify,
			struct err *e)
{
	char text[OCI_DIGEST_TEXT];
	int fd = -1, r = check_digest(in, digest, verify, e);

	if (r < 0)
		return r;
	oci_digest_format(digest, text);
	if (fchmod(in->fd, 0444) < 0 || fsync(in->fd) < 0)
		r = -errno;
	if (r == 0) {
		fd = give_name(in, oci_digest_hex(text));
		r = fd < 0 ? fd : 0;
	}
	if (r < 0)
		return err_sys(e, r, "cannot store the blob %s in %s", text,
			       in->store->path);
	(void)unlinkat(in->store->tmp, in->name, 0); /* a leftover at worst */
	free(TAKE_PTR(in->name));
	if (lseek(fd, 0, SEEK_SET) < 0)
		abort(); /* a regular file can be read from its start */
	return fd;
}

void store_ingest_free(struct store_ingest *in)
{
	if (!in)
		return;
	if (in->name)
		(void)unlinkat(in->store->tmp, in->name, 0);
	oci_hasher_free(in->hasher);
	clean_close(&in->fd);
	free(in->name);
	free(in);
}

int store_blob_open(struct store *s, const struct oci_digest *digest, uint64_t *size,
		    struct err *e)
{
	char text[OCI_DIGEST_TEXT];
	struct stat st;
	int fd;

	oci_digest_format(digest, text);
	fd = store_hold(s->blobs, oci_digest_hex(text), 0);
	if (fd == -ENOENT)
		return fd;
	if (fd < 0 || fstat(fd, &st) < 0) {
		int r = fd < 0 ? fd : -errno;

		clean_close(&fd);
		return err_sys(e, r, "cannot read the blob %s in %s", text, s->path);
	}
	store_touch(fd);
	if (size)
		*size = (uint64_t)st.st_size;
	return fd;
}
