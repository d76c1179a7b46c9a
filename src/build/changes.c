/* SPDX-License-Identifier: MIT */
#include "build/changes.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/path.h"
#include "build/internal.h"

struct build_change *build_changes_add(struct build_changes *c, enum layer_type type,
				       const char *path)
{
	struct build_change *change;

	GROW(c->v, c->n);
	change = &c->v[c->n++];
	*change = (struct build_change){.root = -1};
	change->entry.type = type;
	change->entry.path = xstrdup(path);
	return change;
}

static bool has_folder(const struct build_changes *c, const char *path)
{
	for (size_t i = c->n; i-- > 0;)
		if (c->v[i].entry.type == LAYER_FOLDER &&
		    strcmp(c->v[i].entry.path, path) == 0)
			return true;
	return false;
}

static int add_parent(struct build_changes *c, const struct layer_view *view,
		      const char *path, uint32_t uid, uint32_t gid, struct err *e)
{
	bool implied = false;
	const struct layer_entry *there = layer_view_find(view, path, &implied);
	struct build_change *change;

	if (there && there->type != LAYER_FOLDER)
		return err_set(e, -ENOTDIR, "/%s is not a folder", path);
	if (has_folder(c, path))
		return 0;
	change = build_changes_add(c, LAYER_FOLDER, path);
	change->parent = true;
	change->entry.mode = 0755;
	if (there) {
		layer_entry_clear(&change->entry);
		layer_entry_copy(&change->entry, there);
		change->entry.opaque = false;
	} else if (!implied) {
		change->entry.uid = uid;
		change->entry.gid = gid;
	}
	return 0;
}

int build_changes_add_parents(struct build_changes *c, const struct layer_view *view,
			      const char *path, uint32_t uid, uint32_t gid, struct err *e)
{
	for (const char *p = strchr(path, '/'); p; p = strchr(p + 1, '/')) {
		AUTO_FREE char *parent = xstrndup(path, (size_t)(p - path));
		int r = add_parent(c, view, parent, uid, gid, e);

		if (r < 0)
			return r;
	}
	return 0;
}

static void change_clear(struct build_change *c)
{
	layer_entry_clear(&c->entry);
	free(c->from);
	free(c->text);
	free(c->bytes);
	free(c->unread);
}

/* Changes with their places, since qsort(3) is not stable. */
struct placed {
	struct build_change change;
	size_t place;
};

static int by_path(const void *a, const void *b)
{
	const struct placed *x = a, *y = b;
	int r = layer_path_compare(x->change.entry.path, y->change.entry.path);

	if (r)
		return r;
	/* What is copied says more than what is only on the way. */
	if (x->change.parent != y->change.parent)
		return x->change.parent ? -1 : 1;
	return x->place < y->place ? -1 : 1;
}

static void sort_and_dedup(struct build_changes *c)
{
	AUTO_FREE struct placed *sorted = xcalloc(c->n + 1, sizeof *sorted);
	size_t kept = 0;

	for (size_t i = 0; i < c->n; i++)
		sorted[i] = (struct placed){c->v[i], i};
	qsort(sorted, c->n, sizeof *sorted, by_path);
	for (size_t i = 0; i < c->n; i++) {
		if (kept &&
		    strcmp(c->v[kept - 1].entry.path, sorted[i].change.entry.path) == 0)
			change_clear(&c->v[--kept]);
		c->v[kept++] = sorted[i].change;
	}
	c->n = kept;
}

/* A later name of a file becomes a link to the first. */
static void link_names(struct build_changes *c)
{
	struct build_changes named = {0}; /* borrows */

	for (size_t i = 0; i < c->n; i++) {
		struct build_change *change = &c->v[i];
		const struct build_change *first = NULL;

		if (change->entry.type != LAYER_FILE || !change->ino)
			continue;
		for (size_t k = 0; k < named.n && !first; k++)
			if (named.v[k].ino == change->ino &&
			    named.v[k].dev == change->dev)
				first = &named.v[k];
		if (first) {
			change->entry.type = LAYER_HARDLINK;
			change->entry.target = xstrdup(first->entry.path);
			change->entry.size = 0;
		} else {
			GROW(named.v, named.n);
			named.v[named.n++] = *change;
		}
	}
	free(named.v);
}

