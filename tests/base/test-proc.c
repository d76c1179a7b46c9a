/* SPDX-License-Identifier: MIT */
#include "base/proc.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include "base/alloc.h"
#include "base/file.h"
#include "tests/tap.h"

#include <fcntl.h>

#define SHELL(script) ((const char *const[]){"sh", "-c", script, NULL})

static void runs(const char *const *argv, int want, const char *words)
{
	AUTO_STRBUF struct strbuf said = STRBUF_INIT;
	AUTO_ERR struct err e = ERR_INIT;

	is_int(proc_run(argv, &said, &e), want, argv[2] ? argv[2] : argv[0]);
	is_str(e.text, words, "and what is said of it");
}

static void test_much_to_say(void)
{
	AUTO_STRBUF struct strbuf said = STRBUF_INIT;

	is_int(proc_run(SHELL("head -c 300000 /dev/zero | tr '\\0' x >&2"), &said, NULL),
	       0, "it is read to its end");
	ok(said.len >= 4096 && said.len < 6000, "but the first part is enough (%zu)",
	   said.len);
}

static void test_how(void)
{
	AUTO_STRBUF struct strbuf answer = STRBUF_INIT, said = STRBUF_INIT;
	AUTO_STRV struct strv env = STRV_INIT;
	struct proc_how how = {.env = &env, .answer = &answer};

	strv_add(&env, "X=value");
	is_int(proc_run_how(SHELL("echo \"$X$HOME\"; echo x >&2"), &how, &said, NULL), 0,
	       "an environment of its own");
	is_str(answer.data, "value\n", "what it answers");
	is_str(said.data, "x", "and what it says");
}

static bool second_time(void *data)
{
	return ++*(int *)data > 1;
}

static void test_cancel(void)
{
	AUTO_STRBUF struct strbuf said = STRBUF_INIT;
	AUTO_ERR struct err e = ERR_INIT;
	int asked = 0;
	struct proc_how how = {.canceled = second_time, .data = &asked};

	is_int(proc_run_how((const char *const[]){"sleep", "1000", NULL}, &how, &said,
			    &e),
	       -ECANCELED, "one that is ended");
	is_str(e.text, "sleep was ended", "and what is said of it");
}

/* The exit status of a child that becomes the program, or minus the errno. */
static int becomes(const char *const *argv)
{
	int status;
	pid_t pid;

	fflush(stdout);
	pid = fork();
	if (pid == 0)
		_exit(128 - proc_exec(argv, NULL));
	waitpid(pid, &status, 0);
	return WEXITSTATUS(status) < 128 ? WEXITSTATUS(status)
					 : 128 - WEXITSTATUS(status);
}

static void test_exec(void)
{
	char folder[] = "/tmp/test-proc-XXXXXX";
	AUTO_FREE char *path = NULL;
	AUTO_CLOSE int dir = -1;

	if (!mkdtemp(folder))
		abort();
	dir = open(folder, O_PATH | O_DIRECTORY | O_CLOEXEC);
	file_write_at(dir, "text", "exit 3\n", 7, 0755, NULL);
	file_write_at(dir, "data", "#!/bin/sh\nexit 4\n", 17, 0644, NULL);
	path = xasprintf("/nowhere:%s:/usr/bin:/bin", folder);
	setenv("PATH", path, 1);
	is_int(becomes(SHELL("exit 7")), 7, "the program's own status");
	is_int(becomes((const char *const[]){"text", NULL}), -ENOEXEC,
	       "no shell is tried for what the kernel refuses");
	is_int(becomes((const char *const[]){"data", NULL}), -EACCES,
	       "a file that may not be run");
	is_int(becomes((const char *const[]){"no-such", NULL}), -ENOENT, "none at all");
	is_int(becomes((const char *const[]){"./no-such", NULL}), -ENOENT, "by path");
	unlinkat(dir, "text", 0);
	unlinkat(dir, "data", 0);
	rmdir(folder);
}

int main(void)
{
	runs(SHELL("exit 0"), 0, NULL);
	runs(SHELL("echo 'no way' >&2; exit 3"), -EIO, "sh failed: no way");
	runs(SHELL("exit 3"), -EIO, "sh failed with exit status 3");
	runs(SHELL("kill -9 $$"), -EIO, "sh was killed by signal 9");
	runs(SHELL("echo x; read y && exit 5; exit 0"), 0, NULL);
	runs((const char *const[]){"no-such-program", "", "a program that is missing",
				   NULL},
	     -ENOENT, "cannot run no-such-program: No such file or directory");
	test_much_to_say();
	test_how();
	test_cancel();
	test_exec();
	return tap_done();
}
