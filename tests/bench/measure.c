/* SPDX-License-Identifier: MIT */
/*
 * measure COMMAND...: runs it without its output, and prints its CPU time, that of its
 * children included, in microseconds, and its peak resident memory in KiB. A program as
 * small as this, because the peak of a process counts what it was before exec too.
 */
#include <fcntl.h>
#include <stdio.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

static void become(char **command)
{
	int null = open("/dev/null", O_RDWR);

	if (null < 0 || dup2(null, STDOUT_FILENO) < 0 || dup2(null, STDERR_FILENO) < 0)
		_exit(126);
	execvp(command[0], command);
	_exit(127);
}

static long microseconds(struct timeval t)
{
	return (long)t.tv_sec * 1000000 + (long)t.tv_usec;
}

int main(int argc, char **argv)
{
	struct rusage use;
	int status;
	pid_t pid;

	if (argc < 2)
		return 2;
	pid = fork();
	if (pid == 0)
		become(argv + 1);
	if (pid < 0 || wait4(pid, &status, 0, &use) < 0) {
		perror("measure");
		return 1;
	}
	printf("%ld %ld\n", microseconds(use.ru_utime) + microseconds(use.ru_stime),
	       use.ru_maxrss);
	return status == 0 ? 0 : 1;
}
