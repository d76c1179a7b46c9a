/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * The parts of run_step(), for this folder only: what the caller prepares, as far as it
 * can fail, and what then happens in the step's own namespaces.
 */

#include "base/strv.h"
#include "run/step.h"
#include "run/user.h"

struct run_plan {
	const struct run_spec *spec;
	int root;     /* tree */
	int *sources; /* trees, for each mount of the spec that is a bind, else -1 */
	struct strv env;
	struct run_user user;
	struct run_cgroup cgroup;
	int null;   /* /dev/null */
	int out[2]; /* the step's stdout, stderr, and its report: */
	int err[2]; /* [0] is the caller's end, [1] the step's */
	int report[2];
};

/* What a step's processes tell the caller, in one datagram. */
struct run_message {
	enum { RUN_FAILED, RUN_ENDED } type;
	int value;	 /* failed: negative errno; ended: as from wait(2) */
	char text[4096]; /* failed: words */
};

/* The files in /etc, each with a function that tells its text, which the caller owns. */
struct run_etc_file {
	const char *path;
	char *(*text)(const struct run_spec *spec);
};

extern const struct run_etc_file run_etc_files[3];

/* "build", unless the spec says something else. */
const char *run_hostname(const struct run_spec *spec);

/* Where a mount goes, from the root on; the caller's. */
char *run_mount_path(const struct run_spec *spec, const struct run_mount *mount);

/*
 * Puts /dev, /proc and /sys into a root that is attached. The caller's own root must
 * still be that of the process.
 */
int run_system_mount(int root, const struct run_spec *spec, struct err *e);

/* /dev alone, in the folder "dev": its tree. */
int run_system_mount_dev(int root, const struct run_spec *spec, struct err *e);

enum {
	RUN_NOFILE_SOFT = 1024, /* what select(2) can take */
	RUN_NOFILE_HARD = 524288,
	RUN_SHM_USUAL = 64 * 1024 * 1024,
};

/* What is covered, and what is only to be read, in the form of the OCI runtime spec. */
extern const char *const run_masked_paths[];
extern const char *const run_read_only_paths[];

/* The contents, owner and mode of a file in memory. */
int run_file_fill(int fd, const struct run_mount *m);

/* The tree of a tmpfs. */
int run_tmpfs_make(const struct run_mount *m, struct err *e);

/*
 * With a runtime: makes its bundle in the mount namespace, where /tmp then is of this
 * process alone, and the command that runs it.
 */
int run_bundle_set_up(const struct run_plan *plan, struct err *e);
int run_bundle_exec(const struct run_plan *plan, struct err *e);

/* The folder of the bundle, and its config.json; NULL when it would not be UTF-8. */
#define RUN_BUNDLE "/tmp"
char *run_bundle_config(const struct run_plan *plan);

/* The first process of the step's pid namespace: takes a struct run_plan. */
void run_inside(void *plan) __attribute__((noreturn));

/*
 * Hands on the output until the step has sent its message and ended, and kills it when
 * it is to be cancelled. The message is RUN_ENDED, killed, when none came.
 */
struct priv_pidns;
int run_follow(const struct run_plan *plan, struct priv_pidns *ns,
	       struct run_message *message);
