/* SPDX-License-Identifier: MIT */
/* What a step changed in a folder, by looking before and after. */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "base/alloc.h"
#include "layer/walk-internal.h"

/* Two changes in one tick of the kernel's clock have one time (before Linux 6.13). */
enum { TICK_MS = 10 };

/* What tells an object from one that came in its place, also when the number is used
 * again. */
struct identity {
	ino_t ino;
	mode_t type;
	struct timespec born; /* zero where the file system does not tell */
};

struct seen {
	char *path;
	struct identity identity;
	struct timespec ctime;
	struct layer_entry
		entry; /* of a folder: its times also change by what is in it */
};

struct layer_census {
	struct seen *v; /* in the order of the walk */
	size_t n;
};

/* --- Before --- */

static int identify(int dirfd, const char *name, const struct stat *st,
		    struct identity *identity, const char *path, struct err *e)
{
	struct statx x;

	*identity = (struct identity){.ino = st->st_ino, .type = st->st_mode & S_IFMT};
	if (statx(dirfd, name, AT_SYMLINK_NOFOLLOW, STATX_BTIME, &x) < 0)
		return err_sys(e, -errno, "cannot examine %s", path);
	if (x.stx_mask & STATX_BTIME) {
		identity->born.tv_sec = x.stx_btime.tv_sec;
		identity->born.tv_nsec = x.stx_btime.tv_nsec;
	}
	return 0;
}

static bool same_object(const struct identity *a, const struct identity *b)
{
	return a->ino == b->ino && a->type == b->type &&
	       a->born.tv_sec == b->born.tv_sec && a->born.tv_nsec == b->born.tv_nsec;
}

static int remember(struct layer_census *c, const char *path, int dirfd, const char *name,
		    const struct stat *st, struct err *e)
{
	GROW(c->v, c->n);
	c->v[c->n++] = (struct seen){.path = xstrdup(path), .ctime = st->st_ctim};
	return identify(dirfd, name, st, &c->v[c->n - 1].identity, path, e);
}

static int look(struct layer_census *c, int dirfd, const char *path, struct err *e)
{
	AUTO_STRV struct strv names = STRV_INIT;
	int r = layer_walk_names(dirfd, path, &names, e);

	for (size_t i = 0; r == 0 && i < names.n; i++) {
		AUTO_FREE char *inner = layer_walk_path(path, names.v[i]);
		AUTO_CLOSE int fd = -1;
		struct stat st;

		if (fstatat(dirfd, names.v[i], &st, AT_SYMLINK_NOFOLLOW) < 0)
			return err_sys(e, -errno, "cannot examine %s", inner);
		r = remember(c, inner, dirfd, names.v[i], &st, e);
		if (r < 0 || !S_ISDIR(st.st_mode))
			continue;
		r = layer_entry_read(&c->v[c->n - 1].entry, dirfd, names.v[i], &st, false,
				     e);
		fd = openat(dirfd, names.v[i], O_RDONLY | O_DIRECTORY | O_CLOEXEC);
		if (fd < 0)
			return err_sys(e, -errno, "cannot open %s", inner);
		if (r == 0)
			r = look(c, fd, inner, e);
	}
	return r;
}

int layer_census_take(int dirfd, struct layer_census **census, struct err *e)
{
	const struct timespec tick = {.tv_nsec = TICK_MS * 1000000L};
	int r;

	*census = xcalloc(1, sizeof **census);
	r = look(*census, dirfd, "", e);
	if (r < 0) {
		layer_census_free(*census);
		*census = NULL;
		return r;
	}
	(void)nanosleep(&tick, NULL);
	return 0;
}

void layer_census_free(struct layer_census *c)
{
	if (!c)
		return;
	for (size_t i = 0; i < c->n; i++) {
		free(c->v[i].path);
		layer_entry_clear(&c->v[i].entry);
	}
	free(c->v);
	free(c);
}

void layer_census_free_p(struct layer_census **census)
{
	layer_census_free(*census);
}

/* --- Afterwards --- */

/* A folder that is looked at. It is added once something in it is. */
struct place {
	struct place *up; /* NULL: the root, which is never added */
	const char *path, *name;
	int fd;
	bool added;
};

struct comparison {
	struct layer_walk walk;
	const struct layer_census *census;
	size_t next; /* of the census: not compared yet */
};

static int add_at(struct comparison *c, struct place *in, const char *path,
		  const char *name, struct err *e)
{
	AUTO_CLOSE int folder = -1;
	struct stat st;

	if (fstatat(in->fd, name, &st, AT_SYMLINK_NOFOLLOW) < 0)
		return err_sys(e, -errno, "cannot examine %s", path);
	return layer_walk_add(&c->walk, path, in->fd, name, &st, &folder, e);
}

static int add_places(struct comparison *c, struct place *p, struct err *e)
{
	int r;

	if (!p->up || p->added)
		return 0;
	r = add_places(c, p->up, e);
	if (r == 0)
		r = add_at(c, p->up, p->path, p->name, e);
	p->added = r == 0;
	return r;
}

static int add_whiteout(struct comparison *c, struct place *in, const char *path,
			struct err *e)
{
	AUTO_FREE char *copy = xstrdup(path);
	struct layer_entry entry = {
		.type = LAYER_WHITEOUT, .path = copy, .mtime = time(NULL)};
	int r = add_places(c, in, e);

