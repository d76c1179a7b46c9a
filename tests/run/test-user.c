/* SPDX-License-Identifier: MIT */
/* USER in images that mean well, and in others. */
#include "run/user.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/stat.h>

#include "base/alloc.h"
#include "base/file.h"
#include "base/strbuf.h"
#include "tests/tap.h"

static const char usual_passwd[] = "root:x:0:0:root:/root:/bin/sh\n"
				   "app:x:1000:1001:App:/home/app:/bin/sh\n"
				   "1000:x:7:8::/number:/bin/sh\n"
				   "no-home:x:20:20::relative:\n"
				   "app:x:9:9::/second:\n";
static const char usual_group[] = "root:x:0:\n"
				  "wheel:x:10:root,app\n"
				  "app:x:1001:app\n"
				  "other:x:11:apple,xapp,app \n"
				  "disk:x:6:bob,app,app\n"
				  "disk2:x:6:app\n";

/* Everything of it, "UID:GID groups home", or the error's number. */
static void format(struct strbuf *s, int r, const struct run_user *u)
{
	if (r < 0) {
		strbuf_addf(s, "%d", r);
		return;
	}
	strbuf_addf(s, "%u:%u", u->uid, u->gid);
	for (size_t i = 0; i < u->ngroups; i++)
		strbuf_addf(s, "%c%u", i ? ',' : ' ', u->groups[i]);
	strbuf_addf(s, " %s", u->home);
}

static void check(const char *spec, const char *passwd, size_t len, const char *group,
		  const char *want, const char *what)
{
	AUTO_RUN_USER struct run_user u = {0};
	AUTO_STRBUF struct strbuf s = STRBUF_INIT;

	format(&s, run_user_parse(&u, spec, passwd, len, group, strlen(group), NULL), &u);
	is_str(s.data, want, what);
}

static void usual(const char *spec, const char *want, const char *what)
{
	check(spec, usual_passwd, strlen(usual_passwd), usual_group, want, what);
}

static void with(const char *spec, const char *passwd, const char *want, const char *what)
{
	check(spec, passwd, strlen(passwd), "", want, what);
}

static void test_usual(void)
{
	usual(NULL, "0:0 0,10 /root", "nobody is root, with root's groups");
	usual("", "0:0 0,10 /root", "nor is an empty word");
	usual("root", "0:0 0,10 /root", "root");
	usual("app", "1000:1001 1001,10,6 /home/app", "a name: its group, its groups");
	usual("1000", "7:8 8 /number", "a name that is a number goes before the number");
	usual("9", "9:9 9,10,1001,6 /second", "a number, by its entry");
	usual("4711", "4711:0 0 /", "a number without an entry");
	usual("0", "0:0 0,10 /root", "the number of root");
	usual("no-home", "20:20 20 /", "a home that is not absolute does not count");
	usual("app:wheel", "1000:10 10 /home/app", "with a group: that one alone");
	usual("app:77", "1000:77 77 /home/app", "whose number need not be listed");
	usual("4711:app", "4711:1001 1001 /", "number and name");
	usual("1:2", "1:2 2 /", "numbers");
	usual("app:", "1000:1001 1001,10,6 /home/app", "an empty group is none");
	usual(":disk", "0:6 6 /root", "an empty user is root");
	usual("bob", "-2", "no such user");
	usual("ap", "-2", "the whole name");
	usual("app:bob", "-2", "no such group");
	usual("4294967294", "4294967294:0 0 /", "the last id");
	usual("4294967295", "-2", "which is not -1");
	usual("-1", "-2", "nor is it written so");
	usual("1:4294967295", "-2", "the same for groups");
	usual("99999999999999999999", "-2", "nor is it larger than any");
	usual("0x10", "-2", "numbers are decimal");
	usual("app:wheel:x", "-2", "two words at most");
}

static void test_root(void)
{
	with("root", "", "0:0 0 /", "root needs no entry");
	with("root:root", "", "0:0 0 /", "nor does its group");
	with("7:root", "", "7:0 0 /", "beside a number");
	with("root:7", "", "0:7 7 /", "the same the other way");
	check("root", "", 0, usual_group, "0:0 0,10 /", "groups count all the same");
	with("root", "root:x:5:6::/r:\n", "5:6 6 /r", "but an entry counts");
	check("7:root", "", 0, "root:x:8:\n", "7:8 8 /", "and that of the group");
	with("root", "toor:x:5:5::/:\nroot:x:z:5::/:\n", "0:0 0 /",
	     "a damaged one does not");
	with("roo", "", "-2", "the whole name");
	with("Root", "", "-2", "as it is written");
	with("root:x", "", "-2", "other groups need one");
}

