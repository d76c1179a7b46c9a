/* SPDX-License-Identifier: MIT */
/* Versions are read out of files; the checks on real files are in tests/kernel. */
#include "binfmt/interpreter.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>

#include "base/alloc.h"
#include "base/file.h"
#include "tests/tap.h"

static void version(const char *folder, int dir, const char *before, size_t gap,
		    const char *text, const char *want, unsigned number)
{
	AUTO_BINFMT_INTERPRETER struct binfmt_interpreter i = {0};
	size_t size = strlen(before) + gap + strlen(text);
	AUTO_FREE char *data = xcalloc(size + 1, 1);

	i.path = xasprintf("%s/q", folder);
	memcpy(data, before, strlen(before));
	memset(data + strlen(before), '.', gap);
	memcpy(data + strlen(before) + gap, text, strlen(text));
	file_write_at(dir, "q", data, size, 0755, NULL);
	binfmt_interpreter_read_version(&i, "x");
	is_str(i.version, want, text);
	is_int((long)i.version_number, (long)number, "as a number");
}

int main(void)
{
	char folder[] = "/tmp/test-interpreter-XXXXXX";
	AUTO_BINFMT_INTERPRETER struct binfmt_interpreter i = {0};
	AUTO_ERR struct err e = ERR_INIT;
	AUTO_CLOSE int dir = -1;

	if (!mkdtemp(folder))
		return 1;
	dir = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	version(folder, dir, "\177ELF", 10, "qemu-x version 7.2.22 (Debian)", "7.2.22",
		7002);
	version(folder, dir, "", 0, "qemu-x version 10.0.8", "10.0.8", 10000);
	version(folder, dir, "", 0, "qemu-x version ", "", 0);
	version(folder, dir, "", 0, "qemu-y version 7.2", "", 0);
	version(folder, dir, "", 0, "", "", 0);
	/* On, before and behind the border of the window in which it is searched. */
	for (size_t gap = 128 * 1024 - 20; gap <= 128 * 1024 + 4; gap += 4)
		version(folder, dir, "", gap, "qemu-x version 6.0.1", "6.0.1", 6000);

	is_int(binfmt_interpreter_set(&i, "/a/q", &e), 0, "an absolute path");
	is_str(i.path, "/a/q", "stays");
	binfmt_interpreter_free(&i);
	is_int(binfmt_interpreter_set(&i, "q", &e), 0, "a relative one");
	ok(i.path[0] == '/' && strcmp(strrchr(i.path, '/'), "/q") == 0,
	   "becomes absolute");
	unlinkat(dir, "q", 0);
	rmdir(folder);
	return tap_done();
}
