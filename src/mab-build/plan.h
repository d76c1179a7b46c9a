/* SPDX-License-Identifier: MIT */
#pragma once

/* --dry-run: the plan on stdout, as lines, or as JSON: an object a line. */

#include "build/build.h"

void show_plan(const struct build *b, bool json);
