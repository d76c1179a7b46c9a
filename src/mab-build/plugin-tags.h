/* SPDX-License-Identifier: MIT */
#pragma once

/* The tags that a commit gets by its name, for CI. */

#include "base/err.h"
#include "base/strv.h"

/*
 * ref is "refs/tags/v1.2.3" or "refs/heads/NAME". A tag is a version (semver.org, a "v"
 * before it may be): 1.2.3 is tagged 1, 1.2 and 1.2.3; with 0 in front there is no 0; a
 * pre-release or a build is tagged as itself alone, with `_` for `+`. Zeros in front
 * stay. The default branch is tagged latest. Each gets "-suffix", latest becomes the
 * suffix; NULL or "" is none. Nothing is added for any other ref: there is nothing to
 * publish.
 */
int plugin_tags(struct strv *tags, const char *ref, const char *default_branch,
		const char *suffix, struct err *e);
