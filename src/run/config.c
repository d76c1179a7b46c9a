/* SPDX-License-Identifier: MIT */
/* The config.json of an OCI bundle (runtime-spec/config.md 1.0). */
#include <errno.h>
#include <jansson.h>
#include <linux/sched.h>
#include <string.h>
#include <sys/resource.h>

#include "base/alloc.h"
#include "run/inside.h"

static json_t *strings(const char *const *v)
{
	json_t *array = json_array();

	for (; v && *v; v++)
		json_array_append_new(array, json_string(*v));
	return array;
}

static json_t *capabilities(void)
{
#define NAME(name) "CAP_" #name,
	static const char *const names[] = {RUN_CAPABILITIES(NAME) NULL};

	return json_pack("{s:o,s:o,s:o}", "bounding", strings(names), "effective",
			 strings(names), "permitted", strings(names));
}

static const char *limit_name(int resource)
{
	static const char *const names[] = {
		[RLIMIT_AS] = "AS",
		[RLIMIT_CORE] = "CORE",
		[RLIMIT_CPU] = "CPU",
		[RLIMIT_DATA] = "DATA",
		[RLIMIT_FSIZE] = "FSIZE",
		[RLIMIT_LOCKS] = "LOCKS",
		[RLIMIT_MEMLOCK] = "MEMLOCK",
		[RLIMIT_MSGQUEUE] = "MSGQUEUE",
		[RLIMIT_NICE] = "NICE",
		[RLIMIT_NOFILE] = "NOFILE",
		[RLIMIT_NPROC] = "NPROC",
		[RLIMIT_RSS] = "RSS",
		[RLIMIT_RTPRIO] = "RTPRIO",
		[RLIMIT_RTTIME] = "RTTIME",
		[RLIMIT_SIGPENDING] = "SIGPENDING",
		[RLIMIT_STACK] = "STACK",
	};

	return resource >= 0 && (size_t)resource < ARRAY_SIZE(names) ? names[resource]
								     : NULL;
}

static void add_limit(json_t *array, int resource, rlim_t soft, rlim_t hard)
{
	const char *name = limit_name(resource);

	if (name)
		json_array_append_new(array,
				      json_pack("{s:s+,s:I,s:I}", "type", "RLIMIT_", name,
						"soft", (json_int_t)soft, "hard",
						(json_int_t)hard));
}

/* Of two for the same resource the spec's counts. */
static json_t *limits(const struct run_spec *spec)
{
	json_t *array = json_array();
	bool has_files = false;
	struct rlimit now;

	for (size_t i = 0; i < spec->nlimits; i++) {
		has_files |= spec->limits[i].resource == RLIMIT_NOFILE;
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
			 spec->cwd ? spec->cwd : "/", "capabilities", capabilities(),
			 "rlimits", limits(spec), "noNewPrivileges", 0);
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

static void add_system_mounts(json_t *array, const struct run_spec *spec)
{
	add_mount(array, "proc", "proc", "/proc", "nosuid,noexec,nodev");
	add_mount(array, "bind", RUN_BUNDLE "/dev", "/dev", "rbind");
	/* One of its own only with a network of its own; it would be refused. */
	if (spec->network == RUN_NETWORK_NONE)
		add_mount(array, "sysfs", "sysfs", "/sys", "nosuid,noexec,nodev,ro");
	else
		add_mount(array, "bind", "/sys", "/sys", "rbind,nosuid,noexec,nodev,ro");
}

static void add_own_mount(json_t *array, const struct run_spec *spec, size_t i)
{
	const struct run_mount *m = &spec->mounts[i];
	AUTO_FREE char *target = run_mount_path(spec, m);
	AUTO_FREE char *source = xasprintf(RUN_BUNDLE "/mount-%zu", i);
	AUTO_FREE char *options =
		m->type == RUN_MOUNT_TMPFS
			? xasprintf("nosuid,nodev,mode=%o,uid=%u,gid=%u,size=%llu%s",
				    m->mode, m->uid, m->gid, (unsigned long long)m->size,
				    m->read_only ? ",ro" : "")
			: xasprintf("rbind%s", m->read_only ? ",ro" : "");

	add_mount(array, m->type == RUN_MOUNT_TMPFS ? "tmpfs" : "bind",
		  m->type == RUN_MOUNT_TMPFS ? "tmpfs" : source, target, options);
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

static void add_rule(void *syscalls, const char *name, int answer)
{
	json_array_append_new(syscalls,
			      json_pack("{s:[s],s:s,s:i}", "names", name, "action",
					"SCMP_ACT_ERRNO", "errnoRet", answer));
}

static json_t *seccomp(const struct run_filter *f)
{
	json_t *syscalls = json_array();

	run_filter_each(f, add_rule, syscalls);
	if (f->deny)
		json_array_append_new(
			syscalls,
			json_pack("{s:[s],s:s,s:i,s:[{s:i,s:I,s:I,s:s}]}", "names",
				  "clone", "action", "SCMP_ACT_ERRNO", "errnoRet", EPERM,
				  "args", "index", 0, "value", (json_int_t)CLONE_NEWUSER,
				  "valueTwo", (json_int_t)CLONE_NEWUSER, "op",
				  "SCMP_CMP_MASKED_EQ"));
	return json_pack("{s:s,s:o,s:o}", "defaultAction", "SCMP_ACT_ALLOW",
			 "architectures", strings(run_filter_architectures), "syscalls",
			 syscalls);
}

static json_t *linux_part(const struct run_spec *spec)
{
	json_t *object = json_pack("{s:o,s:o,s:o}", "namespaces", namespaces(spec),
				   "maskedPaths", strings(run_masked_paths),
				   "readonlyPaths", strings(run_read_only_paths));

	if (spec->filter && spec->filter->len)
		json_object_set_new(object, "seccomp", seccomp(spec->filter));
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
