/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/strbuf.h"
#include "mab-build/build-options.h"

/* Each type's name; what a type is called elsewhere comes after. */
static const struct {
	const char *name;
	enum output_type type;
} types[] = {
	{"registry", OUTPUT_REGISTRY},
	{"image", OUTPUT_IMAGE},
	{"oci", OUTPUT_OCI},
	{"oci-archive", OUTPUT_OCI_ARCHIVE},
	{"docker-archive", OUTPUT_DOCKER_ARCHIVE},
	{"local", OUTPUT_LOCAL},
	{"tar", OUTPUT_TAR},
	{"none", OUTPUT_NONE},
	{"cacheonly", OUTPUT_NONE},
	{"docker", OUTPUT_DOCKER_ARCHIVE},
};

static int set_type(struct output *o, const char *value, struct err *e)
{
	AUTO_STRBUF struct strbuf known = STRBUF_INIT;

	for (size_t i = 0; i < ARRAY_SIZE(types); i++) {
		if (strcmp(types[i].name, value) == 0) {
			o->type = types[i].type;
			return 0;
		}
		strbuf_addf(&known, "%s%s", i ? " " : "", types[i].name);
	}
	return err_set(e, -EINVAL, "--output: type=%s is none of: %s", value, known.data);
}

static void set_text(char **field, const char *value)
{
	free(*field);
	*field = xstrdup(value);
}

/* tar=, if it was there. */
enum tar { TAR_UNSAID, TAR_FALSE, TAR_TRUE };

static int set_tar(enum tar *tar, const char *value, struct err *e)
{
	bool flag;
	int r = value_bool("output: tar", value, &flag, e);

	*tar = flag ? TAR_TRUE : TAR_FALSE;
	return r;
}

static int output_field(struct output *o, const char *field, enum tar *tar, struct err *e)
{
	const char *equals = strchr(field, '=');
	AUTO_FREE char *key = xstrndup(field, strcspn(field, "="));

	if (!equals)
		return err_set(e, -EINVAL, "--output: '%s' is not NAME=VALUE", field);
	if (strcmp(key, "type") == 0)
		return set_type(o, equals + 1, e);
	if (strcmp(key, "dest") == 0)
		set_text(&o->dest, equals + 1);
	else if (strcmp(key, "name") == 0)
		set_text(&o->name, equals + 1);
	else if (strcmp(key, "push") == 0)
		return value_bool("output: push", equals + 1, &o->push, e);
	else if (strcmp(key, "push-by-digest") == 0)
		return value_bool("output: push-by-digest", equals + 1, &o->by_digest, e);
	else if (strcmp(key, "tar") == 0)
		return set_tar(tar, equals + 1, e);
	else
		return err_set(e, -EINVAL,
			       "--output has no '%s' (it has type=, dest=, name=, push=, "
			       "push-by-digest= and tar=)",
			       key);
	return 0;
}

static bool has_dest(enum output_type type)
{
	return type != OUTPUT_REGISTRY && type != OUTPUT_IMAGE && type != OUTPUT_NONE;
}

static bool is_folder(enum output_type type)
{
	return type == OUTPUT_LOCAL || type == OUTPUT_OCI;
}

/* What is called a tar is meant to be one, unless it is there and is something else. */
static bool means_archive(const char *dest)
{
	size_t len = dest ? strlen(dest) : 0;
	struct stat st;

	if (dest && strcmp(dest, "-") == 0)
		return true;
	return len >= 4 && strcmp(dest + len - 4, ".tar") == 0 &&
	       !(stat(dest, &st) == 0 && S_ISDIR(st.st_mode));
}

static int choose_form(struct output *o, enum tar tar, const char *value, struct err *e)
{
	if (o->type == OUTPUT_OCI &&
	    (tar == TAR_TRUE || (tar == TAR_UNSAID && means_archive(o->dest))))
		o->type = OUTPUT_OCI_ARCHIVE;
	if (tar == TAR_UNSAID ||
	    (has_dest(o->type) && is_folder(o->type) == (tar != TAR_TRUE)))
		return 0;
	return err_set(e, -EINVAL,
		       "--output=%s: type=oci alone is either a folder or a tar", value);
}

static int check_output(const struct output *o, const char *value, struct err *e)
{
	if (has_dest(o->type) && !o->dest)
		return err_set(e, -EINVAL, "--output=%s has no dest=", value);
	if (!has_dest(o->type) && o->dest)
		return err_set(e, -EINVAL, "--output=%s: this type has no dest=", value);
	if (o->dest && strcmp(o->dest, "-") == 0 && is_folder(o->type))
		return err_set(e, -EINVAL,
			       "--output=%s: a folder cannot go to the standard output "
			       "(%s does)",
			       value, o->type == OUTPUT_OCI ? "tar=true" : "type=tar");
	return 0;
}

