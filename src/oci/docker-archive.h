/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * The file manifest.json of the archives that `docker save` writes: which members are the
 * images' configurations and layers. Source: Docker's image specification 1.2, "Combined
 * Image JSON + Filesystem Changeset Format".
 */

#include <stddef.h>

#include "base/err.h"
#include "base/strv.h"

#define DOCKER_ARCHIVE_MANIFEST "manifest.json"

struct docker_archive_image {
	char *config;	    /* the member */
	struct strv tags;   /* "debian:12" */
	struct strv layers; /* members, the lowest first */
};

struct docker_archive {
	struct docker_archive_image *v;
	size_t n;
};

/* Texts of failures name what is wrong: "manifest.json: [0].Layers is missing". */
int docker_archive_parse(struct docker_archive *a, const char *data, size_t len,
			 struct err *e);

/* The JSON, owned by the caller. */
char *docker_archive_write(const struct docker_archive *a, size_t *len);
void docker_archive_free(struct docker_archive *a);

#define AUTO_DOCKER_ARCHIVE CLEAN(docker_archive_free)
