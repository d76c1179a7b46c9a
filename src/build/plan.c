/* SPDX-License-Identifier: MIT */
#include "build/plan.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "build/image-config.h"
#include "build/internal.h"
#include "oci/reference.h"

/* --- Which steps there are --- */

static void step_free(struct build_step *s)
{
	dockerfile_instruction_free(&s->in);
	strv_free(&s->env);
	strv_free(&s->shell);
	free(s->cwd);
	free(s->user);
	free(s->about.label);
	free(s->sources);
	build_chain_free(&s->layers);
	free(s);
}

static void key_of(struct build_step *s)
{
	static const char *const kinds[] = {"base", "files", "run", "copy", "workdir"};
	struct build_key k;
	char platform[OCI_PLATFORM_TEXT];

	build_key_begin(&k, kinds[s->kind]);
	if (s->parent)
		build_key_digest(&k, &s->parent->key);
	if (s->image) {
		struct oci_digest layers;

		build_chain_digest(&s->image->layers, &layers);
		build_key_digest(&k, &layers);
	}
	if (s->folder)
		build_key_text(&k, s->folder->name);
	for (size_t i = 0; i < s->nsources; i++)
		build_key_digest(&k, &s->sources[i]->key);
	build_key_instruction(&k, &s->in);
	if (s->kind == BUILD_RUN) {
		build_key_text(&k, oci_platform_format(&s->platform, platform));
		build_key_list(&k, &s->env);
		build_key_list(&k, &s->shell);
	}
	build_key_text(&k, s->cwd);
	build_key_text(&k, s->user);
	build_key_end(&k, &s->key);
}

/* The step, or the equal one that there is already. Takes over s. */
static struct build_step *add_step(struct build_plan *p, struct build_step *s)
{
	key_of(s);
	for (size_t i = 0; i < p->nsteps; i++)
		if (oci_digest_equal(&p->steps[i]->key, &s->key)) {
			step_free(s);
			return p->steps[i];
		}
	s->last_user = (size_t)-1;
	GROW(p->steps, p->nsteps);
	p->steps[p->nsteps++] = s;
	return s;
}

static struct build_step *base_step(struct build_plan *p, const struct build_image *image)
{
	struct build_step *s = xcalloc(1, sizeof *s);

	s->kind = BUILD_BASE;
	s->image = image;
	return add_step(p, s);
}

static struct build_step *folder_step(struct build_plan *p, struct build_folder *folder)
{
	struct build_step *s = xcalloc(1, sizeof *s);

	s->kind = BUILD_FILES;
	s->folder = folder;
	return add_step(p, s);
}

/* --- What --build-context names --- */

/* "debian" and "docker.io/library/debian:latest" are one name. */
static bool same_name(const char *a, const char *b)
{
	AUTO_OCI_REFERENCE struct oci_reference ra = {0}, rb = {0};
	AUTO_FREE char *ta = NULL;
	AUTO_FREE char *tb = NULL;

	if (strcmp(a, b) == 0)
		return true;
	if (oci_reference_parse(&ra, a, NULL) < 0 ||
	    oci_reference_parse(&rb, b, NULL) < 0)
		return false;
	oci_reference_complete(&ra);
	oci_reference_complete(&rb);
	ta = oci_reference_format(&ra);
	tb = oci_reference_format(&rb);
	return strcmp(ta, tb) == 0;
}

/* NULL when nothing of that name was given. Such a name counts before stages. */
const struct build_named *build_named_find(const struct build *b, const char *name)
{
	const struct build_settings *s = b->settings;

	for (size_t i = 0; i < s->nnamed; i++)
		if (same_name(s->named[i].name, name))
			return &s->named[i];
	return NULL;
}

static struct build_folder *folder_of(struct build *b, const struct build_named *named)
{
	return &b->named[named - b->settings->named];
}

/* An image by its name, or what stands for that. */
static int image_get(struct build *b, const struct build_named *named, const char *name,
		     const struct oci_platform *platform, struct build_image **image,
		     struct err *e)
{
	if (named && named->kind == BUILD_NAMED_LAYOUT)
		return build_image_of_layout(b, named->where, named->image, platform,
					     image, e);
	return build_image_get(b, named ? named->where : name, platform, image, e);
}

/* --- Stages --- */

static int stage_get(struct build *b, size_t index, size_t target,
		     struct build_stage **stage, struct err *e);

