/* SPDX-License-Identifier: MIT */
#include "layer/write.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/alloc.h"
#include "layer/layer-internal.h"
#include "layer/pipe-internal.h"
#include "layer/tar-internal.h"

struct layer_writer {
	struct layer_write_options options;
	struct layer_pipe *pipe;
	struct strbuf header;
	char *last; /* path of the last entry */
	uint64_t entries;
};

int layer_writer_new(struct layer_writer **w, const struct layer_write_options *options,
		     layer_sink sink, void *context, struct err *e)
{
	int min, max, usual, level = options->level;

	if (!layer_compression_suffix(options->compression))
		return err_set(e, -EINVAL, "layers are not compressed in this form");
	layer_compression_levels(options->compression, &min, &max, &usual);
	if (level && (level < min || level > max))
		return err_set(e, -EINVAL,
			       "there is no compression level %d (from %d to %d)", level,
			       min, max);
	*w = xcalloc(1, sizeof **w);
	(*w)->options = *options;
	(*w)->header = (struct strbuf)STRBUF_INIT;
	(*w)->pipe = layer_pipe_new(options->compression, level, options->threads, sink,
				    context);
	return 0;
}

const struct layer_write_options *layer_writer_options(const struct layer_writer *w)
{
	return &w->options;
}

/* --- Content --- */

/* Where a file's bytes come from. */
struct content {
	int fd;		     /* read at any place; */
	layer_source source; /* or else, if there is one, from its start to its end */
	void *context;
};

static ssize_t read_some(const struct content *c, const char *path, void *to, size_t n,
			 uint64_t from, struct err *e)
{
	ssize_t got;

	if (c->source)
		return c->source(c->context, to, n, e);
	do
		got = pread(c->fd, to, n, (off_t)from);
	while (got < 0 && errno == EINTR);
	return got < 0 ? err_sys(e, -errno, "cannot read %s", path) : got;
}

/* n bytes of the file from an offset on, straight into the pipe. */
static int add_bytes(struct layer_writer *w, const struct content *c, const char *path,
		     uint64_t from, uint64_t n, struct err *e)
{
	while (n) {
		uint8_t *to;
		size_t room;
		ssize_t got;
		int r = layer_pipe_room(w->pipe, &to, &room, e);

		if (r < 0)
			return r;
		got = read_some(c, path, to, room < n ? room : (size_t)n, from, e);
		if (got < 0)
			return (int)got;
		if (got == 0)
			return err_set(e, -EIO, "%s became shorter while it was read",
				       path);
		layer_pipe_advance(w->pipe, (size_t)got);
		from += (uint64_t)got;
		n -= (uint64_t)got;
	}
	return 0;
}

static int add_content(struct layer_writer *w, const struct layer_entry *entry,
		       const struct content *c, struct err *e)
{
	uint64_t size = tar_content_size(entry);
	int r = 0;

	if (!entry->extents)
		r = add_bytes(w, c, entry->path, 0, size, e);
	for (size_t i = 0; r == 0 && i < entry->nextents; i++)
		r = add_bytes(w, c, entry->path, entry->extents[i].offset,
			      entry->extents[i].size, e);
	return r < 0 ? r : layer_pipe_zeros(w->pipe, -size % TAR_BLOCK, e);
}

/* --- Entries --- */

/* Empty files whose names hide something of the layers below (image-spec, layer.md). */
static int add_marker(struct layer_writer *w, const struct layer_entry *about,
		      const char *folder, size_t n, const char *name, struct err *e)
{
	struct layer_entry marker = {
		.type = LAYER_FILE, .mode = 0600, .mtime = about->mtime};
	int r;

	marker.path = xasprintf("%.*s%s%s", (int)n, folder, n ? "/" : "", name);
	strbuf_trim(&w->header, 0);
	r = tar_header(&marker, &w->header, e);
	free(marker.path);
	return r < 0 ? r : layer_pipe_write(w->pipe, w->header.data, w->header.len, e);
}

