/* SPDX-License-Identifier: MIT */
/* The config.json of an OCI bundle (runtime-spec/config.md 1.0). */
#include <errno.h>
#include <jansson.h>
#include <string.h>
#include <sys/resource.h>

#include "base/alloc.h"
#include "priv/caps.h"
#include "run/inside.h"
#include "run/rules.h"

static json_t *strings(const char *const *v)
{
	json_t *array = json_array();

	for (; v && *v; v++)
		json_array_append_new(array, json_string(*v));
	return array;
}

static json_t *capability_names(uint64_t caps)
{
	json_t *array = json_array();

	for (unsigned cap = 0; cap < 64; cap++) {
		AUTO_FREE char *name = NULL;

		if (caps >> cap & 1 && priv_caps_have(cap))
			name = priv_caps_name(cap);
		if (name)
			json_array_append_new(array, json_string(name));
	}
	return array;
}

static json_t *capabilities(uint64_t caps)
{
	return json_pack("{s:o,s:o,s:o}", "bounding", capability_names(caps), "effective",
			 capability_names(caps), "permitted", capability_names(caps));
}

static void add_limit(json_t *array, int resource, rlim_t soft, rlim_t hard)
{
	const char *name = run_limit_name(resource);

	json_array_append_new(array,
			      json_pack("{s:s+,s:I,s:I}", "type", "RLIMIT_", name, "soft",
					(json_int_t)soft, "hard", (json_int_t)hard));
}

/* Of two for the same resource the spec's counts. */
static json_t *limits(const struct run_spec *spec)
{
	json_t *array = json_array();
	bool has_files = false;
	struct rlimit now;

	for (size_t i = 0; i < spec->nlimits; i++) {
		has_files |= spec->limits[i].resource == RLIMIT_NOFILE;
		if (spec->limits[i].value.rlim_max == RLIM_INFINITY)
			continue; /* inherited */
		add_limit(array, spec->limits[i].resource, spec->limits[i].value.rlim_cur,
			  spec->limits[i].value.rlim_max);
	}
	/* The runtime may not raise what this process may not. */
	if (!has_files && getrlimit(RLIMIT_NOFILE, &now) == 0)
		add_limit(array, RLIMIT_NOFILE, RUN_NOFILE_SOFT,
			  now.rlim_max < RUN_NOFILE_HARD ? now.rlim_max
							 : RUN_NOFILE_HARD);
	return array;
}

static json_t *process(const struct run_plan *plan)
{
	const struct run_spec *spec = plan->spec;
	json_t *groups = json_array();

	for (size_t i = 0; i < plan->user.ngroups; i++)
		json_array_append_new(groups, json_integer(plan->user.groups[i]));
	return json_pack("{s:b,s:{s:I,s:I,s:i,s:o},s:o,s:o,s:s,s:o,s:o,s:b}", "terminal",
			 0, "user", "uid", (json_int_t)plan->user.uid, "gid",
			 (json_int_t)plan->user.gid, "umask", 022, "additionalGids",
			 groups, "args", strings(spec->argv), "env",
			 strings((const char *const *)plan->env.v), "cwd",
			 spec->cwd ? spec->cwd : "/", "capabilities",
			 capabilities(spec->capabilities), "rlimits", limits(spec),
			 "noNewPrivileges", 0);
}

static void add_mount(json_t *array, const char *type, const char *source,
		      const char *target, const char *options)
{
	AUTO_STRV struct strv list = STRV_INIT;

	strv_split(&list, options, ",");
	json_array_append_new(array, json_pack("{s:s,s:s,s:s,s:o}", "destination", target,
					       "type", type, "source", source, "options",
					       strings((const char *const *)list.v)));
}

/* `ro` is of the mount alone, `rro` of those in it too (runtime-spec, config.md). */
static void add_system_mounts(json_t *array, const struct run_spec *spec)
{
	add_mount(array, "proc", "proc", "/proc", "nosuid,noexec,nodev");
	add_mount(array, "bind", RUN_BUNDLE "/dev", "/dev", "rbind");
	/* One of its own only with a network of its own; it would be refused. */
	if (spec->network == RUN_NETWORK_NONE)
		add_mount(array, "sysfs", "sysfs", "/sys", "nosuid,noexec,nodev,ro");
	else
		add_mount(array, "bind", "/sys", "/sys",
			  "rbind,nosuid,noexec,nodev,ro,rro");
}

