/* SPDX-License-Identifier: MIT */
#include "binfmt/interpreter.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/alloc.h"
#include "base/file.h"
#include "base/owners.h"
#include "base/strbuf.h"
#include "binfmt/elf.h"
#include "binfmt/mount.h"

/* %s is qemu's name of the architecture. Static builds come first. */
static const char *const file_names[] = {"qemu-%s-static", "qemu-%s", "%s-binfmt-P"};
static const char *const usual_folders[] = {"/usr/local/bin", "/usr/bin",
					    "/usr/libexec/qemu-binfmt"};

static bool is_static(const char *path)
{
	AUTO_CLOSE int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
	struct binfmt_elf elf;
	struct stat st;

	return fd >= 0 && fstat(fd, &st) == 0 && S_ISREG(st.st_mode) &&
	       binfmt_elf_read(fd, st.st_size, &elf, NULL) == 0 && !elf.has_interpreter;
}

/* name_format is one of file_names. */
static char *file_name(const char *folder, const char *name_format,
		       const struct binfmt_arch *arch)
{
	const char *at = strstr(name_format, "%s");

	return xasprintf("%s/%s%.*s%s%s", folder, arch->prefix ? arch->prefix : "",
			 (int)(at - name_format), name_format, arch->qemu, at + 2);
}

static char *find_in(const char *const *folders, size_t n, const struct binfmt_arch *arch)
{
	AUTO_FREE char *dynamic = NULL;

	for (size_t i = 0; i < n; i++)
		for (size_t k = 0; k < ARRAY_SIZE(file_names); k++) {
			AUTO_FREE char *path = file_name(folders[i], file_names[k], arch);

			if (access(path, F_OK) < 0)
				continue;
			if (is_static(path))
				return TAKE_PTR(path);
			if (!dynamic)
				dynamic = TAKE_PTR(path);
		}
	return TAKE_PTR(dynamic);
}

int binfmt_interpreter_find(struct binfmt_interpreter *interpreter,
			    const struct binfmt_arch *arch, const char *dir,
			    struct err *e)
{
	const char *prefix = arch->prefix ? arch->prefix : "";
	AUTO_FREE char *path =
		dir ? find_in(&dir, 1, arch)
		    : find_in(usual_folders, ARRAY_SIZE(usual_folders), arch);

	if (path)
		return binfmt_interpreter_set(interpreter, path, e);
	if (dir)
		return err_set(e, -ENOENT, "there is no %sqemu-%s in %s", prefix,
			       arch->qemu, dir);
	return err_set(
		e, -ENOENT,
		"no %sqemu-%s is installed (package qemu-user-static or qemu-user, "
		"or name one with --qemu)",
		prefix, arch->qemu);
}

int binfmt_interpreter_set(struct binfmt_interpreter *interpreter, const char *path,
			   struct err *e)
{
	AUTO_FREE char *here = NULL;

	*interpreter = (struct binfmt_interpreter){0};
	if (path[0] == '/') {
		interpreter->path = xstrdup(path);
		return 0;
	}
	here = realpath(".", NULL);
	if (!here)
		return err_sys(e, -errno, "cannot tell the current folder");
	interpreter->path = xasprintf("%s/%s", here, path);
	return 0;
}

/* The id that stands for users of the host who are not mapped into this namespace. */
static uid_t overflow_uid(void)
{
	AUTO_FREE char *text = NULL;

	if (!binfmt_in_user_namespace() ||
	    file_read_at(AT_FDCWD, "/proc/sys/kernel/overflowuid", 64, &text, NULL,
			 NULL) < 0)
		return 0;
	return (uid_t)strtoul(text, NULL, 10);
}

/* The file, and every folder and link on the way to it. */
static int check_owners(const char *path, struct err *e)
{
	return owners_check(path, overflow_uid(), e);
}

static int check_program(int fd, const struct stat *st, const char *path,
			 bool must_be_static, struct err *e)
{
	struct binfmt_elf elf, own;
	int r = binfmt_elf_read(fd, st->st_size, &elf, e);

	if (r < 0)
		return err_wrap(e, r, "%s", path);
	r = binfmt_elf_read_own(&own, NULL, e);
	if (r < 0)
		return r;
	if (elf.machine != own.machine || elf.big_endian != own.big_endian)
		return err_set(e, -ENOEXEC,
			       "%s is a program for another machine (e_machine %u, this "
			       "one is %u)",
			       path, elf.machine, own.machine);
	if (must_be_static && elf.has_interpreter)
		return err_set(e, -ENOEXEC,
			       "%s is dynamically linked (needs %s): with flag F it "
			       "would fail in every container (install "
			       "qemu-user-static, or use --no-fix-binary)",
			       path, elf.interpreter);
	return 0;
}

