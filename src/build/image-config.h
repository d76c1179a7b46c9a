/* SPDX-License-Identifier: MIT */
#pragma once

/* What instructions say of an image's configuration. */

#include "base/err.h"
#include "build/plan.h"

/* The value that PATH has where nobody set it. */
#define BUILD_DEFAULT_PATH                                                               \
	"PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"

/* That of FROM scratch. */
void build_config_scratch(struct oci_config *c, const struct oci_platform *platform);

int build_config_copy(struct oci_config *c, const struct oci_config *from, struct err *e);

/* Applies an expanded instruction; those that only write files change nothing. */
int build_config_apply(struct build_stage *s, const struct dockerfile_instruction *i,
		       struct err *e);

/* Sets a variable; NULL takes it away. */
void build_config_env(struct oci_config *c, const char *name, const char *value);

/* The shell of RUN, CMD and ENTRYPOINT. */
void build_config_shell(const struct oci_config *c, struct strv *shell);

/* A path of an instruction, seen from the working folder; absolute, clean, owned. */
char *build_config_path(const struct oci_config *c, const char *path);

/* What the history says of an instruction; owned. */
char *build_config_history(const struct build_stage *s,
			   const struct dockerfile_instruction *i);
