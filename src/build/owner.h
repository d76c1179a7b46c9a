/* SPDX-License-Identifier: MIT */
#pragma once

/* Who USER and --chown mean, by the files of the image. */

#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"
#include "build/layers.h"

struct build_owner {
	uint32_t uid, gid;
};

/*
 * Of "USER[:GROUP]". own_group: without GROUP it is the number of the user, as --chown
 * has it; else it is the user's group.
 */
int build_owner_find(struct build *b, const struct build_chain *layers, const char *spec,
		     bool own_group, struct build_owner *owner, struct err *e);
