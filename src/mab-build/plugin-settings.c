/* SPDX-License-Identifier: MIT */
#include "mab-build/plugin-settings.h"

#include <ctype.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/strbuf.h"
#include "cli/output.h"
#include "mab-build/plugin-tags.h"

static const char PREFIX[] = "PLUGIN_";

enum kind {
	TEXT,	/* --option=VALUE */
	LIST,	/* the same for each of a list */
	FLAG,	/* --option, when it is true */
	OTHER,	/* read below, by name */
	NOTHING /* it is for a daemon, which there is none of */
};

enum { BOTH = PLUGIN_BUILD | PLUGIN_MERGE };

static const struct setting {
	const char *name;
	enum kind kind;
	const char *option;
	unsigned steps; /* enum plugin_step */
} settings[] = {
	{"ADD_HOST", LIST, "add-host", PLUGIN_BUILD},
	{"ARTIFACT_FILE", OTHER, NULL, 0},
	{"AUTO_LABEL", OTHER, NULL, PLUGIN_BUILD},
	{"AUTO_TAG", OTHER, NULL, PLUGIN_MERGE},
	{"AUTO_TAG_SUFFIX", OTHER, NULL, PLUGIN_MERGE},
	{"BIP", NOTHING, NULL, 0},
	{"BUILD_ARGS", LIST, "build-arg", PLUGIN_BUILD},
	{"BUILD_ARGS_FROM_ENV", OTHER, NULL, PLUGIN_BUILD},
	{"BUILD_ARGS_NEW", OTHER, NULL, PLUGIN_BUILD},
	{"CACHE_FROM", LIST, "cache-from", PLUGIN_BUILD},
	{"CACHE_TO", LIST, "cache-to", PLUGIN_BUILD},
	{"COMPRESS", NOTHING, NULL, 0},
	{"CONFIG", OTHER, NULL, BOTH | PLUGIN_SECRET},
	{"CONTEXT", OTHER, NULL, PLUGIN_BUILD},
	{"CUSTOM_DNS", LIST, "dns", PLUGIN_BUILD},
	{"CUSTOM_DNS_SEARCH", NOTHING, NULL, 0},
	{"CUSTOM_LABELS", LIST, "label", PLUGIN_BUILD},
	{"DAEMON_DEBUG", NOTHING, NULL, 0},
	{"DAEMON_OFF", NOTHING, NULL, 0},
	{"DEBUG", NOTHING, NULL, 0},
	{"DEFAULT_SUFFIX", OTHER, NULL, PLUGIN_MERGE},
	{"DEFAULT_TAGS", OTHER, NULL, PLUGIN_MERGE},
	{"DOCKERFILE", TEXT, "file", PLUGIN_BUILD},
	{"DRY_RUN", OTHER, NULL, PLUGIN_RUN},
	{"EMAIL", NOTHING, NULL, 0},
	{"ENV_FILE", OTHER, NULL, PLUGIN_BUILD | PLUGIN_RUN},
	{"EXPERIMENTAL", NOTHING, NULL, 0},
	{"INSECURE", OTHER, NULL, BOTH},
	{"IPV6", NOTHING, NULL, 0},
	{"LABEL_SCHEMA", OTHER, NULL, PLUGIN_BUILD},
	{"MERGE", OTHER, NULL, PLUGIN_RUN},
	{"METADATA_FILE", TEXT, "metadata-file", 0},
	{"MIRROR", OTHER, NULL, PLUGIN_BUILD},
	{"MTU", NOTHING, NULL, 0},
	{"MULTIPLE_BUILD_ARGS", OTHER, NULL, PLUGIN_BUILD},
	{"NO_CACHE", FLAG, "no-cache", PLUGIN_BUILD},
	{"NO_PUSH", OTHER, NULL, PLUGIN_RUN},
	{"PASSWORD", OTHER, NULL, BOTH | PLUGIN_SECRET},
	{"PLATFORM", LIST, "platform", 0},
	{"PLATFORMS", LIST, "platform", 0},
	{"PULL_IMAGE", OTHER, NULL, PLUGIN_BUILD},
	{"PURGE", OTHER, NULL, PLUGIN_BUILD},
	{"PUSH_BY_DIGEST", OTHER, NULL, 0},
	{"QUIET", OTHER, NULL, PLUGIN_BUILD},
	{"REGISTRY", OTHER, NULL, BOTH},
	{"REPO", OTHER, NULL, BOTH},
	{"REPO_LINK", OTHER, NULL, PLUGIN_BUILD},
	{"SECRET", OTHER, NULL, PLUGIN_BUILD},
	{"SECRETS_FROM_ENV", OTHER, NULL, PLUGIN_BUILD},
	{"SECRETS_FROM_FILE", OTHER, NULL, PLUGIN_BUILD},
	{"SQUASH", FLAG, "squash", PLUGIN_BUILD},
	{"SSH_AGENT_KEY", OTHER, NULL, PLUGIN_BUILD | PLUGIN_SECRET},
	{"STORAGE_DRIVER", NOTHING, NULL, 0},
	{"STORAGE_PATH", TEXT, "root", PLUGIN_BUILD},
	{"TAG", OTHER, NULL, PLUGIN_MERGE},
	{"TAGS", OTHER, NULL, PLUGIN_MERGE},
	{"TARGET", TEXT, "target", PLUGIN_BUILD},
	{"TAR_PATH", OTHER, NULL, 0},
	{"USERNAME", OTHER, NULL, BOTH},
};

