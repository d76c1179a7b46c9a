/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * What is to be installed at boot: binfmtctl.conf, which people write, and the files in
 * handlers.d, which --persist writes. The grammar is in binfmtctl.conf(5).
 */

#include <stdbool.h>

#include "base/err.h"
#include "base/strv.h"
#include "binfmt/arch.h"
#include "binfmt/entry.h"
#include "binfmt/plan.h"
#include "binfmtctl/command.h"

/* One file of handlers.d: an architecture, or an entry spelt out. */
struct persisted {
	char *name;	       /* of the file, without .conf */
	char *architecture;    /* "all", or any of its names; NULL: an entry spelt out */
	bool install;	       /* false: leave it out of `all` */
	char *qemu, *qemu_dir; /* what the options below point to */
	struct binfmt_plan_options options; /* of an architecture */
	struct binfmt_entry entry;	    /* spelt out */
};

struct persisted_set {
	struct strv install;		    /* binfmtctl.conf's list */
	char *qemu_dir;			    /* what the options below point to */
	struct binfmt_plan_options options; /* for that list */
	struct persisted *v;		    /* sorted by name */
	size_t n;
};

/* Reads binfmtctl.conf and handlers.d; missing ones are empty. */
int persisted_load(struct persisted_set *set, const char *config_dir, struct err *e);
void persisted_free(struct persisted_set *set);

/* Writes the file of an architecture (NULL: of all), with the options of this call. */
int persist_arch(const struct settings *settings, const struct binfmt_arch *arch,
		 struct err *e);

/*
 * Removes it, and where `all` would bring the architecture back, writes one that leaves
 * it out. arch NULL: takes out everything that installs architectures.
 */
int persist_remove_arch(const struct settings *settings, const struct binfmt_arch *arch,
			struct err *e);

/* The same for an entry spelt out. */
int persist_entry(const struct settings *settings, const struct binfmt_entry *entry,
		  struct err *e);
int persist_remove_entry(const struct settings *settings, const char *name,
			 struct err *e);
