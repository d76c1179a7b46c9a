/* SPDX-License-Identifier: MIT */
#include "mab-build/annotation.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "mab-build/option-values.h"

static const char kinds[] = "manifest index manifest-descriptor";

/* Only these words, with or without a platform, can stand before a colon. */
static bool is_prefix(const char *text, size_t n)
{
	AUTO_FREE char *prefix = xstrndup(text, n);
	AUTO_STRV struct strv words = STRV_INIT;

	strv_split(&words, prefix, ",");
	for (size_t i = 0; i < words.n; i++) {
		size_t k = strcspn(words.v[i], "[");
		AUTO_FREE char *word = xstrndup(words.v[i], k);

		if (strcmp(word, "manifest") != 0 && strcmp(word, "index") != 0 &&
		    strcmp(word, "manifest-descriptor") != 0 &&
		    strcmp(word, "index-descriptor") != 0)
			return false;
	}
	return words.n > 0;
}

static int read_what(struct build_annotation *a, const char *text, struct err *e)
{
	const char *platform = strchr(text, '[');
	AUTO_FREE char *word = xstrndup(text, strcspn(text, "["));
	struct oci_platform parsed;
	int r = value_choose("annotation", word, kinds, "index-descriptor", e);

	if (r < 0)
		return r;
	a->what = (enum build_annotated)r;
	if (!platform)
		return 0;
	if (a->what == BUILD_ANNOTATE_INDEX || text[strlen(text) - 1] != ']')
		return err_set(e, -EINVAL, "--annotation: '%s' is not manifest[PLATFORM]",
			       text);
	a->platform = xstrndup(platform + 1, strlen(platform) - 2);
	return oci_platform_parse(&parsed, a->platform, e);
}

static int add(struct annotations *a, const char *what, const char *pair, struct err *e)
{
	const char *equals = strchr(pair, '=');
	struct build_annotation *new;

	if (!equals || equals == pair)
		return err_set(e, -EINVAL, "--annotation=%s is not NAME=VALUE", pair);
	GROW(a->v, a->n);
	new = &a->v[a->n++];
	*new = (struct build_annotation){.name = xstrndup(pair, (size_t)(equals - pair)),
					 .value = xstrdup(equals + 1)};
	return read_what(new, what, e);
}

int annotations_add(struct annotations *a, const char *text, struct err *e)
{
	size_t name = strcspn(text, "=");
	size_t n = strcspn(text, ":");
	AUTO_STRV struct strv what = STRV_INIT;
	AUTO_FREE char *prefix = NULL;
	int r = 0;

	if (n >= name || !is_prefix(text, n))
		return add(a, "manifest", text, e);
	prefix = xstrndup(text, n);
	strv_split(&what, prefix, ",");
	for (size_t i = 0; i < what.n && r == 0; i++)
		r = add(a, what.v[i], text + n + 1, e);
	return r;
}

bool annotations_have(const struct annotations *a, enum build_annotated what)
{
	for (size_t i = 0; i < a->n; i++)
		if (a->v[i].what == what)
			return true;
	return false;
}

void annotations_free(struct annotations *a)
{
	for (size_t i = 0; i < a->n; i++) {
		free(a->v[i].platform);
		free(a->v[i].name);
		free(a->v[i].value);
	}
	free(a->v);
}
