/* SPDX-License-Identifier: MIT */
#pragma once

/* Between step-copy.c and step-add.c, which has what only ADD does. */

#include <sys/stat.h>

#include "build/archive.h"
#include "build/changes.h"
#include "build/internal.h"
#include "build/owner.h"
#include "build/tree.h"

struct build_copying {
	struct build *b;
	struct build_step *s;
	bool add; /* ADD */
	struct build_tree tree;
	int owned_root;		/* of the tree when it is not the context's; else -1 */
	struct layer_view view; /* of the layers below */
	struct dockerfile_ignore exclude;
	const char *chmod;
	bool has_owner; /* --chown */
	struct build_owner owner;
	bool parents, to_folder;
	bool several; /* sources: one file may be among them twice */
	char *to;     /* in the form of layers */
	struct build_changes changes;
	struct build_archives archives;
	struct added {
		struct oci_digest digest;
		size_t place; /* among the changes: what comes later counts */
	} * added;	      /* archives that stand for what they hold */
	size_t nadded;
	bool expanding;		      /* they do no longer */
	bool through;		      /* links of the image, where a folder is implied */
	size_t nexpanded;	      /* of them */
	struct build_new_layer layer; /* filled by who had to read files */
	bool filled;
	bool reading; /* holds the lock */
};

/* The value of a flag, NULL when it is not there; whether it is true. */
const char *build_copy_flag(const struct build_step *s, enum dockerfile_flag_id id);
bool build_copy_flag_set(const struct build_step *s, enum dockerfile_flag_id id);

/* "a" and "b" are "a/b"; either may be empty. The caller's. */
char *build_copy_join(const char *folder, const char *name);

/* Adds the folders above a path of the image. */
int build_copy_add_parents(struct build_copying *c, const char *path, struct err *e);

/* Whether the image has something at its path that cannot become this entry: -ENOTDIR. */
int build_copy_check(const struct build_copying *c, const struct layer_entry *entry,
		     struct err *e);

/* Owner and mode, as the flags say, for what was added since the first `from`. */
int build_copy_dress(struct build_copying *c, size_t from, struct err *e);

/* Others who want the same files wait until this step is done. */
void build_copy_lock_reading(struct build_copying *c);

/* Whether ADD fetches a source; and does so. */
bool build_add_is_address(const char *source);
int build_add_address(struct build_copying *c, const char *source, struct err *e);

/* 1 when ADD is to unpack a file of the tree, unless it is told otherwise; 0 when not. */
int build_add_is_archive(struct build_copying *c, const char *path, const struct stat *st,
			 struct err *e);

/* Until the layer is to be made, its digest (NULL: by st) stands for what it holds. */
int build_add_archive(struct build_copying *c, int root, const char *path,
		      const struct stat *st, const struct oci_digest *digest,
		      struct err *e);
void build_add_key(const struct build_copying *c, struct build_key *k);

/* What archives hold, of a layer that is there already, may not fit on this image. */
int build_add_check_layer(const struct build_copying *c, struct build_layer *layer,
			  struct err *e);
