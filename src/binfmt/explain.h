/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * What execve(2) would do with a file, step by step: who takes it, and then who takes
 * that interpreter, until the kernel's own ELF loader does. Nothing is run.
 */

#include <stdbool.h>
#include <sys/types.h>

#include "base/err.h"
#include "base/strv.h"
#include "binfmt/arch.h"
#include "binfmt/elf.h"
#include "binfmt/kernel.h"
#include "binfmt/match.h"

enum {
	/* Interpreters of interpreters that the kernel follows (fs/exec.c,
	 * exec_binprm(); found so on 6.18). */
	BINFMT_NESTING_MAX = 5,
	BINFMT_STEPS_MAX = BINFMT_NESTING_MAX + 2, /* the file, and one too many */
};

/* What it is held against. */
struct binfmt_explain_table {
	const struct binfmt_archs *archs;
	const bool *native; /* per architecture, see binfmt_native_probe() */
	const struct binfmt_entries *live;
	bool enabled; /* the instance as a whole */
};

enum binfmt_taker {
	BINFMT_TAKEN_BY_NOTHING,
	BINFMT_TAKEN_BY_ENTRY,
	BINFMT_TAKEN_BY_SCRIPT, /* the kernel's own loader of `#!` */
	BINFMT_TAKEN_BY_KERNEL, /* its loader of ELF */
	BINFMT_TAKEN_UNSEEN,	/* flag F holds a file that is at no path any more */
};

struct binfmt_step {
	char *path;  /* NULL: no file, the header of an architecture */
	bool pinned; /* flag F holds it: what is at the path may be another file */
	mode_t mode; /* 0 without a file */
	bool nosuid; /* lies on a file system without set-user-ID */
	struct binfmt_head head;
	enum binfmt_taker taker;
	const struct binfmt_entry *entry; /* that takes it, in the table's entries */
	int script_code;		  /* 0: script is filled; else negative errno */
	struct binfmt_script script;
	bool is_elf; /* elf is filled; of a header alone without interpreter */
	struct binfmt_elf elf;
	const struct binfmt_arch *arch; /* whose program it is; NULL: not known */
	bool native;			/* the kernel's ELF loader runs such programs */
	bool loader_missing;		/* elf.interpreter is not in this root */
	struct err refusal; /* why execve(2) fails here; code 0: it does not */
};

struct binfmt_explanation {
	struct binfmt_step v[BINFMT_STEPS_MAX];
	size_t n;
	/* What must be at its path inside another root (chroot, container) for the file
	 * to run there, besides the shared libraries of what has a loader. */
	struct strv needs;
};

/*
 * Explains a file. Where execve(2) would fail, the last step has a refusal with the same
 * code. Fails only when the file cannot be read, so that nothing can be told of it.
 */
int binfmt_explain_file(const struct binfmt_explain_table *table, const char *path,
			struct binfmt_explanation *x, struct err *e);

/* The same of the programs of an architecture: of magic `i` of it. */
int binfmt_explain_arch(const struct binfmt_explain_table *table,
			const struct binfmt_arch *arch, size_t i,
			struct binfmt_explanation *x, struct err *e);

/* The entry after `after` (NULL: the first) that takes the file, or would if enabled. */
const struct binfmt_entry *binfmt_explain_next(const struct binfmt_explain_table *table,
					       const struct binfmt_step *step,
					       const struct binfmt_entry *after);

void binfmt_explanation_free(struct binfmt_explanation *x);

#define AUTO_BINFMT_EXPLANATION CLEAN(binfmt_explanation_free)
