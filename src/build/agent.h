/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * The SSH agents that RUN --mount=type=ssh may ask: those that run, by their socket, and
 * ssh-agent(1) started for private keys.
 */

#include <sys/types.h>

#include "base/err.h"
#include "build/build.h"
#include "store/store.h"

struct build_agent {
	const char *id; /* of the settings */
	int socket;	/* O_PATH */
	/* One of the build's own: */
	int *keys; /* files in memory */
	size_t nkeys;
	pid_t pid; /* 0: not started */
	struct store_draft place;
};

struct build_agents {
	struct build_agent *v;
	size_t n;
};

/* Finds sockets and keys: as the user who called, before any namespace is entered. */
int build_agents_find(struct build_agents *a, const struct build_settings *settings,
		      struct err *e);

/* Starts those that have keys. They end with the calling thread, however that ends. */
int build_agents_start(struct build_agents *a, struct store *store, struct err *e);

/* NULL when there is none of this id. */
const struct build_agent *build_agent_get(const struct build_agents *a, const char *id);

/* A connection to it. */
int build_agent_connect(int socket);

void build_agents_free(struct build_agents *a);
