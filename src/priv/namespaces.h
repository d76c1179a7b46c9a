/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * Namespaces other than the user's (namespaces(7)). Everything needs CAP_SYS_ADMIN in the
 * caller's user namespace, to which the new ones then belong.
 */

#include <pthread.h>
#include <semaphore.h>
#include <stdbool.h>
#include <sys/types.h>

#include "base/err.h"

/* A pid namespace, and the process that all others in it end with. */
struct priv_pidns {
	pid_t pid; /* of the first process, as the caller sees it */
	/* The rest is its own. */
	pthread_t thread;
	sem_t started, ended;
	int alive[2]; /* a pipe whose other end tells that the caller lives */
	void (*first)(void *context);
	void *context;
	int error;
};

/*
 * Starts a process that is the first of a new pid namespace, and calls `first` in it,
 * which must not return; all signals are blocked in it. It is killed when the caller's
 * process ends, however that is. On success priv_pidns_wait() must follow.
 */
int priv_pidns_start(struct priv_pidns *ns, void (*first)(void *), void *context,
		     struct err *e);

/* Waits for the end of that process, and so of all others; what wait(2) tells of it. */
int priv_pidns_wait(struct priv_pidns *ns);

/*
 * Moves the calling process, which must have one thread, into namespaces of its own for
 * mounts, ipc and uts; none of its mounts is seen elsewhere from then on, nor those of
 * others here. With own_network, into one that has a loopback interface alone.
 */
int priv_namespaces_enter(const char *hostname, bool own_network, struct err *e);

/* The same, into one of mounts alone. */
int priv_namespaces_mounts(struct err *e);
