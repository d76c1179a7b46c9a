/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/alloc.h"
#include "priv/namespaces.h"
#include "priv/tree.h"
#include "run/inside.h"
#include "run/place.h"

enum { PLAIN = PRIV_TREE_NOSUID | PRIV_TREE_NODEV | PRIV_TREE_NOEXEC };

/* The same as in runc and crun. */
const char *const run_masked_paths[] = {
	"/proc/acpi",	       "/proc/asound",
	"/proc/kcore",	       "/proc/keys",
	"/proc/latency_stats", "/proc/sched_debug",
	"/proc/scsi",	       "/proc/timer_list",
	"/proc/timer_stats",   "/sys/devices/virtual/powercap",
	"/sys/firmware",       NULL,
};

const char *const run_read_only_paths[] = {
	"/proc/bus", "/proc/fs", "/proc/irq", "/proc/sys", "/proc/sysrq-trigger", NULL,
};

/* Attaches a tree at a path of the root, and closes it unless it is wanted. */
static int attach(int tree, int root, const char *path, struct err *e)
{
	AUTO_CLOSE int place = run_place_make(root, path, RUN_PLACE_FOLDER, NULL, e);

	if (place < 0)
		return place;
	return priv_tree_attach(tree, place, "", e);
}

static int attach_new(const char *fstype, const char *const *options, unsigned flags,
		      int root, const char *path, struct err *e)
{
	AUTO_CLOSE int tree = priv_tree_make(fstype, options, flags, e);

	return tree < 0 ? tree : attach(tree, root, path, e);
}

static const struct {
	const char *name;
	unsigned minor;
} devices[] = {{"null", 3}, {"zero", 5}, {"full", 7}, {"random", 8}, {"urandom", 9}};

static int bind_device(int dev, const char *name, struct err *e)
{
	AUTO_FREE char *path = xasprintf("/dev/%s", name);
	AUTO_CLOSE int tree = priv_tree_clone(AT_FDCWD, path, e);
	AUTO_CLOSE int place = -1;
	int r = tree < 0 ? tree : priv_tree_restrict(tree, PRIV_TREE_RDONLY, e);

	if (r < 0)
		return r;
	place = run_place_make(dev, name, RUN_PLACE_FILE, NULL, e);
	return place < 0 ? place : priv_tree_attach(tree, place, "", e);
}

/*
 * A node of its own, since a step that is root might change the owner and mode of the
 * machine's. A user namespace may not make any: there it is the machine's, read-only,
 * which for a device says nothing of its contents.
 */
static int make_device(int dev, const char *name, dev_t number, struct err *e)
{
	if (mknodat(dev, name, S_IFCHR | 0666, number) == 0)
		return 0;
	if (errno == EPERM)
		return bind_device(dev, name, e);
	return err_sys(e, -errno, "cannot make /dev/%s", name);
}

static const char *const links[][2] = {
	{"ptmx", "pts/ptmx"},	       {"fd", "/proc/self/fd"},
	{"stdin", "/proc/self/fd/0"},  {"stdout", "/proc/self/fd/1"},
	{"stderr", "/proc/self/fd/2"},
};

static int fill_dev(int dev, struct err *e)
{
	int r = 0;

	for (size_t i = 0; r == 0 && i < ARRAY_SIZE(devices); i++)
		r = make_device(dev, devices[i].name, makedev(1, devices[i].minor), e);
	if (r == 0)
		r = make_device(dev, "tty", makedev(5, 0), e);
	for (size_t i = 0; r == 0 && i < ARRAY_SIZE(links); i++)
		if (symlinkat(links[i][1], dev, links[i][0]) < 0)
			r = err_sys(e, -errno, "cannot make /dev/%s", links[i][0]);
	return r;
}

static int mount_pts(int dev, struct err *e)
{
	/* Group 5 is tty in every distribution; a namespace with one id has it not. */
	static const char *const options[] = {"ptmxmode=0666", "mode=0620", "gid=5",
					      NULL};
	static const char *const no_group[] = {"ptmxmode=0666", "mode=0620", NULL};
	unsigned flags = PRIV_TREE_NOSUID | PRIV_TREE_NOEXEC;
	int r = attach_new("devpts", options, flags, dev, "pts", e);

	return r == -EINVAL ? attach_new("devpts", no_group, flags, dev, "pts", e) : r;
}

static int mount_shm(int dev, uint64_t size, struct err *e)
{
	AUTO_FREE char *option =
		xasprintf("size=%llu", (unsigned long long)(size ? size : RUN_SHM_USUAL));
	const char *options[] = {"mode=1777", option, NULL};

	return attach_new("tmpfs", options, PLAIN, dev, "shm", e);
}

