/* SPDX-License-Identifier: MIT */
#include "binfmt/mount.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/vfs.h>

#include "base/file.h"
#include "binfmt/kernel.h"
#include "priv/module.h"
#include "priv/mount.h"
#include "priv/tree.h"
#include "priv/userns.h"

enum {
	MAGIC_BINFMT_MISC = 0x42494e4d, /* statfs(2) f_type */
	PROC_MAX = 64 * 1024,
};

/* The first range of ids that this user namespace maps to its parent's. */
struct id_map {
	unsigned long inside, outside, count;
};

static bool read_id_map(struct id_map *map)
{
	AUTO_FREE char *text = NULL;

	*map = (struct id_map){0};
	return file_read_at(AT_FDCWD, "/proc/self/uid_map", PROC_MAX, &text, NULL,
			    NULL) == 0 &&
	       sscanf(text, "%lu %lu %lu", &map->inside, &map->outside, &map->count) == 3;
}

#define FIRST_USER_NAMESPACE 0xeffffffdU /* include/linux/proc_ns.h, since 3.8 */

bool binfmt_in_user_namespace(void)
{
	struct id_map map;
	struct stat st;

	/* One in which root maps every id to itself is told by its number alone. */
	if (stat("/proc/self/ns/user", &st) == 0 && st.st_ino != FIRST_USER_NAMESPACE)
		return true;
	/* The first namespace maps every id to itself. */
	return read_id_map(&map) &&
	       (map.inside || map.outside || map.count != 4294967295UL);
}

/*
 * Whether the table belongs to this user namespace. With privilege the namespace's own
 * can be asked for, to compare. Without, a table whose files belong to root of this
 * namespace is its own, unless root of the parent is the same user.
 */
static void tell_owner(struct binfmt_instance *instance)
{
	AUTO_CLOSE int tree = -1;
	struct stat st, own;
	struct id_map map;

	instance->private_table = instance->private_unknown = false;
	if (!binfmt_in_user_namespace() ||
	    fstatat(instance->fd, "register", &st, 0) < 0 || st.st_uid != 0)
		return;
	tree = priv_tree_new("binfmt_misc", NULL);
	if (tree >= 0 && fstat(tree, &own) == 0)
		instance->private_table = st.st_dev == own.st_dev;
	else if (read_id_map(&map) && (map.inside || map.outside))
		instance->private_table = true;
	else
		instance->private_unknown = true;
}

/* Opening the directory, unlike O_PATH, makes an autofs there mount what it stands for.
 */
static int open_binfmt(const char *path)
{
	AUTO_CLOSE int fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	struct statfs sfs;

	if (fd < 0)
		return -errno;
	if (fstatfs(fd, &sfs) < 0)
		return -errno;
	if (sfs.f_type != MAGIC_BINFMT_MISC)
		return -ENOENT;
	return TAKE_FD(fd);
}

int binfmt_instance_find(struct binfmt_instance *instance, const char *path,
			 struct err *e)
{
	int fd = open_binfmt(path);

	if (fd == -ENOENT)
		return err_set(e, fd, "binfmt_misc is not mounted on %s", path);
	if (fd < 0)
		return err_sys(e, fd, "cannot open %s", path);
	binfmt_instance_close(instance);
	instance->fd = fd;
	instance->writable = faccessat(fd, "register", W_OK, AT_EACCESS) == 0;
	tell_owner(instance);
	return 0;
}

static bool kernel_has_binfmt(void)
{
	AUTO_FREE char *list = NULL;

	if (file_read_at(AT_FDCWD, "/proc/filesystems", PROC_MAX, &list, NULL, NULL) < 0)
		return true; /* mount(2) will tell */
	return strstr(list, "\tbinfmt_misc\n") != NULL;
}

