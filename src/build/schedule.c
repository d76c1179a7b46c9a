/* SPDX-License-Identifier: MIT */
#include "build/schedule.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/thread.h"
#include "build/internal.h"
#include "build/memory.h"
#include "build/step.h"

enum { JOBS_MAX = 256 };

/* What a RUN is taken to need: a compiler for a large file, emulated. */
static const uint64_t RUN_MEMORY = (uint64_t)512 << 20;

struct schedule {
	struct build *b;
	pthread_mutex_t lock;
	pthread_cond_t changed;
	size_t running;
	size_t runs, runs_max; /* of those, RUN steps */
	int failed;	       /* the first failure's code, and its words in e */
	struct err *e;
};

/* Whether a step can begin; one that needs a failed step fails with it. */
static bool is_ready(struct build_step *s)
{
	bool ready = true;

	for (size_t i = 0; i <= s->nsources; i++) {
		const struct build_step *needed =
			i < s->nsources ? s->sources[i] : s->parent;

		if (!needed)
			continue;
		if (needed->state == BUILD_FAILED)
			s->state = BUILD_FAILED;
		ready = ready && needed->state == BUILD_DONE;
	}
	return ready;
}

/* With the lock. */
static bool can_begin(const struct schedule *sched, struct build_step *s)
{
	if (s->state != BUILD_WAITING || !is_ready(s))
		return false;
	return s->kind != BUILD_RUN || sched->runs < sched->runs_max;
}

/* The next step to do, NULL when all that can be done is. With the lock. */
static struct build_step *next_step(struct schedule *sched)
{
	const struct build_plan *p = &sched->b->plan;

	for (;;) {
		if (build_cancelled(sched->b))
			return NULL;
		/* Steps come after those that they need: failures pass on in one go. */
		for (size_t i = 0; i < p->nsteps; i++)
			if (can_begin(sched, p->steps[i]))
				return p->steps[i];
		if (!sched->running)
			return NULL;
		pthread_cond_wait(&sched->changed, &sched->lock);
	}
}

static void fail_step(struct schedule *sched, struct build_step *s, int r, struct err *e)
{
	struct build *b = sched->b;

	s->state = BUILD_FAILED;
	/* What is ended because of another's failure is none of its own. */
	if (r == -ECANCELED && (sched->failed || build_cancelled(b))) {
		err_free(e);
		return;
	}
	build_say(b, BUILD_STEP_FAILED, s, e->text ? e->text : strerror(-r));
	if (!sched->failed) {
		sched->failed = r;
		err_wrap(e, r, "%s: %s", s->about.label ? s->about.label : "",
			 dockerfile_kind_name(s->in.kind));
		if (sched->e && !e->file)
			err_at(sched->e, r, s->file ? s->file->file : "", s->in.pos.line,
			       s->in.pos.column, "%s", e->text);
	}
	err_free(e);
	if (!b->settings->keep_going)
		build_cancel(b);
}

/* Does a step and tells of it; without the lock. */
static int do_step(struct build *b, struct build_step *s, struct err *e)
{
	struct build_event end = {.step = &s->about};
	double begun = build_time(b);
	bool cached;
	int r;

	if (build_step_is_source(s))
		return build_step_do(b, s, &cached, e);
	build_say(b, BUILD_STEP_BEGINS, s, s->in.source);
	r = build_step_do(b, s, &cached, e);
	if (r < 0)
		return r;
	end.kind = cached ? BUILD_STEP_CACHED : BUILD_STEP_DONE;
	end.took = build_time(b) - begun;
	build_tell_event(b, &end);
	return 0;
}

static void *work(void *data)
{
	struct schedule *sched = data;
	struct build *b = sched->b;
	struct build_step *s;

	pthread_mutex_lock(&sched->lock);
	while ((s = next_step(sched))) {
		struct err e = ERR_INIT;
		int r;

		s->state = BUILD_RUNNING;
		sched->running++;
		sched->runs += s->kind == BUILD_RUN;
		pthread_mutex_unlock(&sched->lock);
		r = do_step(b, s, &e);
		pthread_mutex_lock(&sched->lock);
		sched->running--;
		sched->runs -= s->kind == BUILD_RUN;
		if (r < 0)
			fail_step(sched, s, r, &e);
		else
			s->state = BUILD_DONE;
		pthread_cond_broadcast(&sched->changed);
	}
	pthread_mutex_unlock(&sched->lock);
	return NULL;
}

static unsigned jobs(const struct build *b)
{
	long n = b->settings->jobs ? (long)b->settings->jobs
				   : sysconf(_SC_NPROCESSORS_ONLN);

	return n < 1 ? 1 : n > JOBS_MAX ? JOBS_MAX : (unsigned)n;
}

/* As many RUN steps at once as there is memory for, but one in any case. */
static size_t runs_max(struct build *b, unsigned wanted)
{
	AUTO_CLOSE int proc = open("/proc", O_PATH | O_DIRECTORY | O_CLOEXEC);
	AUTO_CLOSE int cgroup = open("/sys/fs/cgroup", O_PATH | O_DIRECTORY | O_CLOEXEC);
	uint64_t memory = build_memory_available(proc, cgroup);
	uint64_t max = memory / RUN_MEMORY;
	AUTO_FREE char *note = NULL;
	size_t runs = 0;

	max = max ? max : 1;
	if (max >= wanted)
		return wanted;
	for (size_t i = 0; i < b->plan.nsteps; i++)
		runs += b->plan.steps[i]->kind == BUILD_RUN;
	if (runs > max) {
		note = xasprintf("at most %u RUN at once, not %u: %llu MiB of memory are "
				 "available, and each may need %llu",
				 (unsigned)max, wanted,
				 (unsigned long long)(memory >> 20),
				 (unsigned long long)(RUN_MEMORY >> 20));
		build_say(b, BUILD_NOTE, NULL, note);
	}
	return (size_t)max;
}

static void tell_steps(struct build *b)
{
	struct build_event event = {.kind = BUILD_STEPS};

	for (size_t i = 0; i < b->plan.nsteps; i++)
		event.steps += !build_step_is_source(b->plan.steps[i]);
	build_tell_event(b, &event);
}

int build_schedule(struct build *b, struct err *e)
{
	struct schedule sched = {.b = b, .e = e};
	AUTO_FREE pthread_t *threads = xcalloc(JOBS_MAX, sizeof *threads);
	unsigned n = 0, wanted = jobs(b);
	int r = 0;

	tell_steps(b);
	sched.runs_max = runs_max(b, wanted);
	pthread_mutex_init(&sched.lock, NULL);
	pthread_cond_init(&sched.changed, NULL);
	while (n < wanted && r == 0) {
		r = thread_start(&threads[n], work, &sched);
		n += r == 0;
	}
	if (n)
		r = 0; /* fewer threads do it too */
	for (unsigned i = 0; i < n; i++)
		pthread_join(threads[i], NULL);
	pthread_mutex_destroy(&sched.lock);
	pthread_cond_destroy(&sched.changed);
	if (r < 0)
		return err_sys(e, r, "cannot start a thread");
	if (sched.failed)
		return sched.failed;
	return build_cancelled(b) ? err_set(e, -ECANCELED, "the build was ended") : 0;
}
