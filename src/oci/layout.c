/* SPDX-License-Identifier: MIT */
#include "oci/layout.h"

#include <errno.h>
#include <fcntl.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>

#include "base/alloc.h"
#include "base/file.h"
#include "base/strbuf.h"
#include "oci/json-internal.h"

enum { LAYOUT_FILE_MAX = 4096 };

struct oci_layout {
	struct oci_blobs blobs; /* first */
	int dir;
	int blobs_dir;
	char *path; /* for messages */
};

struct layout_writer {
	struct oci_blob_writer writer; /* first */
	struct oci_layout *layout;
	int fd;
	char name[64]; /* in the layout's folder, until the commit */
};

static struct oci_layout *of_blobs(struct oci_blobs *blobs)
{
	return (struct oci_layout *)blobs;
}

static int open_blob(struct oci_blobs *blobs, const struct oci_digest *digest,
		     struct oci_blob **b, struct err *e)
{
	struct oci_layout *l = of_blobs(blobs);
	char text[OCI_DIGEST_TEXT];
	AUTO_CLOSE int fd = -1;
	struct stat st;

	oci_digest_format(digest, text);
	fd = openat(l->blobs_dir, oci_digest_hex(text),
		    O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
	if (fd < 0 && errno == ENOENT)
		return err_set(e, -ENOENT, "%s has no blob %s", l->path, text);
	if (fd < 0 || fstat(fd, &st) < 0)
		return err_sys(e, -errno, "cannot open %s/%s/%s", l->path,
			       OCI_LAYOUT_BLOBS, oci_digest_hex(text));
	if (!S_ISREG(st.st_mode))
		return err_set(e, -EINVAL, "%s/%s/%s is not a regular file", l->path,
			       OCI_LAYOUT_BLOBS, oci_digest_hex(text));
	*b = oci_blob_of_file(TAKE_FD(fd), 0, (uint64_t)st.st_size);
	return 0;
}

static struct layout_writer *of_writer(struct oci_blob_writer *w)
{
	return (struct layout_writer *)w;
}

static int append_blob(struct oci_blob_writer *writer, const void *data, size_t n,
		       struct err *e)
{
	struct layout_writer *w = of_writer(writer);
	const char *p = data;

	while (n) {
		ssize_t written = write(w->fd, p, n);

		if (written < 0 && errno == EINTR)
			continue;
		if (written < 0)
			return err_sys(e, -errno, "cannot write a blob of %s",
				       w->layout->path);
		p += written;
		n -= (size_t)written;
	}
	return 0;
}

static void abort_blob(struct oci_blob_writer *writer)
{
	struct layout_writer *w = of_writer(writer);

	if (w->name[0])
		(void)unlinkat(w->layout->dir, w->name, 0); /* of no use to anyone */
	close(w->fd);
	free(w);
}

static int commit_blob(struct oci_blob_writer *writer, const struct oci_digest *digest,
		       struct err *e)
{
	struct layout_writer *w = of_writer(writer);
	char text[OCI_DIGEST_TEXT];
	int r = 0;

	oci_digest_format(digest, text);
	if (fchmod(w->fd, 0644) < 0 || fsync(w->fd) < 0 ||
	    renameat(w->layout->dir, w->name, w->layout->blobs_dir,
		     oci_digest_hex(text)) < 0)
		r = err_sys(e, -errno, "cannot write %s/%s/%s", w->layout->path,
			    OCI_LAYOUT_BLOBS, oci_digest_hex(text));
	else
		w->name[0] = '\0';
	abort_blob(writer);
	return r;
}

static int create_blob(struct oci_blobs *blobs, struct oci_blob_writer **writer,
		       struct err *e)
{
	static atomic_uint number;
	struct oci_layout *l = of_blobs(blobs);
	struct layout_writer *w = xcalloc(1, sizeof *w);

