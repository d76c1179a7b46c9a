/* SPDX-License-Identifier: MIT */
/* Records, names and locks: small files by digest. */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/cleanup.h"
#include "base/file.h"
#include "base/strbuf.h"
#include "store/store-internal.h"

enum {
	MAX_RECORD = 256 << 20, /* the index of a layer with a million names */
	MAX_NAME = 1 << 20,
};

static const char *hex_of(const struct oci_digest *digest, char text[OCI_DIGEST_TEXT])
{
	oci_digest_format(digest, text);
	return oci_digest_hex(text);
}

int store_record_read(struct store *s, enum store_kind kind, const struct oci_digest *key,
		      char **data, size_t *len, struct err *e)
{
	AUTO_FREE char *all = NULL;
	char text[OCI_DIGEST_TEXT];
	struct oci_digest digest;
	const char *name = hex_of(key, text);
	struct timespec now[2] = {{0, UTIME_NOW}, {0, UTIME_NOW}};
	size_t n;
	int r = file_read_at(s->records[kind], name, MAX_RECORD, &all, &n, NULL);

	if (r == -ENOENT)
		return r;
	if (r < 0)
		return err_sys(e, r, "cannot read the record %s in %s", text, s->path);
	if (n >= OCI_DIGEST_SIZE)
		oci_digest_of(all + OCI_DIGEST_SIZE, n - OCI_DIGEST_SIZE, &digest);
	if (n < OCI_DIGEST_SIZE || memcmp(digest.bytes, all, OCI_DIGEST_SIZE) != 0)
		return -ENOENT; /* torn by a power loss */
	(void)utimensat(s->records[kind], name, now, 0);
	n -= OCI_DIGEST_SIZE;
	memmove(all, all + OCI_DIGEST_SIZE, n + 1);
	if (len)
		*len = n;
	*data = TAKE_PTR(all);
	return 0;
}

int store_record_write(struct store *s, enum store_kind kind,
		       const struct oci_digest *key, const void *data, size_t len,
		       struct err *e)
{
	AUTO_STRBUF struct strbuf all = STRBUF_INIT;
	char text[OCI_DIGEST_TEXT];
	struct oci_digest digest;

	oci_digest_of(data, len, &digest);
	strbuf_add(&all, digest.bytes, sizeof digest.bytes);
	strbuf_add(&all, data, len);
	return store_publish(s, s->records[kind], hex_of(key, text), all.data, all.len,
			     false, e);
}

/* --- Names: a file has the name, a newline, and the text --- */

static void name_file(const char *name, char text[OCI_DIGEST_TEXT])
{
	struct oci_digest digest;

	oci_digest_of(name, strlen(name), &digest);
	memmove(text, hex_of(&digest, text), OCI_DIGEST_SIZE * 2 + 1);
}

int store_name_read(struct store *s, const char *name, char **text, struct err *e)
{
	AUTO_FREE char *all = NULL;
	char file[OCI_DIGEST_TEXT];
	char *newline;
	int r;

	name_file(name, file);
	r = file_read_at(s->names, file, MAX_NAME, &all, NULL, NULL);
	if (r == -ENOENT)
		return err_set(e, r, "there is no image %s in %s", name, s->path);
	if (r < 0)
		return err_sys(e, r, "cannot read %s/names/%s", s->path, file);
	newline = strchr(all, '\n');
	if (!newline)
		return err_set(e, -EBADMSG, "%s/names/%s is damaged", s->path, file);
	*text = xstrdup(newline + 1);
	return 0;
}

int store_names_hold(struct store *s, struct err *e)
{
	int fd = store_hold(s->dirfd, "names", O_DIRECTORY);

	return fd < 0 ? err_sys(e, fd, "cannot lock %s/names", s->path) : fd;
}

int store_name_write(struct store *s, const char *name, const char *text, struct err *e)
{
	AUTO_FREE char *all = xasprintf("%s\n%s", name, text);
	char file[OCI_DIGEST_TEXT];
	AUTO_CLOSE int lock = -1;

	/* Not while store_prune() works with the names that it has read. */
	lock = store_names_hold(s, e);
	if (lock < 0)
		return lock;
	name_file(name, file);
	return store_publish(s, s->names, file, all, strlen(all), true, e);
}

int store_name_remove(struct store *s, const char *name, struct err *e)
{
	char file[OCI_DIGEST_TEXT];

	name_file(name, file);
	if (unlinkat(s->names, file, 0) < 0)
		return err_sys(e, -errno, "cannot remove the image %s", name);
	return 0;
}

struct listing {
	struct store *store;
	struct strv *names;
};

static int list_name(void *context, const char *file)
{
	const struct listing *l = context;
	AUTO_FREE char *all = NULL;
	int r = file_read_at(l->store->names, file, MAX_NAME, &all, NULL, NULL);

	if (r == 0) {
		all[strcspn(all, "\n")] = '\0';
		strv_add(l->names, all);
	}
	return r == -ENOENT ? 0 : r; /* somebody has just removed it */
}

int store_names(struct store *s, struct strv *names, struct err *e)
{
	struct listing l = {s, names};
	int r = store_each(s->names, list_name, &l, e);

	if (r < 0)
		return err_sys(e, r, "cannot list the images in %s", s->path);
	strv_sort(names);
	return 0;
}

/* --- Locks: the file goes away with its last holder --- */

int store_lock(struct store *s, const struct oci_digest *key, bool wait, struct err *e)
{
	char text[OCI_DIGEST_TEXT];
	const char *name = hex_of(key, text);

	for (;;) {
		AUTO_CLOSE int fd =
			openat(s->locks, name, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
		int r = fd < 0 ? -errno : 0;

		if (r == 0 && flock(fd, LOCK_EX | (wait ? 0 : LOCK_NB)) < 0)
			r = -errno;
		if (r == -EINTR)
			continue;
		if (r == -EWOULDBLOCK)
			return r;
		if (r < 0)
			return err_sys(e, r, "cannot lock %s/locks/%s", s->path, name);
		/* Else its holder has removed it, and the next to come makes a new one.
		 */
		if (store_is_there(s->locks, name, fd))
			return TAKE_FD(fd);
	}
}

void store_unlock(struct store *s, const struct oci_digest *key, int fd)
{
	char text[OCI_DIGEST_TEXT];

	if (fd < 0)
		return;
	(void)unlinkat(s->locks, hex_of(key, text), 0); /* an empty file stays at worst */
	close(fd);
}

static int clean_lock(void *context, const char *name)
{
	const struct store *s = context;
	AUTO_CLOSE int fd = openat(s->locks, name, O_RDWR | O_NOFOLLOW | O_CLOEXEC);

	/* As its holder would: whoever waits finds that it is gone, and makes another. */
	if (fd >= 0 && flock(fd, LOCK_EX | LOCK_NB) == 0 &&
	    store_is_there(s->locks, name, fd))
		(void)unlinkat(s->locks, name, 0); /* an empty file stays at worst */
	return 0;
}

int store_clean_locks(struct store *s, struct err *e)
{
	return store_each(s->locks, clean_lock, s, e);
}
