/* SPDX-License-Identifier: MIT */
#include "run/place.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdbool.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/xattr.h>

#include "base/alloc.h"
#include "base/strbuf.h"
#include "base/strv.h"

enum {
	LINKS_MAX = 40, /* as the kernel's MAXSYMLINKS */
	OPEN_FOLDER = O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC,
};

/* All that anybody could have changed in a folder, but for what is in it. */
struct state {
	struct stat st;
	struct strbuf xattrs;
};

struct run_place_made {
	char *path; /* below the base; no links, no `.` and `..` */
	bool is_folder;
};

struct run_place_above {
	char *path;
	bool copied_up;	       /* it was not in the base before */
	struct timespec mtime; /* before */
	struct state settled;
	bool is_untouched;
};

/* A path without links, opened component by component. */
static int open_folder(int root, const char *path, int flags)
{
	int fd = openat(root, ".", flags | OPEN_FOLDER);

	while (fd >= 0 && *path) {
		size_t n = strcspn(path, "/");
		AUTO_FREE char *name = xstrndup(path, n);
		int next = openat(fd, name, flags | OPEN_FOLDER);

		close(fd);
		fd = next;
		path += path[n] ? n + 1 : n;
	}
	return fd < 0 ? -errno : fd;
}

struct walk {
	int root, fd;	     /* fd: where it is */
	struct strbuf at;    /* the same as a path without links */
	struct strbuf ahead; /* what is still to go */
	unsigned links;
};

static int walk_begin(struct walk *w, int root, const char *path)
{
	*w = (struct walk){root, -1, STRBUF_INIT, STRBUF_INIT, 0};
	strbuf_adds(&w->ahead, path);
	w->fd = open_folder(root, "", O_PATH);
	return w->fd < 0 ? w->fd : 0;
}

static void walk_end(struct walk *w)
{
	clean_close(&w->fd);
	strbuf_free(&w->at);
	strbuf_free(&w->ahead);
}

static int walk_to(struct walk *w, int fd)
{
	if (fd < 0)
		return fd;
	close(w->fd);
	w->fd = fd;
	return 0;
}

static void walk_append(struct walk *w, const char *name)
{
	if (w->at.len)
		strbuf_addc(&w->at, '/');
	strbuf_adds(&w->at, name);
}

static int walk_up(struct walk *w)
{
	const char *slash = strrchr(w->at.data, '/');

	strbuf_trim(&w->at, slash ? (size_t)(slash - w->at.data) : 0);
	return walk_to(w, open_folder(w->root, w->at.data, O_PATH));
}

/* The next component, owned by the caller; NULL at the end. */
static char *walk_next(struct walk *w)
{
	const char *from = w->ahead.data + strspn(w->ahead.data, "/");
	size_t n = strcspn(from, "/");
	struct strbuf rest = STRBUF_INIT;
	char *name = n ? xstrndup(from, n) : NULL;

	strbuf_adds(&rest, from + n);
	strbuf_free(&w->ahead);
	w->ahead = rest;
	return name;
}

static int walk_link(struct walk *w, int link)
{
	char target[PATH_MAX];
	ssize_t n = readlinkat(link, "", target, sizeof target);
	struct strbuf ahead = STRBUF_INIT;

	if (n < 0)
		return -errno;
	if (n == sizeof target)
		return -ENAMETOOLONG;
	if (++w->links > LINKS_MAX)
		return -ELOOP;
	strbuf_add(&ahead, target, (size_t)n);
	strbuf_adds(&ahead, w->ahead.data);
	strbuf_free(&w->ahead);
	w->ahead = ahead;
	if (target[0] != '/')
		return 0;
	strbuf_trim(&w->at, 0);
	return walk_to(w, open_folder(w->root, "", O_PATH));
}

/* -ENOENT when there is no such name. */
static int walk_into(struct walk *w, const char *name)
{
	int next = openat(w->fd, name, O_PATH | O_NOFOLLOW | O_CLOEXEC), r;
	struct stat st;

	if (next < 0 || fstat(next, &st) < 0) {
		r = -errno;
		clean_close(&next);
		return r;
	}
	if (S_ISLNK(st.st_mode)) {
		r = walk_link(w, next);
		close(next);
		return r;
	}
	walk_append(w, name);
	return walk_to(w, next);
}

