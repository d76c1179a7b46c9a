/* SPDX-License-Identifier: MIT */

/*
 * skopeo's folder of one image: manifest.json; of an index also HEX.manifest.json for
 * each manifest; configurations and layers under the hexadecimal part of their digests.
 */

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/file.h"
#include "base/path.h"
#include "oci/graph.h"
#include "transport/blob.h"
#include "transport/transport-internal.h"

#define MANIFEST	"manifest.json"
#define VERSION_FILE	"version"
#define VERSION_BEGIN	"Directory Transport Version: "
#define VERSION_CONTENT VERSION_BEGIN "1.1\n"

enum { VERSION_MAX = 4096 };

struct dir_place {
	struct transport_source source; /* first */
	struct oci_blobs blobs;
	int dir;
	char *path; /* for messages */
};

static struct dir_place *of_blobs(struct oci_blobs *blobs)
{
	return (struct dir_place *)(void *)((char *)blobs -
					    offsetof(struct dir_place, blobs));
}

/* --- Reading --- */

static int open_blob(struct oci_blobs *blobs, const struct oci_digest *digest,
		     struct oci_blob **b, struct err *e)
{
	struct dir_place *d = of_blobs(blobs);
	char text[OCI_DIGEST_TEXT];
	const char *hex = oci_digest_hex(oci_digest_format(digest, text));
	AUTO_FREE char *manifest = xasprintf("%s." MANIFEST, hex);
	AUTO_FREE char *what = xasprintf("%s/%s", d->path, hex);
	const int flags = O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY;
	AUTO_CLOSE int fd = openat(d->dir, hex, flags);
	struct stat st;

	if (fd < 0 && errno == ENOENT)
		fd = openat(d->dir, manifest, flags);
	if (fd < 0 && errno == ENOENT)
		return err_set(e, -ENOENT, "the folder %s has no %s", d->path, hex);
	if (fd < 0 || fstat(fd, &st) < 0)
		return err_sys(e, -errno, "cannot open %s", what);
	if (!S_ISREG(st.st_mode))
		return err_set(e, -EINVAL, "%s is not a regular file", what);
	*b = transport_blob(TAKE_FD(fd), 0, (uint64_t)st.st_size, digest, what);
	return 0;
}

static void close_dir(struct transport_source *source)
{
	struct dir_place *d = (struct dir_place *)source;

	if (d->dir >= 0)
		close(d->dir);
	free(d->path);
	free(d);
}

