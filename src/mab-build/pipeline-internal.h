/* SPDX-License-Identifier: MIT */
#pragma once

/* A pipeline before it is written; one pipeline-*.c per system writes it. */

#include "mab-build/pipeline.h"
#include "mab-build/yaml.h"
#include "oci/platform.h"

/* A kind of machines on which jobs run. */
struct pipeline_machine {
	struct oci_platform platform;
	char *label; /* by which the CI knows it; NULL: by its platform */
};

enum pipeline_way { PIPELINE_NATIVE, PIPELINE_PERHAPS, PIPELINE_EMULATED };

/* One platform. */
struct pipeline_job {
	char *platform; /* "linux/arm/v7" */
	char *name;	/* "linux-arm-v7" */
	const struct pipeline_machine *machine;
	enum pipeline_way way;
};

struct pipeline_file {
	const char *path; /* within the repository */
	struct yaml yaml;
};

struct pipeline {
	const struct pipeline_system *system;
	const char *image, *branch;
	char *registry, *repository; /* HOST, HOST/PATH */
	bool versions;		     /* versions that are tagged are published, too */
	struct pipeline_machine *machines;
	size_t nmachines;
	struct pipeline_job *jobs;
	size_t njobs;
	/* Settings of the steps, by name, in capitals. */
	struct oci_map build, merge;
	/* Settings that are secrets, and the CI's names for these. */
	struct oci_map build_secrets, merge_secrets;
	struct strv lent;	     /* ID=VARIABLE: secrets of RUN */
	struct strv passed;	     /* variables that become build arguments */
	struct strv caches;	     /* HOST/PATH:TAG, to which each job adds its name */
	bool reads_caches;	     /* and not only writes them */
	struct pipeline_file *files; /* what was written */
	size_t nfiles;
};

struct pipeline_system {
	const char *name;
	enum yaml_expansion expansion;
	bool labels; /* machines are chosen by label */
	/* Secrets' names are identifiers; one with a dot is an expression by itself. */
	bool identifiers, expressions;
	const char *secrets; /* how its documentation calls them */
	/* Machines that there are without doing anything; ends without a platform. */
	struct {
		const char *platform, *label;
	} machines[3];
	struct {
		const char *registry; /* NULL: any */
		const char *username, *password;
	} logins[2];
	/* Adds all files. */
	void (*write)(struct pipeline *p);
};

extern const struct pipeline_system pipeline_drone;
extern const struct pipeline_system pipeline_github;
extern const struct pipeline_system pipeline_gitlab;
extern const struct pipeline_system pipeline_woodpecker;

/*
 * Begins a file with a comment: what it is and, in the first one, where which job runs;
 * `needs` is what else is to be known. Valid until the next one.
 */
struct yaml *pipeline_file(struct pipeline *p, const char *path, const char *needs);

/* Settings with a prefix before their names, these in small letters or capitals. */
void pipeline_write_settings(struct yaml *y, const struct oci_map *settings,
			     const char *prefix, bool small);

/* The same as `name: {from_secret: NAME}`. */
void pipeline_write_from_secrets(struct yaml *y, const struct oci_map *secrets);

/*
 * The step that merges what jobs have pushed under tags; number is the CI's expression
 * for the number of the build, which is in these.
 */
void pipeline_write_merge_step(const struct pipeline *p, struct yaml *y,
			       const char *number);

/*
 * The caches of a job, with its name (which may be an expression) at the end of each;
 * the value of CACHE_FROM and CACHE_TO, the caller's. NULL when there are none.
 */
char *pipeline_caches(const struct pipeline *p, const char *job);

/* In small letters, the caller's. */
char *pipeline_small(const char *name);

/* --- Within pipeline.c and pipeline-read.c --- */

/* Options and settings as a pipeline that has no files yet. */
int pipeline_read(struct pipeline *p, const struct pipeline_options *options,
		  const char *const *environment, struct err *e);
