/* SPDX-License-Identifier: MIT */
/* The instance's files, on a folder that looks like one. Real ones: tests/kernel. */
#include "binfmt/kernel.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>

#include "base/file.h"
#include "base/strbuf.h"
#include "tests/tap.h"

static const char entry_text[] =
	"enabled\ninterpreter /q\nflags: F\noffset 0\nmagic 7f45\n";

static void put(int dir, const char *name, const char *text)
{
	file_write_at(dir, name, text, strlen(text), 0600, NULL);
}

static void holds(int dir, const char *name, const char *want)
{
	AUTO_FREE char *text = NULL;

	(void)file_read_at(dir, name, 4096, &text, NULL, NULL); /* NULL differs */
	is_str(text, want, name);
}

static void test_list(int dir)
{
	AUTO_BINFMT_ENTRIES struct binfmt_entries l = {0};
	AUTO_ERR struct err e = ERR_INIT;

	put(dir, "register", "");
	put(dir, "status", "enabled\n");
	put(dir, "qemu-a", entry_text);
	put(dir, "jar", "disabled\ninterpreter /j\nflags: \nextension .jar\n");
	is_int(binfmt_kernel_list(dir, &l, &e), 0, "lists");
	is_int((long)l.n, 2, "entries, not register and status");
	ok(binfmt_entries_find(&l, "qemu-a") && binfmt_entries_find(&l, "jar") &&
		   !binfmt_entries_find(&l, "register"),
	   "by name");
	is_int(binfmt_kernel_enabled(dir, &e), 1, "the whole is enabled");
	put(dir, "status", "disabled\n");
	is_int(binfmt_kernel_enabled(dir, &e), 0, "and disabled");
	put(dir, "bad", "enabled\nmagic zz\n");
	binfmt_entries_free(&l);
	is_int(binfmt_kernel_list(dir, &l, &e), -EINVAL, "an entry that cannot be read");
	ok(strstr(e.text, "'magic zz'"), "is shown");
	unlinkat(dir, "bad", 0);
}

static void test_write(int dir)
{
	AUTO_BINFMT_ENTRY struct binfmt_entry entry = {0};
	AUTO_BINFMT_ENTRY struct binfmt_entry none = {0};
	AUTO_ERR struct err e = ERR_INIT;

	is_int(binfmt_kernel_get(dir, "qemu-a", &entry, &e), 0, "gets one");
	is_int(binfmt_kernel_get(dir, "none", &none, &e), -ENOENT, "or none");
	is_int(binfmt_kernel_register(dir, &entry, &e), 0, "registers");
	holds(dir, "register", ":qemu-a:M::\\x7f\\x45::/q:F");
	/* A plain file is not emptied before: only the first bytes are what was written.
	 */
	put(dir, "qemu-a", "");
	is_int(binfmt_kernel_remove(dir, "qemu-a", &e), 0, "removes");
	holds(dir, "qemu-a", "-1");
	put(dir, "qemu-a", "");
	is_int(binfmt_kernel_set_enabled(dir, "qemu-a", false, &e), 0, "disables");
	holds(dir, "qemu-a", "0");
	is_int(binfmt_kernel_remove(dir, "gone", &e), -ENOENT, "what is not there");
	is_str(e.text, "cannot remove the entry gone: No such file or directory",
	       "named");
	entry.flags |= BINFMT_CREDENTIALS;
	free(entry.interpreter);
	entry.interpreter = strdup("q");
	is_int(binfmt_kernel_register(dir, &entry, &e), -EINVAL,
	       "does not write what is not valid");
}

/* The names of a folder in its own order, with blanks between. */
static void read_names(int dir, struct strbuf *s)
{
	int fd = openat(dir, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	AUTO_CLOSEDIR DIR *d = fdopendir(fd);
	struct dirent *de;

	while (d && (de = readdir(d)))
		if (de->d_name[0] != '.')
			strbuf_addf(s, " %s", de->d_name);
}

/*
 * Makes the files in this order, on a file system that lists the newest first, and reads
 * them as an instance. want is the order of the entries; NULL: none is known.
 */
static void orders(const char *const *names, const char *listed, const char *want)
{
	char folder[] = "/dev/shm/test-kernel-XXXXXX";
	AUTO_CLOSE int dir = mkdtemp(folder) ? open(folder, O_RDONLY | O_CLOEXEC) : -1;
	AUTO_BINFMT_ENTRIES struct binfmt_entries l = {0};
	AUTO_STRBUF struct strbuf raw = STRBUF_INIT;
	AUTO_STRBUF struct strbuf got = STRBUF_INIT;

	for (size_t i = 0; i < 4; i++)
		(void)close(openat(dir, names[i], O_CREAT | O_WRONLY | O_CLOEXEC, 0600));
	for (size_t i = 0; i < 4; i++) {
		AUTO_CLOSE int fd = openat(dir, names[i], O_WRONLY | O_CLOEXEC);

		ok(write(fd, entry_text, sizeof entry_text - 1) > 0, "%s", names[i]);
	}
	read_names(dir, &raw);
	if (strcmp(raw.data, listed) == 0) {
		is_int(binfmt_kernel_list(dir, &l, NULL), 0, listed);
		for (size_t i = 0; i < l.n; i++)
			strbuf_addf(&got, " %s", l.v[i].name);
		is_int(l.ordered, want != NULL, "an order that is known");
		if (want)
			is_str(got.data, want, "newest first");
	} else {
		skip(listed, "/dev/shm does not list the newest first");
	}
	for (size_t i = 0; i < 4; i++)
		unlinkat(dir, names[i], 0);
	rmdir(folder);
}

static void test_order(void)
{
	orders((const char *[]){"register", "status", "a", "b"}, " b a status register",
	       " b a");
	orders((const char *[]){"a", "b", "status", "register"}, " register status b a",
	       " a b");
	orders((const char *[]){"register", "a", "b", "status"}, " status b a register",
	       NULL);
}

int main(void)
{
	char folder[] = "/tmp/test-kernel-XXXXXX";
	AUTO_CLOSE int dir = -1;
	char release[65];

	if (!mkdtemp(folder))
		return 1;
	dir = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	test_list(dir);
	test_write(dir);
	test_order();
	ok(binfmt_kernel_version(release, sizeof release) > 2000 && release[0],
	   "the kernel's version (%s)", release);
	for (const char *const *f =
		     (const char *const[]){"register", "status", "qemu-a", "jar", NULL};
	     *f; f++)
		unlinkat(dir, *f, 0);
	ok(rmdir(folder) == 0, "made no other file");
	return tap_done();
}
