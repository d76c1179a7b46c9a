/* SPDX-License-Identifier: MIT */
#pragma once

/* What follows an option, by its form. option is its long name, for messages. */

#include <stdbool.h>
#include <stdint.h>
#include <time.h>

#include "base/err.h"
#include "oci/manifest.h"
#include "oci/map.h"

/* From 0 to max. */
int value_number(const char *option, const char *value, long long max, long long *n,
		 struct err *e);

/* Bytes, with a binary unit at the end: 4096, 64m, 500MB, 1GiB. */
int value_size(const char *option, const char *value, uint64_t *bytes, struct err *e);

/* A time, as seconds: 90s, 10m, 1h30m, 7d, 2w. */
int value_duration(const char *option, const char *value, time_t *seconds, struct err *e);

/*
 * One of words, with spaces between; returns its place. What others have and we have not
 * is among `missing`.
 */
int value_choose(const char *option, const char *value, const char *words,
		 const char *missing, struct err *e);

/* true or false, 1 or 0. */
int value_bool(const char *option, const char *value, bool *flag, struct err *e);

/* NAME=VALUE, which replaces one of that name. */
int value_pair(struct oci_map *map, const char *option, const char *value, struct err *e);

/* The name of an image that is to be made: without a digest. */
int value_new_name(const char *option, const char *value, struct err *e);

/* oci, docker, or another name of the latter: v2s2. */
int value_format(const char *option, const char *value, enum oci_format *format,
		 struct err *e);
