/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * The members of an archive by their names, whatever made it: a name may be there once
 * only, none leads outside, and links lead to other members.
 */

#include "base/err.h"
#include "layer/entry.h"
#include "oci/blobs.h"

struct member {
	char *path;
	enum layer_type type;
	char *target; /* of links */
	uint64_t offset, size;
};

struct members {
	int fd;
	const char *file; /* borrowed; for messages */
	struct member *v; /* by path */
	size_t n;
};

/* m is to be released in any case. Texts of failures name the archive and the member. */
int members_open(struct members *m, const char *file, struct err *e);

/* The file of a name, links followed: NULL with -ENOENT when there is none. */
int members_find(const struct members *m, const char *path, const struct member **found,
		 struct err *e);

/* A whole small one, NUL-terminated and the caller's. */
int members_read(const struct members *m, const char *path, size_t max, char **data,
		 size_t *len, struct err *e);

/* One as a blob, verified on the way. */
int members_blob(const struct members *m, const struct member *member,
		 const struct oci_digest *digest, struct oci_blob **b, struct err *e);
void members_free(struct members *m);