	return r < 0 ? r : layer_writer_add(c->walk.writer, &entry, -1, e);
}

static bool is_in(const char *path, const char *folder)
{
	size_t n = strlen(folder);

	return !n || (strncmp(path, folder, n) == 0 && path[n] == '/');
}

static void pass_contents(struct comparison *c, const char *folder)
{
	while (c->next < c->census->n && is_in(c->census->v[c->next].path, folder))
		c->next++;
}

/*
 * What was in the folder before this name (NULL: before its end) is gone. Returns what
 * was at the name, or NULL.
 */
static int take_gone(struct comparison *c, struct place *in, const char *name,
		     const struct seen **before, struct err *e)
{
	size_t skip = *in->path ? strlen(in->path) + 1 : 0;

	*before = NULL;
	while (c->next < c->census->n) {
		const struct seen *s = &c->census->v[c->next];
		int r, order;

		if (!is_in(s->path, in->path))
			return 0;
		order = name ? strcmp(s->path + skip, name) : -1;
		if (order > 0)
			return 0;
		c->next++;
		if (order == 0) {
			*before = s;
			return 0;
		}
		r = add_whiteout(c, in, s->path, e);
		if (r < 0)
			return r;
		pass_contents(c, s->path);
	}
	return 0;
}

static bool same_xattrs(const struct layer_entry *a, const struct layer_entry *b)
{
	if (a->nxattrs != b->nxattrs)
		return false;
	for (size_t i = 0; i < a->nxattrs; i++)
		if (strcmp(a->xattrs[i].name, b->xattrs[i].name) != 0 ||
		    a->xattrs[i].size != b->xattrs[i].size ||
		    memcmp(a->xattrs[i].value, b->xattrs[i].value, a->xattrs[i].size) !=
			    0)
			return false;
	return true;
}

static int folder_differs(const struct seen *before, int dirfd, const char *name,
			  const struct stat *st, struct err *e)
{
	struct layer_entry now = {.path = before->path};
	const struct layer_entry *was = &before->entry;
	int r = layer_entry_read(&now, dirfd, name, st, false, e);

	if (r == 0)
		r = now.mode != was->mode || now.uid != was->uid || now.gid != was->gid ||
		    now.mtime != was->mtime || !same_xattrs(&now, was);
	now.path = NULL;
	layer_entry_clear(&now);
	return r;
}

/* 1 when it is not what it was, 0 when it is. */
static int differs(const struct seen *before, int dirfd, const char *name,
		   const struct stat *st, struct err *e)
{
	if (S_ISDIR(st->st_mode))
		return folder_differs(before, dirfd, name, st, e);
	return before->ctime.tv_sec != st->st_ctim.tv_sec ||
	       before->ctime.tv_nsec != st->st_ctim.tv_nsec;
}

/* What has another object's place hides all that was in it. */
static int add_changed(struct comparison *c, struct place *in, const char *path,
		       const char *name, bool replaced, struct err *e)
{
	int r = add_places(c, in, e);

	if (replaced)
		pass_contents(c, path);
	c->walk.opaque = replaced;
	if (r == 0)
		r = add_at(c, in, path, name, e);
	c->walk.opaque = false;
	return r;
}

static int compare_folder(struct comparison *c, struct place *p, struct err *e);

static int compare_name(struct comparison *c, struct place *in, const char *path,
			const char *name, struct err *e)
{
	struct place p = {.up = in, .path = path, .name = name};
	struct identity identity;
	const struct seen *before;
	bool same;
	AUTO_CLOSE int fd = -1;
	struct stat st;
	int r = take_gone(c, in, name, &before, e);

	if (r < 0)
		return r;
	if (fstatat(in->fd, name, &st, AT_SYMLINK_NOFOLLOW) < 0)
		return err_sys(e, -errno, "cannot examine %s", path);
	r = identify(in->fd, name, &st, &identity, path, e);
	if (r < 0)
		return r;
	same = before && same_object(&before->identity, &identity);
	r = same ? differs(before, in->fd, name, &st, e) : 1;
	if (r > 0) {
		r = add_changed(c, in, path, name, before && !same, e);
		p.added = true;
	}
	if (r < 0 || !S_ISDIR(st.st_mode))
		return r;
	p.fd = fd = openat(in->fd, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (fd < 0)
		return err_sys(e, -errno, "cannot open %s", path);
	return compare_folder(c, &p, e);
}

static int compare_folder(struct comparison *c, struct place *p, struct err *e)
{
	AUTO_STRV struct strv names = STRV_INIT;
	const struct seen *none;
	int r = layer_walk_names(p->fd, p->path, &names, e);

	for (size_t i = 0; r == 0 && i < names.n; i++) {
		AUTO_FREE char *inner = layer_walk_path(p->path, names.v[i]);

		r = compare_name(c, p, inner, names.v[i], e);
	}
	return r < 0 ? r : take_gone(c, p, NULL, &none, e);
}

int layer_writer_add_changes(struct layer_writer *w, int dirfd,
			     const struct layer_census *census, struct err *e)
{
	struct comparison c = {.walk = {.writer = w}, .census = census};
	struct place root = {.path = "", .name = "", .fd = dirfd};
	int r = compare_folder(&c, &root, e);

	layer_walk_end(&c.walk);
	return r;
}
