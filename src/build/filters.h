/* SPDX-License-Identifier: MIT */
#pragma once

/* What the system calls of steps go through. */

#include "base/err.h"

struct build;
struct run_filter;

/* Those of the build: whether they can be had, and what is in them. */
int build_filters_make(struct build *b, struct err *e);

/*
 * Before a step runs: the code of its filter, kept in the store from an earlier build, or
 * compiled and kept.
 */
int build_filter_ready(struct build *b, struct run_filter *f, struct err *e);
