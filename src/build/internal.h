/* SPDX-License-Identifier: MIT */
#pragma once

/* What the parts of a build share. */

#include <pthread.h>

#include "build/build.h"
#include "build/cache.h"
#include "build/files.h"
#include "build/image.h"
#include "build/layers.h"
#include "build/plan.h"
#include "oci/blobs.h"
#include "registry/client.h"
#include "run/filter.h"
#include "store/store.h"

struct build {
	const struct build_settings *settings;
	struct oci_platform host;
	struct oci_platform *platforms; /* to build for, normal form, each once */
	size_t nplatforms;
	int64_t now; /* or the epoch */
	int context; /* the folder; opened where steps can have it mounted */

	struct store *store;
	struct registry *registry;
	struct oci_blobs stored;   /* the store's */
	struct oci_blobs blobs;	   /* the same, and what can be fetched into it */
	char form[32];		   /* of snapshots */
	bool userxattr, one_owner; /* how snapshots are unpacked */
	struct run_filter filter;
	int cancel; /* an eventfd that can be read once the build is to end */

	pthread_mutex_t lock; /* of what follows, and of tell */
	struct build_layer **layers;
	size_t nlayers;
	struct build_outcomes made;

	struct build_files files; /* of the context */
	struct build_plan plan;
	struct build_images images;
	struct oci_document *manifests; /* one per platform */
	struct oci_document result;
};

void build_say(struct build *b, enum build_event event, const char *label,
	       const char *text);

/* The blobs of the store as others see them. */
void build_blobs_init(struct build *b);

/* Whether the build is to end. */
bool build_cancelled(const struct build *b);