int run_system_mount_dev(int root, const struct run_spec *spec, struct err *e)
{
	static const char *const options[] = {"mode=755", "size=64k", NULL};
	AUTO_CLOSE int dev =
		priv_tree_make("tmpfs", options, PRIV_TREE_NOSUID | PRIV_TREE_NOEXEC, e);
	int r = dev < 0 ? dev : attach(dev, root, "dev", e);

	if (r == 0)
		r = fill_dev(dev, e);
	if (r == 0)
		r = mount_pts(dev, e);
	if (r == 0)
		r = mount_shm(dev, spec->shm_size, e);
	/* Kernels may be without (CONFIG_POSIX_MQUEUE). */
	if (r == 0 && attach_new("mqueue", NULL, PLAIN, dev, "mqueue", NULL) < 0)
		(void)unlinkat(dev, "mqueue", AT_REMOVEDIR);
	return r < 0 ? r : TAKE_FD(dev);
}

/* Covers a file with the step's /dev/null, a folder with an empty one. */
static int mask(int folder, const char *path, int dev, struct err *e)
{
	static const char *const options[] = {"mode=555", "size=0", NULL};
	AUTO_CLOSE int place = openat(folder, path, O_PATH | O_NOFOLLOW | O_CLOEXEC);
	AUTO_CLOSE int tree = -1;
	struct stat st;
	int r;

	if (place < 0 || fstat(place, &st) < 0)
		return 0; /* kernels differ */
	if (S_ISDIR(st.st_mode))
		tree = priv_tree_make("tmpfs", options, PLAIN | PRIV_TREE_RDONLY, e);
	else
		tree = priv_tree_clone(dev, "null", e);
	r = tree < 0 ? tree : priv_tree_restrict(tree, PRIV_TREE_RDONLY, e);
	return r < 0 ? r : priv_tree_attach(tree, place, "", e);
}

/* The name below a folder, or NULL. */
static const char *below(const char *path, const char *folder)
{
	size_t n = strlen(folder);

	return strncmp(path, folder, n) == 0 ? path + n : NULL;
}

static int mask_all(int tree, const char *folder, int dev, struct err *e)
{
	int r = 0;

	for (const char *const *path = run_masked_paths; r == 0 && *path; path++) {
		const char *name = below(*path, folder);

		r = name ? mask(tree, name, dev, e) : 0;
	}
	return r < 0 ? err_wrap(e, r, "cannot mask a part of the kernel's files") : 0;
}

static int make_read_only(int folder, const char *path, struct err *e)
{
	AUTO_CLOSE int place = openat(folder, path, O_PATH | O_NOFOLLOW | O_CLOEXEC);
	AUTO_CLOSE int tree = -1;
	int r;

	if (place < 0)
		return 0;
	tree = priv_tree_clone(place, "", e);
	r = tree < 0 ? tree : priv_tree_restrict(tree, PRIV_TREE_RDONLY, e);
	return r < 0 ? r : priv_tree_attach(tree, place, "", e);
}

static int explain_proc(int r, struct err *e)
{
	if (r != -EPERM)
		return r;
	return err_set(
		e, r,
		"cannot mount /proc: parts of it are hidden here, as in a container, "
		"and the kernel does not give out another one (start the container "
		"with `--security-opt systempaths=unconfined`; podman: "
		"`--security-opt unmask=ALL`)");
}

static int mount_proc(int root, bool is_masked, int dev, struct err *e)
{
	AUTO_CLOSE int proc = priv_tree_new("proc", e);
	int r = explain_proc(proc < 0 ? proc : attach(proc, root, "proc", e), e);

	if (r < 0 || !is_masked)
		return r;
	for (const char *const *path = run_read_only_paths; r == 0 && *path; path++)
		r = make_read_only(proc, below(*path, "/proc/"), e);
	return r == 0 ? mask_all(proc, "/proc/", dev, e) : r;
}

/*
 * One of its own shows the network of this namespace, whose owner alone may have it;
 * otherwise it is the machine's.
 */
static int mount_sys(int root, bool is_masked, int dev, struct err *e)
{
	unsigned flags = is_masked ? PLAIN | PRIV_TREE_RDONLY : PLAIN;
	AUTO_CLOSE int sys = priv_tree_make("sysfs", NULL, flags, NULL);
	int r;

	if (sys < 0) {
		sys = priv_tree_clone(AT_FDCWD, "/sys", e);
		r = sys < 0 ? sys : priv_tree_restrict(sys, flags, e);
		if (r < 0)
			return r;
	}
	r = attach(sys, root, "sys", e);
	return r == 0 && is_masked ? mask_all(sys, "/sys/", dev, e) : r;
}

int run_system_mount(int root, const struct run_spec *spec, struct err *e)
{
	AUTO_CLOSE int dev = run_system_mount_dev(root, spec, e);
	int r = dev;

	if (r >= 0)
		r = mount_proc(root, !spec->all_capabilities, dev, e);
	if (r == 0)
		r = mount_sys(root, !spec->all_capabilities, dev, e);
	return r;
}

static void try_proc(void *unused)
{
	_exit(priv_tree_new("proc", NULL) == -EPERM ? EPERM : 0);
}

int run_system_check(struct err *e)
{
	struct priv_pidns ns;
	int status, r = priv_pidns_start(&ns, try_proc, NULL, e);

	if (r < 0)
		return r;
	status = priv_pidns_wait(&ns);
	return WIFEXITED(status) ? explain_proc(-WEXITSTATUS(status), e) : 0;
}
