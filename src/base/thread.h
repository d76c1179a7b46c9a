/* SPDX-License-Identifier: MIT */
#pragma once

#include <pthread.h>
#include <stddef.h>

#include "base/err.h"

/*
 * Starts a thread in which all signals are blocked: they are for the thread that the
 * program began with. A negative errno when there can be no more threads.
 */
int thread_start(pthread_t *thread, void *(*run)(void *context), void *context);

/*
 * Calls job(context, i) for every i below n, up to `threads` at once, of which the caller
 * is one; with fewer than wanted it goes on all the same. After a failure no more are
 * begun; the first one is what is returned.
 */
int thread_each(size_t threads, size_t n,
		int (*job)(void *context, size_t i, struct err *e), void *context,
		struct err *e);
