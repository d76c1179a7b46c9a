/* SPDX-License-Identifier: MIT */
#include "run/filter.h"

#include <errno.h>
#include <linux/bpf_common.h>
#include <linux/capability.h>
#include <linux/seccomp.h>
#include <sched.h>
#include <seccomp.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/alloc.h"
#include "run/rules.h"

#define SYS_ADMIN ((uint64_t)1 << CAP_SYS_ADMIN)

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
static const char *const architectures[] = {
#if defined __x86_64__
	"SCMP_ARCH_X86_64",
	"SCMP_ARCH_X86",
	"SCMP_ARCH_X32",
#elif defined __aarch64__
	"SCMP_ARCH_AARCH64",
	"SCMP_ARCH_ARM",
#elif defined __s390x__
	"SCMP_ARCH_S390X",
	"SCMP_ARCH_S390",
#endif
	NULL,
};

static void context_free(scmp_filter_ctx *c)
{
	seccomp_release(*c);
}

static const struct {
	const char *const *names;
	size_t n;
	bool unless_sync; /* else they are those to deny */
	int answer;
	uint64_t capability; /* who has it may */
} lists[] = {
	{keyrings, ARRAY_SIZE(keyrings), false, EPERM, 0},
	{surface, ARRAY_SIZE(surface), false, EPERM, 0},
	{machine, ARRAY_SIZE(machine), false, EPERM, 0},
	{namespaces, ARRAY_SIZE(namespaces), false, EPERM, SYS_ADMIN},
	/* Its flags are in memory, where no filter can look; libraries then use clone. */
	{clone3, ARRAY_SIZE(clone3), false, ENOSYS, SYS_ADMIN},
	{syncs, ARRAY_SIZE(syncs), true, 0, 0},
};

/* Whatever a profile says of them. */
static void add_lists(struct run_rules *r, const struct run_filter_options *o)
{
	for (size_t i = 0; i < ARRAY_SIZE(lists); i++) {
		if (lists[i].unless_sync ? o->sync : !o->deny)
			continue;
		if (lists[i].capability & o->capabilities)
			continue;
		for (size_t j = 0; j < lists[i].n; j++) {
			run_rules_drop(r, lists[i].names[j]);
			run_rules_add(r, lists[i].names[j],
				      SCMP_ACT_ERRNO((uint32_t)lists[i].answer));
		}
	}
}

static void add_clone(struct run_rules *r, uint32_t action, uint64_t user)
{
	struct run_rule *rule = run_rules_add(r, "clone", action);
#ifdef __s390x__
	unsigned index = 1;
#else
	unsigned index = 0;
#endif

	rule->nargs = 1;
	rule->args[0] =
		(struct scmp_arg_cmp){index, SCMP_CMP_MASKED_EQ, CLONE_NEWUSER, user};
}

static void deny_clone(struct run_rules *r)
{
	run_rules_drop(r, "clone");
	add_clone(r, SCMP_ACT_ERRNO(EPERM), CLONE_NEWUSER);
	if (r->otherwise != SCMP_ACT_ALLOW)
		add_clone(r, SCMP_ACT_ALLOW, 0);
}

static int make_rules(struct run_rules *r, const struct run_filter_options *o,
		      struct err *e)
{
	r->otherwise = SCMP_ACT_ALLOW;
	if (o->profile) {
		int code = run_profile_read(r, o->profile, o->capabilities, e);

		if (code < 0)
			return code;
	}
	if (!r->architectures.n)
		for (const char *const *name = architectures; *name; name++)
			strv_add(&r->architectures, *name);
	add_lists(r, o);
	if (o->deny && !(SYS_ADMIN & o->capabilities))
		deny_clone(r);
	return 0;
}

static int add_rule(scmp_filter_ctx c, const struct run_rules *r,
		    const struct run_rule *rule)
{
	int number = seccomp_syscall_resolve_name(rule->name), code;

	if (number == __NR_SCMP_ERROR || rule->action == r->otherwise)
		return 0;
	code = seccomp_rule_add_array(c, rule->action, number, rule->nargs, rule->args);
	return code == -EEXIST ? 0 : code; /* a profile may say it twice */
}

