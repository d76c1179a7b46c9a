/* SPDX-License-Identifier: MIT */
#pragma once

/* What follows an option, by its form. option is its long name, for messages. */

#include "base/err.h"
#include "oci/map.h"

/* From 0 to max. */
int value_number(const char *option, const char *value, long long max, long long *n,
		 struct err *e);

/*
 * One of words, with spaces between; returns its place. What others have and we have not
 * is among `missing`.
 */
int value_choose(const char *option, const char *value, const char *words,
		 const char *missing, struct err *e);

/* NAME=VALUE, which replaces one of that name. */
int value_pair(struct oci_map *map, const char *option, const char *value, struct err *e);
