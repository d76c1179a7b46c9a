/* SPDX-License-Identifier: MIT */
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/strbuf.h"
#include "base/strv.h"
#include "binfmt/doctor-internal.h"

void doctor_check_kernel(const struct binfmt_facts *facts, struct binfmt_findings *f)
{
	unsigned version = facts->version;

	if (version >= BINFMT_KERNEL_USER_NAMESPACE)
		doctor_say(f, BINFMT_VERDICT_OK, NULL,
			   "Linux %s has flag F (4.8), tells qemu of flag P (5.12), and "
			   "gives each user namespace a table (6.7)",
			   facts->release);
	else if (version >= BINFMT_KERNEL_TELLS_ARGV0)
		doctor_say(f, BINFMT_VERDICT_OK, NULL,
			   "Linux %s has flag F (4.8) and tells qemu of flag P (5.12); "
			   "tables of user namespaces came with 6.7",
			   facts->release);
	else if (version >= BINFMT_KERNEL_FIX_BINARY)
		doctor_say(f, BINFMT_VERDICT_OK, NULL,
			   "Linux %s has flag F (4.8); it does not tell qemu of flag P "
			   "(5.12), so that programs see their path as argv[0]",
			   facts->release);
	else
		doctor_say(f, BINFMT_VERDICT_WARN,
			   xstrdup("upgrade the kernel, or install with --no-fix-binary "
				   "and put qemu into every root"),
			   "Linux %s has no flag F (4.8): containers need a qemu inside",
			   facts->release);
}

/* "CONFIG_BINFMT_MISC=m" in the configuration that distributions put beside the kernel;
 * '\0': not told. */
static char read_config(const struct binfmt_facts *facts)
{
	AUTO_FREE char *path = xasprintf("boot/config-%s", facts->release);
	AUTO_FREE char *text = doctor_read(facts, path);
	const char *line = text ? strstr(text, "\nCONFIG_BINFMT_MISC=") : NULL;

	if (line)
		return line[strlen("\nCONFIG_BINFMT_MISC=")];
	return text ? 'n' : '\0';
}

static bool has_module(const struct binfmt_facts *facts)
{
	AUTO_FREE char *path = xasprintf("lib/modules/%s/modules.dep", facts->release);
	AUTO_FREE char *text = doctor_read(facts, path);

	return text && strstr(text, "/binfmt_misc.ko");
}

void doctor_check_support(const struct binfmt_facts *facts, struct binfmt_findings *f)
{
	AUTO_FREE char *known = doctor_read(facts, "proc/filesystems");
	AUTO_FREE char *modules = xasprintf("lib/modules/%s", facts->release);
	char config = read_config(facts);

	if (known && strstr(known, "\tbinfmt_misc\n"))
		doctor_say(f, BINFMT_VERDICT_OK, NULL, "the kernel has binfmt_misc");
	else if (has_module(facts))
		doctor_say(f, BINFMT_VERDICT_WARN,
			   xstrdup("`modprobe binfmt_misc`; --install does it too"),
			   "binfmt_misc is a module that is not loaded");
	else if (config == 'n')
		doctor_say(f, BINFMT_VERDICT_BAD,
			   xstrdup("use a kernel with CONFIG_BINFMT_MISC=m"),
			   "this kernel was built without CONFIG_BINFMT_MISC");
	else if (config == 'm' && !doctor_exists(facts, modules))
		doctor_say(
			f, BINFMT_VERDICT_BAD,
			xstrdup("reboot, if the kernel was just updated; in a container, "
				"`modprobe binfmt_misc` on the host"),
			"binfmt_misc is a module, and there is no /%s", modules);
	else
		doctor_say(
			f, BINFMT_VERDICT_BAD,
			xstrdup("`modprobe binfmt_misc` on the host; without that module, "
				"install the rest of the kernel's package "
				"(linux-modules-extra) or use a kernel with "
				"CONFIG_BINFMT_MISC"),
			"the kernel has no binfmt_misc now, and no module for it is "
			"here");
}

/* The topmost mount on the mount point, which is the last that is listed. */
static const struct doctor_mount *find_mount(const struct doctor_mounts *mounts,
					     const char *point, bool automount)
{
	const struct doctor_mount *found = NULL;

	for (size_t i = 0; i < mounts->n; i++)
		if (mounts->v[i].automount == automount &&
		    strcmp(mounts->v[i].point, point) == 0)
			found = &mounts->v[i];
	return found;
}

static void report_missing_mount(const struct binfmt_facts *facts,
				 const struct doctor_mounts *mounts,
				 struct binfmt_findings *f)
{
	const char *point = facts->mount_point;

