/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * Digests of the context's files. What was read once is known by the file's device,
 * number, size and times for the rest of the build, and for later builds of the same
 * context (the "stat cache"), so that an unchanged context costs a walk and no reading.
 * Times that are newer than the build, or nearly, tell nothing later and are not kept.
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
	uint64_t plain; /* 1: it has no attributes that an image keeps */
};

struct build_files {
	struct store *store;
	struct oci_digest key; /* of the context */
	int64_t started;
	struct build_known *v; /* those of earlier builds, sorted */
	size_t n;
	pthread_mutex_t lock; /* of what follows */
	void *seen;	      /* tree of those that this build met, tsearch(3) */
	bool changed;	      /* there are new ones to keep */
};

/* Reads what is known of a context; nothing is fine. */
void build_files_open(struct build_files *f, struct store *store, int context);

/* What a file is known by; what is known of it is not set. */
void build_known_init(struct build_known *k, const struct stat *st);

/* Sets what is known, and returns true, when the file was read before. */
bool build_files_find(struct build_files *f, struct build_known *k);

/* Remembers one that was read. */
void build_files_add(struct build_files *f, const struct build_known *k);

/* Reads a file for its digest alone. */
int build_file_digest(int root, const char *path, struct oci_digest *digest,
		      struct err *e);

/* Writes it back when something was added. */
int build_files_save(struct build_files *f, struct err *e);
void build_files_free(struct build_files *f);