/* Goes as far as there is something. *missing is then the next name, NULL at the end. */
static int walk(struct walk *w, char **missing)
{
	int r = 0;

	*missing = NULL;
	while (r == 0) {
		char *name = walk_next(w);

		if (!name)
			return 0;
		if (strcmp(name, "..") == 0)
			r = walk_up(w);
		else if (strcmp(name, ".") != 0)
			r = walk_into(w, name);
		if (r == -ENOENT) {
			*missing = name;
			return 0;
		}
		free(name);
	}
	return r;
}

int run_place_find(int root, const char *path)
{
	CLEAN(walk_end) struct walk w;
	AUTO_FREE char *missing = NULL;
	int r = walk_begin(&w, root, path);

	if (r == 0)
		r = walk(&w, &missing);
	if (r < 0)
		return r;
	return missing ? -ENOENT : TAKE_FD(w.fd);
}

static void add_xattr(int fd, const char *name, struct strbuf *s)
{
	ssize_t n = fgetxattr(fd, name, NULL, 0);

	/* The overlay writes its own as it likes. */
	if (n < 0 || strncmp(name, "trusted.overlay.", 16) == 0 ||
	    strncmp(name, "user.overlay.", 13) == 0)
		return;
	strbuf_add(s, name, strlen(name) + 1);
	n = fgetxattr(fd, name, strbuf_grow(s, (size_t)n + 1), (size_t)n);
	if (n > 0)
		s->len += (size_t)n;
}

static void read_xattrs(int fd, struct strbuf *s)
{
	AUTO_STRBUF struct strbuf names = STRBUF_INIT;
	ssize_t n = flistxattr(fd, NULL, 0);

	if (n <= 0)
		return;
	n = flistxattr(fd, strbuf_grow(&names, (size_t)n), (size_t)n);
	for (ssize_t i = 0; i < n; i += (ssize_t)strlen(names.data + i) + 1)
		add_xattr(fd, names.data + i, s);
}

static bool read_state(int base, const char *path, struct state *state)
{
	AUTO_CLOSE int fd = open_folder(base, path, O_RDONLY);

	state->xattrs = (struct strbuf)STRBUF_INIT;
	if (fd < 0 || fstat(fd, &state->st) < 0)
		return false;
	read_xattrs(fd, &state->xattrs);
	return true;
}

static bool same_time(struct timespec a, struct timespec b)
{
	return a.tv_sec == b.tv_sec && a.tv_nsec == b.tv_nsec;
}

static bool same_state(const struct state *a, const struct state *b)
{
	return a->st.st_ino == b->st.st_ino && a->st.st_mode == b->st.st_mode &&
	       a->st.st_uid == b->st.st_uid && a->st.st_gid == b->st.st_gid &&
	       same_time(a->st.st_mtim, b->st.st_mtim) &&
	       a->xattrs.len == b->xattrs.len &&
	       memcmp(a->xattrs.data, b->xattrs.data, a->xattrs.len) == 0;
}

static bool is_noted(const struct run_places *places, const char *path)
{
	for (size_t i = 0; i < places->nabove; i++)
		if (strcmp(places->above[i].path, path) == 0)
			return true;
	for (size_t i = 0; i < places->nmade; i++)
		if (strcmp(places->made[i].path, path) == 0)
			return true;
	return false;
}

static void note_one(struct run_places *places, int root, const char *path, bool is_last)
{
	AUTO_CLOSE int in_root = open_folder(root, path, O_PATH);
	AUTO_CLOSE int in_base = open_folder(places->base, path, O_PATH);
	bool copied_up = in_base < 0;
	struct stat st;

	if ((!copied_up && !is_last) || is_noted(places, path) || in_root < 0 ||
	    fstat(in_root, &st) < 0)
		return;
	GROW(places->above, places->nabove);
	places->above[places->nabove++] = (struct run_place_above){
		.path = xstrdup(path),
		.copied_up = copied_up,
		.mtime = st.st_mtim,
	};
}

/* All folders on the way to, and with, the one in which something is going to be made. */
static void note_above(struct run_places *places, int root, const char *path)
{
	note_one(places, root, "", !*path);
	for (size_t n = 0; path[n];) {
		AUTO_FREE char *part = NULL;

		n += path[n] == '/';
		n += strcspn(path + n, "/");
		part = xstrndup(path, n);
		note_one(places, root, part, !path[n]);
	}
}