struct reading {
	struct plugin_plan *plan;
	const char *const *environment;
};

/* --- Values --- */

static const char *variable(const char *const *environment, const char *name)
{
	size_t n = strlen(name);

	for (const char *const *v = environment; *v; v++)
		if (strncmp(*v, name, n) == 0 && (*v)[n] == '=')
			return *v + n + 1;
	return NULL;
}

/* NULL also for one that is empty: a runner passes on what nobody set. */
const char *plugin_setting(const char *const *environment, const char *name)
{
	AUTO_FREE char *whole = xasprintf("%s%s", PREFIX, name);
	const char *value = variable(environment, whole);

	return value && *value ? value : NULL;
}

static const char *setting(const struct reading *r, const char *name)
{
	return plugin_setting(r->environment, name);
}

/* The first of two runners' variables that is set. */
static const char *either(const struct reading *r, const char *a, const char *b)
{
	const char *value = variable(r->environment, a);

	return value && *value ? value : variable(r->environment, b);
}

int plugin_setting_bool(const char *const *environment, const char *name, bool usual,
			bool *flag, struct err *e)
{
	static const char *const words[] = {"0", "f", "false", "no",  "off",
					    "1", "t", "true",  "yes", "on"};
	const char *value = plugin_setting(environment, name);

	*flag = usual;
	if (!value)
		return 0;
	for (size_t i = 0; i < ARRAY_SIZE(words); i++)
		if (strcasecmp(words[i], value) == 0) {
			*flag = i >= ARRAY_SIZE(words) / 2;
			return 0;
		}
	return err_set(e, -EINVAL, "the setting %s is true or false, not '%s'", name,
		       value);
}

static int boolean(const struct reading *r, const char *name, bool usual, bool *flag,
		   struct err *e)
{
	return plugin_setting_bool(r->environment, name, usual, flag, e);
}

/* A JSON list, or words with separators between them; blanks around them go. */
static int split(const char *name, const char *value, const char *separators,
		 struct strv *out, struct err *e)
{
	AUTO_STRV struct strv words = STRV_INIT;

	if (!value)
		return 0;
	if (value[strspn(value, " \t\n")] == '[') {
		int code = cli_json_read_strings(value, out, e);

		return code < 0 ? err_wrap(e, code, "the setting %s", name) : 0;
	}
	strv_split(&words, value, separators);
	for (size_t i = 0; i < words.n; i++) {
		char *word = words.v[i] + strspn(words.v[i], " \t\n");
		size_t n = strlen(word);

		while (n && isspace((unsigned char)word[n - 1]))
			n--;
		if (n)
			strv_own(out, xstrndup(word, n));
	}
	return 0;
}

static int list(const struct reading *r, const char *name, const char *separators,
		struct strv *out, struct err *e)
{
	return split(name, setting(r, name), separators, out, e);
}

