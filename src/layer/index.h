/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * The names of a layer without its bytes, and the tree that several layers make together:
 * enough to see where a COPY goes, or to list, with nothing unpacked.
 */

#include "base/err.h"
#include "base/strbuf.h"
#include "layer/entry.h"

struct layer_index {
	struct layer_entry *entries; /* by layer_path_compare(), each path once */
	size_t n;
	bool sorted;
};

#define LAYER_INDEX_INIT                                                                 \
	{                                                                                \
		NULL, 0, true                                                            \
	}

/* Bytes of one component after the other: a folder comes before what is in it. */
int layer_path_compare(const char *a, const char *b);

/* Adds a copy (without extents); a later entry of the same path counts. */
void layer_index_add(struct layer_index *index, const struct layer_entry *entry);

/* NULL when the layer says nothing of the path. Points into the index. */
const struct layer_entry *layer_index_find(struct layer_index *index, const char *path);

/* Whether the layer has something at a path, or hides what lower ones have there. */
bool layer_index_hides(struct layer_index *index, const char *path);

/*
 * Calls back for each folder whose owner and mode are those of the layers below: the ones
 * that the layer mentions only by what is in them, or only to hide what was there. Stops
 * at the first result other than 0 and returns it. The root is none of them.
 */
int layer_index_borrowed(struct layer_index *index,
			 int (*folder)(void *context, const char *path), void *context);

/* As bytes, for a store, and back. */
void layer_index_format(struct layer_index *index, struct strbuf *out);
int layer_index_parse(struct layer_index *index, const char *data, size_t len,
		      struct err *e);
void layer_index_free(struct layer_index *index);

#define AUTO_LAYER_INDEX CLEAN(layer_index_free)

/* --- Several, the lowest first --- */

struct layer_view {
	struct layer_index **layers; /* borrowed */
	size_t n;
};

/*
 * The entry that shows at a path, whose links are not followed; NULL when there is none.
 * A folder's own entry is that of the uppermost layer which has one. Folders that only
 * their contents mention, and the root, may have no entry: *implied tells (may be NULL).
 */
const struct layer_entry *layer_view_find(const struct layer_view *view, const char *path,
					  bool *implied);

/*
 * Where a path leads when its links are followed as in a chroot; with follow also the
 * last component's. *resolved, in the form of layer_entry's path, is the caller's. What
 * is not there stays as it is written. -ELOOP after 40 links.
 */
int layer_view_resolve(const struct layer_view *view, const char *path, bool follow,
		       char **resolved, struct err *e);

/*
 * Calls back for each name that shows directly in a folder, in order of bytes; stops at
 * the first result other than 0 and returns it.
 */
int layer_view_list(const struct layer_view *view, const char *path,
		    int (*name)(void *context, const char *name,
				const struct layer_entry *entry),
		    void *context);
