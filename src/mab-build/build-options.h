/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * The options of `mab-build build`, and who sets what: build-options.c has the table,
 * each settings-*.c the options under one or more of its headings.
 */

#include "mab-build/build-settings.h"
#include "mab-build/option-values.h"

enum build_option {
	OPT_ANNOTATION = 1,
	OPT_BUILD_ARG,
	OPT_BUILD_CONTEXT,
	OPT_CHECK,
	OPT_DRY_RUN,
	OPT_FILE,
	OPT_HANDLERS,
	OPT_IIDFILE,
	OPT_ISOLATION,
	OPT_JOBS,
	OPT_KEEP_GOING,
	OPT_LABEL,
	OPT_MAX_CACHE,
	OPT_METADATA_FILE,
	OPT_NETWORK,
	OPT_NO_CACHE,
	OPT_OUTPUT,
	OPT_PLATFORM,
	OPT_PROGRESS,
	OPT_PUSH,
	OPT_ROOT,
	OPT_SOURCE_DATE_EPOCH,
	OPT_TAG,
	OPT_TARGET,
	OPT_TIMELINE,
	OPT_TIMESTAMP,
	OPT_TRACE,
};

/*
 * Each takes the options that are its own and returns 1 for any other.
 */
int settings_source(struct settings *s, const struct cli_option *option,
		    const char *value, struct err *e);
int settings_image(struct settings *s, const struct cli_option *option, const char *value,
		   struct err *e);
int settings_output(struct settings *s, const struct cli_option *option,
		    const char *value, struct err *e);
int settings_run(struct settings *s, const struct cli_option *option, const char *value,
		 struct err *e);
int settings_how(struct settings *s, const struct cli_option *option, const char *value,
		 struct err *e);

/* The time of everything in the image, in seconds since 1970. */
int settings_epoch(struct settings *s, const char *option, const char *value,
		   struct err *e);
