/* SPDX-License-Identifier: MIT */
#include "build/ahead.h"

#include <stdlib.h>

#include "base/alloc.h"
#include "base/thread.h"
#include "build/internal.h"
#include "registry/push.h"

static void send_layer(struct build *b, const struct oci_reference *to,
		       struct build_layer *l)
{
	AUTO_FREE struct oci_reference *origins = NULL;
	size_t n = build_origins(b, to, &origins);

	/* If it fails, build_push() will fail too, and tell. */
	(void)registry_push_blob(b->registry, to, &l->blob, &b->blobs, origins, n, NULL);
}

static void *work(void *context)
{
	struct build *b = context;
	struct build_ahead *a = &b->ahead;

	pthread_mutex_lock(&a->lock);
	for (;;) {
		size_t i = a->next;

		if (i < a->nlayers * a->nto && !build_cancelled(b)) {
			struct build_layer *l = a->layers[i / a->nto];

			a->next++;
			pthread_mutex_unlock(&a->lock);
			send_layer(b, &a->to[i % a->nto], l);
			pthread_mutex_lock(&a->lock);
		} else if (a->ended) {
			break;
		} else {
			pthread_cond_wait(&a->changed, &a->lock);
		}
	}
	pthread_mutex_unlock(&a->lock);
	return NULL;
}

/* With fewer threads than wanted it takes longer. */
static void start(struct build *b)
{
	struct build_ahead *a = &b->ahead;

	while (a->nthreads < BUILD_AHEAD_THREADS &&
	       thread_start(&a->threads[a->nthreads], work, b) == 0)
		a->nthreads++;
}

int build_push_ahead(struct build *b, const char *name, struct err *e)
{
	struct build_ahead *a = &b->ahead;
	struct oci_reference ref;
	int r = oci_reference_parse(&ref, name, e);

	if (r < 0)
		return r;
	oci_reference_complete(&ref);
	GROW(a->to, a->nto);
	a->to[a->nto++] = ref;
	for (size_t i = 0; i < b->nplatforms; i++)
		for (struct build_step *s = b->plan.targets[i]->last; s; s = s->parent)
			s->in_image = true;
	return 0;
}

static bool has_layer(const struct build_ahead *a, const struct build_layer *l)
{
	for (size_t i = 0; i < a->nlayers; i++)
		if (a->layers[i] == l)
			return true;
	return false;
}

void build_ahead_add(struct build *b, const struct build_step *s)
{
	struct build_ahead *a = &b->ahead;

	if (!s->in_image)
		return;
	pthread_mutex_lock(&a->lock);
	for (size_t i = 0; i < s->layers.n; i++) {
		if (has_layer(a, s->layers.v[i]))
			continue;
		GROW(a->layers, a->nlayers);
		a->layers[a->nlayers++] = s->layers.v[i];
	}
	if (!a->nthreads && a->nlayers)
		start(b);
	pthread_cond_broadcast(&a->changed);
	pthread_mutex_unlock(&a->lock);
}

void build_ahead_finish(struct build *b)
{
	struct build_ahead *a = &b->ahead;

	pthread_mutex_lock(&a->lock);
	a->ended = true;
	pthread_cond_broadcast(&a->changed);
	pthread_mutex_unlock(&a->lock);
	while (a->nthreads)
		pthread_join(a->threads[--a->nthreads], NULL);
}

void build_ahead_free(struct build *b)
{
	struct build_ahead *a = &b->ahead;

	build_ahead_finish(b);
	for (size_t i = 0; i < a->nto; i++)
		oci_reference_free(&a->to[i]);
	free(a->to);
	free(a->layers);
	pthread_mutex_destroy(&a->lock);
	pthread_cond_destroy(&a->changed);
}
