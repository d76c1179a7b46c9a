/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/path.h"
#include "layer/attributes-internal.h"
#include "layer/scan-internal.h"
#include "layer/walk-internal.h"

/* A folder's mode and time are set at the end: its contents come after it. */
struct folder {
	char *path;
	uint32_t mode;
	int64_t mtime;
	size_t number;
	bool implied; /* it looks as it does below */
};

struct unpack {
	const struct layer_unpack_options *options;
	int root;
	struct layer_scan scan;
	char *parent; /* the folder that was written to last, and its fd; NULL: none */
	int parent_fd;
	struct folder *folders;
	size_t nfolders;
	const struct layer_view *below; /* once it was asked for */
};

static void add_folder(struct unpack *u, const struct layer_entry *entry, bool implied)
{
	GROW(u->folders, u->nfolders);
	u->folders[u->nfolders] = (struct folder){xstrdup(entry->path), entry->mode,
						  entry->mtime, u->nfolders, implied};
	u->nfolders++;
}

static int set_attributes(struct unpack *u, const struct layer_entry *entry, int fd,
			  int dirfd, const char *name, struct err *e)
{
	int r = layer_set_owner(u->options, entry, fd, dirfd, name, e);

	if (r < 0)
		return r;
	if (entry->type != LAYER_FOLDER)
		return layer_set_mode(u->options, entry, fd, dirfd, name, e);
	add_folder(u, entry, false);
	return 0;
}

/* --- The folder that an entry goes to --- */

static void forget_parent(struct unpack *u)
{
	free(TAKE_PTR(u->parent));
	clean_close(&u->parent_fd);
	u->parent_fd = -1;
}

/* One that is to look as overlay shows it without this layer. */
static void add_implied(struct unpack *u, const char *path)
{
	AUTO_FREE char *copy = xstrdup(path);
	const struct layer_entry plain = {
		.type = LAYER_FOLDER, .path = copy, .mode = 0755};

	add_folder(u, &plain, true);
}