static int read_manifest(struct dir_place *d, struct err *e)
{
	char *data;
	size_t len;
	int r;

	d->dir = open(d->path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (d->dir < 0)
		return err_sys(e, -errno, "cannot open the folder %s", d->path);
	r = file_read_at(d->dir, MANIFEST, OCI_DOCUMENT_MAX, &data, &len, e);
	if (r == -ENOENT)
		return err_set(e, r, "the folder %s has no image: there is no " MANIFEST,
			       d->path);
	if (r == 0)
		r = oci_document_init(&d->source.doc, NULL, data, len, e);
	return r < 0 ? err_wrap(e, r, "folder %s", d->path) : 0;
}

int transport_dir_open(const struct transport_name *name,
		       struct transport_source **source, struct err *e)
{
	struct dir_place *d = xcalloc(1, sizeof *d);
	int r;

	d->source.blobs = &d->blobs;
	d->source.close = close_dir;
	d->blobs.open = open_blob;
	d->path = xstrdup(name->path);
	r = read_manifest(d, e);
	if (r < 0)
		transport_close(&d->source);
	else
		*source = &d->source;
	return r;
}

/* --- Writing --- */

/* A folder that holds an image, or nothing, may be replaced. */
static int check_destination(const char *path, bool *there, struct err *e)
{
	AUTO_FREE char *version = xasprintf("%s/" VERSION_FILE, path);
	AUTO_FREE char *text = NULL;
	int r;

	*there = access(path, F_OK) == 0;
	if (!*there || rmdir(path) == 0) {
		*there = false;
		return 0;
	}
	if (errno != ENOTEMPTY && errno != EEXIST)
		return err_sys(e, -errno, "cannot replace %s", path);
	r = file_read_at(AT_FDCWD, version, VERSION_MAX, &text, NULL, NULL);
	if (r == 0 && strncmp(text, VERSION_BEGIN, strlen(VERSION_BEGIN)) == 0)
		return 0;
	return err_set(e, -ENOTEMPTY,
		       "the folder %s is not empty and has no image that dir: made",
		       path);
}

static int write_document(int dir, const struct oci_document *doc, const char *name,
			  struct err *e)
{
	return file_write_at(dir, name, doc->data, doc->len, 0644, e);
}

static int write_blob(int dir, const struct oci_descriptor *d, struct oci_blobs *from,
		      struct err *e)
{
	enum { BUFFER = 256 << 10 };
	char text[OCI_DIGEST_TEXT];
	const char *hex = oci_digest_hex(oci_digest_format(&d->digest, text));
	AUTO_OCI_BLOB struct oci_blob *b = NULL;
	AUTO_FREE char *buffer = xcalloc(BUFFER, 1);
	AUTO_CLOSE int fd = -1;
	uint64_t at = 0;
	ssize_t n;
	int r = transport_open_verified(from, d, &b, e);

	if (r < 0)
		return r;
	fd = openat(dir, hex, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0644);
	if (fd < 0)
		return err_sys(e, -errno, "cannot write %s", hex);
	while ((n = b->read(b, buffer, BUFFER, at, e)) > 0) {
		r = file_write_all(fd, buffer, (size_t)n, hex, e);
		if (r < 0)
			return r;
		at += (uint64_t)n;
	}
	return (int)n;
}

static int write_all(int dir, const struct oci_document *doc, struct oci_blobs *from,
		     struct err *e)
{
	AUTO_OCI_GRAPH struct oci_graph g = {0};
	int r = oci_graph_of_blobs(&g, doc, from, e);

	if (r == 0)
		r = file_write_at(dir, VERSION_FILE, VERSION_CONTENT,
				  strlen(VERSION_CONTENT), 0644, e);
	for (size_t i = 0; i < g.n_blobs && r == 0; i++)
		r = write_blob(dir, &g.blobs[i], from, e);
	for (size_t i = 0; i < g.n_documents && r == 0; i++) {
		char text[OCI_DIGEST_TEXT];
		AUTO_FREE char *name = NULL;

		oci_digest_format(&g.documents[i].digest, text);
		name = xasprintf("%s." MANIFEST, oci_digest_hex(text));
		r = write_document(dir, &g.documents[i], name, e);
	}
	return r < 0 ? r : write_document(dir, doc, MANIFEST, e);
}

/* The file that makes it an image comes last. */
static int move_files(const char *temporary, const char *path, struct err *e)
{
	AUTO_CLOSEDIR DIR *d = opendir(temporary);
	AUTO_CLOSE int to = -1;
	struct dirent *entry;

	if (!d || mkdir(path, 0755) < 0)
		return err_sys(e, -errno, "cannot make the folder %s", path);
	to = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	while ((entry = readdir(d)))
		if (entry->d_name[0] != '.' && strcmp(entry->d_name, MANIFEST) != 0 &&
		    renameat(dirfd(d), entry->d_name, to, entry->d_name) < 0)
			return err_sys(e, -errno, "cannot write %s", path);
	return renameat(dirfd(d), MANIFEST, to, MANIFEST) < 0
		       ? err_sys(e, -errno, "cannot write %s", path)
		       : 0;
}

/* The new one takes the place, and what was there goes. */
static int put_in_place(const char *temporary, const char *path, bool there,
			struct err *e)
{
	const unsigned how = there ? RENAME_EXCHANGE : 0;
	int r;

	if (renameat2(AT_FDCWD, temporary, AT_FDCWD, path, how) == 0)
		return 0;
	/* Some file systems cannot exchange, and some overlays move no folders. */
	if (errno != EINVAL && errno != EXDEV)
		return err_sys(e, -errno, "cannot rename %s to %s", temporary, path);
	r = path_remove(AT_FDCWD, path, e);
	if (r < 0 || rename(temporary, path) == 0)
		return r;
	return move_files(temporary, path, e);
}

int transport_dir_write(const struct transport_name *name, const struct oci_document *doc,
			struct oci_blobs *from, struct err *e)
{
	size_t n = strlen(name->path);
	AUTO_FREE char *path = xstrndup(name->path, n);
	AUTO_FREE char *temporary = NULL;
	AUTO_CLOSE int dir = -1;
	bool there;
	int r;

	while (n > 1 && path[n - 1] == '/')
		path[--n] = '\0';
	temporary = xasprintf("%s" FILE_TEMPORARY_SUFFIX "%ld", path, (long)getpid());
	r = check_destination(path, &there, e);
	if (r < 0)
		return r;
	if (mkdir(temporary, 0755) < 0)
		return err_sys(e, -errno, "cannot make the folder %s", temporary);
	dir = open(temporary, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	r = dir < 0 ? err_sys(e, -errno, "cannot open the folder %s", temporary)
		    : write_all(dir, doc, from, e);
	if (r == 0)
		r = put_in_place(temporary, path, there, e);
	/* What failed, or what was there before. */
	(void)path_remove(AT_FDCWD, temporary, NULL);
	return r;
}
