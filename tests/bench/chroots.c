/* SPDX-License-Identifier: MIT */
/* chroots N ROOT COMMAND…: runs it N times in a root, with nothing else around it. */
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

static void become(const char *root, char **command)
{
	if (chroot(root) == 0 && chdir("/") == 0)
		execv(command[0], command);
	_exit(127);
}

int main(int argc, char **argv)
{
	if (argc < 4)
		return 2;
	for (int i = atoi(argv[1]); i > 0; i--) {
		pid_t pid = fork();
		int status;

		if (pid == 0)
			become(argv[2], argv + 3);
		if (pid < 0 || waitpid(pid, &status, 0) < 0 || status != 0) {
			perror("chroots");
			return 1;
		}
	}
	return 0;
}
