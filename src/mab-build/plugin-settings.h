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
