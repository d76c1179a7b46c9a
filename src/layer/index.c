/* SPDX-License-Identifier: MIT */
#include "layer/index.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "layer/layer-internal.h"

int layer_path_compare(const char *a, const char *b)
{
	/* `/` before every other byte keeps a folder's contents together. */
	for (;; a++, b++) {
		int x = *a == '/' ? 1 : *a ? (unsigned char)*a + 1 : 0;
		int y = *b == '/' ? 1 : *b ? (unsigned char)*b + 1 : 0;

		if (x != y)
			return x - y;
		if (!x)
			return 0;
	}
}

void layer_index_add(struct layer_index *index, const struct layer_entry *entry)
{
	struct layer_entry *e;

	GROW(index->entries, index->n);
	e = &index->entries[index->n++];
	layer_entry_copy(e, entry);
	free(TAKE_PTR(e->extents));
	e->nextents = 0;
	if (index->n > 1 && layer_path_compare(e[-1].path, e->path) >= 0)
		index->sorted = false;
}

struct numbered {
	struct layer_entry entry;
	size_t number;
};

static int by_path(const void *a, const void *b)
{
	const struct numbered *x = a, *y = b;
	int r = layer_path_compare(x->entry.path, y->entry.path);

	if (r)
		return r;
	return x->number < y->number ? -1 : 1;
}

/* Of the entries with one path the last counts. */
static void sort_index(struct layer_index *index)
{
	struct numbered *all;
	size_t n = 0;

	if (index->sorted)
		return;
	all = xcalloc(index->n, sizeof *all);
	for (size_t i = 0; i < index->n; i++)
		all[i] = (struct numbered){index->entries[i], i};
	qsort(all, index->n, sizeof *all, by_path);
	for (size_t i = 0; i < index->n; i++) {
		if (n && strcmp(index->entries[n - 1].path, all[i].entry.path) == 0)
			layer_entry_clear(&index->entries[--n]);
		index->entries[n++] = all[i].entry;
	}
	free(all);
	/* GROW counts on room for the next power of two. */
	for (index->n = 1; index->n < n; index->n *= 2)
		;
	index->entries = xrealloc(index->entries, index->n, sizeof *index->entries);
	index->n = n;
	index->sorted = true;
}