int plugin_setting_list(const char *const *environment, const char *name,
			struct strv *out, struct err *e)
{
	return split(name, plugin_setting(environment, name), ",", out, e);
}

static void add_option(struct plugin_plan *plan, const char *option, const char *value)
{
	strv_addf(&plan->words, "--%s=%s", option, value);
}

/* --- Settings that are options --- */

static int add_setting(const struct reading *r, const struct setting *s, struct err *e)
{
	AUTO_STRV struct strv values = STRV_INIT;
	const char *value = setting(r, s->name);
	bool flag = false;
	int code = 0;

	if (!value)
		return 0;
	switch (s->kind) {
	case TEXT:
		add_option(r->plan, s->option, value);
		break;
	case LIST:
		code = list(r, s->name, ",", &values, e);
		for (size_t i = 0; code == 0 && i < values.n; i++)
			add_option(r->plan, s->option, values.v[i]);
		break;
	case FLAG:
		code = boolean(r, s->name, false, &flag, e);
		if (flag)
			strv_addf(&r->plan->words, "--%s", s->option);
		break;
	case NOTHING:
		strv_addf(&r->plan->notes,
			  "the setting %s has no effect: it is for a daemon, and there "
			  "is none",
			  s->name);
		break;
	case OTHER:
		break;
	}
	return code;
}

static int add_settings(const struct reading *r, struct err *e)
{
	int code = 0;

	for (size_t i = 0; code == 0 && i < ARRAY_SIZE(settings); i++)
		code = add_setting(r, &settings[i], e);
	return code;
}

/* --- Names --- */

const char *plugin_setting_name(size_t i, unsigned *steps)
{
	if (i >= ARRAY_SIZE(settings))
		return NULL;
	*steps = settings[i].steps;
	return settings[i].name;
}

const char *plugin_setting_nearest(const char *name)
{
	AUTO_STRV struct strv known = STRV_INIT;
	const char *near;

	for (size_t i = 0; i < ARRAY_SIZE(settings); i++)
		strv_add(&known, settings[i].name);
	near = strv_nearest(&known, name);
	for (size_t i = 0; near && i < ARRAY_SIZE(settings); i++)
		if (strcmp(settings[i].name, near) == 0)
			return settings[i].name;
	return NULL;
}

static const struct setting *find(const char *name)
{
	for (size_t i = 0; i < ARRAY_SIZE(settings); i++)
		if (strcmp(settings[i].name, name) == 0)
			return &settings[i];
	return NULL;
}

/* Where runners pass on nothing but settings, that is what a secret is. */
static bool is_secret(const struct strv *secrets, const char *name)
{
	for (size_t i = 0; i < secrets->n; i++) {
		const char *equals = strchr(secrets->v[i], '=');

		if (equals && strncmp(equals + 1, PREFIX, strlen(PREFIX)) == 0 &&
		    strcmp(equals + 1 + strlen(PREFIX), name) == 0)
			return true;
	}
	return false;
}

static void note_setting(const struct reading *r, const struct strv *secrets,
			 const char *name)
{
	const struct setting *s = find(name);
	const char *near;

	if (s && setting(r, "MERGE") && setting(r, name) && s->kind != NOTHING &&
	    !(s->steps & (PLUGIN_MERGE | PLUGIN_RUN)))
		strv_addf(&r->plan->notes,
			  "the setting %s has no effect: with MERGE, nothing is built",
			  name);
	if (s || is_secret(secrets, name))
		return;
	near = plugin_setting_nearest(name);
	strv_addf(&r->plan->notes, "there is no setting %s%s%s%s", name,
		  near ? " (did you mean " : "", near ? near : "", near ? "?)" : "");
}

/* A misspelt one would otherwise go unnoticed. */
static void note_settings(const struct reading *r)
{
	AUTO_STRV struct strv secrets = STRV_INIT;

	/* If it is no list, who reads it tells. */
	(void)list(r, "SECRETS_FROM_ENV", ",", &secrets, NULL);
	for (const char *const *v = r->environment; *v; v++) {
		AUTO_FREE char *name = NULL;

		if (strncmp(*v, PREFIX, strlen(PREFIX)) != 0)
			continue;
		name = xstrndup(*v + strlen(PREFIX), strcspn(*v + strlen(PREFIX), "="));
		note_setting(r, &secrets, name);
	}
}

