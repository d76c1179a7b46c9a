/* SPDX-License-Identifier: MIT */
/*
 * A step by an OCI runtime. Bundle and state of the runtime are in a tmpfs over /tmp of
 * this process's mount namespace, so that they go away with it; the runtime is in the
 * step's pid namespace and ends with it, too.
 */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/random.h>
#include <sys/stat.h>

#include "base/alloc.h"
#include "base/proc.h"
#include "priv/tree.h"
#include "run/inside.h"

static int write_file(int bundle, const char *name, const struct run_mount *m,
		      struct err *e)
{
	AUTO_CLOSE int fd =
		openat(bundle, name, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
	int r = fd < 0 ? -errno : run_file_fill(fd, m);

	return r < 0 ? err_sys(e, r, "cannot write the runtime's %s", name) : 0;
}

static int write_text(int bundle, const char *name, const char *text, mode_t mode,
		      struct err *e)
{
	struct run_mount m = {.data = text, .len = strlen(text), .mode = mode};

	return write_file(bundle, name, &m, e);
}

static int attach_at(int bundle, const char *name, int tree, struct err *e)
{
	AUTO_CLOSE int place = -1;
	struct stat st;
	int r = fstat(tree, &st);

	if (r == 0)
		r = S_ISDIR(st.st_mode) ? mkdirat(bundle, name, 0700)
					: mknodat(bundle, name, S_IFREG | 0600, 0);
	if (r == 0)
		r = place = openat(bundle, name, O_PATH | O_NOFOLLOW | O_CLOEXEC);
	if (r < 0)
		return err_sys(e, -errno, "cannot make the runtime's %s", name);
	return priv_tree_attach(tree, place, "", e);
}

/* Not by the runtime: runc gives it the mode of the mount point. */
static int add_tmpfs(int bundle, const char *name, const struct run_mount *m,
		     struct err *e)
{
	AUTO_CLOSE int tree = run_tmpfs_make(m, e);

