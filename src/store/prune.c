/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/cleanup.h"
#include "base/file.h"
#include "base/path.h"
#include "store/store-internal.h"

/* Manifests are no larger (distribution-spec, "Pushing Manifests"); configs could be. */
enum { MAX_JSON = 8 << 20 };

/* --- What names lead to --- */

struct marks {
	struct store *store;
	struct oci_digest *v; /* a hash table with open addressing; size a power of two */
	bool *used;
	size_t n, size;
	struct oci_digest *todo; /* marked, but not read yet */
	size_t ntodo;
};

static size_t slot(const struct marks *m, const struct oci_digest *digest)
{
	size_t at;

	/* A digest is a hash already. */
	memcpy(&at, digest->bytes, sizeof at);
	for (at &= m->size - 1; m->used[at]; at = (at + 1) & (m->size - 1))
		if (oci_digest_equal(&m->v[at], digest))
			break;
	return at;
}

static void grow_marks(struct marks *m)
{
	struct marks larger = *m;

	larger.size = m->size ? m->size * 2 : 256;
	larger.v = xcalloc(larger.size, sizeof *larger.v);
	larger.used = xcalloc(larger.size, sizeof *larger.used);
	for (size_t i = 0; i < m->size; i++) {
		size_t at = m->used[i] ? slot(&larger, &m->v[i]) : 0;

		if (!m->used[i])
			continue;
		larger.v[at] = m->v[i];
		larger.used[at] = true;
	}
	free(m->v);
	free(m->used);
	*m = larger;
}

static bool is_marked(const struct marks *m, const struct oci_digest *digest)
{
	return m->size && m->used[slot(m, digest)];
}

static void mark(struct marks *m, const struct oci_digest *digest)
{
	size_t at;

	if (m->n >= m->size / 2)
		grow_marks(m);
	at = slot(m, digest);
	if (m->used[at])
		return;
	m->v[at] = *digest;
	m->used[at] = true;
	m->n++;
	GROW(m->todo, m->ntodo);
	m->todo[m->ntodo++] = *digest;
}

/*
 * Marks every digest that stands in a text. That indexes, manifests and configurations
 * tell all that they need in this form makes knowing their structure needless; to keep
 * too much is never wrong.
 */
static void mark_text(struct marks *m, const char *text)
{
	while ((text = strstr(text, "sha256:"))) {
		char one[OCI_DIGEST_TEXT];
		struct oci_digest digest;
		size_t n = strnlen(text, sizeof one - 1);

		memcpy(one, text, n);
		one[n] = '\0';
		if (oci_digest_parse(&digest, one, NULL) == 0)
			mark(m, &digest);
		text += strlen("sha256:");
	}
}

