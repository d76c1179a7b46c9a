/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * Files that a step adds without running anything: where they go, what they are, and
 * where their bytes come from. A layer is made of them, and a key that tells them from
 * others.
 */

#include <sys/stat.h>

#include "base/err.h"
#include "build/files.h"
#include "build/key.h"
#include "build/step.h"
#include "layer/index.h"

struct build_change {
	struct layer_entry entry;
	bool parent; /* a folder on the way: its time says nothing */
	int root;    /* borrowed: the folder that `from` is in; -1: there are no bytes */
	char *from;  /* path in root, no links in it */
	char *text;  /* or the bytes themselves */
	dev_t dev;   /* of a file with several names; 0 else */
	ino_t ino;
	struct oci_digest content;  /* of a file, when digests are asked for */
	struct build_known *unread; /* by what it is to be known; NULL: content is set */
	struct build_files *files;  /* and to whom; NULL: no digests are asked for */
	bool again;		    /* another change has the same bytes */
};

struct build_changes {
	struct build_change *v;
	size_t n;
	const struct build_step *step; /* whose they are */
	bool spooled; /* what is read for digests alone is wanted again */
	char *last;   /* the path whose folders were added last; NULL: none */
};

/* A zeroed one with this path; valid until the next is added. */
struct build_change *build_changes_add(struct build_changes *c, enum layer_type type,
				       const char *path);

/*
 * Adds the folders above a path, those that the view has as they are there, others for
 * this owner. -ENOTDIR when something else is in the way. Links in the path are resolved
 * already.
 */
int build_changes_add_parents(struct build_changes *c, const struct layer_view *view,
			      const char *path, uint32_t uid, uint32_t gid,
			      struct err *e);

/* Takes out those from a place on for which out() is true. */
void build_changes_remove(struct build_changes *c, size_t from,
			  bool (*out)(void *context, const struct build_change *change),
			  void *context);

/*
 * Sets the digest of a file's content, or notes that it has to be read. True when the
 * file is known to have no attributes; else build_change_seen() is to follow, once the
 * entry has them.
 */
bool build_change_look_up(struct build_change *change, struct build_files *files,
			  const struct stat *st);
void build_change_seen(struct build_change *change);

/*
 * In the order of layers; of several with one path the last counts; names of one file
 * become links to the first. Folders on the way get the time of the newest file.
 */
void build_changes_settle(struct build_changes *c, int64_t now);

/* Looks for files that several names stand for, of a step with several sources. */
void build_changes_mark_repeated(struct build_changes *c);

/* All but times. */
void build_changes_key(const struct build_changes *c, struct build_key *k);

/* Reads what has to be read for digests, unless others do. */
int build_changes_digests(struct build *b, struct build_changes *c, struct err *e);

/* With b->reading: how many bytes have to be read, which nobody did meanwhile. */
uint64_t build_changes_unread(struct build_changes *c);

/* And does so. */
int build_changes_read(struct build *b, struct build_changes *c, struct err *e);

/*
 * Begins a layer and adds everything to it; the digests of what was unread are set on the
 * way. build_new_layer_end() may follow, build_new_layer_free() must. -ESTALE when a file
 * is not what it was when its digest was told.
 */
int build_changes_fill(struct build *b, struct build_changes *c,
		       struct build_new_layer *new, struct err *e);

/* The whole layer. */
int build_changes_write(struct build *b, struct build_changes *c,
			struct build_layer **layer, struct err *e);
void build_changes_free(struct build_changes *c);

#define AUTO_CHANGES CLEAN(build_changes_free)
