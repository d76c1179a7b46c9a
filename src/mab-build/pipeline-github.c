/* SPDX-License-Identifier: MIT */
/*
 * GitHub Actions (docs.github.com/actions/reference/workflows-and-actions): jobs hand
 * files to others as artifacts. The image runs under the runner's docker, not as the
 * job's container: actions would need their own libc in there. That container is
 * privileged, and so not what Ubuntu's restriction of user namespaces is for. Values are
 * variables of the environment: none becomes part of a script.
 */
#include <string.h>

#include "base/alloc.h"
#include "mab-build/pipeline-internal.h"

enum { WIDTH = 80 }; /* of the script */

/* A step with variables, which its container gets. */
struct step {
	struct yaml *y;
	struct strv names;
};

static void set(struct step *s, const char *name, const char *value)
{
	yaml_set(s->y, name, value);
	strv_add(&s->names, name);
}

static void set_raw(struct step *s, const char *name, const char *expression)
{
	yaml_set_raw(s->y, name, "%s", expression);
	strv_add(&s->names, name);
}

static void set_settings(struct step *s, const struct oci_map *settings)
{
	for (size_t i = 0; i < settings->n; i++) {
		AUTO_FREE char *name = xasprintf("PLUGIN_%s", settings->v[i].name);

		set(s, name, settings->v[i].value);
	}
}

/* "github.actor" is an expression, any other name that of a secret. */
static void set_secret(struct step *s, const char *name, const char *secret)
{
	AUTO_FREE char *value =
		xasprintf("${{ %s%s }}", strchr(secret, '.') ? "" : "secrets.", secret);

	set_raw(s, name, value);
}

static void set_secrets(struct step *s, const struct oci_map *secrets)
{
	for (size_t i = 0; i < secrets->n; i++) {
		AUTO_FREE char *name = xasprintf("PLUGIN_%s", secrets->v[i].name);

		set_secret(s, name, secrets->v[i].value);
	}
}

/* What labels and tags are made of, under the names that other runners have for it. */
static void set_commit(struct step *s)
{
	static const char *const names[][2] = {
		{"CI_COMMIT_REF", "${{ github.ref }}"},
		{"CI_COMMIT_SHA", "${{ github.sha }}"},
		{"CI_REPO_CLONE_URL",
		 "${{ github.server_url }}/${{ github.repository }}.git"},
		{"CI_REPO_DEFAULT_BRANCH",
		 "${{ github.event.repository.default_branch }}"},
		{"CI_REPO_URL", "${{ github.server_url }}/${{ github.repository }}"},
	};

	for (size_t i = 0; i < ARRAY_SIZE(names); i++)
		set_raw(s, names[i][0], names[i][1]);
}

static void add_names(struct strbuf *script, const struct strv *names)
{
	size_t column = WIDTH;

	for (size_t i = 0; i < names->n; i++) {
		AUTO_FREE char *word = xasprintf(" --env %s", names->v[i]);

		if (column + strlen(word) > WIDTH) {
			strbuf_adds(script, " \\\n ");
			column = 1;
		}
		strbuf_adds(script, word);
		column += strlen(word);
	}
}

/* Ends the step: only the names of what it has set are on a command line. */
static void run(struct step *s, const char *options)
{
	AUTO_STRBUF struct strbuf script = STRBUF_INIT;

	strbuf_addf(&script, "docker run --rm%s --workdir /workspace", options);
	add_names(&script, &s->names);
	strbuf_adds(&script, " \\\n  --volume \"$PWD:/workspace\" --entrypoint mab-build "
			     "\"$MAB_BUILD_IMAGE\" plugin\n");
	yaml_close(s->y);
	yaml_set_lines(s->y, "run", script.data);
	yaml_close(s->y);
	strv_free(&s->names);
}

static struct step begin_step(const struct pipeline *p, struct yaml *y, const char *name)
{
	yaml_open_element(y);
	yaml_set(y, "name", name);
	yaml_open(y, "env");
	yaml_set(y, "MAB_BUILD_IMAGE", p->image);
	return (struct step){y, STRV_INIT};
}

static void write_on(const struct pipeline *p, struct yaml *y)
{
	yaml_set(y, "name", "image");
	yaml_blank(y);
	yaml_open(y, "on");
	yaml_open(y, "push");
	yaml_open(y, "branches");
	yaml_add(y, p->branch);
	yaml_close(y);
	if (p->versions) {
		yaml_open(y, "tags");
		yaml_add(y, "v[0-9]*");
		yaml_add(y, "[0-9]*");
		yaml_close(y);
	}
	yaml_close(y);
	yaml_close(y);
	yaml_blank(y);
	yaml_open(y, "permissions");
	yaml_set(y, "contents", "read");
	if (strcmp(p->registry, "ghcr.io") == 0)
		yaml_set(y, "packages", "write");
	yaml_close(y);
	yaml_blank(y);
}

