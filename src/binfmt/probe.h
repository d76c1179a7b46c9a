/* SPDX-License-Identifier: MIT */
#pragma once

/* The tiny programs of qemu/probe, built in. What they do is in qemu/probe/README. */

#include <stddef.h>

struct binfmt_probe {
	const char *arch;
	const unsigned char *image;
	size_t size;
};

extern const struct binfmt_probe binfmt_probes[];
extern const size_t binfmt_probe_count;

enum {
	BINFMT_PROBE_EXIT = 42,
	BINFMT_PROBE_THREAD_OK = 1,
};

#define BINFMT_PROBE_CHECK 0x10173c27u

/* A probe's line, in the order in which it stands there. */
struct binfmt_probe_report {
	unsigned check; /* BINFMT_PROBE_CHECK where instructions work */
	unsigned argc;
	unsigned uid, euid;
	unsigned thread; /* BINFMT_PROBE_THREAD_OK, or 2 */
	char argv0[256];
};

/* Reads a probe's line; -EINVAL when it is not one. */
int binfmt_probe_parse(struct binfmt_probe_report *report, const char *line);

/* NULL when there is no probe for the architecture. */
const struct binfmt_probe *binfmt_probe_find(const char *arch);
