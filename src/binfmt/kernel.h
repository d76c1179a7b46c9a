/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * The files of one binfmt_misc instance, reached through a directory fd of it. Every
 * function works on any directory, so that a test can pass one of its own.
 */

#include <stdbool.h>

#include "base/err.h"
#include "binfmt/entry.h"

struct binfmt_entries {
	struct binfmt_entry *v;
	size_t n;
	bool ordered; /* newest first, as the kernel asks them */
};

/*
 * The running kernel's version as major * 1000 + minor, 6.18 is 6018; 0 when its name
 * does not start with a number. text (may be NULL) gets uname's release, truncated.
 */
unsigned binfmt_kernel_version(char *text, size_t size);

enum {
	BINFMT_KERNEL_FIX_BINARY = 4008,     /* flag F */
	BINFMT_KERNEL_LONG_PATH = 4015,	     /* an interpreter's path of 128 bytes */
	BINFMT_KERNEL_LONG_HEAD = 5001,	     /* magic beyond 128 bytes */
	BINFMT_KERNEL_ONE_OPENED = 5008,     /* flag O: no interpreters of interpreters */
	BINFMT_KERNEL_TELLS_ARGV0 = 5012,    /* AT_FLAGS tells an interpreter of flag P */
	BINFMT_KERNEL_USER_NAMESPACE = 6007, /* instances per user namespace */
};

/*
 * All entries, newest first where that can be told. No kernel promises an order, but
 * `register` and `status` are older than any entry: listed after all of them, the list
 * is newest first (so on 6.18); before them, oldest first, and is turned round. Between
 * them, it is left as it is, and not `ordered`.
 */
int binfmt_kernel_list(int dirfd, struct binfmt_entries *entries, struct err *e);

/* One entry; -ENOENT when there is none of that name. */
int binfmt_kernel_get(int dirfd, const char *name, struct binfmt_entry *entry,
		      struct err *e);

/* Whether the instance as a whole is enabled; negative errno when it cannot tell. */
int binfmt_kernel_enabled(int dirfd, struct err *e);

/*
 * Whether a kernel of this version can hold the entry as it is meant: some refuse without
 * a reason, some take it and do something else. 0 (not known) is taken for an old one.
 */
int binfmt_kernel_check(unsigned version, const struct binfmt_entry *entry,
			struct err *e);

/* Adds an entry; -EEXIST when there is one of its name. */
int binfmt_kernel_register(int dirfd, const struct binfmt_entry *entry, struct err *e);

#define BINFMT_BRIDGE_SUFFIX ".new"

/*
 * Puts the entry in the place of the one of its name. At every moment one of the two is
 * there: the new one is first added as `NAME.new`, the bridge, which is newest and so is
 * asked first.
 */
int binfmt_kernel_replace(int dirfd, const struct binfmt_entry *entry, struct err *e);

/* Removes one entry. */
int binfmt_kernel_remove(int dirfd, const char *name, struct err *e);

/* Enables or disables one entry. */
int binfmt_kernel_set_enabled(int dirfd, const char *name, bool enabled, struct err *e);

/* Points into entries; NULL when there is none of that name. */
const struct binfmt_entry *binfmt_entries_find(const struct binfmt_entries *entries,
					       const char *name);
void binfmt_entries_free(struct binfmt_entries *entries);

#define AUTO_BINFMT_ENTRIES CLEAN(binfmt_entries_free)
