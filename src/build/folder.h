/* SPDX-License-Identifier: MIT */
#pragma once

/* A folder of this machine that steps read: the context, or one of --build-context. */

#include "base/err.h"
#include "build/files.h"
#include "build/tree.h"

struct build_folder {
	const char *name; /* for messages: "the context" */
	int fd;		  /* opened where steps can have it mounted */
	const struct dockerfile_ignore *ignore; /* or NULL */
	struct build_files files;
};

#define BUILD_FOLDER_INIT                                                                \
	{                                                                                \
		.fd = -1                                                                 \
	}

/* name and ignore stay the caller's. */
int build_folder_open(struct build_folder *f, struct store *store, const char *name,
		      const char *path, const struct dockerfile_ignore *ignore,
		      struct err *e);

/* What is in it, without what is ignored, and without the store. */
struct build_tree build_folder_tree(struct build_folder *f);

/* Whether something is ignored there. */
bool build_folder_ignores(const struct build_folder *f);
void build_folder_close(struct build_folder *f);
