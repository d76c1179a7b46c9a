/* SPDX-License-Identifier: MIT */
#include "priv/overlay.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/strbuf.h"
#include "base/strv.h"
#include "priv/tree.h"

enum {
	LOWER_MAX = 500,	     /* OVL_MAX_STACK of the kernel */
	INITIAL_USERNS = 0xeffffffd, /* PROC_USER_INIT_INO of the kernel */
};

bool priv_overlay_userxattr(void)
{
	struct stat st;

	return stat("/proc/self/ns/user", &st) == 0 && st.st_ino != INITIAL_USERNS;
}

/* Short whatever the folder is called, and without characters that need a backslash. */
static void add_folder(struct strv *options, const char *key, int fd)
{
	strv_addf(options, "%s=/proc/self/fd/%d", key, fd);
}

/* What both ways of mounting have in common. */
static void add_options(struct strv *options, const struct priv_overlay *o, bool sync)
{
	if (o->upper >= 0) {
		add_folder(options, "upperdir", o->upper);
		add_folder(options, "workdir", o->work);
		if (!sync)
			strv_add(options, "volatile");
	}
	if (o->userxattr)
		strv_add(options, "userxattr");
	/* Marks in layers that come from somewhere must not lead out of their folder. */
	strv_add(options, "redirect_dir=nofollow");
	strv_add(options, "metacopy=off");
	strv_add(options, "index=off");
}

/* One parameter per layer: Linux 6.8 (-EINVAL before). */
static int mount_by_layer(const struct priv_overlay *o, bool sync, struct err *e)
{
	AUTO_STRV struct strv options = STRV_INIT;

	for (size_t i = 0; i < o->nlower; i++)
		add_folder(&options, "lowerdir+", o->lower[i]);
	add_options(&options, o, sync);
	return priv_tree_make("overlay", (const char *const *)options.v, 0, e);
}

/* All layers in one parameter, which fsconfig(2) would cut at 256 bytes. */
static char *joined(const struct priv_overlay *o, bool sync)
{
	AUTO_STRV struct strv options = STRV_INIT;
	struct strbuf s = STRBUF_INIT;

	add_options(&options, o, sync);
	for (size_t i = 0; i < options.n; i++)
		strbuf_addf(&s, "%s,", options.v[i]);
	for (size_t i = 0; i < o->nlower; i++)
		strbuf_addf(&s, "%s/proc/self/fd/%d", i ? ":" : "lowerdir=", o->lower[i]);
	return strbuf_take(&s);
}

/*
 * mount(2) wants a place: over the work folder (over the first layer, if there is none),
 * where the tree is taken from at once.
 */
static int mount_in_place(const struct priv_overlay *o, bool sync, struct err *e)
{
	AUTO_FREE char *options = joined(o, sync);
	AUTO_FREE char *link =
		xasprintf("/proc/self/fd/%d", o->work >= 0 ? o->work : o->lower[0]);
	char place[PATH_MAX];
	ssize_t n = readlink(link, place, sizeof place - 1);
	int tree;

	if (n < 0)
		return err_sys(e, -errno, "cannot tell where the work folder is");
	place[n] = '\0';
	if (strlen(options) >= (size_t)sysconf(_SC_PAGESIZE))
		return err_set(e, -EOPNOTSUPP,
			       "%zu layers are too many for this kernel's overlay file "
			       "system (Linux 6.8 takes 500)",
			       o->nlower);
	/* Safe with any input: the options hold only numbers. */
	if (mount("overlay", place, "overlay", 0, options) < 0)
		return err_sys(e, -errno, "cannot make an overlay");
	tree = priv_tree_clone(AT_FDCWD, place, e);
	if (umount2(place, MNT_DETACH) < 0 && tree >= 0) {
		close(tree);
		return err_sys(e, -errno, "cannot unmount %s", place);
	}
	return tree;
}

static int mount_either_way(const struct priv_overlay *o, bool sync, struct err *e)
{
	AUTO_ERR struct err first = ERR_INIT;
	int tree = mount_by_layer(o, sync, &first);

	if (tree >= 0 || (tree != -EINVAL && tree != -ENOSYS))
		return tree >= 0 ? tree : err_wrap(e, tree, "%s", first.text);
	return mount_in_place(o, sync, e);
}

/* What the answers of the kernel to this mount stand for. */
static int refused(int r, struct err *e)
{
	const char *why;

	switch (r) {
	case -EPERM:
		why = "in a user namespace it needs Linux 5.11";
		break;
	case -ENODEV:
		why = "the kernel has no overlay file system (CONFIG_OVERLAY_FS)";
		break;
	case -ENOSYS:
		why = "a seccomp filter forbids it, or the kernel is older than 5.2";
		break;
	case -EINVAL:
		why = "one of the folders is on a file system that cannot be used for it "
		      "(an overlay or a network file system, for instance)";
		break;
	default:
		return r;
	}
	return err_set(e, -EOPNOTSUPP, "cannot make an overlay: %s: %s", strerror(-r),
		       why);
}

int priv_overlay_new(const struct priv_overlay *o, struct err *e)
{
	size_t min = o->upper < 0 ? 2 : 1;
	int tree;

	if (o->nlower < min || o->nlower > LOWER_MAX)
		return err_set(e, -EOPNOTSUPP,
			       "an overlay has %zu to %d layers below it, not %zu", min,
			       LOWER_MAX, o->nlower);
	tree = mount_either_way(o, o->sync, e);
	/* Linux 5.10 has "volatile". */
	if (tree == -EINVAL && !o->sync)
		tree = mount_either_way(o, true, e);
	return tree < 0 ? refused(tree, e) : tree;
}
