/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * Names of images: `[host[:port]/]path[:tag][@digest]`. Source: the reference grammar of
 * the distribution project, and distribution-spec, "Pulling manifests".
 */

#include "base/err.h"

struct oci_reference {
	char *host;   /* with the port; NULL: a short name, see oci_reference_complete */
	char *path;   /* "library/debian" */
	char *tag;    /* NULL: none is given */
	char *digest; /* "sha256:…"; NULL: none is given */
};

/* The text says which character is wrong where. */
int oci_reference_parse(struct oci_reference *reference, const char *text, struct err *e);

/*
 * Fills in what a short name leaves out: the host docker.io (index.docker.io is another
 * name of it), its folder library/, and, where there is neither tag nor digest, the tag
 * latest.
 */
void oci_reference_complete(struct oci_reference *reference);

/* The whole name, owned by the caller. */
char *oci_reference_format(const struct oci_reference *reference);

void oci_reference_free(struct oci_reference *reference);

#define AUTO_OCI_REFERENCE CLEAN(oci_reference_free)
