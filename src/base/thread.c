/* SPDX-License-Identifier: MIT */
#include "base/thread.h"

#include <signal.h>
#include <stdbool.h>
#include <string.h>

enum { THREADS_MAX = 64 };

int thread_start(pthread_t *thread, void *(*run)(void *context), void *context)
{
	sigset_t all, before;
	int r;

	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &before);
	r = pthread_create(thread, NULL, run, context);
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	return -r;
}

/* Jobs of one call, taken one after the other by its threads. */
struct crew {
	pthread_mutex_t lock;
	size_t next, n;
	int (*job)(void *context, size_t i, struct err *e);
	void *context;
	int result; /* the first failure */
	struct err *e;
};

static bool take(struct crew *c, size_t *i)
{
	bool more;

	pthread_mutex_lock(&c->lock);
	more = c->result == 0 && c->next < c->n;
	if (more)
		*i = c->next++;
	pthread_mutex_unlock(&c->lock);
	return more;
}

static void report(struct crew *c, int r, const struct err *why)
{
	pthread_mutex_lock(&c->lock);
	if (c->result == 0) {
		c->result = r;
		err_set(c->e, r, "%s", why->text ? why->text : strerror(-r));
	}
	pthread_mutex_unlock(&c->lock);
}

static void *work(void *context)
{
	struct crew *c = context;
	size_t i;

	while (take(c, &i)) {
		AUTO_ERR struct err why = ERR_INIT;
		int r = c->job(c->context, i, &why);

		if (r < 0)
			report(c, r, &why);
	}
	return NULL;
}

int thread_each(size_t wanted, size_t n,
		int (*job)(void *context, size_t i, struct err *e), void *context,
		struct err *e)
{
	struct crew c = {.n = n, .job = job, .context = context, .e = e};
	pthread_t threads[THREADS_MAX];
	size_t started = 0;

	if (wanted > THREADS_MAX)
		wanted = THREADS_MAX;
	pthread_mutex_init(&c.lock, NULL);
	while (started + 1 < wanted && started + 1 < n &&
	       thread_start(&threads[started], work, &c) == 0)
		started++;
	(void)work(&c);
	while (started)
		pthread_join(threads[--started], NULL);
	pthread_mutex_destroy(&c.lock);
	return c.result;
}
