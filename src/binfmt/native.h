/* SPDX-License-Identifier: MIT */
#pragma once

/* Which architectures' programs this CPU and kernel run without a handler. */

#include <stdbool.h>

#include "base/err.h"
#include "binfmt/arch.h"
#include "binfmt/kernel.h"

/*
 * Fills native[i] for every archs->v[i], by trying: the kernel is asked to run a program
 * of that architecture whose dynamic loader cannot exist. One that it can run fails for
 * want of the loader, any other in another way; nothing is ever run. entries are the live
 * ones (NULL: none): an answer that one of them would give does not count.
 */
int binfmt_native_probe(const struct binfmt_archs *archs,
			const struct binfmt_entries *entries, bool *native,
			struct err *e);
