/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * Layers on their way to registries while other steps still run. It is only a matter of
 * time: whatever does not get there, build_push() sends, and tells why it cannot.
 */

#include <pthread.h>

#include "base/err.h"
#include "build/layers.h"
#include "oci/reference.h"

enum { BUILD_AHEAD_THREADS = 4 };

struct build_ahead {
	struct oci_reference *to;
	size_t nto;
	pthread_mutex_t lock; /* of what follows */
	pthread_cond_t changed;
	struct build_layer **layers; /* in the order in which they came */
	size_t nlayers;
	size_t next; /* of the layers, each as often as there are registries */
	bool ended;  /* no more come */
	pthread_t threads[BUILD_AHEAD_THREADS];
	unsigned nthreads;
};

struct build_step;

/* What a step of an image ended with goes up; nothing happens where nobody asked. */
void build_ahead_add(struct build *b, const struct build_step *s);

/* Returns when all have been tried. */
void build_ahead_finish(struct build *b);

/* Whatever is on its way then ends early, if the registry client is cancelled. */
void build_ahead_free(struct build *b);
