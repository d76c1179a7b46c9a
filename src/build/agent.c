/* SPDX-License-Identifier: MIT */
#include "build/agent.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/file.h"
#include "base/proc.h"
#include "base/strbuf.h"

#define SOCKET "agent" /* its name in a folder of the store */

enum { KEY_MAX = 64 * 1024, SAID_MAX = 1024 };

/* --- What there is --- */

static int read_key(const char *path, struct err *e)
{
	AUTO_CLOSE int fd = memfd_create("key", MFD_CLOEXEC);
	AUTO_FREE char *data = NULL;
	size_t len;
	int r = file_read_at(AT_FDCWD, path, KEY_MAX, &data, &len, e);

	if (r < 0)
		return r;
	if (fd < 0 || write(fd, data, len) != (ssize_t)len)
		r = err_sys(e, fd < 0 ? -errno : -EIO, "cannot keep a key in memory");
	explicit_bzero(data, len);
	return r < 0 ? r : TAKE_FD(fd);
}

static int open_socket(struct build_agent *a, const char *path, struct err *e)
{
	AUTO_CLOSE int connection = -1;

	a->socket = open(path, O_PATH | O_CLOEXEC);
	connection = a->socket < 0 ? -errno : build_agent_connect(a->socket);
	if (connection < 0)
		return err_sys(e, connection, "cannot reach the SSH agent %s", path);
	return 0;
}

static int take_path(struct build_agent *a, const char *path, size_t npaths,
		     struct err *e)
{
	struct stat st;
	int key;

	if (stat(path, &st) < 0)
		return err_sys(e, -errno, "cannot use %s", path);
	if (!S_ISSOCK(st.st_mode)) {
		key = read_key(path, e);
		if (key >= 0)
			a->keys[a->nkeys++] = key;
		return key < 0 ? key : 0;
	}
	if (npaths > 1)
		return err_set(e, -EINVAL,
			       "%s is the socket of an agent, beside which "
			       "there can be nothing else",
			       path);
	return open_socket(a, path, e);
}

static int find_one(struct build_agent *a, const struct build_ssh_source *from,
		    struct err *e)
{
	const char *usual = getenv("SSH_AUTH_SOCK");
	int r = 0;

	a->id = from->id;
	a->socket = -1;
	a->place = (struct store_draft)STORE_DRAFT_INIT;
	a->keys = xcalloc(from->paths.n + 1, sizeof *a->keys);
	if (!from->paths.n && (!usual || !*usual))
		r = err_set(e, -ENOENT,
			    "SSH_AUTH_SOCK names no agent (start one, or give a "
			    "socket or key: --ssh=%s=FILE)",
			    from->id);
	else if (!from->paths.n)
		r = open_socket(a, usual, e);
	for (size_t i = 0; r == 0 && i < from->paths.n; i++)
		r = take_path(a, from->paths.v[i], from->paths.n, e);
	return r < 0 ? err_wrap(e, r, "--ssh=%s", from->id) : 0;
}

int build_agents_find(struct build_agents *a, const struct build_settings *settings,
		      struct err *e)
{
	int r = 0;

	a->v = xcalloc(settings->nssh + 1, sizeof *a->v);
	for (; r == 0 && a->n < settings->nssh; a->n++)
		r = find_one(&a->v[a->n], &settings->ssh[a->n], e);
	return r;
}

/* --- One of our own --- */

/*
 * A program in the agent's folder that ends with the caller. It gains no privilege, as
 * then the kernel would forget about the end (prctl(2)), and ssh-agent often is
 * set-group-ID.
 */
static pid_t start(const struct build_agent *a, const char *const *argv, int in, int out,
		   int err)
{
	pid_t parent = getpid(), pid = fork();

	if (pid != 0)
		return pid < 0 ? -errno : pid;
	setsid(); /* away from the terminal and its Ctrl-C */
	if (prctl(PR_SET_PDEATHSIG, (long)SIGKILL, 0L, 0L, 0L) == 0 &&
	    prctl(PR_SET_NO_NEW_PRIVS, 1L, 0L, 0L, 0L) == 0 && getppid() == parent &&
	    fchdir(a->place.dirfd) == 0 && setenv("SSH_AUTH_SOCK", SOCKET, 1) == 0 &&
	    unsetenv("SSH_ASKPASS") == 0 && dup2(in, 0) == 0 && dup2(out, 1) == 1 &&
	    dup2(err, 2) == 2)
		(void)proc_exec(argv, NULL);
	_exit(127);
}

/* What comes, up to the end of the line or of all. */
static void read_line(int fd, char *line, size_t size)
{
	size_t len = 0;
	ssize_t n;

	while (len < size - 1 && !memchr(line, '\n', len)) {
		n = read(fd, line + len, size - 1 - len);
		if (n == 0 || (n < 0 && errno != EINTR))
			break;
		len += n < 0 ? 0 : (size_t)n;
	}
	line[len] = '\0';
	line[strcspn(line, "\r\n")] = '\0';
}

