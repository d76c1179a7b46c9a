/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * Places in a root that somebody else filled: links stay inside, also those that lead to
 * what is not there. And mount points, which are taken away again.
 */

#include <stddef.h>

#include "base/err.h"

/* Where a path leads, all links followed as in a chroot: an O_PATH fd, or -errno. */
int run_place_find(int root, const char *path);

enum run_place_kind { RUN_PLACE_FOLDER, RUN_PLACE_FILE };

struct run_place_made;
struct run_place_above;

/* What was made in a root, and what that changed besides. */
struct run_places {
	int base; /* where changes to the root land: itself, or its overlay's upper folder
		   */
	struct run_place_made *made;
	size_t nmade;
	struct run_place_above *above;
	size_t nabove;
};

/*
 * Finds a mount point, or makes it: an empty folder or file, and the folders above it.
 * Returns an O_PATH fd. What is made is noted in places, unless that is NULL.
 */
int run_place_make(int root, const char *path, enum run_place_kind kind,
		   struct run_places *places, struct err *e);

/* Remembers the folders as they are now: what differs later is somebody else's doing. */
void run_places_settle(struct run_places *places);

/*
 * Removes what was made as long as it is empty. Folders above get their times back if
 * nobody else has changed those, and leave the upper folder if they came into it only by
 * this. Follows no link. No process may use the root any more.
 */
void run_places_remove(struct run_places *places);

void run_places_free(struct run_places *places);

#define AUTO_RUN_PLACES CLEAN(run_places_free)
