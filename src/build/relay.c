/* SPDX-License-Identifier: MIT */
#include "build/relay.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/thread.h"
#include "build/agent.h"

enum {
	CLIENTS_MAX = 16,
	MESSAGE_MAX = 256 * 1024, /* the same as in OpenSSH */
	LENGTH = 4,		  /* bytes before a message, the first of which is: */
	FAILURE = 5,
	REQUEST_IDENTITIES = 11,
	SIGN_REQUEST = 13,
	EXTENSION = 27,
};

struct client {
	int fd, agent; /* its own connection to the agent */
};

struct build_relay {
	pthread_t thread;
	int listener, stop;
	int agent;
	struct client clients[CLIENTS_MAX];
	size_t n;
	uint8_t message[LENGTH + MESSAGE_MAX];
};

/* False at the end, or when the relay is to stop. A client that stops half way holds up
 * its own step alone. */
static bool read_all(const struct build_relay *r, int fd, uint8_t *data, size_t n)
{
	struct pollfd fds[] = {{.fd = fd, .events = POLLIN},
			       {.fd = r->stop, .events = POLLIN}};

	for (size_t done = 0; done < n;) {
		ssize_t got;

		if (poll(fds, 2, -1) < 0)
			continue;
		if (fds[1].revents)
			return false;
		got = read(fd, data + done, n - done);
		if (got <= 0)
			return false;
		done += (size_t)got;
	}
	return true;
}

static bool write_all(int fd, const uint8_t *data, size_t n)
{
	for (size_t done = 0; done < n;) {
		ssize_t sent = send(fd, data + done, n - done, MSG_NOSIGNAL);

		if (sent < 0 && errno != EINTR)
			return false;
		done += sent < 0 ? 0 : (size_t)sent;
	}
	return true;
}

/* Into r->message: its length with what comes before, 0 at the end. */
static size_t read_message(struct build_relay *r, int fd)
{
	uint8_t *m = r->message;
	size_t n;

	if (!read_all(r, fd, m, LENGTH))
		return 0;
	n = (size_t)m[0] << 24 | (size_t)m[1] << 16 | (size_t)m[2] << 8 | m[3];
	if (n < 1 || n > MESSAGE_MAX || !read_all(r, fd, m + LENGTH, n))
		return 0;
	return LENGTH + n;
}

/* An extension that ties a connection to a host: it only takes away. */
static bool is_session_bind(const uint8_t *text, size_t n)
{
	static const char name[] = "\0\0\0\x18session-bind@openssh.com";

	return n >= sizeof name - 1 && memcmp(text, name, sizeof name - 1) == 0;
}

static bool is_allowed(const uint8_t *message, size_t n)
{
	const uint8_t *body = message + LENGTH;

	return body[0] == REQUEST_IDENTITIES || body[0] == SIGN_REQUEST ||
	       (body[0] == EXTENSION && is_session_bind(body + 1, n - LENGTH - 1));
}

/* One question and its answer. */
static bool serve(struct build_relay *r, const struct client *c)
{
	static const uint8_t failure[] = {0, 0, 0, 1, FAILURE};
	size_t n = read_message(r, c->fd);

	if (n == 0)
		return false;
	if (!is_allowed(r->message, n))
		return write_all(c->fd, failure, sizeof failure);
	if (!write_all(c->agent, r->message, n))
		return false;
	n = read_message(r, c->agent);
	return n && write_all(c->fd, r->message, n);
}

static void greet(struct build_relay *r)
{
	struct client c = {accept4(r->listener, NULL, NULL, SOCK_CLOEXEC), -1};

	if (c.fd < 0)
		return;
	c.agent = build_agent_connect(r->agent);
	if (c.agent < 0)
		close(c.fd);
	else
		r->clients[r->n++] = c;
}

static void drop(struct build_relay *r, size_t i)
{
	close(r->clients[i].fd);
	close(r->clients[i].agent);
	r->clients[i] = r->clients[--r->n];
}

static void *relay(void *data)
{
	enum { STOP, LISTENER, FIRST };
	struct build_relay *r = data;
	struct pollfd fds[FIRST + CLIENTS_MAX];

	for (;;) {
		fds[STOP] = (struct pollfd){.fd = r->stop, .events = POLLIN};
		/* More of them wait until one is gone. */
		fds[LISTENER] = (struct pollfd){
			.fd = r->n < CLIENTS_MAX ? r->listener : -1, .events = POLLIN};
		for (size_t i = 0; i < r->n; i++)
			fds[FIRST + i] =
				(struct pollfd){.fd = r->clients[i].fd, .events = POLLIN};
		if (poll(fds, FIRST + r->n, -1) < 0)
			continue;
		if (fds[STOP].revents)
			break;
		for (size_t i = r->n; i-- > 0;)
			if (fds[FIRST + i].revents && !serve(r, &r->clients[i]))
				drop(r, i);
		if (fds[LISTENER].revents)
			greet(r);
	}
	while (r->n)
		drop(r, r->n - 1);
	return NULL;
}

static int listen_at(int dirfd, const char *name, uid_t uid, gid_t gid, mode_t mode)
{
	AUTO_CLOSE int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	struct sockaddr_un address = {.sun_family = AF_UNIX};

	(void)snprintf(address.sun_path, sizeof address.sun_path, "/proc/self/fd/%d/%s",
		       dirfd, name);
	if (fd < 0 || bind(fd, (struct sockaddr *)&address, sizeof address) < 0 ||
	    fchownat(dirfd, name, uid, gid, AT_SYMLINK_NOFOLLOW) < 0 ||
	    fchmodat(dirfd, name, mode, 0) < 0 || listen(fd, CLIENTS_MAX) < 0)
		return -errno;
	return TAKE_FD(fd);
}

static void free_relay(struct build_relay *r)
{
	clean_close(&r->listener);
	clean_close(&r->stop);
	free(r);
}

int build_relay_start(struct build_relay **made, int dirfd, const char *name, uid_t uid,
		      gid_t gid, mode_t mode, int agent, struct err *e)
{
	struct build_relay *r = xcalloc(1, sizeof *r);
	int error = 0;

	r->agent = agent;
	r->stop = eventfd(0, EFD_CLOEXEC);
	r->listener = r->stop < 0 ? -errno : listen_at(dirfd, name, uid, gid, mode);
	error = r->listener < 0 ? r->listener : thread_start(&r->thread, relay, r);
	if (error < 0) {
		free_relay(r);
		return err_sys(e, error, "cannot make a socket for the SSH agent");
	}
	*made = r;
	return 0;
}

void build_relay_stop(struct build_relay *r)
{
	const uint64_t one = 1;

	if (!r)
		return;
	(void)!write(r->stop, &one, sizeof one);
	pthread_join(r->thread, NULL);
	free_relay(r);
}