/* Opens a regular, executable file. Returns the fd, owned by the caller. */
static int open_program(const char *path, struct stat *st, struct err *e)
{
	AUTO_CLOSE int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);

	if (fd < 0)
		return err_sys(e, -errno, "cannot open %s", path);
	if (fstat(fd, st) < 0)
		return err_sys(e, -errno, "cannot examine %s", path);
	if (!S_ISREG(st->st_mode))
		return err_set(e, -EINVAL, "%s is not a regular file", path);
	if (!(st->st_mode & 0111))
		return err_set(e, -EACCES, "%s is not executable (chmod +x)", path);
	return TAKE_FD(fd);
}

int binfmt_interpreter_check(const struct binfmt_interpreter *interpreter,
			     bool must_be_static, struct err *e)
{
	const char *path = interpreter->path;
	struct stat st;
	AUTO_CLOSE int fd = open_program(path, &st, e);
	int r = fd < 0 ? fd : check_program(fd, &st, path, must_be_static, e);

	return r < 0 ? r : check_owners(path, e);
}

int binfmt_interpreter_check_any(const char *path, char **needs, struct err *e)
{
	struct stat st;
	AUTO_CLOSE int fd = open_program(path, &st, e);
	struct binfmt_elf elf;
	int r = fd < 0 ? fd : check_owners(path, e);

	*needs = NULL;
	if (r < 0)
		return r;
	if (binfmt_elf_read(fd, st.st_size, &elf, NULL) < 0)
		*needs = xstrdup("the program that runs it");
	else if (elf.has_interpreter)
		*needs = xasprintf("its loader %s", elf.interpreter);
	return 0;
}

/* The digits and dots at a place in a file. */
static bool read_version(int fd, off_t at, char *version, size_t size)
{
	ssize_t n = pread(fd, version, size - 1, at);

	if (n < 0)
		n = 0;
	version[n] = '\0';
	version[strspn(version, "0123456789.")] = '\0';
	return version[0];
}

/* "qemu-aarch64 version 7.2.22 (Debian …)": what follows the needle. */
static bool search_version(int fd, off_t start, off_t length, const char *needle,
			   char *version, size_t size)
{
	enum { WINDOW = 128 * 1024, OVERLAP = 256 };
	AUTO_FREE char *window = xrealloc(NULL, WINDOW, 1);
	off_t at = start, end = start + length;

	while (at < end) {
		size_t want = end - at < WINDOW ? (size_t)(end - at) : WINDOW;
		ssize_t n = pread(fd, window, want, at);
		const char *found;

		if (n <= 0)
			return false;
		found = memmem(window, (size_t)n, needle, strlen(needle));
		if (found)
			return read_version(fd,
					    at + (found - window) + (off_t)strlen(needle),
					    version, size);
		if (at + n >= end)
			return false;
		at += n > OVERLAP ? n - OVERLAP : n;
	}
	return false;
}

void binfmt_interpreter_read_version(struct binfmt_interpreter *interpreter,
				     const char *qemu_name)
{
	AUTO_FREE char *needle = xasprintf("qemu-%s version ", qemu_name);
	AUTO_CLOSE int fd =
		open(interpreter->path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
	unsigned major, minor;
	off_t start, length;
	struct stat st;

	interpreter->version[0] = '\0';
	interpreter->version_number = 0;
	if (fd < 0 || fstat(fd, &st) < 0 || !S_ISREG(st.st_mode))
		return;
	/* The text is near the start of the constants; the whole file when it is not. */
	if (binfmt_elf_section(fd, st.st_size, ".rodata", &start, &length) < 0 ||
	    !search_version(fd, start, length, needle, interpreter->version,
			    sizeof interpreter->version))
		(void)search_version(fd, 0, st.st_size, needle, interpreter->version,
				     sizeof interpreter->version);
	if (sscanf(interpreter->version, "%u.%u", &major, &minor) == 2)
		interpreter->version_number = major * 1000 + minor;
}

void binfmt_interpreter_free(struct binfmt_interpreter *interpreter)
{
	free(interpreter->path);
	*interpreter = (struct binfmt_interpreter){0};
}
