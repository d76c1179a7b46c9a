/* SPDX-License-Identifier: MIT */
/*
 * Drone (docs.drone.io/pipeline/docker): one file, a document for each pipeline. What
 * pipelines on different machines share is the registry alone, so that each pushes its
 * image under a tag with the number of the build in it, which no other build has.
 */
#include <string.h>

#include "base/alloc.h"
#include "mab-build/pipeline-internal.h"

static void write_trigger(const struct pipeline *p, struct yaml *y)
{
	yaml_open(y, "trigger");
	yaml_open(y, "event");
	yaml_add(y, "push");
	if (p->versions)
		yaml_add(y, "tag");
	yaml_close(y);
	yaml_open(y, "ref");
	yaml_add_raw(y, "refs/heads/%s", p->branch);
	if (p->versions) {
		yaml_add_raw(y, "refs/tags/v[0-9]*");
		yaml_add_raw(y, "refs/tags/[0-9]*");
	}
	yaml_close(y);
	yaml_close(y);
}

static void begin_pipeline(struct yaml *y, const char *name,
			   const struct pipeline_machine *machine)
{
	yaml_document(y);
	yaml_set(y, "kind", "pipeline");
	yaml_set(y, "type", "docker");
	yaml_set(y, "name", name);
	yaml_blank(y);
	yaml_open(y, "platform");
	yaml_set(y, "os", machine->platform.os);
	yaml_set(y, "arch", machine->platform.architecture);
	yaml_close(y);
	yaml_blank(y);
}

static void write_settings(const struct pipeline *p, struct yaml *y,
			   const struct pipeline_job *job)
{
	AUTO_FREE char *caches = pipeline_caches(p, job->name);

	yaml_open(y, "settings");
	pipeline_write_settings(y, &p->build, "", true);
	pipeline_write_from_secrets(y, &p->build_secrets);
	if (caches)
		yaml_set(y, "cache_to", caches);
	if (caches && p->reads_caches)
		yaml_set(y, "cache_from", caches);
	yaml_set(y, "platform", job->platform);
	yaml_set_raw(y, "tags", "build-${DRONE_BUILD_NUMBER}-%s", job->name);
	if (!oci_map_get(&p->build, "STORAGE_PATH"))
		yaml_set(y, "storage_path", "/store");
	yaml_close(y);
}

static void write_lent(const struct pipeline *p, struct yaml *y)
{
	if (!p->lent.n)
		return;
	yaml_open(y, "environment");
	for (size_t i = 0; i < p->lent.n; i++) {
		const char *variable = strchr(p->lent.v[i], '=') + 1;

		yaml_open(y, variable);
		yaml_set(y, "from_secret", variable);
		yaml_close(y);
	}
	yaml_close(y);
}

static void write_build(const struct pipeline *p, struct yaml *y,
			const struct pipeline_job *job)
{
	begin_pipeline(y, job->name, job->machine);
	yaml_open(y, "steps");
	yaml_open_element(y);
	yaml_set(y, "name", "build");
	yaml_set(y, "image", p->image);
	yaml_set_raw(y, "privileged", "true");
	write_settings(p, y, job);
	write_lent(p, y);
	/* Not on the container's own overlay, on which there can be no other. */
	yaml_open(y, "volumes");
	yaml_open_element(y);
	yaml_set(y, "name", "store");
	yaml_set(y, "path", "/store");
	yaml_close(y);
	yaml_close(y);
	yaml_close(y);
	yaml_close(y);
	yaml_blank(y);
	yaml_open(y, "volumes");
	yaml_open_element(y);
	yaml_set(y, "name", "store");
	yaml_set_raw(y, "temp", "{}");
	yaml_close(y);
	yaml_close(y);
	yaml_blank(y);
	write_trigger(p, y);
	yaml_blank(y);
}

static void write_merge(const struct pipeline *p, struct yaml *y)
{
	begin_pipeline(y, "merge", &p->machines[0]);
	yaml_open(y, "clone");
	yaml_set_raw(y, "disable", "true");
	yaml_close(y);
	yaml_blank(y);
	pipeline_write_merge_step(p, y, "${DRONE_BUILD_NUMBER}");
	yaml_blank(y);
	yaml_open(y, "depends_on");
	for (size_t i = 0; i < p->njobs; i++)
		yaml_add(y, p->jobs[i].name);
	yaml_close(y);
	yaml_blank(y);
	write_trigger(p, y);
}

static void write_all(struct pipeline *p)
{
	struct yaml *y = pipeline_file(
		p, ".drone.yml",
		"The repository has to be trusted, because steps that build are "
		"privileged. Tags build-NUMBER-PLATFORM stay in the registry; they may be "
		"removed once the whole has its own.");

	for (size_t i = 0; i < p->njobs; i++)
		write_build(p, y, &p->jobs[i]);
	write_merge(p, y);
}

const struct pipeline_system pipeline_drone = {
	.name = "drone",
	.expansion = YAML_DRONE,
	.secrets = "Secrets of the repository",
	.machines = {{"linux/amd64", NULL}, {"linux/arm64", NULL}},
	.logins = {{NULL, "registry_username", "registry_password"}},
	.write = write_all,
};
