/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * One RUN step in namespaces of its own: mount, pid, ipc, uts, and net when it has no
 * network. Linux 5.12 or newer.
 *
 * The caller has CAP_SYS_ADMIN in its user namespace: it is root, or has entered one with
 * priv_userns_enter(), once per build. In that case it is in a mount namespace of its own
 * too; root should be. Any number of threads may run steps at the same time.
 *
 * Nothing of a step outlives it, however it or the caller ends: its processes are in a
 * pid namespace whose first process dies with the calling thread's process, its mounts
 * are seen by it alone. Its cgroup, if it has one: see cgroup.h.
 *
 * What the step sees besides its root: /proc and /sys as in other containers (parts
 * masked or read-only), a /dev of its own with null zero full random urandom tty, pts,
 * shm and mqueue; /etc/hosts, /etc/hostname and /etc/resolv.conf.
 *
 * Mount points that the root does not have are made in it first, and taken away again
 * afterwards unless the step put something there. In an overlay that happens in the upper
 * folder, together with the folders above that were copied up for it. So what remains is
 * what the step itself did. A step that does not come to an end leaves them: its root, or
 * its upper folder, is of no use anyway.
 */

#include <linux/capability.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/resource.h>
#include <sys/types.h>

#include "base/err.h"
#include "priv/overlay.h"
#include "run/cgroup.h"
#include "run/filter.h"

enum run_mount_type {
	RUN_MOUNT_BIND,	 /* source with the mounts below it */
	RUN_MOUNT_TMPFS, /* an empty folder in memory */
	RUN_MOUNT_FILE,	 /* a file in memory: a secret */
};

/* A mount of the step alone, in this order; a later one may lie in an earlier one. */
struct run_mount {
	enum run_mount_type type;
	const char *target; /* absolute, or relative to the working folder */
	bool read_only;
	int source;	  /* bind: fd of a folder, file or socket (O_PATH is enough) */
	uint64_t size;	  /* tmpfs: bytes at most, 0: half of the memory */
	const void *data; /* file: its contents, of len bytes */
	size_t len;
	mode_t mode; /* tmpfs, file */
	uid_t uid;   /* tmpfs, file: as the step sees them */
	gid_t gid;
};

/* A line of /etc/hosts. */
struct run_host {
	const char *name, *address;
};

struct run_limit {
	int resource; /* RLIMIT_* */
	struct rlimit value;
};

/* The resource of a name like "nofile", in any case; -ENOENT when there is none. */
int run_limit_find(const char *name);

/* The name, without "RLIMIT_". */
const char *run_limit_name(int resource);

enum run_network {
	RUN_NETWORK_HOST, /* the caller's */
	RUN_NETWORK_NONE, /* a loopback interface */
};

enum run_stream { RUN_STDOUT = 1, RUN_STDERR = 2 };

/*
 * Gets the output as it comes, in the thread that called run_step(): one line with its
 * newline; a longer one than RUN_LINE_MAX in parts; at the end, what has no newline.
 */
typedef void (*run_output)(void *context, enum run_stream stream, const char *line,
			   size_t len);

enum { RUN_LINE_MAX = 16 * 1024 };

struct run_spec {
	const char *const *argv; /* looked for in PATH of env */
	const char *const *env;	 /* all of it; HOME is added when it is missing */
	const char *cwd;	 /* absolute; NULL: "/" */
	const char *user;	 /* as run_user_parse() takes it */

	/* One of these two. */
	const struct priv_overlay *overlay; /* NULL: there is none */
	int root;			    /* fd of a folder that is written to */

	const struct run_mount *mounts;
	size_t nmounts;
	const char *hostname; /* NULL: "build" */
	const struct run_host *hosts;
	size_t nhosts;
	const char *resolv_conf; /* its text; NULL: the machine's, none without network */
	enum run_network network;
	const struct run_limit *limits; /* besides RLIMIT_NOFILE 1024:524288 */
	size_t nlimits;
	uint64_t shm_size; /* bytes of /dev/shm; 0: 64 MiB */

	bool all_capabilities;	   /* every privilege, and all of /proc and /sys; else: */
	uint64_t capabilities;	   /* 1 << CAP_*, by default RUN_CAPABILITIES_USUAL */
	struct run_filter *filter; /* NULL: none */

	/*
	 * An OCI runtime (crun, runc, youki) that runs the step in place of the sandbox
	 * here, by name or path; NULL: none. /proc and the cgroups must be to its liking.
	 * The command is the first process there, which the kernel spares its own
	 * signals; one that kills it is told as status 128 + signal.
	 */
	const char *runtime;

	/* NULL: the caller's cgroup is the step's. Else not with every runtime: */
	struct run_cgroups *cgroups;

	run_output output; /* NULL: it is thrown away */
	void *context;	   /* of output */
	int cancel;	   /* fd: when it can be read, the step is killed; -1: never */
};

/* Docker's default capabilities. */
#define RUN_CAPABILITY(name) ((uint64_t)1 << CAP_##name)
#define RUN_CAPABILITIES_USUAL                                                           \
	(RUN_CAPABILITY(AUDIT_WRITE) | RUN_CAPABILITY(CHOWN) |                           \
	 RUN_CAPABILITY(DAC_OVERRIDE) | RUN_CAPABILITY(FOWNER) |                         \
	 RUN_CAPABILITY(FSETID) | RUN_CAPABILITY(KILL) | RUN_CAPABILITY(MKNOD) |         \
	 RUN_CAPABILITY(NET_BIND_SERVICE) | RUN_CAPABILITY(NET_RAW) |                    \
	 RUN_CAPABILITY(SETFCAP) | RUN_CAPABILITY(SETGID) | RUN_CAPABILITY(SETPCAP) |    \
	 RUN_CAPABILITY(SETUID) | RUN_CAPABILITY(SYS_CHROOT))

#define RUN_CAPABILITIES_ALL (((uint64_t)2 << CAP_LAST_CAP) - 1)

#define RUN_SPEC_INIT                                                                    \
	{                                                                                \
		.root = -1, .capabilities = RUN_CAPABILITIES_USUAL, .cancel = -1         \
	}

struct run_result {
	int status; /* exit status when signal is 0 */
	int signal; /* that killed the command, SIGKILL also for want of memory; else 0 */
	/* With cgroups: the kernel killed a process of it, maybe another, for that. */
	bool lacked_memory;
};

/*
 * Runs the command to its end: 0 whatever the command answers, *result tells. Its
 * background processes end with it. -ECANCELED: it was killed by `cancel`. For other
 * errors the command has not run: -ENOENT, -EACCES, -ENOEXEC are those of execve(2) (a
 * program, or its loader or handler is missing); -EOPNOTSUPP: this overlay cannot be had.
 *
 * stdin is /dev/null, umask 022, every signal at its default; there is no terminal.
 */
int run_step(const struct run_spec *spec, struct run_result *result, struct err *e);

/* Whether it leaves the step in the cgroup that it is started in, as crun and runc do. */
bool run_runtime_keeps_cgroup(const char *runtime);

/*
 * What a sandbox forbids to all steps, found out before the first of them by trying:
 * -EPERM where no /proc of their own can be had.
 */
int run_system_check(struct err *e);
