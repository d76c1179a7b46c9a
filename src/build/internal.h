/* SPDX-License-Identifier: MIT */
#pragma once

/* What the parts of a build share. */

#include <pthread.h>

#include "build/build.h"
#include "build/cache.h"
#include "build/copies.h"
#include "build/files.h"
#include "build/image.h"
#include "build/layers.h"
#include "build/plan.h"
#include "oci/blobs.h"
#include "registry/client.h"
#include "run/filter.h"
#include "store/store.h"

enum build_storage {
	BUILD_STORAGE_UNKNOWN,
	BUILD_STORAGE_OVERLAY,
	BUILD_STORAGE_COPIES,
};

struct build {
	const struct build_settings *settings;
	struct oci_platform host;
	struct oci_platform *platforms; /* to build for, normal form, each once */
	size_t nplatforms;
	struct oci_platform *emulated; /* those whose programs a handler runs */
	size_t nemulated;
	int64_t now;  /* or the epoch */
	double begun; /* by the monotonic clock */
	int context;  /* the folder; opened where steps can have it mounted */

	struct store *store;
	struct registry *registry;
	struct oci_blobs stored;   /* the store's */
	struct oci_blobs blobs;	   /* the same, and what can be fetched into it */
	char form[32];		   /* of snapshots */
	bool userxattr, one_owner; /* how snapshots are unpacked */
	struct run_filter filter;
	int cancel; /* an eventfd that can be read once the build is to end */

	pthread_mutex_t telling; /* events come one at a time */
	pthread_mutex_t lock;	 /* of what follows */
	struct build_layer **layers;
	size_t nlayers;
	struct build_outcomes made;
	enum build_storage storage; /* see copies.h */
	struct build_copies copies;

	struct build_files files; /* of the context */
	struct build_plan plan;
	struct build_images images;
	struct oci_document *manifests; /* one per platform */
	struct oci_document result;
};

/* Tells of a step (NULL: of the build). */
void build_say(struct build *b, enum build_event_kind kind, const struct build_step *s,
	       const char *text);

/* The same of an event that has more to it; sets its time. */
void build_tell_event(struct build *b, struct build_event *event);

/* Seconds since the build began. */
double build_time(const struct build *b);

/* The blobs of the store as others see them. */
void build_blobs_init(struct build *b);

/* Whether the build is to end. */
bool build_cancelled(const struct build *b);