/* --- Build arguments and secrets --- */

/* Under the name that was given, and in capitals. */
static void add_from_environment(const struct reading *r, const char *name)
{
	AUTO_FREE char *capitals = xstrdup(name);
	const char *value = variable(r->environment, name);

	str_upper(capitals);
	if (!value)
		value = variable(r->environment, capitals);
	if (!value) {
		strv_addf(&r->plan->notes,
			  "BUILD_ARGS_FROM_ENV names %s, which is not set", name);
		return;
	}
	strv_addf(&r->plan->words, "--build-arg=%s=%s", name, value);
	if (strcmp(name, capitals) != 0)
		strv_addf(&r->plan->words, "--build-arg=%s=%s", capitals, value);
}

static void add_proxies(const struct reading *r)
{
	static const char *const names[] = {
		"HTTP_PROXY", "http_proxy", "HTTPS_PROXY", "https_proxy", "ALL_PROXY",
		"all_proxy",  "FTP_PROXY",  "ftp_proxy",   "NO_PROXY",	  "no_proxy",
	};

	for (size_t i = 0; i < ARRAY_SIZE(names); i++)
		if (variable(r->environment, names[i]))
			add_option(r->plan, "build-arg", names[i]);
}

static int add_build_args(const struct reading *r, struct err *e)
{
	AUTO_STRV struct strv names = STRV_INIT, more = STRV_INIT;
	bool multiple;
	int code = boolean(r, "MULTIPLE_BUILD_ARGS", true, &multiple, e);

	if (code == 0)
		code = list(r, "BUILD_ARGS_FROM_ENV", ",", &names, e);
	if (code == 0)
		code = list(r, "BUILD_ARGS_NEW", multiple ? ";" : "", &more, e);
	for (size_t i = 0; code == 0 && i < names.n; i++)
		add_from_environment(r, names.v[i]);
	for (size_t i = 0; code == 0 && i < more.n; i++)
		add_option(r->plan, "build-arg", more.v[i]);
	add_proxies(r);
	return code;
}

/* "ID=WHERE" as --secret has it, the place called `place`. */
static int add_secrets(const struct reading *r, const char *name, const char *place,
		       struct err *e)
{
	AUTO_STRV struct strv values = STRV_INIT;
	int code = list(r, name, ",", &values, e);

	for (size_t i = 0; code == 0 && i < values.n; i++) {
		char *equals = strchr(values.v[i], '=');

		if (!equals || equals == values.v[i] || !equals[1])
			return err_set(e, -EINVAL,
				       "the setting %s has '%s', which is not ID=%s",
				       name, values.v[i], place);
		*equals = '\0';
		strv_addf(&r->plan->words, "--secret=id=%s,%s=%s", values.v[i], place,
			  equals + 1);
	}
	return code;
}

static int add_all_secrets(const struct reading *r, struct err *e)
{
	const char *secret = setting(r, "SECRET");
	int code = add_secrets(r, "SECRETS_FROM_ENV", "env", e);

	if (code == 0)
		code = add_secrets(r, "SECRETS_FROM_FILE", "src", e);
	if (secret)
		add_option(r->plan, "secret", secret);
	r->plan->ssh_key = setting(r, "SSH_AGENT_KEY");
	return code;
}

/* --- Labels --- */

static void add_label(const struct reading *r, const char *name, const char *value)
{
	if (value && *value)
		strv_addf(&r->plan->words, "--label=org.opencontainers.image.%s=%s", name,
			  value);
}

static int add_labels(const struct reading *r, struct err *e)
{
	AUTO_STRV struct strv schema = STRV_INIT;
	const char *link = setting(r, "REPO_LINK");
	bool automatic;
	int code = boolean(r, "AUTO_LABEL", true, &automatic, e);

	if (code == 0)
		code = list(r, "LABEL_SCHEMA", ",", &schema, e);
	for (size_t i = 0; code == 0 && i < schema.n; i++)
		strv_addf(&r->plan->words, "--label=org.opencontainers.image.%s",
			  schema.v[i]);
	if (code < 0 || !automatic)
		return code;
	add_label(r, "created", r->plan->created);
	add_label(r, "revision", either(r, "CI_COMMIT_SHA", "DRONE_COMMIT_SHA"));
	add_label(r, "source", either(r, "CI_REPO_CLONE_URL", "DRONE_REMOTE_URL"));
	add_label(r, "url", link ? link : either(r, "CI_REPO_URL", "DRONE_REPO_LINK"));
	return 0;
}