	w->writer = (struct oci_blob_writer){append_blob, commit_blob, abort_blob};
	w->layout = l;
	do {
		(void)snprintf(w->name, sizeof w->name,
			       "blob" FILE_TEMPORARY_SUFFIX "%ld-%u", (long)getpid(),
			       atomic_fetch_add(&number, 1));
		w->fd = openat(l->dir, w->name, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC,
			       0600);
	} while (w->fd < 0 && errno == EEXIST); /* left by a process of this id */
	if (w->fd < 0) {
		int r = -errno;

		free(w);
		return err_sys(e, r, "cannot add a blob to %s", l->path);
	}
	*writer = &w->writer;
	return 0;
}

static struct oci_layout *layout_new(const char *path)
{
	struct oci_layout *l = xcalloc(1, sizeof *l);

	l->blobs = (struct oci_blobs){open_blob, create_blob};
	l->dir = l->blobs_dir = -1;
	l->path = xstrdup(path);
	return l;
}

int oci_layout_check(const char *path, const char *data, size_t len, struct err *e)
{
	AUTO_JSON_DOCUMENT struct json_at at = {0};
	AUTO_FREE char *version = NULL;
	int r = json_load_object(&at, OCI_LAYOUT_FILE, data, len, e);

	if (r == 0)
		r = json_get_string(&at, "imageLayoutVersion", JSON_REQUIRED, &version,
				    e);
	if (r >= 0 && strncmp(version, "1.", 2) != 0)
		r = json_fail(&at, e, "version %.20s is not known, only 1", version);
	return r < 0 ? err_wrap(e, r, "image layout %s", path) : 0;
}

static int open_parts(struct oci_layout *l, int dirfd, struct err *e)
{
	AUTO_FREE char *data = NULL;
	size_t len;
	int r;

	l->dir = openat(dirfd, l->path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (l->dir < 0)
		return err_sys(e, -errno, "cannot open the image layout %s", l->path);
	r = file_read_at(l->dir, OCI_LAYOUT_FILE, LAYOUT_FILE_MAX, &data, &len, e);
	if (r == -ENOENT)
		return err_set(e, r, "%s is not an image layout: it has no file %s",
			       l->path, OCI_LAYOUT_FILE);
	if (r == 0)
		r = oci_layout_check(l->path, data, len, e);
	if (r < 0)
		return r;
	l->blobs_dir =
		openat(l->dir, OCI_LAYOUT_BLOBS, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (l->blobs_dir < 0)
		return err_sys(e, -errno, "cannot open %s/%s", l->path, OCI_LAYOUT_BLOBS);
	return 0;
}

int oci_layout_open(int dirfd, const char *path, struct oci_layout **layout,
		    struct err *e)
{
	AUTO_OCI_LAYOUT struct oci_layout *l = layout_new(path);
	int r = open_parts(l, dirfd, e);

	if (r == 0)
		*layout = TAKE_PTR(l);
	return r;
}

static int make_folder(int dirfd, const char *path)
{
	return mkdirat(dirfd, path, 0755) < 0 && errno != EEXIST ? -errno : 0;
}

/* Nothing but what a concurrent creation makes is in the folder. */
static bool may_become_layout(int dir)
{
	AUTO_CLOSE int fd = openat(dir, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	AUTO_CLOSEDIR DIR *d = fd < 0 ? NULL : fdopendir(fd);
	struct dirent *de;

	if (!d)
		return false;
	fd = -1; /* d owns it */
	while ((de = readdir(d)))
		if (strcmp(de->d_name, ".") != 0 && strcmp(de->d_name, "..") != 0 &&
		    strcmp(de->d_name, "blobs") != 0 &&
		    strncmp(de->d_name, OCI_LAYOUT_INDEX, strlen(OCI_LAYOUT_INDEX)) !=
			    0 &&
		    strncmp(de->d_name, OCI_LAYOUT_FILE, strlen(OCI_LAYOUT_FILE)) != 0)
			return false;
	return true;
}

/* The file oci-layout comes last: with it the folder is a layout. */
static int make_parts(int dir, const char *path, struct err *e)
{
	struct oci_index none = {0};
	AUTO_OCI_DOCUMENT struct oci_document index = {0};
	int r;

	if (faccessat(dir, OCI_LAYOUT_FILE, F_OK, 0) == 0)
		return 0;
	if (!may_become_layout(dir))
		return err_set(e, -ENOTEMPTY,
			       "the folder %s is not empty and not an image layout",
			       path);
	r = make_folder(dir, "blobs");
	if (r == 0)
		r = make_folder(dir, OCI_LAYOUT_BLOBS);
	if (r < 0)
		return err_sys(e, r, "cannot make the folder %s/%s", path,
			       OCI_LAYOUT_BLOBS);
	oci_index_write(&none, &index);
	if (faccessat(dir, OCI_LAYOUT_INDEX, F_OK, 0) < 0)
		r = file_write_at(dir, OCI_LAYOUT_INDEX, index.data, index.len, 0644, e);
	if (r == 0)
		r = file_write_at(dir, OCI_LAYOUT_FILE, OCI_LAYOUT_CONTENT,
				  strlen(OCI_LAYOUT_CONTENT), 0644, e);
	return r < 0 ? err_wrap(e, r, "image layout %s", path) : 0;
}

/* One at a time; released with the descriptor. The kernel's lock is of the open file. */
static int lock(int dir, const char *path, int *fd, struct err *e)
{
	*fd = openat(dir, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (*fd < 0)
		return err_sys(e, -errno, "cannot open the image layout %s", path);
	while (flock(*fd, LOCK_EX) < 0)
		if (errno != EINTR)
			return err_sys(e, -errno, "cannot lock the image layout %s",
				       path);
	return 0;
}

int oci_layout_create(int dirfd, const char *path, struct oci_layout **layout,
		      struct err *e)
{
	AUTO_CLOSE int dir = -1, locked = -1;
	int r = make_folder(dirfd, path);

	if (r < 0)
		return err_sys(e, r, "cannot make the folder %s", path);
	dir = openat(dirfd, path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (dir < 0)
		return err_sys(e, -errno, "cannot open the folder %s", path);
	r = lock(dir, path, &locked, e);
	if (r == 0)
		r = make_parts(dir, path, e);
	return r < 0 ? r : oci_layout_open(dirfd, path, layout, e);
}

struct oci_blobs *oci_layout_blobs(struct oci_layout *layout)
{
	return &layout->blobs;
}

int oci_layout_index(struct oci_layout *l, struct oci_index *index, struct err *e)
{
	AUTO_OCI_DOCUMENT struct oci_document doc = {0};
	char *data = NULL;
	size_t len;
	int r = file_read_at(l->dir, OCI_LAYOUT_INDEX, OCI_DOCUMENT_MAX, &data, &len, e);

	if (r == 0)
		r = oci_document_init(&doc, OCI_MEDIA_INDEX, data, len, e);
	if (r == 0)
		r = oci_index_parse(index, &doc, e);
	return r < 0 ? err_wrap(e, r, "image layout %s", l->path) : 0;
}

static const char *name_of(const struct oci_descriptor *d)
{
	return oci_map_get(&d->annotations, OCI_ANNOTATION_REF);
}

static int not_found(const char *path, const char *name, const struct oci_index *index,
		     struct err *e)
{
	AUTO_STRBUF struct strbuf names = STRBUF_INIT;

	for (size_t i = 0; i < index->n; i++) {
		const char *known = name_of(&index->manifests[i]);

		strbuf_addf(&names, "%s%s", i ? ", " : "", known ? known : "one without");
	}
	if (!name && index->n)
		return err_set(e, -ENOENT,
			       "the image layout %s has %zu images; name one of: %s",
			       path, index->n, names.data);
	return err_set(e, -ENOENT, "the image layout %s has no image '%s', only: %s",
		       path, name ? name : "", index->n ? names.data : "none");
}

int oci_layout_choose(const struct oci_index *index, const char *path, const char *name,
		      struct oci_descriptor *found, struct err *e)
{
	if (!name && index->n != 1)
		return not_found(path, name, index, e);
	for (size_t i = 0; i < index->n; i++) {
		const char *known = name_of(&index->manifests[i]);

		if (!name || (known && strcmp(known, name) == 0)) {
			oci_descriptor_copy(found, &index->manifests[i]);
			return 0;
		}
	}
	return not_found(path, name, index, e);
}

int oci_layout_find(struct oci_layout *l, const char *name, struct oci_descriptor *found,
		    struct err *e)
{
	AUTO_OCI_INDEX struct oci_index index = {0};
	int r = oci_layout_index(l, &index, e);

	return r < 0 ? r : oci_layout_choose(&index, l->path, name, found, e);
}

int oci_layout_document(struct oci_layout *l, const struct oci_descriptor *d,
			struct oci_document *doc, struct err *e)
{
	char *data = NULL;
	size_t len;
	int r = oci_blobs_read(&l->blobs, &d->digest, OCI_DOCUMENT_MAX, &data, &len, e);

	if (r == 0)
		r = oci_document_init(doc, d->media_type, data, len, e);
	return r < 0 ? err_wrap(e, r, "image layout %s", l->path) : 0;
}

/* Whether the new image takes the old one's place. */
static bool is_replaced(const struct oci_descriptor *old, const char *name,
			const struct oci_descriptor *image)
{
	const char *known = name_of(old);

	if (name)
		return known && strcmp(known, name) == 0;
	return !known && oci_digest_equal(&old->digest, &image->digest);
}

static void set_in_index(struct oci_index *index, const char *name,
			 const struct oci_descriptor *image)
{
	struct oci_descriptor *d = NULL;

	for (size_t i = 0; i < index->n && !d; i++)
		if (is_replaced(&index->manifests[i], name, image))
			d = &index->manifests[i];
	if (d)
		oci_descriptor_free(d);
	else
		d = oci_index_add(index);
	oci_descriptor_copy(d, image);
	oci_map_remove(&d->annotations, OCI_ANNOTATION_REF);
	if (name)
		oci_map_set(&d->annotations, OCI_ANNOTATION_REF, name);
}

int oci_layout_set(struct oci_layout *l, const char *name,
		   const struct oci_descriptor *image, struct err *e)
{
	AUTO_OCI_INDEX struct oci_index index = {0};
	AUTO_OCI_DOCUMENT struct oci_document doc = {0};
	AUTO_CLOSE int locked = -1;
	int r = lock(l->dir, l->path, &locked, e);

	if (r == 0)
		r = oci_layout_index(l, &index, e);
	if (r < 0)
		return r;
	/* The blobs' names must be on the disk before the index speaks of them. */
	if (fsync(l->blobs_dir) < 0)
		return err_sys(e, -errno, "cannot write %s/%s", l->path,
			       OCI_LAYOUT_BLOBS);
	set_in_index(&index, name, image);
	oci_index_write(&index, &doc);
	r = file_write_at(l->dir, OCI_LAYOUT_INDEX, doc.data, doc.len, 0644, e);
	return r < 0 ? err_wrap(e, r, "image layout %s", l->path) : 0;
}

void oci_layout_index_of(const char *name, const struct oci_descriptor *image,
			 struct oci_document *doc)
{
	AUTO_OCI_INDEX struct oci_index index = {0};

	set_in_index(&index, name, image);
	oci_index_write(&index, doc);
}

void oci_layout_close(struct oci_layout *l)
{
	if (!l)
		return;
	if (l->dir >= 0)
		close(l->dir);
	if (l->blobs_dir >= 0)
		close(l->blobs_dir);
	free(l->path);
	free(l);
}

void oci_layout_close_p(struct oci_layout **layout)
{
	oci_layout_close(*layout);
}