static int ensure_kernel(struct binfmt_instance *instance, struct err *e)
{
	char release[65] = "";
	int r;

	if (kernel_has_binfmt())
		return 0;
	(void)binfmt_kernel_version(release, sizeof release);
	r = priv_module_load("binfmt_misc", e);
	if (r == -ENOENT || r == -ENOSYS) /* no such module, or no modules at all */
		return err_set(e, r,
			       "the kernel (%s) has no binfmt_misc: it was built without "
			       "CONFIG_BINFMT_MISC, or its module is not in "
			       "/lib/modules/%s (in a container: run `modprobe "
			       "binfmt_misc` on the host)",
			       release, release);
	if (r == -EPERM)
		return err_wrap(e, r,
				"binfmt_misc is a module that this process may not load "
				"(run `modprobe binfmt_misc` on the host)");
	if (r < 0)
		return r;
	instance->module_loaded = true;
	return 0;
}

int binfmt_instance_look(struct binfmt_instance *instance, const char *path,
			 struct err *e)
{
	AUTO_CLOSE int tree = -1;
	int fd, r = binfmt_instance_find(instance, path, e);

	if (r != -ENOENT || !kernel_has_binfmt())
		return r;
	tree = priv_tree_new("binfmt_misc", NULL);
	fd = tree < 0 ? -1 : openat(tree, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd < 0)
		return r;
	err_free(e);
	instance->fd = fd;
	instance->unattached = true;
	tell_owner(instance);
	return 0;
}

static int explain_own(int r, const char *path, struct err *e)
{
	AUTO_CLOSE int proc = open("/proc", O_PATH | O_DIRECTORY | O_CLOEXEC);
	char release[65] = "";
	unsigned version = binfmt_kernel_version(release, sizeof release);
	const char *why = priv_userns_refusal(proc, r);

	if ((r == -EPERM || r == -ENOSYS) && version < BINFMT_KERNEL_USER_NAMESPACE)
		return err_set(e, r,
			       "cannot mount binfmt_misc in a user namespace: that needs "
			       "Linux 6.7, this is %s (have root of the host run "
			       "`binfmtctl --install`, or upgrade the kernel)",
			       release);
	if (r == -ENODEV)
		return err_set(e, r,
			       "the kernel (%s) has no binfmt_misc: it was built without "
			       "CONFIG_BINFMT_MISC, or its module is not in "
			       "/lib/modules/%s (run `modprobe binfmt_misc` on the host)",
			       release, release);
	if (why)
		return err_set(e, r, "cannot mount binfmt_misc in a user namespace: %s",
			       why);
	if (r == -EPERM)
		return err_set(e, r,
			       "cannot mount binfmt_misc on %s: the mount namespace "
			       "does not belong to this user namespace (enter both: "
			       "`unshare --user --map-root-user --mount`)",
			       path);
	if (r == -ENOENT)
		return err_wrap(e, r, "there is no folder %s (is /proc mounted?)", path);
	return err_wrap(e, r, "binfmt_misc in a user namespace");
}

static int explain_mount(int r, const char *path, struct err *e)
{
	if (r == -EPERM || r == -EACCES)
		return err_wrap(e, r,
				"this process may not mount (in a container: run it "
				"with --privileged)");
	if (r == -ENOENT)
		return err_wrap(e, r, "there is no folder %s (is /proc mounted?)", path);
	if (r == -EROFS)
		return err_wrap(e, r,
				"/proc/sys is read-only (in a container: run it with "
				"--privileged)");
	return r;
}

static bool same_namespace(const char *a, const char *b)
{
	struct stat sa, sb;

	return stat(a, &sa) == 0 && stat(b, &sb) == 0 && sa.st_dev == sb.st_dev &&
	       sa.st_ino == sb.st_ino;
}

