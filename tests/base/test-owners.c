/* SPDX-License-Identifier: MIT */
#include "base/owners.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/alloc.h"
#include "tests/tap.h"

static int check(const char *folder, const char *name, struct err *e)
{
	AUTO_FREE char *path = xasprintf("%s/%s", folder, name);

	return owners_check(path, 0, e);
}

static bool make_tree(const char *folder)
{
	return chdir(folder) == 0 && mkdir("one", 0755) == 0 &&
	       mkdir("one/two", 0700) == 0 && mkdir("open", 0777) == 0 &&
	       chmod("open", 0777) == 0 && mkdir("open/own", 0700) == 0 &&
	       symlink("one/two", "link") == 0 &&
	       symlink("../open/own", "one/out") == 0 && symlink("loop", "loop") == 0;
}

int main(void)
{
	char folder[] = "/tmp/test-owners-XXXXXX";
	AUTO_ERR struct err e = ERR_INIT;
	AUTO_FREE char *deep = NULL;

	if (!mkdtemp(folder) || !make_tree(folder))
		return 1;
	is_int(check(folder, "one/two", &e), 0, "folders of one's own, in a sticky one");
	is_int(check(folder, "link", &e), 0, "the same by a link");
	is_int(check(folder, "open/own", &e), -EPERM, "below what others write to");
	ok(e.text && strstr(e.text, "/open is writable by everybody"), "says where");
	is_int(check(folder, "one/out", NULL), -EPERM, "a link that leads there");
	is_int(check(folder, "one/../open/own", NULL), -EPERM, "and `..` that does");
	is_int(check(folder, "none", NULL), -ENOENT, "what is not there");
	is_int(check(folder, "loop", NULL), -ELOOP, "what leads to itself");
	ok(chmod("one", 01777) == 0 && check(folder, "one/two", NULL) == 0,
	   "others can only add to a sticky folder");
	if (geteuid() == 0) {
		ok(chown("one", 1234, 0) == 0, "another's folder");
		is_int(check(folder, "one/two", NULL), -EPERM, "is no good way");
		deep = xasprintf("%s/one/two", folder);
		is_int(owners_check(deep, 1234, NULL), 0, "unless he may");
	}
	rmdir("one/two");
	unlink("one/out");
	rmdir("one");
	rmdir("open/own");
	rmdir("open");
	unlink("link");
	unlink("loop");
	rmdir(folder);
	return tap_done();
}
