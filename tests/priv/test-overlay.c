/* SPDX-License-Identifier: MIT */
/* Both ways to mount an overlay, in a private user namespace; the second on a kernel that
 * answers as those before 6.8 do. */
#include "priv/overlay.h"

#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/file.h"
#include "priv/userns.h"
#include "tests/tap.h"

enum { LAYERS = 120 };

static bool is_old, has_volatile = true;
static int fsopen_error;

/* In the place of the C library's. */
long syscall(long number, ...)
{
	static long (*real)(long, ...);
	long a[6];
	va_list ap;

	va_start(ap, number);
	for (size_t i = 0; i < 6; i++)
		a[i] = va_arg(ap, long);
	va_end(ap);
	errno = EINVAL;
	if (number == SYS_fsconfig && a[2]) {
		const char *key = (const char *)a[2];

		if (is_old && strcmp(key, "lowerdir+") == 0)
			return -1;
		if (!has_volatile && strcmp(key, "volatile") == 0)
			return -1;
	}
	if (number == SYS_fsopen && fsopen_error) {
		errno = fsopen_error;
		return -1;
	}
	if (!real)
		*(void **)&real = dlsym(RTLD_NEXT, "syscall");
	return real(number, a[0], a[1], a[2], a[3], a[4], a[5]);
}

static char top[] = "/tmp/test-overlay-XXXXXX";
static int lower[LAYERS];
static struct priv_overlay overlay = {.lower = lower, .nlower = LAYERS};

static int make_folder(const char *name)
{
	AUTO_FREE char *path = xasprintf("%s/%s", top, name);

	if (mkdir(path, 0755) < 0 && errno != EEXIST)
		abort();
	return open(path, O_PATH | O_DIRECTORY | O_CLOEXEC);
}

/* Layer N holds the files "all" and "N", each with this number in it. */
static void make_layers(void)
{
	for (int i = 0; i < LAYERS; i++) {
		AUTO_FREE char *name = xasprintf("%d", i);

		lower[i] = make_folder(name);
		if (file_write_at(lower[i], "all", name, strlen(name), 0644, NULL) < 0 ||
		    file_write_at(lower[i], name, name, strlen(name), 0644, NULL) < 0)
			abort();
	}
}

static int mount_it(void)
{
	static int count;
	AUTO_FREE char *name = xasprintf("work-%d", count++);

	overlay.work = make_folder(name);
	return priv_overlay_new(&overlay, NULL);
}

static void shows(int tree, const char *path, const char *want, const char *what)
{
	AUTO_FREE char *text = NULL;

	if (file_read_at(tree, path, 100, &text, NULL, NULL) < 0)
		text = xstrdup("(none)");
	is_str(text, want, what);
}

static void check(const char *way)
{
	AUTO_FREE char *mounts = NULL;
	AUTO_CLOSE int tree = mount_it();

	if (!ok(tree >= 0, "%s: mounted", way))
		return;
	shows(tree, "all", "0", "the first layer is the uppermost");
	shows(tree, "119", "119", "the last one is there");
	ok(file_write_at(tree, "new", "new", 3, 0644, NULL) == 0, "it can be written");
	shows(overlay.upper, "new", "new", "the upper folder has it");
	if (file_read_at(AT_FDCWD, "/proc/self/mounts", 1 << 20, &mounts, NULL, NULL) < 0)
		abort();
	ok(!strstr(mounts, "overlay"), "nothing shows in the mount namespace");
}

static void refused(int error, const char *part, const char *what)
{
	AUTO_ERR struct err e = ERR_INIT;

	fsopen_error = error;
	is_int(priv_overlay_new(&overlay, &e), -EOPNOTSUPP, what);
	ok(e.text && strstr(e.text, part), "and the reason is told");
	if (e.text && !strstr(e.text, part))
		printf("# %s\n", e.text);
	fsopen_error = 0;
}

static bool enter(void)
{
	AUTO_PRIV_USERNS struct priv_userns ns = {0};
	AUTO_FREE char *shortfall = NULL;

	priv_userns_plan_single(&ns);
	return priv_userns_enter(&ns, &shortfall, NULL) == 0;
}

int main(void)
{
	AUTO_FREE char *remove = NULL;

	if (!mkdtemp(top) || !enter())
		abort();
	ok(priv_overlay_userxattr(), "in a user namespace: userxattr");
	overlay.userxattr = true;
	overlay.upper = make_folder("upper");
	make_layers();
	check("layer by layer");
	is_old = true;
	check("before Linux 6.8");
	is_old = false;
	has_volatile = false;
	check("before Linux 5.10");
	has_volatile = true;
	refused(EPERM, "in a user namespace it needs Linux 5.11", "not permitted");
	refused(ENODEV, "CONFIG_OVERLAY_FS", "not built in");
	overlay.nlower = 501;
	refused(0, "1 to 500 layers", "too many layers");
	overlay.nlower = LAYERS;
	is_old = true;
	close(overlay.upper);
	overlay.upper = open("/proc", O_PATH | O_DIRECTORY | O_CLOEXEC);
	refused(0, "cannot be used for it", "a file system that cannot");
	remove = xasprintf("rm -rf %s", top);
	return system(remove) == 0 ? tap_done() : 1;
}
