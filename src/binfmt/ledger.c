/* SPDX-License-Identifier: MIT */
#include "binfmt/ledger.h"

#include <errno.h>
#include <fcntl.h>
#include <fnmatch.h>
#include <string.h>
#include <sys/stat.h>

#include "base/alloc.h"
#include "base/file.h"
#include "base/strbuf.h"

enum { ROW_MAX = 16 * 1024 };

/* Kinds of files. */
static const char ours[] = ".ours";
static const char next[] = ".next";
static const char displaced[] = ".displaced";

int binfmt_ledger_open(struct binfmt_ledger *ledger, const char *dir, bool create,
		       struct err *e)
{
	AUTO_FREE char *path = xasprintf("%s/ledger", dir);
	int fd;

	if (create && ((mkdir(dir, 0755) < 0 && errno != EEXIST) ||
		       (mkdir(path, 0755) < 0 && errno != EEXIST)))
		return err_sys(e, -errno, "cannot make the folder %s", path);
	fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd < 0 && errno == ENOENT && !create)
		return 0;
	if (fd < 0)
		return err_sys(e, -errno, "cannot open the folder %s", path);
	ledger->fd = fd;
	return 0;
}

static int put(const struct binfmt_ledger *ledger, const struct binfmt_entry *entry,
	       const char *kind, struct err *e)
{
	AUTO_FREE char *name = xasprintf("%s%s", entry->name, kind);
	AUTO_STRBUF struct strbuf text = STRBUF_INIT;

	binfmt_entry_show(entry, &text);
	return file_write_at(ledger->fd, name, text.data, text.len, 0644, e);
}

static int get(const struct binfmt_ledger *ledger, const char *entry_name,
	       const char *kind, struct binfmt_entry *entry, struct err *e)
{
	AUTO_FREE char *name = xasprintf("%s%s", entry_name, kind);
	AUTO_FREE char *text = NULL;
	int r;

	if (ledger->fd < 0)
		return -ENOENT;
	r = file_read_at(ledger->fd, name, ROW_MAX, &text, NULL, e);
	return r < 0 ? r : binfmt_entry_parse(entry, entry_name, text, e);
}

static int strike(const struct binfmt_ledger *ledger, const char *entry_name,
		  const char *kind, struct err *e)
{
	AUTO_FREE char *name = xasprintf("%s%s", entry_name, kind);

	if (ledger->fd < 0 || unlinkat(ledger->fd, name, 0) == 0 || errno == ENOENT)
		return 0;
	return err_sys(e, -errno, "cannot remove %s from the record", name);
}

int binfmt_ledger_note_install(const struct binfmt_ledger *ledger,
			       const struct binfmt_entry *wanted,
			       const struct binfmt_entry *there, struct err *e)
{
	int r = 0;

	if (ledger->fd < 0)
		return 0;
	/* Of several that gave way one after the other, the first was there by itself. */
	if (there && !binfmt_ledger_owns(ledger, there))
		r = put(ledger, there, displaced, e);
	return r < 0 ? r : put(ledger, wanted, next, e);
}

int binfmt_ledger_note_done(const struct binfmt_ledger *ledger, const char *name,
			    struct err *e)
{
	AUTO_FREE char *from = xasprintf("%s%s", name, next);
	AUTO_FREE char *to = xasprintf("%s%s", name, ours);

	if (ledger->fd < 0 || renameat(ledger->fd, from, ledger->fd, to) == 0)
		return 0;
	return err_sys(e, -errno, "cannot record %s", name);
}

int binfmt_ledger_note_remove(const struct binfmt_ledger *ledger, const char *name,
			      struct err *e)
{
	int r = strike(ledger, name, ours, e);

	return r < 0 ? r : strike(ledger, name, next, e);
}

int binfmt_ledger_forget(const struct binfmt_ledger *ledger, const char *name,
			 struct err *e)
{
	int r = binfmt_ledger_note_remove(ledger, name, e);

	return r < 0 ? r : strike(ledger, name, displaced, e);
}

static bool fits(const struct binfmt_ledger *ledger, const char *name, const char *kind,
		 const struct binfmt_entry *live)
{
	AUTO_BINFMT_ENTRY struct binfmt_entry row = {0};

	return live && get(ledger, name, kind, &row, NULL) == 0 &&
	       binfmt_entry_equal(&row, live);
}

