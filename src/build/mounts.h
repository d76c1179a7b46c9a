/* SPDX-License-Identifier: MIT */
#pragma once

/* What RUN --mount asks for, as mounts of the sandbox. */

#include "base/err.h"
#include "build/plan.h"
#include "run/step.h"
#include "store/store.h"

struct build_mounts {
	struct run_mount *v;
	size_t n;
	/* private: what they stand on, and what has to be undone */
	struct build_mount_base {
		struct store_draft draft;
		char *attached; /* path of a mount in this namespace */
		int source;
		struct oci_digest lock_key;
		int lock;
	} * bases;
};

int build_mounts_open(struct build *b, const struct build_step *s, struct build_mounts *m,
		      struct err *e);

/* Undoes everything; what was written to a bind mount is gone. */
void build_mounts_close(struct build *b, struct build_mounts *m);

/* Adds what of the context the mounts let the step see, and what of other stages. */
int build_mounts_key(struct build *b, const struct build_step *s, struct build_key *k,
		     struct err *e);