static void add_own_mount(json_t *array, const struct run_spec *spec, size_t i)
{
	const struct run_mount *m = &spec->mounts[i];
	AUTO_FREE char *target = run_mount_path(spec, m);
	AUTO_FREE char *source = xasprintf(RUN_BUNDLE "/mount-%zu", i);

	add_mount(array, "bind", source, target, m->read_only ? "rbind,ro,rro" : "rbind");
}

static json_t *mounts(const struct run_spec *spec)
{
	json_t *array = json_array();

	add_system_mounts(array, spec);
	for (size_t i = 0; i < ARRAY_SIZE(run_etc_files); i++) {
		AUTO_FREE char *source =
			xasprintf(RUN_BUNDLE "%s", strrchr(run_etc_files[i].path, '/'));

		add_mount(array, "bind", source, run_etc_files[i].path, "bind");
	}
	for (size_t i = 0; i < spec->nmounts; i++)
		add_own_mount(array, spec, i);
	return array;
}

static json_t *namespaces(const struct run_spec *spec)
{
	json_t *array = json_pack("[{s:s},{s:s},{s:s},{s:s}]", "type", "mount", "type",
				  "pid", "type", "ipc", "type", "uts");

	if (spec->network == RUN_NETWORK_NONE)
		json_array_append_new(array, json_pack("{s:s}", "type", "network"));
	return array;
}

/* The errno of one that answers with it. */
static void set_action(json_t *object, const char *key, const char *errno_key,
		       uint32_t action)
{
	json_object_set_new(object, key, json_string(run_rules_action_name(action)));
	if ((action & 0xffff0000u) == SCMP_ACT_ERRNO(0))
		json_object_set_new(object, errno_key, json_integer(action & 0xffff));
}

static json_t *rule(const struct run_rule *r)
{
	json_t *object = json_pack("{s:[s]}", "names", r->name);
	json_t *args = json_array();

	for (unsigned i = 0; i < r->nargs; i++)
		json_array_append_new(
			args, json_pack("{s:i,s:I,s:I,s:s}", "index", (int)r->args[i].arg,
					"value", (json_int_t)r->args[i].datum_a,
					"valueTwo", (json_int_t)r->args[i].datum_b, "op",
					run_rules_compare_name(r->args[i].op)));
	set_action(object, "action", "errnoRet", r->action);
	json_object_set_new(object, "args", args);
	return object;
}

static json_t *seccomp(const struct run_rules *rules)
{
	json_t *object = json_object(), *syscalls = json_array();

	for (size_t i = 0; i < rules->n; i++)
		json_array_append_new(syscalls, rule(&rules->v[i]));
	set_action(object, "defaultAction", "defaultErrnoRet", rules->otherwise);
	json_object_set_new(object, "architectures",
			    strings((const char *const *)rules->architectures.v));
	json_object_set_new(object, "syscalls", syscalls);
	return object;
}

static json_t *linux_part(const struct run_spec *spec)
{
	json_t *object = json_pack("{s:o,s:o,s:o}", "namespaces", namespaces(spec),
				   "maskedPaths", strings(run_masked_paths),
				   "readonlyPaths", strings(run_read_only_paths));

	if (spec->filter && !run_filter_is_empty(spec->filter))
		json_object_set_new(object, "seccomp", seccomp(spec->filter->rules));
	return object;
}

static bool is_utf8(const char *s)
{
	json_t *string = json_string(s);

	json_decref(string);
	return string;
}

static bool are_utf8(const char *const *v)
{
	while (v && *v && is_utf8(*v))
		v++;
	return !v || !*v;
}

/* JSON holds nothing else; a word must not get lost. */
static bool is_possible(const struct run_plan *plan)
{
	const struct run_spec *spec = plan->spec;

	for (size_t i = 0; i < spec->nmounts; i++)
		if (!is_utf8(spec->mounts[i].target))
			return false;
	return are_utf8(spec->argv) && are_utf8((const char *const *)plan->env.v) &&
	       is_utf8(spec->cwd ? spec->cwd : "/") && is_utf8(run_hostname(spec));
}

char *run_bundle_config(const struct run_plan *plan)
{
	json_t *config;
	char *text;

	if (!is_possible(plan))
		return NULL;
	config = json_pack("{s:s,s:o,s:{s:s,s:b},s:s,s:o,s:o}", "ociVersion", "1.0.2",
			   "process", process(plan), "root", "path", RUN_BUNDLE "/rootfs",
			   "readonly", 0, "hostname", run_hostname(plan->spec), "mounts",
			   mounts(plan->spec), "linux", linux_part(plan->spec));
	text = json_dumps(config, JSON_INDENT(1));
	json_decref(config);
	return text;
}