bool build_change_look_up(struct build_change *change, struct build_files *files,
			  const struct stat *st)
{
	struct build_known k;

	change->files = files;
	build_known_init(&k, st);
	if (!st->st_size) {
		oci_digest_of("", 0, &change->content);
	} else if (build_files_find(files, &k)) {
		change->content = k.digest;
		return k.plain;
	} else {
		change->unread = xcalloc(1, sizeof k);
		*change->unread = k;
	}
	return false;
}

void build_change_seen(struct build_change *change)
{
	if (change->unread)
		change->unread->plain = change->entry.nxattrs == 0;
}

void build_changes_settle(struct build_changes *c, int64_t now)
{
	int64_t newest = INT64_MIN;

	sort_and_dedup(c);
	link_names(c);
	for (size_t i = 0; i < c->n; i++)
		if (!c->v[i].parent && c->v[i].entry.mtime > newest)
			newest = c->v[i].entry.mtime;
	for (size_t i = 0; i < c->n; i++)
		if (c->v[i].parent)
			c->v[i].entry.mtime = newest == INT64_MIN ? now : newest;
}

void build_changes_key(const struct build_changes *c, struct build_key *k)
{
	build_key_number(k, (int64_t)c->n);
	for (size_t i = 0; i < c->n; i++) {
		const struct build_change *change = &c->v[i];
		const struct layer_entry *entry = &change->entry;

		build_key_number(k, entry->type);
		build_key_text(k, entry->path);
		build_key_text(k, entry->target);
		build_key_number(k, entry->mode);
		build_key_number(k, entry->uid);
		build_key_number(k, entry->gid);
		build_key_number(k, entry->major);
		build_key_number(k, entry->minor);
		build_key_number(k, (int64_t)entry->nxattrs);
		for (size_t x = 0; x < entry->nxattrs; x++) {
			build_key_text(k, entry->xattrs[x].name);
			build_key_bytes(k, entry->xattrs[x].value, entry->xattrs[x].size);
		}
		build_key_text(k, change->text);
		if (entry->type == LAYER_FILE)
			build_key_digest(k, &change->content);
	}
}

/* --- Reading --- */

static void set_content(struct build_change *c, const struct oci_digest *content)
{
	c->content = *content;
	free(TAKE_PTR(c->unread));
}

/* A hard link is read as the file that it is one to. */
static bool is_unread(const struct build_change *c)
{
	return c->unread && c->entry.type == LAYER_FILE;
}

uint64_t build_changes_unread(struct build_changes *c)
{
	uint64_t total = 0;

	for (size_t i = 0; i < c->n; i++) {
		struct build_change *change = &c->v[i];

		if (!is_unread(change))
			continue;
		if (build_files_find(change->files, change->unread))
			set_content(change, &change->unread->digest);
		else
			total += change->entry.size;
	}
	return total;
}

static void learn(struct build_change *c, const struct oci_digest *content)
{
	c->unread->digest = *content;
	build_files_add(c->files, c->unread);
	set_content(c, content);
}

/* What was read is new, or what it is known to be. */
static int take_content(struct build_change *c, const struct oci_digest *content,
			struct err *e)
{
	if (is_unread(c))
		learn(c, content);
	else if (!oci_digest_equal(content, &c->content))
		return err_set(e, -ESTALE,
			       "%s was changed while it was copied: run the build again",
			       c->from);
	return 0;
}

/* All bytes of a file, and its digest. */
static int read_bytes(struct build_change *c, struct err *e)
{
	AUTO_CLOSE int fd = path_open(c->root, c->from, PATH_BENEATH, O_RDONLY, 0);
	AUTO_FREE char *bytes = xrealloc(NULL, c->entry.size, 1);
	struct oci_digest content;
	size_t got = 0;
	ssize_t n = 0;
	int r;

	if (fd < 0)
		return err_sys(e, fd, "cannot read %s", c->from);
	while (got < c->entry.size) {
		n = read(fd, bytes + got, c->entry.size - got);
		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			break;
		got += (size_t)n;
	}
	if (n < 0)
		return err_sys(e, -errno, "cannot read %s", c->from);
	if (got < c->entry.size)
		return err_set(e, -EIO, "%s became shorter while it was read", c->from);
	oci_digest_of(bytes, got, &content);
	r = take_content(c, &content, e);
	if (r == 0)
		c->bytes = TAKE_PTR(bytes);
	return r;
}

