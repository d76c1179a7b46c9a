/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>

#include "base/alloc.h"
#include "priv/namespaces.h"
#include "run/inside.h"

/* A pipe, and the part of a line that came last. */
struct stream {
	enum run_stream which;
	int fd; /* -1 at its end */
	size_t len;
	char line[RUN_LINE_MAX];
};

static void hand_on(const struct run_spec *spec, struct stream *s, size_t n)
{
	if (spec->output && n)
		spec->output(spec->context, s->which, s->line, n);
	s->len -= n;
	memmove(s->line, s->line + n, s->len);
}

/* Up to the last newline, line by line. */
static void hand_on_lines(const struct run_spec *spec, struct stream *s)
{
	size_t done = 0;

	while (done < s->len) {
		const char *from = s->line + done;
		const char *newline = memchr(from, '\n', s->len - done);
		size_t n;

		if (!newline)
			break;
		n = (size_t)(newline - from) + 1;
		if (spec->output)
			spec->output(spec->context, s->which, from, n);
		done += n;
	}
	s->len -= done;
	memmove(s->line, s->line + done, s->len);
	if (s->len == sizeof s->line)
		hand_on(spec, s, s->len);
}

/* False when there is nothing now. */
static bool read_some(const struct run_spec *spec, struct stream *s)
{
	ssize_t n =
		s->fd < 0 ? 0 : read(s->fd, s->line + s->len, sizeof s->line - s->len);

	if (n < 0 && errno == EINTR)
		return true;
	if (n < 0 && errno == EAGAIN)
		return false;
	if (n <= 0) {
		s->fd = -1;
		return false;
	}
	s->len += (size_t)n;
	hand_on_lines(spec, s);
	return true;
}

static void finish(const struct run_spec *spec, struct stream *s)
{
	while (read_some(spec, s))
		;
	hand_on(spec, s, s->len);
}

/* False at the end. The first message counts: what comes later follows from it. */
static bool receive(int fd, struct run_message *message, bool *received)
{
	struct run_message m;
	ssize_t n = recv(fd, &m, sizeof m, 0);

	if (n < 0)
		return errno == EINTR;
	if (n == 0)
		return false;
	if (!*received)
		memcpy(message, &m, (size_t)n);
	*received = true;
	return true;
}

static bool follow(const struct run_plan *plan, const struct priv_pidns *ns,
		   struct stream *out, struct stream *err, struct run_message *message)
{
	enum { OUT, ERR, REPORT, CANCEL, N };
	struct pollfd fds[N] = {
		[REPORT] = {.fd = plan->report[0], .events = POLLIN},
		[CANCEL] = {.fd = plan->spec->cancel, .events = POLLIN},
	};
	bool received = false, cancelled = false;

	for (;;) {
		fds[OUT] = (struct pollfd){.fd = out->fd, .events = POLLIN};
		fds[ERR] = (struct pollfd){.fd = err->fd, .events = POLLIN};
		if (poll(fds, N, -1) < 0)
			continue; /* a signal */
		if (fds[OUT].revents)
			(void)read_some(plan->spec, out); /* poll(2) tells of more */
		if (fds[ERR].revents)
			(void)read_some(plan->spec, err);
		if (fds[CANCEL].revents) {
			fds[CANCEL].fd = -1;
			cancelled = true;
			(void)kill(ns->pid, SIGKILL); /* not yet waited for */
		}
		if (fds[REPORT].revents && !receive(plan->report[0], message, &received))
			return cancelled;
	}
}

int run_follow(const struct run_plan *plan, struct priv_pidns *ns,
	       struct run_message *message)
{
	struct stream *out = xcalloc(2, sizeof *out), *err = out + 1;
	bool cancelled;

	*message = (struct run_message){RUN_ENDED, SIGKILL, ""};
	*out = (struct stream){.which = RUN_STDOUT, .fd = plan->out[0]};
	*err = (struct stream){.which = RUN_STDERR, .fd = plan->err[0]};
	cancelled = follow(plan, ns, out, err, message);
	(void)priv_pidns_wait(ns); /* the message tells more */
	finish(plan->spec, out);
	finish(plan->spec, err);
	free(out);
	return cancelled ? -ECANCELED : 0;
}
