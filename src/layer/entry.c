/* SPDX-License-Identifier: MIT */
#include "layer/entry.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/cleanup.h"

static void *copy_bytes(const void *data, size_t n)
{
	/* A NUL after them makes values of text readable as such. */
	char *copy = xcalloc(n + 1, 1);

	if (n)
		memcpy(copy, data, n);
	return copy;
}

void layer_entry_add_xattr(struct layer_entry *e, const char *name, const void *value,
			   size_t size)
{
	size_t at = 0;

	while (at < e->nxattrs && strcmp(e->xattrs[at].name, name) < 0)
		at++;
	if (at < e->nxattrs && strcmp(e->xattrs[at].name, name) == 0) {
		free(e->xattrs[at].value);
		e->xattrs[at].value = copy_bytes(value, size);
		e->xattrs[at].size = size;
		return;
	}
	GROW(e->xattrs, e->nxattrs);
	memmove(e->xattrs + at + 1, e->xattrs + at,
		(e->nxattrs - at) * sizeof *e->xattrs);
	e->xattrs[at] =
		(struct layer_xattr){xstrdup(name), copy_bytes(value, size), size};
	e->nxattrs++;
}

bool layer_xattr_is_portable(const char *name)
{
	if (strcmp(name, "security.capability") == 0)
		return true;
	return strncmp(name, "user.", 5) == 0 &&
	       strncmp(name, "user.overlay.", 13) != 0 &&
	       strcmp(name, LAYER_OWNER_XATTR) != 0;
}

void layer_entry_copy(struct layer_entry *to, const struct layer_entry *from)
{
	*to = *from;
	to->path = from->path ? xstrdup(from->path) : NULL;
	to->target = from->target ? xstrdup(from->target) : NULL;
	to->xattrs = NULL;
	to->nxattrs = 0;
	for (size_t i = 0; i < from->nxattrs; i++)
		layer_entry_add_xattr(to, from->xattrs[i].name, from->xattrs[i].value,
				      from->xattrs[i].size);
	to->extents = NULL;
	if (from->extents) {
		to->extents = xcalloc(from->nextents, sizeof *to->extents);
		memcpy(to->extents, from->extents, from->nextents * sizeof *to->extents);
	}
}

void layer_entry_clear_xattrs(struct layer_entry *e)
{
	for (size_t i = 0; i < e->nxattrs; i++) {
		free(e->xattrs[i].name);
		free(e->xattrs[i].value);
	}
	free(TAKE_PTR(e->xattrs));
	e->nxattrs = 0;
}

void layer_entry_clear(struct layer_entry *e)
{
	free(e->path);
	free(e->target);
	layer_entry_clear_xattrs(e);
	free(e->extents);
	memset(e, 0, sizeof *e);
}

int layer_path_clean(char *path)
{
	char *to = path;

	for (const char *from = path; *from;) {
		size_t n = strcspn(from, "/");

		if (n == 2 && from[0] == '.' && from[1] == '.')
			return -EXDEV;
		if (n && !(n == 1 && from[0] == '.')) {
			if (to != path)
				*to++ = '/';
			memmove(to, from, n);
			to += n;
		}
		from += n;
		from += strspn(from, "/");
	}
	*to = '\0';
	return 0;
}

uint32_t layer_disk_mode(enum layer_type type, uint32_t mode)
{
	return (mode & 0777) | (type == LAYER_FOLDER ? 0700 : 0600);
}

bool layer_entry_take_owner(struct layer_entry *entry, const char *text)
{
	unsigned uid, gid, mode;
	int used = -1;

	if (sscanf(text, "%u:%u:%o%n", &uid, &gid, &mode, &used) != 3 || text[used] ||
	    mode > 07777)
		return false;
	entry->uid = uid;
	entry->gid = gid;
	if (layer_disk_mode(entry->type, mode) == entry->mode)
		entry->mode = mode;
	return true;
}
