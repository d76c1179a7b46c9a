/* SPDX-License-Identifier: MIT */

/* Servers that accept a connection, and then say nothing, very little, or that slowly. */

#include <arpa/inet.h>
#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <sys/socket.h>

#include "base/alloc.h"
#include "registry/http.h"
#include "tests/tap.h"

struct server {
	int fd;
	const char *answer; /* what it says before it falls silent */
	bool drips;	    /* it says more, a byte at a time */
};

static void *serve(void *context)
{
	struct server *s = context;
	char byte;
	int fd = accept(s->fd, NULL, NULL);

	if (fd < 0 || send(fd, s->answer, strlen(s->answer), MSG_NOSIGNAL) < 0)
		abort();
	/* Until the client has had enough. */
	while (s->drips && send(fd, "x", 1, MSG_NOSIGNAL) == 1)
		usleep(100 * 1000);
	while (read(fd, &byte, 1) > 0)
		;
	close(fd);
	return NULL;
}

/* Returns its URL. */
static char *start(struct server *s, pthread_t *thread)
{
	struct sockaddr_in a = {.sin_family = AF_INET};
	socklen_t len = sizeof a;

	a.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	s->fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (s->fd < 0 || bind(s->fd, (struct sockaddr *)&a, sizeof a) < 0 ||
	    listen(s->fd, 1) < 0 || getsockname(s->fd, (struct sockaddr *)&a, &len) < 0 ||
	    pthread_create(thread, NULL, serve, s) != 0)
		abort();
	return xasprintf("http://127.0.0.1:%d/", ntohs(a.sin_port));
}

static void test(const char *answer, bool drips, const char *phase)
{
	struct server s = {.answer = answer, .drips = drips};
	struct http_settings settings = {.stall_seconds = 1, .attempts = 1};
	AUTO_HTTP_ANSWER struct http_answer a = HTTP_ANSWER_INIT;
	AUTO_ERR struct err e = ERR_INIT;
	pthread_t thread;
	AUTO_FREE char *url = start(&s, &thread);
	struct http_request q = {.method = "GET", .url = url};
	struct http *h;

	if (http_new(&settings, &h, NULL) < 0)
		abort();
	is_int(http_perform(h, &q, &a, &e), -ETIMEDOUT, phase);
	ok(e.text && strstr(e.text, " gave no answer in time (") && strstr(e.text, phase),
	   "  says so: %s", e.text ? e.text : "nothing");
	http_free(h);
	pthread_join(thread, NULL);
	close(s.fd);
}

int main(void)
{
	unsetenv("http_proxy");
	unsetenv("all_proxy");
	test("", false, "waiting for its answer");
	test("HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nabc", false, "transferring");
	test("HTTP/1.1 200 OK\r\nContent-Length: 999\r\n\r\n", true, "transferring");
	test("HTTP/1.1 200 OK\r\nX: ", true, "transferring");
	return tap_done();
}