	for (size_t i = 0; i < mounts->n; i++)
		/* One of the point itself lies under another mount. */
		if (!mounts->v[i].automount && strcmp(mounts->v[i].point, point) != 0) {
			doctor_say(f, BINFMT_VERDICT_WARN,
				   xasprintf("`mount --bind %s %s`, or --mount-point %s",
					     mounts->v[i].point, point,
					     mounts->v[i].point),
				   "binfmt_misc is mounted on %s, and not on %s",
				   mounts->v[i].point, point);
			return;
		}
	if (find_mount(mounts, point, true))
		doctor_say(
			f, BINFMT_VERDICT_BAD,
			xstrdup("`systemctl status proc-sys-fs-binfmt_misc.mount` says "
				"why"),
			"the automount on %s does not mount binfmt_misc", point);
	else if (facts->unattached)
		doctor_say(f, BINFMT_VERDICT_OK, NULL,
			   "binfmt_misc is not mounted on %s, but elsewhere: its "
			   "handlers run here too",
			   point);
	else
		doctor_say(
			f, BINFMT_VERDICT_WARN,
			xasprintf("`mount -t binfmt_misc binfmt_misc %s`; --install does "
				  "it too",
				  point),
			"binfmt_misc is not mounted on %s: no handler runs", point);
}

void doctor_check_mount(const struct binfmt_facts *facts, struct binfmt_findings *f)
{
	AUTO_DOCTOR_MOUNTS struct doctor_mounts mounts;
	const struct doctor_mount *m;

	doctor_read_mounts(facts, "self", &mounts);
	m = find_mount(&mounts, facts->mount_point, false);
	if (facts->table < 0 || facts->unattached)
		report_missing_mount(facts, &mounts, f);
	else if (m && m->read_only)
		doctor_say(
			f, BINFMT_VERDICT_WARN,
			xasprintf("`mount -o remount,rw %s`; in a container, run it with "
				  "--privileged",
				  facts->mount_point),
			"binfmt_misc is mounted read-only on %s: entries cannot be "
			"changed",
			facts->mount_point);
	else
		doctor_say(f, BINFMT_VERDICT_OK, NULL, "binfmt_misc is mounted on %s%s",
			   facts->mount_point,
			   find_mount(&mounts, facts->mount_point, true)
				   ? ", by an automount"
				   : "");
}

/* Whether process 1 has the same table mounted: it outlives this session, then. */
static bool init_holds(const struct doctor_mounts *init, const char *device)
{
	for (size_t i = 0; i < init->n; i++)
		if (!init->v[i].automount && strcmp(init->v[i].device, device) == 0)
			return true;
	return false;
}

void doctor_check_durability(const struct binfmt_facts *facts, struct binfmt_findings *f)
{
	AUTO_DOCTOR_MOUNTS struct doctor_mounts mounts, init;
	const struct doctor_mount *m;

	doctor_read_mounts(facts, "self", &mounts);
	doctor_read_mounts(facts, "1", &init);
	m = find_mount(&mounts, facts->mount_point, false);
	if (facts->table < 0 || !m)
		doctor_say(f, BINFMT_VERDICT_OK, NULL, "there is no table to lose");
	else if (init.readable && init_holds(&init, m->device))
		doctor_say(f, BINFMT_VERDICT_OK, NULL,
			   "the table is mounted for process 1 too: it stays until the "
			   "machine or container ends, or it is unmounted");
	else if (facts->private_table)
		doctor_say(f, BINFMT_VERDICT_OK, NULL,
			   "the table is private, and ends with its namespaces");
	else if (facts->private_unknown)
		doctor_say(f, BINFMT_VERDICT_OK, NULL,
			   "the table may be private, and end with its namespaces");
	else if (!init.readable)
		doctor_say(
			f, BINFMT_VERDICT_OK, NULL,
			"whether the table outlives this session cannot be seen without "
			"root");
	else if (facts->version < BINFMT_KERNEL_USER_NAMESPACE)
		doctor_say(f, BINFMT_VERDICT_WARN,
			   xasprintf("`mount -t binfmt_misc binfmt_misc %s` on the host",
				     facts->mount_point),
			   "process 1 has not mounted this table (kernels since 6.7, and "
			   "some older stable ones, drop it with its last mount)");
	else
		doctor_say(f, BINFMT_VERDICT_WARN,
			   xasprintf("`mount -t binfmt_misc binfmt_misc %s` on the host",
				     facts->mount_point),
			   "process 1 has not mounted this table: since Linux 6.7 the "
			   "entries end with its last mount");
}

void doctor_check_namespace(const struct binfmt_facts *facts, struct binfmt_findings *f)
{
	if (!facts->in_user_namespace)
		doctor_say(f, BINFMT_VERDICT_OK, NULL,
			   "not in a user namespace: entries are the whole machine's");
	else if (facts->private_table)
		doctor_say(
			f, BINFMT_VERDICT_OK, NULL,
			"in a user namespace with a table of its own: nothing else sees "
			"these entries");
	else if (facts->private_unknown)
		doctor_say(
			f, BINFMT_VERDICT_OK, NULL,
			"in a user namespace; whether it has a table of its own cannot "
			"be told from here");
	else if (facts->version < BINFMT_KERNEL_USER_NAMESPACE)
		doctor_say(
			f, BINFMT_VERDICT_WARN,
			xstrdup("install handlers as root of the host"),
			"in a user namespace, which has no table of its own before Linux "
			"6.7");
	else
		doctor_say(f, BINFMT_VERDICT_WARN,
			   xstrdup("`binfmtctl --install` mounts an own table, for this "
				   "namespace alone; or install on the host"),
			   "in a user namespace without a table of its own%s",
			   facts->table >= 0 ? ": what is mounted is the parent's" : "");
}

