/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/file.h"
#include "base/strbuf.h"
#include "cli/output.h"
#include "dockerfile/parser.h"
#include "mab-build/build-settings.h"
#include "mab-build/check.h"
#include "mab-build/command.h"
#include "mab-build/plan.h"
#include "mab-build/progress.h"
#include "mab-build/source.h"
#include "store/store.h"
#include "oci/metadata.h"

/* --- What becomes of it --- */

static int write_file(const char *path, const char *text, struct err *e)
{
	return file_write_at(AT_FDCWD, path, text, strlen(text), FILE_MODE_UMASK, e);
}

static int write_metadata(const struct settings *s, const struct build *b, struct err *e)
{
	AUTO_OCI_METADATA struct oci_metadata m = {.names = STRV_INIT};
	AUTO_FREE char *text = NULL;

	build_result_descriptor(b, &m.image);
	for (size_t i = 0; i < s->tags.n; i++)
		strv_add(&m.names, s->tags.v[i]);
	for (size_t i = 0; i < s->noutputs; i++)
		if (s->outputs[i].push && s->outputs[i].name)
			strv_add(&m.names, s->outputs[i].name);
	text = oci_metadata_write(&m);
	return write_file(s->metadata_file, text, e);
}

static int push(const struct settings *s, struct build *b, const char *name,
		struct progress *p, struct err *e)
{
	int r = build_push(b, name, s->by_digest, e);

	if (r == 0)
		progress_note(p, "pushed %s", name);
	return r;
}

/* An archive for Docker takes all tags, others the first. */
static char *name_for(const struct settings *s, enum transport transport,
		      const struct output *o)
{
	AUTO_STRBUF struct strbuf all = STRBUF_INIT;

	if (o->name)
		return xstrdup(o->name);
	if (!s->tags.n)
		return NULL;
	for (size_t i = 0; i < s->tags.n; i++)
		if (!i || transport == TRANSPORT_DOCKER_ARCHIVE)
			strbuf_addf(&all, "%s%s", i ? "," : "", s->tags.v[i]);
	return strbuf_take(&all);
}

static int export_as(const struct settings *s, struct build *b, enum transport transport,
		     const struct output *o, struct err *e)
{
	AUTO_FREE char *name = name_for(s, transport, o);
	const struct transport_name to = {transport, o->dest, name};

	return build_export(b, &to, e);
}

static int export_one(const struct settings *s, struct build *b, const struct output *o,
		      struct progress *p, struct err *e)
{
	int r = 0;

	switch (o->type) {
	case OUTPUT_OCI:
		return export_as(s, b, TRANSPORT_OCI, o, e);
	case OUTPUT_OCI_ARCHIVE:
		return export_as(s, b, TRANSPORT_OCI_ARCHIVE, o, e);
	case OUTPUT_DOCKER_ARCHIVE:
		return export_as(s, b, TRANSPORT_DOCKER_ARCHIVE, o, e);
	case OUTPUT_LOCAL:
		return build_export_folder(b, o->dest, e);
	case OUTPUT_TAR:
		return build_export_tar(b, o->dest, e);
	case OUTPUT_IMAGE:
		if (o->name)
			r = build_tag(b, o->name, e);
		break;
	case OUTPUT_REGISTRY:
	case OUTPUT_NONE:
		break;
	}
	return r == 0 && o->push && o->name ? push(s, b, o->name, p, e) : r;
}

/* By --push, or an output that names nothing else. */
static bool pushes_tags(const struct settings *s)
{
	for (size_t i = 0; i < s->noutputs; i++)
		if (s->outputs[i].push && !s->outputs[i].name)
			return true;
	return s->push;
}

/* The layers that steps make are those of the image. */
static bool pushes_layers(const struct settings *s)
{
	return pushes_tags(s) && !s->build.squash && !s->build.level &&
	       s->build.compression == LAYER_GZIP;
}

