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
#include "store/marks.h"
#include "store/store-internal.h"

/* --- What is there --- */

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

/* A shared lock of somebody else is in the way of an exclusive one. */
static bool is_used(int dirfd, const char *name)
{
	AUTO_CLOSE int fd = openat(dirfd, name, O_RDONLY | O_NOFOLLOW | O_CLOEXEC);

	return fd >= 0 && flock(fd, LOCK_EX | LOCK_NB) < 0;
}

struct inventory {
	const struct store_marks *marks;
	struct store_items items;
	/* of the folder that is being looked at */
	const char *folder;
	int dirfd;
	struct store_amount *amount;
};

static int take_stock(void *context, const char *name)
{
	struct inventory *i = context;
	struct store_item item = {.folder = i->folder, .dirfd = i->dirfd};
	struct stat st;

	if (fstatat(i->dirfd, name, &st, AT_SYMLINK_NOFOLLOW) < 0)
		return 0;
	item.name = xstrdup(name);
	item.bytes = store_allocated(i->dirfd, name);
	item.used = st.st_mtime;
	item.needed = store_marks_have(i->marks, name);
	item.in_use = is_used(i->dirfd, name);
	i->amount->count++;
	i->amount->bytes += item.bytes;
	GROW(i->items.v, i->items.n);
	i->items.v[i->items.n++] = item;
	return 0;
}

static int by_last_use(const void *a, const void *b)
{
	const struct store_item *x = a, *y = b;

	if (x->used != y->used)
		return x->used < y->used ? -1 : 1;
	return strcmp(x->name, y->name);
}

static bool is_reclaimable(const struct store_item *item)
{
	return !item->needed && !item->in_use;
}

static int inventory_make(struct store *s, const struct store_marks *marks,
			  struct store_usage *u, struct store_items *items, struct err *e)
{
	const struct {
		const char *folder;
		int dirfd;
		struct store_amount *amount;
	} folders[] = {
		{"blobs/sha256", s->blobs, &u->blobs},
		{"snapshots", s->snapshots, &u->snapshots},
		{"caches", s->caches, &u->caches},
		{"records/step", s->records[STORE_STEP], &u->records},
		{"records/layer", s->records[STORE_LAYER], &u->records},
		{"records/blob", s->records[STORE_BLOB], &u->records},
		{"records/files", s->records[STORE_FILES], &u->records},
		{"records/url", s->records[STORE_URL], &u->records},
		{"records/seen", s->records[STORE_SEEN], &u->records},
		{"records/filter", s->records[STORE_FILTER], &u->records},
	};
	struct inventory i = {.marks = marks};
	int r = 0;

	for (size_t k = 0; r == 0 && k < ARRAY_SIZE(folders); k++) {
		i.folder = folders[k].folder;
		i.dirfd = folders[k].dirfd;
		i.amount = folders[k].amount;
		r = store_each(i.dirfd, take_stock, &i, e);
	}
	if (i.items.n)
		qsort(i.items.v, i.items.n, sizeof *i.items.v, by_last_use);
	for (size_t k = 0; k < i.items.n; k++)
		if (is_reclaimable(&i.items.v[k])) {
			u->reclaimable.count++;
			u->reclaimable.bytes += i.items.v[k].bytes;
		}
	*items = i.items;
	return r;
}

void store_items_free(struct store_items *items)
{
	for (size_t k = 0; k < items->n; k++)
		free(items->v[k].name);
	free(items->v);
	*items = (struct store_items){0};
}

int store_usage(struct store *s, struct store_usage *usage, struct store_items *items,
		struct err *e)
{
	AUTO_STORE_ITEMS struct store_items all = {0};
	struct store_marks marks = {0};
	AUTO_STRV struct strv names = STRV_INIT;
	int r = store_marks_make(&marks, s, e);

	*usage = (struct store_usage){.names = {0, 0}};
	if (r == 0)
		r = inventory_make(s, &marks, usage, &all, e);
	if (r == 0)
		r = store_names(s, &names, e);
	if (r == 0)
		r = store_clean_leftovers(s, &usage->leftovers, e);
	usage->names.count = names.n;
	usage->names.bytes = store_allocated(s->dirfd, "names");
	store_marks_free(&marks);
	if (r == 0 && items) {
		*items = all;
		all = (struct store_items){0};
	}
	return r;
}

/* --- Removing --- */

/* So that no name is written between reading the names and removing. */
static int lock_names(struct store *s, struct err *e)
{
	AUTO_CLOSE int fd = openat(s->dirfd, "names", O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	if (fd < 0 || flock(fd, LOCK_EX) < 0)
		return err_sys(e, -errno, "cannot lock %s/names", s->path);
	return TAKE_FD(fd);
}

/*
 * Takes one away from those who look for it, under the lock that users need; into tmp/,
 * where it is a leftover. 1 when it is in use or gone.
 */
static int take_away(struct store *s, const struct store_item *item, struct err *e)
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
		return err_sys(e, -errno, "cannot remove %s/%s from %s", item->folder,
			       item->name, s->path);
	return 0;
}

static int remove_names(struct store *s, const struct strv *names,
			const struct store_prune *what, struct store_pruned *pruned,
			struct err *e)
{
	for (size_t i = 0; i < names->n; i++) {
		int r = what->dry_run ? 0 : store_name_remove(s, names->v[i], e);

		if (r < 0)
			return r;
		if (what->tell)
			what->tell(what->context, names->v[i], NULL);
		pruned->names++;
	}
	return 0;
}

static int remove_items(struct store *s, const struct store_items *items, uint64_t left,
			const struct store_prune *what, struct store_pruned *pruned,
			struct err *e)
{
	time_t now = time(NULL);

	for (size_t i = 0; i < items->n; i++) {
		const struct store_item *item = &items->v[i];
		int r = 0;

		if (!is_reclaimable(item) ||
		    (what->unused && now - item->used <= what->unused) ||
		    (what->keep && left <= what->keep))
			continue;
		if (!what->dry_run)
			r = take_away(s, item, e);
		if (r < 0)
			return r;
		if (r > 0)
			continue;
		if (what->tell)
			what->tell(what->context, item->name, item);
		left -= item->bytes;
		pruned->items.count++;
		pruned->items.bytes += item->bytes;
	}
	return 0;
}

int store_prune(struct store *s, const struct store_prune *what,
		struct store_pruned *pruned, struct err *e)
{
	AUTO_STORE_ITEMS struct store_items items = {0};
	struct store_marks marks = {.drop = what->names, .unused = what->unused};
	struct store_usage usage = {.names = {0, 0}};
	int r, names = lock_names(s, e);

	*pruned = (struct store_pruned){0};
	if (names < 0)
		return names;
	r = store_marks_make(&marks, s, e);
	if (r == 0)
		r = inventory_make(s, &marks, &usage, &items, e);
	/* Names first: one never leads to what is gone. */
	if (r == 0)
		r = remove_names(s, &marks.dropped, what, pruned, e);
	if (r == 0)
		r = remove_items(s, &items, usage.reclaimable.bytes, what, pruned, e);
	close(names);
	store_marks_free(&marks);
	if (r < 0 || what->dry_run)
		return r;
	r = store_clean_locks(s, e);
	return r < 0 ? r : store_clean_leftovers(s, NULL, e);
}