static void write_matrix(const struct pipeline *p, struct yaml *y)
{
	yaml_open(y, "strategy");
	yaml_open(y, "matrix");
	yaml_open(y, "include");
	for (size_t i = 0; i < p->njobs; i++) {
		yaml_open_element(y);
		yaml_set(y, "platform", p->jobs[i].platform);
		yaml_set(y, "name", p->jobs[i].name);
		yaml_set(y, "runner", p->jobs[i].machine->label);
		yaml_close(y);
	}
	yaml_close(y);
	yaml_close(y);
	yaml_close(y);
	yaml_set_raw(y, "name", "${{ matrix.platform }}");
	yaml_set_raw(y, "runs-on", "${{ matrix.runner }}");
}

static void write_build_step(const struct pipeline *p, struct yaml *y)
{
	struct step s = begin_step(p, y, "Build and push");
	AUTO_FREE char *caches = pipeline_caches(p, "${{ matrix.name }}");

	set_settings(&s, &p->build);
	set_secrets(&s, &p->build_secrets);
	for (size_t i = 0; i < p->lent.n; i++) {
		const char *variable = strchr(p->lent.v[i], '=') + 1;

		set_secret(&s, variable, variable);
	}
	for (size_t i = 0; i < p->passed.n; i++)
		strv_add(&s.names, p->passed.v[i]);
	if (caches)
		set_raw(&s, "PLUGIN_CACHE_TO", caches);
	if (caches && p->reads_caches)
		set_raw(&s, "PLUGIN_CACHE_FROM", caches);
	set_raw(&s, "PLUGIN_PLATFORM", "${{ matrix.platform }}");
	set(&s, "PLUGIN_PUSH_BY_DIGEST", "true");
	set_raw(&s, "PLUGIN_METADATA_FILE", "descriptor-${{ matrix.name }}.json");
	/* Not on the container's own overlay, on which there can be no other. */
	if (!oci_map_get(&p->build, "STORAGE_PATH"))
		set(&s, "PLUGIN_STORAGE_PATH", "/store");
	set_commit(&s);
	run(&s, " --privileged --volume /store");
}

static void write_build(const struct pipeline *p, struct yaml *y)
{
	yaml_open(y, "build");
	write_matrix(p, y);
	yaml_open(y, "steps");
	yaml_open_element(y);
	yaml_set(y, "uses", "actions/checkout@v6");
	yaml_close(y);
	write_build_step(p, y);
	yaml_open_element(y);
	yaml_set(y, "uses", "actions/upload-artifact@v6");
	yaml_open(y, "with");
	yaml_set_raw(y, "name", "descriptor-${{ matrix.name }}");
	yaml_set_raw(y, "path", "descriptor-${{ matrix.name }}.json");
	yaml_set(y, "if-no-files-found", "error");
	yaml_set_raw(y, "retention-days", "1");
	yaml_close(y);
	yaml_close(y);
	yaml_close(y);
	yaml_close(y);
	yaml_blank(y);
}

static void write_merge_step(const struct pipeline *p, struct yaml *y)
{
	struct step s = begin_step(p, y, "Make one image");
	AUTO_STRBUF struct strbuf files = STRBUF_INIT;

	set_settings(&s, &p->merge);
	set_secrets(&s, &p->merge_secrets);
	for (size_t i = 0; i < p->njobs; i++)
		strbuf_addf(&files, "%sdescriptor-%s.json", i ? "," : "",
			    p->jobs[i].name);
	set(&s, "PLUGIN_MERGE", files.data);
	set_commit(&s);
	run(&s, "");
}

static void write_merge(const struct pipeline *p, struct yaml *y)
{
	yaml_open(y, "merge");
	yaml_set(y, "needs", "build");
	yaml_set(y, "runs-on", p->machines[0].label);
	yaml_open(y, "steps");
	yaml_open_element(y);
	yaml_set(y, "uses", "actions/download-artifact@v7");
	yaml_open(y, "with");
	yaml_set_raw(y, "pattern", "descriptor-*");
	yaml_set_raw(y, "merge-multiple", "true");
	yaml_close(y);
	yaml_close(y);
	write_merge_step(p, y);
}

static void write_all(struct pipeline *p)
{
	struct yaml *y = pipeline_file(p, ".github/workflows/image.yml",
				       "The runner's docker runs the image, privileged, "
				       "and has to be able to pull it.");

	write_on(p, y);
	yaml_open(y, "jobs");
	write_build(p, y);
	write_merge(p, y);
}

const struct pipeline_system pipeline_github = {
	.name = "github",
	.expansion = YAML_GITHUB,
	.labels = true,
	.expressions = true,
	.secrets = "Secrets, or what else GitHub knows,",
	.machines = {{"linux/amd64", "ubuntu-24.04"},
		     {"linux/arm64", "ubuntu-24.04-arm"}},
	.logins = {{"ghcr.io", "github.actor", "GITHUB_TOKEN"},
		   {NULL, "REGISTRY_USERNAME", "REGISTRY_PASSWORD"}},
	.write = write_all,
};
