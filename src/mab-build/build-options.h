/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * The options of `mab-build build`, and who sets what: build-options.c has the table,
 * each settings-*.c the options under one or more of its headings.
 */

#include "mab-build/build-settings.h"
#include "mab-build/option-values.h"

enum build_option {
	OPT_ALLOW = 1,
	OPT_ALL_PLATFORMS,
	OPT_ANNOTATION,
	OPT_BUILD_ARG,
	OPT_BUILD_ARG_FILE,
	OPT_BUILD_CONTEXT,
	OPT_CACHE_FROM,
	OPT_CACHE_TO,
	OPT_CAP_ADD,
	OPT_CAP_DROP,
	OPT_CGROUP_PARENT,
	OPT_CHECK,
	OPT_COMPRESSION,
	OPT_COMPRESSION_LEVEL,
	OPT_DEVICE,
	OPT_DNS,
	OPT_DRY_RUN,
	OPT_ENV,
	OPT_FILE,
	OPT_FORMAT,
	OPT_HANDLERS,
	OPT_IIDFILE,
	OPT_ISOLATION,
	OPT_JOBS,
	OPT_KEEP_GOING,
	OPT_LABEL,
	OPT_LOAD,
	OPT_MANIFEST,
	OPT_MAX_CACHE,
	OPT_MEMORY,
	OPT_METADATA_FILE,
	OPT_NETWORK,
	OPT_NO_CACHE,
	OPT_NO_CACHE_FILTER,
	OPT_OUTPUT,
	OPT_PARTIAL,
	OPT_PLATFORM,
	OPT_PROGRESS,
	OPT_PROVENANCE,
	OPT_PULL,
	OPT_PUSH,
	OPT_PUSH_BY_DIGEST,
	OPT_QUIET,
	OPT_REWRITE_TIMESTAMP,
	OPT_ROOT,
	OPT_SBOM,
	OPT_SECRET,
	OPT_SECURITY_OPT,
	OPT_SHM_SIZE,
	OPT_SOURCE_DATE_EPOCH,
	OPT_SQUASH,
	OPT_SSH,
	OPT_SYNC,
	OPT_TAG,
	OPT_TARGET,
	OPT_TIMELINE,
	OPT_TIMESTAMP,
	OPT_TRACE,
	OPT_ULIMIT,
	OPT_UNSETENV,
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
/* Once all options are there. */
int settings_run_take(struct settings *s, struct err *e);
void settings_run_free(struct settings *s);
int settings_how(struct settings *s, const struct cli_option *option, const char *value,
		 struct err *e);

/* Adds the places that a value of --cache-from or --cache-to names to a list. */
int settings_cache(const char *option, const char *value, bool to,
		   struct build_cache_place **list, size_t *n, struct err *e);
void settings_cache_free(struct build_cache_place *list, size_t n);

/* Whether what becomes of the image goes together, once all is set. */
int settings_outputs(struct settings *s, struct err *e);

/* The same of format, compression, annotations and times. */
int settings_forms(struct settings *s, struct err *e);

/* The time of everything in the image, in seconds since 1970. */
int settings_epoch(struct settings *s, const char *option, const char *value,
		   struct err *e);
