/* SPDX-License-Identifier: MIT */
#include "build/build.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>

#include "base/alloc.h"
#include "build/enter.h"
#include "build/filters.h"
#include "build/handlers.h"
#include "build/internal.h"
#include "build/schedule.h"
#include "priv/overlay.h"
#include "store/blobs.h"

/* --- What others need --- */

static double monotonic(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

double build_time(const struct build *b)
{
	return monotonic() - b->begun;
}

void build_tell_event(struct build *b, struct build_event *event)
{
	if (!b->settings->tell)
		return;
	pthread_mutex_lock(&b->telling);
	event->time = build_time(b);
	b->settings->tell(b->settings->tell_context, event);
	pthread_mutex_unlock(&b->telling);
}

void build_say(struct build *b, enum build_event_kind kind, const struct build_step *s,
	       const char *text)
{
	struct build_event event = {
		.kind = kind, .step = s ? &s->about : NULL, .text = text};

	build_tell_event(b, &event);
}

void build_cancel(struct build *b)
{
	const uint64_t one = 1;

	/* It can only fail when it is set already. */
	if (b && b->cancel >= 0)
		(void)!write(b->cancel, &one, sizeof one);
	if (b && b->registry)
		registry_cancel(b->registry);
}

bool build_cancelled(const struct build *b)
{
	uint64_t n;

	/* Reading takes the number away: put it back for the others. */
	if (read(b->cancel, &n, sizeof n) != sizeof n)
		return false;
	(void)!write(b->cancel, &n, sizeof n);
	return true;
}

/* --- Platforms --- */

static bool has_platform(const struct build *b, const struct oci_platform *platform)
{
	for (size_t i = 0; i < b->nplatforms; i++)
		if (oci_platform_equal(&b->platforms[i], platform))
			return true;
	return false;
}

static int set_platforms(struct build *b, struct err *e)
{
	const struct strv *wanted = &b->settings->platforms;

	oci_platform_of_host(&b->host);
	b->platforms = xcalloc(wanted->n + 1, sizeof *b->platforms);
	for (size_t i = 0; i < wanted->n; i++) {
		struct oci_platform platform;
		int r = oci_platform_parse(&platform, wanted->v[i], e);

		if (r < 0)
			return r;
		if (!has_platform(b, &platform))
			b->platforms[b->nplatforms++] = platform;
	}
	if (b->settings->all_platforms)
		return build_platforms_of_bases(b, e);
	if (!b->nplatforms)
		b->platforms[b->nplatforms++] = b->host;
	return 0;
}

/* --- Namespaces --- */

static int open_cgroups(struct build *b, struct err *e)
{
	const struct build_settings *s = b->settings;
	int r;

	if (!s->memory && !s->cgroup_parent)
		return 0;
	r = run_cgroups_open(&b->cgroups, s->cgroup_parent, s->memory, e);
	return r < 0 ? err_wrap(e, r, "cannot give RUN a cgroup") : 0;
}

static int enter(struct build *b, struct build_preflight *p, bool runs, struct err *e)
{
	AUTO_FREE char *shortfall = NULL;
	AUTO_FREE char *note = NULL;
	int r = build_enter(p->private, &b->one_owner, &shortfall, e);

	if (r < 0)
		return r;
	if (shortfall && runs) {
		note = xasprintf("all files belong to one user: %s", shortfall);
		build_say(b, BUILD_NOTE, NULL, note);
	}
	if (p->private)
		r = build_preflight_register(p, e);
	if (r == 0 && runs)
		r = run_system_check(e);
	return r == 0 && runs ? open_cgroups(b, e) : r;
}

/* Snapshots of one kind of ids and marks are of no use to another. */
static void set_form(struct build *b)
{
	uint32_t map = b->one_owner ? 0 : build_enter_ids();

	b->userxattr = priv_overlay_userxattr();
	strcpy(b->form, b->one_owner ? "one" : b->userxattr ? "user" : "root");
	if (map)
		snprintf(b->form + strlen(b->form), sizeof b->form - strlen(b->form),
			 "-%08" PRIx32, map);
}

/* Every layer holds two files open. */
static void raise_limits(void)
{
	struct rlimit limit;

	if (getrlimit(RLIMIT_NOFILE, &limit) < 0 || limit.rlim_cur == limit.rlim_max)
		return;
	limit.rlim_cur = limit.rlim_max < 65536 ? limit.rlim_max : 65536;
	(void)setrlimit(RLIMIT_NOFILE, &limit); /* large builds will tell */
}

static void registry_says(void *data, const char *line)
{
	build_say(data, BUILD_NOTE, NULL, line);
}

static void registry_moves(void *data, const struct oci_digest *blob, bool upload,
			   uint64_t done, uint64_t total)
{
	struct build_event event = {.kind = BUILD_TRANSFER,
				    .blob = blob,
				    .upload = upload,
				    .done = done,
				    .total = total};

	build_tell_event(data, &event);
}

static int open_registry(struct build *b, struct err *e)
{
	struct registry_settings s = *b->settings->registry;
	int r;

	s.log = registry_says;
	s.progress = registry_moves;
	s.data = b;
	build_seen_init(&b->seen, b->store);
	s.memory = &b->seen.memory;
	r = registry_new(&s, &b->registry, e);
	if (r == 0)
		build_downloads_init(&b->downloads, b->store, b->registry);
	build_checkouts_init(&b->checkouts, b->store);
	build_spool_init(&b->spool, b->store);
	return r;
}

static int open_folders(struct build *b, struct err *e)
{
	const struct build_settings *s = b->settings;
	int r = build_folder_open(&b->context, b->store, "the context", s->context,
				  s->ignore, e);

	b->named = xcalloc(s->nnamed + 1, sizeof *b->named);
	for (size_t i = 0; i < s->nnamed; i++) {
		b->named[i] = (struct build_folder)BUILD_FOLDER_INIT;
		if (r == 0 && s->named[i].kind == BUILD_NAMED_FOLDER)
			r = build_folder_open(&b->named[i], b->store, s->named[i].name,
					      s->named[i].where, s->named[i].ignore, e);
	}
	return r;
}

int build_open(const struct build_settings *settings, struct build **made, struct err *e)
{
	AUTO_PREFLIGHT struct build_preflight preflight = {.instance =
								   BINFMT_INSTANCE_INIT};
	AUTO_FREE struct oci_platform *runs = NULL;
	struct build *b = xcalloc(1, sizeof *b);
	size_t n = 0;
	int r;

	*made = b;
	b->settings = settings;
	b->context = (struct build_folder)BUILD_FOLDER_INIT;
	b->empty = (struct store_draft)STORE_DRAFT_INIT;
	b->cgroups = (struct run_cgroups)RUN_CGROUPS_INIT;
	b->root = geteuid() == 0;
	b->store_is_private = store_is_private(settings->root, b->root);
	b->now = settings->has_epoch ? settings->epoch : time(NULL);
	b->begun = monotonic();
	pthread_mutex_init(&b->lock, NULL);
	pthread_mutex_init(&b->reading, NULL);
	pthread_mutex_init(&b->ahead.lock, NULL);
	pthread_cond_init(&b->ahead.changed, NULL);
	pthread_mutex_init(&b->telling, NULL);
	build_copies_init(&b->copies);
	b->cancel = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	if (b->cancel < 0)
		return err_sys(e, -errno, "cannot make an eventfd");
	raise_limits();
	r = set_platforms(b, e);
	b->several = b->nplatforms > 1;
	if (r == 0)
		r = build_plan_runs(b, &runs, &n, e);
	if (r == 0)
		r = build_preflight_decide(&preflight, settings->handlers, runs, n, e);
	if (r == 0)
		r = build_secrets_read(&b->secrets, settings, e);
	if (r == 0)
		r = build_agents_find(&b->agents, settings, e);
	if (r == 0)
		r = enter(b, &preflight, n > 0, e);
	if (r < 0)
		return r;
	b->emulated = TAKE_PTR(preflight.emulated);
	b->nemulated = preflight.nemulated;
	set_form(b);
	r = store_open(&b->store, settings->root, b->root, e);
	if (r < 0)
		return r;
	build_blobs_init(b);
	r = store_draft_new(b->store, &b->empty, e);
	if (r == 0)
		r = build_filters_make(b, e);
	if (r == 0)
		r = build_agents_start(&b->agents, b->store, e);
	if (r == 0)
		r = open_folders(b, e);
	return r < 0 ? r : open_registry(b, e);
}

/* A misspelt one would otherwise go unnoticed. */
static void tell_unused_args(struct build *b)
{
	AUTO_STRV struct strv unused = STRV_INIT;

	dockerfile_unused_args(b->settings->dockerfile, &b->settings->build_args,
			       &unused);
	for (size_t i = 0; i < unused.n; i++) {
		AUTO_FREE char *note =
			xasprintf("no ARG asks for --build-arg %s", unused.v[i]);

		build_say(b, BUILD_NOTE, NULL, note);
	}
}

int build_plan(struct build *b, struct err *e)
{
	tell_unused_args(b);
	return build_plan_make(b, e);
}

/* The instruction, or the name of what steps begin with. */
static const char *text_of(const struct build_step *s)
{
	switch (s->kind) {
	case BUILD_BASE:
		return s->image ? s->image->name : "scratch";
	case BUILD_FILES:
		return s->folder->name;
	default:
		return s->in.source;
	}
}

static void show_planned(const struct build_step *s,
			 void (*step)(void *context, const struct build_planned *planned),
			 void *context)
{
	AUTO_FREE const struct build_about **sources =
		xcalloc(s->nsources + 1, sizeof *sources);
	struct build_planned planned = {
		.about = &s->about,
		.text = text_of(s),
		.source = s->kind == BUILD_BASE	   ? "base"
			  : s->kind == BUILD_FILES ? "folder"
						   : NULL,
		.parent = s->parent ? &s->parent->about : NULL,
		.sources = sources,
		.nsources = s->nsources,
	};

	for (size_t i = 0; i < s->nsources; i++)
		sources[i] = &s->sources[i]->about;
	step(context, &planned);
}

void build_plan_list(const struct build *b,
		     void (*step)(void *context, const struct build_planned *planned),
		     void *context)
{
	for (size_t i = 0; i < b->plan.nsteps; i++)
		show_planned(b->plan.steps[i], step, context);
}

const char *build_root(const struct build *b)
{
	return store_path(b->store);
}

/* Leaves out the platforms whose steps failed: how many are left. */
static size_t keep_done(struct build *b)
{
	struct build_stage **targets = b->plan.targets;
	size_t n = 0;

	for (size_t i = 0; i < b->nplatforms; i++)
		if (targets[i]->last->state == BUILD_DONE) {
			targets[n] = targets[i];
			b->platforms[n++] = b->platforms[i];
		}
	b->nplatforms = n;
	return n;
}

int build_execute(struct build *b, struct err *e)
{
	int r, written;

	build_caches_read(b);
	build_sharing_find(b);
	r = build_schedule(b, e);
	/* What was read need not be read again, also after a failure. */
	for (size_t i = 0; i <= b->settings->nnamed; i++) {
		struct build_files *files =
			i ? &b->named[i - 1].files : &b->context.files;

		if (r == 0)
			r = build_files_save(files, e);
		else
			(void)build_files_save(files, NULL);
	}
	if (r < 0 && (!b->settings->partial || build_cancelled(b) || !keep_done(b)))
		return r;
	written = build_images_write(b, r < 0 ? NULL : e);
	if (r < 0)
		return written < 0 ? r : 1;
	return written;
}

void build_free(struct build *b)
{
	if (!b)
		return;
	if (b->ahead.nthreads)
		build_cancel(b); /* nobody waits for what is on its way */
	build_ahead_free(b);
	build_plan_free(&b->plan);
	build_images_free(b);
	build_copies_free(&b->copies);
	build_layers_free(b);
	build_caches_free(b);
	build_downloads_free(&b->downloads);
	build_checkouts_free(&b->checkouts);
	build_sharing_free(&b->sharing);
	build_spool_free(&b->spool);
	build_folder_close(&b->context);
	for (size_t i = 0; b->named && i < b->settings->nnamed; i++)
		build_folder_close(&b->named[i]);
	free(b->named);
	free(b->made.v);
	run_filter_free(&b->filter);
	run_filter_free(&b->insecure_filter);
	build_agents_free(&b->agents);
	run_cgroups_close(&b->cgroups);
	build_secrets_free(&b->secrets);
	registry_free(b->registry);
	store_draft_discard(&b->empty);
	store_blobs_free(b->stored);
	store_close(b->store);
	clean_close(&b->cancel);
	free(b->platforms);
	free(b->emulated);
	pthread_mutex_destroy(&b->lock);
	pthread_mutex_destroy(&b->reading);
	pthread_mutex_destroy(&b->telling);
	free(b);
}

void build_free_p(struct build **b)
{
	build_free(*b);
}