static void set_platform(struct dockerfile_platform *to, const struct oci_platform *from)
{
	*to = (struct dockerfile_platform){from->os, from->architecture, from->variant,
					   from->os_version};
}

static void given_of(struct build *b, size_t target, struct dockerfile_given *given)
{
	*given = (struct dockerfile_given){.build_args = &b->settings->build_args,
					   .target_stage = b->settings->target};
	set_platform(&given->build, &b->host);
	set_platform(&given->target, &b->platforms[target]);
}

static const struct dockerfile_stage *dockerfile_stage_at(const struct build *b,
							  size_t index)
{
	return &b->settings->dockerfile->stages[index];
}

static const struct dockerfile_instruction *from_of(const struct build *b, size_t index)
{
	const struct dockerfile *d = b->settings->dockerfile;

	return &d->instructions[d->stages[index].first];
}

static int fail_in(const struct dockerfile *d, const struct dockerfile_instruction *i,
		   int r, struct err *e)
{
	AUTO_FREE char *text = NULL;

	if (!e || e->file)
		return r;
	text = xstrdup(e->text);
	return err_at(e, r, d->file, i->pos.line, i->pos.column, "%s", text);
}

/* A FROM that says which platform. 1 when it does. */
static int platform_of(const struct dockerfile_instruction *from,
		       struct oci_platform *platform, struct err *e)
{
	const struct dockerfile_word *word =
		dockerfile_flag(from, DOCKERFILE_FLAG_PLATFORM);
	int r;

	if (!word || !*word->text)
		return 0;
	r = oci_platform_parse(platform, word->text, e);
	return r < 0 ? r : 1;
}

/* The step whose files a --from means: of an earlier stage, or of an image. */
static int source_get(struct build *b, struct build_stage *s, const char *name,
		      struct build_step **source, struct err *e)
{
	const struct build_named *named = build_named_find(b, name);
	long index =
		named ? -1
		      : dockerfile_stage_find(b->settings->dockerfile, name, s->index);
	struct build_stage *other;
	struct build_image *image;
	int r;

	if (named && named->kind == BUILD_NAMED_FOLDER) {
		*source = folder_step(&b->plan, folder_of(b, named));
		return 0;
	}
	if (index >= 0) {
		r = stage_get(b, (size_t)index, s->target, &other, e);
		if (r == 0)
			*source = other->last;
		return r;
	}
	if (!named && strcmp(name, "scratch") == 0) {
		*source = base_step(&b->plan, NULL);
		return 0;
	}
	r = image_get(b, named, name, &s->platform, &image, e);
	if (r < 0 && !named && !strpbrk(name, "/:@"))
		return err_wrap(e, r, "no stage before is called %s", name);
	if (r < 0)
		return r;
	*source = base_step(&b->plan, image);
	return 0;
}

static int add_source(struct build *b, struct build_stage *stage, struct build_step *s,
		      const char *name, struct err *e)
{
	struct build_step *source = NULL;
	int r = source_get(b, stage, name, &source, e);

	if (r < 0)
		return r;
	GROW(s->sources, s->nsources);
	s->sources[s->nsources++] = source;
	return 0;
}

static int add_sources(struct build *b, struct build_stage *stage, struct build_step *s,
		       struct err *e)
{
	const struct dockerfile_word *from =
		dockerfile_flag(&s->in, DOCKERFILE_FLAG_FROM);
	int r = 0;

	if (from)
		r = add_source(b, stage, s, from->text, e);
	for (size_t i = 0; r == 0 && i < s->in.nmounts; i++)
		if (s->in.mounts[i].from)
			r = add_source(b, stage, s, s->in.mounts[i].from, e);
	return r;
}

static void set_env(struct build_stage *stage, struct build_step *s)
{
	const struct dockerfile_vars *v = &stage->scope.visible;

	if (!dockerfile_vars_get(v, "PATH"))
		strv_add(&s->env, BUILD_DEFAULT_PATH);
	for (size_t i = 0; i < v->n; i++)
		strv_addf(&s->env, "%s=%s", v->v[i].name, v->v[i].value);
}