static int add_whiteout(struct layer_writer *w, const struct layer_entry *entry,
			struct err *e)
{
	const char *slash = strrchr(entry->path, '/');
	const char *name = slash ? slash + 1 : entry->path;
	AUTO_FREE char *marker = xasprintf(LAYER_WHITEOUT_PREFIX "%s", name);

	return add_marker(w, entry, entry->path,
			  slash ? (size_t)(slash - entry->path) : 0, marker, e);
}

/* Attributes are sorted, and what is security's comes before what is the user's. */
static void disown(struct layer_entry *entry)
{
	entry->uid = entry->gid = 0;
	entry->mode &= ~(uint32_t)(S_ISUID | S_ISGID);
	while (entry->nxattrs && strncmp(entry->xattrs->name, "security.", 9) == 0) {
		entry->xattrs++;
		entry->nxattrs--;
	}
}

/* With ids of the image, and no later than the epoch. */
static void translate(const struct layer_writer *w, struct layer_entry *entry)
{
	const struct layer_write_options *o = &w->options;

	if (o->ids)
		o->ids->translate(o->ids->context, &entry->uid, &entry->gid);
	if (o->disown)
		disown(entry);
	if (o->epoch >= 0 && entry->mtime > o->epoch)
		entry->mtime = o->epoch;
}

static int add_real(struct layer_writer *w, const struct layer_entry *entry,
		    const struct content *c, struct err *e)
{
	int r;

	strbuf_trim(&w->header, 0);
	r = tar_header(entry, &w->header, e);
	if (r == 0)
		r = layer_pipe_write(w->pipe, w->header.data, w->header.len, e);
	if (r == 0 && tar_content_size(entry))
		r = add_content(w, entry, c, e);
	if (r == 0 && entry->opaque)
		r = add_marker(w, entry, entry->path, strlen(entry->path),
			       LAYER_OPAQUE_NAME, e);
	return r;
}

static int add(struct layer_writer *w, const struct layer_entry *entry,
	       const struct content *c, struct err *e)
{
	const char *slash = strrchr(entry->path, '/');
	struct layer_entry own = *entry; /* what is changed in it is no pointer */
	int r;

	if (w->last && layer_path_compare(w->last, entry->path) >= 0)
		return err_set(e, -EINVAL, "%s comes after %s", entry->path, w->last);
	if (strncmp(slash ? slash + 1 : entry->path, LAYER_WHITEOUT_PREFIX,
		    strlen(LAYER_WHITEOUT_PREFIX)) == 0)
		return err_set(e, -EINVAL,
			       "%s cannot be in a layer: names with .wh. hide others",
			       entry->path);
	translate(w, &own);
	if (entry->type == LAYER_WHITEOUT)
		r = add_whiteout(w, &own, e);
	else
		r = add_real(w, &own, c, e);
	if (r < 0)
		return r;
	own.offset = tar_content_size(&own)
			     ? layer_pipe_offset(w->pipe) -
				       (tar_content_size(&own) + 511) / 512 * 512
			     : 0;
	if (w->options.index)
		layer_index_add(w->options.index, &own);
	free(w->last);
	w->last = xstrdup(entry->path);
	w->entries++;
	return 0;
}

int layer_writer_add(struct layer_writer *w, const struct layer_entry *entry, int fd,
		     struct err *e)
{
	const struct content c = {.fd = fd};

	return add(w, entry, &c, e);
}

int layer_writer_add_from(struct layer_writer *w, const struct layer_entry *entry,
			  layer_source source, void *context, struct err *e)
{
	const struct content c = {.fd = -1, .source = source, .context = context};

	return add(w, entry, &c, e);
}

int layer_writer_finish(struct layer_writer *w, struct layer_result *result,
			struct err *e)
{
	int r = layer_pipe_zeros(w->pipe, 2 * TAR_BLOCK, e);

	if (r == 0)
		r = layer_pipe_finish(w->pipe, result, e);
	result->entries = w->entries;
	return r;
}

void layer_writer_free(struct layer_writer *w)
{
	if (!w)
		return;
	layer_pipe_free(w->pipe);
	strbuf_free(&w->header);
	free(w->last);
	free(w);
}
