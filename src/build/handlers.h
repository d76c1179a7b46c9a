/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * Which programs of other machines a build has to run, and who runs them. Found out
 * before anything is fetched, so that what cannot be fails at once.
 */

#include "base/err.h"
#include "binfmt/arch.h"
#include "binfmt/kernel.h"
#include "binfmt/mount.h"
#include "build/build.h"
#include "oci/platform.h"

struct build_preflight {
	struct binfmt_archs archs;
	struct oci_platform *emulated; /* of those given, what a handler runs */
	size_t nemulated;
	struct binfmt_entries entries; /* to register; none: nothing is needed */
	bool private;		       /* they need a table of this build's own */
	struct binfmt_instance instance;
};

/* Decides, from platforms whose programs are to be run. */
int build_preflight_decide(struct build_preflight *p, enum build_handlers handlers,
			   const struct oci_platform *platforms, size_t n, struct err *e);

/* Within the user namespace that is entered for it: makes the table. */
int build_preflight_register(struct build_preflight *p, struct err *e);
void build_preflight_free(struct build_preflight *p);

#define AUTO_PREFLIGHT CLEAN(build_preflight_free)
