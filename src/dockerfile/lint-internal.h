/* SPDX-License-Identifier: MIT */
#pragma once

/* What the files of rules share. A new rule is a name here, a row in lint.c, a call. */

#include "dockerfile/lint.h"

enum dockerfile_rule {
	RULE_CONSISTENT_INSTRUCTION_CASING,
	RULE_COPY_IGNORED_FILE,
	RULE_DUPLICATE_STAGE_NAME,
	RULE_EXPOSE_INVALID_FORMAT,
	RULE_EXPOSE_PROTO_CASING,
	RULE_FROM_AS_CASING,
	RULE_FROM_PLATFORM_FLAG_CONST_DISALLOWED,
	RULE_INVALID_DEFAULT_ARG_IN_FROM,
	RULE_INVALID_DEFINITION_DESCRIPTION,
	RULE_JSON_ARGS_RECOMMENDED,
	RULE_LEGACY_KEY_VALUE_FORMAT,
	RULE_MAINTAINER_DEPRECATED,
	RULE_MULTIPLE_INSTRUCTIONS_DISALLOWED,
	RULE_NO_EMPTY_CONTINUATION,
	RULE_REDUNDANT_TARGET_PLATFORM,
	RULE_RESERVED_STAGE_NAME,
	RULE_SECRETS_USED_IN_ARG_OR_ENV,
	RULE_STAGE_NAME_CASING,
	RULE_UNDEFINED_ARG_IN_FROM,
	RULE_UNDEFINED_VAR,
	RULE_WORKDIR_RELATIVE_PATH,
};

/* A stage while its instructions are looked at; kept for the stages that are FROM it. */
struct dockerfile_lint_stage {
	struct dockerfile_scope scope;
	bool env_known; /* the whole environment, the base's too */
	bool shell_set, workdir_set;
	const struct dockerfile_instruction *cmd, *entrypoint, *healthcheck;
};

struct dockerfile_lint {
	const struct dockerfile *d;
	const struct dockerfile_lint_options *o;
	struct dockerfile_warnings *w;
	struct dockerfile_vars globals;
	struct dockerfile_vars defaults; /* the same without --build-arg */
	struct dockerfile_lint_stage *stages;
	unsigned skip;	    /* rules not looked for, a bit each */
	unsigned skip_here; /* at the present instruction */
	struct err *e;
};

void dockerfile_lint_warn(struct dockerfile_lint *l, enum dockerfile_rule rule,
			  struct dockerfile_pos pos, const char *fmt, ...)
	__attribute__((format(printf, 4, 5)));

/* The rules about a FROM and its stage; begins the stage. */
int dockerfile_lint_from(struct dockerfile_lint *l, size_t stage);

/* The rules about any other instruction, which also moves the stage's scope on. */
int dockerfile_lint_instruction(struct dockerfile_lint *l,
				struct dockerfile_lint_stage *s,
				const struct dockerfile_instruction *i);

/* The comment above a FROM or ARG should begin with the name that it describes. */
void dockerfile_lint_description(struct dockerfile_lint *l,
				 const struct dockerfile_instruction *i,
				 const struct strv *names);
