/* SPDX-License-Identifier: MIT */
#include "registry/helper.h"

#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <jansson.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>

#include "base/alloc.h"
#include "base/strbuf.h"

enum {
	ANSWER_MAX = 64 << 10,
	PATIENCE_MS = 60 * 1000, /* it may ask a person, or a server */
};

extern char **environ;

int helper_parse(const char *name, const char *answer, size_t len, struct credentials *c,
		 struct err *e)
{
	json_t *object = json_loadb(answer, len, 0, NULL);
	const char *user = json_string_value(json_object_get(object, "Username"));
	const char *secret = json_string_value(json_object_get(object, "Secret"));
	int r = 1;

	if (!secret)
		r = err_set(
			e, -EINVAL,
			"docker-credential-%s: its answer is not the JSON that helpers "
			"give",
			name);
	else
		*c = (struct credentials){xstrdup(user ? user : ""), xstrdup(secret),
					  user && strcmp(user, "<token>") == 0};
	json_decref(object);
	return r;
}

/* The socket is the helper's stdin and stdout. */
static int start(const char *program, int fd, pid_t *pid)
{
	char *argv[] = {(char *)(uintptr_t)program, (char *)(uintptr_t) "get", NULL};
	posix_spawn_file_actions_t actions;
	int r;

	posix_spawn_file_actions_init(&actions);
	posix_spawn_file_actions_adddup2(&actions, fd, STDIN_FILENO);
	posix_spawn_file_actions_adddup2(&actions, fd, STDOUT_FILENO);
	r = posix_spawnp(pid, program, &actions, NULL, argv, environ);
	posix_spawn_file_actions_destroy(&actions);
	return -r;
}

static int read_answer(int fd, struct strbuf *answer)
{
	struct timespec begin, now;

	(void)clock_gettime(CLOCK_MONOTONIC, &begin); /* cannot fail with this clock */
	for (;;) {
		struct pollfd p = {.fd = fd, .events = POLLIN};
		long ms;
		ssize_t n;

		(void)clock_gettime(CLOCK_MONOTONIC, &now);
		ms = PATIENCE_MS - (now.tv_sec - begin.tv_sec) * 1000;
		if (ms <= 0)
			return -ETIMEDOUT;
		if (poll(&p, 1, (int)ms) <= 0)
			continue;
		n = read(fd, strbuf_grow(answer, 4096), 4096);
		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return n < 0 ? -errno : 0;
		answer->len += (size_t)n;
		if (answer->len > ANSWER_MAX)
			return -EFBIG;
	}
}

static int finish(pid_t pid, int r)
{
	int status;

	if (r < 0)
		kill(pid, SIGKILL);
	while (waitpid(pid, &status, 0) < 0)
		if (errno != EINTR)
			return -errno;
	if (r < 0)
		return r;
	return WIFEXITED(status) && WEXITSTATUS(status) == 0 ? 0 : -EIO;
}

static int run(const char *program, const char *server, struct strbuf *answer)
{
	AUTO_CLOSE int ours = -1, theirs = -1;
	int pair[2], r;
	pid_t pid;

	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair) < 0)
		return -errno;
	ours = pair[0];
	theirs = pair[1];
	r = start(program, theirs, &pid);
	if (r < 0)
		return r;
	close(TAKE_FD(theirs));
	/* A helper that reads nothing must not end this program. */
	if (send(ours, server, strlen(server), MSG_NOSIGNAL) < 0 && errno != EPIPE)
		r = -errno;
	(void)shutdown(ours, SHUT_WR); /* fails only when it is closed already */
	if (r == 0)
		r = read_answer(ours, answer);
	return finish(pid, r);
}

int helper_get(const char *name, const char *server, struct credentials *c, struct err *e)
{
	AUTO_FREE char *program = xasprintf("docker-credential-%s", name);
	struct strbuf answer = STRBUF_INIT;
	int r;

	for (const char *p = name; *p; p++)
		if (!isalnum((unsigned char)*p) && !strchr("-_.", *p))
			return err_set(
				e, -EINVAL,
				"the credential helper '%.50s' has an unusable name",
				name);
	r = run(program, server, &answer);
	if (r == -ENOENT)
		r = err_set(e, r,
			    "the credential helper %s, which the auth file names for %s, "
			    "is not installed",
			    program, server);
	else if (r == -EIO && strstr(answer.data, "not found"))
		r = 0;
	else if (r == -EIO)
		r = err_set(e, r, "the credential helper %s failed for %s: %.200s",
			    program, server, answer.data);
	else if (r < 0)
		r = err_sys(e, r, "the credential helper %s failed for %s", program,
			    server);
	else
		r = helper_parse(name, answer.data, answer.len, c, e);
	if (answer.size)
		explicit_bzero(answer.data, answer.len);
	strbuf_free(&answer);
	return r;
}
