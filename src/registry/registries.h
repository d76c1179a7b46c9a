/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * What this machine says about registries: registries.conf, version 2
 * (containers-registries.conf(5) and containers-registries.conf.d(5)).
 */

#include <stdbool.h>
#include <stddef.h>

#include "base/err.h"
#include "base/strv.h"
#include "oci/map.h"
#include "oci/reference.h"

enum registries_pulls { PULLS_ALL, PULLS_BY_DIGEST, PULLS_BY_TAG };

struct registries_mirror {
	char *location;
	bool insecure;
	enum registries_pulls pulls; /* that it serves */
};

struct registries_entry {
	char *prefix;	/* "host/path", or "*.host" */
	char *location; /* what the prefix stands for; NULL: itself (only after "*.") */
	char *file;	/* where it stands */
	unsigned line;
	bool insecure, blocked, mirror_by_digest_only;
	struct registries_mirror *mirrors;
	size_t n;
};

struct registries {
	struct registries_entry *entries;
	size_t n;
	bool has_search;
	struct strv search; /* where short names are looked for */
	bool enforcing;	    /* only one may be there */
	struct strv helpers;
	struct oci_map aliases; /* short name -> whole name */
	struct strv notes;	/* settings that are not known here, one a line */
};

/*
 * Reads a file's text over what was read before: an entry replaces the one of the same
 * prefix. file names it in messages; positions are set in e.
 */
int registries_parse(struct registries *r, const char *file, const char *text, size_t len,
		     struct err *e);

/*
 * Reads `file` alone; if it is NULL, $CONTAINERS_REGISTRIES_CONF; else the usual files,
 * those of registries_load_folders("/etc/containers", ~/.config/containers).
 */
int registries_load(struct registries *r, const char *file, struct err *e);

/*
 * The user's registries.conf and registries.conf.d; without the former, the system's
 * registries.conf and .d, then the user's .d. None has to be there; user may be NULL.
 */
int registries_load_folders(struct registries *r, const char *system, const char *user,
			    struct err *e);

/*
 * The complete names that a reference as it was parsed may mean, in order: of a short one
 * that of its alias, or one for each registry to search (docker.io when none are named).
 */
int registries_candidates(const struct registries *r, const struct oci_reference *ref,
			  struct strv *names, struct err *e);

/* The entry for a complete reference, NULL for none. -EACCES when it is blocked. */
int registries_find(const struct registries *r, const struct oci_reference *ref,
		    const struct registries_entry **entry, struct err *e);

/* A place where an image may be read. */
struct registries_place {
	struct oci_reference ref; /* complete */
	bool insecure;
};

struct registries_places {
	struct registries_place *v;
	size_t n;
};

/* Where a complete reference is read, in order: its mirrors, then its location. */
int registries_places(const struct registries *r, const struct oci_reference *ref,
		      struct registries_places *places, struct err *e);

void registries_places_free(struct registries_places *places);
void registries_free(struct registries *r);

#define AUTO_REGISTRIES CLEAN(registries_free)
#define AUTO_PLACES	CLEAN(registries_places_free)
