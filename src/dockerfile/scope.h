/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * Which variables an instruction sees, and the instructions with them expanded.
 *
 * ARG before the first FROM is for FROM lines; a stage sees such a value once it repeats
 * the ARG without a default. In a stage, an instruction sees what ARG and ENV before it
 * set; ENV beats ARG, whichever comes first. A stage that is FROM another one begins with
 * that one's variables. --build-arg beats defaults, and the platform arguments too.
 */

#include "base/err.h"
#include "dockerfile/ast.h"
#include "dockerfile/expand.h"

/* Strings are not owned; NULL is the same as "". */
struct dockerfile_platform {
	const char *os;
	const char *arch;
	const char *variant;
	const char *os_version;
};

/* What a build is given from outside. Not owned by what is made from it. */
struct dockerfile_given {
	const struct dockerfile_vars *build_args; /* NULL: none */
	struct dockerfile_platform build;
	struct dockerfile_platform target;
	const char *target_stage; /* --target, or NULL */
};

/*
 * The variables that FROM lines see: {BUILD,TARGET}{PLATFORM,OS,ARCH,VARIANT,OSVERSION},
 * TARGETSTAGE and the ARGs before the first FROM. Released with dockerfile_vars_free(),
 * also after a failure.
 */
int dockerfile_globals(const struct dockerfile *d, const struct dockerfile_given *given,
		       struct dockerfile_vars *globals, struct err *e);

/*
 * FROM with its image and platform expanded. missing (may be NULL) gets the names that
 * were not set.
 */
int dockerfile_expand_from(const struct dockerfile *d,
			   const struct dockerfile_instruction *from,
			   const struct dockerfile_vars *globals, struct strv *missing,
			   struct dockerfile_instruction *out, struct err *e);

/* The state between two instructions of a stage. */
struct dockerfile_scope {
	/* Gives the escape, and the file's name in messages. For an instruction from the
	   ONBUILD list of a base image it is set to what dockerfile_parse_trigger() made.
	 */
	const struct dockerfile *d;
	const struct dockerfile_given *given;
	const struct dockerfile_vars *globals;
	struct dockerfile_vars env;	/* of the image */
	struct dockerfile_vars visible; /* env and ARG values: the environment of RUN */
	struct strv declared;		/* names of ARGs, with a value or without */
	struct strv *missing; /* set by who wants the names that were not set; or NULL */
};

/* The pointers are kept. */
void dockerfile_scope_init(struct dockerfile_scope *s, const struct dockerfile *d,
			   const struct dockerfile_given *given,
			   const struct dockerfile_vars *globals);

/* Begins with a variable of the base image, or with all that another stage has. */
void dockerfile_scope_env(struct dockerfile_scope *s, const char *name,
			  const char *value);
void dockerfile_scope_inherit(struct dockerfile_scope *s,
			      const struct dockerfile_scope *base);

/*
 * The next instruction of the stage, expanded, and its effect on the scope. Values are
 * checked. The caller releases out with dockerfile_instruction_free(); after a failure it
 * is empty. The values of an ARG are those it gets; those without one stay NULL.
 */
int dockerfile_scope_next(struct dockerfile_scope *s,
			  const struct dockerfile_instruction *i,
			  struct dockerfile_instruction *out, struct err *e);

void dockerfile_scope_free(struct dockerfile_scope *s);

#define AUTO_SCOPE CLEAN(dockerfile_scope_free)

/*
 * The proxy variables among the build arguments (HTTP_PROXY, HTTPS_PROXY, FTP_PROXY,
 * NO_PROXY, ALL_PROXY in any case), which every RUN gets in capitals and in small
 * letters, though they belong neither into the image nor into a cache key.
 */
void dockerfile_proxy_env(const struct dockerfile_vars *build_args,
			  struct dockerfile_vars *env);

/* The build arguments that no ARG asks for and that mean nothing by themselves. */
void dockerfile_unused_args(const struct dockerfile *d,
			    const struct dockerfile_vars *build_args,
			    struct strv *unused);
