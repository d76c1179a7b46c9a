/* SPDX-License-Identifier: MIT */
#pragma once

/* What the parts of a build share. */

#include <pthread.h>

#include "build/agent.h"
#include "build/ahead.h"
#include "build/build.h"
#include "build/cache.h"
#include "build/caches.h"
#include "build/checkouts.h"
#include "build/copies.h"
#include "build/download.h"
#include "build/folder.h"
#include "build/image.h"
#include "build/layers.h"
#include "build/plan.h"
#include "build/secrets.h"
#include "build/seen.h"
#include "build/sharing.h"
#include "build/spool.h"
#include "oci/blobs.h"
#include "registry/client.h"
#include "run/cgroup.h"
#include "run/filter.h"
#include "store/store.h"

struct build {
	const struct build_settings *settings;
	struct oci_platform host;
	struct oci_platform *platforms; /* to build for, normal form, each once */
	size_t nplatforms;
	bool several;		       /* were asked for: the result is an index */
	struct oci_platform *emulated; /* those whose programs a handler runs */
	size_t nemulated;
	int64_t now;  /* or the epoch */
	double begun; /* by the monotonic clock */
	struct build_folder context;
	struct build_folder *named; /* as the settings' named; unused for images */

	struct store *store;
	struct store_draft empty; /* its fs is a folder with nothing in it */
	struct registry *registry;
	struct oci_blobs *stored;  /* the store's */
	struct oci_blobs blobs;	   /* the same, and what can be fetched into it */
	char form[16];		   /* of snapshots */
	bool userxattr, one_owner; /* how snapshots are unpacked */
	bool root;		   /* who called is the machine's administrator */
	bool store_is_private;	   /* nobody else can have changed what is in it */
	struct run_filter filter;
	struct run_filter insecure_filter; /* of RUN --security=insecure */
	struct build_secrets secrets;
	struct build_agents agents;
	struct run_cgroups cgroups; /* of RUN; not open: it has none */
	int cancel; /* an eventfd that can be read once the build is to end */

	pthread_mutex_t telling; /* events come one at a time */
	pthread_mutex_t lock;	 /* of what follows */
	struct build_layer **layers;
	size_t nlayers;
	struct build_outcomes made;
	struct build_caches caches; /* read before the steps, then as they are */
	struct build_copies copies;

	/*
	 * Held by who reads files whose digests are unknown: whoever wants the same ones
	 * waits for them, and does not read them once more.
	 */
	pthread_mutex_t reading;
	struct build_spool spool;
	struct build_sharing sharing; /* known before the steps */
	struct build_ahead ahead;
	struct build_downloads downloads;
	struct build_checkouts checkouts;
	struct build_seen seen;
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

/* All platforms that the bases have, into b->platforms. Before the store is open. */
int build_platforms_of_bases(struct build *b, struct err *e);

/* The layers that a stage adds to its base, as one; NULL when there are none. */
int build_squash(struct build *b, const struct build_stage *s, size_t nbase,
		 struct build_layer **layer, struct err *e);

/* The blobs of the store, once that is open, as others see them. */
void build_blobs_init(struct build *b);

/* Copies a blob of this machine into the store, verified. */
int build_blob_take(struct build *b, struct oci_blobs *from,
		    const struct oci_descriptor *blob, struct err *e);

/*
 * The images and caches from a reference's host, whose blobs are there: lent, in the
 * caller's list.
 */
size_t build_origins(const struct build *b, const struct oci_reference *ref,
		     struct oci_reference **origins);

/* Whether the build is to end. */
bool build_cancelled(const struct build *b);
