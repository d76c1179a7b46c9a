/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/file.h"
#include "base/path.h"
#include "cli/output.h"
#include "mab-build/command.h"
#include "mab-build/option-values.h"
#include "mab-build/pipeline.h"
#include "mab-build/plugin-settings.h"
#include "registry/client.h"
#include "registry/credentials.h"
#include "registry/login.h"

enum { FILE_MAX = 1024 * 1024 };

extern char **environ;

enum option_id {
	OPT_BRANCH = 1,
	OPT_IMAGE,
	OPT_NATIVE,
	OPT_OUTPUT,
	OPT_PRINT_PIPELINE,
	OPT_SECRET,
};

static const struct cli_option options[] = {
	{0, "Several machines", .help = ""},
	{OPT_PRINT_PIPELINE, "print-pipeline", .arg = "CI",
	 .help = "drone, github, gitlab or woodpecker: write a pipeline with a job for "
		 "each platform, on a machine of its kind, and one that merges"},
	{OPT_IMAGE, "image", .arg = "REFERENCE",
	 .help = "the image with mab-build that the jobs run"},
	{OPT_NATIVE, "native", .arg = "PLATFORM[=LABEL][,…]",
	 .help = "the kinds of machines that there are; the first emulates all others "
		 "(default: what the CI offers)"},
	{OPT_SECRET, "secret", .arg = "SETTING=NAME",
	 .help = "what the CI calls the secret for username, password, config or "
		 "ssh_agent_key; may be given several times"},
	{OPT_BRANCH, "branch", .arg = "NAME",
	 .help = "the branch that is built (default main)"},
	{OPT_OUTPUT, "output", .letter = 'o', .arg = "FOLDER",
	 .help = "the folder of the repository, where the files get their places"},
	HELP_OPTION,
};

static const struct cli_program program = {
	.name = PROGRAM " plugin",
	.usage = PROGRAM " plugin [OPTION…]",
	.summary =
		"Builds and pushes what a CI runner asks for: settings are PLUGIN_* of the "
		"environment. Without a command, this is what happens when there are any.",
	.options = options,
	.epilogue = "Exit status: 0 done, 1 something failed, 2 wrong usage.",
};

/* --- Files --- */

/* The text of a file in the workspace; NULL when there is none. */
static int read_if_there(const char *path, char **text, struct err *e)
{
	AUTO_ERR struct err why = ERR_INIT;
	int r = file_read_at(AT_FDCWD, path, FILE_MAX, text, NULL, &why);

	if (r == -ENOENT)
		return 0;
	return r < 0 ? err_set(e, r, "%s", why.text) : 0;
}

/* NAME=VALUE, `#` begins a comment line; what is set already stays. */
static int read_environment(const char *path, struct err *e)
{
	AUTO_STRV struct strv lines = STRV_INIT;
	AUTO_FREE char *text = NULL;
	int r = file_read_at(AT_FDCWD, path, FILE_MAX, &text, NULL, e);

	if (r < 0)
		return r;
	strv_split(&lines, text, "\n");
	for (size_t i = 0; i < lines.n; i++) {
		char *name = lines.v[i] + strspn(lines.v[i], " \t");
		char *equals = strchr(name, '=');

		if (!*name || *name == '#' || *name == '\r')
			continue;
		if (!equals)
			return err_at(e, -EINVAL, path, (unsigned)i + 1, 1,
				      "this is not NAME=VALUE");
		*equals = '\0';
		equals[1 + strcspn(equals + 1, "\r")] = '\0';
		if (setenv(name, equals + 1, 0) < 0)
			return err_at(e, -errno, path, (unsigned)i + 1, 1,
				      "'%s' is no name of a variable", name);
	}
	return 0;
}

/* --- What is secret, in a folder for this run alone --- */

struct run {
	struct pipeline_options pipeline;
	struct plugin_plan plan;
	char folder[PATH_MAX];
};

static int write_private(struct run *run, const char *name, const char *text,
			 const char *option, const char *prefix, struct err *e)
{
	AUTO_FREE char *path = xasprintf("%s/%s", run->folder, name);
	int r = file_write_at(AT_FDCWD, path, text, strlen(text), 0600, e);

	if (r == 0)
		strv_addf(&run->plan.words, "--%s=%s%s", option, prefix, path);
	return r;
}

