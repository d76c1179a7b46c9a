/* SPDX-License-Identifier: MIT */
#include "registry/helper.h"

#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <jansson.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <stdbool.h>
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
					  user && strcmp(user, "<token>") == 0, NULL};
	json_decref(object);
	return r;
}

/* The socket is the helper's stdin and stdout. */
static int start(const char *program, const char *verb, int fd, pid_t *pid)
{
	char *argv[] = {(char *)(uintptr_t)program, (char *)(uintptr_t)verb, NULL};
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
		/* A reset is the end of one that did not read what it was given. */
		if (n <= 0)
			return n < 0 && errno != ECONNRESET ? -errno : 0;
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

static int run(const char *program, const char *verb, const char *input,
	       struct strbuf *answer)
{
	AUTO_CLOSE int ours = -1, theirs = -1;
	int pair[2], r;
	pid_t pid;

	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair) < 0)
		return -errno;
	ours = pair[0];
	theirs = pair[1];
	r = start(program, verb, theirs, &pid);
	if (r < 0)
		return r;
	close(TAKE_FD(theirs));
	/* A helper that reads nothing must not end this program. */
	if (send(ours, input, strlen(input), MSG_NOSIGNAL) < 0 && errno != EPIPE)
		r = -errno;
	(void)shutdown(ours, SHUT_WR); /* fails only when it is closed already */
	if (r == 0)
		r = read_answer(ours, answer);
	return finish(pid, r);
}

static void wipe(struct strbuf *answer)
{
	if (answer->size)
		explicit_bzero(answer->data, answer->len);
	strbuf_free(answer);
}

#define AUTO_ANSWER CLEAN(wipe)

static bool is_name(const char *name)
{
	for (const char *p = name; *p; p++)
		if (!isalnum((unsigned char)*p) && !strchr("-_.", *p))
			return false;
	return *name;
}

/* What a helper says of its failure, on one line; nothing that has the secret in it. */
static char *reason(struct strbuf *answer, const char *secret)
{
	char *line;

	if (secret && *secret && strstr(answer->data, secret))
		return xstrdup("it failed");
	line = xstrndup(answer->data, 200);
	line[strcspn(line, "\r\n")] = '\0';
	if (*line)
		return line;
	free(line);
	return xstrdup("it said nothing");
}

/* 1 when it answers, 0 when it says that it knows nothing of that. */
static int ask(const char *name, const char *verb, const char *input, const char *secret,
	       struct strbuf *answer, struct err *e)
{
	AUTO_FREE char *program = xasprintf("docker-credential-%s", name);
	AUTO_FREE char *why = NULL;
	int r;

	if (!is_name(name))
		return err_set(e, -EINVAL,
			       "the credential helper '%.50s' has an unusable name",
			       name);
	r = run(program, verb, input, answer);
	if (r == 0)
		return 1;
	if (r == -ENOENT)
		return err_set(e, r,
			       "the credential helper %s, which an auth file or "
			       "registries.conf names, is not installed",
			       program);
	if (r != -EIO)
		return err_sys(e, r, "the credential helper %s failed to '%s'", program,
			       verb);
	if (strstr(answer->data, "not found"))
		return 0;
	why = reason(answer, secret);
	return err_set(e, r, "the credential helper %s failed to '%s': %s", program, verb,
		       why);
}

char *helper_server(const char *repository)
{
	char *host = xstrndup(repository, strcspn(repository, "/"));

	if (strcmp(host, "docker.io") != 0)
		return host;
	free(host);
	return xstrdup(DOCKER_KEY);
}

int helper_get(const char *name, const char *server, struct credentials *c, struct err *e)
{
	AUTO_ANSWER struct strbuf answer = STRBUF_INIT;
	int r = ask(name, "get", server, NULL, &answer, e);

	if (r <= 0)
		return r;
	r = helper_parse(name, answer.data, answer.len, c, e);
	if (r == 1)
		c->source = xasprintf("docker-credential-%s", name);
	return r;
}

int helper_store(const char *name, const char *server, const struct credentials *c,
		 struct err *e)
{
	AUTO_ANSWER struct strbuf answer = STRBUF_INIT;
	json_t *object = json_pack("{s:s, s:s, s:s}", "ServerURL", server, "Username",
				   c->user, "Secret", c->password);
	AUTO_SECRET char *text = object ? json_dumps(object, JSON_COMPACT) : NULL;
	int r;

	json_decref(object);
	if (!text)
		return err_set(e, -EINVAL, "user or password are not UTF-8");
	r = ask(name, "store", text, c->password, &answer, e);
	return r ? r < 0 ? r : 0
		 : err_set(e, -EIO, "docker-credential-%s does not keep it", name);
}

int helper_erase(const char *name, const char *server, struct err *e)
{
	AUTO_ANSWER struct strbuf answer = STRBUF_INIT;

	return ask(name, "erase", server, NULL, &answer, e);
}

int helper_list(const char *name, struct strv *servers, struct err *e)
{
	AUTO_ANSWER struct strbuf answer = STRBUF_INIT;
	const char *server;
	json_t *object, *user;
	int r = ask(name, "list", "", NULL, &answer, e);

	if (r <= 0)
		return r;
	object = json_loadb(answer.data, answer.len, 0, NULL);
	json_object_foreach(object, server, user) strv_add(servers, server);
	r = json_is_object(object) ? 0
				   : err_set(e, -EINVAL,
					     "docker-credential-%s: its list is no JSON "
					     "object",
					     name);
	json_decref(object);
	return r;
}
