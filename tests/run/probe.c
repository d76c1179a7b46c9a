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
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/un.h>
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

/* Asks the SSH agent: the type of its answer, and how many keys it says there are. */
static void print_agent(const char *word, unsigned char type)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	unsigned char question[] = {0, 0, 0, 5, type, 0, 0, 0, 0}, answer[4096];
	const char *path = getenv("SSH_AUTH_SOCK");
	int fd = socket(AF_UNIX, SOCK_STREAM, 0);
	ssize_t n;

	strncpy(address.sun_path, path ? path : "", sizeof address.sun_path - 1);
	if (connect(fd, (struct sockaddr *)&address, sizeof address) < 0) {
		printf("%s %s\n", word, strerrorname_np(errno));
		return;
	}
	/* To list takes no argument. */
	question[3] = type == 11 ? 1 : 5;
	n = write(fd, question, 4u + question[3]) < 0 ? -1
						      : read(fd, answer, sizeof answer);
	if (n < 5)
		printf("%s no answer\n", word);
	else if (n < 9)
		printf("%s %d\n", word, answer[4]);
	else
		printf("%s %d, %d keys\n", word, answer[4], answer[8]);
	close(fd);
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
		else if (strcmp(word, "agent-list") == 0)
			print_agent(word, 11);
		else if (strcmp(word, "agent-lock") == 0)
			print_agent(word, 22);
		else if (strcmp(word, "agent-remove") == 0)
			print_agent(word, 19);
		else if (strcmp(word, "signals") == 0)
			print_signals();
		else
			print_call(word);
		fflush(stdout);
	}
	return 0;
}
