/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * Makes a layer in one pass: entries -> tar -> diff id -> compression -> digest -> sink.
 *
 * The tar is what image-spec, layer.md asks for, in pax form (IEEE 1003.1): ustar
 * headers, and pax records only for what those cannot hold: long names, large numbers,
 * extended attributes (SCHILY.xattr). Times are whole seconds; users and groups have no
 * names. The same entries give the same bytes everywhere.
 */

#include <sys/stat.h>

#include "layer/compress.h"
#include "layer/entry.h"
#include "layer/index.h"
#include "layer/result.h"

struct layer_write_options {
	enum layer_compression compression;
	int level;	  /* 0: the usual one */
	unsigned threads; /* that compress; 0 counts as 1 */
	int64_t epoch;	  /* later mtimes become this one; negative: none do */
	const struct layer_ids *ids;
	bool owner_xattr; /* read LAYER_OWNER_XATTR */
	/*
	 * All belongs to 0:0, and no program runs as its owner or with capabilities: for
	 * files that somebody is to have as his own.
	 */
	bool disown;
	struct layer_index *index; /* gets every entry; NULL: nobody needs them */
};

struct layer_writer;

int layer_writer_new(struct layer_writer **w, const struct layer_write_options *options,
		     layer_sink sink, void *context, struct err *e);

/*
 * One entry, after those that come before it by layer_path_compare(), and after the file
 * that it is a hard link to. fd gives the content of a file with size > 0 from its start,
 * and stays the caller's; -1 else. The epoch and the ids are applied here.
 */
int layer_writer_add(struct layer_writer *w, const struct layer_entry *entry, int fd,
		     struct err *e);

/* The same of a file without holes: source gives as many bytes as the entry has. */
int layer_writer_add_from(struct layer_writer *w, const struct layer_entry *entry,
			  layer_source source, void *context, struct err *e);

/*
 * What a step wrote into an overlay's upper folder: whiteouts (0:0 devices, or overlay's
 * attribute) and opaque folders become `.wh.` entries. Left out are the folder itself,
 * whose owner and mode are those of the root below; sockets; attributes that belong to no
 * image (layer_xattr_is_portable()). The folder must not change meanwhile.
 */
int layer_writer_add_upper(struct layer_writer *w, int upper, struct err *e);

/*
 * The same where a step wrote into a folder that has the layers below in it too: a census
 * is taken before, and what differs from it afterwards is the layer. Told apart by inode
 * numbers and change times; the folders that lead to what differs are in it, as they are
 * with an overlay.
 */
struct layer_census;

int layer_census_take(int dirfd, struct layer_census **census, struct err *e);
int layer_writer_add_changes(struct layer_writer *w, int dirfd,
			     const struct layer_census *census, struct err *e);
void layer_census_free(struct layer_census *census);
void layer_census_free_p(struct layer_census **census);

#define AUTO_LAYER_CENSUS CLEAN(layer_census_free_p)

/*
 * A folder and all that is in it, under a path of one component. Of what layers below it
 * nothing is known.
 */
int layer_writer_add_tree(struct layer_writer *w, const char *path, int folder,
			  struct err *e);

/*
 * Fills an entry, whose path is set already, from an object: for those that are added one
 * by one. The type is 0 for a socket. Hard links and holes are the caller's to look for.
 * With owner_xattr, LAYER_OWNER_XATTR is its owner and mode.
 */
int layer_entry_read(struct layer_entry *entry, int dirfd, const char *name,
		     const struct stat *st, bool owner_xattr, struct err *e);

/* Ends the layer; then only layer_writer_free() may follow. */
int layer_writer_finish(struct layer_writer *w, struct layer_result *result,
			struct err *e);
void layer_writer_free(struct layer_writer *w);
