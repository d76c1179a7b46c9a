/* SPDX-License-Identifier: MIT */
#include "mab-build/build-settings.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "mab-build/command.h"

enum option_id {
	OPT_ANNOTATION = 1,
	OPT_BUILD_ARG,
	OPT_CHECK,
	OPT_CREDS,
	OPT_DRY_RUN,
	OPT_FILE,
	OPT_HANDLERS,
	OPT_HELP,
	OPT_IIDFILE,
	OPT_ISOLATION,
	OPT_JOBS,
	OPT_KEEP_GOING,
	OPT_LABEL,
	OPT_METADATA_FILE,
	OPT_NETWORK,
	OPT_NO_CACHE,
	OPT_OUTPUT,
	OPT_PLATFORM,
	OPT_PROGRESS,
	OPT_PUSH,
	OPT_ROOT,
	OPT_SOURCE_DATE_EPOCH,
	OPT_TAG,
	OPT_TARGET,
	OPT_TIMESTAMP,
	OPT_TLS_VERIFY,
};

static const struct cli_option options[] = {
	{0, "What to build", .help = ""},
	{OPT_FILE, "file", .letter = 'f', .arg = "FILE",
	 .help = "the Dockerfile, - for stdin (default Containerfile, then Dockerfile, in "
		 "CONTEXT)"},
	{OPT_PLATFORM, "platform", .arg = "PLATFORM[,…]",
	 .help = "what to build for, as in linux/arm64,linux/arm/v7 (default: this "
		 "machine)"},
	{OPT_TARGET, "target", .arg = "STAGE",
	 .help = "the stage to build (default: the "
		 "last)"},
	{OPT_BUILD_ARG, "build-arg", .arg = "NAME=VALUE",
	 .help = "a value for an ARG; without =VALUE that of the environment"},
	{OPT_LABEL, "label", .arg = "NAME=VALUE", .help = "a label of the image"},
	{OPT_ANNOTATION, "annotation", .arg = "NAME=VALUE",
	 .help = "an annotation of each platform's manifest"},
	{OPT_SOURCE_DATE_EPOCH, "source-date-epoch", .arg = "SECONDS",
	 .help = "no time in the image is later than this (default: "
		 "$SOURCE_DATE_EPOCH)"},
	{OPT_TIMESTAMP, "timestamp", .arg = "SECONDS",
	 .help = "the same, as other builders call it"},
	{0, "What becomes of it", .help = ""},
	{OPT_TAG, "tag", .letter = 't', .arg = "NAME",
	 .help = "the image's name in the store, and where --push takes it"},
	{OPT_PUSH, "push", .help = "push it to the registry that its name begins with"},
	{OPT_OUTPUT, "output", .letter = 'o', .arg = "type=TYPE,dest=PATH",
	 .help = "write it: oci (a folder), oci-archive (a tar), registry (as --push)"},
	{OPT_IIDFILE, "iidfile", .arg = "FILE", .help = "write the image's digest there"},
	{OPT_METADATA_FILE, "metadata-file", .arg = "FILE",
	 .help = "write digest, type and names there, as JSON"},
	{0, "How to build", .help = ""},
	{OPT_JOBS, "jobs", .arg = "N",
	 .help = "steps at once (default: one per processor)"},
	{OPT_KEEP_GOING, "keep-going",
	 .help = "after a failure, finish what does not need it"},
	{OPT_NO_CACHE, "no-cache", .help = "do every step anew"},
	{OPT_NETWORK, "network", .arg = "MODE",
	 .help = "of RUN: host (the default) or none"},
	{OPT_HANDLERS, "handlers", .arg = "WHICH",
	 .help = "that run other machines' programs: private, host, or auto (the "
		 "default)"},
	{OPT_ISOLATION, "isolation", .arg = "MODE",
	 .help = "of RUN: namespaces (the default), or oci[:RUNTIME] for crun or another"},
	{OPT_ROOT, "root", .arg = "FOLDER",
	 .help = "the store (default: $MAB_BUILD_ROOT, "
		 "or in the user's data)"},
	{OPT_TLS_VERIFY, "tls-verify", .arg = "BOOL",
	 .help = "false: registries without or with any certificate, too"},
	{OPT_CREDS, "creds", .arg = "USER:PASSWORD", .help = "for registries"},
	{OPT_PROGRESS, "progress", .arg = "MODE", .help = "plain: lines"},
	{0, "Instead of building", .help = ""},
	{OPT_CHECK, "check", .help = "look for mistakes in the Dockerfile"},
	{OPT_DRY_RUN, "dry-run", .help = "show what would be done"},
	{OPT_HELP, "help", .letter = 'h', .help = "show this text"},
	{0},
};

