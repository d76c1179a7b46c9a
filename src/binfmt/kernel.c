/* SPDX-License-Identifier: MIT */
#include "binfmt/kernel.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/utsname.h>

#include "base/alloc.h"
#include "base/file.h"

enum { SHOWN_MAX = 16 * 1024 };

unsigned binfmt_kernel_version(char *text, size_t size)
{
	unsigned major, minor;
	struct utsname u;

	if (uname(&u) < 0)
		return 0;
	if (text)
		(void)snprintf(text, size, "%s", u.release); /* cut is fine */
	if (sscanf(u.release, "%u.%u", &major, &minor) != 2)
		return 0;
	return major * 1000 + (minor < 1000 ? minor : 999);
}

int binfmt_kernel_get(int dirfd, const char *name, struct binfmt_entry *entry,
		      struct err *e)
{
	AUTO_FREE char *text = NULL;
	int r = file_read_at(dirfd, name, SHOWN_MAX, &text, NULL, e);

	if (r < 0)
		return r;
	return binfmt_entry_parse(entry, name, text, e);
}

static void reverse(struct binfmt_entries *entries)
{
	for (size_t i = 0; i < entries->n / 2; i++) {
		struct binfmt_entry *a = &entries->v[i];
		struct binfmt_entry *b = &entries->v[entries->n - 1 - i];
		struct binfmt_entry swap = *a;

		*a = *b;
		*b = swap;
	}
}

/* first, last: how many entries stood before the one and the other of the fixed files. */
static void set_order(struct binfmt_entries *entries, size_t first, size_t last)
{
	if (first == 0 && last == 0)
		reverse(entries);
	entries->ordered =
		entries->n < 2 || (first == last && (first == 0 || first == entries->n));
}

