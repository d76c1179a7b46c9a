/* SPDX-License-Identifier: MIT */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <pwd.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/cleanup.h"
#include "base/file.h"
#include "base/owners.h"
#include "base/path.h"
#include "store/store-internal.h"

static const char format_text[] = "mab-build store 1\n";

/* Longer than the kernel keeps dirty pages (vm.dirty_expire_centisecs: 30 s), amply. */
enum { SETTLE_SECONDS = 300 };

static int default_path(bool privileged, char **path, struct err *e)
{
	const char *data = getenv("XDG_DATA_HOME");
	const char *home = getenv("HOME");
	const struct passwd *user;

	if (privileged) {
		*path = xstrdup("/var/lib/mab-build");
		return 0;
	}
	/* Relative ones count as not set (XDG base directory specification). */
	if (data && *data == '/') {
		*path = xasprintf("%s/mab-build", data);
		return 0;
	}
	if (!home || *home != '/') {
		user = getpwuid(getuid());
		home = user ? user->pw_dir : NULL;
	}
	if (!home)
		return err_set(e, -ENOENT,
			       "no place for the store: HOME is not set (set it, or give "
			       "--root)");
	*path = xasprintf("%s/.local/share/mab-build", home);
	return 0;
}

static int open_folder(struct store *s, const char *name, struct err *e)
{
	int fd, r = path_make_folders(s->dirfd, name, 0700, e);

	if (r < 0)
		return r;
	fd = openat(s->dirfd, name, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd < 0)
		return err_sys(e, -errno, "cannot open %s/%s", s->path, name);
	return fd;
}

static int open_folders(struct store *s, struct err *e)
{
	const struct {
		const char *name;
		int *fd;
	} folders[] = {
		{"tmp", &s->tmp},
		{"blobs/sha256", &s->blobs},
		{"snapshots", &s->snapshots},
		{"caches", &s->caches},
		{"names", &s->names},
		{"locks", &s->locks},
		{"records/step", &s->records[STORE_STEP]},
		{"records/layer", &s->records[STORE_LAYER]},
		{"records/blob", &s->records[STORE_BLOB]},
		{"records/files", &s->records[STORE_FILES]},
		{"records/url", &s->records[STORE_URL]},
		{"records/seen", &s->records[STORE_SEEN]},
		{"records/filter", &s->records[STORE_FILTER]},
	};

	for (size_t i = 0; i < ARRAY_SIZE(folders); i++) {
		*folders[i].fd = open_folder(s, folders[i].name, e);
		if (*folders[i].fd < 0)
			return *folders[i].fd;
	}
	return 0;
}

static int check_format(struct store *s, struct err *e)
{
	AUTO_FREE char *text = NULL;
	int r = file_read_at(s->dirfd, "format", 4096, &text, NULL, NULL);

	if (r == -ENOENT)
		return store_publish(s, s->dirfd, "format", format_text,
				     sizeof format_text - 1, true, e);
	if (r < 0)
		return err_sys(e, r, "cannot read %s/format", s->path);
	if (strcmp(text, format_text) != 0)
		return err_set(e, -EPROTO,
			       "the store %s is of another version of mab-build: '%.40s' "
			       "(use another --root, or remove it)",
			       s->path, text);
	return 0;
}

struct drop {
	struct store *store;
	time_t after; /* what was made later goes */
};

static int drop_unsettled(void *context, const char *name)
{
	const struct drop *drop = context;
	AUTO_FREE char *fs = xasprintf("%s/fs", name);
	int dir = drop->store->snapshots;
	struct stat st;

	if (fstatat(dir, fs, &st, AT_SYMLINK_NOFOLLOW) == 0 && st.st_ctime < drop->after)
		return 0;
	return path_remove(dir, name, NULL);
}

/*
 * The file `boot` says in which run of the machine the store was last opened, and when.
 * In another run now, snapshots from shortly before may have lost data.
 */
