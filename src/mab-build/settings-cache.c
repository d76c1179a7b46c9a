/* SPDX-License-Identifier: MIT */

/* --cache-from and --cache-to, in the form that buildah and docker have for them. */

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "mab-build/build-options.h"
#include "oci/reference.h"

/* What else there is elsewhere. */
static const char others[] = "gha s3 azblob inline";

/* The fields of one option, as they come. */
struct fields {
	const char *option;
	bool to;
	char *type, *ref, *folder, *tag;
	bool image_only, ignore_error;
};

static void fields_free(struct fields *f)
{
	free(f->type);
	free(f->ref);
	free(f->folder);
	free(f->tag);
}

/* The text that a field is kept in; NULL for those that are none. */
static char **text_of(struct fields *f, const char *key)
{
	if (strcmp(key, "type") == 0)
		return &f->type;
	if (strcmp(key, "ref") == 0)
		return &f->ref;
	if (strcmp(key, f->to ? "dest" : "src") == 0)
		return &f->folder;
	return strcmp(key, "tag") == 0 ? &f->tag : NULL;
}

/* What others let choose, and is one way here. */
static int must_be_true(const char *option, const char *value, struct err *e)
{
	bool on = false;
	int r = value_bool(option, value, &on, e);

	if (r == 0 && !on)
		r = err_set(e, -EINVAL,
			    "--%s: a cache is written as an OCI manifest, not otherwise",
			    option);
	return r;
}

static int set_destination(struct fields *f, const char *key, const char *value,
			   struct err *e)
{
	AUTO_FREE char *option = xasprintf("%s: %s", f->option, key);
	int r;

	if (strcmp(key, "mode") == 0) {
		r = value_choose(option, value, "max min", "", e);
		f->image_only = r == 1;
		return r < 0 ? r : 0;
	}
	if (strcmp(key, "ignore-error") == 0)
		return value_bool(option, value, &f->ignore_error, e);
	if (strcmp(key, "image-manifest") == 0 || strcmp(key, "oci-mediatypes") == 0)
		return must_be_true(option, value, e);
	return err_set(e, -EINVAL,
		       "--%s has no '%s' (it has type=, ref=, dest=, tag=, mode= and "
		       "ignore-error=)",
		       f->option, key);
}

static int set_field(struct fields *f, const char *field, struct err *e)
{
	const char *value = strchr(field, '=');
	AUTO_FREE char *key = xstrndup(field, strcspn(field, "="));
	char **text = text_of(f, key);

	if (!value)
		return err_set(e, -EINVAL, "--%s: '%s' is not NAME=VALUE", f->option,
			       field);
	if (text) {
		free(*text);
		*text = xstrdup(value + 1);
		return 0;
	}
	if (f->to)
		return set_destination(f, key, value + 1, e);
	return err_set(e, -EINVAL, "--%s has no '%s' (it has type=, ref=, src= and tag=)",
		       f->option, key);
}

static int check_reference(const struct fields *f, const char *ref, struct err *e)
{
	AUTO_OCI_REFERENCE struct oci_reference parsed = {0};
	int r = oci_reference_parse(&parsed, ref, e);

	if (r < 0)
		return err_wrap(e, r, "--%s", f->option);
	if (f->to && parsed.digest)
		return err_set(e, -EINVAL,
			       "--%s=%s: what is written has a tag, not a digest",
			       f->option, ref);
	return 0;
}

/* Fills in a place from fields that go together. */
static int take(struct fields *f, const char *value, struct build_cache_place *p,
		struct err *e)
{
	AUTO_FREE char *type = xasprintf("%s: type", f->option);
	const char *folder = f->to ? "dest" : "src";
	int r = f->type ? value_choose(type, f->type, "registry local", others, e) : 0;

	if (r < 0)
		return r;
	if (!f->type)
		return err_set(e, -EINVAL, "--%s=%s has no type=", f->option, value);
	p->local = r == 1;
	if (p->local ? !f->folder || f->ref : !f->ref || f->folder || f->tag)
		return err_set(e, -EINVAL,
			       "--%s=%s: type=%s has %s=, and not %s=", f->option, value,
			       f->type, p->local ? folder : "ref",
			       p->local ? "ref"
			       : f->tag ? "tag"
					: folder);
	p->image_only = f->image_only;
	p->ignore_error = f->ignore_error;
	if (p->local) {
		p->where = TAKE_PTR(f->folder);
		p->name = f->tag ? TAKE_PTR(f->tag) : xstrdup("latest");
		return 0;
	}
	p->where = TAKE_PTR(f->ref);
	return check_reference(f, p->where, e);
}

static struct build_cache_place *add_place(struct build_cache_place **list, size_t *n)
{
	GROW(*list, *n);
	(*list)[*n] = (struct build_cache_place){0};
	return &(*list)[(*n)++];
}

int settings_cache(const char *option, const char *value, bool to,
		   struct build_cache_place **list, size_t *n, struct err *e)
{
	CLEAN(fields_free) struct fields f = {.option = option, .to = to};
	AUTO_STRV struct strv words = STRV_INIT;
	bool bare = !strchr(value, '=');
	int r = 0;

	strv_split(&words, value, ",");
	/* Names alone are those of caches in registries. */
	for (size_t i = 0; bare && r == 0 && i < words.n; i++) {
		struct build_cache_place *p = add_place(list, n);

		p->where = xstrdup(words.v[i]);
		r = check_reference(&f, p->where, e);
	}
	if (bare)
		return r;
	for (size_t i = 0; r == 0 && i < words.n; i++)
		r = set_field(&f, words.v[i], e);
	return r < 0 ? r : take(&f, value, add_place(list, n), e);
}

void settings_cache_free(struct build_cache_place *list, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		free(list[i].where);
		free(list[i].name);
	}
	free(list);
}