/* Those of which the effect on files is not only in the configuration. */
static bool step_kind(const struct dockerfile_instruction *i, enum build_step_kind *kind)
{
	switch (i->kind) {
	case DOCKERFILE_RUN:
		*kind = BUILD_RUN;
		return true;
	case DOCKERFILE_COPY:
	case DOCKERFILE_ADD:
		*kind = BUILD_COPY;
		return true;
	case DOCKERFILE_WORKDIR:
		*kind = BUILD_WORKDIR;
		return true;
	default:
		return false;
	}
}

static int stage_step(struct build *b, struct build_stage *stage,
		      const struct dockerfile_instruction *i, enum build_step_kind kind,
		      struct build_step **step, struct err *e)
{
	struct build_step *s = xcalloc(1, sizeof *s);
	const struct oci_config *c = &stage->config;
	int r;

	s->kind = kind;
	s->parent = stage->last;
	s->file = stage->scope.d;
	s->platform = stage->platform;
	s->cwd = xstrdup(c->working_dir && *c->working_dir ? c->working_dir : "/");
	if (kind != BUILD_COPY)
		s->user = c->user ? xstrdup(c->user) : NULL;
	dockerfile_instruction_copy(&s->in, i);
	if (kind == BUILD_RUN) {
		set_env(stage, s);
		build_config_shell(c, &s->shell);
		b->plan.runs = true;
	}
	r = add_sources(b, stage, s, e);
	if (r < 0) {
		step_free(s);
		return r;
	}
	*step = stage->last = add_step(&b->plan, s);
	GROW(stage->steps, stage->nsteps);
	stage->steps[stage->nsteps++] = *step;
	return 0;
}

static void add_history(struct build_stage *s, const struct dockerfile_instruction *i,
			struct build_step *step)
{
	struct oci_history *h = oci_config_add_history(&s->config);

	h->created_by = build_config_history(s, i);
	GROW(s->history, s->nhistory);
	s->history[s->nhistory++] = step;
}

static int stage_instruction(struct build *b, struct build_stage *s,
			     const struct dockerfile_instruction *written, struct err *e)
{
	AUTO_INSTRUCTION struct dockerfile_instruction i = {0};
	struct build_step *step = NULL;
	enum build_step_kind kind;
	int r = dockerfile_scope_next(&s->scope, written, &i, e);

	if (r == 0)
		r = build_config_apply(s, &i, e);
	if (r == 0 && step_kind(&i, &kind))
		r = stage_step(b, s, &i, kind, &step, e);
	if (r < 0)
		return fail_in(s->scope.d, written, r, e);
	add_history(s, &i, step);
	return 0;
}

/* An instruction that does not stand in the Dockerfile. */
static int stage_text(struct build *b, struct build_stage *s, const char *origin,
		      const char *text, struct err *e)
{
	struct build_plan *p = &b->plan;
	struct dockerfile *d = xcalloc(1, sizeof *d);
	int r;

	GROW(p->triggers, p->ntriggers);
	p->triggers[p->ntriggers++] = d;
	r = dockerfile_parse_trigger(d, origin, text, e);
	if (r < 0)
		return r;
	s->scope.d = d;
	r = stage_instruction(b, s, &d->instructions[0], e);
	s->scope.d = b->settings->dockerfile;
	return r;
}

/* Instructions that the base left for those who build on it. */
static int stage_triggers(struct build *b, struct build_stage *s, struct err *e)
{
	AUTO_STRV struct strv triggers = s->config.on_build;
	int r = 0;

	s->config.on_build = (struct strv)STRV_INIT;
	for (size_t i = 0; r == 0 && i < triggers.n; i++)
		r = stage_text(b, s, "ONBUILD of the base image", triggers.v[i], e);
	return r;
}

static int begin_from_stage(struct build *b, struct build_stage *s, size_t base,
			    struct err *e)
{
	struct build_stage *other;
	int r = stage_get(b, base, s->target, &other, e);

	if (r < 0)
		return r;
	s->platform = other->platform;
	s->last = other->last;
	s->base_history = other->base_history;
	for (size_t i = 0; i < other->nhistory; i++) {
		GROW(s->history, s->nhistory);
		s->history[s->nhistory++] = other->history[i];
	}
	dockerfile_scope_inherit(&s->scope, &other->scope);
	return build_config_copy(&s->config, &other->config, e);
}

static void inherit_env(struct build_stage *s)
{
	for (size_t i = 0; i < s->config.env.n; i++) {
		const char *text = s->config.env.v[i];
		const char *equals = strchr(text, '=');
		AUTO_FREE char *name = xstrndup(text, strcspn(text, "="));

		dockerfile_scope_env(&s->scope, name, equals ? equals + 1 : "");
	}
}