static int mark_blob(struct marks *m, const struct oci_digest *digest, struct err *e)
{
	AUTO_FREE char *data = NULL;
	char text[OCI_DIGEST_TEXT];
	char first = 0;
	AUTO_CLOSE int fd = -1;
	int r;

	oci_digest_format(digest, text);
	fd = openat(m->store->blobs, oci_digest_hex(text), O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return 0; /* a digest of something else than a blob here */
	if (pread(fd, &first, 1, 0) != 1 || first != '{')
		return 0;
	r = file_read_at(m->store->blobs, oci_digest_hex(text), MAX_JSON, &data, NULL, e);
	if (r == -EFBIG || r == -ENOENT)
		return 0;
	if (r == 0)
		mark_text(m, data);
	return r;
}

static int mark_name(void *context, const char *file)
{
	struct marks *m = context;
	AUTO_FREE char *text = NULL;
	int r = file_read_at(m->store->names, file, MAX_JSON, &text, NULL, NULL);

	if (r == 0)
		mark_text(m, text);
	return r == -ENOENT ? 0 : r;
}

static int mark_all(struct marks *m, struct err *e)
{
	int r = store_each(m->store->names, mark_name, m, e);

	if (r < 0)
		return err_sys(e, r, "cannot read the names in %s", m->store->path);
	while (r == 0 && m->ntodo) {
		struct oci_digest digest = m->todo[--m->ntodo];

		r = mark_blob(m, &digest, e);
	}
	return r;
}

static void marks_free(struct marks *m)
{
	free(m->v);
	free(m->used);
	free(m->todo);
}

/* --- What is there --- */

struct item {
	int dirfd;
	char *name;
	uint64_t bytes;
	time_t used;
};

struct inventory {
	struct marks marks;
	struct item *items; /* that could be removed */
	size_t n;
	/* of the folder that is being looked at */
	int dirfd;
	struct store_amount *amount;
};

static int add_size(void *context, const char *name);

struct sizing {
	int dirfd;
	uint64_t bytes;
};

uint64_t store_allocated(int dirfd, const char *name)
{
	struct sizing s = {-1, 0};
	struct stat st;

	if (fstatat(dirfd, name, &st, AT_SYMLINK_NOFOLLOW) < 0)
		return 0;
	s.bytes = (uint64_t)st.st_blocks * 512;
	if (S_ISDIR(st.st_mode)) {
		s.dirfd = openat(dirfd, name,
				 O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
		if (s.dirfd >= 0) {
			(void)store_each(s.dirfd, add_size, &s, NULL);
			close(s.dirfd);
		}
	} else if (st.st_nlink > 1) {
		s.bytes /= st.st_nlink; /* the other names count their shares */
	}
	return s.bytes;
}

static int add_size(void *context, const char *name)
{
	struct sizing *s = context;

	s->bytes += store_allocated(s->dirfd, name);
	return 0;
}

/* Names begin with the digest that they are about. */
static bool is_needed(const struct marks *m, const char *name)
{
	AUTO_FREE char *text = xasprintf("sha256:%.64s", name);
	struct oci_digest digest;

	return oci_digest_parse(&digest, text, NULL) == 0 && is_marked(m, &digest);
}

/* A shared lock of somebody else is in the way of an exclusive one. */
static bool is_used(int dirfd, const char *name)
{
	AUTO_CLOSE int fd = openat(dirfd, name, O_RDONLY | O_NOFOLLOW | O_CLOEXEC);

	return fd >= 0 && flock(fd, LOCK_EX | LOCK_NB) < 0;
}

static int take_stock(void *context, const char *name)
{
	struct inventory *i = context;
	struct item item = {i->dirfd, NULL, store_allocated(i->dirfd, name), 0};
	struct stat st;

	if (fstatat(i->dirfd, name, &st, AT_SYMLINK_NOFOLLOW) < 0)
		return 0;
	i->amount->count++;
	i->amount->bytes += item.bytes;
	if (is_needed(&i->marks, name) || is_used(i->dirfd, name))
		return 0;
	item.name = xstrdup(name);
	item.used = st.st_mtime;
	GROW(i->items, i->n);
	i->items[i->n++] = item;
	return 0;
}

static int inventory_make(struct store *s, struct inventory *i, struct store_usage *u,
			  struct err *e)
{
	struct {
		int dirfd;
		struct store_amount *amount;
	} folders[] = {
		{s->blobs, &u->blobs},
		{s->snapshots, &u->snapshots},
		{s->records[STORE_STEP], &u->records},
		{s->records[STORE_LAYER], &u->records},
		{s->records[STORE_BLOB], &u->records},
		{s->records[STORE_FILES], &u->records},
		{s->records[STORE_URL], &u->records},
	};
	int r;

	i->marks.store = s;
	r = mark_all(&i->marks, e);
	for (size_t k = 0; r == 0 && k < ARRAY_SIZE(folders); k++) {
		i->dirfd = folders[k].dirfd;
		i->amount = folders[k].amount;
		r = store_each(i->dirfd, take_stock, i, e);
	}
	return r;
}

static void inventory_free(struct inventory *i)
{
	for (size_t k = 0; k < i->n; k++)
		free(i->items[k].name);
	free(i->items);
	marks_free(&i->marks);
}

/* So that no name is written between reading the names and removing. */
static int lock_names(struct store *s, struct err *e)
{
	AUTO_CLOSE int fd = openat(s->dirfd, "names", O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	if (fd < 0 || flock(fd, LOCK_EX) < 0)
		return err_sys(e, -errno, "cannot lock %s/names", s->path);
	return TAKE_FD(fd);
}

int store_usage(struct store *s, struct store_usage *usage, struct err *e)
{
	struct inventory i = {.n = 0};
	struct strv names = STRV_INIT;
	int r;

	memset(usage, 0, sizeof *usage);
	r = inventory_make(s, &i, usage, e);
	if (r == 0)
		r = store_names(s, &names, e);
	if (r == 0)
		r = store_clean_leftovers(s, &usage->leftovers, e);
	for (size_t k = 0; k < i.n; k++)
		usage->reclaimable.bytes += i.items[k].bytes;
	usage->reclaimable.count = i.n;
	usage->names.count = names.n;
	usage->names.bytes = store_allocated(s->dirfd, "names");
	strv_free(&names);
	inventory_free(&i);
	return r;
}

/* --- Removing --- */

static int by_last_use(const void *a, const void *b)
{
	const struct item *x = a, *y = b;

	if (x->used != y->used)
		return x->used < y->used ? -1 : 1;
	return strcmp(x->name, y->name);
}

/*
 * Takes one away from those who look for it, under the lock that users need; into tmp/,
 * where it is a leftover. 1 when it is in use or gone.
 */
static int take_away(struct store *s, const struct item *item, struct err *e)
{
	AUTO_CLOSE int fd =
		openat(item->dirfd, item->name, O_RDONLY | O_NOFOLLOW | O_CLOEXEC);
	AUTO_FREE char *name = NULL;

	if (fd < 0 || flock(fd, LOCK_EX | LOCK_NB) < 0 ||
	    !store_is_there(item->dirfd, item->name, fd))
		return 1;
	name = xasprintf("removed-%ld-%u", (long)getpid(),
			 atomic_fetch_add(&s->serial, 1));
	if (renameat(item->dirfd, item->name, s->tmp, name) < 0)
		return err_sys(e, -errno, "cannot remove %s from %s", item->name,
			       s->path);
	return 0;
}

static int remove_items(struct store *s, struct inventory *i,
			const struct store_prune *what, struct store_amount *removed,
			struct err *e)
{
	time_t now = time(NULL);
	uint64_t left = 0;

	for (size_t k = 0; k < i->n; k++)
		left += i->items[k].bytes;
	if (i->n)
		qsort(i->items, i->n, sizeof *i->items, by_last_use);
	for (size_t k = 0; k < i->n; k++) {
		const struct item *item = &i->items[k];
		bool old = what->unused && now - item->used > what->unused;
		bool over = what->keep ? left > what->keep : !what->unused;
		int r;

		if (!old && !over)
			continue;
		r = take_away(s, item, e);
		if (r < 0)
			return r;
		if (r > 0)
			continue;
		left -= item->bytes;
		removed->count++;
		removed->bytes += item->bytes;
	}
	return 0;
}

int store_prune(struct store *s, const struct store_prune *what,
		struct store_amount *removed, struct err *e)
{
	struct inventory i = {.n = 0};
	struct store_usage usage = {.names = {0, 0}};
	int r, names = lock_names(s, e);

	if (names < 0)
		return names;
	memset(removed, 0, sizeof *removed);
	r = inventory_make(s, &i, &usage, e);
	if (r == 0)
		r = remove_items(s, &i, what, removed, e);
	close(names);
	inventory_free(&i);
	return r < 0 ? r : store_clean_leftovers(s, NULL, e);
}
