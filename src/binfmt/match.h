/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * What the kernel sees of a file that is to be run, and how its entries and its script
 * loader read it. Pure: nothing is opened here. Source: fs/binfmt_misc.c and
 * fs/binfmt_script.c of Linux.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "binfmt/arch.h"
#include "binfmt/kernel.h"

struct binfmt_head {
	const char *name; /* as given to execve(2); NULL: no name to match */
	uint8_t bytes[BINFMT_HEAD_SIZE];
	size_t size;  /* bytes that the file has of these; the rest is zero */
	size_t limit; /* bytes that this kernel looks at: 256, before Linux 5.1 128 */
};

/* How the programs of an architecture begin: those of its magic `i`. */
struct binfmt_head binfmt_match_head(const struct binfmt_arch *arch, size_t i);

/* Whether the entry takes the file, by magic or by the name's ending; not its state. */
bool binfmt_match(const struct binfmt_entry *entry, const struct binfmt_head *head);

/* A byte in which a file is not what an entry wants. */
struct binfmt_difference {
	size_t at; /* in the file */
	uint8_t wanted;
	uint8_t mask;
	uint8_t found;
	bool beyond; /* the file ends before it */
};

/*
 * The first difference at or after byte *i of the entry's magic, and *i after it; false
 * when there is none. Start with *i as 0.
 */
bool binfmt_match_difference(const struct binfmt_entry *entry,
			     const struct binfmt_head *head, size_t *i,
			     struct binfmt_difference *d);

/* An entry that does not take a file. */
struct binfmt_miss {
	const struct binfmt_entry *entry;
	size_t wrong; /* differing bytes; 0: it matches, but is disabled */
};

/*
 * The nearest misses, nearest first; returns how many, at most max. Left out are entries
 * of which less than half of the bytes are right, and extensions.
 */
size_t binfmt_match_nearest(const struct binfmt_entries *entries,
			    const struct binfmt_head *head, struct binfmt_miss *misses,
			    size_t max);

/* The first line of a script. Both are cut at the bytes that the kernel looks at. */
struct binfmt_script {
	char interpreter[BINFMT_HEAD_SIZE];
	char argument[BINFMT_HEAD_SIZE]; /* all that follows, as one; may be empty */
};

/* -ENOENT: no `#!` at the start. -ENOEXEC: the kernel refuses the line, for this reason.
 */
int binfmt_script_parse(const struct binfmt_head *head, struct binfmt_script *script,
			struct err *e);