/* FROM a folder: an image that has nothing but its files. */
static int begin_from_folder(struct build *b, struct build_stage *s,
			     const struct build_named *named, struct err *e)
{
	AUTO_FREE char *text = xasprintf("COPY --from=%s . /", named->name);

	build_config_scratch(&s->config, &s->platform);
	s->last = base_step(&b->plan, NULL);
	return stage_text(b, s, "--build-context", text, e);
}

static int begin_from_image(struct build *b, struct build_stage *s,
			    const struct build_named *named, const char *name,
			    struct err *e)
{
	struct build_image *image = NULL;
	int r = 0;

	if (named && named->kind == BUILD_NAMED_FOLDER)
		return begin_from_folder(b, s, named, e);
	if (!named && strcmp(name, "scratch") == 0) {
		build_config_scratch(&s->config, &s->platform);
	} else {
		r = image_get(b, named, name, &s->platform, &image, e);
		if (r == 0)
			r = build_config_copy(&s->config, &image->config, e);
		if (r == 0)
			oci_config_inherit(&s->config);
	}
	if (r < 0)
		return r;
	inherit_env(s);
	s->base_history = s->config.n_history;
	s->last = base_step(&b->plan, image);
	return 0;
}

static int stage_begin(struct build *b, struct build_stage *s, struct err *e)
{
	const struct dockerfile *d = b->settings->dockerfile;
	const struct dockerfile_instruction *written = from_of(b, s->index);
	AUTO_INSTRUCTION struct dockerfile_instruction from = {0};
	const struct build_named *named;
	const char *name;
	long base;
	int r;

	given_of(b, s->target, &s->given);
	s->platform = b->platforms[s->target];
	r = dockerfile_globals(d, &s->given, &s->globals, e);
	dockerfile_scope_init(&s->scope, d, &s->given, &s->globals);
	if (r == 0)
		r = dockerfile_expand_from(d, written, &s->globals, NULL, &from, e);
	if (r == 0)
		r = platform_of(&from, &s->platform, e);
	if (r < 0)
		return fail_in(d, written, r, e);
	name = from.args.v[0].text;
	named = build_named_find(b, name);
	base = named ? -1 : dockerfile_stage_named(d, name, s->index);
	r = base >= 0 ? begin_from_stage(b, s, (size_t)base, e)
		      : begin_from_image(b, s, named, name, e);
	if (r == 0)
		r = stage_triggers(b, s, e);
	return r < 0 ? fail_in(d, written, r, e) : 0;
}

static void stage_free(struct build_stage *s)
{
	dockerfile_scope_free(&s->scope);
	dockerfile_vars_free(&s->globals);
	oci_config_free(&s->config);
	free(s->history);
	free(s->steps);
	free(s);
}

static int stage_get(struct build *b, size_t index, size_t target,
		     struct build_stage **stage, struct err *e)
{
	const struct dockerfile *d = b->settings->dockerfile;
	const struct dockerfile_stage *ds = dockerfile_stage_at(b, index);
	struct build_plan *p = &b->plan;
	struct build_stage *s;
	int r;

	for (size_t i = 0; i < p->nstages; i++)
		if (p->stages[i]->index == index && p->stages[i]->target == target) {
			*stage = p->stages[i];
			return 0;
		}
	s = xcalloc(1, sizeof *s);
	s->index = index;
	s->target = target;
	r = stage_begin(b, s, e);
	for (size_t i = 1; r == 0 && i < ds->n; i++)
		r = stage_instruction(b, s, &d->instructions[ds->first + i], e);
	if (r < 0) {
		stage_free(s);
		return r;
	}
	GROW(p->stages, p->nstages);
	p->stages[p->nstages++] = s;
	*stage = s;
	return 0;
}

/* A stage that is given on the command line. */
static int stage_find(const struct build *b, const char *name, size_t *index,
		      struct err *e)
{
	const struct dockerfile *d = b->settings->dockerfile;
	AUTO_STRV struct strv names = STRV_INIT;
	const char *near;
	long found = dockerfile_stage_find(d, name, d->nstages);

