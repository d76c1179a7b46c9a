/* SPDX-License-Identifier: MIT */
#include <ctype.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "cli/output.h"
#include "mab-build/pipeline-internal.h"
#include "mab-build/plugin-settings.h"
#include "oci/reference.h"

static const char PREFIX[] = "PLUGIN_";

struct reading {
	struct pipeline *p;
	const struct pipeline_options *options;
	const char *const *environment;
};

/* --- Words --- */

static const char LETTERS[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ_";
static const char IDENTIFIER[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ_"
				 "0123456789";
static const char NAME[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ_"
			   "0123456789.-";
static const char BRANCH[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ_"
			     "0123456789.-/";

static bool is_identifier(const char *s)
{
	return *s && strchr(LETTERS, *s) && !s[strspn(s, IDENTIFIER)];
}

/* "github.actor": members of members, each an identifier. */
static bool is_expression(const char *s)
{
	for (;;) {
		size_t n = strspn(s, IDENTIFIER);

		if (!n || !strchr(LETTERS, *s))
			return false;
		if (!s[n])
			return true;
		if (s[n] != '.')
			return false;
		s += n + 1;
	}
}

static int check_secret_name(const struct pipeline *p, const char *name, struct err *e)
{
	bool good = p->system->expressions   ? is_expression(name)
		    : p->system->identifiers ? is_identifier(name)
					     : *name && !name[strspn(name, NAME)];

	return good ? 0
		    : err_set(e, -EINVAL, "%s: '%s' is no name of a secret",
			      p->system->name, name);
}

/* --- Machines --- */

static const char *usual_label(const struct pipeline_system *system,
			       const struct oci_platform *platform)
{
	for (size_t i = 0; system->machines[i].platform; i++) {
		struct oci_platform there;

		if (oci_platform_parse(&there, system->machines[i].platform, NULL) == 0 &&
		    oci_platform_equal(&there, platform))
			return system->machines[i].label;
	}
	return NULL;
}

static int add_machine(struct pipeline *p, const char *text, const char *label,
		       struct err *e)
{
	struct pipeline_machine m = {0};
	int r = oci_platform_parse(&m.platform, text, e);

	if (r < 0)
		return err_wrap(e, r, "--native");
	if (p->system->labels && !label)
		label = usual_label(p->system, &m.platform);
	if (p->system->labels && !label)
		return err_set(e, -EINVAL,
			       "--native=%s: %s offers no such machine; if you have one, "
			       "say by which label it is known: --native %s=LABEL",
			       text, p->system->name, text);
	if (!p->system->labels && label)
		return err_set(
			e, -EINVAL,
			"--native=%s=%s: %s finds machines by their platforms, not "
			"by labels",
			text, label, p->system->name);
	m.label = label ? xstrdup(label) : NULL;
	GROW(p->machines, p->nmachines);
	p->machines[p->nmachines++] = m;
	return 0;
}

static int read_machines(struct reading *r, struct err *e)
{
	const struct pipeline_system *system = r->p->system;
	const struct strv *given = &r->options->native;
	int code = 0;

	for (size_t i = 0; code == 0 && i < given->n; i++) {
		const char *equals = strchr(given->v[i], '=');
		AUTO_FREE char *text =
			equals ? xstrndup(given->v[i], (size_t)(equals - given->v[i]))
			       : xstrdup(given->v[i]);

		code = add_machine(r->p, text, equals ? equals + 1 : NULL, e);
	}
	for (size_t i = 0; code == 0 && !given->n && system->machines[i].platform; i++)
		code = add_machine(r->p, system->machines[i].platform, NULL, e);
	return code;
}

/* Whose kernel and processor can, often, run the other's programs. */
static bool is_sibling(const struct oci_platform *machine,
		       const struct oci_platform *wanted)
{
	static const char *const siblings[][2] = {
		{"amd64", "386"},
		{"arm64", "arm"},
		{"ppc64", "ppc"},
		{"s390x", "s390"},
	};

	if (strcmp(machine->os, wanted->os) != 0)
		return false;
	for (size_t i = 0; i < ARRAY_SIZE(siblings); i++)
		if (strcmp(machine->architecture, siblings[i][0]) == 0 &&
		    strcmp(wanted->architecture, siblings[i][1]) == 0)
			return true;
	return strcmp(machine->architecture, wanted->architecture) == 0;
}

/* A machine of the kind, or else a related one, or else the first. */
static void choose_machine(const struct pipeline *p, const struct oci_platform *wanted,
			   struct pipeline_job *job)
{
	*job = (struct pipeline_job){.machine = &p->machines[0],
				     .way = PIPELINE_EMULATED};
	for (size_t i = p->nmachines; i--;) {
		if (!is_sibling(&p->machines[i].platform, wanted))
			continue;
		job->machine = &p->machines[i];
		job->way = PIPELINE_PERHAPS;
	}
	for (size_t i = 0; i < p->nmachines; i++)
		if (oci_platform_equal(&p->machines[i].platform, wanted)) {
			job->machine = &p->machines[i];
			job->way = PIPELINE_NATIVE;
		}
}

static int add_job(struct pipeline *p, const char *text, struct err *e)
{
	char normal[OCI_PLATFORM_TEXT];
	struct oci_platform platform;
	struct pipeline_job job;
	int r = oci_platform_parse(&platform, text, e);

	if (r < 0)
		return err_wrap(e, r, "the setting PLATFORM");
	oci_platform_format(&platform, normal);
	for (size_t i = 0; i < p->njobs; i++)
		if (strcmp(p->jobs[i].platform, normal) == 0)
			return err_set(e, -EINVAL, "the setting PLATFORM has %s twice",
				       normal);
	choose_machine(p, &platform, &job);
	job.platform = xstrdup(normal);
	job.name = xstrdup(normal);
	for (char *c = job.name; *c; c++)
		if (!isalnum((unsigned char)*c))
			*c = '-';
	GROW(p->jobs, p->njobs);
	p->jobs[p->njobs++] = job;
	return 0;
}

static int read_jobs(struct reading *r, struct err *e)
{
	AUTO_STRV struct strv platforms = STRV_INIT;
	int code = plugin_setting_list(r->environment, "PLATFORM", &platforms, e);

	if (code == 0)
		code = plugin_setting_list(r->environment, "PLATFORMS", &platforms, e);
	if (code == 0 && !platforms.n)
		return err_set(e, -EINVAL,
			       "the setting PLATFORM is missing: set PLUGIN_PLATFORM to "
			       "the platforms to build for");
	for (size_t i = 0; code == 0 && i < platforms.n; i++)
		code = add_job(r->p, platforms.v[i], e);
	return code;
}

/* --- Settings --- */

static int check_setting(const char *name, const char *value, unsigned steps,
			 struct err *e)
{
	AUTO_FREE char *text = cli_utf8(value);

	if (steps & PLUGIN_SECRET)
		return err_set(
			e, -EINVAL,
			"the setting %s is a secret, and would be in the pipeline "
			"for all to read: unset %s%s, and say with --secret %s=NAME "
			"how the CI calls it",
			name, PREFIX, name, name);
	if (!(steps & (PLUGIN_BUILD | PLUGIN_MERGE)))
		return err_set(e, -EINVAL, "the setting %s has no place in a pipeline",
			       name);
	if (strcmp(text, value) != 0)
		return err_set(e, -EILSEQ, "the setting %s is not UTF-8", name);
	return 0;
}

static bool is_read_elsewhere(const char *name)
{
	static const char *const names[] = {"PLATFORM", "PLATFORMS", "CACHE_TO"};

	for (size_t i = 0; i < ARRAY_SIZE(names); i++)
		if (strcmp(name, names[i]) == 0)
			return true;
	return false;
}

static int read_settings(struct reading *r, struct err *e)
{
	const char *name;
	unsigned steps;
	int code = 0;

	for (size_t i = 0; code == 0 && (name = plugin_setting_name(i, &steps)); i++) {
		const char *value = plugin_setting(r->environment, name);

		if (!value || is_read_elsewhere(name))
			continue;
		code = check_setting(name, value, steps, e);
		if (code == 0 && (steps & PLUGIN_BUILD))
			oci_map_set(&r->p->build, name, value);
		if (code == 0 && (steps & PLUGIN_MERGE))
			oci_map_set(&r->p->merge, name, value);
	}
	return code;
}

static bool is_setting(const char *name, unsigned *steps)
{
	const char *known;

	for (size_t i = 0; (known = plugin_setting_name(i, steps)); i++)
		if (strcmp(known, name) == 0)
			return true;
	return false;
}

static int check_names(const struct reading *r, struct err *e)
{
	for (const char *const *v = r->environment; *v; v++) {
		AUTO_FREE char *name = NULL;
		const char *near;
		unsigned steps;

		if (strncmp(*v, PREFIX, strlen(PREFIX)) != 0)
			continue;
		name = xstrndup(*v + strlen(PREFIX), strcspn(*v + strlen(PREFIX), "="));
		if (is_setting(name, &steps))
			continue;
		near = plugin_setting_nearest(name);
		return err_set(e, -EINVAL, "there is no setting %s%s%s%s", name,
			       near ? " (did you mean " : "", near ? near : "",
			       near ? "?)" : "");
	}
	return 0;
}

/* Tags are the whole's; without any, the workspace of a merge has no file of them. */
static int read_tags(struct reading *r, struct err *e)
{
	static const char *const names[] = {"AUTO_TAG", "DEFAULT_TAGS"};
	struct oci_map *merge = &r->p->merge;

	for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
		bool on;
		int code = plugin_setting_bool(r->environment, names[i], false, &on, e);

		if (code < 0)
			return code;
		r->p->versions |= on;
	}
	if (!r->p->versions && !oci_map_get(merge, "TAG") && !oci_map_get(merge, "TAGS"))
		oci_map_set(merge, "TAGS", "latest");
	return 0;
}

static int read_repository(struct reading *r, struct err *e)
{
	const char *registry = plugin_setting(r->environment, "REGISTRY");
	const char *repo = plugin_setting(r->environment, "REPO");
	AUTO_OCI_REFERENCE struct oci_reference ref = {0};
	AUTO_FREE char *name = NULL;
	int code;

	if (!repo)
		return err_set(e, -EINVAL,
			       "the setting REPO is missing: set PLUGIN_REPO to the name "
			       "to push to");
	name = plugin_repository(registry, repo);
	code = oci_reference_parse(&ref, name, e);
	if (code == 0 && (ref.tag || ref.digest))
		code = err_set(e, -EINVAL, "'%s' has a tag: set PLUGIN_TAGS", name);
	if (code < 0)
		return err_wrap(e, code, "the setting REPO");
	oci_reference_complete(&ref);
	r->p->registry = xstrdup(ref.host);
	r->p->repository = xasprintf("%s/%s", ref.host, ref.path);
	return 0;
}

/* --- Caches --- */

/* Each machine would replace what the others have put there. */
static int add_cache(struct pipeline *p, const char *text, struct err *e)
{
	AUTO_OCI_REFERENCE struct oci_reference ref = {0};
	int r;

	if (strchr(text, '='))
		return err_set(e, -EINVAL,
			       "the setting CACHE_TO has '%s': in a pipeline it is only "
			       "the name of an image, to which each job adds its own",
			       text);
	r = oci_reference_parse(&ref, text, e);
	if (r == 0 && ref.digest)
		r = err_set(e, -EINVAL, "'%s' is a digest", text);
	if (r < 0)
		return err_wrap(e, r, "the setting CACHE_TO");
	oci_reference_complete(&ref);
	strv_addf(&p->caches, "%s/%s:%s", ref.host, ref.path, ref.tag);
	return 0;
}

static int read_caches(struct reading *r, struct err *e)
{
	AUTO_STRV struct strv to = STRV_INIT, from = STRV_INIT;
	int code = plugin_setting_list(r->environment, "CACHE_TO", &to, e);

	if (code == 0)
		code = plugin_setting_list(r->environment, "CACHE_FROM", &from, e);
	for (size_t i = 0; code == 0 && i < to.n; i++)
		code = add_cache(r->p, to.v[i], e);
	if (code < 0 || !to.n)
		return code;
	for (size_t i = 0; i < from.n; i++)
		if (!strv_has(&to, from.v[i]))
			return err_set(e, -EINVAL,
				       "the setting CACHE_FROM has '%s', which CACHE_TO "
				       "has not: in a pipeline, each job reads what it "
				       "has written",
				       from.v[i]);
	r->p->reads_caches = from.n > 0;
	oci_map_remove(&r->p->build, "CACHE_FROM");
	return 0;
}

/* --- Secrets --- */

static int add_secret(struct pipeline *p, const char *setting, const char *name,
		      struct err *e)
{
	unsigned steps;
	int r = check_secret_name(p, name, e);

	if (r < 0)
		return r;
	if (!is_setting(setting, &steps) ||
	    (!(steps & PLUGIN_SECRET) && strcmp(setting, "USERNAME") != 0))
		return err_set(e, -EINVAL,
			       "--secret: '%s' is none of username, password, config and "
			       "ssh_agent_key",
			       setting);
	oci_map_remove(&p->build, setting);
	oci_map_remove(&p->merge, setting);
	if (steps & PLUGIN_BUILD)
		oci_map_set(&p->build_secrets, setting, name);
	if (steps & PLUGIN_MERGE)
		oci_map_set(&p->merge_secrets, setting, name);
	return 0;
}

/* Who is not told otherwise logs in. */
static int add_login(struct reading *r, struct err *e)
{
	const struct oci_map *given = &r->options->secrets;
	const struct pipeline_system *system = r->p->system;
	size_t i = 0;
	int code = 0;

	if (oci_map_get(given, "PASSWORD") || oci_map_get(given, "CONFIG"))
		return 0;
	while (system->logins[i].registry &&
	       strcmp(system->logins[i].registry, r->p->registry) != 0)
		i++;
	if (!oci_map_get(given, "USERNAME") && !oci_map_get(&r->p->build, "USERNAME"))
		code = add_secret(r->p, "USERNAME", system->logins[i].username, e);
	return code < 0 ? code
			: add_secret(r->p, "PASSWORD", system->logins[i].password, e);
}

static int read_secrets(struct reading *r, struct err *e)
{
	const struct oci_map *given = &r->options->secrets;
	int code = 0;

	for (size_t i = 0; code == 0 && i < given->n; i++)
		if (*given->v[i].value)
			code = add_secret(r->p, given->v[i].name, given->v[i].value, e);
	return code < 0 ? code : add_login(r, e);
}

static int check_variables(const struct strv *list, const char *setting, bool lent,
			   struct err *e)
{
	for (size_t i = 0; i < list->n; i++) {
		const char *equals = strchr(list->v[i], '=');
		const char *name = equals ? equals + 1 : list->v[i];

		if (!is_identifier(name) || !equals == lent)
			return err_set(
				e, -EINVAL, "the setting %s has '%s', which is not %s",
				setting, list->v[i], lent ? "ID=VARIABLE" : "VARIABLE");
	}
	return 0;
}

static int read_variables(struct reading *r, struct err *e)
{
	struct pipeline *p = r->p;
	int code = plugin_setting_list(r->environment, "SECRETS_FROM_ENV", &p->lent, e);

	if (code == 0)
		code = check_variables(&p->lent, "SECRETS_FROM_ENV", true, e);
	if (code == 0)
		code = plugin_setting_list(r->environment, "BUILD_ARGS_FROM_ENV",
					   &p->passed, e);
	return code < 0 ? code
			: check_variables(&p->passed, "BUILD_ARGS_FROM_ENV", false, e);
}

/* --- The whole --- */

static int read_options(struct reading *r, struct err *e)
{
	const struct pipeline_options *o = r->options;
	AUTO_OCI_REFERENCE struct oci_reference ref = {0};
	int code;

	if (!o->image)
		return err_set(e, -EINVAL,
			       "--print-pipeline needs --image REFERENCE: an image with "
			       "mab-build, which the jobs run");
	code = oci_reference_parse(&ref, o->image, e);
	if (code < 0)
		return err_wrap(e, code, "--image=%s", o->image);
	r->p->image = o->image;
	r->p->branch = o->branch ? o->branch : "main";
	if (!*r->p->branch || *r->p->branch == '-' ||
	    r->p->branch[strspn(r->p->branch, BRANCH)])
		return err_set(e, -EINVAL, "--branch=%s is no name of a branch",
			       r->p->branch);
	return 0;
}

int pipeline_read(struct pipeline *p, const struct pipeline_options *options,
		  const char *const *environment, struct err *e)
{
	static int (*const parts[])(struct reading *, struct err *) = {
		read_options, read_machines, read_jobs,	   read_repository, read_settings,
		read_tags,    read_caches,   read_secrets, read_variables,
	};
	struct reading r = {p, options, environment};
	int code = check_names(&r, e);

	for (size_t i = 0; code == 0 && i < ARRAY_SIZE(parts); i++)
		code = parts[i](&r, e);
	return code;
}
