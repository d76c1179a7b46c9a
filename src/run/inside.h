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

/* The first process of the step's pid namespace: takes a struct run_plan. */
void run_inside(void *plan) __attribute__((noreturn));

/*
 * Hands on the output until the step has sent its message and ended, and kills it when
 * it is to be cancelled. The message is RUN_ENDED, killed, when none came.
 */
struct priv_pidns;
int run_follow(const struct run_plan *plan, struct priv_pidns *ns,
	       struct run_message *message);