size_t layer_index_position(struct layer_index *index, const char *path)
{
	size_t low = 0, high;

	sort_index(index);
	high = index->n;
	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (layer_path_compare(index->entries[middle].path, path) < 0)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

const struct layer_entry *layer_index_find(struct layer_index *index, const char *path)
{
	size_t at = layer_index_position(index, path);

	if (at == index->n || strcmp(index->entries[at].path, path) != 0)
		return NULL;
	return &index->entries[at];
}

bool layer_index_has_contents(struct layer_index *layer, const char *path)
{
	size_t n = strlen(path);
	size_t at = layer_index_position(layer, path);

	if (at < layer->n && strcmp(layer->entries[at].path, path) == 0)
		at++;
	if (at == layer->n)
		return false;
	return n == 0 || (strncmp(layer->entries[at].path, path, n) == 0 &&
			  layer->entries[at].path[n] == '/');
}

/* Whether a path is in a folder, whose name has n bytes, or is the folder. */
static bool is_within(const char *path, const char *folder, size_t n)
{
	return path && strncmp(path, folder, n) == 0 && (path[n] == '/' || !path[n]);
}

int layer_index_borrowed(struct layer_index *index,
			 int (*folder)(void *context, const char *path), void *context)
{
	const char *last = NULL; /* the entry before: its folders are done */

	sort_index(index);
	for (size_t i = 0; i < index->n; i++) {
		const struct layer_entry *e = &index->entries[i];
		const char *slash = e->path;
		int r = 0;

		while (r == 0 && (slash = strchr(slash, '/'))) {
			size_t n = (size_t)(slash++ - e->path);
			AUTO_FREE char *path = NULL;

			if (is_within(last, e->path, n))
				continue;
			path = xstrndup(e->path, n);
			r = folder(context, path);
		}
		/* An entry for a marker alone looks like one of the layer's own. */
		if (r == 0 && e->opaque && *e->path)
			r = folder(context, e->path);
		if (r)
			return r;
		last = e->path;
	}
	return 0;
}

void layer_index_free(struct layer_index *index)
{
	for (size_t i = 0; i < index->n; i++)
		layer_entry_clear(&index->entries[i]);
	free(index->entries);
	*index = (struct layer_index)LAYER_INDEX_INIT;
}

/*
 * --- As bytes ---
 *
 * After a line that names the format, each entry is a line of numbers, the path, a NUL,
 * the target (if any), a NUL, and for each attribute its name, a NUL, and its bytes.
 */

static const char format_line[] = "layer index 1\n";

void layer_index_format(struct layer_index *index, struct strbuf *out)
{
	sort_index(index);
	strbuf_adds(out, format_line);
	for (size_t i = 0; i < index->n; i++) {
		const struct layer_entry *e = &index->entries[i];

		strbuf_addf(out, "%c%c %o %u %u %lld %llu %u %u %llu %zu\n",
			    (char)e->type, e->opaque ? 'o' : '-', e->mode, e->uid, e->gid,
			    (long long)e->mtime, (unsigned long long)e->size, e->major,
			    e->minor, (unsigned long long)e->offset, e->nxattrs);
		strbuf_add(out, e->path, strlen(e->path) + 1);
		strbuf_add(out, e->target ? e->target : "",
			   e->target ? strlen(e->target) + 1 : 1);
		for (size_t k = 0; k < e->nxattrs; k++) {
			const struct layer_xattr *x = &e->xattrs[k];

			strbuf_addf(out, "%zu ", x->size);
			strbuf_add(out, x->name, strlen(x->name) + 1);
			strbuf_add(out, x->value, x->size);
		}
	}
}

struct reader {
	const char *p, *end; /* *end is NUL */
};

/* A string that ends with NUL before the end; NULL when none does. */
static const char *read_string(struct reader *r)
{
	const char *s = r->p;
	const char *nul = memchr(s, '\0', (size_t)(r->end - s));

	if (!nul)
		return NULL;
	r->p = nul + 1;
	return s;
}

static bool read_xattr(struct reader *r, struct layer_entry *e)
{
	char *after;
	unsigned long size = strtoul(r->p, &after, 10);
	const char *name;

	if (after == r->p || after >= r->end || *after != ' ')
		return false;
	r->p = after + 1;
	name = read_string(r);
	if (!name || size > (size_t)(r->end - r->p))
		return false;
	layer_entry_add_xattr(e, name, r->p, size);
	r->p += size;
	return true;
}

static bool read_numbers(struct reader *r, struct layer_entry *e, size_t *nxattrs)
{
	const char *newline = memchr(r->p, '\n', (size_t)(r->end - r->p));
	unsigned long long size, offset;
	char type, opaque;
	long long mtime;
	int used = -1;

	if (!newline ||
	    sscanf(r->p, "%c%c %o %u %u %lld %llu %u %u %llu %zu%n", &type, &opaque,
		   &e->mode, &e->uid, &e->gid, &mtime, &size, &e->major, &e->minor,
		   &offset, nxattrs, &used) != 11 ||
	    r->p + used != newline || !strchr("fdlhcbpw", type))
		return false;
	e->type = (enum layer_type)type;
	e->opaque = opaque == 'o';
	e->mtime = mtime;
	e->size = size;
	e->offset = offset;
	r->p = newline + 1;
	return true;
}

static bool read_entry(struct reader *r, struct layer_entry *e)
{
	const char *path, *target;
	size_t nxattrs;

	if (!read_numbers(r, e, &nxattrs))
		return false;
	path = read_string(r);
	target = path ? read_string(r) : NULL;
	if (!target)
		return false;
	e->path = xstrdup(path);
	if (e->type == LAYER_SYMLINK || e->type == LAYER_HARDLINK)
		e->target = xstrdup(target);
	for (size_t i = 0; i < nxattrs; i++)
		if (!read_xattr(r, e))
			return false;
	return true;
}

int layer_index_parse(struct layer_index *index, const char *data, size_t len,
		      struct err *e)
{
	struct reader r = {data + sizeof format_line - 1, data + len};

	if (len < sizeof format_line - 1 ||
	    memcmp(data, format_line, sizeof format_line - 1) != 0)
		return err_set(e, -EBADMSG, "this is no index of a layer");
	while (r.p < r.end) {
		struct layer_entry entry = {.nxattrs = 0};
		bool good = read_entry(&r, &entry);

		if (good)
			layer_index_add(index, &entry);
		layer_entry_clear(&entry);
		if (!good) {
			layer_index_free(index);
			return err_set(e, -EBADMSG, "the index of a layer is damaged");
		}
	}
	return 0;
}