static int describe(scmp_filter_ctx c, const struct run_rules *r)
{
	int code = seccomp_attr_set(c, SCMP_FLTATR_ACT_BADARCH, SCMP_ACT_ERRNO(ENOSYS));

	for (size_t i = 0; code == 0 && i < r->architectures.n; i++) {
		code = seccomp_arch_add(c, run_rules_architecture(r->architectures.v[i]));
		if (code == -EEXIST)
			code = 0;
	}
	/* A search tree instead of a list (libseccomp 2.5); the same answers. */
	(void)seccomp_attr_set(c, SCMP_FLTATR_CTL_OPTIMIZE, 2);
	for (size_t i = 0; code == 0 && i < r->n; i++)
		code = add_rule(c, r, &r->v[i]);
	return code;
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

int run_filter_new(struct run_filter *f, const struct run_filter_options *o,
		   struct err *e)
{
	*f = (struct run_filter){.rules = xcalloc(1, sizeof *f->rules)};
	pthread_mutex_init(&f->lock, NULL);
	return make_rules(f->rules, o, e);
}

bool run_filter_is_empty(const struct run_filter *f)
{
	return !f->rules->n && f->rules->otherwise == SCMP_ACT_ALLOW;
}

/* --- Code --- */

/* To be raised when the same rules come to other code by describe() and export(). */
enum { CODE_VERSION = 1 };

static int make_code(struct run_filter *f)
{
	CLEAN(context_free) scmp_filter_ctx c = seccomp_init(f->rules->otherwise);
	int r = c ? describe(c, f->rules) : -ENOMEM;

	return r < 0 ? r : export(c, f);
}

int run_filter_compile(struct run_filter *f, struct err *e)
{
	int r = 0;

	pthread_mutex_lock(&f->lock);
	if (!f->code && !run_filter_is_empty(f))
		r = make_code(f);
	pthread_mutex_unlock(&f->lock);
	return r < 0 ? err_sys(e, r, "cannot make the filter for system calls") : 0;
}

bool run_filter_is_ready(struct run_filter *f)
{
	bool is_ready;

	pthread_mutex_lock(&f->lock);
	is_ready = f->code || run_filter_is_empty(f);
	pthread_mutex_unlock(&f->lock);
	return is_ready;
}

static void describe_rule(const struct run_rule *rule, struct strbuf *text)
{
	/* With the number, for packages of one version may know different calls. */
	strbuf_addf(text, "%s %d %x", rule->name,
		    seccomp_syscall_resolve_name(rule->name), rule->action);
	for (unsigned i = 0; i < rule->nargs; i++) {
		const struct scmp_arg_cmp *arg = &rule->args[i];

		strbuf_addf(text, " %u %d %llx %llx", arg->arg, (int)arg->op,
			    (unsigned long long)arg->datum_a,
			    (unsigned long long)arg->datum_b);
	}
	strbuf_adds(text, "\n");
}

void run_filter_describe(const struct run_filter *f, struct strbuf *text)
{
	const struct scmp_version *v = seccomp_version();

	/* The level is what libseccomp found the kernel to have. */
	strbuf_addf(text, "code %d libseccomp %u.%u.%u level %u machine %x\n",
		    CODE_VERSION, v->major, v->minor, v->micro, seccomp_api_get(),
		    seccomp_arch_native());
	for (size_t i = 0; i < f->rules->architectures.n; i++)
		strbuf_addf(text, "%s\n", f->rules->architectures.v[i]);
	strbuf_addf(text, "otherwise %x\n", f->rules->otherwise);
	for (size_t i = 0; i < f->rules->n; i++)
		describe_rule(&f->rules->v[i], text);
}

const void *run_filter_code(struct run_filter *f, size_t *size)
{
	const void *code;

	pthread_mutex_lock(&f->lock);
	code = f->code;
	*size = f->len * sizeof *f->code;
	pthread_mutex_unlock(&f->lock);
	return code;
}

int run_filter_take(struct run_filter *f, const void *code, size_t size)
{
	size_t n = size / sizeof *f->code;

	if (!n || n > BPF_MAXINSNS || size % sizeof *f->code)
		return -EINVAL;
	pthread_mutex_lock(&f->lock);
	/* What is there may be in use. */
	if (!f->code) {
		f->code = xcalloc(n, sizeof *f->code);
		memcpy(f->code, code, size);
		f->len = (unsigned short)n;
	}
	pthread_mutex_unlock(&f->lock);
	return 0;
}

static long load(struct sock_fprog *program, unsigned long flags)
{
	return syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, flags, program);
}

int run_filter_load(const struct run_filter *f, struct err *e)
{
	struct sock_fprog program = {f->len, f->code};

	if (run_filter_is_empty(f))
		return 0;
	/* Not for fear of Spectre (Linux 4.17): that would slow down all of the step. */
	if (load(&program, SECCOMP_FILTER_FLAG_SPEC_ALLOW) < 0 &&
	    (errno != EINVAL || load(&program, 0) < 0))
		return err_sys(e, -errno, "cannot filter system calls");
	return 0;
}

void run_filter_free(struct run_filter *f)
{
	if (f->rules) {
		run_rules_free(f->rules);
		pthread_mutex_destroy(&f->lock);
	}
	free(f->rules);
	free(f->code);
	*f = (struct run_filter){0};
}
