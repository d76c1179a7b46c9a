/* SPDX-License-Identifier: MIT */
#pragma once

/* What walks through folders of a file system have in common. */

#include <sys/stat.h>

#include "layer/layer-internal.h"

struct layer_walk {
	struct layer_writer *writer;
	void *linked; /* files with several names that were met, tsearch(3) */
	bool opaque;  /* folders that are added now hide what is below them */
};

/*
 * Adds what is at a name, with its content. *folder is an fd of it when it is one, the
 * caller's, else -1.
 */
int layer_walk_add(struct layer_walk *w, const char *path, int dirfd, const char *name,
		   const struct stat *st, int *folder, struct err *e);

/* Of the folder fd, whose path is for messages: in order. */
int layer_walk_names(int fd, const char *path, struct strv *names, struct err *e);

/* folder/name, the caller's. */
char *layer_walk_path(const char *folder, const char *name);

void layer_walk_end(struct layer_walk *w);
