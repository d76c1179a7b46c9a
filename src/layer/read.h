/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * Reads a layer, or an archive that ADD unpacks: source -> digest -> decompression ->
 * diff id -> tar -> entries, unpacked below a folder.
 *
 * Nothing that the archive says reaches outside of that folder: names are resolved
 * beneath it without following a link, those with `..` are refused, hard links lead to
 * files inside, devices and overlay's own attributes are the caller's choice and never
 * the archive's. A refusal names the entry.
 */

#include "layer/compress.h"
#include "layer/entry.h"
#include "layer/index.h"
#include "layer/result.h"

/* The layer_source of a file descriptor: context points to the int. */
ssize_t layer_source_fd(void *context, void *data, size_t n, struct err *e);

struct layer_limits {
	uint64_t bytes;	  /* of the tar and of a file */
	uint64_t entries; /* names */
};

/* Large enough for every real image. */
extern const struct layer_limits layer_limits_usual;

struct layer_read_options {
	const struct oci_digest *digest;   /* of the source; NULL: any */
	const struct oci_digest *diff_id;  /* of the tar; NULL: any */
	const struct layer_limits *limits; /* NULL: layer_limits_usual */
	struct layer_index *index;	   /* gets every entry; NULL: nobody needs them */
	/*
	 * Somebody else answers for the source: its digest is not compared, and the
	 * result has none.
	 */
	bool trusted;
};

/*
 * For a snapshot: whiteouts become 0:0 character devices, opaque folders get overlay's
 * attribute, and folders with whiteouts the one that has them looked for there whatever
 * is below. For an archive of ADD: names that look like whiteouts are plain names, and
 * the folder itself stays as it is. Merged: over the layers below in the same folder,
 * from which layer_remove_hidden() has taken away what this one hides.
 */
enum layer_unpack_form {
	LAYER_UNPACK_SNAPSHOT,
	LAYER_UNPACK_ARCHIVE,
	LAYER_UNPACK_MERGED,
};

struct layer_unpack_options {
	struct layer_read_options read;
	enum layer_unpack_form form;
	const struct layer_ids *ids;
	bool userxattr;	  /* "user.overlay." instead of "trusted.overlay." */
	bool owner_xattr; /* write LAYER_OWNER_XATTR instead of chown(2) */
	bool devices; /* make device nodes; else they are left out: a RUN has its own */
	/*
	 * Gives the layers below, for folders that this layer mentions only by what is in
	 * them: overlay shows their owner and mode as they are in the snapshot. Called
	 * only if there are such folders, when all else is done: the digests are right
	 * and the index is whole. NULL: 0755, root.
	 */
	int (*below)(void *context, const struct layer_view **view, struct err *e);
	void *context; /* for below */
};

/*
 * Unpacks into a folder that nobody else writes to. A failure leaves what was made until
 * then. Only user.* attributes and file capabilities are kept
 * (layer_xattr_is_portable()).
 */
int layer_unpack(int dirfd, layer_source source, void *context,
		 const struct layer_unpack_options *options, struct layer_result *result,
		 struct err *e);

/* Before LAYER_UNPACK_MERGED: removes what whiteouts and opaque folders hide. */
int layer_remove_hidden(int dirfd, const struct layer_index *index, struct err *e);

/* Whether 512 bytes are a header of a tar in any of its forms, by their checksum. */
bool layer_is_tar_header(const uint8_t *block);

/* Whether it begins as a tar does, once it is decompressed. */
bool layer_is_tar(layer_source source, void *context);

/* Only reads: verifies, and fills the index. */
int layer_scan(layer_source source, void *context,
	       const struct layer_read_options *options, struct layer_result *result,
	       struct err *e);