const struct cli_program build_program = {
	.name = PROGRAM " build",
	.usage = PROGRAM " build [OPTION…] [CONTEXT]",
	.summary = "Builds an image from a Dockerfile and the folder CONTEXT (default: "
		   "the current one).",
	.options = options,
	.epilogue =
		"Exit status: 0 done, 1 something failed or was found, 2 wrong usage.",
};

static int set_build_arg(struct settings *s, const char *value, struct err *e)
{
	const char *equals = strchr(value, '=');
	AUTO_FREE char *name = xstrndup(value, strcspn(value, "="));

	if (!*name)
		return err_set(e, -EINVAL, "--build-arg=%s has no name", value);
	value = equals ? equals + 1 : getenv(name);
	if (value)
		dockerfile_vars_set(&s->build.build_args, name, value);
	return 0;
}

static int set_pair(struct oci_map *map, const char *option, const char *value,
		    struct err *e)
{
	const char *equals = strchr(value, '=');
	AUTO_FREE char *name = xstrndup(value, strcspn(value, "="));

	if (!*name || !equals)
		return err_set(e, -EINVAL, "--%s=%s is not NAME=VALUE", option, value);
	oci_map_set(map, name, equals + 1);
	return 0;
}

static int number(const char *option, const char *value, long long max, long long *n,
		  struct err *e)
{
	char *end;

	errno = 0;
	*n = strtoll(value, &end, 10);
	if (errno || *end || end == value || *n < 0 || *n > max)
		return err_set(e, -EINVAL, "--%s=%s is not a number from 0 to %lld",
			       option, value, max);
	return 0;
}

/* One of words; its place. What is planned but not there is among `missing`. */
static int choose(const char *option, const char *value, const char *words,
		  const char *missing, struct err *e)
{
	AUTO_STRV struct strv known = STRV_INIT, later = STRV_INIT;

	strv_split(&known, words, " ");
	strv_split(&later, missing, " ");
	for (size_t i = 0; i < known.n; i++)
		if (strcmp(known.v[i], value) == 0)
			return (int)i;
	if (strv_has(&later, value))
		return err_set(e, -EINVAL, "this version has no --%s=%s (it has: %s)",
			       option, value, words);
	return err_set(e, -EINVAL, "--%s=%s is none of: %s", option, value, words);
}

static int set_epoch(struct settings *s, const char *option, const char *value,
		     struct err *e)
{
	long long n;
	int r = number(option, value, 253402300799LL, &n, e); /* the year 9999 */

	s->build.has_epoch = true;
	s->build.epoch = n;
	return r;
}

static int output_field(struct output *o, const char *field, struct err *e)
{
	int r;

	if (strncmp(field, "type=", 5) == 0) {
		r = choose("output=type", field + 5, "registry oci oci-archive",
			   "docker-archive docker local tar image", e);
		o->type = (enum output_type)(r < 0 ? 0 : r);
		return r < 0 ? r : 0;
	}
	if (strncmp(field, "dest=", 5) == 0) {
		free(o->dest);
		o->dest = xstrdup(field + 5);
		return 0;
	}
	return err_set(e, -EINVAL, "--output has no '%s' (it has type= and dest=)",
		       field);
}

static int set_output(struct settings *s, const char *value, struct err *e)
{
	AUTO_STRV struct strv fields = STRV_INIT;
	struct output *o;
	int r = 0;

	GROW(s->outputs, s->noutputs);
	o = &s->outputs[s->noutputs++];
	*o = (struct output){0};
	if (strncmp(value, "type=", 5) != 0 && !strstr(value, ",type="))
		return err_set(e, -EINVAL, "--output=%s has no type=", value);
	strv_split(&fields, value, ",");
	for (size_t i = 0; r == 0 && i < fields.n; i++)
		r = output_field(o, fields.v[i], e);
	if (r == 0 && o->type != OUTPUT_REGISTRY && !o->dest)
		return err_set(e, -EINVAL, "--output=%s has no dest=", value);
	s->push = s->push || o->type == OUTPUT_REGISTRY;
	return r;
}