/* One component of a folder's path; it is made when it is missing. An fd. */
static int enter_component(struct unpack *u, int dirfd, const char *path,
			   const char *name, struct err *e)
{
	int fd;

	if (mkdirat(dirfd, name, 0700) == 0)
		add_implied(u, path);
	else if (errno != EEXIST)
		return err_sys(e, -errno, "cannot make the folder %s", path);
	fd = openat(dirfd, name, O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	/* A folder hides what a layer below has in its place. */
	if (fd < 0 && errno == ENOTDIR && u->options->form == LAYER_UNPACK_MERGED &&
	    unlinkat(dirfd, name, 0) == 0)
		return enter_component(u, dirfd, path, name, e);
	return fd < 0 ? err_sys(e, -errno, "cannot open the folder %s", path) : fd;
}

static int make_parents(struct unpack *u, const char *folder, struct err *e)
{
	AUTO_FREE char *path = xstrdup(folder);
	AUTO_CLOSE int here = fcntl(u->root, F_DUPFD_CLOEXEC, 0);
	char *name = path;

	while (here >= 0 && *name) {
		char *end = name + strcspn(name, "/");
		char separator = *end;
		int next;

		*end = '\0';
		next = enter_component(u, here, path, name, e);
		if (next < 0)
			return next;
		close(here);
		here = next;
		*end = separator;
		name = end + (separator == '/');
	}
	return here < 0 ? err_sys(e, -errno, "cannot open %s", folder) : TAKE_FD(here);
}

/*
 * The fd of the folder that path is in, which stays ours, and the name in it. Nothing on
 * the way is followed when it is a link: layers name the real folder.
 */
static int open_parent(struct unpack *u, const char *path, const char **name,
		       struct err *e)
{
	const char *slash = strrchr(path, '/');
	AUTO_FREE char *folder = xstrndup(path, slash ? (size_t)(slash - path) : 0);
	int fd;

	*name = slash ? slash + 1 : path;
	if (u->parent && strcmp(u->parent, folder) == 0)
		return u->parent_fd;
	fd = path_open(u->root, folder, PATH_BENEATH, O_PATH | O_DIRECTORY, 0);
	if (fd == -ENOENT ||
	    (u->options->form == LAYER_UNPACK_MERGED && (fd == -ELOOP || fd == -ENOTDIR)))
		fd = make_parents(u, folder, e);
	else if (fd == -ELOOP)
		return err_set(e, fd, "%s goes through a symbolic link", path);
	else if (fd < 0)
		return err_sys(e, fd, "cannot open the folder of %s", path);
	if (fd < 0)
		return fd;
	forget_parent(u);
	u->parent = TAKE_PTR(folder);
	u->parent_fd = fd;
	return fd;
}

/* --- Objects: -EEXIST without words when something is in the way --- */

static int write_chunk(int fd, const uint8_t *data, size_t n, uint64_t at)
{
	while (n) {
		ssize_t written = pwrite(fd, data, n, (off_t)at);

		if (written < 0 && errno == EINTR)
			continue;
		if (written < 0)
			return -errno;
		data += written;
		at += (uint64_t)written;
		n -= (size_t)written;
	}
	return 0;
}

static int write_content(struct unpack *u, const struct layer_entry *entry, int fd,
			 struct err *e)
{
	const uint8_t *data;
	uint64_t at;
	size_t n;
	int r;

	if (entry->extents && ftruncate(fd, (off_t)entry->size) < 0)
		return err_sys(e, -errno, "cannot make %s as large as it is",
			       entry->path);
	while ((r = tar_content(&u->scan.tar, &data, &n, &at, e)) > 0) {
		r = write_chunk(fd, data, n, at);
		if (r < 0)
			return err_sys(e, r, "cannot write %s", entry->path);
	}
	return r;
}

static int make_file(struct unpack *u, const struct layer_entry *entry, int dirfd,
		     const char *name, struct err *e)
{
	AUTO_CLOSE int fd = openat(
		dirfd, name, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
	int r;

	if (fd < 0)
		return -errno;
	r = write_content(u, entry, fd, e);
	return r < 0 ? r : set_attributes(u, entry, fd, dirfd, name, e);
}

/* To a file of this layer, whose names are all below the root. */
static int make_hardlink(struct unpack *u, const struct layer_entry *entry, int dirfd,
			 const char *name, struct err *e)
{
	const char *target;
	AUTO_CLOSE int fd =
		path_open_parent(u->root, entry->target, PATH_BENEATH, &target);
	int r = fd < 0 ? fd : 0;

	if (r == 0 && linkat(fd, target, dirfd, name, 0) < 0)
		r = -errno;
	if (r == 0 || r == -EEXIST)
		return r;
	return err_sys(e, r,
		       "cannot make %s a hard link to %s, which must be in the layer",
		       entry->path, entry->target);
}

static int make_node(struct unpack *u, const struct layer_entry *entry, int dirfd,
		     const char *name, struct err *e)
{
	mode_t kind = entry->type == LAYER_CHAR ? S_IFCHR : S_IFBLK;
	int r = 0;

	switch (entry->type) {
	case LAYER_FOLDER:
		r = mkdirat(dirfd, name, 0700);
		break;
	case LAYER_SYMLINK:
		r = symlinkat(entry->target, dirfd, name);
		break;
	case LAYER_FIFO:
		r = mkfifoat(dirfd, name, 0600);
		break;
	default:
		if (!u->options->devices)
			return 0;
		r = mknodat(dirfd, name, kind | 0600,
			    makedev(entry->major, entry->minor));
		break;
	}
	if (r < 0)
		return -errno;
	return set_attributes(u, entry, -1, dirfd, name, e);
}

static int make_object(struct unpack *u, const struct layer_entry *entry, int dirfd,
		       const char *name, struct err *e)
{
	if (entry->type == LAYER_FILE)
		return make_file(u, entry, dirfd, name, e);
	if (entry->type == LAYER_HARDLINK)
		return make_hardlink(u, entry, dirfd, name, e);
	return make_node(u, entry, dirfd, name, e);
}

/* The entry comes in the place of an earlier one. 1 when a folder stays a folder. */
static int clear_way(const struct layer_entry *entry, int dirfd, const char *name,
		     struct err *e)
{
	struct stat st;

	if (fstatat(dirfd, name, &st, AT_SYMLINK_NOFOLLOW) < 0)
		return err_sys(e, -errno, "cannot examine %s", entry->path);
	if (S_ISDIR(st.st_mode) && entry->type == LAYER_FOLDER)
		return 1;
	/* The parent that is remembered is above what goes. */
	return path_remove(dirfd, name, e);
}

static int unpack_entry(struct unpack *u, struct err *e)
{
	const struct layer_entry *entry = &u->scan.entry;
	const char *name;
	int dirfd, r;

	if (!*entry->path && u->options->form == LAYER_UNPACK_ARCHIVE)
		return 0;
	if (!*entry->path)
		return set_attributes(u, entry, u->root, -1, NULL, e);
	dirfd = open_parent(u, entry->path, &name, e);
	if (dirfd < 0)
		return dirfd;
	r = make_object(u, entry, dirfd, name, e);
	if (r == -EEXIST) {
		r = clear_way(entry, dirfd, name, e);
		if (r == 1)
			return set_attributes(u, entry, -1, dirfd, name, e);
		if (r == 0)
			r = make_object(u, entry, dirfd, name, e);
	}
	return r < 0 && !e->code ? err_sys(e, r, "cannot make %s", entry->path) : r;
}

/* --- The end --- */

/* An attribute of overlay's own. */
static int set_mark(struct unpack *u, int dirfd, const char *name, const char *mark,
		    const char *text)
{
	AUTO_FREE char *value = xstrdup(text);
	AUTO_FREE char *whole = xasprintf(
		"%s.overlay.%s", u->options->userxattr ? "user" : "trusted", mark);
	struct layer_xattr x = {whole, value, strlen(value)};

	return layer_set_xattr(-1, dirfd, name, &x);
}

static int set_opaque(struct unpack *u, int dirfd, const char *name, const char *path,
		      struct err *e)
{
	int r = set_mark(u, dirfd, name, "opaque", "y");

	return r < 0 ? err_sys(e, r, "cannot hide what is below /%s", path) : 0;
}

/*
 * Overlay shows a folder that one layer alone has as it is on disk, with the devices that
 * are whiteouts. It looks for them in one that was copied up, as the layer below may be
 * another since; from where is not asked. So which layers are below does not matter.
 */
static int set_whiteout(struct unpack *u, int dirfd, const char *name, const char *path,
			struct err *e)
{
	int r;

	if (mknodat(dirfd, name, S_IFCHR, makedev(0, 0)) < 0)
		return err_sys(e, -errno, "cannot hide /%s", path);
	r = set_mark(u, dirfd, ".", "origin", "");
	/* Where there are no attributes, most layers are well without. */
	return r < 0 && r != -EOPNOTSUPP ? err_sys(e, r, "cannot hide /%s", path) : 0;
}

/* A folder of this layer hides what is below its name; any other object does anyway. */
static int hide(struct unpack *u, const char *path, bool opaque, struct err *e)
{
	const char *name;
	struct stat st;
	int dirfd;

	if (!*path)
		return set_opaque(u, u->root, ".", path, e);
	dirfd = open_parent(u, path, &name, e);
	if (dirfd < 0)
		return dirfd;
	if (opaque && mkdirat(dirfd, name, 0700) == 0)
		add_implied(u, path);
	if (fstatat(dirfd, name, &st, AT_SYMLINK_NOFOLLOW) == 0)
		return S_ISDIR(st.st_mode) ? set_opaque(u, dirfd, name, path, e) : 0;
	return set_whiteout(u, dirfd, name, path, e);
}

/* Gives a folder what it has below, as far as there is one, and the same to entry. */
static int borrow(struct unpack *u, int fd, struct layer_entry *entry, struct err *e)
{
	const struct layer_entry *below = NULL;
	int r = 0;

	if (u->options->below && !u->below)
		r = u->options->below(u->options->context, &u->below, e);
	if (r < 0)
		return r;
	if (u->below)
		below = layer_view_find(u->below, entry->path, NULL);
	if (below && below->type == LAYER_FOLDER)
		*entry = *below;
	return layer_set_owner(u->options, entry, fd, -1, NULL, e);
}

static int finish_folder(struct unpack *u, const struct folder *f, struct err *e)
{
	AUTO_CLOSE int fd =
		path_open(u->root, f->path, PATH_BENEATH, O_RDONLY | O_DIRECTORY, 0);
	struct layer_entry entry = {.type = LAYER_FOLDER,
				    .path = f->path,
				    .mode = f->mode,
				    .mtime = f->mtime};
	int r;

	/* A later entry took its place. */
	if (fd == -ENOENT || fd == -ENOTDIR || fd == -ELOOP)
		return 0;
	if (fd < 0)
		return err_sys(e, fd, "cannot open the folder %s", f->path);
	r = f->implied ? borrow(u, fd, &entry, e) : 0;
	return r < 0 ? r : layer_set_mode(u->options, &entry, fd, -1, NULL, e);
}

static int by_path(const void *a, const void *b)
{
	const struct folder *x = a, *y = b;
	int r = layer_path_compare(x->path, y->path);

	return r ? r : x->number < y->number ? -1 : 1;
}

/* The last entry of a path counts; a folder without rights hides none that comes later.
 */
static int finish_folders(struct unpack *u, struct err *e)
{
	int r = 0;

	if (u->nfolders)
		qsort(u->folders, u->nfolders, sizeof *u->folders, by_path);
	for (size_t i = u->nfolders; r == 0 && i-- > 0;)
		if (i + 1 == u->nfolders ||
		    strcmp(u->folders[i].path, u->folders[i + 1].path) != 0)
			r = finish_folder(u, &u->folders[i], e);
	return r;
}

static int finish(struct unpack *u, struct layer_result *result, struct err *e)
{
	const struct strv *whiteouts = &u->scan.whiteouts, *opaques = &u->scan.opaques;
	bool marks = u->options->form != LAYER_UNPACK_MERGED;
	int r = 0;

	for (size_t i = 0; r == 0 && marks && i < whiteouts->n; i++)
		r = hide(u, whiteouts->v[i], false, e);
	for (size_t i = 0; r == 0 && marks && i < opaques->n; i++)
		r = hide(u, opaques->v[i], true, e);
	if (r == 0)
		r = layer_scan_finish(&u->scan, result, e);
	return r < 0 ? r : finish_folders(u, e);
}

/* The folder's contents without itself, when it is one. */
static int remove_contents(int dirfd, const char *path, struct err *e)
{
	AUTO_STRV struct strv names = STRV_INIT;
	AUTO_CLOSE int fd =
		path_open(dirfd, path, PATH_BENEATH, O_RDONLY | O_DIRECTORY, 0);
	int r = 0;

	if (fd < 0)
		return 0; /* nothing is below it */
	r = layer_walk_names(fd, path, &names, e);
	for (size_t i = 0; r == 0 && i < names.n; i++)
		r = path_remove(fd, names.v[i], e);
	return r;
}

static int remove_path(int dirfd, const char *path, struct err *e)
{
	const char *name;
	AUTO_CLOSE int fd = path_open_parent(dirfd, path, PATH_BENEATH, &name);

	if (fd < 0 || faccessat(fd, name, F_OK, AT_SYMLINK_NOFOLLOW) < 0)
		return 0;
	return path_remove(fd, name, e);
}

int layer_remove_hidden(int dirfd, const struct layer_index *index, struct err *e)
{
	int r = 0;

	for (size_t i = 0; r == 0 && i < index->n; i++) {
		const struct layer_entry *entry = &index->entries[i];

		if (entry->type == LAYER_WHITEOUT)
			r = remove_path(dirfd, entry->path, e);
		else if (entry->opaque)
			r = remove_contents(dirfd, entry->path, e);
	}
	return r;
}

int layer_unpack(int dirfd, layer_source source, void *context,
		 const struct layer_unpack_options *options, struct layer_result *result,
		 struct err *e)
{
	struct unpack u = {.options = options, .root = dirfd, .parent_fd = -1};
	AUTO_ERR struct err own = ERR_INIT;
	int r = layer_scan_begin(&u.scan, source, context, &options->read,
				 options->form != LAYER_UNPACK_ARCHIVE, &own);

	if (r == 0) {
		while (r >= 0 && (r = layer_scan_next(&u.scan, &own)) > 0)
			r = unpack_entry(&u, &own);
		if (r == 0)
			r = finish(&u, result, &own);
		layer_scan_free(&u.scan);
	}
	forget_parent(&u);
	for (size_t i = 0; i < u.nfolders; i++)
		free(u.folders[i].path);
	free(u.folders);
	if (r < 0)
		err_set(e, r, "%s", own.text ? own.text : strerror(-r));
	return r;
}
