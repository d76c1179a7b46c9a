/* SPDX-License-Identifier: MIT */
/* Objects of a file system as entries; an overlay's upper folder as a layer. */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <search.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/alloc.h"
#include "layer/walk-internal.h"

/*
 * Holes are kept only where they matter, in files like /var/log/lastlog that say to be
 * terabytes: not every reader of layers knows them, and which holes there are depends on
 * the file system.
 */
enum { SPARSE_MIN = 64 << 20 };

/* A file with several names, by where it is. */
struct linked {
	dev_t dev;
	ino_t ino;
	char *path; /* the first one */
};

static int compare_linked(const void *a, const void *b)
{
	const struct linked *x = a, *y = b;

	if (x->dev != y->dev)
		return x->dev < y->dev ? -1 : 1;
	return x->ino == y->ino ? 0 : x->ino < y->ino ? -1 : 1;
}

static void free_linked(void *p)
{
	struct linked *l = p;

	free(l->path);
	free(l);
}

/* The path that the file was met at before, or NULL and this one is remembered. */
static const char *first_path(struct layer_walk *w, const struct stat *st,
			      const char *path)
{
	struct linked *l = xcalloc(1, sizeof *l);
	struct linked **found;

	*l = (struct linked){st->st_dev, st->st_ino, NULL};
	found = tsearch(l, &w->linked, compare_linked);
	if (!found)
		abort(); /* out of memory */
	if (*found != l) {
		free(l);
		return (*found)->path;
	}
	l->path = xstrdup(path);
	return NULL;
}

char *layer_walk_path(const char *folder, const char *name)
{
	return xasprintf("%s%s%s", folder, *folder ? "/" : "", name);
}

/* --- Entries --- */

static void take_extents(struct layer_entry *entry, int fd, const struct stat *st)
{
	off_t at = 0;

	if (st->st_size - st->st_blocks * 512 < SPARSE_MIN)
		return;
	entry->extents = xcalloc(1, sizeof *entry->extents);
	while ((at = lseek(fd, at, SEEK_DATA)) >= 0) {
		off_t end = lseek(fd, at, SEEK_HOLE);

		if (end < 0 || end > st->st_size)
			end = st->st_size;
		if (at >= end)
			break;
		GROW(entry->extents, entry->nextents);
		entry->extents[entry->nextents++] =
			(struct layer_extent){(uint64_t)at, (uint64_t)(end - at)};
		at = end;
	}
}

static int take_all(struct layer_walk *w, struct layer_entry *entry, int dirfd,
		    const char *name, const struct stat *st, struct err *e)
{
	const char *first = NULL;
	int r = layer_entry_read(entry, dirfd, name, st,
				 layer_writer_options(w->writer)->owner_xattr, e);

	if (r == 0 && entry->type && entry->type != LAYER_FOLDER &&
	    entry->type != LAYER_WHITEOUT && st->st_nlink > 1)
		first = first_path(w, st, entry->path);
	if (!first)
		return r;
	entry->type = LAYER_HARDLINK;
	free(entry->target);
	entry->target = xstrdup(first);
	entry->size = 0;
	layer_entry_clear_xattrs(entry);
	return 0;
}

int layer_walk_add(struct layer_walk *w, const char *path, int dirfd, const char *name,
		   const struct stat *st, int *folder, struct err *e)
{
	struct layer_entry entry = {.path = xstrdup(path)};
	AUTO_CLOSE int fd = -1;
	int r = take_all(w, &entry, dirfd, name, st, e);

	*folder = -1;
	if (r == 0 && (entry.type == LAYER_FILE || entry.type == LAYER_FOLDER)) {
		fd = openat(dirfd, name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
		if (fd < 0)
			r = err_sys(e, -errno, "cannot open %s", entry.path);
	}
	if (entry.type == LAYER_FOLDER && w->opaque)
		entry.opaque = true;
	if (r == 0 && entry.type == LAYER_FILE)
		take_extents(&entry, fd, st);
	if (r == 0 && entry.type)
		r = layer_writer_add(w->writer, &entry, fd, e);
	if (r == 0 && entry.type == LAYER_FOLDER)
		*folder = TAKE_FD(fd);
	layer_entry_clear(&entry);
	return r;
}

int layer_walk_names(int fd, const char *path, struct strv *names, struct err *e)
{
	AUTO_CLOSEDIR DIR *d = NULL;
	struct dirent *entry;
	int copy = openat(fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	if (copy >= 0)
		d = fdopendir(copy);
	if (!d) {
		int r = err_sys(e, -errno, "cannot list /%s", path);

		clean_close(&copy);
		return r;
	}
	while ((errno = 0, entry = readdir(d)))
		if (strcmp(entry->d_name, ".") != 0 && strcmp(entry->d_name, "..") != 0)
			strv_add(names, entry->d_name);
	if (errno)
		return err_sys(e, -errno, "cannot list /%s", path);
	strv_sort(names);
	return 0;
}

void layer_walk_end(struct layer_walk *w)
{
	tdestroy(w->linked, free_linked);
}

static int walk_folder(struct layer_walk *w, int fd, const char *path, struct err *e)
{
	AUTO_STRV struct strv names = STRV_INIT;
	int r = layer_walk_names(fd, path, &names, e);

	for (size_t i = 0; r == 0 && i < names.n; i++) {
		AUTO_FREE char *inner = layer_walk_path(path, names.v[i]);
		AUTO_CLOSE int folder = -1;
		struct stat st;

		if (fstatat(fd, names.v[i], &st, AT_SYMLINK_NOFOLLOW) < 0)
			return err_sys(e, -errno, "cannot examine %s", inner);
		r = layer_walk_add(w, inner, fd, names.v[i], &st, &folder, e);
		if (r == 0 && folder >= 0)
			r = walk_folder(w, folder, inner, e);
	}
	return r;
}

int layer_writer_add_upper(struct layer_writer *w, int upper, struct err *e)
{
	struct layer_walk walk = {.writer = w};
	int r = walk_folder(&walk, upper, "", e);

	layer_walk_end(&walk);
	return r;
}

int layer_writer_add_tree(struct layer_writer *w, const char *path, int folder,
			  struct err *e)
{
	struct layer_walk walk = {.writer = w};
	AUTO_CLOSE int inner = -1;
	struct stat st;
	int r = 0;

	if (fstat(folder, &st) < 0)
		r = err_sys(e, -errno, "cannot examine %s", path);
	if (r == 0)
		r = layer_walk_add(&walk, path, folder, ".", &st, &inner, e);
	if (r == 0)
		r = walk_folder(&walk, inner, path, e);
	layer_walk_end(&walk);
	return r;
}
