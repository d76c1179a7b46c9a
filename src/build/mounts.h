/* SPDX-License-Identifier: MIT */
#pragma once

/* What RUN --mount asks for, as mounts of the sandbox. */

#include "base/err.h"
#include "base/strv.h"
#include "build/plan.h"
#include "run/step.h"
#include "store/store.h"

struct build_relay;

struct build_mounts {
	struct run_mount *v;
	size_t n;
	struct strv env; /* variables that come from mounts: secrets, SSH_AUTH_SOCK */
	/* private: what they stand on, and what has to be undone */
	struct build_mount_base {
		struct store_draft draft;
		char *attached; /* path of a mount in this namespace */
		char *target;	/* when the Dockerfile does not say it */
		int source;
		int held; /* what keeps a cache in use */
		struct build_relay *relay;
	} * bases;
	struct build_mount_lock {
		struct oci_digest key;
		int fd;
	} * locks;
	size_t nlocks;
};

/* Waits for caches that others have locked. -ECANCELED when the build ends meanwhile. */
int build_mounts_open(struct build *b, const struct build_step *s, struct build_mounts *m,
		      struct err *e);

/* Undoes everything; what was written to a bind mount is gone. */
void build_mounts_close(struct build *b, struct build_mounts *m);

/* Adds what of the context the mounts let the step see, and what of other stages. */
int build_mounts_key(struct build *b, const struct build_step *s, struct build_key *k,
		     struct err *e);

/* --- The kinds, for the files mount-*.c --- */

struct build_mount {
	struct build *b;
	const struct build_step *s;
	const struct dockerfile_mount *m;
	const struct build_step *from; /* whose files it shows; NULL: the context */
	struct build_mounts *all;      /* where its variables and locks go */
	struct run_mount *mount;       /* to be filled */
	struct build_mount_base *base;
};

/* 1 when there is a mount to make, 0 when there is none. */
int build_mount_cache(struct build_mount *mount, struct err *e);
int build_mount_secret(struct build_mount *mount, struct err *e);
int build_mount_ssh(struct build_mount *mount, struct err *e);

/* Takes the locks of all `sharing=locked` caches of a step, in an order that all keep. */
int build_mount_lock_caches(struct build *b, const struct build_step *s,
			    struct build_mounts *all, struct err *e);

/* The step whose files mount number i shows; NULL: the context, or none. */
const struct build_step *build_mount_source(const struct build_step *s, size_t i);