/* Asks the registry, so that a wrong password is told before anything is built. */
static int log_in(const struct run *run, const char *authfile, struct err *e)
{
	struct registry_settings settings = {.authfile = authfile,
					     .skip_tls_verify = run->plan.insecure};
	AUTO_REGISTRY struct registry *client = NULL;
	AUTO_CREDENTIALS struct credentials who = {.user = xstrdup(run->plan.username),
						   .password =
							   xstrdup(run->plan.password)};
	AUTO_FREE char *where = NULL;
	int r = registry_new(&settings, &client, e);

	return r < 0 ? r : registry_login(client, run->plan.registry, &who, &where, e);
}

static int write_logins(struct run *run, struct err *e)
{
	AUTO_FREE char *path = xasprintf("%s/auth.json", run->folder);
	int r;

	if (!run->plan.config && !run->plan.username)
		return 0;
	r = write_private(run, "auth.json", run->plan.config ? run->plan.config : "{}",
			  "authfile", "", e);
	if (r == 0 && run->plan.username)
		r = log_in(run, path, e);
	return r;
}

static int write_mirror(struct run *run, struct err *e)
{
	const char *mirror = run->plan.mirror;
	const char *host = mirror ? strstr(mirror, "://") : NULL;
	AUTO_FREE char *text = NULL;

	if (!mirror)
		return 0;
	host = host ? host + 3 : mirror;
	if (strpbrk(host, "\"\\\n"))
		return err_set(e, -EINVAL, "the setting MIRROR is no host: '%s'", mirror);
	text = xasprintf("[[registry]]\nlocation = \"docker.io\"\n"
			 "[[registry.mirror]]\nlocation = \"%.*s\"\ninsecure = %s\n",
			 (int)strcspn(host, "/"), host,
			 strncmp(mirror, "http://", 7) == 0 ? "true" : "false");
	return write_private(run, "registries.conf", text, "registries-conf", "", e);
}

static int write_key(struct run *run, struct err *e)
{
	AUTO_FREE char *text = NULL;

	if (!run->plan.ssh_key)
		return 0;
	text = xasprintf("%s\n", run->plan.ssh_key); /* runners cut the last newline */
	return write_private(run, "key", text, "ssh", "default=", e);
}

/* A runner's own way to show what was made. */
static int write_artifact(const struct run *run, struct err *e)
{
	AUTO_FREE char *path = xasprintf("%s/digest", run->folder);
	struct cli_json *object, *data, *images;
	AUTO_FREE char *digest = NULL;
	AUTO_FREE char *text = NULL;
	size_t len = 0;
	FILE *f;
	int r = file_read_at(AT_FDCWD, path, FILE_MAX, &digest, NULL, e);

	if (r < 0)
		return r;
	f = open_memstream(&text, &len);
	if (!f)
		return err_sys(e, -errno, "cannot write %s", run->plan.artifact_file);
	object = cli_json_object();
	data = cli_json_object();
	images = cli_json_array();
	for (size_t i = 0; i < run->plan.tags.n; i++) {
		struct cli_json *image = cli_json_object();

		cli_json_set_string(image, "image", run->plan.tags.v[i]);
		cli_json_set_string(image, "digest", digest);
		cli_json_add(images, image);
	}
	cli_json_set_string(object, "kind", "docker/v1");
	cli_json_set_string(data, "registryType", "Docker");
	cli_json_set_string(data, "registryUrl", run->plan.registry);
	cli_json_set(data, "images", images);
	cli_json_set(object, "data", data);
	cli_json_print(object, f);
	(void)fclose(f); /* into memory */
	return file_write_at(AT_FDCWD, run->plan.artifact_file, text, len,
			     FILE_MODE_UMASK, e);
}

/* --- The run --- */

static int run_merge(const struct run *run)
{
	AUTO_STRV struct strv words = STRV_INIT;

	strv_add(&words, "merge");
	for (size_t i = 0; i < run->plan.words.n; i++)
		strv_add(&words, run->plan.words.v[i]);
	strv_add(&words, "--");
	for (size_t i = 0; i < run->plan.merge.n; i++)
		strv_add(&words, run->plan.merge.v[i]);
	return command_run(&cmd_merge, (int)words.n, words.v);
}

static int run_build(const struct run *run)
{
	AUTO_FREE char *digest = xasprintf("--iidfile=%s/digest", run->folder);
	AUTO_STRV struct strv words = STRV_INIT;

	strv_add(&words, "build");
	for (size_t i = 0; i < run->plan.words.n; i++)
		strv_add(&words, run->plan.words.v[i]);
	if (run->plan.artifact_file)
		strv_add(&words, digest);
	if (run->plan.purge)
		strv_add(&words, "--max-cache=0");
	strv_add(&words, "--");
	strv_add(&words, run->plan.context);
	return command_run(&cmd_build, (int)words.n, words.v);
}

