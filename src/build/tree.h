/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * A tree that COPY, ADD and mounts read from: the context, without what its ignore file
 * leaves out, or the files of a stage or image. Nothing outside of it is ever reached.
 */

#include <sys/stat.h>

#include "base/err.h"
#include "base/strv.h"
#include "build/changes.h"
#include "build/files.h"
#include "dockerfile/ignore.h"

struct build_tree {
	int root;
	const char *name;			/* for messages: "the context" */
	const struct dockerfile_ignore *ignore; /* or NULL */
	bool owners;				/* of files count; else all are root's */
	bool owner_xattr;			/* and stand in LAYER_OWNER_XATTR */
	struct build_files *files; /* gives digests; NULL: nobody wants them */
	dev_t store_dev;	   /* of the store's folder, which is left out; 0: none */
	ino_t store_ino;
};

/* Clean and relative to the root, "" for itself, as if `..` there led nowhere. */
char *build_tree_clean(const char *name);

/*
 * The names that a source of COPY means, each clean; those that are ignored are none.
 * Patterns may fit none, but the folder that they begin with must be there. deep: a part
 * `**` stands for any number of folders, not for one.
 */
int build_tree_glob(const struct build_tree *t, const char *pattern, bool deep,
		    struct strv *paths, struct err *e);

/* Whether a name is a pattern. */
bool build_tree_is_pattern(const char *name);

/*
 * What a path is; the last component's link is followed. *resolved, the caller's, has no
 * links in it. -ENOENT when it is not there, or ignored.
 */
int build_tree_stat(const struct build_tree *t, const char *path, char **resolved,
		    struct stat *st, struct err *e);

/*
 * Adds one file or folder (alone) as `to`. st is of it.
 */
int build_tree_add(const struct build_tree *t, const char *path, const struct stat *st,
		   const char *to, struct build_changes *c, struct err *e);

/*
 * Adds all that is in a folder (not itself) below `to`, "" for the root, without what
 * exclude (NULL: nothing) leaves out; for its patterns the folder is at `below`, "" when
 * they are relative to it.
 */
int build_tree_add_all(const struct build_tree *t, const char *path,
		       const struct dockerfile_ignore *exclude, const char *below,
		       const char *to, struct build_changes *c, struct err *e);

/* Tells each path that the ignore file takes out, a folder as a whole where it can. */
int build_tree_ignored(const struct build_tree *t,
		       int (*ignored)(void *context, const char *path, struct err *e),
		       void *context, struct err *e);
