/* SPDX-License-Identifier: MIT */
#include "mab-build/plugin-settings.h"

#include <ctype.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
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

static const struct setting {
	const char *name;
	enum kind kind;
	const char *option;
} settings[] = {
	{"ADD_HOST", LIST, "add-host"},
	{"ARTIFACT_FILE", OTHER, NULL},
	{"AUTO_LABEL", OTHER, NULL},
	{"AUTO_TAG", OTHER, NULL},
	{"AUTO_TAG_SUFFIX", OTHER, NULL},
	{"BIP", NOTHING, NULL},
	{"BUILD_ARGS", LIST, "build-arg"},
	{"BUILD_ARGS_FROM_ENV", OTHER, NULL},
	{"BUILD_ARGS_NEW", OTHER, NULL},
	{"CACHE_FROM", LIST, "cache-from"},
	{"CACHE_TO", LIST, "cache-to"},
	{"COMPRESS", NOTHING, NULL},
	{"CONFIG", OTHER, NULL},
	{"CONTEXT", OTHER, NULL},
	{"CUSTOM_DNS", LIST, "dns"},
	{"CUSTOM_DNS_SEARCH", NOTHING, NULL},
	{"CUSTOM_LABELS", LIST, "label"},
	{"DAEMON_DEBUG", NOTHING, NULL},
	{"DAEMON_OFF", NOTHING, NULL},
	{"DEBUG", NOTHING, NULL},
	{"DEFAULT_SUFFIX", OTHER, NULL},
	{"DEFAULT_TAGS", OTHER, NULL},
	{"DOCKERFILE", TEXT, "file"},
	{"DRY_RUN", OTHER, NULL},
	{"EMAIL", NOTHING, NULL},
	{"ENV_FILE", OTHER, NULL},
	{"EXPERIMENTAL", NOTHING, NULL},
	{"INSECURE", OTHER, NULL},
	{"IPV6", NOTHING, NULL},
	{"LABEL_SCHEMA", OTHER, NULL},
	{"METADATA_FILE", TEXT, "metadata-file"},
	{"MIRROR", OTHER, NULL},
	{"MTU", NOTHING, NULL},
	{"MULTIPLE_BUILD_ARGS", OTHER, NULL},
	{"NO_CACHE", FLAG, "no-cache"},
	{"NO_PUSH", OTHER, NULL},
	{"PASSWORD", OTHER, NULL},
	{"PLATFORM", LIST, "platform"},
	{"PLATFORMS", LIST, "platform"},
	{"PULL_IMAGE", OTHER, NULL},
	{"PURGE", OTHER, NULL},
	{"QUIET", OTHER, NULL},
	{"REGISTRY", OTHER, NULL},
	{"REPO", OTHER, NULL},
	{"REPO_LINK", OTHER, NULL},
	{"SECRET", OTHER, NULL},
	{"SECRETS_FROM_ENV", OTHER, NULL},
	{"SECRETS_FROM_FILE", OTHER, NULL},
	{"SQUASH", FLAG, "squash"},
	{"SSH_AGENT_KEY", OTHER, NULL},
	{"STORAGE_DRIVER", NOTHING, NULL},
	{"STORAGE_PATH", TEXT, "root"},
	{"TAG", OTHER, NULL},
	{"TAGS", OTHER, NULL},
	{"TARGET", TEXT, "target"},
	{"TAR_PATH", OTHER, NULL},
	{"USERNAME", OTHER, NULL},
};

struct reading {
	struct plugin_plan *plan;
	const char *const *environment;
};

/* --- Values --- */

static const char *variable(const struct reading *r, const char *name)
{
	size_t n = strlen(name);

	for (const char *const *v = r->environment; *v; v++)
		if (strncmp(*v, name, n) == 0 && (*v)[n] == '=')
			return *v + n + 1;
	return NULL;
}

/* NULL also for one that is empty: a runner passes on what nobody set. */
static const char *setting(const struct reading *r, const char *name)
{
	AUTO_FREE char *whole = xasprintf("%s%s", PREFIX, name);
	const char *value = variable(r, whole);

	return value && *value ? value : NULL;
}

/* The first of two runners' variables that is set. */
static const char *either(const struct reading *r, const char *a, const char *b)
{
	const char *value = variable(r, a);

	return value && *value ? value : variable(r, b);
}

