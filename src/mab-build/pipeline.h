/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * Pipelines of CI systems that build an image on one machine per platform, each on its
 * own kind where there is one, and then make one image of these.
 */

#include "base/err.h"
#include "base/strv.h"
#include "oci/map.h"

struct pipeline_options {
	const char *ci;	    /* one of pipeline_systems */
	const char *image;  /* that has mab-build */
	const char *branch; /* NULL: main */
	const char *output; /* the folder of the repository; NULL: stdout */
	struct strv native; /* PLATFORM[=LABEL]; none: what the CI offers */
	/* Names of the CI's secrets by setting, in capitals; "": none is wanted. */
	struct oci_map secrets;
};

/* What there are pipelines for, with spaces between. */
extern const char pipeline_systems[];

/*
 * environment has the settings of a plugin (plugin-settings.h), which go into the steps;
 * one with a secret in it is refused. A file that is there already is not replaced.
 */
int pipeline_print(const struct pipeline_options *options, const char *const *environment,
		   struct err *e);
