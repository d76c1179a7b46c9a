/* SPDX-License-Identifier: MIT */
#include "binfmt/verify.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>

#include "base/alloc.h"
#include "binfmt/probe.h"
#include "priv/caps.h"
#include "priv/emptyroot.h"

enum {
	TIME_LIMIT = 20,    /* seconds */
	OTHER_USER = 54321, /* owns the set-user-ID probe */
	REPORT_MAX = 512,
};

static const char argv0_given[] = "binfmtctl-verify";

/* One run of the probe, and how it ended. */
struct run {
	pid_t pid;
	int output;	/* its standard output; filled up, so that it waits there */
	int failure;	/* an errno from the child; closed by a successful exec */
	size_t filled;	/* bytes that were put into output */
	int exec_errno; /* 0: it ran */
	char text[256]; /* what the child says of its failure */
	int status;	/* wait(2) */
	bool ended;
	char line[REPORT_MAX];
};

/* What the child sends when it cannot start the probe. */
struct child_failure {
	int code; /* an errno */
	bool exec;
	char text[200];
};

static void child_fails(int fd, int code, bool exec, const char *text)
{
	struct child_failure f = {.code = code, .exec = exec};

	(void)snprintf(f.text, sizeof f.text, "%s", text); /* cut is fine */
	(void)!write(fd, &f, sizeof f); /* the parent sees an end, else */
	_exit(1);
}

static void child(const struct binfmt_probe *probe, bool set_user_id, int output,
		  int failure)
{
	const struct rlimit no_core = {0, 0};
	char *const argv[] = {(char *)(uintptr_t)argv0_given, NULL};
	char *const envp[] = {NULL};
	struct priv_file file = {.name = "probe",
				 .data = probe->image,
				 .size = probe->size,
				 .owner = set_user_id ? OTHER_USER : 0,
				 .mode = set_user_id ? 04755 : 0755};
	struct err e = ERR_INIT; /* the process ends before it could be released */

	(void)prctl(PR_SET_PDEATHSIG, SIGKILL); /* a help, not a need */
	(void)setrlimit(RLIMIT_CORE, &no_core); /* the same */
	if (priv_emptyroot_enter(&file, &e) < 0)
		child_fails(failure, -e.code, false, err_message(&e));
	/* A process with more rights than its parent could not be looked at by it. */
	if (!set_user_id && priv_caps_limit(NULL, 0, &e) < 0)
		child_fails(failure, -e.code, false, err_message(&e));
	if (dup2(output, STDOUT_FILENO) < 0)
		child_fails(failure, errno, false, "cannot pass on stdout");
	execve("/probe", argv, envp);
	child_fails(failure, errno, true, "");
}

/*
 * Fills a pipe, so that who writes to it waits. That gives the time to look at the
 * process while it is there.
 */
static size_t fill(int fd)
{
	static const char zeros[4096];
	size_t n = 0;
	ssize_t got;

	(void)fcntl(fd, F_SETFL, O_NONBLOCK); /* or it would wait for itself */
	while ((got = write(fd, zeros, sizeof zeros)) > 0)
		n += (size_t)got;
	(void)fcntl(fd, F_SETFL, 0);
	return n;
}

static int start(struct run *run, const struct binfmt_probe *probe, bool set_user_id,
		 struct err *e)
{
	int output[2], failure[2];

	*run = (struct run){.pid = -1, .output = -1, .failure = -1};
	if (pipe2(output, O_CLOEXEC) < 0)
		return err_sys(e, -errno, "cannot make a pipe");
	if (pipe2(failure, O_CLOEXEC) < 0) {
		close(output[0]);
		close(output[1]);
		return err_sys(e, -errno, "cannot make a pipe");
	}
	run->filled = fill(output[1]);
	run->pid = fork();
	if (run->pid == 0)
		child(probe, set_user_id, output[1], failure[1]);
	close(output[1]);
	close(failure[1]);
	run->output = output[0];
	run->failure = failure[0];
	if (run->pid < 0)
		return err_sys(e, -errno, "cannot fork");
	return 0;
}

static void run_free(struct run *run)
{
	if (run->pid > 0 && !run->ended) {
		(void)kill(run->pid, SIGKILL); /* it is ours and not yet waited for */
		while (waitpid(run->pid, NULL, 0) < 0 && errno == EINTR)
			;
	}
	if (run->output >= 0)
		close(run->output);
	if (run->failure >= 0)
		close(run->failure);
}