bool binfmt_ledger_owns(const struct binfmt_ledger *ledger,
			const struct binfmt_entry *live)
{
	return fits(ledger, live->name, ours, live) ||
	       fits(ledger, live->name, next, live);
}

/* The name of an entry, where a file's name ends in the kind. */
static char *entry_name(const char *file, const char *kind)
{
	size_t n = strlen(file), suffix = strlen(kind);

	if (n <= suffix || strcmp(file + n - suffix, kind) != 0)
		return NULL;
	return xstrndup(file, n - suffix);
}

static int list_files(const struct binfmt_ledger *ledger, struct strv *files,
		      struct err *e)
{
	AUTO_CLOSE int fd = -1;
	AUTO_CLOSEDIR DIR *dir = NULL;
	struct dirent *de;

	if (ledger->fd < 0)
		return 0;
	fd = openat(ledger->fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	dir = fd < 0 ? NULL : fdopendir(fd);
	if (!dir)
		return err_sys(e, -errno, "cannot list the record");
	(void)TAKE_FD(fd);
	while ((de = readdir(dir)))
		if (strcmp(de->d_name, ".") != 0 && strcmp(de->d_name, "..") != 0)
			strv_add(files, de->d_name);
	strv_sort(files);
	return 0;
}

int binfmt_ledger_displacers(const struct binfmt_ledger *ledger, struct strv *names,
			     struct err *e)
{
	AUTO_STRV struct strv files = STRV_INIT;
	int r = list_files(ledger, &files, e);

	for (size_t i = 0; i < files.n; i++) {
		char *name = entry_name(files.v[i], displaced);

		if (name)
			strv_own(names, name);
	}
	return r;
}

bool binfmt_ledger_has_displaced(const struct binfmt_ledger *ledger, const char *name)
{
	AUTO_BINFMT_ENTRY struct binfmt_entry row = {0};

	return get(ledger, name, displaced, &row, NULL) == 0;
}

int binfmt_ledger_displaced(const struct binfmt_ledger *ledger, const char *name,
			    struct binfmt_entry *entry, struct err *e)
{
	return get(ledger, name, displaced, entry, e);
}

/* The entry of this name; half way through a replacement, the bridge to it. */
static const struct binfmt_entry *find_live(const struct binfmt_entries *live,
					    const char *name)
{
	AUTO_FREE char *bridge = xasprintf("%s" BINFMT_BRIDGE_SUFFIX, name);
	const struct binfmt_entry *entry = binfmt_entries_find(live, name);

	return entry ? entry : binfmt_entries_find(live, bridge);
}

static int check_row(const struct binfmt_ledger *ledger, const char *name,
		     const struct binfmt_entry *live, struct strv *stale, struct err *e)
{
	if (fits(ledger, name, next, live)) /* the kernel was told, and then it ended */
		return binfmt_ledger_note_done(ledger, name, e);
	if (fits(ledger, name, ours, live))
		return strike(ledger, name, next, e);
	if (fits(ledger, name, displaced, live)) /* the kernel was not told yet */
		return binfmt_ledger_forget(ledger, name, e);
	strv_add(stale, name);
	/* Where nothing is now, what stood there before can still be put back. */
	return live ? binfmt_ledger_forget(ledger, name, e)
		    : binfmt_ledger_note_remove(ledger, name, e);
}

int binfmt_ledger_check(const struct binfmt_ledger *ledger,
			const struct binfmt_entries *live, struct strv *stale,
			struct err *e)
{
	AUTO_STRV struct strv files = STRV_INIT;
	AUTO_STRV struct strv names = STRV_INIT;
	int r = list_files(ledger, &files, e);

	for (size_t i = 0; r == 0 && i < files.n; i++) {
		const char *file = files.v[i];
		AUTO_FREE char *name = entry_name(file, ours);

		if (!name)
			name = entry_name(file, next);
		if (name && !strv_has(&names, name))
			strv_add(&names, name);
		if (!name && fnmatch("*" FILE_TEMPORARY_SUFFIX "*", file, 0) == 0)
			r = strike(ledger, file, "", e);
	}
	for (size_t i = 0; r == 0 && i < names.n; i++)
		r = check_row(ledger, names.v[i], find_live(live, names.v[i]), stale, e);
	return r;
}

void binfmt_ledger_close(struct binfmt_ledger *ledger)
{
	if (ledger->fd >= 0)
		close(ledger->fd);
	ledger->fd = -1;
}