static int make_one(struct walk *w, const char *name, bool is_folder,
		    struct run_places *places)
{
	int r = is_folder ? mkdirat(w->fd, name, 0755)
			  : mknodat(w->fd, name, S_IFREG | 0644, 0);

	/* The umask, which is the whole process's, has no say. */
	if (r < 0 || fchmodat(w->fd, name, is_folder ? 0755 : 0644, 0) < 0)
		return -errno;
	walk_append(w, name);
	if (places) {
		GROW(places->made, places->nmade);
		places->made[places->nmade++] = (struct run_place_made){
			.path = xstrdup(w->at.data),
			.is_folder = is_folder,
		};
	}
	r = openat(w->fd, name, O_PATH | O_NOFOLLOW | O_CLOEXEC);
	return walk_to(w, r < 0 ? -errno : r);
}

/* What is missing, from this name on. */
static int make_rest(struct walk *w, char *name, enum run_place_kind kind,
		     struct run_places *places)
{
	int r = 0;

	if (places)
		note_above(places, w->root, w->at.data);
	while (r == 0 && name) {
		char *next = walk_next(w);

		if (strcmp(name, "..") == 0)
			r = -ENOENT;
		else if (strcmp(name, ".") != 0)
			r = make_one(w, name, next || kind == RUN_PLACE_FOLDER, places);
		free(name);
		name = next;
	}
	free(name);
	return r;
}

int run_place_make(int root, const char *path, enum run_place_kind kind,
		   struct run_places *places, struct err *e)
{
	CLEAN(walk_end) struct walk w;
	char *missing = NULL;
	int r = walk_begin(&w, root, path);

	if (r == 0)
		r = walk(&w, &missing);
	if (r == 0 && missing)
		r = make_rest(&w, missing, kind, places);
	if (r < 0)
		return err_sys(e, r, "cannot make the mount point %s", path);
	return TAKE_FD(w.fd);
}

void run_places_settle(struct run_places *places)
{
	for (size_t i = 0; i < places->nabove; i++)
		if (!read_state(places->base, places->above[i].path,
				&places->above[i].settled))
			places->above[i].settled.st.st_ino = 0;
}

static void find_untouched(struct run_places *places)
{
	for (size_t i = 0; i < places->nabove; i++) {
		struct run_place_above *above = &places->above[i];
		struct state now = {0};

		above->is_untouched = read_state(places->base, above->path, &now) &&
				      same_state(&above->settled, &now);
		if (!same_time(above->settled.st.st_mtim, now.st.st_mtim))
			above->mtime = now.st.st_mtim;
		strbuf_free(&now.xattrs);
	}
}

static bool remove_one(int base, const char *path, bool is_folder)
{
	const char *slash = strrchr(path, '/');
	AUTO_FREE char *parent = xstrndup(path, slash ? (size_t)(slash - path) : 0);
	AUTO_CLOSE int fd = open_folder(base, parent, O_PATH);

	return fd >= 0 &&
	       unlinkat(fd, slash ? slash + 1 : path, is_folder ? AT_REMOVEDIR : 0) == 0;
}

/* What is not as it was made stays: then it is the step's. */
static void remove_made(const struct run_places *places)
{
	for (size_t i = places->nmade; i-- > 0;)
		(void)remove_one(places->base, places->made[i].path,
				 places->made[i].is_folder);
}

static void restore_above(const struct run_places *places)
{
	for (size_t i = places->nabove; i-- > 0;) {
		const struct run_place_above *above = &places->above[i];
		struct timespec times[2] = {{.tv_nsec = UTIME_OMIT}, above->mtime};
		AUTO_CLOSE int fd = -1;

		if (above->copied_up && above->is_untouched &&
		    remove_one(places->base, above->path, true))
			continue;
		fd = open_folder(places->base, above->path, O_RDONLY);
		if (fd >= 0)
			(void)futimens(fd, times); /* at worst its time is a new one */
	}
}

void run_places_remove(struct run_places *places)
{
	if (places->nmade == 0)
		return;
	find_untouched(places);
	remove_made(places);
	restore_above(places);
}

void run_places_free(struct run_places *places)
{
	for (size_t i = 0; i < places->nmade; i++)
		free(places->made[i].path);
	for (size_t i = 0; i < places->nabove; i++) {
		free(places->above[i].path);
		if (places->above[i].settled.xattrs.data)
			strbuf_free(&places->above[i].settled.xattrs);
	}
	free(places->made);
	free(places->above);
	*places = (struct run_places){.base = -1};
}
