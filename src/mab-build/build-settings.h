/* SPDX-License-Identifier: MIT */
#pragma once

/* The command line of `mab-build build`. */

#include "base/strbuf.h"
#include "base/strv.h"
#include "build/build.h"
#include "cli/option.h"
#include "mab-build/annotation.h"
#include "mab-build/progress.h"
#include "mab-build/remote.h"

enum output_type {
	OUTPUT_REGISTRY,
	OUTPUT_IMAGE, /* in the store, and in the registry with push */
	OUTPUT_OCI,
	OUTPUT_OCI_ARCHIVE,
	OUTPUT_DOCKER_ARCHIVE,
	OUTPUT_LOCAL,
	OUTPUT_TAR,
	OUTPUT_NONE,
};

struct output {
	enum output_type type;
	char *dest; /* "-": the standard output */
	char *name; /* NULL: that of --tag */
	bool push, by_digest;
};

struct settings {
	bool check, dry_run, push, by_digest;
	bool stdout_taken; /* by an output */
	const char *file, *context;
	struct strv tags, contexts; /* contexts: NAME=WHERE */
	struct output *outputs;
	size_t noutputs;
	struct build_cache_place *cache_to;
	size_t ncache_to;
	const char *iidfile, *metadata_file;
	bool has_max_cache;
	uint64_t max_cache; /* bytes */
	enum progress_mode progress;
	const char *trace, *timeline; /* files; NULL: none */
	const char *manifest;	      /* a list in the store; NULL: none */
	struct annotations annotations;
	int level; /* of compression, as typed; 0: none was */
	bool rewrite_timestamp;
	struct remote remote;
	uint64_t cap_add, cap_drop;
	struct strbuf resolv_conf;
	struct build_settings build; /* what concerns the build itself */
};

extern const struct cli_program build_program;

/* As a command's functions: see command.h. */
int settings_set(void *settings, const struct cli_option *option, const char *value,
		 struct err *e);
int settings_take(void *settings, int n, char **words, struct err *e);
void settings_free(void *settings);