static int prepare(struct run *run, struct err *e)
{
	int r = write_logins(run, e);

	if (r == 0)
		r = write_mirror(run, e);
	return r < 0 ? r : write_key(run, e);
}

static int do_plan(struct run *run, struct err *e)
{
	int status;

	for (size_t i = 0; i < run->plan.notes.n; i++)
		cli_message(PROGRAM, "%s", run->plan.notes.v[i]);
	if (run->plan.nothing) {
		cli_message(PROGRAM, "%s", run->plan.nothing);
		return 0;
	}
	if (!mkdtemp(run->folder))
		return err_sys(e, -errno, "cannot make the folder %s", run->folder);
	status = prepare(run, e);
	if (status == 0)
		status = run->plan.merge.n ? run_merge(run) : run_build(run);
	if (status == 0 && run->plan.artifact_file)
		status = write_artifact(run, e);
	/* Secrets are in it: what cannot be removed is told. */
	if (path_remove(AT_FDCWD, run->folder, status < 0 ? NULL : e) < 0 && status >= 0)
		status = -EIO;
	return status;
}

/* --- The command --- */

static int set_secret(struct oci_map *secrets, const char *value, struct err *e)
{
	const char *equals = strchr(value, '=');
	AUTO_FREE char *setting = NULL;

	if (!equals || equals == value)
		return err_set(e, -EINVAL, "--secret=%s is not SETTING=NAME", value);
	setting = xstrndup(value, (size_t)(equals - value));
	str_upper(setting);
	oci_map_set(secrets, setting, equals + 1);
	return 0;
}

static int set(void *settings, const struct cli_option *option, const char *value,
	       struct err *e)
{
	struct pipeline_options *o = &((struct run *)settings)->pipeline;
	int r;

	switch (option->id) {
	case OPT_BRANCH:
		o->branch = value;
		return 0;
	case OPT_IMAGE:
		o->image = value;
		return 0;
	case OPT_NATIVE:
		strv_split(&o->native, value, ",");
		return 0;
	case OPT_OUTPUT:
		o->output = value;
		return 0;
	case OPT_PRINT_PIPELINE:
		o->ci = value;
		r = value_choose(option->name, value, pipeline_systems, "", e);
		return r < 0 ? r : 0;
	default:
		return set_secret(&o->secrets, value, e);
	}
}

static int take(void *settings, int n, char **words, struct err *e)
{
	const struct pipeline_options *o = &((struct run *)settings)->pipeline;

	if (n)
		return err_set(e, -EINVAL, "settings come from the environment, not '%s'",
			       words[0]);
	if (!o->ci && (o->branch || o->image || o->native.n || o->output || o->secrets.n))
		return err_set(e, -EINVAL, "options go with --print-pipeline only");
	return 0;
}

static int read_env_file(struct err *e)
{
	const char *file = getenv("PLUGIN_ENV_FILE");

	return file && *file ? read_environment(file, e) : 0;
}

/* Of a build that is to be repeatable, the time that it is to have. */
static void format_now(char *text, size_t size)
{
	const char *epoch = getenv("SOURCE_DATE_EPOCH");
	time_t t = epoch && *epoch ? (time_t)strtoll(epoch, NULL, 10) : time(NULL);
	struct tm tm = {0};

	(void)strftime(text, size, "%Y-%m-%dT%H:%M:%SZ", gmtime_r(&t, &tm));
}

static int plugin(void *settings, struct err *e)
{
	struct run *run = settings;
	const char *temporary = getenv("TMPDIR");
	AUTO_FREE char *tags = NULL;
	char now[32];
	int r;

	if (run->pipeline.ci)
		return pipeline_print(&run->pipeline, (const char *const *)environ, e);
	r = read_env_file(e);
	if (r == 0)
		r = read_if_there(".tags", &tags, e);
	if (r < 0)
		return r;
	snprintf(run->folder, sizeof run->folder, "%s/mab-build.XXXXXX",
		 temporary && *temporary ? temporary : "/tmp");
	format_now(now, sizeof now);
	run->plan.created = now;
	r = plugin_plan_make(&run->plan, (const char *const *)environ, tags, e);
	return r < 0 ? r : do_plan(run, e);
}

static void release(void *settings)
{
	struct run *run = settings;

	strv_free(&run->pipeline.native);
	oci_map_free(&run->pipeline.secrets);
	plugin_plan_free(&run->plan);
}

const struct command cmd_plugin = {
	.name = "plugin",
	.summary = "build as the settings of a CI runner say",
	.program = &program,
	.size = sizeof(struct run),
	.set = set,
	.take = take,
	.act = plugin,
	.release = release,
};