/* Whether this process sees the mounts of the machine's first process. */
static bool in_first_mount_namespace(void)
{
	enum {
		FIRST_PID_NAMESPACE = 0xeffffffc
	}; /* include/linux/proc_ns.h, since 3.8 */
	struct stat st;

	return stat("/proc/self/ns/pid", &st) == 0 && st.st_ino == FIRST_PID_NAMESPACE &&
	       same_namespace("/proc/self/ns/mnt", "/proc/1/ns/mnt");
}

int binfmt_instance_own(struct binfmt_instance *instance, const char *path, struct err *e)
{
	AUTO_CLOSE int tree = -1;
	struct stat own, there;
	int r = 0;

	tree = priv_tree_new("binfmt_misc", e);
	if (tree < 0)
		return explain_own(tree, path, e);
	if (fstat(tree, &own) < 0)
		return err_sys(e, -errno, "cannot examine the new binfmt_misc");
	if (stat(path, &there) < 0 || there.st_dev != own.st_dev) {
		r = priv_tree_attach(tree, AT_FDCWD, path, e);
		if (r < 0)
			return explain_own(r, path, e);
		instance->mounted = true;
	}
	r = binfmt_instance_find(instance, path, e);
	instance->private_table = r == 0;
	return r;
}

static int mount_and_find(struct binfmt_instance *instance, const char *path,
			  struct err *e)
{
	int r = priv_mount("binfmt_misc", path, "nosuid,nodev,noexec", e);

	if (r < 0)
		return explain_mount(r, path, e);
	instance->mounted = true;
	return binfmt_instance_find(instance, path, e);
}

/*
 * Finds out whether another mount keeps the table alive: an entry that takes no file is
 * left in it while ours is away. Nothing is lost, as nothing of ours is in the table yet.
 */
static int try_without_mount(struct binfmt_instance *instance, const char *path,
			     struct err *e)
{
	char name[] = "binfmtctl-canary", never[] = "/never-run";
	const struct binfmt_entry canary = {
		.name = name, .extension = name, .interpreter = never};
	struct binfmt_entry found = {0};
	int r = binfmt_kernel_register(instance->fd, &canary, e);

	if (r < 0)
		return r;
	binfmt_instance_close(instance);
	r = priv_unmount(path, e);
	if (r == 0)
		r = mount_and_find(instance, path, e);
	else
		(void)binfmt_instance_find(instance, path, NULL); /* still there */
	if (r < 0)
		return r;
	instance->fleeting = binfmt_kernel_get(instance->fd, name, &found, NULL) < 0;
	binfmt_entry_free(&found);
	return instance->fleeting ? 0 : binfmt_kernel_remove(instance->fd, name, e);
}

static int open_new(struct binfmt_instance *instance, const char *path, struct err *e)
{
	int r = mount_and_find(instance, path, e);

	if (r == 0 && !instance->writable)
		return err_set(e, -EACCES, "the new mount on %s cannot be written to",
			       path);
	if (r < 0 || in_first_mount_namespace())
		return r;
	return try_without_mount(instance, path, e);
}

int binfmt_instance_open(struct binfmt_instance *instance, const char *path,
			 struct err *e)
{
	bool nested = binfmt_in_user_namespace();
	bool own;
	int r;

	r = binfmt_instance_find(instance, path, NULL);
	if (r < 0 && r != -ENOENT)
		return binfmt_instance_find(instance, path, e);
	own = r == 0 && (instance->private_table || !nested);
	if (own && instance->writable)
		return 0;
	if (own)
		return err_set(e, -EROFS,
			       "binfmt_misc on %s cannot be written to: it is mounted "
			       "read-only (in a container: run it with --privileged; "
			       "elsewhere: `mount -o remount,rw %s`)",
			       path, path);
	r = ensure_kernel(instance, e);
	if (r < 0)
		return r;
	return nested ? binfmt_instance_own(instance, path, e)
		      : open_new(instance, path, e);
}

void binfmt_instance_close(struct binfmt_instance *instance)
{
	if (instance->fd >= 0)
		close(instance->fd);
	instance->fd = -1;
}