	return tree < 0 ? tree : attach_at(bundle, name, tree, e);
}

static int add_mounts(const struct run_plan *plan, int bundle, struct err *e)
{
	const struct run_spec *spec = plan->spec;
	int r = 0;

	for (size_t i = 0; r == 0 && i < spec->nmounts; i++) {
		const struct run_mount *m = &spec->mounts[i];
		AUTO_FREE char *name = xasprintf("mount-%zu", i);

		if (m->type == RUN_MOUNT_BIND)
			r = attach_at(bundle, name, plan->sources[i], e);
		else if (m->type == RUN_MOUNT_FILE)
			r = write_file(bundle, name, m, e);
		else
			r = add_tmpfs(bundle, name, m, e);
	}
	return r;
}

static int add_etc(const struct run_spec *spec, int bundle, struct err *e)
{
	int r = 0;

	for (size_t i = 0; r == 0 && i < ARRAY_SIZE(run_etc_files); i++) {
		AUTO_FREE char *text = run_etc_files[i].text(spec);

		r = write_text(bundle, strrchr(run_etc_files[i].path, '/') + 1, text,
			       0644, e);
	}
	return r;
}

static int add_config(const struct run_plan *plan, int bundle, struct err *e)
{
	AUTO_FREE char *config = run_bundle_config(plan);

	if (!config)
		return err_set(e, -EINVAL,
			       "a word of the step is not UTF-8, which an OCI "
			       "runtime needs");
	return write_text(bundle, "config.json", config, 0600, e);
}

/* Runtimes differ in what they make where mknod(2) is refused. */
static int add_dev(const struct run_spec *spec, int bundle, struct err *e)
{
	AUTO_CLOSE int dev = run_system_mount_dev(bundle, spec, e);

	return dev < 0 ? dev : 0;
}

/* The runtime must see its own processes. */
static int mount_proc(struct err *e)
{
	AUTO_CLOSE int proc = priv_tree_new("proc", e);

	return proc < 0 ? proc : priv_tree_attach(proc, AT_FDCWD, "/proc", e);
}

static bool is_called(const char *runtime, const char *name)
{
	const char *slash = strrchr(runtime, '/');

	return strcmp(slash ? slash + 1 : runtime, name) == 0;
}

bool run_runtime_keeps_cgroup(const char *runtime)
{
	return is_called(runtime, "crun") || is_called(runtime, "runc");
}

/*
 * crun and runc can do without a cgroup, so that none is left when they are killed. crun
 * refuses to run where there are those of both versions, unless it does not see them;
 * runc gives up making one where it must not write. Others need to make one.
 */
static int protect_cgroups(const char *runtime, struct err *e)
{
	static const char *const options[] = {"mode=755", "size=0", NULL};
	bool crun = is_called(runtime, "crun");
	AUTO_CLOSE int place = open("/sys/fs/cgroup", O_PATH | O_DIRECTORY | O_CLOEXEC);
	AUTO_CLOSE int tree = -1;
	int r;

	if (place < 0 || !run_runtime_keeps_cgroup(runtime))
		return 0;
	tree = crun ? priv_tree_make("tmpfs", options, 0, e)
		    : priv_tree_clone(place, "", e);
	r = tree < 0 ? tree : priv_tree_restrict(tree, PRIV_TREE_RDONLY, e);
	return r < 0 ? r : priv_tree_attach(tree, place, "", e);
}

int run_bundle_set_up(const struct run_plan *plan, struct err *e)
{
	static const char *const options[] = {"mode=0711", NULL};
	AUTO_CLOSE int bundle = -1;
	int r;

	if (plan->spec->all_capabilities)
		return err_set(e, -EOPNOTSUPP,
			       "an OCI runtime is not asked for a step "
			       "with every privilege");
	r = bundle = priv_tree_make("tmpfs", options, PRIV_TREE_NOSUID, e);
	if (r >= 0)
		r = mount_proc(e);
	if (r == 0)
		r = protect_cgroups(plan->spec->runtime, e);
	if (r == 0)
		r = priv_tree_attach(bundle, AT_FDCWD, RUN_BUNDLE, e);
	if (r == 0)
		r = attach_at(bundle, "rootfs", plan->root, e);
	if (r == 0)
		r = add_dev(plan->spec, bundle, e);
	if (r == 0)
		r = add_etc(plan->spec, bundle, e);
	if (r == 0)
		r = add_mounts(plan, bundle, e);
	return r == 0 ? add_config(plan, bundle, e) : r;
}

/* "Unlimited" has no form in JSON that all runtimes read: they inherit it. */
static int lift_limits(const struct run_spec *spec, struct err *e)
{
	for (size_t i = 0; i < spec->nlimits; i++) {
		const struct run_limit *l = &spec->limits[i];

		if (l->value.rlim_max == RLIM_INFINITY &&
		    setrlimit((__rlimit_resource_t)l->resource, &l->value) < 0)
			return err_sys(e, -errno, "cannot lift the limit %s",
				       run_limit_name(l->resource));
	}
	return 0;
}

int run_bundle_exec(const struct run_plan *plan, struct err *e)
{
	const char *runtime = plan->spec->runtime;
	AUTO_STRV struct strv argv = STRV_INIT;
	unsigned number = 0;
	int r;

	/* Its cgroup is named after it, where several may run at once. */
	if (getrandom(&number, sizeof number, 0) < 0)
		return err_sys(e, -errno, "cannot make a name");
	r = lift_limits(plan->spec, e);
	if (r < 0)
		return r;
	strv_add(&argv, runtime);
	strv_add(&argv, "--root");
	strv_add(&argv, RUN_BUNDLE "/state");
	if (is_called(runtime, "crun"))
		strv_add(&argv, "--cgroup-manager=disabled");
	if (is_called(runtime, "runc"))
		strv_add(&argv, "--rootless=true"); /* of cgroups alone */
	strv_add(&argv, "run");
	strv_add(&argv, "--bundle");
	strv_add(&argv, RUN_BUNDLE);
	strv_addf(&argv, "mab-build-%08x", number);
	return proc_exec((const char *const *)argv.v, e);
}
