/* SPDX-License-Identifier: MIT */
#pragma once

/* An archive that is being written. Its bytes depend on nothing but its members. */

#include "base/file.h"
#include "layer/entry.h"
#include "oci/blobs.h"

struct tar_file {
	struct file_draft file;
	uint64_t left; /* of the member's content */
	uint64_t padding;
};

/* t is to be released by tar_file_free() in any case; without a commit nothing remains.
 */
int tar_file_create(struct tar_file *t, const char *file, struct err *e);
int tar_file_add_folder(struct tar_file *t, const char *path, struct err *e);
int tar_file_add_bytes(struct tar_file *t, const char *path, const void *data, size_t n,
		       struct err *e);

/* The content, size bytes of it, follows by tar_file_append(). */
int tar_file_begin(struct tar_file *t, const char *path, uint64_t size, struct err *e);

/* A layer_sink: context is the tar_file. */
int tar_file_append(void *context, const void *data, size_t n, struct err *e);

int tar_file_add_blob(struct tar_file *t, const char *path, struct oci_blob *blob,
		      struct err *e);
int tar_file_commit(struct tar_file *t, struct err *e);
void tar_file_free(struct tar_file *t);

#define TAR_FILE_INIT                                                                    \
	{                                                                                \
		FILE_DRAFT_INIT, 0, 0                                                    \
	}
#define AUTO_TAR_FILE CLEAN(tar_file_free)
