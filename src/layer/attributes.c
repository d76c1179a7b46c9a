/* SPDX-License-Identifier: MIT */
#include "layer/attributes-internal.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/xattr.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/file.h"

enum { ID_MAP_MAX = 64 * 1024 };

int layer_set_xattr(int fd, int dirfd, const char *name, const struct layer_xattr *x)
{
	char path[64 + NAME_MAX + 1];

	if (fd >= 0)
		return fsetxattr(fd, x->name, x->value, x->size, 0) < 0 ? -errno : 0;
	snprintf(path, sizeof path, "/proc/self/fd/%d/%s", dirfd, name);
	return lsetxattr(path, x->name, x->value, x->size, 0) < 0 ? -errno : 0;
}

static int set_xattrs(const struct layer_entry *entry, int fd, int dirfd,
		      const char *name, struct err *e)
{
	for (size_t i = 0; i < entry->nxattrs; i++) {
		const struct layer_xattr *x = &entry->xattrs[i];
		int r = layer_xattr_is_portable(x->name)
				? layer_set_xattr(fd, dirfd, name, x)
				: 0;

		if (r < 0)
			return err_sys(e, r, "cannot set the attribute %s of %s", x->name,
				       entry->path);
	}
	return 0;
}

/* Where all files are the user's, the image's owner and mode are kept aside. */
static int keep_owner(const struct layer_entry *entry, uint32_t uid, uint32_t gid, int fd,
		      int dirfd, const char *name, struct err *e)
{
	AUTO_FREE char *value = xasprintf("%u:%u:%o", uid, gid, entry->mode);
	char xattr[] = LAYER_OWNER_XATTR;
	struct layer_xattr x = {xattr, value, strlen(value)};
	int r;

	if (entry->type != LAYER_FILE && entry->type != LAYER_FOLDER)
		return 0;
	r = layer_set_xattr(fd, dirfd, name, &x);
	return r < 0 ? err_sys(e, r, "cannot note the owner of %s", entry->path) : 0;
}

/* Whether this process has an id, by its uid_map or gid_map, and how many there are. */
static bool has_id(const char *map, uint32_t id, uint64_t *count)
{
	AUTO_FREE char *text = NULL;
	uint32_t first, outside, n;
	bool found = false;

	*count = 0;
	if (file_read_at(AT_FDCWD, map, ID_MAP_MAX, &text, NULL, NULL) < 0)
		return true;
	for (const char *line = text; *line; line += *line == '\n') {
		int got = sscanf(line, "%" SCNu32 "%" SCNu32 "%" SCNu32, &first, &outside,
				 &n);

		line += strcspn(line, "\n");
		if (got != 3)
			continue;
		*count += n;
		found = found || (id >= first && id - first < n);
	}
	return found;
}

static int refuse_owner(const struct layer_entry *entry, uint32_t uid, uint32_t gid,
			int code, struct err *e)
{
	const struct {
		const char *kind, *map;
		uint32_t id;
	} ids[] = {{"user", "/proc/self/uid_map", uid},
		   {"group", "/proc/self/gid_map", gid}};
	AUTO_FREE char *what = xasprintf("cannot give %s to the user %u and the group %u",
					 entry->path, uid, gid);
	uint64_t count;

	for (size_t i = 0; i < 2 && code == -EINVAL; i++)
		if (!has_id(ids[i].map, ids[i].id, &count))
			return err_set(e, code,
				       "%s: %u is none of the %" PRIu64
				       " %s ids that there are here (an ordinary user "
				       "gets more by lines in /etc/subuid and "
				       "/etc/subgid)",
				       what, ids[i].id, count, ids[i].kind);
	return err_sys(e, code, "%s", what);
}

int layer_set_owner(const struct layer_unpack_options *o, const struct layer_entry *entry,
		    int fd, int dirfd, const char *name, struct err *e)
{
	uint32_t uid = entry->uid, gid = entry->gid;
	int r;

	if (o->ids)
		o->ids->translate(o->ids->context, &uid, &gid);
	if (o->owner_xattr)
		r = keep_owner(entry, uid, gid, fd, dirfd, name, e);
	else if (fd >= 0)
		r = fchown(fd, uid, gid);
	else
		r = fchownat(dirfd, name, uid, gid, AT_SYMLINK_NOFOLLOW);
	if (r < 0 && !o->owner_xattr)
		return refuse_owner(entry, uid, gid, -errno, e);
	return r < 0 ? r : set_xattrs(entry, fd, dirfd, name, e);
}

static mode_t disk_mode(const struct layer_unpack_options *o,
			const struct layer_entry *entry)
{
	return o->owner_xattr ? layer_disk_mode(entry->type, entry->mode) : entry->mode;
}

int layer_set_mode(const struct layer_unpack_options *o, const struct layer_entry *entry,
		   int fd, int dirfd, const char *name, struct err *e)
{
	struct timespec times[2] = {{entry->mtime, 0}, {entry->mtime, 0}};
	int r = 0;

	if (fd >= 0)
		r = fchmod(fd, disk_mode(o, entry));
	else if (entry->type != LAYER_SYMLINK)
		r = fchmodat(dirfd, name, disk_mode(o, entry), 0);
	if (r < 0)
		return err_sys(e, -errno, "cannot set the mode of %s", entry->path);
	r = fd >= 0 ? futimens(fd, times)
		    : utimensat(dirfd, name, times, AT_SYMLINK_NOFOLLOW);
	if (r < 0)
		return err_sys(e, -errno, "cannot set the time of %s", entry->path);
	return 0;
}
