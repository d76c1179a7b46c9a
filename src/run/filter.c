/* SPDX-License-Identifier: MIT */
#include "run/filter.h"

#include <errno.h>
#include <linux/seccomp.h>
#include <sched.h>
#include <seccomp.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/alloc.h"

/*
 * Names that are not known here, to this library or on this architecture, are skipped:
 * the kernel does not have them either, or root's capabilities do not reach them.
 */

/* The kernel's key rings are not in any namespace. */
static const char *const keyrings[] = {"add_key", "keyctl", "request_key"};

/* Large parts of the kernel, open to everybody, with a history of holes. */
static const char *const surface[] = {
	"bpf",
	"fanotify_init",
	"io_uring_enter",
	"io_uring_register",
	"io_uring_setup",
	"lookup_dcookie",
	"perf_event_open",
	"userfaultfd",
	"uselib",
	"open_by_handle_at",
	"vm86",
	"vm86old",
	"kcmp",
	"nfsservctl",
	"sysfs",
	"ustat",
};

/* The machine's state. Root has not the capabilities either, unless by a mistake. */
static const char *const machine[] = {
	"acct",		 "clock_settime",   "clock_settime64", "create_module",
	"delete_module", "finit_module",    "init_module",     "ioperm",
	"iopl",		 "kexec_file_load", "kexec_load",      "quotactl",
	"quotactl_fd",	 "reboot",	    "settimeofday",    "stime",
	"swapoff",	 "swapon",	    "syslog",	       "vhangup",
};

/* Mounts and namespaces: with a user namespace of its own a step could do all of it. */
static const char *const namespaces[] = {
	"fsconfig",	 "fsmount",    "fsopen",    "fspick",	  "mount",
	"mount_setattr", "move_mount", "open_tree", "pivot_root", "setns",
	"umount",	 "umount2",    "unshare",
};

/* They wait for a disk. msync(2) does more: it tells whether memory is mapped. */
static const char *const syncs[] = {
	"fdatasync", "fsync", "sync", "sync_file_range", "sync_file_range2", "syncfs",
};

/* Those whose programs this kernel may run besides its own. */
static const uint32_t relatives[] = {
#if defined __x86_64__
	SCMP_ARCH_X86,
	SCMP_ARCH_X32,
#elif defined __aarch64__
	SCMP_ARCH_ARM,
#elif defined __s390x__
	SCMP_ARCH_S390,
#elif defined __mips64 && defined __MIPSEL__
	SCMP_ARCH_MIPSEL,
	SCMP_ARCH_MIPSEL64N32,
#else
	SCMP_ARCH_NATIVE,
#endif
};

static void context_free(scmp_filter_ctx *c)
{
	seccomp_release(*c);
}

static int answer(scmp_filter_ctx c, const char *const *names, size_t n, uint32_t action)
{
	int r = 0;

	for (size_t i = 0; r == 0 && i < n; i++) {
		int number = seccomp_syscall_resolve_name(names[i]);

		if (number != __NR_SCMP_ERROR)
			r = seccomp_rule_add(c, action, number, 0);
	}
	return r;
}

static int answer_denied(scmp_filter_ctx c)
{
	const uint32_t eperm = SCMP_ACT_ERRNO(EPERM);
	int r = answer(c, keyrings, ARRAY_SIZE(keyrings), eperm);

	if (r == 0)
		r = answer(c, surface, ARRAY_SIZE(surface), eperm);
	if (r == 0)
		r = answer(c, machine, ARRAY_SIZE(machine), eperm);
	if (r == 0)
		r = answer(c, namespaces, ARRAY_SIZE(namespaces), eperm);
	/* Its flags are in memory, where a filter cannot look; libraries then use clone.
	 */
	if (r == 0)
		r = seccomp_rule_add(c, SCMP_ACT_ERRNO(ENOSYS), SCMP_SYS(clone3), 0);
	if (r == 0)
#ifdef __s390x__
		r = seccomp_rule_add(
			c, eperm, SCMP_SYS(clone), 1,
			SCMP_A1(SCMP_CMP_MASKED_EQ, CLONE_NEWUSER, CLONE_NEWUSER));
#else
		r = seccomp_rule_add(
			c, eperm, SCMP_SYS(clone), 1,
			SCMP_A0(SCMP_CMP_MASKED_EQ, CLONE_NEWUSER, CLONE_NEWUSER));
#endif
	return r;
}

static int describe(scmp_filter_ctx c, bool deny, bool sync)
{
	int r = seccomp_attr_set(c, SCMP_FLTATR_ACT_BADARCH, SCMP_ACT_ERRNO(ENOSYS));

	for (size_t i = 0; r == 0 && i < ARRAY_SIZE(relatives); i++) {
		r = seccomp_arch_add(c, relatives[i]);
		if (r == -EEXIST)
			r = 0;
	}
	/* A search tree instead of a list (libseccomp 2.5); the same answers. */
	(void)seccomp_attr_set(c, SCMP_FLTATR_CTL_OPTIMIZE, 2);
	if (r == 0 && deny)
		r = answer_denied(c);
	if (r == 0 && !sync)
		r = answer(c, syncs, ARRAY_SIZE(syncs), SCMP_ACT_ERRNO(0));
	return r;
}

static int export(scmp_filter_ctx c, struct run_filter *f)
{
	AUTO_CLOSE int fd = (int)syscall(SYS_memfd_create, "filter", 1u /* CLOEXEC */);
	int r = fd < 0 ? -errno : seccomp_export_bpf(c, fd);
	off_t size = r < 0 ? 0 : lseek(fd, 0, SEEK_END);

	if (r < 0)
		return r;
	f->code = xcalloc(1, (size_t)size);
	f->len = (unsigned short)((size_t)size / sizeof *f->code);
	if (pread(fd, f->code, (size_t)size, 0) != size)
		return -EIO;
	return 0;
}

int run_filter_new(struct run_filter *f, bool deny, bool sync, struct err *e)
{
	CLEAN(context_free) scmp_filter_ctx c = NULL;
	int r;

	*f = (struct run_filter){0};
	if (!deny && sync)
		return 0;
	c = seccomp_init(SCMP_ACT_ALLOW);
	r = c ? describe(c, deny, sync) : -ENOMEM;
	if (r == 0)
		r = export(c, f);
	if (r < 0) {
		run_filter_free(f);
		return err_sys(e, r, "cannot make the filter for system calls");
	}
	return 0;
}

static long load(struct sock_fprog *program, unsigned long flags)
{
	return syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, flags, program);
}

int run_filter_load(const struct run_filter *f, struct err *e)
{
	struct sock_fprog program = {f->len, f->code};

	if (f->len == 0)
		return 0;
	/* Not for fear of Spectre (Linux 4.17): that would slow down all of the step. */
	if (load(&program, SECCOMP_FILTER_FLAG_SPEC_ALLOW) < 0 &&
	    (errno != EINVAL || load(&program, 0) < 0))
		return err_sys(e, -errno, "cannot filter system calls");
	return 0;
}

void run_filter_free(struct run_filter *f)
{
	free(f->code);
	*f = (struct run_filter){0};
}
