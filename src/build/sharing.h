/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * Which files of a folder of this machine several layers may want. Instructions that say
 * the same, from the same working directory, are taken to make the same layer, on
 * whichever platform.
 */

#include <stdbool.h>

#include "base/strv.h"
#include "oci/digest.h"

struct build;
struct build_step;
struct build_files;

struct build_sharing {
	struct build_copier {
		struct oci_digest key;		 /* of the instruction */
		const struct build_step *first;	 /* that says so */
		const struct build_files *files; /* of the folder that it reads */
		struct strv paths;		 /* in it, without links */
	} * v;
	size_t n;
};

/* Looks at the plan. */
void build_sharing_find(struct build *b);

/* Whether an instruction besides that of s wants this file too. Any thread. */
bool build_is_shared(const struct build *b, const struct build_step *s,
		     const struct build_files *files, const char *path);
void build_sharing_free(struct build_sharing *sharing);