static int milliseconds_left(const struct timespec *deadline)
{
	struct timespec now;
	long long ms;

	(void)clock_gettime(CLOCK_MONOTONIC, &now); /* cannot fail */
	ms = (deadline->tv_sec - now.tv_sec) * 1000LL +
	     (deadline->tv_nsec - now.tv_nsec) / 1000000;
	return ms > 0 ? (int)ms : 0;
}

/* read(2) that gives up at the deadline with -ETIMEDOUT. */
static ssize_t read_until(int fd, void *buffer, size_t n, const struct timespec *deadline)
{
	for (;;) {
		struct pollfd p = {.fd = fd, .events = POLLIN};
		int r = poll(&p, 1, milliseconds_left(deadline));
		ssize_t got;

		if (r == 0)
			return -ETIMEDOUT;
		if (r < 0 && errno != EINTR)
			return -errno;
		if (r < 0)
			continue;
		got = read(fd, buffer, n);
		if (got >= 0 || errno != EINTR)
			return got < 0 ? -errno : got;
	}
}

/* Waits until exec has worked or failed. */
static int wait_exec(struct run *run, const struct timespec *deadline)
{
	struct child_failure f;
	ssize_t n = read_until(run->failure, &f, sizeof f, deadline);

	if (n < 0)
		return (int)n;
	if (n != sizeof f)
		return 0;
	run->exec_errno = f.code;
	(void)snprintf(run->text, sizeof run->text, "%s", f.text); /* cut is fine */
	return f.exec ? -ENOEXEC : -EIO;
}

/* Empties the pipe of what filled it, reads the report, and waits for the end. */
static int finish(struct run *run, const struct timespec *deadline)
{
	char buffer[4096];
	size_t n = 0;

	for (;;) {
		size_t skip = run->filled < sizeof buffer ? run->filled : sizeof buffer;
		ssize_t got;

		got = skip ? read_until(run->output, buffer, skip, deadline)
			   : read_until(run->output, run->line + n,
					sizeof run->line - 1 - n, deadline);
		if (got < 0)
			return (int)got;
		if (got == 0)
			break;
		if (skip)
			run->filled -= (size_t)got;
		else
			n += (size_t)got;
	}
	while (waitpid(run->pid, &run->status, 0) < 0)
		if (errno != EINTR)
			return -errno;
	run->ended = true;
	return 0;
}

/* The program that runs the probe: what flag F holds, whatever the path leads to now. */
static void look_at_answerer(const struct run *run, const struct binfmt_arch *arch,
			     const struct binfmt_entry *entry,
			     struct binfmt_verdict *verdict)
{
	AUTO_FREE char *link = xasprintf("/proc/%d/exe", (int)run->pid);
	struct stat held, there;

	binfmt_interpreter_free(&verdict->answered);
	if (stat(link, &held) < 0)
		return;
	verdict->answered.path = TAKE_PTR(link);
	binfmt_interpreter_read_version(&verdict->answered, arch->qemu);
	free(verdict->answered.path);
	verdict->answered.path = xstrdup(entry ? entry->interpreter : "");
	verdict->file_changed =
		entry && stat(entry->interpreter, &there) == 0 &&
		(held.st_dev != there.st_dev || held.st_ino != there.st_ino);
}

static int explain_exec(const struct run *run, const struct binfmt_arch *arch,
			const struct binfmt_entry *entry, struct err *e)
{
	bool fixed = entry && (entry->flags & BINFMT_FIX_BINARY);

	switch (run->exec_errno) {
	case ENOEXEC:
		if (entry && entry->enabled)
			return err_set(e, -ENOEXEC,
				       "the kernel does not hand its programs to %s "
				       "(is binfmt_misc disabled as a whole?)",
				       entry->name);
		return err_set(e, -ENOEXEC, "%s (binfmtctl --install %s)",
			       entry ? "its handler is disabled"
				     : "no handler takes its programs",
			       arch->name);
	case ENOENT:
		if (fixed)
			return err_set(e, -ENOENT,
				       "%s is dynamically linked: its loader is not in "
				       "the program's root (install a static qemu, then "
				       "--install %s --replace)",
				       entry->interpreter, arch->name);
		return err_set(e, -ENOENT,
			       "%s is not in the program's root: the handler has no flag "
			       "F (--install %s --replace)",
			       entry ? entry->interpreter : "its interpreter",
			       arch->name);
	case EACCES:
	case EPERM:
		return err_set(e, -EACCES,
			       "a policy forbids to run %s (%s; SELinux, AppArmor, or a "
			       "noexec mount)",
			       entry ? entry->interpreter : "its interpreter",
			       strerror(run->exec_errno));
	default:
		return err_sys(e, -run->exec_errno, "it cannot be run");
	}
}

