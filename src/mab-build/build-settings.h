/* SPDX-License-Identifier: MIT */
#pragma once

/* The command line of `mab-build build`. */

#include "base/strv.h"
#include "build/build.h"
#include "cli/option.h"

enum output_type { OUTPUT_REGISTRY, OUTPUT_OCI, OUTPUT_OCI_ARCHIVE };

struct output {
	enum output_type type;
	char *dest;
};

struct settings {
	bool check, dry_run, push, help;
	const char *file, *context;
	struct strv tags;
	struct output *outputs;
	size_t noutputs;
	const char *iidfile, *metadata_file;
	struct build_settings build; /* what concerns the build itself */
};

extern const struct cli_program build_program;

/* Released with settings_free() also when it fails. */
int settings_parse(struct settings *s, int argc, char **argv, struct err *e);
void settings_free(struct settings *s);
