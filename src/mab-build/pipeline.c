/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/file.h"
#include "base/path.h"
#include "mab-build/command.h"
#include "mab-build/pipeline-internal.h"

const char pipeline_systems[] = "drone github gitlab woodpecker";

static const struct pipeline_system *const systems[] = {
	&pipeline_drone,
	&pipeline_github,
	&pipeline_gitlab,
	&pipeline_woodpecker,
};

static void release(struct pipeline *p)
{
	for (size_t i = 0; i < p->nmachines; i++)
		free(p->machines[i].label);
	for (size_t i = 0; i < p->njobs; i++) {
		free(p->jobs[i].platform);
		free(p->jobs[i].name);
	}
	for (size_t i = 0; i < p->nfiles; i++)
		yaml_free(&p->files[i].yaml);
	free(p->machines);
	free(p->jobs);
	free(p->files);
	free(p->registry);
	free(p->repository);
	oci_map_free(&p->build);
	oci_map_free(&p->merge);
	oci_map_free(&p->build_secrets);
	oci_map_free(&p->merge_secrets);
	strv_free(&p->lent);
	strv_free(&p->passed);
	strv_free(&p->caches);
}

/* --- What all of them write --- */

static void describe_job(struct yaml *y, const struct pipeline_job *job)
{
	static const char *const how[] = {
		[PIPELINE_NATIVE] = "",
		[PIPELINE_PERHAPS] = ", which runs it itself or emulates it",
		[PIPELINE_EMULATED] = ", which emulates it",
	};
	char text[OCI_PLATFORM_TEXT];

	yaml_comment(y, "%s: on %s%s%s%s", job->platform,
		     oci_platform_format(&job->machine->platform, text),
		     job->machine->label ? ", " : "",
		     job->machine->label ? job->machine->label : "", how[job->way]);
}

static void describe_secrets(struct yaml *y, const struct pipeline *p)
{
	AUTO_STRBUF struct strbuf list = STRBUF_INIT;

	for (size_t i = 0; i < p->build_secrets.n; i++)
		strbuf_addf(&list, "%s%s", list.len ? ", " : "",
			    p->build_secrets.v[i].value);
	for (size_t i = 0; i < p->lent.n; i++)
		strbuf_addf(&list, "%s%s", list.len ? ", " : "",
			    strchr(p->lent.v[i], '=') + 1);
	if (list.len)
		yaml_comment(y, "%s that it takes: %s", p->system->secrets, list.data);
}

struct yaml *pipeline_file(struct pipeline *p, const char *path, const char *needs)
{
	struct yaml *y;

	GROW(p->files, p->nfiles);
	p->files[p->nfiles] =
		(struct pipeline_file){path, YAML_INIT(p->system->expansion)};
	y = &p->files[p->nfiles++].yaml;
	yaml_comment(y,
		     "%s: written by mab-build %s, mab-build plugin --print-pipeline %s",
		     path, PACKAGE_VERSION, p->system->name);
	if (p->nfiles == 1) {
		for (size_t i = 0; i < p->njobs; i++)
			describe_job(y, &p->jobs[i]);
		describe_secrets(y, p);
	}
	yaml_comment(y, "%s", needs);
	yaml_blank(y);
	return y;
}

char *pipeline_small(const char *name)
{
	char *text = xstrdup(name);

	str_lower(text);
	return text;
}

void pipeline_write_settings(struct yaml *y, const struct oci_map *settings,
			     const char *prefix, bool small)
{
	for (size_t i = 0; i < settings->n; i++) {
		AUTO_FREE char *key = xasprintf("%s%s", prefix, settings->v[i].name);
		AUTO_FREE char *lower = pipeline_small(key);

		yaml_set(y, small ? lower : key, settings->v[i].value);
	}
}

void pipeline_write_from_secrets(struct yaml *y, const struct oci_map *secrets)
{
	for (size_t i = 0; i < secrets->n; i++) {
		AUTO_FREE char *key = pipeline_small(secrets->v[i].name);

		yaml_open(y, key);
		yaml_set(y, "from_secret", secrets->v[i].value);
		yaml_close(y);
	}
}

void pipeline_write_merge_step(const struct pipeline *p, struct yaml *y,
			       const char *number)
{
	yaml_open(y, "steps");
	yaml_open_element(y);
	yaml_set(y, "name", "merge");
	yaml_set(y, "image", p->image);
	yaml_open(y, "settings");
	pipeline_write_settings(y, &p->merge, "", true);
	pipeline_write_from_secrets(y, &p->merge_secrets);
	yaml_open(y, "merge");
	for (size_t i = 0; i < p->njobs; i++)
		yaml_add_raw(y, "docker://%s:build-%s-%s", p->repository, number,
			     p->jobs[i].name);
	yaml_close(y);
	yaml_close(y);
	yaml_close(y);
	yaml_close(y);
}

char *pipeline_caches(const struct pipeline *p, const char *job)
{
	struct strbuf list = STRBUF_INIT;

	if (!p->caches.n)
		return NULL;
	for (size_t i = 0; i < p->caches.n; i++)
		strbuf_addf(&list, "%s%s-%s", i ? "," : "", p->caches.v[i], job);
	return strbuf_take(&list);
}

/* --- Where it goes --- */

static int check_new(const struct pipeline *p, int folder, struct err *e)
{
	for (size_t i = 0; i < p->nfiles; i++)
		if (faccessat(folder, p->files[i].path, F_OK, AT_SYMLINK_NOFOLLOW) == 0)
			return err_set(e, -EEXIST,
				       "%s is there already and is not replaced: move it "
				       "away, or write to another folder and put both "
				       "together",
				       p->files[i].path);
	return 0;
}

static int write_file(int folder, const struct pipeline_file *file, struct err *e)
{
	const char *slash = strrchr(file->path, '/');
	AUTO_FREE char *above =
		slash ? xstrndup(file->path, (size_t)(slash - file->path)) : NULL;
	int r = above ? path_make_folders(folder, above, 0777, e) : 0;

	return r < 0 ? r
		     : file_write_at(folder, file->path, file->yaml.text.data,
				     file->yaml.text.len, FILE_MODE_UMASK, e);
}

static int write_files(const struct pipeline *p, const char *output, struct err *e)
{
	AUTO_CLOSE int folder = open(output, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	int r;

	if (folder < 0)
		return err_sys(e, -errno, "cannot open the folder %s", output);
	r = check_new(p, folder, e);
	for (size_t i = 0; r == 0 && i < p->nfiles; i++) {
		r = write_file(folder, &p->files[i], e);
		if (r == 0)
			printf("%s\n", p->files[i].path);
	}
	return r;
}

static int put_out(const struct pipeline *p, const char *output, struct err *e)
{
	if (output)
		return write_files(p, output, e);
	if (p->nfiles > 1)
		return err_set(
			e, -EINVAL,
			"%s takes %zu files: say with --output in which folder the "
			"repository is",
			p->system->name, p->nfiles);
	fputs(p->files[0].yaml.text.data, stdout);
	return 0;
}

/* --- The whole --- */

static const struct pipeline_system *find_system(const char *name)
{
	for (size_t i = 0; i < ARRAY_SIZE(systems); i++)
		if (strcmp(systems[i]->name, name) == 0)
			return systems[i];
	return NULL;
}

int pipeline_print(const struct pipeline_options *options, const char *const *environment,
		   struct err *e)
{
	struct pipeline p = {.system = find_system(options->ci)};
	int r = pipeline_read(&p, options, environment, e);

	if (r == 0) {
		p.system->write(&p);
		r = put_out(&p, options->output, e);
	}
	release(&p);
	return r;
}
