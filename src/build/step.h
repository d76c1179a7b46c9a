/* SPDX-License-Identifier: MIT */
#pragma once

/* Doing a step. */

#include "base/err.h"
#include "build/cache.h"
#include "build/plan.h"
#include "layer/write.h"
#include "store/store.h"

/* The steps that it needs are done. *cached: nothing had to be done. Any thread. */
int build_step_do(struct build *b, struct build_step *s, bool *cached, struct err *e);

/* The kinds; each finds out its key and its outcome. */
int build_step_run(struct build *b, struct build_step *s, struct build_outcome *outcome,
		   bool *cached, struct err *e);
int build_step_copy(struct build *b, struct build_step *s, struct build_outcome *outcome,
		    bool *cached, struct err *e);
int build_step_workdir(struct build *b, struct build_step *s,
		       struct build_outcome *outcome, bool *cached, struct err *e);

/*
 * 1 when the layers that a copy sees, with what is added to `told`, tell all that it
 * comes to: one from another stage, or an ADD of repositories, which are asked.
 */
int build_step_copy_told(struct build *b, const struct build_step *s, struct strbuf *told,
			 struct err *e);

/*
 * A lock of the store, for which it waits while another build has it; that may take long,
 * so the end of this build ends the wait: -ECANCELED.
 */
int build_lock(struct build *b, const struct oci_digest *key, struct err *e);

/*
 * The outcome of a step's key: the one that there is, or what make does, once, whoever
 * else asks for it meanwhile, in this process or another.
 */
int build_once(struct build *b, const struct build_step *s, const struct oci_digest *key,
	       int (*make)(struct build *b, void *context, struct build_outcome *outcome,
			   struct err *e),
	       void *context, struct build_outcome *outcome, bool *cached, struct err *e);

/* --- A layer in the making: entries go into writer --- */

struct build_new_layer {
	struct layer_writer *writer;
	/* private */
	struct store_ingest *in;
	struct layer_index index;
};

int build_new_layer_begin(struct build *b, struct build_new_layer *n, struct err *e);

/* Puts it into the store. *layer is NULL when it has no entries. */
int build_new_layer_end(struct build *b, struct build_new_layer *n,
			struct build_layer **layer, struct err *e);

/* In any case. */
void build_new_layer_free(struct build_new_layer *n);