static int set_what(struct settings *s, const struct cli_option *option,
		    const char *value, struct err *e)
{
	switch ((enum option_id)option->id) {
	case OPT_FILE:
		s->file = value;
		return 0;
	case OPT_PLATFORM:
		strv_split(&s->build.platforms, value, ",");
		return 0;
	case OPT_TARGET:
		s->build.target = value;
		return 0;
	case OPT_BUILD_ARG:
		return set_build_arg(s, value, e);
	case OPT_LABEL:
		return set_pair(&s->build.labels, option->name, value, e);
	case OPT_ANNOTATION:
		return set_pair(&s->build.annotations, option->name, value, e);
	case OPT_SOURCE_DATE_EPOCH:
	case OPT_TIMESTAMP:
		return set_epoch(s, option->name, value, e);
	case OPT_TAG:
		strv_add(&s->tags, value);
		return 0;
	case OPT_PUSH:
		s->push = true;
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

static int set_isolation(struct settings *s, const char *value, struct err *e)
{
	int r;

	if (strncmp(value, "oci:", 4) == 0 && value[4]) {
		s->build.runtime = value + 4;
		return 0;
	}
	r = choose("isolation", value, "namespaces oci", "chroot rootless", e);
	s->build.runtime = r == 1 ? "crun" : NULL;
	return r;
}

static int set_how(struct settings *s, const struct cli_option *option, const char *value,
		   struct err *e)
{
	long long n = 0;
	int r = 0;

	switch ((enum option_id)option->id) {
	case OPT_JOBS:
		r = number(option->name, value, 256, &n, e);
		s->build.jobs = (unsigned)n;
		break;
	case OPT_KEEP_GOING:
		s->build.keep_going = true;
		break;
	case OPT_NO_CACHE:
		s->build.no_cache = true;
		break;
	case OPT_NETWORK:
		r = choose(option->name, value, "host none default", "bridge private", e);
		s->build.network = r == 1 ? RUN_NETWORK_NONE : RUN_NETWORK_HOST;
		break;
	case OPT_HANDLERS:
		r = choose(option->name, value, "auto private host", "", e);
		s->build.handlers = (enum build_handlers)(r < 0 ? 0 : r);
		break;
	case OPT_ISOLATION:
		r = set_isolation(s, value, e);
		break;
	case OPT_ROOT:
		s->build.root = value;
		break;
	case OPT_TLS_VERIFY:
		r = choose(option->name, value, "false true", "", e);
		s->build.skip_tls_verify = r == 0;
		break;
	case OPT_CREDS:
		s->build.creds = value;
		break;
	case OPT_PROGRESS:
		r = choose(option->name, value, "plain auto", "tty json rawjson", e);
		break;
	case OPT_CHECK:
		s->check = true;
		break;
	case OPT_DRY_RUN:
		s->dry_run = true;
		break;
	default:
		s->help = true;
		break;
	}
	return r < 0 ? r : 0;
}

static int set_option(void *context, const struct cli_option *option, const char *value,
		      struct err *e)
{
	int r = set_what(context, option, value, e);

	return r == 1 ? set_how(context, option, value, e) : r;
}

static int from_environment(struct settings *s, struct err *e)
{
	const char *epoch = getenv("SOURCE_DATE_EPOCH");
	const char *given =
		dockerfile_vars_get(&s->build.build_args, "SOURCE_DATE_EPOCH");

	if (!s->build.root)
		s->build.root = getenv("MAB_BUILD_ROOT");
	if (given)
		epoch = given;
	return s->build.has_epoch || !epoch || !*epoch
		       ? 0
		       : set_epoch(s, "source-date-epoch", epoch, e);
}

int settings_parse(struct settings *s, int argc, char **argv, struct err *e)
{
	int operands, r;

	*s = (struct settings){0};
	r = cli_options_parse(&build_program, argc, argv, set_option, s, &operands, e);
	if (r < 0 || s->help)
		return r;
	if (argc - operands > 1)
		return err_set(e, -EINVAL, "there is one context, not also '%s'",
			       argv[operands + 1]);
	s->context = operands < argc ? argv[operands] : ".";
	if (strcmp(s->context, "-") == 0 || strstr(s->context, "://"))
		return err_set(e, -EINVAL,
			       "this version takes a folder as context, not '%s'",
			       s->context);
	if (s->push && !s->tags.n)
		return err_set(e, -EINVAL, "--push needs a name: add --tag");
	return from_environment(s, e);
}

void settings_free(struct settings *s)
{
	for (size_t i = 0; i < s->noutputs; i++)
		free(s->outputs[i].dest);
	free(s->outputs);
	strv_free(&s->tags);
	strv_free(&s->build.platforms);
	dockerfile_vars_free(&s->build.build_args);
	oci_map_free(&s->build.labels);
	oci_map_free(&s->build.annotations);
}
