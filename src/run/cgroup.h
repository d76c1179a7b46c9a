/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * A control group for each step (cgroups(7)): of version 2 where /sys/fs/cgroup is that,
 * else of version 1's memory controller alone. Linux 5.12.
 *
 * They lie below one that there is, and are called mab-build-PID-N. Who makes one has it
 * locked with flock(2): one that nobody has was left by a program that was killed, and
 * whoever opens the same parent next removes it.
 */

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"

struct run_cgroup {
	int fd; /* of its folder, locked; -1: there is none */
	char *name;
};

#define RUN_CGROUP_INIT                                                                  \
	{                                                                                \
		-1, NULL                                                                 \
	}

struct run_cgroups {
	int parent; /* fd of its folder; -1: not open */
	char *path; /* of the parent, from the root of the hierarchy on */
	bool unified;
	uint64_t memory;       /* bytes that each may have, swap included; 0: no limit */
	struct run_cgroup own; /* where this process is, to make room in the parent */
	atomic_uint serial;
};

#define RUN_CGROUPS_INIT                                                                 \
	{                                                                                \
		.parent = -1, .own = RUN_CGROUP_INIT                                     \
	}

/*
 * For a process with one thread. parent is a path as in /proc/PID/cgroup; NULL: the
 * cgroup of this process. What cannot be had is found out by trying: -EOPNOTSUPP without
 * the controller, -EBUSY where other processes are in the parent, -EACCES, -EROFS and so
 * on, each with what would help.
 *
 * In version 2 a cgroup with processes cannot give a controller to those below it. If
 * this process is alone in the parent, it moves into one below until run_cgroups_close().
 */
int run_cgroups_open(struct run_cgroups *c, const char *parent, uint64_t memory,
		     struct err *e);
void run_cgroups_close(struct run_cgroups *c);

/* Any number of threads may use the same parent. */
int run_cgroup_make(struct run_cgroups *c, struct run_cgroup *g, struct err *e);

/* Moves the calling process, which has one thread. */
int run_cgroup_enter(const struct run_cgroup *g, struct err *e);

/* Whether the kernel killed a process of it because memory was wanting. */
bool run_cgroup_lacked_memory(const struct run_cgroups *c, const struct run_cgroup *g);

/* Once its processes have ended. */
void run_cgroup_remove(struct run_cgroups *c, struct run_cgroup *g);

/* The path in a text like that of /proc/PID/cgroup, the caller's; NULL: it has none. */
char *run_cgroup_path(const char *text, bool unified);