static int missing(const char *program, struct err *e)
{
	return err_set(e, -ENOENT,
		       "a key in a file needs the program %s, which is not here (install "
		       "openssh-client, or give the socket of an agent that has the key)",
		       program);
}

static int wait_for(pid_t pid)
{
	int status;

	while (waitpid(pid, &status, 0) < 0)
		if (errno != EINTR)
			return 127;
	return WIFEXITED(status) ? WEXITSTATUS(status) : 128;
}

static int start_agent(struct build_agent *a, int null, struct err *e)
{
	static const char *const argv[] = {"ssh-agent", "-D", "-a", SOCKET, NULL};
	AUTO_CLOSE int in = -1;
	AUTO_CLOSE int out = -1;
	char line[SAID_MAX];
	int fds[2], status;

	if (pipe2(fds, O_CLOEXEC) < 0)
		return err_sys(e, -errno, "cannot make a pipe");
	in = fds[0];
	out = fds[1];
	a->pid = start(a, argv, null, out, null);
	if (a->pid < 0)
		return err_sys(e, a->pid, "cannot start ssh-agent");
	clean_close(&out);
	out = -1;
	/* It tells where its socket is once that can be used. */
	read_line(in, line, sizeof line);
	a->socket = openat(a->place.dirfd, SOCKET, O_PATH | O_CLOEXEC);
	if (a->socket >= 0)
		return 0;
	status = wait_for(a->pid);
	a->pid = 0;
	return status == 127 ? missing(argv[0], e)
			     : err_set(e, -EIO, "ssh-agent does not start");
}

static int add_key(const struct build_agent *a, int key, int null, struct err *e)
{
	static const char *const argv[] = {"ssh-add", "-q", "-", NULL};
	AUTO_CLOSE int in = -1;
	AUTO_CLOSE int out = -1;
	char line[SAID_MAX];
	int fds[2], status;
	pid_t pid;

	if (pipe2(fds, O_CLOEXEC) < 0)
		return err_sys(e, -errno, "cannot make a pipe");
	in = fds[0];
	out = fds[1];
	if (lseek(key, 0, SEEK_SET) < 0)
		return err_sys(e, -errno, "cannot read a key");
	pid = start(a, argv, key, null, out);
	if (pid < 0)
		return err_sys(e, pid, "cannot start ssh-add");
	clean_close(&out);
	out = -1;
	read_line(in, line, sizeof line);
	status = wait_for(pid);
	if (status == 127)
		return missing(argv[0], e);
	if (status)
		return err_set(e, -EINVAL,
			       "ssh-add does not take the key%s%s (one with a passphrase "
			       "has to be in an agent that runs)",
			       *line ? ": " : "", line);
	return 0;
}

static int start_one(struct build_agent *a, struct store *store, struct err *e)
{
	AUTO_CLOSE int null = open("/dev/null", O_RDWR | O_CLOEXEC);
	int r = null < 0 ? err_sys(e, -errno, "cannot open /dev/null")
			 : store_draft_new(store, &a->place, e);

	if (r == 0)
		r = start_agent(a, null, e);
	for (size_t i = 0; r == 0 && i < a->nkeys; i++)
		r = add_key(a, a->keys[i], null, e);
	return r < 0 ? err_wrap(e, r, "--ssh=%s", a->id) : 0;
}

int build_agents_start(struct build_agents *a, struct store *store, struct err *e)
{
	int r = 0;

	for (size_t i = 0; r == 0 && i < a->n; i++)
		if (a->v[i].nkeys)
			r = start_one(&a->v[i], store, e);
	return r;
}

/* --- Using it --- */

const struct build_agent *build_agent_get(const struct build_agents *a, const char *id)
{
	for (size_t i = a->n; i-- > 0;)
		if (strcmp(a->v[i].id, id) == 0)
			return &a->v[i];
	return NULL;
}

int build_agent_connect(int socket_fd)
{
	AUTO_CLOSE int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	struct sockaddr_un address = {.sun_family = AF_UNIX};

	/* A path of any length, in whichever mount namespace it was found. */
	(void)snprintf(address.sun_path, sizeof address.sun_path, "/proc/self/fd/%d",
		       socket_fd);
	if (fd < 0 || connect(fd, (struct sockaddr *)&address, sizeof address) < 0)
		return -errno;
	return TAKE_FD(fd);
}

void build_agents_free(struct build_agents *a)
{
	for (size_t i = 0; i < a->n; i++) {
		struct build_agent *agent = &a->v[i];

		if (agent->pid > 0 && kill(agent->pid, SIGTERM) == 0)
			(void)wait_for(agent->pid);
		clean_close(&agent->socket);
		for (size_t k = 0; k < agent->nkeys; k++)
			close(agent->keys[k]);
		free(agent->keys);
		store_draft_discard(&agent->place);
	}
	free(a->v);
	*a = (struct build_agents){0};
}
