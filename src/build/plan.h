/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * From instructions and platforms to a graph of steps. Stages are looked at once per
 * platform to build for; steps that are equal, whichever stage and platform they come
 * from, are one. What a step is for is in its key: the keys of those before it, the
 * instruction with its variables replaced, and all else that it sees. So what does not
 * depend on the platform is done once, and stages that nobody needs are not there.
 */

#include "base/err.h"
#include "build/event.h"
#include "build/key.h"
#include "build/layers.h"
#include "dockerfile/scope.h"
#include "oci/config.h"

struct build_folder;
struct build_image;

enum build_step_kind {
	BUILD_BASE,  /* an image, or nothing at all */
	BUILD_FILES, /* a folder of this machine, that is read as it is */
	BUILD_RUN,
	BUILD_COPY,    /* and ADD */
	BUILD_WORKDIR, /* makes the folder */
};

enum build_step_state {
	BUILD_WAITING,
	BUILD_RUNNING,
	BUILD_DONE,
	BUILD_FAILED, /* itself, or a step that it needs */
};

struct build_step {
	enum build_step_kind kind;
	struct oci_digest key;	     /* equal keys are one step */
	struct build_step *parent;   /* NULL for a base */
	struct build_step **sources; /* whose files it reads: --from, by instruction */
	size_t nsources;
	const struct build_image *image; /* of a base; NULL: scratch */
	struct build_folder *folder;	 /* of BUILD_FILES; else NULL */

	/* What it sees. */
	const struct dockerfile *file;	  /* for messages */
	struct dockerfile_instruction in; /* expanded */
	struct oci_platform platform;
	struct strv env; /* NAME=VALUE, sorted */
	struct strv shell;
	char *cwd, *user; /* user may be NULL */

	struct build_about about;
	unsigned users; /* platforms that need it */
	size_t last_user;
	bool fresh;    /* what it came to in other builds does not count */
	bool in_image; /* what it adds is pushed as soon as it is there */
	size_t copier; /* among those of the build's sharing, from 1; 0: none */

	/* The outcome, once it is done. */
	enum build_step_state state;
	struct build_chain layers; /* those below included */
	bool wrote;		   /* the last one is its own */
	int64_t created;
};

/* It is there, and no step to be done: nobody is told of it. */
static inline bool build_step_is_source(const struct build_step *s)
{
	return s->kind == BUILD_BASE || s->kind == BUILD_FILES;
}

/* A stage for one platform to build for. */
struct build_stage {
	size_t index;		      /* of the Dockerfile's */
	size_t target;		      /* of the build's platforms */
	struct oci_platform platform; /* its own, when FROM says so */
	struct dockerfile_given given;
	struct dockerfile_vars globals;
	struct dockerfile_scope scope;
	struct oci_config config;
	size_t base_history;	     /* entries that were there before */
	struct build_step **history; /* of the later ones; NULL: no step */
	size_t nhistory;
	bool cmd_set; /* by this stage */
	struct build_step *last;
	struct build_step **steps; /* its own ones */
	size_t nsteps;
};

struct build_plan {
	struct build_step **steps; /* each after those that it needs */
	size_t nsteps;
	struct build_stage **stages;
	size_t nstages;
	struct build_stage **targets; /* one for each platform */
	struct dockerfile **triggers; /* ONBUILD instructions of bases */
	size_t ntriggers;
	bool runs; /* there are RUN steps */
};

/*
 * The platforms whose programs the needed stages run, each once, without looking at any
 * image; *platforms is the caller's.
 */
int build_plan_runs(struct build *b, struct oci_platform **platforms, size_t *n,
		    struct err *e);

/* What --build-context says that a name of an image is; NULL: nothing. */
const struct build_named *build_named_find(const struct build *b, const char *name);

/* Fills the plan of b; asks for the configurations of bases. */
int build_plan_make(struct build *b, struct err *e);

/* Brings the configuration up to the outcome of the stage's steps, in these layers. */
void build_stage_finish(struct build *b, struct build_stage *s,
			const struct build_chain *layers);

void build_plan_free(struct build_plan *p);
