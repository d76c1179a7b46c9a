/* SPDX-License-Identifier: MIT */
#pragma once

#include "mab-build/build-settings.h"
#include "mab-build/source.h"

/* A failure at a place in the Dockerfile, with the line. Returns STATUS_FAILED. */
int check_fail(const struct source *source, struct err *e);

/* --check: prints what it finds; the exit status. */
int check(const struct settings *s, struct source *source);