	if (found >= 0) {
		*index = (size_t)found;
		return 0;
	}
	for (size_t i = 0; i < d->nstages; i++)
		if (d->stages[i].name)
			strv_add(&names, d->stages[i].name);
	near = strv_nearest(&names, name);
	return err_set(e, -ENOENT, "%s has no stage '%s'%s%s%s", d->file, name,
		       near ? " (did you mean '" : "", near ? near : "",
		       near ? "'?)" : "");
}

/* The stage to build: that of --target, or the last. */
static int target_stage(const struct build *b, size_t *index, struct err *e)
{
	*index = b->settings->dockerfile->nstages - 1;
	return b->settings->target ? stage_find(b, b->settings->target, index, e) : 0;
}

/* A step that is equal in several stages is done anew if that is asked for in one. */
static void refresh_stage(const struct build_stage *s)
{
	for (size_t i = 0; i < s->nsteps; i++)
		s->steps[i]->fresh = true;
}

static int refresh(struct build *b, struct err *e)
{
	const struct strv *names = &b->settings->no_cache_stages;
	struct build_plan *p = &b->plan;
	size_t index;
	int r = 0;

	for (size_t i = 0; b->settings->no_cache && i < p->nsteps; i++)
		p->steps[i]->fresh = true;
	for (size_t i = 0; r == 0 && i < names->n; i++) {
		r = stage_find(b, names->v[i], &index, e);
		for (size_t j = 0; r == 0 && j < p->nstages; j++)
			if (p->stages[j]->index == index)
				refresh_stage(p->stages[j]);
	}
	return r;
}

/* --- What they are called --- */

static bool is_emulated(const struct build *b, const struct build_step *s)
{
	for (size_t i = 0; i < b->nemulated; i++)
		if (oci_platform_equal(&b->emulated[i], &s->platform))
			return s->kind == BUILD_RUN;
	return false;
}

static void number_steps(struct build *b)
{
	unsigned n = 0;

	for (size_t i = 0; i < b->plan.nsteps; i++) {
		struct build_step *s = b->plan.steps[i];

		if (build_step_is_source(s))
			continue;
		s->about.id = ++n;
		s->about.emulated = is_emulated(b, s);
		(void)oci_platform_format(&s->platform, s->about.platform);
	}
}

static void label_stage(struct build *b, struct build_stage *s)
{
	const char *name = dockerfile_stage_at(b, s->index)->name;
	bool last = s == b->plan.targets[s->target];

	for (size_t i = 0; i < s->nsteps; i++) {
		struct build_step *step = s->steps[i];
		const char *platform = step->about.platform;

		if (!step->about.label)
			step->about.label = xasprintf(
				"%s %s%s%zu/%zu", platform, name && !last ? name : "",
				name && !last ? " " : "", i + 1, s->nsteps);
		if (step->last_user != s->target)
			step->users++;
		step->last_user = s->target;
	}
}

/*
 * "linux/amd64 2/3" becomes "linux/amd64+7 2/3" when seven platforms more need it, and
 * "linux/amd64->arm64 2/3" when another platform alone does.
 */
static void label_users(const struct build *b, struct build_step *s)
{
	char *old = s->about.label, user[OCI_PLATFORM_TEXT];
	int n = old ? (int)strcspn(old, " ") : 0;

	if (!old || (s->users == 1 &&
		     oci_platform_equal(&b->platforms[s->last_user], &s->platform)))
		return;
	(void)oci_platform_format(&b->platforms[s->last_user], user);
	if (s->users > 1)
		s->about.label = xasprintf("%.*s+%u%s", n, old, s->users - 1, old + n);
	else
		s->about.label =
			xasprintf("%.*s->%s%s", n, old, strchr(user, '/') + 1, old + n);
	free(old);
}

int build_plan_make(struct build *b, struct err *e)
{
	struct build_plan *p = &b->plan;
	size_t index;
	int r = target_stage(b, &index, e);

	p->targets = xcalloc(b->nplatforms, sizeof *p->targets);
	for (size_t i = 0; r == 0 && i < b->nplatforms; i++)
		r = stage_get(b, index, i, &p->targets[i], e);
	if (r == 0)
		r = refresh(b, e);
	if (r < 0)
		return r;
	number_steps(b);
	for (size_t i = 0; i < p->nstages; i++)
		label_stage(b, p->stages[i]);
	for (size_t i = 0; i < p->nsteps; i++)
		label_users(b, p->steps[i]);
	return 0;
}

