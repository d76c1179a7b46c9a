/* SPDX-License-Identifier: MIT */
/*
 * GitLab (docs.gitlab.com/ci/yaml): jobs hand files to others as artifacts. A job's
 * script runs in the image, which needs a shell for that. Variables may be expanded
 * twice, by the server and by the runner, and `$$` is not left alone by every version:
 * a value with `$` is one that is not to be expanded, and a secret is taken over by the
 * script.
 */
#include <string.h>

#include "base/alloc.h"
#include "mab-build/pipeline-internal.h"

static void set(struct yaml *y, const char *name, const char *value)
{
	if (!strchr(value, '$')) {
		yaml_set(y, name, value);
		return;
	}
	yaml_open(y, name);
	yaml_set(y, "value", value);
	yaml_set_raw(y, "expand", "false");
	yaml_close(y);
}

static void set_settings(struct yaml *y, const struct oci_map *settings)
{
	for (size_t i = 0; i < settings->n; i++) {
		AUTO_FREE char *name = xasprintf("PLUGIN_%s", settings->v[i].name);

		set(y, name, settings->v[i].value);
	}
}

static void write_image(const struct pipeline *p, struct yaml *y)
{
	yaml_open(y, "image");
	yaml_set(y, "name", p->image);
	yaml_open(y, "entrypoint");
	yaml_add(y, "");
	yaml_close(y);
	yaml_close(y);
}

static void write_rules(const struct pipeline *p, struct yaml *y)
{
	yaml_open(y, "rules");
	yaml_open_element(y);
	yaml_set_raw(y, "if", "'$CI_COMMIT_BRANCH == \"%s\"'", p->branch);
	yaml_close(y);
	if (p->versions) {
		yaml_open_element(y);
		yaml_set_raw(y, "if", "'$CI_COMMIT_TAG =~ /^v?[0-9]/'");
		yaml_close(y);
	}
	yaml_close(y);
}

static void write_tags(struct yaml *y, const struct pipeline_machine *machine)
{
	yaml_open(y, "tags");
	yaml_add(y, machine->label);
	yaml_close(y);
}

/* What labels and tags are made of, under the names that other runners have for it. */
static void write_commit(struct yaml *y)
{
	yaml_set_raw(y, "CI_REPO_CLONE_URL", "$CI_PROJECT_URL.git");
	yaml_set_raw(y, "CI_REPO_DEFAULT_BRANCH", "$CI_DEFAULT_BRANCH");
	yaml_set_raw(y, "CI_REPO_URL", "$CI_PROJECT_URL");
}

static void add_exports(struct yaml *y, const struct oci_map *secrets)
{
	for (size_t i = 0; i < secrets->n; i++)
		yaml_add_raw(y, "export PLUGIN_%s=\"$%s\"", secrets->v[i].name,
			     secrets->v[i].value);
}

static void write_script(const struct pipeline *p, struct yaml *y)
{
	yaml_open(y, "script");
	add_exports(y, &p->build_secrets);
	/* On the build's volume: on the container's own overlay there can be no other. */
	if (!oci_map_get(&p->build, "STORAGE_PATH"))
		yaml_add_raw(y, "export PLUGIN_STORAGE_PATH=\"$CI_PROJECT_DIR.store\"");
	yaml_add(y, "mab-build plugin");
	yaml_close(y);
}

/* What the jobs that build have in common. */
static void write_build(const struct pipeline *p, struct yaml *y)
{
	yaml_open(y, ".build");
	yaml_set(y, "stage", "build");
	write_image(p, y);
	write_rules(p, y);
	yaml_open(y, "variables");
	set_settings(y, &p->build);
	yaml_set(y, "PLUGIN_PUSH_BY_DIGEST", "true");
	write_commit(y);
	yaml_close(y);
	write_script(p, y);
	yaml_close(y);
	yaml_blank(y);
}

static void write_job(const struct pipeline *p, struct yaml *y,
		      const struct pipeline_job *job)
{
	AUTO_FREE char *caches = pipeline_caches(p, job->name);

	yaml_open(y, job->name);
	yaml_set(y, "extends", ".build");
	write_tags(y, job->machine);
	yaml_open(y, "variables");
	yaml_set(y, "PLUGIN_PLATFORM", job->platform);
	yaml_set_raw(y, "PLUGIN_METADATA_FILE", "descriptor-%s.json", job->name);
	if (caches)
		yaml_set(y, "PLUGIN_CACHE_TO", caches);
	if (caches && p->reads_caches)
		yaml_set(y, "PLUGIN_CACHE_FROM", caches);
	yaml_close(y);
	yaml_open(y, "artifacts");
	yaml_open(y, "paths");
	yaml_add_raw(y, "descriptor-%s.json", job->name);
	yaml_close(y);
	yaml_set_raw(y, "expire_in", "1 day");
	yaml_close(y);
	yaml_close(y);
	yaml_blank(y);
}

static void write_merge_script(const struct pipeline *p, struct yaml *y)
{
	yaml_open(y, "script");
	add_exports(y, &p->merge_secrets);
	if (p->versions)
		yaml_add_raw(y, "export CI_COMMIT_REF=\"refs/${CI_COMMIT_TAG:+tags/"
				"}${CI_COMMIT_TAG:-heads/$CI_COMMIT_BRANCH}\"");
	yaml_add(y, "mab-build plugin");
	yaml_close(y);
}

static void write_merge(const struct pipeline *p, struct yaml *y)
{
	AUTO_STRBUF struct strbuf files = STRBUF_INIT;

	yaml_open(y, "merge");
	yaml_set(y, "stage", "deploy");
	yaml_open(y, "needs");
	for (size_t i = 0; i < p->njobs; i++) {
		yaml_add(y, p->jobs[i].name);
		strbuf_addf(&files, "%sdescriptor-%s.json", i ? "," : "",
			    p->jobs[i].name);
	}
	yaml_close(y);
	write_image(p, y);
	write_tags(y, &p->machines[0]);
	write_rules(p, y);
	yaml_open(y, "variables");
	set_settings(y, &p->merge);
	yaml_set(y, "PLUGIN_MERGE", files.data);
	yaml_set(y, "GIT_STRATEGY", "none");
	write_commit(y);
	yaml_close(y);
	write_merge_script(p, y);
}

static void write_all(struct pipeline *p)
{
	struct yaml *y = pipeline_file(
		p, ".gitlab-ci.yml",
		"Runners have to be privileged, as those of gitlab.com are, and the image "
		"to have a shell.");

	write_build(p, y);
	for (size_t i = 0; i < p->njobs; i++)
		write_job(p, y, &p->jobs[i]);
	write_merge(p, y);
}

const struct pipeline_system pipeline_gitlab = {
	.name = "gitlab",
	.expansion = YAML_NOTHING,
	.labels = true,
	.identifiers = true,
	.secrets = "Variables, to be masked,",
	.machines = {{"linux/amd64", "saas-linux-small-amd64"},
		     {"linux/arm64", "saas-linux-small-arm64"}},
	.logins = {{"registry.gitlab.com", "CI_REGISTRY_USER", "CI_REGISTRY_PASSWORD"},
		   {NULL, "REGISTRY_USERNAME", "REGISTRY_PASSWORD"}},
	.write = write_all,
};
