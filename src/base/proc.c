/* SPDX-License-Identifier: MIT */
#include "base/proc.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <stdint.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>

#include "base/alloc.h"
#include "base/strv.h"

extern char **environ;

enum {
	SAID_MAX = 4096,
	CANCEL_MS = 100,
};

/* exec(3) does not change the words, but is older than const. */
static char *const *mutable(const char *const *argv)
{
	return (char *const *)(uintptr_t)argv;
}

static int spawn(const char *const *argv, const struct proc_how *how, int out_fd,
		 int err_fd, pid_t *pid)
{
	char **env = how->env && how->env->v ? how->env->v : environ;
	posix_spawn_file_actions_t actions;
	int r = posix_spawn_file_actions_init(&actions);

	if (r)
		return -r;
	r = posix_spawn_file_actions_addopen(&actions, 0, "/dev/null", O_RDWR, 0);
	if (r == 0)
		r = posix_spawn_file_actions_adddup2(&actions, out_fd < 0 ? 0 : out_fd,
						     1);
	if (r == 0)
		r = posix_spawn_file_actions_adddup2(&actions, err_fd, 2);
	if (r == 0)
		r = posix_spawnp(pid, argv[0], &actions, NULL, mutable(argv), env);
	posix_spawn_file_actions_destroy(&actions);
	return -r;
}

/* Waits for output; -ECANCELED when the program is to end before. */
static int wait_output(int fd, const struct proc_how *how)
{
	struct pollfd p = {.fd = fd, .events = POLLIN};

	while (how->canceled) {
		if (how->canceled(how->data))
			return -ECANCELED;
		if (poll(&p, 1, CANCEL_MS) > 0)
			break;
	}
	return 0;
}

/* Reads to the end, so that the program never waits, but keeps only the first part. */
static int collect(int fd, const struct proc_how *how, struct strbuf *said)
{
	char bytes[1024];
	ssize_t n;
	int r;

	while ((r = wait_output(fd, how)) == 0 &&
	       ((n = read(fd, bytes, sizeof bytes)) > 0 || (n < 0 && errno == EINTR)))
		if (n > 0 && said->len < SAID_MAX)
			strbuf_add(said, bytes, (size_t)n);
	while (said->len && strchr(" \n", said->data[said->len - 1]))
		strbuf_trim(said, said->len - 1);
	return r;
}

static int judge(const char *program, int status, const char *said, struct err *e)
{
	if (WIFEXITED(status) && WEXITSTATUS(status) == 0)
		return 0;
	if (*said)
		return err_set(e, -EIO, "%s failed: %s", program, said);
	if (WIFSIGNALED(status))
		return err_set(e, -EIO, "%s was killed by signal %d", program,
			       WTERMSIG(status));
	return err_set(e, -EIO, "%s failed with exit status %d", program,
		       WEXITSTATUS(status));
}

/* The answer is in a file in memory, so that only one pipe has to be read. */
static int read_answer(int fd, struct strbuf *answer, struct err *e)
{
	ssize_t n = pread(fd, strbuf_grow(answer, PROC_ANSWER_MAX), PROC_ANSWER_MAX, 0);

	if (n < 0)
		return err_sys(e, -errno, "cannot read a program's answer");
	answer->len += (size_t)n;
	answer->data[answer->len] = '\0';
	return 0;
}

static int run(const char *const *argv, const struct proc_how *how, int answer,
	       struct strbuf *said, struct err *e)
{
	int pipe_fds[2], status, r, collected = 0;
	pid_t pid;

	if (pipe2(pipe_fds, O_CLOEXEC) < 0)
		return err_sys(e, -errno, "cannot make a pipe");
	r = spawn(argv, how, answer, pipe_fds[1], &pid);
	close(pipe_fds[1]);
	if (r == 0)
		collected = collect(pipe_fds[0], how, said);
	close(pipe_fds[0]);
	if (r < 0)
		return err_sys(e, r, "cannot run %s", argv[0]);
	if (collected < 0)
		(void)kill(pid, SIGTERM); /* it is ours and not yet waited for */
	while (waitpid(pid, &status, 0) < 0)
		if (errno != EINTR)
			return err_sys(e, -errno, "cannot wait for %s", argv[0]);
	if (collected < 0)
		return err_set(e, collected, "%s was ended", argv[0]);
	return judge(argv[0], status, said->data, e);
}

int proc_run_how(const char *const *argv, const struct proc_how *how, struct strbuf *said,
		 struct err *e)
{
	AUTO_CLOSE int answer = -1;
	int r;

	if (how->answer) {
		answer = memfd_create("answer", MFD_CLOEXEC);
		if (answer < 0)
			return err_sys(e, -errno, "cannot make a file in memory");
	}
	r = run(argv, how, answer, said, e);
	return r < 0 || !how->answer ? r : read_answer(answer, how->answer, e);
}

int proc_run(const char *const *argv, struct strbuf *said, struct err *e)
{
	return proc_run_how(argv, &(struct proc_how){0}, said, e);
}

/* What stopped the search: a file that is there is worth more words than one that is not.
 */
static int search(const char *const *argv)
{
	const char *path = getenv("PATH");
	AUTO_STRV struct strv folders = STRV_INIT;
	int r = -ENOENT;

	strv_split(&folders, path ? path : "/usr/local/bin:/usr/bin:/bin", ":");
	for (size_t i = 0; i < folders.n; i++) {
		AUTO_FREE char *file = xasprintf("%s/%s", folders.v[i], argv[0]);

		execv(file, mutable(argv));
		if (errno != ENOENT && errno != ENOTDIR && errno != EACCES)
			return -errno;
		/* It may be the folder that is out of reach. */
		if (errno == EACCES && access(file, F_OK) == 0)
			r = -EACCES;
	}
	return r;
}

int proc_exec(const char *const *argv, struct err *e)
{
	int r;

	if (strchr(argv[0], '/')) {
		execv(argv[0], mutable(argv));
		r = -errno;
	} else {
		r = search(argv);
	}
	return err_sys(e, r, "cannot run %s", argv[0]);
}
