/* SPDX-License-Identifier: MIT */
#include "build/tree.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/sysmacros.h>
#include <sys/xattr.h>

#include "base/alloc.h"
#include "base/path.h"

enum { XATTRS_MAX = 64 * 1024, DEPTH_MAX = 500 };

/* "a" and "b" are "a/b"; either may be empty. */
static char *join(const char *folder, const char *name)
{
	return xasprintf("%s%s%s", folder, *folder && *name ? "/" : "", name);
}

static bool is_ignored(const struct build_tree *t, const char *path)
{
	return t->ignore && *path && dockerfile_ignore_match(t->ignore, path);
}

/* --- One file --- */

/* What belongs to a file's meaning, and not to this machine. */
static bool keeps_xattr(const char *name)
{
	if (strcmp(name, "security.capability") == 0)
		return true;
	return strncmp(name, "user.", 5) == 0 &&
	       strncmp(name, "user.overlay.", 13) != 0 &&
	       strcmp(name, LAYER_OWNER_XATTR) != 0;
}

static int compare_names(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

static void owner_from_xattr(struct layer_entry *entry, const char *proc)
{
	char text[64];
	ssize_t n = lgetxattr(proc, LAYER_OWNER_XATTR, text, sizeof text - 1);

	if (n <= 0)
		return;
	text[n] = '\0';
	(void)layer_entry_take_owner(entry, text);
}

/* proc names the file through its folder in /proc/self/fd: there is no lgetxattrat(2). */
static int read_xattrs(const char *proc, struct layer_entry *entry, struct err *e)
{
	AUTO_FREE char *list = NULL;
	AUTO_FREE char **names = NULL;
	ssize_t len = llistxattr(proc, NULL, 0);
	size_t n = 0;

	if (len <= 0)
		return 0; /* none, or a file system without any */
	list = xcalloc(1, XATTRS_MAX);
	len = llistxattr(proc, list, XATTRS_MAX);
	if (len < 0)
		return err_sys(e, -errno, "cannot list extended attributes");
	for (const char *p = list; p < list + len; p += strlen(p) + 1) {
		GROW(names, n);
		names[n++] = list + (p - list);
	}
	if (n)
		qsort(names, n, sizeof *names, compare_names);
	for (size_t i = 0; i < n; i++) {
		AUTO_FREE char *value = NULL;
		ssize_t size;

		if (!keeps_xattr(names[i]))
			continue;
		value = xcalloc(1, XATTRS_MAX);
		size = lgetxattr(proc, names[i], value, XATTRS_MAX);
		if (size < 0)
			return err_sys(e, -errno, "cannot read the attribute %s",
				       names[i]);
		layer_entry_add_xattr(entry, names[i], value, (size_t)size);
	}
	return 0;
}

static enum layer_type type_of(mode_t mode)
{
	switch (mode & S_IFMT) {
	case S_IFDIR:
		return LAYER_FOLDER;
	case S_IFLNK:
		return LAYER_SYMLINK;
	case S_IFCHR:
		return LAYER_CHAR;
	case S_IFBLK:
		return LAYER_BLOCK;
	case S_IFIFO:
		return LAYER_FIFO;
	default:
		return LAYER_FILE;
	}
}

static int read_link(int folder, const char *name, struct layer_entry *entry,
		     struct err *e)
{
	char target[PATH_MAX];
	ssize_t n = readlinkat(folder, name, target, sizeof target);

	if (n < 0 || n == sizeof target)
		return err_sys(e, n < 0 ? -errno : -ENAMETOOLONG,
			       "cannot read the link %s", name);
	entry->target = xstrndup(target, (size_t)n);
	return 0;
}

/* Adds the file `name` in a folder; path is the way to it from the root. */
static int add_at(const struct build_tree *t, int folder, const char *name,
		  const char *path, const struct stat *st, const char *to,
		  struct build_changes *c, struct err *e)
{
	AUTO_FREE char *proc = NULL;
	struct build_change *change;
	struct layer_entry *entry;
	bool plain = false;
	int r = 0;

	if (S_ISSOCK(st->st_mode))
		return 0; /* no image can hold one */
	change = build_changes_add(c, type_of(st->st_mode), to);
	entry = &change->entry;
	entry->mode = st->st_mode & 07777;
	entry->mtime = st->st_mtime;
	if (t->owners) {
		entry->uid = st->st_uid;
		entry->gid = st->st_gid;
	}
	if (entry->type == LAYER_SYMLINK)
		return read_link(folder, name, entry, e);
	if (entry->type == LAYER_CHAR || entry->type == LAYER_BLOCK) {
		entry->major = major(st->st_rdev);
		entry->minor = minor(st->st_rdev);
	}
	if (entry->type == LAYER_FILE && t->files)
		plain = build_change_look_up(change, t->files, st);
	if (!plain || t->owner_xattr)
		proc = xasprintf("/proc/self/fd/%d/%s", folder, name);
	if (!plain && (entry->type == LAYER_FILE || entry->type == LAYER_FOLDER)) {
		r = read_xattrs(proc, entry, e);
		build_change_seen(change);
	}
	if (r == 0 && t->owner_xattr)
		owner_from_xattr(entry, proc);
	if (r < 0 || entry->type != LAYER_FILE)
		return r;
	entry->size = (uint64_t)st->st_size;
	change->root = t->root;
	change->from = xstrdup(path);
	if (st->st_nlink > 1) {
		change->dev = st->st_dev;
		change->ino = st->st_ino;
	}
	return 0;
}

int build_tree_add(const struct build_tree *t, const char *path, const struct stat *st,
		   const char *to, struct build_changes *c, struct err *e)
{
	AUTO_CLOSE int folder = -1;
	const char *name;

	if (!*path)
		return add_at(t, t->root, ".", path, st, to, c, e);
	folder = path_open_parent(t->root, path, PATH_BENEATH, &name);
	if (folder < 0)
		return err_sys(e, folder, "cannot open the folder of %s", path);
	return add_at(t, folder, name, path, st, to, c, e);
}

/* --- Folders --- */

struct walk {
	const struct build_tree *t;
	const struct dockerfile_ignore *exclude;
	struct build_changes *c; /* NULL: nothing is added */
	int (*left_out)(void *context, const char *path, struct err *e); /* or NULL */
	void *context;
	struct err *e;
};

/* Sorted, without `.` and `..`. */
static int list(int fd, struct strv *names, const char *path, struct err *e)
{
	AUTO_CLOSEDIR DIR *dir = fdopendir(fd);
	struct dirent *d;

	if (!dir) {
		int r = -errno;

		close(fd);
		return err_sys(e, r, "cannot read the folder %s", path);
	}
	errno = 0;
	while ((d = readdir(dir))) {
		if (strcmp(d->d_name, ".") != 0 && strcmp(d->d_name, "..") != 0)
			strv_add(names, d->d_name);
		errno = 0;
	}
	if (errno)
		return err_sys(e, -errno, "cannot read the folder %s", path);
	strv_sort(names);
	return 0;
}

static bool *own_flags(const struct dockerfile_ignore *i)
{
	return i ? xcalloc(i->n + 1, sizeof(bool)) : NULL;
}

static int walk(struct walk *w, const char *path, const char *below, const char *to,
		const bool *above, const bool *excluded, unsigned depth);

static int walk_one(struct walk *w, int folder, const char *name, const char *path,
		    const char *below, const char *to, const bool *above,
		    const bool *excluded, unsigned depth)
{
	const struct dockerfile_ignore *ignore = w->t->ignore;
	AUTO_FREE bool *own = own_flags(ignore), *own_excluded = own_flags(w->exclude);
	struct stat st;
	bool out;
	int r;

	if (fstatat(folder, name, &st, AT_SYMLINK_NOFOLLOW) < 0)
		return err_sys(w->e, -errno, "cannot examine %s", path);
	if (S_ISDIR(st.st_mode) && st.st_ino == w->t->store_ino &&
	    st.st_dev == w->t->store_dev)
		return w->left_out ? w->left_out(w->context, path, w->e) : 0;
	out = (ignore && dockerfile_ignore_match_in(ignore, above, path, own)) ||
	      (w->exclude &&
	       dockerfile_ignore_match_in(w->exclude, excluded, below, own_excluded));
	if (out && (!S_ISDIR(st.st_mode) ||
		    ((!ignore || dockerfile_ignore_prunes(ignore, path)) &&
		     (!w->exclude || dockerfile_ignore_prunes(w->exclude, below)))))
		return w->left_out ? w->left_out(w->context, path, w->e) : 0;
	r = out || !w->c ? 0 : add_at(w->t, folder, name, path, &st, to, w->c, w->e);
	if (r == 0 && S_ISDIR(st.st_mode))
		r = walk(w, path, below, to, own, own_excluded, depth + 1);
	return r;
}

static int walk(struct walk *w, const char *path, const char *below, const char *to,
		const bool *above, const bool *excluded, unsigned depth)
{
	AUTO_STRV struct strv names = STRV_INIT;
	AUTO_CLOSE int folder =
		path_open(w->t->root, path, PATH_BENEATH, O_RDONLY | O_DIRECTORY, 0);
	int copy, r;

	if (folder < 0)
		return err_sys(w->e, folder, "cannot open the folder %s", path);
	if (depth > DEPTH_MAX)
		return err_set(w->e, -ELOOP, "%s is in more than %d folders", path,
			       DEPTH_MAX);
	copy = fcntl(folder, F_DUPFD_CLOEXEC, 3);
	if (copy < 0)
		return err_sys(w->e, -errno, "cannot open the folder %s", path);
	r = list(copy, &names, path, w->e);
	for (size_t i = 0; r == 0 && i < names.n; i++) {
		AUTO_FREE char *inner = join(path, names.v[i]);
		AUTO_FREE char *inner_below = join(below, names.v[i]);
		AUTO_FREE char *inner_to = join(to, names.v[i]);

		r = walk_one(w, folder, names.v[i], inner, inner_below, inner_to, above,
			     excluded, depth);
	}
	return r;
}

/* What a folder leaves in force for all that is in it; the caller's, NULL: nothing. */
static bool *flags_of(const struct dockerfile_ignore *i, const char *path)
{
	bool *flags = i && *path ? own_flags(i) : NULL;

	if (flags)
		(void)dockerfile_ignore_match_in(i, NULL, path, flags);
	return flags;
}

int build_tree_add_all(const struct build_tree *t, const char *path,
		       const struct dockerfile_ignore *exclude, const char *below,
		       const char *to, struct build_changes *c, struct err *e)
{
	struct walk w = {.t = t, .exclude = exclude, .c = c, .e = e};
	AUTO_FREE bool *above = flags_of(t->ignore, path);
	AUTO_FREE bool *excluded = flags_of(exclude, below);

	return walk(&w, path, below, to, above, excluded, 0);
}

int build_tree_ignored(const struct build_tree *t,
		       int (*ignored)(void *context, const char *path, struct err *e),
		       void *context, struct err *e)
{
	struct walk w = {.t = t, .left_out = ignored, .context = context, .e = e};

	return walk(&w, "", "", "", NULL, NULL, 0);
}

/* --- Names --- */

bool build_tree_is_pattern(const char *name)
{
	return strpbrk(name, "*?[\\") != NULL;
}

char *build_tree_clean(const char *name)
{
	AUTO_STRV struct strv parts = STRV_INIT;
	AUTO_STRBUF struct strbuf out = STRBUF_INIT;
	size_t n = 0;

	strv_split(&parts, name, "/");
	for (size_t i = 0; i < parts.n; i++) {
		char *part = parts.v[i];

		if (strcmp(part, "..") == 0) {
			n -= n > 0;
		} else if (strcmp(part, ".") != 0) {
			parts.v[i] = parts.v[n];
			parts.v[n++] = part;
		}
	}
	for (size_t i = 0; i < n; i++)
		strbuf_addf(&out, "%s%s", i ? "/" : "", parts.v[i]);
	return strbuf_take(&out);
}

int build_tree_stat(const struct build_tree *t, const char *path, char **resolved,
		    struct stat *st, struct err *e)
{
	AUTO_CLOSE int fd = -1;
	AUTO_FREE char *proc = NULL;
	char root[PATH_MAX], found[PATH_MAX];
	ssize_t nroot, nfound;

	if (is_ignored(t, path) && (!t->ignore->exceptions))
		return err_set(e, -ENOENT, "%s is left out by the ignore file", path);
	fd = path_open(t->root, path, PATH_IN_ROOT, O_PATH, 0);
	if (fd < 0)
		return err_sys(e, fd, "cannot find %s in %s", path, t->name);
	if (fstat(fd, st) < 0)
		return err_sys(e, -errno, "cannot examine %s in %s", path, t->name);
	/* The kernel knows the way that was taken. */
	proc = xasprintf("/proc/self/fd/%d", t->root);
	nroot = readlink(proc, root, sizeof root);
	free(proc);
	proc = xasprintf("/proc/self/fd/%d", fd);
	nfound = readlink(proc, found, sizeof found);
	if (nroot < 0 || nfound < 0 || nfound == sizeof found)
		return err_sys(e, -errno ? -errno : -ENAMETOOLONG,
			       "cannot find the place of %s (is /proc mounted?)", path);
	if (nroot == 1)
		nroot = 0; /* "/" */
	*resolved = xstrndup(found + (nfound > nroot ? nroot + 1 : nroot),
			     (size_t)(nfound > nroot ? nfound - nroot - 1 : 0));
	return 0;
}

/* Level by level: what fits the first parts of the pattern is looked into for the next.
 */
static int glob_level(const struct build_tree *t, const struct strv *folders,
		      const char *part, bool last, struct strv *found, struct err *e)
{
	AUTO_IGNORE struct dockerfile_ignore pattern = {0};
	AUTO_FREE char *whole = xasprintf("/%s", part); /* a `!` in front is none */
	int r = dockerfile_ignore_add(&pattern, whole, e);

	for (size_t i = 0; r == 0 && i < folders->n; i++) {
		AUTO_STRV struct strv names = STRV_INIT;
		int fd = path_open(t->root, folders->v[i], PATH_IN_ROOT,
				   O_RDONLY | O_DIRECTORY, 0);

		if (fd < 0)
			continue; /* a file in the place of a folder fits nothing */
		r = list(fd, &names, folders->v[i], e);
		for (size_t n = 0; r == 0 && n < names.n; n++) {
			AUTO_FREE char *path = join(folders->v[i], names.v[n]);

			if (dockerfile_ignore_match(&pattern, names.v[n]) &&
			    !(last && is_ignored(t, path)))
				strv_add(found, path);
		}
	}
	return r;
}

static int add_below(const struct build_tree *t, const char *path, unsigned depth,
		     struct strv *found, struct err *e)
{
	AUTO_STRV struct strv names = STRV_INIT;
	int fd = path_open(t->root, path, PATH_BENEATH,
			   O_RDONLY | O_DIRECTORY | O_NOFOLLOW, 0);
	int r;

	if (fd < 0)
		return 0; /* no folder, or a link to one */
	if (depth > DEPTH_MAX) {
		close(fd);
		return err_set(e, -ELOOP, "%s is in more than %d folders", path,
			       DEPTH_MAX);
	}
	strv_add(found, path);
	r = list(fd, &names, path, e);
	for (size_t i = 0; r == 0 && i < names.n; i++) {
		AUTO_FREE char *inner = join(path, names.v[i]);

		r = add_below(t, inner, depth + 1, found, e);
	}
	return r;
}

/* `**`: the folders, and all that are in them, however deep. */
static int glob_deep(const struct build_tree *t, const struct strv *folders,
		     struct strv *found, struct err *e)
{
	int r = 0;

	for (size_t i = 0; r == 0 && i < folders->n; i++)
		r = add_below(t, folders->v[i], 0, found, e);
	return r;
}

/* One part after the other; what fits is in *now. */
static int glob_parts(const struct build_tree *t, const struct strv *parts, bool deep,
		      struct strv *now, struct err *e)
{
	bool fixed = true;
	int r = 0;

	strv_add(now, "");
	for (size_t i = 0; r == 0 && i < parts->n; i++) {
		struct strv next = STRV_INIT;
		bool last = i + 1 == parts->n;

		fixed = fixed && !build_tree_is_pattern(parts->v[i]);
		if (deep && strcmp(parts->v[i], "**") == 0)
			r = glob_deep(t, now, &next, e);
		else
			r = glob_level(t, now, parts->v[i], last, &next, e);
		strv_free(now);
		*now = next;
		if (r == 0 && fixed && !now->n)
			r = err_set(e, -ENOENT, "there is no folder %s in %s",
				    parts->v[i], t->name);
	}
	return r;
}

int build_tree_glob(const struct build_tree *t, const char *pattern, bool deep,
		    struct strv *paths, struct err *e)
{
	AUTO_FREE char *whole = build_tree_clean(pattern);
	AUTO_STRV struct strv parts = STRV_INIT, now = STRV_INIT;
	int r;

	if (!build_tree_is_pattern(whole)) {
		strv_add(paths, whole);
		return 0;
	}
	strv_split(&parts, whole, "/");
	r = glob_parts(t, &parts, deep, &now, e);
	for (size_t i = 0; r == 0 && i < now.n; i++)
		strv_add(paths, now.v[i]);
	return r;
}
