/* SPDX-License-Identifier: MIT */
#pragma once

#include "mab-build/build-settings.h"
#include "mab-build/progress.h"
#include "mab-build/source.h"

/*
 * Tells why it failed, and of a place in the Dockerfile shows the line. Returns
 * STATUS_FAILED.
 */
int check_fail(const struct source *source, const struct progress *p, struct err *e);

/* --check: prints what it finds; the exit status. */
int check(const struct settings *s, struct source *source, struct progress *p);