static int write_caches(const struct settings *s, struct build *b, struct progress *p,
			struct err *e)
{
	for (size_t i = 0; i < s->ncache_to; i++) {
		const struct build_cache_place *to = &s->cache_to[i];
		AUTO_ERR struct err ignored = ERR_INIT;
		int r = build_cache_export(b, to, to->ignore_error ? &ignored : e);

		if (r < 0 && !to->ignore_error)
			return r;
		if (r < 0)
			progress_note(p, "%s", ignored.text);
		else
			progress_note(p, "wrote the cache %s", to->where);
	}
	return 0;
}

/* The store's image is the only one of that name. */
static bool stays_here(const struct settings *s)
{
	for (size_t i = 0; i < s->noutputs; i++)
		if (s->outputs[i].type == OUTPUT_IMAGE && s->outputs[i].name &&
		    !s->outputs[i].push)
			return true;
	return s->manifest || (s->tags.n && !pushes_tags(s));
}

static int finish(const struct settings *s, struct build *b, struct progress *p,
		  struct err *e)
{
	char id[OCI_DIGEST_TEXT];
	struct oci_digest digest;
	int r = stays_here(s) ? build_fetch(b, e) : 0;

	for (size_t i = 0; r == 0 && i < s->tags.n; i++)
		r = build_tag(b, s->tags.v[i], e);
	if (r == 0 && s->manifest)
		r = build_add_to_list(b, s->manifest, e);
	for (size_t i = 0; r == 0 && i < s->noutputs; i++)
		r = export_one(s, b, &s->outputs[i], p, e);
	for (size_t i = 0; r == 0 && pushes_tags(s) && i < s->tags.n; i++)
		r = push(s, b, s->tags.v[i], p, e);
	build_image_id(b, &digest);
	(void)oci_digest_format(&digest, id);
	if (r == 0 && s->iidfile)
		r = write_file(s->iidfile, id, e);
	if (r == 0 && s->metadata_file)
		r = write_metadata(s, b, e);
	if (r == 0)
		r = write_caches(s, b, p, e);
	progress_end(p);
	if (r == 0 && !s->stdout_taken)
		puts(id);
	return r;
}

/* What some platforms came to is published; that others failed is told all the same. */
static int finish_partial(const struct settings *s, struct build *b, struct progress *p,
			  struct err *e)
{
	AUTO_ERR struct err other = ERR_INIT;

	progress_note(p, "going on without the platforms that failed");
	if (finish(s, b, p, &other) < 0)
		progress_message(p, "what the others came to was not published: %s",
				 other.text);
	return -ECHILD;
}

/* A file that cannot be written is told of before hours of work, not after. */
static int check_file(const char *path, struct err *e)
{
	AUTO_FREE char *folder = NULL;
	const char *slash;
	struct stat st;
	size_t n;

	if (!path || strcmp(path, "-") == 0)
		return 0;
	/* A pipe, a device or a folder is written to as it is. */
	if (stat(path, &st) == 0 && !S_ISREG(st.st_mode))
		return 0;
	for (n = strlen(path); n && path[n - 1] == '/';)
		n--;
	slash = memrchr(path, '/', n);
	folder = slash ? xstrndup(path, (size_t)(slash - path) + 1) : xstrdup(".");
	return access(folder, W_OK | X_OK) < 0
		       ? err_sys(e, -errno, "cannot write %s", path)
		       : 0;
}

static int check_files(const struct settings *s, struct err *e)
{
	const char *const files[] = {s->iidfile, s->metadata_file, s->trace, s->timeline};
	int r = 0;

	for (size_t i = 0; r == 0 && i < ARRAY_SIZE(files); i++)
		r = check_file(files[i], e);
	/* Folders are made as they are needed. */
	for (size_t i = 0; r == 0 && i < s->noutputs; i++)
		if (s->outputs[i].type != OUTPUT_LOCAL)
			r = check_file(s->outputs[i].dest, e);
	return r;
}

/* Also of a build that failed. */
static int write_records(const struct settings *s, const struct progress *p,
			 struct err *e)
{
	int r = 0;

	if (s->trace)
		r = progress_write_trace(p, s->trace, e);
	if (r == 0 && s->timeline)
		r = progress_write_timeline(p, s->timeline, e);
	return r;
}

/* --- The build --- */

static struct build *running;

static void end_build(int sig)
{
	build_cancel(running);
}

