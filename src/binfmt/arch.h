/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * The architectures that this program knows: for each, how its ELF files begin
 * (magic/NAME.conf) and what handles it (qemu/NAME.conf). The grammar is in magic/README.
 */

#include <stdbool.h>
#include <stddef.h>

#include "base/conf.h"
#include "base/err.h"
#include "base/strv.h"
#include "binfmt/magic.h"

struct binfmt_arch {
	char *name;		     /* qemu's: "aarch64" */
	struct binfmt_magic *magics; /* one entry of binfmt_misc each */
	size_t nmagics;
	struct strv names;     /* other names: Debian's, the machine's */
	struct strv platforms; /* OCI platforms: "linux/arm/v7", best first */
	char *qemu;	       /* qemu's name for what runs it: "aarch64" */
	char *prefix;	       /* of its program's and entries' names, see below */
	int flags;	       /* enum binfmt_flag, or -1: decided when installing */
};

struct binfmt_archs {
	struct binfmt_arch *v; /* sorted by name */
	size_t n;
};

/* One architecture, from what its two files say. */
int binfmt_arch_read(struct binfmt_arch *arch, const char *name, const struct conf *magic,
		     const struct conf *handler, struct err *e);
void binfmt_arch_free(struct binfmt_arch *arch);

/*
 * Loads the built-in table, and over it the files in magic.d and qemu.d of the folder
 * config (NULL: none).
 */
int binfmt_archs_load(struct binfmt_archs *archs, const char *config, struct err *e);

/*
 * From here on, programs are looked for, and entries named, as PREFIXqemu-ARCH. Entries
 * without the prefix still belong to their architecture.
 */
void binfmt_archs_set_prefix(struct binfmt_archs *archs, const char *prefix);

/*
 * The architecture of a name that a person types: qemu's with or without "qemu-", an OCI
 * platform with or without "linux/" and variant, Debian's, the machine's. NULL for none.
 */
const struct binfmt_arch *binfmt_archs_find(const struct binfmt_archs *archs,
					    const char *name);

/* The nearest name, for a misspelt one; NULL when none is near. Owned by the caller. */
char *binfmt_archs_nearest(const struct binfmt_archs *archs, const char *name);

/*
 * The architecture to which an entry of this name belongs, or the bridge to one (see
 * binfmt_kernel_replace); NULL for none.
 */
const struct binfmt_arch *binfmt_archs_find_entry(const struct binfmt_archs *archs,
						  const char *entry_name);

/* The short name for people: "arm64", "arm", "hppa". Owned by the caller. */
char *binfmt_arch_label(const struct binfmt_arch *arch);

/* The name of the entry for magics[i]: "qemu-aarch64". Owned by the caller. */
char *binfmt_arch_entry_name(const struct binfmt_arch *arch, size_t i);

void binfmt_archs_free(struct binfmt_archs *archs);

#define AUTO_BINFMT_ARCHS CLEAN(binfmt_archs_free)

/* The texts of magic/ and qemu/, built in. */
extern const struct conf_text binfmt_magic_texts[];
extern const size_t binfmt_magic_texts_count;
extern const struct conf_text binfmt_qemu_texts[];
extern const size_t binfmt_qemu_texts_count;