int binfmt_kernel_list(int dirfd, struct binfmt_entries *entries, struct err *e)
{
	AUTO_CLOSE int fd = openat(dirfd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	AUTO_CLOSEDIR DIR *dir = fd < 0 ? NULL : fdopendir(fd);
	size_t first = SIZE_MAX, last = 0;
	struct dirent *de;

	*entries = (struct binfmt_entries){0};
	if (!dir)
		return err_sys(e, -errno, "cannot list the entries of binfmt_misc");
	(void)TAKE_FD(fd);
	while ((de = readdir(dir))) {
		struct binfmt_entry entry;
		int r;

		if (strcmp(de->d_name, ".") == 0 || strcmp(de->d_name, "..") == 0)
			continue;
		if (strcmp(de->d_name, "register") == 0 ||
		    strcmp(de->d_name, "status") == 0) {
			last = entries->n;
			first = first == SIZE_MAX ? last : first;
			continue;
		}
		r = binfmt_kernel_get(dirfd, de->d_name, &entry, e);
		if (r == -ENOENT) { /* removed by somebody since */
			err_free(e);
			continue;
		}
		if (r < 0) {
			binfmt_entries_free(entries);
			return r;
		}
		GROW(entries->v, entries->n);
		entries->v[entries->n++] = entry;
	}
	set_order(entries, first, last);
	return 0;
}

int binfmt_kernel_enabled(int dirfd, struct err *e)
{
	AUTO_FREE char *text = NULL;
	int r = file_read_at(dirfd, "status", SHOWN_MAX, &text, NULL, e);

	return r < 0 ? r : strcmp(text, "enabled\n") == 0;
}

/* A command to the kernel is one write; a second part would be another command. */
static int write_once(int dirfd, const char *name, const char *data, size_t len)
{
	AUTO_CLOSE int fd = openat(dirfd, name, O_WRONLY | O_CLOEXEC);
	ssize_t n;

	if (fd < 0)
		return -errno;
	do
		n = write(fd, data, len);
	while (n < 0 && errno == EINTR);
	if (n < 0)
		return -errno;
	return (size_t)n == len ? 0 : -EIO;
}

int binfmt_kernel_check(unsigned version, const struct binfmt_entry *entry, struct err *e)
{
	enum { OLD_HEAD_SIZE = 128 };
	unsigned major = version / 1000, minor = version % 1000;

	if ((entry->flags & BINFMT_FIX_BINARY) && version < BINFMT_KERNEL_FIX_BINARY)
		return err_set(e, -ENOSYS,
			       "the kernel is %u.%u, flag F needs 4.8 or newer (upgrade "
			       "the kernel, or leave the flag out)",
			       major, minor);
	if (entry->offset + entry->size > OLD_HEAD_SIZE &&
	    version < BINFMT_KERNEL_LONG_HEAD)
		return err_set(e, -ENOSYS,
			       "offset %zu and magic of %zu bytes reach beyond the %d "
			       "bytes that kernel %u.%u looks at (256 from 5.1 on)",
			       entry->offset, entry->size, OLD_HEAD_SIZE, major, minor);
	if (strlen(entry->interpreter) >= OLD_HEAD_SIZE &&
	    version < BINFMT_KERNEL_LONG_PATH)
		return err_set(e, -ENOSYS,
			       "the interpreter's path has %zu bytes, of which kernel "
			       "%u.%u would use %d (all of them from 4.15 on)",
			       strlen(entry->interpreter), major, minor,
			       OLD_HEAD_SIZE - 1);
	return 0;
}

static int explain_register(const struct binfmt_entry *entry, int r, struct err *e)
{
	char release[65] = "";

	(void)binfmt_kernel_version(release, sizeof release);
	switch (r) {
	case -EEXIST:
		return err_set(e, r, "an entry of this name exists");
	case -ENOENT:
		return err_set(e, r, "the kernel does not find the interpreter %s",
			       entry->interpreter);
	case -EINVAL:
		if (entry->other_flags[0])
			return err_set(
				e, r,
				"the kernel (%s) refuses the register string (does "
				"it know flag %s?)",
				release, entry->other_flags);
		return err_set(e, r, "the kernel (%s) refuses the register string",
			       release);
	case -ENOSPC:
		return err_set(e, r,
			       "the kernel's limit for entries with flag F is reached "
			       "(see /proc/sys/user/max_binfmt_misc_interpreters)");
	case -EROFS:
		return err_set(e, r, "binfmt_misc is mounted read-only");
	case -EACCES:
	case -EPERM:
		return err_sys(
			e, r,
			"the kernel does not let this process write to `register`, "
			"or open the interpreter %s",
			entry->interpreter);
	default:
		return err_sys(e, r, "cannot write to `register`");
	}
}

int binfmt_kernel_register(int dirfd, const struct binfmt_entry *entry, struct err *e)
{
	AUTO_STRBUF struct strbuf s = STRBUF_INIT;
	unsigned version = binfmt_kernel_version(NULL, 0);
	int r = binfmt_entry_validate(entry, e);

	if (r == 0)
		r = binfmt_kernel_check(version, entry, e);
	if (r == 0)
		r = binfmt_entry_format(entry, &s, e);
	if (r < 0)
		return r;
	r = write_once(dirfd, "register", s.data, s.len);
	return r < 0 ? explain_register(entry, r, e) : 0;
}

int binfmt_kernel_replace(int dirfd, const struct binfmt_entry *entry, struct err *e)
{
	AUTO_FREE char *name = xasprintf("%s" BINFMT_BRIDGE_SUFFIX, entry->name);
	struct binfmt_entry bridge = *entry;
	int r;

	bridge.name = name;
	r = binfmt_kernel_register(dirfd, &bridge, e);
	if (r == -EEXIST) { /* left by one that was killed here */
		r = binfmt_kernel_remove(dirfd, name, e);
		if (r == 0)
			r = binfmt_kernel_register(dirfd, &bridge, e);
	}
	if (r < 0)
		return r;
	r = binfmt_kernel_remove(dirfd, entry->name, e);
	if (r == -ENOENT)
		r = 0;
	if (r == 0)
		r = binfmt_kernel_register(dirfd, entry, e);
	if (r < 0) /* the bridge stays: it is all that handles these files now */
		return err_wrap(e, r, "the new entry is installed as %s", name);
	return binfmt_kernel_remove(dirfd, name, e);
}

int binfmt_kernel_remove(int dirfd, const char *name, struct err *e)
{
	int r = write_once(dirfd, name, "-1", 2);

	return r < 0 ? err_sys(e, r, "cannot remove the entry %s", name) : 0;
}

int binfmt_kernel_set_enabled(int dirfd, const char *name, bool enabled, struct err *e)
{
	int r = write_once(dirfd, name, enabled ? "1" : "0", 1);

	if (r == 0)
		return 0;
	return err_sys(e, r, "cannot %s the entry %s", enabled ? "enable" : "disable",
		       name);
}

const struct binfmt_entry *binfmt_entries_find(const struct binfmt_entries *entries,
					       const char *name)
{
	for (size_t i = 0; i < entries->n; i++)
		if (strcmp(entries->v[i].name, name) == 0)
			return &entries->v[i];
	return NULL;
}

void binfmt_entries_free(struct binfmt_entries *entries)
{
	for (size_t i = 0; i < entries->n; i++)
		binfmt_entry_free(&entries->v[i]);
	free(entries->v);
	*entries = (struct binfmt_entries){0};
}
