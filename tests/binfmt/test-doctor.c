/* SPDX-License-Identifier: MIT */
/* Each check, on a tree that stands for the machine. */
#include "binfmt/doctor.h"

#include <fcntl.h>
#include <ftw.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/file.h"
#include "tests/binfmt/elf-file.h"
#include "tests/tap.h"

#define POINT "/proc/sys/fs/binfmt_misc"
#define QEMU  "/usr/bin/qemu"

static char folder[] = "/tmp/test-doctor-XXXXXX";
static struct binfmt_archs archs;
static bool *native;
static struct binfmt_entries live;
static struct binfmt_facts facts = {.table = -1};

static void put_bytes(const char *path, const void *data, size_t n)
{
	AUTO_FREE char *whole = xasprintf("%s/%s", folder, path);

	for (char *p = whole + sizeof folder; (p = strchr(p, '/')); *p++ = '/') {
		*p = '\0';
		(void)mkdir(whole, 0755);
	}
	file_write_at(AT_FDCWD, whole, data, n, 0755, NULL);
}

static void put(const char *path, const char *text)
{
	put_bytes(path, text, strlen(text));
}

static int remove_one(const char *path, const struct stat *st, int type, struct FTW *ftw)
{
	return ftw->level ? remove(path) : 0;
}

/* A machine in order, without entries. */
static void start_over(void)
{
	binfmt_entries_free(&live);
	live.ordered = true;
	(void)nftw(folder, remove_one, 8, FTW_DEPTH | FTW_PHYS);
	memset(native, 0, archs.n * sizeof *native);
	facts.mount_point = POINT;
	facts.enabled = true;
	facts.release = "6.18.1";
	facts.version = 6018;
	facts.in_user_namespace = facts.private_table = facts.private_unknown = false;
	put("table/x", "");
	if (facts.table >= 0)
		close(facts.table);
	facts.table = openat(facts.root, "table", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	put("proc/filesystems", "nodev\tproc\nnodev\tbinfmt_misc\n");
	put("proc/self/mountinfo", "9 1 0:7 / " POINT " rw,nosuid - binfmt_misc b rw\n");
	put("proc/1/mountinfo", "5 1 0:7 / " POINT " rw shared:3 - binfmt_misc b rw\n");
}

/* An entry that takes the programs of an architecture. */
static struct binfmt_entry *add(const char *name, const char *arch_name,
				const char *interpreter, unsigned flags)
{
	const struct binfmt_magic *m = &binfmt_archs_find(&archs, arch_name)->magics[0];
	struct binfmt_entry entry = {
		.name = xstrdup(name),
		.enabled = true,
		.size = m->size,
		.interpreter = xstrdup(interpreter),
		.flags = flags,
	};

	memcpy(entry.magic, m->magic, m->size);
	memcpy(entry.mask, m->mask, m->size);
	GROW(live.v, live.n);
	live.v[live.n] = entry;
	return &live.v[live.n++];
}

/* What a check finds first: its verdict, and parts of its words (NULL: no mend). */
static void finds(const char *check, enum binfmt_verdict verdict, const char *what,
		  const char *mend)
{
	AUTO_BINFMT_FINDINGS struct binfmt_findings found = {0};
	const struct binfmt_finding *f = NULL;

	binfmt_doctor_examine(&facts, &found);
	for (size_t i = found.n; i-- > 0;)
		if (strcmp(found.v[i].check, check) == 0)
			f = &found.v[i];
	if (!ok(f && f->verdict == verdict && strstr(f->what, what) &&
			(mend ? f->mend && strstr(f->mend, mend) : !f->mend),
		"%s: %s", check, what) &&
	    f)
		printf("# found %u: %s\n# mend: %s\n", f->verdict, f->what,
		       f->mend ? f->mend : "(none)");
}

static const enum binfmt_verdict OK = BINFMT_VERDICT_OK, WARN = BINFMT_VERDICT_WARN,
				 BAD = BINFMT_VERDICT_BAD;

static void test_in_order(void)
{
	AUTO_BINFMT_FINDINGS struct binfmt_findings found = {0};
	bool fine = true;

	start_over();
	put("usr/bin/qemu", "");
	add("qemu-aarch64", "arm64", QEMU, BINFMT_FIX_BINARY | BINFMT_CREDENTIALS);
	put("table/qemu-aarch64", "");
	binfmt_doctor_examine(&facts, &found);
	for (size_t i = 0; i < found.n; i++)
		if (found.v[i].verdict != OK &&
		    strcmp(found.v[i].check, "replaced") != 0) {
			printf("# %s: %s\n", found.v[i].check, found.v[i].what);
			fine = false;
		}
	ok(found.n >= 21 && fine, "a machine in order: every check says ok");
}

static void test_kernel(void)
{
	start_over();
	finds("kernel", OK, "a table (6.7)", NULL);
	facts.version = 5015;
	finds("kernel", OK, "came with 6.7", NULL);
	facts.version = 4019;
	finds("kernel", OK, "does not tell qemu of flag P", NULL);
	facts.version = 3010;
	facts.release = "3.10.0";
	finds("kernel", WARN, "Linux 3.10.0 has no flag F", "--no-fix-binary");

	finds("support", OK, "has binfmt_misc", NULL);
	put("proc/filesystems", "nodev\tproc\n");
	finds("support", BAD, "no module for it", "linux-modules-extra");
	put("boot/config-3.10.0", "CONFIG_A=y\nCONFIG_BINFMT_MISC=m\n");
	finds("support", BAD, "there is no /lib/modules/3.10.0", "reboot");
	put("boot/config-3.10.0", "CONFIG_A=y\n# CONFIG_BINFMT_MISC is not set\n");
	finds("support", BAD, "without CONFIG_BINFMT_MISC", "CONFIG_BINFMT_MISC=m");
	put("lib/modules/3.10.0/modules.dep", "kernel/fs/binfmt_misc.ko.xz:\n");
	finds("support", WARN, "not loaded", "modprobe binfmt_misc");
}

static void test_mount(void)
{
	int table = facts.table;

	start_over();
	finds("mount", OK, "mounted on " POINT, NULL);
	put("proc/self/mountinfo",
	    "8 1 0:6 / " POINT " rw - autofs systemd-1 rw\n"
	    "9 1 0:7 / " POINT " ro,nosuid shared:1 master:2 - binfmt_misc b rw\n");
	finds("mount", WARN, "read-only", "remount,rw " POINT);
	put("proc/self/mountinfo", "8 1 0:6 / " POINT " rw - autofs systemd-1 rw\n"
				   "9 1 0:7 / " POINT " rw - binfmt_misc b rw\n");
	finds("mount", OK, "by an automount", NULL);
	facts.table = -1;
	put("proc/self/mountinfo", "8 1 0:6 / " POINT " rw - autofs systemd-1 rw\n");
	finds("mount", BAD, "the automount", "systemctl status");
	put("proc/self/mountinfo", "8 1 0:6 / /mnt rw - binfmt_misc b rw\n");
	finds("mount", WARN, "on /mnt, and not on " POINT, "--mount-point /mnt");
	put("proc/self/mountinfo", "8 1 0:6 / / rw - ext4 a rw\n");
	finds("mount", WARN, "not mounted", "mount -t binfmt_misc");
	put("proc/self/mountinfo", "cut - short\n- binfmt_misc\n");
	finds("mount", WARN, "not mounted", "mount -t binfmt_misc");
	facts.table = table;
}

static void test_durability(void)
{
	start_over();
	finds("durability", OK, "process 1 too", NULL);
	put("proc/1/mountinfo", "5 1 0:8 / " POINT " rw - binfmt_misc b rw\n");
	finds("durability", WARN, "since Linux 6.7", "on the host");
	facts.version = 6001;
	finds("durability", WARN, "some older stable ones", "on the host");
	facts.private_table = true;
	finds("durability", OK, "is private", NULL);
	facts.private_table = false;
	facts.private_unknown = true;
	finds("durability", OK, "may be private", NULL);
	facts.private_unknown = false;
	unlinkat(facts.root, "proc/1/mountinfo", 0);
	finds("durability", OK, "without root", NULL);
	put("proc/self/mountinfo", "");
	finds("durability", OK, "no table to lose", NULL);
}

static void test_where(void)
{
	int table = facts.table;

	start_over();
	finds("namespace", OK, "whole machine", NULL);
	facts.in_user_namespace = true;
	finds("namespace", WARN, "is the parent's", "--install");
	facts.private_unknown = true;
	finds("namespace", OK, "cannot be told", NULL);
	facts.private_unknown = false;
	facts.version = 6001;
	finds("namespace", WARN, "before Linux 6.7", "root of the host");
	facts.private_table = true;
	finds("namespace", OK, "of its own", NULL);

	start_over();
	finds("container", OK, "no sign", NULL);
	put_bytes("proc/1/environ", "A=1\0container=lxc\0B=2", 22);
	finds("container", OK, "lxc (process 1 has container=", NULL);
	put("run/systemd/container", "systemd-nspawn\n");
	finds("container", OK, "systemd-nspawn (/run/systemd/container", NULL);
	put("run/.containerenv", "");
	finds("container", OK, "Podman (there is /run/.containerenv)", NULL);
	facts.table = -1;
	finds("container", WARN, "does not see the host's", "--privileged");
	facts.table = table;

	start_over();
	finds("wsl", OK, "no sign", NULL);
	facts.release = "5.15.90.1-microsoft-standard-WSL2";
	finds("wsl", WARN, "WSLInterop is gone", "/etc/binfmt.d");
	add("WSLInterop", "arm64", "/init", 0);
	finds("wsl", OK, "Windows programs have their entry", NULL);

	finds("security", OK, "no policy", NULL);
	put("proc/sys/kernel/apparmor_restrict_unprivileged_userns", "1\n");
	finds("security", WARN, "AppArmor", "sysctl");
	put("sys/fs/selinux/enforce", "1");
	finds("security", OK, "SELinux is enforcing", NULL);
}

static void test_managers(void)
{
	start_over();
	add("qemu-aarch64", "arm64", QEMU, BINFMT_FIX_BINARY);
	add("mine", "s390x", "/mine", BINFMT_FIX_BINARY);
	finds("systemd-binfmt", OK, "not installed", NULL);
	put("usr/lib/systemd/systemd-binfmt", "");
	finds("systemd-binfmt", OK, "its 0 lines", NULL);
	put("run/systemd/system/x", "");
	finds("systemd-binfmt", WARN, "removes what is not in binfmt.d: qemu-aarch64",
	      "systemctl enable binfmtctl");
	put("usr/lib/binfmt.d/q.conf", "# a\n;b\n\n|qemu-aarch64|M||a|b|/other|F\n");
	finds("systemd-binfmt", WARN, "has /other for qemu-aarch64 (/usr/lib/binfmt.d/q",
	      "systemctl enable binfmtctl");
	add("qemu-s390x", "s390x", QEMU, BINFMT_FIX_BINARY);
	put("usr/lib/binfmt.d/r.conf", "|qemu-s390x|M||a|b|/other|F\n");
	finds("systemd-binfmt", WARN, "; the same of qemu-s390x", "systemctl enable");
	put("etc/binfmt.d/r.conf", ":qemu-s390x:M::a:b:" QEMU ":F\n");
	facts.private_table = true;
	finds("systemd-binfmt", OK, "does not see", NULL);
	facts.private_table = false;
	put("etc/binfmt.d/q.conf", ":qemu-aarch64:M::a:b:" QEMU ":F\n:mine:E::a::/x:\n");
	put("etc/binfmt.d/not-conf", ":qemu-aarch64:M::a:b:/x:\n");
	finds("systemd-binfmt", OK, "its 3 lines", NULL);

	put("etc/systemd/system/sysinit.target.wants/binfmtctl.service", "");
	finds("systemd-binfmt", OK, "binfmtctl.service comes after", NULL);

	finds("binfmt-support", OK, "not installed", NULL);
	put("usr/sbin/update-binfmts", "");
	put("var/lib/binfmts/qemu-aarch64",
	    "qemu\nmagic\n0\nx\ny\n" QEMU "\n\nyes\n\nyes\n");
	put("var/lib/binfmts/cut", "qemu\nmagic\n");
	finds("binfmt-support", OK, "its 1 formats", NULL);
	put("var/lib/binfmts/qemu-aarch64", "qemu\nmagic\n0\nx\ny\n/other\n\nyes\n");
	finds("binfmt-support", WARN, "has /other for qemu-aarch64", "--disable");
}

static void test_table(void)
{
	start_over();
	finds("table", WARN, "no entries", "--install all");
	add("qemu-aarch64", "arm64", QEMU, BINFMT_FIX_BINARY)->enabled = false;
	finds("table", OK, "1 entries", NULL);
	finds("disabled", WARN, "qemu-aarch64 is disabled", "--enable qemu-aarch64");
	facts.enabled = false;
	finds("table", BAD, "disabled as a whole", "echo 1 >" POINT "/status");

	finds("limit", OK, "no limit", NULL);
	put("proc/sys/user/max_binfmt_misc_interpreters", "20\n");
	finds("limit", OK, "1 of at most 20", NULL);
	put("proc/sys/user/max_binfmt_misc_interpreters", "1\n");
	finds("limit", WARN, "1 of at most 1", "larger");
}

static void test_conflicts(void)
{
	start_over();
	add("qemu-s390x", "s390x", QEMU, BINFMT_FIX_BINARY);
	finds("conflicts", OK, "no two", NULL);
	finds("own-programs", OK, "no entry", NULL);
	add("older", "s390x", QEMU, BINFMT_FIX_BINARY);
	finds("conflicts", OK, "qemu-s390x takes the programs for s390x before older",
	      NULL);
	live.ordered = false;
	finds("conflicts", WARN, "both take", "--uninstall older");
	live.ordered = true;
	live.v[0].enabled = false;
	add("qemu-s390x", "s390x", QEMU, BINFMT_FIX_BINARY);
	finds("conflicts", WARN, "qemu-s390x is older and never asked",
	      "--uninstall older");
	native[binfmt_archs_find(&archs, "s390x") - archs.v] = true;
	finds("own-programs", WARN, "older takes the programs for s390x",
	      "--uninstall older");
#ifdef __x86_64__
	native[binfmt_archs_find(&archs, "amd64") - archs.v] = true;
	add("bad", "amd64", QEMU, BINFMT_FIX_BINARY);
	live.v[1].enabled = live.v[2].enabled = false;
	finds("own-programs", BAD, "bad takes the programs for x86_64",
	      "--uninstall bad");
#endif
}

static void test_interpreters(void)
{
	struct elf_spec dynamic = {64, false, 62, 2, 0, 0, 0, "/lib/ld.so"};
	struct binfmt_entry *entry;
	uint8_t file[512];

	start_over();
	entry = add("qemu-s390x", "s390x", QEMU, BINFMT_FIX_BINARY);
	finds("fix-binary", OK, "works in containers", NULL);
	finds("interpreters", WARN, "the kernel holds the old file", "install " QEMU);
	entry->flags = 0;
	finds("interpreters", BAD, "No such file", "--uninstall qemu-s390x");
	finds("fix-binary", WARN, "needs " QEMU " inside", "--install s390x --replace");
	put("usr/bin/qemu", "x");
	finds("interpreters", OK, "every interpreter", NULL);
	ok(fchmodat(facts.root, "usr/bin/qemu", 0644, 0) == 0, "chmod");
	finds("interpreters", BAD, "cannot be run", "chmod +x");
	put_bytes("usr/bin/qemu", file, elf_make(file, &dynamic));
	finds("interpreters", OK, "every interpreter", NULL);
	entry->flags = BINFMT_FIX_BINARY;
	finds("interpreters", WARN, "needs /lib/ld.so inside, in spite", "--qemu");
}

static void test_credentials(void)
{
	struct binfmt_entry *entry;

	start_over();
	finds("credentials", OK, "honours set-user-ID", NULL);
	entry = add("qemu-s390x", "s390x", QEMU, BINFMT_FIX_BINARY);
	finds("credentials", WARN, "qemu-s390x has no flag C: sudo",
	      "`binfmtctl --install s390x --replace`");
	entry->enabled = false;
	finds("credentials", OK, "honours set-user-ID", NULL);
	entry->enabled = true;
	entry->flags |= BINFMT_CREDENTIALS;
	finds("credentials", OK, "honours set-user-ID", NULL);
}

static void test_chains(void)
{
	struct elf_spec foreign = {64, true, 22, 2, 0, 0, 0, NULL};
	struct binfmt_entry *entry;
	uint8_t file[512];

	start_over();
	entry = add("mine", "arm64", QEMU, BINFMT_OPEN_BINARY);
	finds("chains", OK, "runs by itself", NULL);
	put("usr/bin/qemu", "#! /bin/sh -e\n");
	finds("chains", BAD, "is a script for /bin/sh: with flag O", "--add mine");
	facts.version = 5007;
	finds("chains", OK, "runs by itself", NULL);
	facts.version = 5008;
	entry->flags = BINFMT_FIX_BINARY;
	finds("chains", OK, "runs by itself", NULL);
	entry->flags = BINFMT_OPEN_BINARY;
	put_bytes("usr/bin/qemu", file, elf_make(file, &foreign));
	finds("chains", OK, "runs by itself", NULL);
	add("qemu-s390x", "s390x", "/other", BINFMT_FIX_BINARY);
	finds("chains", BAD, "is a program for the entry qemu-s390x", "flags O and C");
	live.v[0].enabled = false;
	finds("chains", OK, "runs by itself", NULL);
}

static void test_replaced(void)
{
	const struct timespec old[2] = {{.tv_sec = 1}, {.tv_sec = 1}};
	const struct timespec future[2] = {{.tv_sec = 1L << 33}, {.tv_sec = 1L << 33}};
	struct statx stx;

	start_over();
	put("usr/bin/qemu", "x");
	put("table/qemu-s390x", "");
	add("qemu-s390x", "s390x", QEMU, BINFMT_FIX_BINARY);
	if (statx(facts.root, "usr/bin/qemu", 0, STATX_BTIME, &stx) < 0 ||
	    !(stx.stx_mask & STATX_BTIME)) {
		skip("replaced", "the file system of /tmp has no times of birth");
		return;
	}
	utimensat(facts.root, "table/qemu-s390x", old, 0);
	finds("replaced", WARN, QEMU " is newer than the entry qemu-s390x",
	      "--install s390x --replace");
	live.v[0].flags = 0;
	finds("replaced", OK, "no interpreter", NULL);
	live.v[0].flags = BINFMT_FIX_BINARY;
	utimensat(facts.root, "table/qemu-s390x", future, 0);
	finds("replaced", OK, "no interpreter", NULL);
}

static void test_qemu(void)
{
	struct binfmt_entry *entry;

	start_over();
	entry = add("qemu-aarch64", "arm64", QEMU, BINFMT_FIX_BINARY);
	put("usr/bin/qemu", "..qemu-aarch64 version 7.0.0\n");
	finds("qemu", OK, "no qemu", NULL);
	put("usr/bin/qemu", "..qemu-aarch64 version 6.2.1\n");
	finds("qemu", WARN, "is qemu 6.2.1", "--install arm64 --replace --qemu");
	binfmt_entry_free(entry);
	live.n = 0;
	entry = add("other", "s390x", QEMU, BINFMT_FIX_BINARY | BINFMT_PRESERVE_ARGV0);
	put("usr/bin/qemu", "..qemu-s390x version 5.2.0\n");
	finds("qemu", WARN, "qemu 5.2.0 does not know",
	      "--uninstall other`, then `binfmtctl --install s390x");
	entry->flags = BINFMT_FIX_BINARY;
	finds("qemu", OK, "no qemu", NULL);
}

int main(void)
{
	if (!mkdtemp(folder) || binfmt_archs_load(&archs, NULL, NULL) < 0)
		return 1;
	native = xcalloc(archs.n, sizeof *native);
	facts.root = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	facts.archs = &archs;
	facts.native = native;
	facts.live = &live;
	test_in_order();
	test_kernel();
	test_mount();
	test_durability();
	test_where();
	test_managers();
	test_table();
	test_conflicts();
	test_credentials();
	test_interpreters();
	test_chains();
	test_replaced();
	test_qemu();
	start_over();
	(void)nftw(folder, remove_one, 8, FTW_DEPTH | FTW_PHYS);
	ok(rmdir(folder) == 0, "made no other file");
	close(facts.table);
	close(facts.root);
	binfmt_entries_free(&live);
	binfmt_archs_free(&archs);
	free(native);
	return tap_done();
}