/* "-o FOLDER" and "-o -" are short for two of the types. */
static void set_short(struct output *o, const char *value)
{
	o->type = strcmp(value, "-") == 0 ? OUTPUT_TAR : OUTPUT_LOCAL;
	o->dest = xstrdup(value);
}

static int set_output(struct settings *s, const char *value, struct err *e)
{
	AUTO_STRV struct strv fields = STRV_INIT;
	struct output *o;
	enum tar tar = TAR_UNSAID;
	int r = 0;

	GROW(s->outputs, s->noutputs);
	o = &s->outputs[s->noutputs++];
	*o = (struct output){.type = OUTPUT_NONE};
	if (strncmp(value, "type=", 5) != 0 && !strchr(value, ',')) {
		set_short(o, value);
		return 0;
	}
	if (strncmp(value, "type=", 5) != 0 && !strstr(value, ",type="))
		return err_set(e, -EINVAL, "--output=%s has no type=", value);
	strv_split(&fields, value, ",");
	for (size_t i = 0; r == 0 && i < fields.n; i++)
		r = output_field(o, fields.v[i], &tar, e);
	if (r == 0)
		r = choose_form(o, tar, value, e);
	if (r < 0)
		return r;
	if (o->type == OUTPUT_REGISTRY)
		o->push = true;
	s->by_digest |= o->by_digest;
	/* In archives a name may be any text. */
	if (o->name && (o->push || o->type == OUTPUT_IMAGE))
		r = value_new_name("output: name", o->name, e);
	if (r < 0)
		return r;
	return check_output(o, value, e);
}

static int check_stdout(struct settings *s, const struct output *o, struct err *e)
{
	if (!o->dest || strcmp(o->dest, "-") != 0)
		return 0;
	if (s->stdout_taken)
		return err_set(e, -EINVAL,
			       "only one output can go to the standard output");
	s->stdout_taken = true;
	return isatty(STDOUT_FILENO)
		       ? err_set(e, -EINVAL,
				 "an archive is not for a terminal: name a file with "
				 "dest=, or redirect the standard output")
		       : 0;
}

int settings_outputs(struct settings *s, struct err *e)
{
	int r = 0;

	if (s->build.all_platforms && s->build.platforms.n)
		return err_set(e, -EINVAL,
			       "--all-platforms and --platform exclude each other");

	for (size_t i = 0; r == 0 && i < s->noutputs; i++) {
		const struct output *o = &s->outputs[i];

		if (o->push && !o->name && !s->tags.n)
			return err_set(e, -EINVAL,
				       "--output: what is pushed needs a name: add "
				       "name=, or --tag");
		if (o->type == OUTPUT_DOCKER_ARCHIVE && s->build.platforms.n > 1)
			return err_set(e, -EINVAL,
				       "a docker-archive has the image of one platform, "
				       "not of %zu (an oci-archive has all)",
				       s->build.platforms.n);
		r = check_stdout(s, o, e);
	}
	return r;
}

int settings_output(struct settings *s, const struct cli_option *option,
		    const char *value, struct err *e)
{
	switch ((enum build_option)option->id) {
	case OPT_TAG:
		strv_add(&s->tags, value);
		return value_new_name(option->name, value, e);
	case OPT_MANIFEST:
		s->manifest = value;
		return value_new_name(option->name, value, e);
	case OPT_LOAD:
		return err_set(
			e, -EINVAL,
			"there is no --load: the image is in a store that Docker does "
			"not see (-o type=docker-archive,dest=- | docker load)");
	case OPT_PROVENANCE:
	case OPT_SBOM:
		if (strcmp(value, "false") == 0)
			return 0;
		return err_set(
			e, -EINVAL,
			"--%s=%s: this version makes no attestations (leave it out, or "
			"say false)",
			option->name, value);
	case OPT_PUSH:
		s->push = true;
		return 0;
	case OPT_PUSH_BY_DIGEST:
		s->push = s->by_digest = true;
		return 0;
	case OPT_OUTPUT:
		return set_output(s, value, e);
	case OPT_IIDFILE:
		s->iidfile = value;
		return 0;
	case OPT_METADATA_FILE:
		s->metadata_file = value;
		return 0;
	default:
		return 1;
	}
}
