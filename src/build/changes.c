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

enum { BLOCK = 256 * 1024 };

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
		size_t n = (size_t)(p - path);
		AUTO_FREE char *parent = NULL;
		int r;

		/* Many files that go into one folder come one after the other. */
		if (c->last && strncmp(c->last, path, n + 1) == 0)
			continue;
		parent = xstrndup(path, n);
		r = add_parent(c, view, parent, uid, gid, e);
		if (r < 0)
			return r;
	}
	free(c->last);
	c->last = xstrdup(path);
	return 0;
}

static void change_clear(struct build_change *c)
{
	layer_entry_clear(&c->entry);
	free(c->from);
	free(c->text);
	free(c->unread);
}

void build_changes_remove(struct build_changes *c, size_t from,
			  bool (*out)(void *context, const struct build_change *change),
			  void *context)
{
	size_t kept = from;

	for (size_t i = from; i < c->n; i++)
		if (out(context, &c->v[i]))
			change_clear(&c->v[i]);
		else
			c->v[kept++] = c->v[i];
	c->n = kept;
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

/* By file, and then in the order of the layer. */
static int by_file(const void *a, const void *b)
{
	const struct build_change *x = *(struct build_change *const *)a;
	const struct build_change *y = *(struct build_change *const *)b;

	if (x->dev != y->dev)
		return x->dev < y->dev ? -1 : 1;
	if (x->ino != y->ino)
		return x->ino < y->ino ? -1 : 1;
	return x < y ? -1 : x > y;
}

/* A later name of a file becomes a link to the first. */
static void link_names(struct build_changes *c)
{
	AUTO_FREE struct build_change **named = xcalloc(c->n + 1, sizeof *named);
	const struct build_change *first = NULL;
	size_t n = 0;

	for (size_t i = 0; i < c->n; i++)
		if (c->v[i].entry.type == LAYER_FILE && c->v[i].ino)
			named[n++] = &c->v[i];
	qsort(named, n, sizeof *named, by_file);
	for (size_t i = 0; i < n; i++) {
		struct build_change *change = named[i];

		if (!first || first->ino != change->ino || first->dev != change->dev) {
			first = change;
			continue;
		}
		change->entry.type = LAYER_HARDLINK;
		change->entry.target = xstrdup(first->entry.path);
		change->entry.size = 0;
	}
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

static int by_source(const void *a, const void *b)
{
	const struct build_change *x = *(struct build_change *const *)a;
	const struct build_change *y = *(struct build_change *const *)b;

	return x->root != y->root ? (x->root < y->root ? -1 : 1)
				  : strcmp(x->from, y->from);
}

void build_changes_mark_repeated(struct build_changes *c)
{
	AUTO_FREE struct build_change **v = xcalloc(c->n + 1, sizeof *v);
	size_t n = 0;

	for (size_t i = 0; i < c->n; i++)
		if (c->v[i].from && c->v[i].entry.type == LAYER_FILE)
			v[n++] = &c->v[i];
	qsort(v, n, sizeof *v, by_source);
	for (size_t i = 1; i < n; i++)
		if (by_source(&v[i - 1], &v[i]) == 0)
			v[i - 1]->again = v[i]->again = true;
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

/* A hard link is read as the file that it is one to. Somebody may have read it since. */
static bool is_unread(struct build_change *c)
{
	if (!c->unread || c->entry.type != LAYER_FILE)
		return false;
	if (!build_files_find(c->files, c->unread))
		return true;
	set_content(c, &c->unread->digest);
	return false;
}

uint64_t build_changes_unread(struct build_changes *c)
{
	uint64_t total = 0;

	for (size_t i = 0; i < c->n; i++)
		if (is_unread(&c->v[i]))
			total += c->v[i].entry.size;
	return total;
}

/* What was read is new, or what it is known to be. */
static int take_content(struct build_change *c, const struct oci_digest *content,
			struct err *e)
{
	if (c->unread) {
		c->unread->digest = *content;
		build_files_add(c->files, c->unread);
		set_content(c, content);
	} else if (!oci_digest_equal(content, &c->content)) {
		return err_set(e, -ESTALE,
			       "%s was changed while it was copied: run the build again",
			       c->from);
	}
	return 0;
}

/* A file on its way: hashed, and copied into the spool for those who want it too. */
struct reading {
	const char *path;
	int fd;
	struct oci_hasher *hasher;
	struct build_spool *spool; /* NULL: nobody does */
	uint64_t at;
};

static ssize_t read_on(void *context, void *data, size_t n, struct err *e)
{
	struct reading *in = context;
	ssize_t got;
	int r = 0;

	do
		got = read(in->fd, data, n);
	while (got < 0 && errno == EINTR);
	if (got < 0)
		return err_sys(e, -errno, "cannot read %s", in->path);
	oci_hasher_add(in->hasher, data, (size_t)got);
	if (in->spool)
		r = build_spool_write(in->spool, in->at, data, (size_t)got, e);
	in->at += (uint64_t)got;
	return r < 0 ? r : got;
}

/* For its digest alone: as many bytes as a layer would get. */
static int read_through(struct reading *in, uint64_t size, struct err *e)
{
	AUTO_FREE char *block = xrealloc(NULL, BLOCK, 1);
	ssize_t got = 1;

	for (; size && got > 0; size -= (uint64_t)got)
		got = read_on(in, block, size < BLOCK ? size : BLOCK, e);
	if (got == 0)
		return err_set(e, -EIO, "%s became shorter while it was read", in->path);
	return got < 0 ? (int)got : 0;
}

/* Reads a file, into a layer if there is one. */
static int read_file(struct build_change *c, struct build_spool *spool,
		     struct layer_writer *w, struct err *e)
{
	AUTO_CLOSE int fd = path_open(c->root, c->from, PATH_BENEATH, O_RDONLY, 0);
	struct reading in = {.path = c->from, .fd = fd, .spool = spool};
	struct oci_digest content;
	uint64_t at = 0;
	int r;

	if (fd < 0)
		return err_sys(e, fd, "cannot read %s", c->from);
	r = spool ? build_spool_take(spool, c->entry.size, &at, e) : 0;
	if (r < 0)
		return r;
	in.at = at;
	in.hasher = oci_hasher_new();
	r = w ? layer_writer_add_from(w, &c->entry, read_on, &in, e)
	      : read_through(&in, c->entry.size, e);
	if (r == 0) {
		oci_hasher_finish(in.hasher, &content);
		r = take_content(c, &content, e);
	}
	oci_hasher_free(in.hasher);
	if (r == 0 && spool)
		build_spool_settle(spool, &content, at);
	return r;
}

static bool is_wanted_again(const struct build *b, const struct build_changes *c,
			    const struct build_change *change)
{
	return change->again || build_is_shared(b, c->step, change->files, change->from);
}

int build_changes_read(struct build *b, struct build_changes *c, struct err *e)
{
	int r = 0;

	for (size_t i = 0; r == 0 && i < c->n; i++) {
		struct build_change *change = &c->v[i];
		bool again;

		if (!is_unread(change))
			continue;
		again = c->spooled || is_wanted_again(b, c, change);
		r = read_file(change, again ? &b->spool : NULL, NULL, e);
	}
	return r;
}

int build_changes_digests(struct build *b, struct build_changes *c, struct err *e)
{
	int r = 0;

	pthread_mutex_lock(&b->reading);
	if (build_changes_unread(c))
		r = build_changes_read(b, c, e);
	pthread_mutex_unlock(&b->reading);
	return r;
}

/* --- Writing --- */

static ssize_t text_source(void *context, void *data, size_t n, struct err *e)
{
	const char **text = context;

	(void)e;
	n = strnlen(*text, n);
	memcpy(data, *text, n);
	*text += n;
	return (ssize_t)n;
}

struct kept {
	const struct build_spool *spool;
	uint64_t at;
};

static ssize_t kept_source(void *context, void *data, size_t n, struct err *e)
{
	struct kept *k = context;
	ssize_t got = build_spool_read(k->spool, k->at, data, n, e);

	k->at += got > 0 ? (uint64_t)got : 0;
	return got;
}

/* The key of the layer has told what is in the file: that is what has to be there. */
static int write_known(struct layer_writer *w, struct build_spool *spool, bool again,
		       struct build_change *change, struct err *e)
{
	struct kept k = {.spool = spool};
	int r;

	if (build_spool_find(spool, &change->content, again, &k.at))
		return layer_writer_add_from(w, &change->entry, kept_source, &k, e);
	r = read_file(change, again ? spool : NULL, w, e);
	if (r < 0 && again)
		build_spool_give_up(spool, &change->content);
	return r;
}

/* One whose digest nobody asks for. */
static int write_plain(struct layer_writer *w, const struct build_change *c,
		       struct err *e)
{
	AUTO_CLOSE int fd = path_open(c->root, c->from, PATH_BENEATH, O_RDONLY, 0);

	return fd < 0 ? err_sys(e, fd, "cannot read %s", c->from)
		      : layer_writer_add(w, &c->entry, fd, e);
}

static int write_change(struct build *b, struct layer_writer *w,
			const struct build_changes *c, struct build_change *change,
			struct err *e)
{
	const char *text = change->text;
	bool again;

	if (change->entry.type != LAYER_FILE || !change->entry.size)
		return layer_writer_add(w, &change->entry, -1, e);
	if (text)
		return layer_writer_add_from(w, &change->entry, text_source, &text, e);
	if (!change->files)
		return write_plain(w, change, e);
	again = is_wanted_again(b, c, change);
	return is_unread(change) ? read_file(change, again ? &b->spool : NULL, w, e)
				 : write_known(w, &b->spool, again, change, e);
}

int build_changes_fill(struct build *b, struct build_changes *c,
		       struct build_new_layer *new, struct err *e)
{
	int r = build_new_layer_begin(b, new, e);

	for (size_t i = 0; r == 0 && i < c->n; i++) {
		if (build_cancelled(b))
			return err_set(e, -ECANCELED, "cancelled");
		r = write_change(b, new->writer, c, &c->v[i], e);
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
	for (size_t i = 0; i < c->n; i++)
		change_clear(&c->v[i]);
	free(c->v);
	free(c->last);
	*c = (struct build_changes){0};
}
