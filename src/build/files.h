/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * Digests of the context's files. What was read once is known by the file's device,
 * number, size and times for later builds of the same context (the "stat cache"), so that
 * an unchanged context costs a walk and no reading. Times that are newer than the build,
 * or nearly, tell nothing and are not remembered.
 */

#include <pthread.h>
#include <sys/stat.h>

#include "base/err.h"
#include "oci/digest.h"
#include "store/store.h"

struct build_known {
	uint64_t dev, ino, size;
	int64_t mtime[2], ctime[2]; /* seconds, nanoseconds */
	struct oci_digest digest;
};

struct build_files {
	struct store *store;
	struct oci_digest key; /* of the context */
	int64_t started;
	pthread_mutex_t lock;
	struct build_known *v; /* those of earlier builds, sorted */
	size_t n;
	struct build_known *found; /* by this build, in any order */
	size_t nfound;
	bool changed; /* there are new ones */
};

/* Reads what is known of a context; nothing is fine. */
void build_files_open(struct build_files *f, struct store *store, int context);

/* The digest of a file's content; st is of it. */
int build_files_digest(struct build_files *f, int root, const char *path,
		       const struct stat *st, struct oci_digest *digest, struct err *e);

/* Writes it back when something was added. */
int build_files_save(struct build_files *f, struct err *e);
void build_files_free(struct build_files *f);
