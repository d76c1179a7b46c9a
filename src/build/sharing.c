/* SPDX-License-Identifier: MIT */
#include "build/sharing.h"

#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/alloc.h"
#include "build/internal.h"
#include "build/key.h"
#include "build/tree.h"

/* The folder of this machine that a step copies from; NULL: none. */
static struct build_folder *folder_of(struct build *b, const struct build_step *s)
{
	if (s->kind != BUILD_COPY)
		return NULL;
	return s->nsources ? s->sources[0]->folder : &b->context;
}

/* What a source names; what is wrong with it is for its own step to say. */
static void add_source(struct strv *paths, const struct build_tree *tree,
		       const char *source)
{
	AUTO_STRV struct strv names = STRV_INIT;

	if (build_tree_glob(tree, source, true, &names, NULL) < 0)
		return;
	for (size_t i = 0; i < names.n; i++) {
		char *resolved;
		struct stat st;

		if (build_tree_stat(tree, names.v[i], &resolved, &st, NULL) == 0)
			strv_own(paths, resolved);
	}
}

static void add_paths(struct build_copier *c, struct build_folder *folder)
{
	const struct dockerfile_instruction *in = &c->first->in;
	struct build_tree tree = build_folder_tree(folder);

	for (size_t i = 0; i + 1 < in->args.n; i++) {
		const char *source = in->args.v[i].text;

		if (in->kind != DOCKERFILE_ADD ||
		    !(build_git_is(source) || build_download_is(source)))
			add_source(&c->paths, &tree, source);
	}
	strv_sort(&c->paths);
}

/* The one that says the same, or a new one: its number. */
static size_t copier_of(struct build_sharing *sharing, const struct build_step *s,
			const struct build_files *files)
{
	struct build_copier new = {.first = s, .files = files};
	struct build_key k;

	build_key_begin(&k, "copier");
	build_key_instruction(&k, &s->in);
	build_key_text(&k, s->cwd);
	build_key_end(&k, &new.key);
	for (size_t i = 0; i < sharing->n; i++)
		if (sharing->v[i].files == files &&
		    oci_digest_equal(&sharing->v[i].key, &new.key))
			return i;
	GROW(sharing->v, sharing->n);
	sharing->v[sharing->n] = new;
	return sharing->n++;
}

void build_sharing_find(struct build *b)
{
	struct build_sharing *sharing = &b->sharing;

	for (size_t i = 0; i < b->plan.nsteps; i++) {
		struct build_step *s = b->plan.steps[i];
		const struct build_folder *folder = folder_of(b, s);

		if (folder)
			s->copier = copier_of(sharing, s, &folder->files) + 1;
	}
	if (sharing->n < 2 && !b->plan.runs)
		return; /* nobody to share with */
	for (size_t i = 0; i < sharing->n; i++)
		add_paths(&sharing->v[i], folder_of(b, sharing->v[i].first));
}

static int compare(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

/* Whether it is one of them, or in one of them. */
static bool covers(const struct strv *paths, const char *path)
{
	AUTO_FREE char *name = xstrdup(path);

	for (;;) {
		char *slash = strrchr(name, '/');

		if (paths->n &&
		    bsearch(&name, paths->v, paths->n, sizeof *paths->v, compare))
			return true;
		if (!*name)
			return false;
		*(slash ? slash : name) = '\0';
	}
}

bool build_is_shared(const struct build *b, const struct build_step *s,
		     const struct build_files *files, const char *path)
{
	for (size_t i = 0; i < b->sharing.n; i++) {
		const struct build_copier *c = &b->sharing.v[i];

		if (i + 1 != s->copier && c->files == files && covers(&c->paths, path))
			return true;
	}
	return false;
}

void build_sharing_free(struct build_sharing *sharing)
{
	for (size_t i = 0; i < sharing->n; i++)
		strv_free(&sharing->v[i].paths);
	free(sharing->v);
	*sharing = (struct build_sharing){0};
}