static void catch_signals(struct build *b)
{
	/* A second one ends the program at once; the store and the kernel clean up. */
	struct sigaction action = {.sa_handler = end_build,
				   .sa_flags = (int)SA_RESETHAND};

	running = b;
	sigaction(SIGINT, &action, NULL);
	sigaction(SIGTERM, &action, NULL);
	sigaction(SIGHUP, &action, NULL);
	signal(SIGPIPE, SIG_IGN);
}

static int do_build(const struct settings *s, struct build *b, struct progress *p,
		    struct err *e)
{
	int r = build_plan(b, e);

	if (r < 0)
		return r;
	if (s->dry_run) {
		show_plan(b, s->progress == PROGRESS_JSON);
		return 0;
	}
	for (size_t i = 0; r == 0 && pushes_layers(s) && i < s->tags.n; i++)
		r = build_push_ahead(b, s->tags.v[i], e);
	if (r == 0)
		r = build_execute(b, e);
	if (r == 0)
		r = finish(s, b, p, e);
	else if (r > 0)
		r = finish_partial(s, b, p, e);
	progress_end(p);
	return r == 0 ? write_records(s, p, e) : (write_records(s, p, NULL), r);
}

/* Once the build is gone, since what it uses is not pruned. */
static int limit_cache(const struct settings *s, struct build **b, struct err *e)
{
	const struct store_prune what = {.keep = s->max_cache};
	AUTO_FREE char *root = xstrdup(build_root(*b));
	struct store_pruned pruned;
	struct store *store = NULL;
	int r;

	build_free(TAKE_PTR(*b));
	r = store_open(&store, root, false, e);
	if (r == 0)
		r = store_prune(store, &what, &pruned, e);
	store_close(store);
	return r;
}

static int tell_how_to_make_room(int r, struct err *e)
{
	AUTO_FREE char *text = NULL;

	if ((r != -ENOSPC && r != -EDQUOT) || !e || !e->text)
		return r;
	text = e->text;
	e->text =
		xasprintf("%s (`mab-build prune` makes room in the store, --root puts it "
			  "elsewhere)",
			  text);
	return r;
}

static int run_build(struct settings *s, struct progress *p, struct err *e)
{
	AUTO_BUILD struct build *b = NULL;
	int r;

	s->build.tell = progress_tell;
	s->build.tell_context = p;
	r = build_open(&s->build, &b, e);
	if (r < 0)
		return r;
	catch_signals(b);
	r = tell_how_to_make_room(do_build(s, b, p, e), e);
	progress_end(p);
	running = NULL;
	if (s->has_max_cache && !s->dry_run)
		r = r == 0 ? limit_cache(s, &b, e) : (limit_cache(s, &b, NULL), r);
	return r;
}

/* The exit status, or a negative errno. */
static int build_source(struct settings *s, struct source *source, struct progress *p,
			struct err *e)
{
	AUTO_DOCKERFILE struct dockerfile d = {0};
	int r = check_files(s, e);

	if (r == 0)
		r = source_read(source, s, e);
	if (r == 0 && s->check)
		return check(s, source, p);
	if (r == 0)
		r = dockerfile_parse(&d, source->name, source->text, source->len, e);
	if (r < 0)
		return r;
	s->build.dockerfile = &d;
	s->build.context = source->context.folder;
	s->build.ignore = &source->ignore;
	s->build.named = source->named;
	s->build.nnamed = source->nnamed;
	return run_build(s, p, e);
}

static int build(void *settings, struct err *e)
{
	struct settings *s = settings;
	AUTO_PROGRESS struct progress *p = progress_new(s->progress);
	CLEAN(source_free) struct source source = {0};
	int r;

	s->remote.settings.log = progress_log;
	s->remote.settings.data = p;
	r = build_source(s, &source, p, e);
	return r < 0 ? check_fail(&source, p, e) : r;
}

const struct command cmd_build = {
	.name = "build",
	.alias = "bud",
	.summary = "build an image from a Dockerfile",
	.program = &build_program,
	.size = sizeof(struct settings),
	.set = settings_set,
	.take = settings_take,
	.act = build,
	.release = settings_free,
};
