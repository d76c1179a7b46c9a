/* SPDX-License-Identifier: MIT */
/*
 * Woodpecker (woodpecker-ci.org/docs/usage/workflow-syntax): a file is a workflow, and
 * depends on others as a whole. One with a matrix runs once for each platform; who
 * depends on it waits for all of them. As with Drone, they share the registry alone.
 */
#include <string.h>

#include "base/alloc.h"
#include "mab-build/pipeline-internal.h"

static void write_tag_event(struct yaml *y, const char *ref)
{
	yaml_open_element(y);
	yaml_set(y, "event", "tag");
	yaml_set(y, "ref", ref);
	yaml_close(y);
}

static void write_when(const struct pipeline *p, struct yaml *y)
{
	yaml_open(y, "when");
	yaml_open_element(y);
	yaml_set(y, "event", "push");
	yaml_set(y, "branch", p->branch);
	yaml_close(y);
	if (p->versions) {
		write_tag_event(y, "refs/tags/v[0-9]*");
		write_tag_event(y, "refs/tags/[0-9]*");
	}
	yaml_close(y);
	yaml_blank(y);
}

static void write_machine(struct yaml *y, const struct pipeline_machine *machine)
{
	char text[OCI_PLATFORM_TEXT];

	yaml_set(y, "RUNNER", oci_platform_format(&machine->platform, text));
}

static void write_matrix(const struct pipeline *p, struct yaml *y)
{
	yaml_open(y, "matrix");
	yaml_open(y, "include");
	for (size_t i = 0; i < p->njobs; i++) {
		yaml_open_element(y);
		yaml_set(y, "PLATFORM", p->jobs[i].platform);
		yaml_set(y, "NAME", p->jobs[i].name);
		write_machine(y, p->jobs[i].machine);
		yaml_close(y);
	}
	yaml_close(y);
	yaml_close(y);
	yaml_blank(y);
	yaml_open(y, "labels");
	yaml_set_raw(y, "platform", "${RUNNER}");
	yaml_close(y);
	yaml_blank(y);
}

/* A plugin gets settings and no other variables. */
static void write_lent(const struct pipeline *p, struct yaml *y)
{
	AUTO_STRBUF struct strbuf list = STRBUF_INIT;

	for (size_t i = 0; i < p->lent.n; i++) {
		const char *variable = strchr(p->lent.v[i], '=') + 1;
		AUTO_FREE char *key = xasprintf("secret_%s", variable);
		AUTO_FREE char *small = pipeline_small(key);
		size_t from;

		strbuf_addf(&list, "%s%.*s=PLUGIN_", list.len ? "," : "",
			    (int)(variable - p->lent.v[i] - 1), p->lent.v[i]);
		from = list.len;
		strbuf_adds(&list, small);
		str_upper(list.data + from);
		yaml_open(y, small);
		yaml_set(y, "from_secret", variable);
		yaml_close(y);
	}
	if (list.len)
		yaml_set(y, "secrets_from_env", list.data);
}

static void write_settings(struct pipeline *p, struct yaml *y)
{
	AUTO_FREE char *caches = pipeline_caches(p, "${NAME}");

	yaml_open(y, "settings");
	oci_map_remove(&p->build, "SECRETS_FROM_ENV");
	pipeline_write_settings(y, &p->build, "", true);
	pipeline_write_from_secrets(y, &p->build_secrets);
	write_lent(p, y);
	if (caches)
		yaml_set_raw(y, "cache_to", "%s", caches);
	if (caches && p->reads_caches)
		yaml_set_raw(y, "cache_from", "%s", caches);
	yaml_set_raw(y, "platform", "${PLATFORM}");
	yaml_set_raw(y, "tags", "build-${CI_PIPELINE_NUMBER}-${NAME}");
	/* In the workspace's volume, beside what is in the context. */
	if (!oci_map_get(&p->build, "STORAGE_PATH"))
		yaml_set(y, "storage_path", "/woodpecker/store");
	yaml_close(y);
}

static void write_build(struct pipeline *p)
{
	struct yaml *y = pipeline_file(
		p, ".woodpecker/build.yaml",
		"The repository has to be trusted with privileges (\"security\"), because "
		"the step is privileged. Where the image is one of "
		"WOODPECKER_PLUGINS_PRIVILEGED it is so by itself: without the line "
		"privileged, the repository need not be trusted. Tags "
		"build-NUMBER-PLATFORM stay in the registry; they may be removed once the "
		"whole has its own. merge.yaml goes with this.");

	write_when(p, y);
	write_matrix(p, y);
	yaml_open(y, "steps");
	yaml_open_element(y);
	yaml_set(y, "name", "build");
	yaml_set(y, "image", p->image);
	yaml_set_raw(y, "privileged", "true");
	write_settings(p, y);
	yaml_close(y);
	yaml_close(y);
}

static void write_merge(struct pipeline *p)
{
	struct yaml *y = pipeline_file(p, ".woodpecker/merge.yaml",
				       "Makes one image of those of build.yaml.");
	char text[OCI_PLATFORM_TEXT];

	write_when(p, y);
	yaml_open(y, "labels");
	yaml_set(y, "platform", oci_platform_format(&p->machines[0].platform, text));
	yaml_close(y);
	yaml_blank(y);
	yaml_set_raw(y, "skip_clone", "true");
	yaml_blank(y);
	yaml_open(y, "depends_on");
	yaml_add(y, "build");
	yaml_close(y);
	yaml_blank(y);
	pipeline_write_merge_step(p, y, "${CI_PIPELINE_NUMBER}");
}

static void write_all(struct pipeline *p)
{
	write_build(p);
	write_merge(p);
}

const struct pipeline_system pipeline_woodpecker = {
	.name = "woodpecker",
	.expansion = YAML_DRONE,
	.secrets = "Secrets",
	.machines = {{"linux/amd64", NULL}, {"linux/arm64", NULL}},
	.logins = {{NULL, "registry_username", "registry_password"}},
	.write = write_all,
};
