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
 * Of "USER[:GROUP]". Without GROUP it is that of the user's entry; own_group: when the
 * user is a number, that number is it, as --chown has it. `root` is 0 whatever the files
 * say, without a look at them.
 */
int build_owner_find(struct build *b, const struct build_chain *layers, const char *spec,
		     bool own_group, struct build_owner *owner, struct err *e);
