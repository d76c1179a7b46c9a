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

static const char *const clone3[] = {"clone3"};

/* They wait for a disk. msync(2) does more: it tells whether memory is mapped. */
static const char *const syncs[] = {
	"fdatasync", "fsync", "sync", "sync_file_range", "sync_file_range2", "syncfs",
};

/* The kernel's own, and those whose programs it may run besides. */
#define ARCHITECTURES(X) X(NATIVE)
#if defined __x86_64__
#undef ARCHITECTURES
#define ARCHITECTURES(X) X(X86_64) X(X86) X(X32)
#elif defined __aarch64__
#undef ARCHITECTURES
#define ARCHITECTURES(X) X(AARCH64) X(ARM)
#elif defined __s390x__
#undef ARCHITECTURES
#define ARCHITECTURES(X) X(S390X) X(S390)
#endif

#define NUMBER(name) SCMP_ARCH_##name,
#define NAME(name)   "SCMP_ARCH_" #name,

static const uint32_t architectures[] = {ARCHITECTURES(NUMBER)};
const char *const run_filter_architectures[] = {ARCHITECTURES(NAME) NULL};

static void context_free(scmp_filter_ctx *c)
{
	seccomp_release(*c);
}

static const struct {
	const char *const *names;
	size_t n;
	bool unless_sync; /* else they are those to deny */
	int answer;
} rules[] = {
	{keyrings, ARRAY_SIZE(keyrings), false, EPERM},
	{surface, ARRAY_SIZE(surface), false, EPERM},
	{machine, ARRAY_SIZE(machine), false, EPERM},
	{namespaces, ARRAY_SIZE(namespaces), false, EPERM},
	/* Its flags are in memory, where no filter can look; libraries then use clone. */
	{clone3, ARRAY_SIZE(clone3), false, ENOSYS},
	{syncs, ARRAY_SIZE(syncs), true, 0},
};

void run_filter_each(const struct run_filter *f, run_filter_rule rule, void *context)
{
	for (size_t i = 0; i < ARRAY_SIZE(rules); i++)
		for (size_t j = 0; j < rules[i].n; j++)
			if (rules[i].unless_sync ? !f->sync : f->deny)
				rule(context, rules[i].names[j], rules[i].answer);
}

struct build {
	scmp_filter_ctx context;
	int error;
};

static void add_rule(void *data, const char *name, int answer)
{
	struct build *b = data;
	int number = seccomp_syscall_resolve_name(name);

	if (b->error == 0 && number != __NR_SCMP_ERROR)
		b->error = seccomp_rule_add(b->context, SCMP_ACT_ERRNO((uint32_t)answer),
					    number, 0);
}

static int deny_clone(scmp_filter_ctx c)
{
#ifdef __s390x__
	struct scmp_arg_cmp flags =
		SCMP_A1(SCMP_CMP_MASKED_EQ, CLONE_NEWUSER, CLONE_NEWUSER);
#else
	struct scmp_arg_cmp flags =
		SCMP_A0(SCMP_CMP_MASKED_EQ, CLONE_NEWUSER, CLONE_NEWUSER);
#endif

	return seccomp_rule_add(c, SCMP_ACT_ERRNO(EPERM), SCMP_SYS(clone), 1, flags);
}

static int describe(scmp_filter_ctx c, const struct run_filter *f)
{
	struct build build = {c, 0};
	int r = seccomp_attr_set(c, SCMP_FLTATR_ACT_BADARCH, SCMP_ACT_ERRNO(ENOSYS));

	for (size_t i = 0; r == 0 && i < ARRAY_SIZE(architectures); i++) {
		r = seccomp_arch_add(c, architectures[i]);
		if (r == -EEXIST)
			r = 0;
	}
	/* A search tree instead of a list (libseccomp 2.5); the same answers. */
	(void)seccomp_attr_set(c, SCMP_FLTATR_CTL_OPTIMIZE, 2);
	if (r == 0 && f->deny)
		r = deny_clone(c);
	if (r < 0)
		return r;
	run_filter_each(f, add_rule, &build);
	return build.error;
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

	*f = (struct run_filter){.deny = deny, .sync = sync};
	if (!deny && sync)
		return 0;
	c = seccomp_init(SCMP_ACT_ALLOW);
	r = c ? describe(c, f) : -ENOMEM;
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
