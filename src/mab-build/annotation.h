/* SPDX-License-Identifier: MIT */
#pragma once

/* --annotation, and what it says of where an annotation goes. */

#include "base/err.h"
#include "build/build.h"

struct annotations {
	struct build_annotation *v;
	size_t n;
};

/*
 * Adds [WHAT[,WHAT…]:]NAME=VALUE. WHAT is manifest, manifest[PLATFORM], index or
 * manifest-descriptor; manifest when none is given.
 */
int annotations_add(struct annotations *a, const char *text, struct err *e);
bool annotations_have(const struct annotations *a, enum build_annotated what);
void annotations_free(struct annotations *a);
