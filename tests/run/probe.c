/* SPDX-License-Identifier: MIT */
/*
 * probe WORD...: what a program in a step may do, one line of each. Static, so that a
 * root needs nothing else.
 */
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

static long pipe_end(void)
{
	int fds[2];

	return pipe(fds) < 0 ? -1 : fds[1];
}

static long clone_user(void)
{
	long pid = syscall(SYS_clone, (long)CLONE_NEWUSER | SIGCHLD, 0L, 0L, 0L, 0L);

	if (pid == 0)
		_exit(0);
	return pid;
}

/* With these arguments the kernel itself would answer EINVAL or EBADF, or do nothing. */
static long call(const char *name)
{
	if (strcmp(name, "fsync") == 0)
		return syscall(SYS_fsync, pipe_end());
	if (strcmp(name, "fdatasync") == 0)
		return syscall(SYS_fdatasync, pipe_end());
	if (strcmp(name, "sync_file_range") == 0)
		return syscall(SYS_sync_file_range, pipe_end(), 0L, 0L, 0L);
	if (strcmp(name, "syncfs") == 0)
		return syscall(SYS_syncfs, -1L);
	if (strcmp(name, "keyctl") == 0)
		return syscall(SYS_keyctl, 0L, -3L, 0L);
	if (strcmp(name, "unshare-user") == 0)
		return syscall(SYS_unshare, (long)CLONE_NEWUSER);
	if (strcmp(name, "clone-user") == 0)
		return clone_user();
	if (strcmp(name, "clone3") == 0)
		return syscall(SYS_clone3, 0L, 0L);
	if (strcmp(name, "bpf") == 0)
		return syscall(SYS_bpf, -1L, 0L, 0L);
	if (strcmp(name, "mount") == 0)
		return mount("none", "/", "tmpfs", 0, "");
	if (strcmp(name, "umount") == 0)
		return umount2("/etc/hosts", 0);
	if (strcmp(name, "io_uring_setup") == 0)
		return syscall(SYS_io_uring_setup, 0L, 0L);
	errno = ENOTSUP;
	return -1;
}

static void print_call(const char *name)
{
	long r = call(name);

	printf("%s %s\n", name, r < 0 ? strerrorname_np(errno) : "done");
}

/* Types a letter into the terminal, if there is one. */
static void print_terminal(void)
{
	int fd = open("/dev/tty", O_RDWR);

	printf("tty %s\n", fd < 0 ? strerrorname_np(errno) : "open");
	printf("type %s\n", ioctl(0, TIOCSTI, "x") < 0 ? "refused" : "done");
}

/* A pseudo terminal. */
static void print_pty(void)
{
	int fd = posix_openpt(O_RDWR | O_NOCTTY);

	printf("pty %s\n", fd >= 0 && grantpt(fd) == 0 && unlockpt(fd) == 0
				   ? ptsname(fd)
				   : strerrorname_np(errno));
}

static void print_signals(void)
{
	struct sigaction action;
	int other = 0;

	for (int i = 1; i < NSIG; i++)
		if (sigaction(i, NULL, &action) == 0 && action.sa_handler != SIG_DFL)
			other++;
	printf("signals %d\n", other);
}

int main(int argc, char **argv)
{
	for (int i = 1; i < argc; i++) {
		const char *word = argv[i];

		if (strcmp(word, "ids") == 0)
			printf("ids %d %d\n", (int)getuid(), (int)geteuid());
		else if (strcmp(word, "abort") == 0)
			abort();
		else if (strcmp(word, "terminal") == 0)
			print_terminal();
		else if (strcmp(word, "pty") == 0)
			print_pty();
		else if (strcmp(word, "signals") == 0)
			print_signals();
		else
			print_call(word);
		fflush(stdout);
	}
	return 0;
}