static void test_hostile(void)
{
	static const char nul[] = "a\0b:x:5:5::/nul:\nc:x:6:6::/c:\n";
	AUTO_STRBUF struct strbuf s = STRBUF_INIT;

	with("app", "", "-2", "an empty file");
	with("app", "\n\n:\n::::::\napp\napp:x\napp:x:\napp:x:y:1::/:\n", "-2",
	     "damaged lines");
	with("app", "app:x:-5:5::/:\napp:x: 5:5::/:\napp:x:+5:5::/:\n", "-2",
	     "ids that are none");
	with("app", "app:x:4294967295:5::/:\napp:x:4294967296:5::/:\n", "-2",
	     "ids that do not fit");
	with("app", "bad:x:y:1::/:\napp:x:5:z::/h:", "5:0 0 /h",
	     "a group that is none; no final newline");
	with("app", "#app:x:1:1::/:\n+app:x:2:2::/:\napp:x:3:3::/:\n", "3:3 3 /",
	     "comments and NIS are other names");
	with("app\n", "app:x:1:1::/:\n", "-2", "a newline in the word");
	with("5", ":x:5:1::/evil:\n", "5:0 0 /", "an entry without a name");
	with("app", "app:x:5:5:::::::::::/h:", "5:5 5 /", "too many fields");
	check("a", nul, sizeof nul - 1, "", "-2", "a NUL does not end a name");
	check("c", nul, sizeof nul - 1, "", "6:6 6 /c", "nor the file");
	for (int i = 0; i < 200000; i++)
		strbuf_adds(&s, "x:");
	strbuf_adds(&s, "\napp:x:5:6::/h:\n");
	with("app", s.data, "5:6 6 /h", "a long line");
}

static void put(int dir, const char *path, const char *text)
{
	if (file_write_at(dir, path, text, strlen(text), 0644, NULL) < 0)
		abort();
}

static void put_link(int dir, const char *target, const char *path)
{
	(void)unlinkat(dir, path, 0); /* may not be there */
	if (symlinkat(target, dir, path) < 0)
		abort();
}

static void found(int root, const char *spec, const char *want, const char *what)
{
	AUTO_RUN_USER struct run_user u = {0};
	AUTO_STRBUF struct strbuf s = STRBUF_INIT;

	format(&s, run_user_find(&u, spec, root, NULL), &u);
	is_str(s.data, want, what);
}

static void test_files(void)
{
	char folder[] = "/tmp/test-user-XXXXXX";
	AUTO_CLOSE int dir = -1;
	AUTO_CLOSE int root = -1;
	AUTO_FREE char *command = NULL;

	if (!mkdtemp(folder))
		abort();
	dir = open(folder, O_PATH);
	mkdirat(dir, "root", 0755);
	root = openat(dir, "root", O_PATH);
	put(dir, "passwd", "app:x:666:666::/outside:\n");
	found(root, "5", "5:0 0 /", "no /etc");
	found(root, "app", "-2", "and no names");
	mkdirat(root, "etc", 0755);
	put_link(root, "../../passwd", "etc/passwd");
	found(root, "app", "-2", "a link does not lead outside");
	put(root, "passwd", "app:x:1:2::/inside:\n");
	found(root, "app", "1:2 2 /inside", "but to the same place inside");
	put_link(root, "/real/passwd", "etc/passwd");
	mkdirat(root, "real", 0755);
	put(root, "real/passwd", "app:x:3:4::/real:\n");
	found(root, "app", "3:4 4 /real", "an absolute link starts at the root");
	put_link(root, "loop", "loop");
	put_link(root, "/loop", "etc/passwd");
	found(root, "app", "-40", "a loop");
	unlinkat(root, "etc/passwd", 0);
	mkfifoat(root, "etc/passwd", 0644);
	found(root, "app", "-22", "a FIFO does not block");
	command = xasprintf("rm -r %s", folder);
	if (system(command) != 0)
		abort();
}

int main(void)
{
	test_usual();
	test_root();
	test_hostile();
	test_files();
	return tap_done();
}
