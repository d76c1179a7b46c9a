/* SPDX-License-Identifier: MIT */
#pragma once

/* The options of the commands of `manifest`, and what they set: the same for all. */

#include "mab-build/command.h"
#include "mab-build/list.h"
#include "mab-build/remote.h"
#include "mab-build/storage.h"

enum manifest_option {
	OPT_ALL = 1,
	OPT_AMEND,
	OPT_ANNOTATION,
	OPT_ARCH,
	OPT_DIGESTFILE,
	OPT_FEATURES,
	OPT_FORMAT,
	OPT_OS,
	OPT_OS_FEATURES,
	OPT_OS_VERSION,
	OPT_QUIET,
	OPT_RM,
	OPT_VARIANT,
};

/* Rows for a command's table. */
#define ALL_OPTION                                                                       \
	{                                                                                \
		OPT_ALL, "all", .help = "of an index, the images of all platforms"       \
	}

struct manifest_settings {
	bool all, amend, convert, quiet, rm;
	enum oci_format format; /* with convert */
	const char *digestfile, *root;
	struct list_facts facts;
	struct remote remote;
	int n; /* words */
	char **words;
};

/* As a command's functions: see command.h. */
int manifest_set(void *settings, const struct cli_option *option, const char *value,
		 struct err *e);
int manifest_take_none(void *settings, int n, char **words, struct err *e);
int manifest_take_list(void *settings, int n, char **words, struct err *e);
int manifest_take_image(void *settings, int n, char **words, struct err *e);
int manifest_take_place(void *settings, int n, char **words, struct err *e);
int manifest_take_several(void *settings, int n, char **words, struct err *e);
void manifest_release(void *settings);

/* The name of a list, which is the store's. */
int manifest_list_name(struct image_name *name, const char *text, struct err *e);

/* Those that change a list: cmd-manifest-edit.c. */
extern const struct command manifest_add;
extern const struct command manifest_annotate;
extern const struct command manifest_create;
extern const struct command manifest_remove;
