/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * Lets a step ask an SSH agent (draft-miller-ssh-agent): which keys it has, and for
 * signatures. What would change the agent is answered with a failure, so that a step
 * cannot lock it or take keys away. The socket belongs to whom the step's user is, which
 * the agent's own does not.
 */

#include <sys/types.h>

#include "base/err.h"

struct build_relay;

/* Makes the socket in a folder, and serves it by a thread. agent is O_PATH, borrowed. */
int build_relay_start(struct build_relay **relay, int dirfd, const char *name, uid_t uid,
		      gid_t gid, mode_t mode, int agent, struct err *e);

/* NULL is allowed. */
void build_relay_stop(struct build_relay *relay);
