/* SPDX-License-Identifier: MIT */
#include "build/files.h"

#include <errno.h>
#include <fcntl.h>
#include <search.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/alloc.h"
#include "base/path.h"
#include "base/strbuf.h"
#include "build/key.h"

enum {
	BLOCK = 256 * 1024,
	TOO_NEW = 2, /* seconds; the coarsest file system's clock */
};

/* One that this build met. */
struct seen {
	struct build_known known;
	bool lasting; /* its times are old enough for later builds */
};

static int compare(const void *a, const void *b)
{
	const struct build_known *x = a, *y = b;

	if (x->dev != y->dev)
		return x->dev < y->dev ? -1 : 1;
	return x->ino < y->ino ? -1 : x->ino > y->ino;
}

void build_known_init(struct build_known *k, const struct stat *st)
{
	/* Records are compared and written as bytes: padding must be zeros. */
	memset(k, 0, sizeof *k);
	k->dev = st->st_dev;
	k->ino = st->st_ino;
	k->size = (uint64_t)st->st_size;
	k->mtime[0] = st->st_mtim.tv_sec;
	k->mtime[1] = st->st_mtim.tv_nsec;
	k->ctime[0] = st->st_ctim.tv_sec;
	k->ctime[1] = st->st_ctim.tv_nsec;
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
	build_key_begin(&k, "context 2");
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

int build_file_digest(int root, const char *path, struct oci_digest *digest,
		      struct err *e)
{
	AUTO_CLOSE int fd = path_open(root, path, PATH_BENEATH, O_RDONLY | O_NOFOLLOW, 0);
	struct oci_hasher *h;
	AUTO_FREE char *block = NULL;
	ssize_t n;

	if (fd < 0)
		return err_sys(e, fd, "cannot read %s", path);
	block = xrealloc(NULL, BLOCK, 1);
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

/* With the lock. */
static void remember(struct build_files *f, const struct build_known *k, bool lasting)
{
	struct seen *seen = xcalloc(1, sizeof *seen);
	struct seen **found;

	*seen = (struct seen){*k, lasting};
	found = tsearch(seen, &f->seen, compare);
	if (!found)
		abort(); /* out of memory */
	if (*found != seen) {
		**found = *seen; /* the file was replaced meanwhile */
		free(seen);
	}
}

bool build_files_find(struct build_files *f, struct build_known *k)
{
	const struct build_known *old = NULL;
	struct seen **seen;

	pthread_mutex_lock(&f->lock);
	seen = tfind(k, &f->seen, compare);
	if (seen) {
		old = &(*seen)->known;
	} else if (f->n) {
		old = bsearch(k, f->v, f->n, sizeof *f->v, compare);
		if (old && same(old, k))
			remember(f, old, true);
	}
	if (old && !same(old, k))
		old = NULL;
	if (old)
		*k = *old;
	pthread_mutex_unlock(&f->lock);
	return old != NULL;
}

void build_files_add(struct build_files *f, const struct build_known *k)
{
	bool lasting =
		k->mtime[0] < f->started - TOO_NEW && k->ctime[0] < f->started - TOO_NEW;

	pthread_mutex_lock(&f->lock);
	remember(f, k, lasting);
	f->changed = f->changed || lasting;
	pthread_mutex_unlock(&f->lock);
}

static void add_lasting(const void *node, VISIT visit, void *context)
{
	const struct seen *seen = *(struct seen *const *)node;

	/* Each is visited once in this order, which is that of compare(). */
	if ((visit == postorder || visit == leaf) && seen->lasting)
		strbuf_add(context, &seen->known, sizeof seen->known);
}

int build_files_save(struct build_files *f, struct err *e)
{
	AUTO_STRBUF struct strbuf all = STRBUF_INIT;

	if (!f->changed)
		return 0;
	twalk_r(f->seen, add_lasting, &all);
	return store_record_write(f->store, STORE_FILES, &f->key, all.data, all.len, e);
}

void build_files_free(struct build_files *f)
{
	if (f->store)
		pthread_mutex_destroy(&f->lock);
	free(f->v);
	tdestroy(f->seen, free);
	*f = (struct build_files){0};
}