/* What to do about an old qemu, where that may be the reason. */
static const char *old_qemu_hint(const struct binfmt_verdict *verdict)
{
	unsigned version = verdict->answered.version_number;

	return version && version < BINFMT_QEMU_SOUND_ARM64
		       ? " (this qemu is older than 7.0: use a newer one with "
			 "--replace --qemu PATH)"
		       : "";
}

static int judge(const struct run *run, const struct binfmt_verdict *verdict,
		 struct binfmt_probe_report *report, struct err *e)
{
	const char *hint = old_qemu_hint(verdict);

	if (WIFSIGNALED(run->status))
		return err_set(e, -EIO, "it crashed with signal %d (%s)%s",
			       WTERMSIG(run->status), strsignal(WTERMSIG(run->status)),
			       hint);
	if (WEXITSTATUS(run->status) != BINFMT_PROBE_EXIT)
		return err_set(e, -EIO, "it ended with status %d instead of %d%s",
			       WEXITSTATUS(run->status), BINFMT_PROBE_EXIT, hint);
	if (binfmt_probe_parse(report, run->line) < 0)
		return err_set(e, -EIO, "it said '%.60s', which is no report%s",
			       run->line, hint);
	if (report->check != BINFMT_PROBE_CHECK)
		return err_set(e, -EIO,
			       "its instructions give a wrong result (%08x instead of "
			       "%08x)%s",
			       report->check, BINFMT_PROBE_CHECK, hint);
	if (report->argc != 1)
		return err_set(e, -EIO,
			       "it got %u arguments instead of 1: the qemu does not "
			       "understand flag P (--replace --flags OCF)",
			       report->argc);
	return 0;
}

static int run_probe(const struct binfmt_arch *arch, const struct binfmt_entry *entry,
		     const struct binfmt_probe *probe, bool set_user_id,
		     struct binfmt_verdict *verdict, struct binfmt_probe_report *report,
		     struct err *e)
{
	CLEAN(run_free) struct run run;
	struct timespec deadline;
	int r = start(&run, probe, set_user_id, e);

	if (r < 0)
		return r;
	(void)clock_gettime(CLOCK_MONOTONIC, &deadline); /* cannot fail */
	deadline.tv_sec += TIME_LIMIT;
	r = wait_exec(&run, &deadline);
	if (r == -ENOEXEC)
		return explain_exec(&run, arch, entry, e);
	if (r == -EIO)
		return err_set(e, -run.exec_errno, "cannot set up the test: %s",
			       run.text);
	if (r == 0) {
		if (!set_user_id) /* nothing may look at one that has other rights */
			look_at_answerer(&run, arch, entry, verdict);
		r = finish(&run, &deadline);
	}
	if (r == -ETIMEDOUT)
		return err_set(e, r, "it did not end within %d s", TIME_LIMIT);
	if (r < 0)
		return err_sys(e, r, "cannot read its report");
	return judge(&run, verdict, report, e);
}

int binfmt_verify(struct binfmt_verdict *verdict, const struct binfmt_arch *arch,
		  const struct binfmt_entry *entry, struct err *e)
{
	const struct binfmt_probe *probe = binfmt_probe_find(arch->name);
	struct binfmt_probe_report report;
	int r;

	*verdict = (struct binfmt_verdict){0};
	if (!probe)
		return err_set(e, -ENOTSUP, "there is no test program for it");
	r = run_probe(arch, entry, probe, false, verdict, &report, e);
	if (r < 0)
		return r;
	verdict->ran = true;
	verdict->native = !entry;
	verdict->threads = report.thread == BINFMT_PROBE_THREAD_OK;
	verdict->argv0_kept = strcmp(report.argv0, argv0_given) == 0;
	verdict->setuid_tried = priv_can_chown_to(OTHER_USER);
	if (!verdict->setuid_tried)
		return 0;
	r = run_probe(arch, entry, probe, true, verdict, &report, e);
	verdict->setuid = r == 0 && report.euid == OTHER_USER;
	return r;
}

void binfmt_verdict_free(struct binfmt_verdict *verdict)
{
	binfmt_interpreter_free(&verdict->answered);
}
