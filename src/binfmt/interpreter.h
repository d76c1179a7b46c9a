/* SPDX-License-Identifier: MIT */
#pragma once

/* Finding a qemu-user program, and holding it to what a handler needs. */

#include <stdbool.h>

#include "base/err.h"
#include "binfmt/arch.h"

struct binfmt_interpreter {
	char *path;		 /* absolute */
	char version[32];	 /* "7.2.22"; empty when the file does not tell */
	unsigned version_number; /* major * 1000 + minor; 0 when not known */
};

enum {
	BINFMT_QEMU_TELLS_ARGV0 = 6000, /* qemu reads flag P from AT_FLAGS */
	BINFMT_QEMU_SOUND_ARM64 = 7000, /* before: "uncaught target signal 11" */
};

/*
 * The program for an architecture: in the folder dir, or for NULL in the places where
 * distributions put it; a statically linked one is preferred. -ENOENT when there is none.
 */
int binfmt_interpreter_find(struct binfmt_interpreter *interpreter,
			    const struct binfmt_arch *arch, const char *dir,
			    struct err *e);

/* The program at this path, which becomes absolute; it need not exist. */
int binfmt_interpreter_set(struct binfmt_interpreter *interpreter, const char *path,
			   struct err *e);

/*
 * Refuses what must not be registered: missing, not a regular file, not executable, not a
 * program of this machine, dynamically linked where must_be_static, or writable (itself
 * or a folder on its way) by others than root.
 */
int binfmt_interpreter_check(const struct binfmt_interpreter *interpreter,
			     bool must_be_static, struct err *e);

/*
 * The same for an interpreter of any kind: scripts, and programs of other machines, may
 * be one. *needs (owned by the caller) is what else must be where it runs, in words; NULL
 * for a program that stands alone.
 */
int binfmt_interpreter_check_any(const char *path, char **needs, struct err *e);

/* Fills version and version_number from the program's text, without running it. */
void binfmt_interpreter_read_version(struct binfmt_interpreter *interpreter,
				     const char *qemu_name);

void binfmt_interpreter_free(struct binfmt_interpreter *interpreter);

#define AUTO_BINFMT_INTERPRETER CLEAN(binfmt_interpreter_free)