/* --- Where to --- */

/* "https://index.docker.io/v1/" is how some name Docker's own registry. */
char *plugin_registry_name(const char *registry)
{
	const char *host = strstr(registry, "://");
	size_t n;

	host = host ? host + 3 : registry;
	n = strcspn(host, "/");
	if (strncmp(host, "index.docker.io", n) == 0)
		return xstrdup("docker.io");
	if (strcmp(host + n, "/v1/") != 0 && strcmp(host + n, "/v2/") != 0)
		n = strlen(host);
	while (n && host[n - 1] == '/')
		n--;
	return xstrndup(host, n);
}

char *plugin_repository(const char *registry, const char *repo)
{
	AUTO_FREE char *host = registry ? plugin_registry_name(registry) : NULL;
	size_t n = host ? strlen(host) : 0;

	if (!host || (strncmp(repo, host, n) == 0 && repo[n] == '/'))
		return xstrdup(repo);
	return xasprintf("%s/%s", host, repo);
}

static int add_login(const struct reading *r, struct err *e)
{
	struct plugin_plan *plan = r->plan;
	const char *registry = setting(r, "REGISTRY");
	char *name = plugin_registry_name(registry ? registry : "docker.io");

	strv_own(&plan->texts, name);
	plan->registry = name;
	plan->username = setting(r, "USERNAME");
	plan->password = setting(r, "PASSWORD");
	plan->config = setting(r, "CONFIG");
	if (!plan->username != !plan->password)
		return err_set(e, -EINVAL, "the setting %s is missing: it goes with %s",
			       plan->username ? "PASSWORD" : "USERNAME",
			       plan->username ? "USERNAME" : "PASSWORD");
	return 0;
}

/* Tags become whole names; where there is none, the name is that of the repository. */
static int add_destination(const struct reading *r, struct err *e)
{
	struct plugin_plan *plan = r->plan;
	const char *repo = setting(r, "REPO");
	AUTO_FREE char *name = NULL;
	int code = add_login(r, e);

	if (code < 0 || (!repo && !plan->push))
		return code;
	if (!repo)
		return err_set(e, -EINVAL,
			       "the setting REPO is missing: the name to push to");
	name = plugin_repository(setting(r, "REGISTRY"), repo);
	if (!plan->tags.n)
		strv_add(&plan->tags, name);
	else
		for (size_t i = 0; i < plan->tags.n; i++) {
			char *text = xasprintf("%s:%s", name, plan->tags.v[i]);

			free(plan->tags.v[i]);
			plan->tags.v[i] = text;
		}
	for (size_t i = 0; i < plan->tags.n; i++)
		add_option(plan, "tag", plan->tags.v[i]);
	return 0;
}

static int automatic_tags(const struct reading *r, struct err *e)
{
	const char *suffix = setting(r, "AUTO_TAG_SUFFIX");
	const char *ref = either(r, "CI_COMMIT_REF", "DRONE_COMMIT_REF");
	int code;

	if (!suffix)
		suffix = setting(r, "DEFAULT_SUFFIX");
	if (!ref)
		return err_set(e, -EINVAL,
			       "the setting AUTO_TAG needs CI_COMMIT_REF or "
			       "DRONE_COMMIT_REF, which the runner sets");
	code = plugin_tags(&r->plan->tags, ref,
			   either(r, "CI_REPO_DEFAULT_BRANCH", "DRONE_REPO_BRANCH"),
			   suffix, e);
	if (code == 0 && !r->plan->tags.n)
		r->plan->nothing = "neither a version nor the default branch is built: "
				   "there is nothing to tag";
	return code;
}

