/* SPDX-License-Identifier: MIT */
#pragma once

/* OCI platforms (image-spec, "platform") that this machine runs without a handler. */

#include <stdbool.h>

#include "base/err.h"
#include "base/strv.h"
#include "binfmt/arch.h"

/*
 * Adds "linux/amd64", its variants as far as the CPU goes, and then those of every other
 * architecture for which native (see binfmt_native_probe) is set.
 */
int binfmt_platforms_native(const struct binfmt_archs *archs, const bool *native,
			    struct strv *platforms, struct err *e);

/* Adds each one that is not in the list yet. */
void binfmt_platforms_add(struct strv *platforms, const struct strv *more);
