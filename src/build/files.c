/* SPDX-License-Identifier: MIT */
#include "build/files.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/alloc.h"
#include "base/path.h"
#include "build/key.h"

enum {
	BLOCK = 256 * 1024,
	TOO_NEW = 2, /* seconds; the coarsest file system's clock */
};

static int compare(const void *a, const void *b)
{
	const struct build_known *x = a, *y = b;

	if (x->dev != y->dev)
		return x->dev < y->dev ? -1 : 1;
	return x->ino < y->ino ? -1 : x->ino > y->ino;
}

static struct build_known known_of(const struct stat *st)
{
	/* Records are compared and written as bytes: padding must be zeros. */
	struct build_known k;

	memset(&k, 0, sizeof k);
	k.dev = st->st_dev;
	k.ino = st->st_ino;
	k.size = (uint64_t)st->st_size;
	k.mtime[0] = st->st_mtim.tv_sec;
	k.mtime[1] = st->st_mtim.tv_nsec;
	k.ctime[0] = st->st_ctim.tv_sec;
	k.ctime[1] = st->st_ctim.tv_nsec;
	return k;
}

static bool same(const struct build_known *a, const struct build_known *b)
{
	return memcmp(a, b, offsetof(struct build_known, digest)) == 0;
}

void build_files_open(struct build_files *f, struct store *store, int context)
{
	struct build_key k;
	struct stat st;
	char *data;
	size_t len;

	*f = (struct build_files){.store = store, .started = time(NULL)};
	pthread_mutex_init(&f->lock, NULL);
	if (fstat(context, &st) < 0)
		return;
	build_key_begin(&k, "context 1");
	build_key_number(&k, (int64_t)st.st_dev);
	build_key_number(&k, (int64_t)st.st_ino);
	build_key_end(&k, &f->key);
	if (store_record_read(store, STORE_FILES, &f->key, &data, &len, NULL) < 0)
		return;
	/* The record is of this machine alone, in its own byte order. */
	f->n = len / sizeof *f->v;
	f->v = xcalloc(f->n + 1, sizeof *f->v);
	memcpy(f->v, data, f->n * sizeof *f->v);
	free(data);
}

static int read_digest(int root, const char *path, struct oci_digest *digest,
		       struct err *e)
{
	AUTO_CLOSE int fd = path_open(root, path, PATH_BENEATH, O_RDONLY | O_NOFOLLOW, 0);
	struct oci_hasher *h;
	AUTO_FREE char *block = NULL;
	ssize_t n;

	if (fd < 0)
		return err_sys(e, fd, "cannot read %s", path);
	block = xcalloc(1, BLOCK);
	h = oci_hasher_new();
	do {
		n = read(fd, block, BLOCK);
		if (n > 0)
			oci_hasher_add(h, block, (size_t)n);
	} while (n > 0 || (n < 0 && errno == EINTR));
	if (n == 0)
		oci_hasher_finish(h, digest);
	oci_hasher_free(h);
	return n < 0 ? err_sys(e, -errno, "cannot read %s", path) : 0;
}

static void remember(struct build_files *f, const struct build_known *k, bool new)
{
	pthread_mutex_lock(&f->lock);
	GROW(f->found, f->nfound);
	f->found[f->nfound++] = *k;
	f->changed = f->changed || new;
	pthread_mutex_unlock(&f->lock);
}

int build_files_digest(struct build_files *f, int root, const char *path,
		       const struct stat *st, struct oci_digest *digest, struct err *e)
{
	struct build_known k = known_of(st);
	const struct build_known *old = NULL;
	int r;

	if (f->n)
		old = bsearch(&k, f->v, f->n, sizeof *f->v, compare);
	if (old && same(old, &k)) {
		*digest = old->digest;
		remember(f, old, false);
		return 0;
	}
	r = read_digest(root, path, digest, e);
	k.digest = *digest;
	if (r == 0 && st->st_mtime < f->started - TOO_NEW &&
	    st->st_ctime < f->started - TOO_NEW)
		remember(f, &k, true);
	return r;
}

int build_files_save(struct build_files *f, struct err *e)
{
	size_t n = 0;

	if (!f->changed)
		return 0;
	qsort(f->found, f->nfound, sizeof *f->found, compare);
	for (size_t i = 0; i < f->nfound; i++)
		if (!n || compare(&f->found[n - 1], &f->found[i]) != 0)
			f->found[n++] = f->found[i];
	f->nfound = n;
	return store_record_write(f->store, STORE_FILES, &f->key, f->found,
				  n * sizeof *f->found, e);
}

void build_files_free(struct build_files *f)
{
	if (f->store)
		pthread_mutex_destroy(&f->lock);
	free(f->v);
	free(f->found);
	*f = (struct build_files){0};
}