/* Files that are there in containers only; all that is said of `docker` holds for the
 * like. */
static const struct {
	const char *path;
	const char *what;
} container_files[] = {
	{".dockerenv", "Docker"},
	{"run/.containerenv", "Podman"},
	{"dev/incus/sock", "Incus"},
	{"dev/lxd/sock", "LXD"},
	{"run/host/container-manager", "a container manager"},
};

static char *first_line(char *text)
{
	if (text)
		text[strcspn(text, "\n")] = '\0';
	return text;
}

/* "container=lxc" among the variables of process 1, which are separated by NUL. */
static char *container_of_init(const struct binfmt_facts *facts)
{
	AUTO_CLOSE int fd =
		openat(facts->root, "proc/1/environ", O_RDONLY | O_CLOEXEC | O_NOCTTY);
	char text[32 * 1024];
	ssize_t n = fd < 0 ? 0 : read(fd, text, sizeof text - 1);

	if (n < 0)
		n = 0;
	text[n] = '\0';
	for (const char *p = text; p < text + n; p += strlen(p) + 1)
		if (strncmp(p, "container=", 10) == 0)
			return xstrdup(p + 10);
	return NULL;
}

/* Which container this is in, and by which evidence; NULL for none. */
static char *find_container(const struct binfmt_facts *facts)
{
	AUTO_FREE char *systemd = first_line(doctor_read(facts, "run/systemd/container"));
	AUTO_FREE char *init = container_of_init(facts);

	for (size_t i = 0; i < ARRAY_SIZE(container_files); i++)
		if (doctor_exists(facts, container_files[i].path))
			return xasprintf("%s (there is /%s)", container_files[i].what,
					 container_files[i].path);
	if (systemd)
		return xasprintf("%s (/run/systemd/container says so)", systemd);
	if (init)
		return xasprintf("%s (process 1 has container= in its environment)",
				 init);
	return NULL;
}

void doctor_check_container(const struct binfmt_facts *facts, struct binfmt_findings *f)
{
	AUTO_FREE char *container = find_container(facts);

	if (!container)
		doctor_say(f, BINFMT_VERDICT_OK, NULL, "no sign of a container");
	else if (facts->private_table)
		doctor_say(f, BINFMT_VERDICT_OK, NULL,
			   "in a container of %s, with a table of its own", container);
	else if (facts->private_unknown)
		doctor_say(f, BINFMT_VERDICT_OK, NULL,
			   "in a container of %s: the entries are its own or the host's",
			   container);
	else if (facts->table >= 0)
		doctor_say(f, BINFMT_VERDICT_OK, NULL,
			   "in a container of %s: the entries are the host's", container);
	else
		doctor_say(f, BINFMT_VERDICT_WARN,
			   xstrdup("install handlers on the host, or in a container that "
				   "runs with --privileged"),
			   "in a container of %s, which does not see the host's entries",
			   container);
}

void doctor_check_wsl(const struct binfmt_facts *facts, struct binfmt_findings *f)
{
	bool wsl = strcasestr(facts->release, "microsoft") != NULL;
	bool interop = binfmt_entries_find(facts->live, "WSLInterop") ||
		       binfmt_entries_find(facts->live, "WSLInterop-late");

	if (!wsl && !interop)
		doctor_say(f, BINFMT_VERDICT_OK, NULL, "no sign of WSL");
	else if (interop)
		doctor_say(f, BINFMT_VERDICT_OK, NULL,
			   "in WSL, and Windows programs have their entry; WSL may wipe "
			   "the table when it starts");
	else
		doctor_say(
			f, BINFMT_VERDICT_WARN,
			xstrdup("`wsl.exe --shutdown` in Windows brings it back; a line "
				"in /etc/binfmt.d keeps it: "
				"`:WSLInterop:M::MZ::/init:PF`"),
			"in WSL, and its entry WSLInterop is gone: Windows programs do "
			"not run");
}

void doctor_check_security(const struct binfmt_facts *facts, struct binfmt_findings *f)
{
	AUTO_FREE char *enforce = doctor_read(facts, "sys/fs/selinux/enforce");
	AUTO_FREE char *restricted = doctor_read(
		facts, "proc/sys/kernel/apparmor_restrict_unprivileged_userns");
	size_t before = f->n;

	if (enforce && enforce[0] == '1')
		doctor_say(f, BINFMT_VERDICT_OK, NULL,
			   "SELinux is enforcing: where it keeps a container from the "
			   "interpreter, `ausearch -m avc` shows the label");
	if (restricted && restricted[0] == '1')
		doctor_say(
			f, BINFMT_VERDICT_WARN,
			xstrdup("for private tables: `sysctl "
				"kernel.apparmor_restrict_unprivileged_userns=0`, or an "
				"AppArmor profile with userns"),
			"AppArmor keeps ordinary users from user namespaces");
	if (f->n == before)
		doctor_say(f, BINFMT_VERDICT_OK, NULL,
			   "no policy of SELinux or AppArmor is in the way");
}