static int add_tags(const struct reading *r, const char *tags_file, struct err *e)
{
	struct plugin_plan *plan = r->plan;
	bool automatic, usual;
	int code = boolean(r, "AUTO_TAG", false, &automatic, e);

	if (code == 0)
		code = boolean(r, "DEFAULT_TAGS", false, &usual, e);
	if (code == 0 && (automatic || usual))
		return automatic_tags(r, e);
	if (code == 0)
		code = list(r, "TAGS", ",", &plan->tags, e);
	if (code == 0)
		code = list(r, "TAG", ",", &plan->tags, e);
	if (code == 0 && !plan->tags.n && tags_file)
		strv_split(&plan->tags, tags_file, ", \t\r\n");
	if (code == 0 && !plan->tags.n)
		strv_add(&plan->tags, "latest");
	return code;
}

/* --- The whole --- */

static int add_switches(const struct reading *r, bool by_digest, struct err *e)
{
	struct plugin_plan *plan = r->plan;
	bool dry_run = false, no_push = false, pull = false, quiet = false;
	int code = boolean(r, "DRY_RUN", false, &dry_run, e);

	if (code == 0)
		code = boolean(r, "NO_PUSH", false, &no_push, e);
	if (code == 0)
		code = boolean(r, "INSECURE", false, &plan->insecure, e);
	if (code == 0)
		code = boolean(r, "PULL_IMAGE", true, &pull, e);
	if (code == 0)
		code = boolean(r, "QUIET", false, &quiet, e);
	if (code == 0)
		code = boolean(r, "PURGE", true, &plan->purge, e);
	if (code < 0)
		return code;
	plan->push = !dry_run && !no_push;
	if (plan->push && !plan->merge.n)
		strv_add(&plan->words, by_digest ? "--push-by-digest" : "--push");
	if (plan->insecure)
		strv_add(&plan->words, "--tls-verify=false");
	if (plan->merge.n)
		return 0;
	if (pull)
		strv_add(&plan->words, "--pull");
	if (quiet)
		strv_add(&plan->words, "--quiet");
	return 0;
}

static void add_results(const struct reading *r)
{
	const char *tar = setting(r, "TAR_PATH");

	if (tar)
		strv_addf(&r->plan->words, "--output=type=docker-archive,dest=%s", tar);
	r->plan->artifact_file = setting(r, "ARTIFACT_FILE");
	r->plan->mirror = setting(r, "MIRROR");
}

/* What images are built of; nothing of it is for a merge. */
static int add_build(const struct reading *r, struct err *e)
{
	int code = add_settings(r, e);

	if (code == 0)
		code = add_build_args(r, e);
	if (code == 0)
		code = add_all_secrets(r, e);
	if (code == 0)
		code = add_labels(r, e);
	if (code == 0)
		add_results(r);
	return code;
}

/* An image that is pushed by its digest has no tag; one that is not pushed may have. */
static int add_names(const struct reading *r, const char *tags_file, bool by_digest,
		     struct err *e)
{
	struct plugin_plan *plan = r->plan;
	int code = by_digest && plan->push ? 0 : add_tags(r, tags_file, e);

	if (code == 0 && plan->merge.n && !plan->push)
		plan->nothing = "what is not to be pushed is not merged either";
	if (code < 0 || plan->nothing)
		return code;
	if (!plan->merge.n)
		code = add_build(r, e);
	return code < 0 ? code : add_destination(r, e);
}

int plugin_plan_make(struct plugin_plan *plan, const char *const *environment,
		     const char *tags_file, struct err *e)
{
	struct reading r = {plan, environment};
	bool by_digest;
	int code;

	*plan = (struct plugin_plan){.created = plan->created};
	note_settings(&r);
	code = list(&r, "MERGE", ",", &plan->merge, e);
	if (code == 0)
		code = boolean(&r, "PUSH_BY_DIGEST", false, &by_digest, e);
	if (code < 0)
		return code;
	by_digest = by_digest && !plan->merge.n;
	code = add_switches(&r, by_digest, e);
	if (code == 0)
		code = add_names(&r, tags_file, by_digest, e);
	plan->context = setting(&r, "CONTEXT");
	if (!plan->context)
		plan->context = ".";
	return code;
}

void plugin_plan_free(struct plugin_plan *plan)
{
	strv_free(&plan->words);
	strv_free(&plan->merge);
	strv_free(&plan->notes);
	strv_free(&plan->tags);
	strv_free(&plan->texts);
}