void build_plan_free(struct build_plan *p)
{
	for (size_t i = 0; i < p->nsteps; i++)
		step_free(p->steps[i]);
	for (size_t i = 0; i < p->nstages; i++)
		stage_free(p->stages[i]);
	for (size_t i = 0; i < p->ntriggers; i++) {
		dockerfile_free(p->triggers[i]);
		free(p->triggers[i]);
	}
	free(p->steps);
	free(p->stages);
	free(p->targets);
	free(p->triggers);
	*p = (struct build_plan){0};
}

/* --- Which programs will run --- */

struct runs {
	struct build *b;
	bool *seen; /* by stage and target */
	struct oci_platform *platforms;
	size_t n;
};

static void runs_add(struct runs *runs, const struct oci_platform *platform)
{
	for (size_t i = 0; i < runs->n; i++)
		if (oci_platform_equal(&runs->platforms[i], platform))
			return;
	GROW(runs->platforms, runs->n);
	runs->platforms[runs->n++] = *platform;
}

static int runs_stage(struct runs *runs, size_t index, size_t target,
		      struct oci_platform *platform, struct err *e);

/* A stage that --from names; one with variables in it is found when it is expanded. */
static int runs_source(struct runs *runs, size_t index, size_t target, const char *name,
		       struct err *e)
{
	struct oci_platform platform;
	long source = -1;

	if (name && !build_named_find(runs->b, name))
		source =
			dockerfile_stage_find(runs->b->settings->dockerfile, name, index);
	return source < 0 ? 0 : runs_stage(runs, (size_t)source, target, &platform, e);
}

static int runs_from(struct runs *runs, size_t index, size_t target,
		     struct oci_platform *platform, struct err *e)
{
	const struct dockerfile *d = runs->b->settings->dockerfile;
	const struct dockerfile_instruction *written = from_of(runs->b, index);
	AUTO_INSTRUCTION struct dockerfile_instruction from = {0};
	AUTO_VARS struct dockerfile_vars globals = {0};
	struct dockerfile_given given;
	long base;
	int r;

	given_of(runs->b, target, &given);
	r = dockerfile_globals(d, &given, &globals, e);
	if (r == 0)
		r = dockerfile_expand_from(d, written, &globals, NULL, &from, e);
	if (r < 0)
		return r;
	base = build_named_find(runs->b, from.args.v[0].text)
		       ? -1
		       : dockerfile_stage_named(d, from.args.v[0].text, index);
	if (base >= 0)
		return runs_stage(runs, (size_t)base, target, platform, e);
	*platform = runs->b->platforms[target];
	r = platform_of(&from, platform, e);
	return r < 0 ? fail_in(d, written, r, e) : 0;
}

static int runs_stage(struct runs *runs, size_t index, size_t target,
		      struct oci_platform *platform, struct err *e)
{
	const struct dockerfile *d = runs->b->settings->dockerfile;
	const struct dockerfile_stage *ds = &d->stages[index];
	bool *seen = &runs->seen[index * runs->b->nplatforms + target];
	int r = runs_from(runs, index, target, platform, e);

	if (r < 0 || *seen)
		return r;
	*seen = true;
	for (size_t i = 1; r == 0 && i < ds->n; i++) {
		const struct dockerfile_instruction *in = &d->instructions[ds->first + i];
		const struct dockerfile_word *from =
			dockerfile_flag(in, DOCKERFILE_FLAG_FROM);

		if (in->kind == DOCKERFILE_RUN)
			runs_add(runs, platform);
		r = runs_source(runs, index, target, from ? from->text : NULL, e);
		for (size_t m = 0; r == 0 && m < in->nmounts; m++)
			r = runs_source(runs, index, target, in->mounts[m].from, e);
	}
	return r;
}

int build_plan_runs(struct build *b, struct oci_platform **platforms, size_t *n,
		    struct err *e)
{
	struct runs runs = {.b = b};
	struct oci_platform platform;
	size_t index;
	int r = target_stage(b, &index, e);

	runs.seen = xcalloc(b->settings->dockerfile->nstages * b->nplatforms, 1);
	for (size_t i = 0; r == 0 && i < b->nplatforms; i++)
		r = runs_stage(&runs, index, i, &platform, e);
	free(runs.seen);
	*platforms = runs.platforms;
	*n = runs.n;
	return r;
}
