/* SPDX-License-Identifier: MIT */
#include "binfmt/doctor.h"

#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/file.h"
#include "base/strbuf.h"
#include "base/strv.h"
#include "binfmt/doctor-internal.h"

/* In the order in which they are told. */
static const struct {
	const char *name;
	doctor_check *check;
	bool of_entries; /* left out where there is no table to see */
} checks[] = {
	{"kernel", doctor_check_kernel},
	{"support", doctor_check_support},
	{"mount", doctor_check_mount},
	{"durability", doctor_check_durability},
	{"namespace", doctor_check_namespace},
	{"container", doctor_check_container},
	{"wsl", doctor_check_wsl},
	{"security", doctor_check_security},
	{"systemd-binfmt", doctor_check_systemd},
	{"binfmt-support", doctor_check_binfmt_support},
	{"table", doctor_check_table, true},
	{"limit", doctor_check_limit, true},
	{"disabled", doctor_check_disabled, true},
	{"own-programs", doctor_check_own, true},
	{"conflicts", doctor_check_conflicts, true},
	{"fix-binary", doctor_check_fix_binary, true},
	{"credentials", doctor_check_credentials, true},
	{"interpreters", doctor_check_interpreters, true},
	{"chains", doctor_check_chains, true},
	{"replaced", doctor_check_replaced, true},
	{"qemu", doctor_check_qemu, true},
};

void binfmt_doctor_examine(const struct binfmt_facts *facts,
			   struct binfmt_findings *findings)
{
	for (size_t i = 0; i < ARRAY_SIZE(checks); i++) {
		if (checks[i].of_entries && facts->table < 0)
			continue;
		findings->check = checks[i].name;
		checks[i].check(facts, findings);
	}
}

void doctor_say(struct binfmt_findings *findings, enum binfmt_verdict verdict, char *mend,
		const char *fmt, ...)
{
	AUTO_STRBUF struct strbuf what = STRBUF_INIT;
	va_list ap;

	va_start(ap, fmt);
	strbuf_vaddf(&what, fmt, ap);
	va_end(ap);
	GROW(findings->v, findings->n);
	findings->v[findings->n++] = (struct binfmt_finding){
		.check = findings->check,
		.verdict = verdict,
		.what = strbuf_take(&what),
		.mend = mend,
	};
}

char *doctor_read(const struct binfmt_facts *facts, const char *path)
{
	enum { MAX = 4 * 1024 * 1024 };
	char *text = NULL;

	return file_read_at(facts->root, path, MAX, &text, NULL, NULL) < 0 ? NULL : text;
}

bool doctor_exists(const struct binfmt_facts *facts, const char *path)
{
	return faccessat(facts->root, path, F_OK, 0) == 0;
}

/* Whether a comma list of mount options starts with "ro". */
static bool is_read_only(const char *options)
{
	return strncmp(options, "ro", 2) == 0 && (!options[2] || options[2] == ',');
}

/*
 * "36 35 98:0 /root /point rw,noatime master:1 - ext4 source rw": optional fields, any
 * number of them, before the dash. Octal escapes in the mount point are left as they are.
 */
static void read_mount_line(const char *line, struct doctor_mounts *mounts)
{
	AUTO_STRV struct strv f = STRV_INIT;
	struct doctor_mount m;
	size_t dash = 6;

	strv_split(&f, line, " ");
	while (dash < f.n && strcmp(f.v[dash], "-") != 0)
		dash++;
	if (dash + 3 >= f.n)
		return;
	m.automount = strcmp(f.v[dash + 1], "autofs") == 0;
	if (!m.automount && strcmp(f.v[dash + 1], "binfmt_misc") != 0)
		return;
	m.point = xstrdup(f.v[4]);
	m.device = xstrdup(f.v[2]);
	m.read_only = is_read_only(f.v[5]) || is_read_only(f.v[dash + 3]);
	GROW(mounts->v, mounts->n);
	mounts->v[mounts->n++] = m;
}

void doctor_read_mounts(const struct binfmt_facts *facts, const char *process,
			struct doctor_mounts *mounts)
{
	AUTO_FREE char *path = xasprintf("proc/%s/mountinfo", process);
	AUTO_FREE char *text = doctor_read(facts, path);
	AUTO_STRV struct strv lines = STRV_INIT;

	*mounts = (struct doctor_mounts){.readable = text != NULL};
	if (text)
		strv_split(&lines, text, "\n");
	for (size_t i = 0; i < lines.n; i++)
		read_mount_line(lines.v[i], mounts);
}

void doctor_mounts_free(struct doctor_mounts *mounts)
{
	for (size_t i = 0; i < mounts->n; i++) {
		free(mounts->v[i].point);
		free(mounts->v[i].device);
	}
	free(mounts->v);
	*mounts = (struct doctor_mounts){0};
}

void binfmt_doctor_durability(const struct binfmt_facts *facts,
			      struct binfmt_findings *findings)
{
	*findings = (struct binfmt_findings){.check = "durability"};
	doctor_check_durability(facts, findings);
}

void binfmt_findings_free(struct binfmt_findings *findings)
{
	for (size_t i = 0; i < findings->n; i++) {
		free(findings->v[i].what);
		free(findings->v[i].mend);
	}
	free(findings->v);
	*findings = (struct binfmt_findings){0};
}
