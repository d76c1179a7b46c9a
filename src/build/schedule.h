/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * Does the steps of a plan in threads, each as soon as those that it needs are done, the
 * earlier ones of the plan first, RUN steps only as many at once as there is memory for.
 * After a failure nothing new begins and what runs is ended; with keep_going only what
 * needs the failed step is left out.
 */

#include "base/err.h"

struct build;

/* The failure is the first one; -ECANCELED when the build was ended from outside. */
int build_schedule(struct build *b, struct err *e);