static bool is_kept(const struct build_changes *c, const struct build_change *change)
{
	return c->keep_small && change->files && change->entry.size <= BUILD_FILE_KEPT;
}

/* The layer has them: only others may want them. */
static void let_go(const struct build_changes *c, struct build_change *change)
{
	char *bytes = TAKE_PTR(change->bytes);

	if (bytes && is_kept(c, change))
		build_files_keep(change->files, &change->content, bytes,
				 change->entry.size);
	else
		free(bytes);
}

static int read_digest(const struct build_changes *c, struct build_change *change,
		       struct err *e)
{
	struct oci_digest content;
	int r;

	if (is_kept(c, change)) {
		r = read_bytes(change, e);
		let_go(c, change);
		return r;
	}
	r = build_file_digest(change->root, change->from, &content, e);
	if (r == 0)
		learn(change, &content);
	return r;
}

int build_changes_read(struct build_changes *c, bool keep, struct err *e)
{
	int r = 0;

	for (size_t i = 0; r == 0 && i < c->n; i++)
		if (is_unread(&c->v[i]))
			r = keep ? read_bytes(&c->v[i], e) : read_digest(c, &c->v[i], e);
	return r;
}

int build_changes_digests(struct build *b, struct build_changes *c, struct err *e)
{
	int r = 0;

	pthread_mutex_lock(&b->reading);
	if (build_changes_unread(c))
		r = build_changes_read(c, false, e);
	pthread_mutex_unlock(&b->reading);
	return r;
}

/* --- Writing --- */

/* Those that are in memory; NULL: none. */
static const char *bytes_of(const struct build_change *c)
{
	if (c->text || c->bytes)
		return c->text ? c->text : c->bytes;
	return c->files && !is_unread(c) ? build_files_kept(c->files, &c->content) : NULL;
}

/* The key of the layer has told what is in the file: that is what has to be there. */
static int write_from_disk(struct layer_writer *w, struct build_change *c, struct err *e)
{
	AUTO_CLOSE int fd = path_open(c->root, c->from, PATH_BENEATH, O_RDONLY, 0);
	struct oci_digest content;
	int r;

	if (fd < 0)
		return err_sys(e, fd, "cannot read %s", c->from);
	if (!c->files)
		return layer_writer_add(w, &c->entry, fd, e);
	r = layer_writer_add_hashed(w, &c->entry, fd, &content, e);
	return r < 0 ? r : take_content(c, &content, e);
}

static int write_change(struct layer_writer *w, const struct build_changes *c,
			struct build_change *change, struct err *e)
{
	const char *bytes;
	int r = 0;

	if (change->entry.type != LAYER_FILE || !change->entry.size)
		return layer_writer_add(w, &change->entry, -1, e);
	bytes = bytes_of(change);
	if (!bytes && is_kept(c, change)) {
		r = read_bytes(change, e);
		bytes = change->bytes;
	}
	if (r < 0)
		return r;
	if (!bytes)
		return write_from_disk(w, change, e);
	r = layer_writer_add_bytes(w, &change->entry, bytes, e);
	let_go(c, change);
	return r;
}

int build_changes_fill(struct build *b, struct build_changes *c,
		       struct build_new_layer *new, struct err *e)
{
	int r = build_new_layer_begin(b, new, e);

	for (size_t i = 0; r == 0 && i < c->n; i++) {
		if (build_cancelled(b))
			return err_set(e, -ECANCELED, "cancelled");
		r = write_change(new->writer, c, &c->v[i], e);
	}
	return r;
}

int build_changes_write(struct build *b, struct build_changes *c,
			struct build_layer **layer, struct err *e)
{
	struct build_new_layer new;
	int r = build_changes_fill(b, c, &new, e);

	if (r == 0)
		r = build_new_layer_end(b, &new, layer, e);
	build_new_layer_free(&new);
	return r;
}

void build_changes_free(struct build_changes *c)
{
	for (size_t i = 0; i < c->n; i++) {
		let_go(c, &c->v[i]);
		change_clear(&c->v[i]);
	}
	free(c->v);
	*c = (struct build_changes){0};
}
