/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * What a CI runner (Drone, Woodpecker) gives a plugin, as a build: settings are
 * variables of the environment whose names begin with PLUGIN_.
 */

#include <stdbool.h>

#include "base/err.h"
#include "base/strv.h"

struct plugin_plan {
	const char
		*created; /* the caller's: now, as RFC 3339 has it; before it is made */
	const char *nothing; /* why there is nothing to do; NULL: there is */
	struct strv words;   /* options of `mab-build build`; no password in them */
	struct strv merge;   /* not empty: options and these are for `mab-build merge` */
	const char *context;
	struct strv notes; /* for the user: what has no effect, what is unknown */
	struct strv tags;  /* whole names */
	/* Who to be, where; NULL: as the machine's auth files say. */
	const char *registry, *username, *password;
	const char *config;	   /* text of an auth file */
	const char *ssh_key;	   /* text of a private key */
	const char *mirror;	   /* of docker.io */
	const char *artifact_file; /* gets what was pushed, as JSON */
	bool push, insecure, purge;
	/* private: what the above points into */
	struct strv texts;
};

/*
 * environment is as environ(7). tags_file is the text of `.tags` in the workspace, NULL
 * when there is none. Pointers in the plan point into the environment too. A failure
 * names the setting.
 */
int plugin_plan_make(struct plugin_plan *plan, const char *const *environment,
		     const char *tags_file, struct err *e);
void plugin_plan_free(struct plugin_plan *plan);

#define AUTO_PLUGIN_PLAN CLEAN(plugin_plan_free)

/* --- For those who write settings down --- */

/* Which steps of a pipeline a setting is for: those that build, the one that merges. */
enum plugin_step {
	PLUGIN_BUILD = 1,
	PLUGIN_MERGE = 2,
	PLUGIN_SECRET = 4, /* it is not to be written down at all */
	PLUGIN_RUN = 8,	   /* it is about one run, with or without a merge */
};

/* The names without PLUGIN_, in order of the alphabet; NULL after the last. */
const char *plugin_setting_name(size_t i, unsigned *steps);

/* The one that was perhaps meant, or NULL. */
const char *plugin_setting_nearest(const char *name);

/* The value in an environment, or NULL; also when that is empty. */
const char *plugin_setting(const char *const *environment, const char *name);

/* The same of a list: JSON, or words with commas between. */
int plugin_setting_list(const char *const *environment, const char *name,
			struct strv *out, struct err *e);

/* The same of one that is true or false. */
int plugin_setting_bool(const char *const *environment, const char *name, bool usual,
			bool *flag, struct err *e);

/* The host of a registry that may be given as an address; the caller's. */
char *plugin_registry_name(const char *registry);

/* The whole name of REPO, the caller's; registry may be NULL. */
char *plugin_repository(const char *registry, const char *repo);
