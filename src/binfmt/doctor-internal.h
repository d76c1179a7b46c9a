/* SPDX-License-Identifier: MIT */
#pragma once

/* What the checks share. Each reads the facts and says what it finds. */

#include "binfmt/doctor.h"

/* Adds a finding. mend (NULL: none) becomes its own. */
void doctor_say(struct binfmt_findings *findings, enum binfmt_verdict verdict, char *mend,
		const char *fmt, ...) __attribute__((format(printf, 4, 5)));

/* A file below the root, whole (at most 4 MiB); NULL when it cannot be read. */
char *doctor_read(const struct binfmt_facts *facts, const char *path);

bool doctor_exists(const struct binfmt_facts *facts, const char *path);

/* One line of mountinfo (proc(5)), of a binfmt_misc or an autofs. */
struct doctor_mount {
	char *point;
	char *device; /* "0:42" */
	bool automount;
	bool read_only;
};

struct doctor_mounts {
	struct doctor_mount *v;
	size_t n;
	bool readable;
};

/* Those of a process: "self" or "1". */
void doctor_read_mounts(const struct binfmt_facts *facts, const char *process,
			struct doctor_mounts *mounts);
void doctor_mounts_free(struct doctor_mounts *mounts);

#define AUTO_DOCTOR_MOUNTS CLEAN(doctor_mounts_free)

typedef void doctor_check(const struct binfmt_facts *facts,
			  struct binfmt_findings *findings);

/* doctor-system.c: the kernel, its mounts and namespaces, and where this runs. */
doctor_check doctor_check_kernel, doctor_check_support, doctor_check_mount,
	doctor_check_durability, doctor_check_namespace, doctor_check_container,
	doctor_check_wsl, doctor_check_security;

/* doctor-managers.c: other programs that register entries. */
doctor_check doctor_check_systemd, doctor_check_binfmt_support;

/* doctor-entries.c: the entries that are there. */
doctor_check doctor_check_table, doctor_check_limit, doctor_check_disabled,
	doctor_check_own, doctor_check_conflicts, doctor_check_fix_binary,
	doctor_check_credentials, doctor_check_interpreters, doctor_check_chains,
	doctor_check_replaced, doctor_check_qemu;
