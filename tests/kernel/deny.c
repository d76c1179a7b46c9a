/* SPDX-License-Identifier: MIT */
/*
 * deny SYSCALL ERROR COMMAND…: runs a command for which the system call fails, as under
 * the seccomp filter of a container or on a kernel without it.
 */
#include <errno.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

static const struct {
	const char *name;
	int number;
} names[] = {
	/* system calls */
	{"fsopen", SYS_fsopen},
	{"mount", SYS_mount},
	{"openat2", SYS_openat2},
	{"pivot_root", SYS_pivot_root},
	{"unshare", SYS_unshare},
	/* errors */
	{"EINVAL", EINVAL},
	{"ENOSYS", ENOSYS},
	{"EPERM", EPERM},
};

static int number(const char *name)
{
	for (size_t i = 0; i < sizeof names / sizeof names[0]; i++)
		if (strcmp(names[i].name, name) == 0)
			return names[i].number;
	fprintf(stderr, "deny: what is %s?\n", name);
	_exit(125);
}

int main(int argc, char **argv)
{
	if (argc < 4)
		return 125;

	struct sock_filter filter[] = {
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, (unsigned)number(argv[1]), 0, 1),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | (unsigned)number(argv[2])),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
	};
	struct sock_fprog program = {sizeof filter / sizeof filter[0], filter};

	if (prctl(PR_SET_NO_NEW_PRIVS, 1L, 0L, 0L, 0L) < 0 ||
	    prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program, 0L, 0L) < 0) {
		perror("deny");
		return 125;
	}
	execvp(argv[3], argv + 3);
	perror(argv[3]);
	return 127;
}