static int boolean(const struct reading *r, const char *name, bool usual, bool *flag,
		   struct err *e)
{
	static const char *const words[] = {"0", "f", "false", "no",  "off",
					    "1", "t", "true",  "yes", "on"};
	const char *value = setting(r, name);

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

/* A JSON list, or words with separators between them; blanks around them go. */
static int list(const struct reading *r, const char *name, const char *separators,
		struct strv *out, struct err *e)
{
	const char *value = setting(r, name);
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

/* A misspelt one would otherwise go unnoticed. */
static void note_unknown(const struct reading *r)
{
	AUTO_STRV struct strv known = STRV_INIT;

	for (size_t i = 0; i < ARRAY_SIZE(settings); i++)
		strv_add(&known, settings[i].name);
	for (const char *const *v = r->environment; *v; v++) {
		AUTO_FREE char *name = NULL;
		const char *near;

		if (strncmp(*v, PREFIX, strlen(PREFIX)) != 0)
			continue;
		name = xstrndup(*v + strlen(PREFIX), strcspn(*v + strlen(PREFIX), "="));
		if (strv_has(&known, name))
			continue;
		near = strv_nearest(&known, name);
		strv_addf(&r->plan->notes, "there is no setting %s%s%s%s", name,
			  near ? " (did you mean " : "", near ? near : "",
			  near ? "?)" : "");
	}
}

/* --- Build arguments and secrets --- */

/* Under the name that was given, and in capitals. */
static void add_from_environment(const struct reading *r, const char *name)
{
	AUTO_FREE char *capitals = xstrdup(name);
	const char *value = variable(r, name);

	for (char *p = capitals; *p; p++)
		*p = (char)toupper((unsigned char)*p);
	if (!value)
		value = variable(r, capitals);
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
		if (variable(r, names[i]))
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
static char *registry_name(const char *registry)
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

static int add_destination(const struct reading *r, struct err *e)
{
	struct plugin_plan *plan = r->plan;
	const char *repo = setting(r, "REPO");
	const char *registry = setting(r, "REGISTRY");
	char *name = registry ? registry_name(registry) : xstrdup("docker.io");
	size_t n = strlen(name);

	strv_own(&plan->texts, name);
	plan->registry = name;
	plan->username = setting(r, "USERNAME");
	plan->password = setting(r, "PASSWORD");
	plan->config = setting(r, "CONFIG");
	if (!plan->username != !plan->password)
		return err_set(e, -EINVAL, "the setting %s is missing: it goes with %s",
			       plan->username ? "PASSWORD" : "USERNAME",
			       plan->username ? "USERNAME" : "PASSWORD");
	if (!repo && !plan->push)
		return 0;
	if (!repo)
		return err_set(e, -EINVAL,
			       "the setting REPO is missing: the name to push to");
	for (size_t i = 0; i < plan->tags.n; i++) {
		bool whole = !registry || (strncmp(repo, name, n) == 0 && repo[n] == '/');
		char *text = whole ? xasprintf("%s:%s", repo, plan->tags.v[i])
				   : xasprintf("%s/%s:%s", name, repo, plan->tags.v[i]);

		free(plan->tags.v[i]);
		plan->tags.v[i] = text;
		add_option(plan, "tag", text);
	}
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

static int add_switches(const struct reading *r, struct err *e)
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
	if (plan->push)
		strv_add(&plan->words, "--push");
	if (plan->insecure)
		strv_add(&plan->words, "--tls-verify=false");
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

int plugin_plan_make(struct plugin_plan *plan, const char *const *environment,
		     const char *tags_file, struct err *e)
{
	struct reading r = {plan, environment};
	int code;

	*plan = (struct plugin_plan){.created = plan->created};
	note_unknown(&r);
	code = add_switches(&r, e);
	if (code == 0)
		code = add_tags(&r, tags_file, e);
	if (code < 0 || plan->nothing)
		return code;
	code = add_settings(&r, e);
	if (code == 0)
		code = add_build_args(&r, e);
	if (code == 0)
		code = add_all_secrets(&r, e);
	if (code == 0)
		code = add_labels(&r, e);
	if (code == 0)
		code = add_destination(&r, e);
	add_results(&r);
	plan->context = setting(&r, "CONTEXT");
	if (!plan->context)
		plan->context = ".";
	return code;
}

void plugin_plan_free(struct plugin_plan *plan)
{
	strv_free(&plan->words);
	strv_free(&plan->notes);
	strv_free(&plan->tags);
	strv_free(&plan->texts);
}
