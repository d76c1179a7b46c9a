/* SPDX-License-Identifier: MIT */

/* --all-platforms: those that all bases have. */

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "build/internal.h"
#include "registry/pull.h"

struct platforms {
	struct oci_platform *v;
	size_t n;
};

static bool has(const struct platforms *list, const struct oci_platform *platform)
{
	for (size_t i = 0; i < list->n; i++)
		if (oci_platform_equal(&list->v[i], platform))
			return true;
	return false;
}

/* Of an index; attestations are of none. */
static int platforms_of(const struct oci_document *doc, struct platforms *list,
			struct err *e)
{
	AUTO_OCI_INDEX struct oci_index index = {0};
	int r = oci_index_parse(&index, doc, e);

	for (size_t i = 0; i < index.n && r == 0; i++) {
		struct oci_platform p = index.manifests[i].platform;

		if (!index.manifests[i].has_platform || strcmp(p.os, "unknown") == 0)
			continue;
		oci_platform_normalize(&p);
		if (has(list, &p))
			continue;
		GROW(list->v, list->n);
		list->v[list->n++] = p;
	}
	return r;
}

/* Those of b that the base has, too; of the first one, all. */
static int intersect(struct build *b, const char *name, struct registry *client,
		     bool first, struct err *e)
{
	AUTO_OCI_REFERENCE struct oci_reference ref = {0};
	AUTO_OCI_DOCUMENT struct oci_document doc = {0};
	struct platforms list = {NULL, 0};
	size_t n = 0;
	int r = oci_reference_parse(&ref, name, e);

	if (r < 0)
		return r;
	oci_reference_complete(&ref);
	r = registry_resolve(client, &ref, &doc, e);
	if (r == 0 && !oci_document_is_index(&doc))
		r = err_set(e, -EINVAL,
			    "the image %s is for one platform only: name it with "
			    "--platform",
			    name);
	if (r == 0)
		r = platforms_of(&doc, &list, e);
	if (r == 0 && first) {
		free(b->platforms);
		b->platforms = list.v;
		b->nplatforms = list.n;
		return 0;
	}
	for (size_t i = 0; i < b->nplatforms && r == 0; i++)
		if (has(&list, &b->platforms[i]))
			b->platforms[n++] = b->platforms[i];
	b->nplatforms = n;
	free(list.v);
	return r;
}

/* The reference that a name of an image is; NULL: a folder. */
static const char *reference_of(struct build *b, const char *name)
{
	const struct build_named *named = build_named_find(b, name);

	if (!named)
		return strcmp(name, "scratch") == 0 ? NULL : name;
	return named->kind == BUILD_NAMED_IMAGE ? named->where : NULL;
}

/* The image that a stage begins from, the caller's; NULL: a stage, scratch, or fixed. */
static int base_name(struct build *b, size_t stage, char **name, struct err *e)
{
	const struct dockerfile *d = b->settings->dockerfile;
	const struct dockerfile_instruction *written =
		&d->instructions[d->stages[stage].first];
	AUTO_INSTRUCTION struct dockerfile_instruction from = {0};
	AUTO_VARS struct dockerfile_vars globals = {0};
	const struct oci_platform *h = &b->host;
	struct dockerfile_given given = {
		.build_args = &b->settings->build_args,
		.target_stage = b->settings->target,
		.build = {h->os, h->architecture, h->variant, h->os_version},
		.target = {h->os, h->architecture, h->variant, h->os_version},
	};
	const struct dockerfile_word *platform;
	const char *reference;
	int r = dockerfile_globals(d, &given, &globals, e);

	if (r == 0)
		r = dockerfile_expand_from(d, written, &globals, NULL, &from, e);
	if (r < 0)
		return r;
	platform = dockerfile_flag(&from, DOCKERFILE_FLAG_PLATFORM);
	reference = reference_of(b, from.args.v[0].text);
	if ((!platform || !*platform->text) && reference &&
	    dockerfile_stage_named(d, from.args.v[0].text, stage) < 0)
		*name = xstrdup(reference);
	return 0;
}

int build_platforms_of_bases(struct build *b, struct err *e)
{
	AUTO_REGISTRY struct registry *client = NULL;
	size_t bases = 0;
	int r = registry_new(b->settings->registry, &client, e);

	for (size_t i = 0; i < b->settings->dockerfile->nstages && r == 0; i++) {
		AUTO_FREE char *name = NULL;

		r = base_name(b, i, &name, e);
		if (r == 0 && name)
			r = intersect(b, name, client, bases++ == 0, e);
	}
	if (r < 0)
		return err_wrap(e, r, "--all-platforms");
	if (!bases)
		return err_set(e, -EINVAL,
			       "--all-platforms: no stage begins from an image that "
			       "could tell which platforms there are");
	return b->nplatforms ? 0
			     : err_set(e, -EINVAL,
				       "--all-platforms: there is no platform that all "
				       "bases have");
}
