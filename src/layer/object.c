/* SPDX-License-Identifier: MIT */
/* What the file system says of an object, as an entry. */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <sys/xattr.h>
#include <unistd.h>

#include "base/alloc.h"
#include "layer/write.h"

enum { MAX_XATTR = 64 << 10 };

/* The name after overlay's own prefix, or NULL. */
static const char *overlay_name(const char *xattr)
{
	static const char *const prefixes[] = {"trusted.overlay.", "user.overlay."};

	for (size_t i = 0; i < ARRAY_SIZE(prefixes); i++)
		if (strncmp(xattr, prefixes[i], strlen(prefixes[i])) == 0)
			return xattr + strlen(prefixes[i]);
	return NULL;
}

/* What overlay notes for itself: whiteouts, opaque folders, and what is not for a layer.
 */
static int take_overlay(struct layer_entry *entry, const char *name, const char *value,
			struct err *e)
{
	if (strcmp(name, "opaque") == 0 && value[0] == 'y')
		entry->opaque = entry->type == LAYER_FOLDER;
	else if (strcmp(name, "whiteout") == 0)
		entry->type = LAYER_WHITEOUT;
	else if (strcmp(name, "redirect") == 0 || strcmp(name, "metacopy") == 0)
		return err_set(
			e, -EOPNOTSUPP,
			"%s is not whole in its layer: overlay was mounted with %s",
			entry->path, name[0] == 'r' ? "redirect_dir=on" : "metacopy=on");
	return 0;
}

/* "UID:GID:MODE" of a file that is really the user's own. */
static int take_owner(struct layer_entry *entry, const char *value, struct err *e)
{
	if (!layer_entry_take_owner(entry, value))
		return err_set(e, -EBADMSG,
			       "%s: the attribute " LAYER_OWNER_XATTR " says '%s'",
			       entry->path, value);
	return 0;
}

static int take_xattr(struct layer_entry *entry, const char *path, const char *name,
		      bool owner_xattr, struct err *e)
{
	char value[MAX_XATTR + 1];
	const char *overlay = overlay_name(name);
	ssize_t n = lgetxattr(path, name, value, MAX_XATTR);

	if (n < 0 && errno == ENODATA)
		return 0;
	if (n < 0)
		return err_sys(e, -errno, "cannot read the attribute %s of %s", name,
			       entry->path);
	value[n] = '\0';
	if (overlay)
		return take_overlay(entry, overlay, value, e);
	if (strcmp(name, LAYER_OWNER_XATTR) == 0)
		return owner_xattr ? take_owner(entry, value, e) : 0;
	if (layer_xattr_is_portable(name))
		layer_entry_add_xattr(entry, name, value, (size_t)n);
	return 0;
}

/* Not every object can be opened, but all have a path here. */
static int take_xattrs(struct layer_entry *entry, int dirfd, const char *name,
		       bool owner_xattr, struct err *e)
{
	char path[64 + NAME_MAX + 1];
	char names[MAX_XATTR];
	ssize_t n;
	int r = 0;

	snprintf(path, sizeof path, "/proc/self/fd/%d/%s", dirfd, name);
	n = llistxattr(path, names, sizeof names);
	if (n < 0 && errno == ENOTSUP)
		return 0;
	if (n < 0)
		return err_sys(e, -errno, "cannot list the attributes of %s",
			       entry->path);
	for (const char *p = names; r == 0 && p < names + n; p += strlen(p) + 1)
		r = take_xattr(entry, path, p, owner_xattr, e);
	return r;
}

static int take_target(struct layer_entry *entry, int dirfd, const char *name,
		       struct err *e)
{
	char target[PATH_MAX];
	ssize_t n = readlinkat(dirfd, name, target, sizeof target - 1);

	if (n < 0)
		return err_sys(e, -errno, "cannot read the link %s", entry->path);
	entry->target = xstrndup(target, (size_t)n);
	return 0;
}

/* The type by stat(2), or 0 for what is in no layer. */
static enum layer_type type_of(const struct stat *st)
{
	switch (st->st_mode & S_IFMT) {
	case S_IFREG:
		return LAYER_FILE;
	case S_IFDIR:
		return LAYER_FOLDER;
	case S_IFLNK:
		return LAYER_SYMLINK;
	case S_IFIFO:
		return LAYER_FIFO;
	case S_IFBLK:
		return LAYER_BLOCK;
	case S_IFCHR:
		return st->st_rdev ? LAYER_CHAR : LAYER_WHITEOUT;
	default:
		return 0; /* a socket is of use only while somebody listens */
	}
}

int layer_entry_read(struct layer_entry *entry, int dirfd, const char *name,
		     const struct stat *st, bool owner_xattr, struct err *e)
{
	entry->type = type_of(st);
	entry->mode = st->st_mode & 07777;
	entry->uid = st->st_uid;
	entry->gid = st->st_gid;
	entry->mtime = st->st_mtime;
	if (!entry->type || entry->type == LAYER_WHITEOUT)
		return 0;
	if (entry->type == LAYER_FILE)
		entry->size = (uint64_t)st->st_size;
	if (entry->type == LAYER_CHAR || entry->type == LAYER_BLOCK) {
		entry->major = major(st->st_rdev);
		entry->minor = minor(st->st_rdev);
	}
	if (entry->type == LAYER_SYMLINK) {
		int r = take_target(entry, dirfd, name, e);

		if (r < 0)
			return r;
	}
	return take_xattrs(entry, dirfd, name, owner_xattr, e);
}
