/* SPDX-License-Identifier: MIT */
/*
 * kill-at N COMMAND…: runs the command and kills it as it enters its Nth system call.
 * Exits with 0 when it was killed, with 1 when it ended before, and 2 on trouble.
 */
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/ptrace.h>
#include <sys/wait.h>
#include <unistd.h>

static int resume(pid_t pid, int *status)
{
	if (ptrace(PTRACE_SYSCALL, pid, NULL, NULL) < 0)
		return -1;
	return waitpid(pid, status, 0) == pid ? 0 : -1;
}

int main(int argc, char **argv)
{
	long n = argc > 2 ? atol(argv[1]) : 0;
	int status;
	pid_t pid;

	if (n < 1) {
		fprintf(stderr, "usage: kill-at N COMMAND…\n");
		return 2;
	}
	pid = fork();
	if (pid == 0) {
		ptrace(PTRACE_TRACEME, 0, NULL, NULL);
		execv(argv[2], argv + 2);
		_exit(127);
	}
	if (pid < 0 || waitpid(pid, &status, 0) != pid)
		return 2;
	/* Every second stop is the return from a call. */
	for (long stop = 0; !WIFEXITED(status) && !WIFSIGNALED(status); stop++) {
		if (stop == 2 * n - 1) {
			kill(pid, SIGKILL);
			waitpid(pid, &status, 0);
			return 0;
		}
		if (resume(pid, &status) < 0)
			return 2;
	}
	return 1;
}
