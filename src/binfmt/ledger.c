/* SPDX-License-Identifier: MIT */
#include "binfmt/ledger.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>

#include "base/alloc.h"
#include "base/file.h"
#include "base/strbuf.h"

enum { ROW_MAX = 16 * 1024 };

static const char ours[] = ".ours";
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
	return r < 0 ? r : put(ledger, wanted, ours, e);
}

int binfmt_ledger_note_remove(const struct binfmt_ledger *ledger, const char *name,
			      struct err *e)
{
	return strike(ledger, name, ours, e);
}

int binfmt_ledger_forget(const struct binfmt_ledger *ledger, const char *name,
			 struct err *e)
{
	int r = strike(ledger, name, ours, e);

	return r < 0 ? r : strike(ledger, name, displaced, e);
}

bool binfmt_ledger_owns(const struct binfmt_ledger *ledger,
			const struct binfmt_entry *live)
{
	AUTO_BINFMT_ENTRY struct binfmt_entry row = {0};

	return get(ledger, live->name, ours, &row, NULL) == 0 &&
	       binfmt_entry_equal(&row, live);
}

/* Names of entries that have a file of this kind. */
static int list(const struct binfmt_ledger *ledger, const char *kind, struct strv *names,
		struct err *e)
{
	AUTO_CLOSE int fd = -1;
	AUTO_CLOSEDIR DIR *dir = NULL;
	size_t suffix = strlen(kind);
	struct dirent *de;

	if (ledger->fd < 0)
		return 0;
	fd = openat(ledger->fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	dir = fd < 0 ? NULL : fdopendir(fd);
	if (!dir)
		return err_sys(e, -errno, "cannot list the record");
	(void)TAKE_FD(fd);
	while ((de = readdir(dir))) {
		size_t n = strlen(de->d_name);

		if (n > suffix && strcmp(de->d_name + n - suffix, kind) == 0)
			strv_own(names, xstrndup(de->d_name, n - suffix));
	}
	strv_sort(names);
	return 0;
}

int binfmt_ledger_displacers(const struct binfmt_ledger *ledger, struct strv *names,
			     struct err *e)
{
	return list(ledger, displaced, names, e);
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

int binfmt_ledger_check(const struct binfmt_ledger *ledger,
			const struct binfmt_entries *live, struct strv *stale,
			struct err *e)
{
	AUTO_STRV struct strv names = STRV_INIT;
	int r = list(ledger, ours, &names, e);

	for (size_t i = 0; r == 0 && i < names.n; i++) {
		const char *name = names.v[i];
		const struct binfmt_entry *entry = binfmt_entries_find(live, name);

		if (entry && binfmt_ledger_owns(ledger, entry))
			continue;
		strv_add(stale, name);
		/* Where nothing is now, what stood there before can still be put back. */
		r = entry ? binfmt_ledger_forget(ledger, name, e)
			  : binfmt_ledger_note_remove(ledger, name, e);
	}
	return r;
}

void binfmt_ledger_close(struct binfmt_ledger *ledger)
{
	if (ledger->fd >= 0)
		close(ledger->fd);
	ledger->fd = -1;
}