static int check_boot(struct store *s, struct err *e)
{
	AUTO_FREE char *now = NULL;
	AUTO_FREE char *last = NULL;
	struct drop drop = {s, 0};
	struct stat st;
	int r;

	r = file_read_at(AT_FDCWD, "/proc/sys/kernel/random/boot_id", 64, &now, NULL,
			 NULL);
	if (r < 0)
		now = xstrdup("unknown");
	if (fstatat(s->dirfd, "boot", &st, 0) < 0)
		st.st_mtime = 0;
	if (file_read_at(s->dirfd, "boot", 64, &last, NULL, NULL) == 0 &&
	    strcmp(now, last) == 0)
		return utimensat(s->dirfd, "boot", NULL, 0) < 0
			       ? err_sys(e, -errno, "cannot write %s/boot", s->path)
			       : 0;
	drop.after = st.st_mtime - SETTLE_SECONDS;
	r = store_each(s->snapshots, drop_unsettled, &drop, e);
	return r < 0 ? r : store_publish(s, s->dirfd, "boot", now, strlen(now), false, e);
}

static int open_parts(struct store *s, struct err *e)
{
	int r = path_make_folders(AT_FDCWD, s->path, 0700, e);

	if (r < 0)
		return r;
	s->dirfd = open(s->path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (s->dirfd < 0)
		return err_sys(e, -errno, "cannot open the store %s", s->path);
	r = open_folders(s, e);
	if (r < 0)
		return r;
	/* One process at a time sets up and repairs. */
	if (flock(s->locks, LOCK_EX) < 0)
		return err_sys(e, -errno, "cannot lock %s/locks", s->path);
	r = check_format(s, e);
	if (r == 0)
		r = check_boot(s, e);
	(void)flock(s->locks, LOCK_UN);
	return r < 0 ? r : store_clean_leftovers(s, NULL, e);
}

int store_open(struct store **store, const char *path, bool privileged, struct err *e)
{
	struct store *s = xcalloc(1, sizeof *s);
	int r = 0;

	s->dirfd = s->tmp = s->blobs = s->snapshots = s->caches = s->names = -1;
	s->locks = -1;
	for (int i = 0; i < STORE_KINDS; i++)
		s->records[i] = -1;
	if (path)
		s->path = xstrdup(path);
	else
		r = default_path(privileged, &s->path, e);
	if (r == 0)
		r = open_parts(s, e);
	if (r < 0) {
		store_close(s);
		return err_wrap(e, r, "store");
	}
	*store = s;
	return 0;
}

bool store_exists(const char *path, bool privileged)
{
	AUTO_FREE char *usual = NULL;
	AUTO_FREE char *format = NULL;

	if (!path && default_path(privileged, &usual, NULL) < 0)
		return false;
	format = xasprintf("%s/format", path ? path : usual);
	return access(format, F_OK) == 0;
}

bool store_is_private(const char *path, bool privileged)
{
	AUTO_FREE char *usual = NULL;
	AUTO_FREE char *here = NULL;
	AUTO_FREE char *records = NULL;

	if (!path && default_path(privileged, &usual, NULL) < 0)
		return false;
	here = !path || *path == '/' ? xstrdup("") : realpath(".", NULL);
	if (!here)
		return false;
	/* The deepest of its folders; all are made alike. */
	records = xasprintf("%s/%s/records/filter", here, path ? path : usual);
	return owners_check(records, 0, NULL) == 0;
}

void store_close(struct store *s)
{
	if (!s)
		return;
	clean_close(&s->dirfd);
	clean_close(&s->tmp);
	clean_close(&s->blobs);
	clean_close(&s->snapshots);
	clean_close(&s->caches);
	clean_close(&s->names);
	clean_close(&s->locks);
	for (int i = 0; i < STORE_KINDS; i++)
		clean_close(&s->records[i]);
	free(s->path);
	free(s);
}

const char *store_path(const struct store *s)
{
	return s->path;
}

int store_dirfd(const struct store *s)
{
	return s->dirfd;
}

int store_each(int dirfd, int (*entry)(void *context, const char *name), void *context,
	       struct err *e)
{
	AUTO_CLOSEDIR DIR *d = NULL;
	struct dirent *item;
	int r = 0, fd = openat(dirfd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	if (fd >= 0)
		d = fdopendir(fd);
	if (!d) {
		r = -errno;
		clean_close(&fd);
		return err_sys(e, r, "cannot list a folder of the store");
	}
	while (r == 0 && (errno = 0, item = readdir(d)))
		if (strcmp(item->d_name, ".") != 0 && strcmp(item->d_name, "..") != 0)
			r = entry(context, item->d_name);
	if (r == 0 && errno)
		return err_sys(e, -errno, "cannot list a folder of the store");
	return r;
}
