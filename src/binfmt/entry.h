/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * One entry of binfmt_misc: which files it takes, and the interpreter that runs them.
 * Source: Documentation/admin-guide/binfmt-misc.rst and fs/binfmt_misc.c of Linux.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "base/strbuf.h"

enum {
	BINFMT_HEAD_SIZE = 256,	  /* bytes of a file that the kernel looks at (5.1) */
	BINFMT_REGISTER_MIN = 11, /* a register string's size in bytes */
	BINFMT_REGISTER_MAX = 1920,
};

enum binfmt_flag {
	BINFMT_PRESERVE_ARGV0 = 1 << 0, /* P */
	BINFMT_OPEN_BINARY = 1 << 1,	/* O */
	BINFMT_CREDENTIALS = 1 << 2,	/* C, implies O */
	BINFMT_FIX_BINARY = 1 << 3,	/* F, Linux 4.8 */
};

struct binfmt_entry {
	char *name;
	bool enabled;
	char *extension; /* NULL: matched by magic */
	size_t offset;	 /* of the magic in the file, in bytes */
	size_t size;	 /* of the magic */
	uint8_t magic[BINFMT_HEAD_SIZE];
	uint8_t mask[BINFMT_HEAD_SIZE]; /* all 0xff where the entry has none */
	char *interpreter;
	unsigned flags;	      /* enum binfmt_flag */
	char other_flags[24]; /* letters of a newer kernel, each once */
};

/*
 * Whether the kernel would take it, and would read it back as it is: names, sizes, and
 * bytes that its line-based files cannot carry. The text says which field.
 */
int binfmt_entry_validate(const struct binfmt_entry *entry, struct err *e);

/*
 * The string to write to `register`, which is a line of binfmt.d too. The separator is
 * `:`, or another where a field holds one; a mask that leaves nothing out is left out.
 * The entry must be valid; -E2BIG when the string would be too long.
 */
int binfmt_entry_format(const struct binfmt_entry *entry, struct strbuf *s,
			struct err *e);

/*
 * Reads an entry's file as the kernel shows it. name becomes the entry's. One of a kind
 * that is not known yet, without magic and extension, has size 0 and takes no file.
 */
int binfmt_entry_parse(struct binfmt_entry *entry, const char *name, const char *text,
		       struct err *e);

/* The inverse: as the kernel shows it, whatever the state of this kernel. */
void binfmt_entry_show(const struct binfmt_entry *entry, struct strbuf *s);

/* Letters in the order in which the kernel shows them, "POCF"; s is replaced. */
void binfmt_flags_format(unsigned flags, struct strbuf *s);

/* The inverse, in any order; C brings O. Fails at a letter that is none of them. */
int binfmt_flags_parse(const char *letters, unsigned *flags, struct err *e);

/*
 * Adds the flags of n letters, C with O; letters that are not known go to other_flags.
 * Returns how many were taken: fewer at one that no kernel could mean as a flag.
 */
size_t binfmt_entry_add_flags(struct binfmt_entry *entry, const char *letters, size_t n);

/* Same files, interpreter and flags; name and state are not compared. */
bool binfmt_entry_equal(const struct binfmt_entry *a, const struct binfmt_entry *b);

/* Same files. */
bool binfmt_entry_same_match(const struct binfmt_entry *a, const struct binfmt_entry *b);

/* Whether every bit of the magic counts. */
bool binfmt_entry_has_full_mask(const struct binfmt_entry *entry);

/* Whether the entry takes a file that starts with these bytes, ignoring its state. */
bool binfmt_entry_matches(const struct binfmt_entry *entry, const void *head, size_t n);

void binfmt_entry_free(struct binfmt_entry *entry);

#define AUTO_BINFMT_ENTRY CLEAN(binfmt_entry_free)
