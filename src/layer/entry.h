/* SPDX-License-Identifier: MIT */
#pragma once

/* One name in a layer, with all that a tar header says of it. */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

enum layer_type {
	LAYER_FILE = 'f',
	LAYER_FOLDER = 'd',
	LAYER_SYMLINK = 'l',
	LAYER_HARDLINK = 'h', /* target is the path of an earlier file of the layer */
	LAYER_CHAR = 'c',
	LAYER_BLOCK = 'b',
	LAYER_FIFO = 'p',
	LAYER_WHITEOUT = 'w', /* the name is hidden in the layers below */
};

struct layer_xattr {
	char *name; /* with its namespace: "security.capability" */
	void *value;
	size_t size;
};

/* Bytes that are there; what is between two extents is zeros. */
struct layer_extent {
	uint64_t offset, size;
};

/* Names and targets are bytes in no encoding. Strings and arrays are the entry's. */
struct layer_entry {
	enum layer_type type;
	bool opaque;  /* folder: nothing of the layers below shows in it */
	char *path;   /* "usr/bin/env": no `/` at either end, no `.` and `..`; "" the root
		       */
	char *target; /* of links, else NULL; of a symbolic one as it is, any bytes */
	uint32_t mode; /* 07777 */
	uint32_t uid, gid;
	int64_t mtime; /* seconds */
	uint64_t size; /* file: bytes of content */
	uint32_t major, minor;
	struct layer_xattr *xattrs; /* sorted by name */
	size_t nxattrs;
	struct layer_extent *extents; /* file with holes, else NULL: it has none */
	size_t nextents;
	uint64_t offset; /* of its bytes in the tar, 0 when it has none or not known */
};

/* Adds copies in order; a value of that name is replaced. */
void layer_entry_add_xattr(struct layer_entry *e, const char *name, const void *value,
			   size_t size);

/*
 * Whether an extended attribute belongs to an image: file capabilities and user.*, but
 * for overlay's and our own. Labels and hashes of security modules are the machine's
 * policy, trusted.* only root's, and system.* (ACLs) hold ids in a form of this machine.
 */
bool layer_xattr_is_portable(const char *name);

/* A copy that shares nothing. */
void layer_entry_copy(struct layer_entry *to, const struct layer_entry *from);

void layer_entry_clear_xattrs(struct layer_entry *e);

/* Releases what it owns and empties it. */
void layer_entry_clear(struct layer_entry *e);

/*
 * Brings a name of an archive into the form of `path`, in place: `./`, `//` and a `/` at
 * either end go, as the name is below the root in any case. -EXDEV for one with `..`.
 */
int layer_path_clean(char *path);

/*
 * The owner and mode of files where all are the user's own, because it has no
 * subordinate ids: the extended attribute LAYER_OWNER_XATTR holds them as "UID:GID:MODE",
 * decimal and octal. Symbolic links cannot have one and are root's.
 */
#define LAYER_OWNER_XATTR "user.mab-build.owner"

/*
 * The mode on disk of a file that is in the image with this one: without ids of its own,
 * the owner's rights are what the user needs.
 */
uint32_t layer_disk_mode(enum layer_type type, uint32_t mode);

/*
 * Sets owner and mode from the attribute's text; the mode only as long as entry->mode,
 * that on disk, is what was made of it: else a step has changed it since. False when the
 * text is none.
 */
bool layer_entry_take_owner(struct layer_entry *entry, const char *text);

/*
 * Ids between the image and the file system: changes them in place. NULL where a function
 * takes one means that they are the same.
 */
struct layer_ids {
	void (*translate)(void *context, uint32_t *uid, uint32_t *gid);
	void *context;
};
