/* SPDX-License-Identifier: MIT */
#include "mab-build/prompt.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <termios.h>
#include <unistd.h>

#include "base/alloc.h"

enum {
	LINE_SIZE = 4096, /* of what a terminal lets one edit */
	STDIN_SIZE = 64 << 10,
};

/* What would end or stop the program while the terminal shows nothing. */
static const int signals[] = {SIGHUP, SIGINT, SIGQUIT, SIGTERM, SIGTSTP};

static volatile sig_atomic_t caught;

static void on_signal(int number)
{
	caught = number;
}

/* They come only while a read waits, so that none is missed between. */
static void catch_signals(struct sigaction *before, sigset_t *waiting)
{
	struct sigaction action = {.sa_handler = on_signal};
	sigset_t blocked;

	caught = 0;
	sigemptyset(&action.sa_mask);
	sigemptyset(&blocked);
	for (size_t i = 0; i < ARRAY_SIZE(signals); i++) {
		(void)sigaddset(&blocked, signals[i]); /* they are valid */
		(void)sigaction(signals[i], &action, &before[i]);
	}
	(void)sigprocmask(SIG_BLOCK, &blocked, waiting);
}

static void restore_signals(const struct sigaction *before, const sigset_t *mask)
{
	for (size_t i = 0; i < ARRAY_SIZE(signals); i++)
		(void)sigaction(signals[i], &before[i], NULL);
	(void)sigprocmask(SIG_SETMASK, mask, NULL);
	if (caught)
		(void)raise(caught);
}

/* The length of a line, without its end; -1 when there is none. */
static ssize_t read_line(int fd, const sigset_t *waiting, char *line, size_t size)
{
	struct pollfd p = {.fd = fd, .events = POLLIN};

	for (size_t len = 0; len < size; len++) {
		if (ppoll(&p, 1, NULL, waiting) < 0 || read(fd, line + len, 1) != 1)
			return -1;
		if (line[len] == '\n')
			return (ssize_t)len;
	}
	return -1;
}

static ssize_t ask(int fd, const char *label, bool secret, char *line, size_t size)
{
	struct sigaction before[ARRAY_SIZE(signals)];
	struct termios shown, now;
	sigset_t waiting;
	ssize_t n = -1;

	if (tcgetattr(fd, &shown) < 0)
		return -1;
	now = shown;
	if (secret) {
		now.c_lflag &= ~(tcflag_t)ECHO;
		now.c_lflag |= ECHONL;
	}
	catch_signals(before, &waiting);
	/* This drops what was typed before the question. */
	if (tcsetattr(fd, TCSAFLUSH, &now) == 0) {
		dprintf(fd, "%s: ", label);
		n = read_line(fd, &waiting, line, size);
	}
	(void)tcsetattr(fd, TCSAFLUSH, &shown); /* there is no other way back */
	restore_signals(before, &waiting);
	return n;
}

int prompt_line(const char *label, bool secret, char **answer, struct err *e)
{
	AUTO_CLOSE int fd = open("/dev/tty", O_RDWR | O_CLOEXEC | O_NOCTTY);
	char line[LINE_SIZE];
	ssize_t n;

	if (fd < 0)
		return err_set(e, -ENXIO, "there is no terminal to ask at");
	n = ask(fd, label, secret, line, sizeof line);
	if (n >= 0)
		*answer = xstrndup(line, (size_t)n);
	explicit_bzero(line, sizeof line);
	return n < 0 ? err_set(e, -ECANCELED, "nothing was entered") : 0;
}

int prompt_stdin(char **answer, struct err *e)
{
	char *text = xcalloc(STDIN_SIZE + 1, 1);
	size_t len = 0;
	ssize_t n = 1;
	int r = 0;

	while (n > 0 && len < STDIN_SIZE) {
		n = read(STDIN_FILENO, text + len, STDIN_SIZE - len);
		if (n < 0 && errno != EINTR)
			r = err_sys(e, -errno, "cannot read stdin");
		len += n > 0 ? (size_t)n : 0;
	}
	if (r == 0 && len == STDIN_SIZE)
		r = err_set(e, -EFBIG, "stdin has more than %d bytes", STDIN_SIZE);
	if (r == 0 && memchr(text, '\0', len))
		r = err_set(e, -EINVAL, "stdin has a NUL in it");
	while (len && (text[len - 1] == '\n' || text[len - 1] == '\r'))
		text[--len] = '\0';
	if (r == 0)
		*answer = xstrdup(text);
	explicit_bzero(text, STDIN_SIZE);
	free(text);
	return r;
}
