/* SPDX-License-Identifier: MIT */
#include "layer/scan-internal.h"

#include <errno.h>
#include <inttypes.h>
#include <string.h>

#include "base/alloc.h"
#include "layer/layer-internal.h"

int layer_scan_begin(struct layer_scan *s, layer_source source, void *context,
		     const struct layer_read_options *options, bool markers,
		     struct err *e)
{
	int r;

	memset(s, 0, sizeof *s);
	s->options = *options;
	if (!s->options.limits)
		s->options.limits = &layer_limits_usual;
	s->markers = markers;
	r = layer_stream_new(&s->stream, source, context, options, e);
	s->tar.source = layer_stream_next;
	s->tar.context = s->stream;
	return r;
}

/* Notes what a marker file says: 1, or 0 for a plain name. */
static int take_marker(struct layer_scan *s, struct err *e)
{
	const char *path = s->entry.path;
	const char *slash = strrchr(path, '/');
	const char *name = slash ? slash + 1 : path;
	size_t prefix = strlen(LAYER_WHITEOUT_PREFIX);
	const char *hidden = name + prefix;

	if (strncmp(name, LAYER_WHITEOUT_PREFIX, prefix) != 0)
		return 0;
	if (strcmp(name, LAYER_OPAQUE_NAME) == 0) {
		strv_own(&s->opaques, xstrndup(path, slash ? (size_t)(slash - path) : 0));
		return 1;
	}
	/* What aufs noted for itself. */
	if (strncmp(hidden, LAYER_WHITEOUT_PREFIX, prefix) == 0)
		return 1;
	if (!*hidden || strcmp(hidden, ".") == 0 || strcmp(hidden, "..") == 0)
		return err_set(e, -EXDEV, "%s hides no name", path);
	strv_addf(&s->whiteouts, "%.*s%s", (int)(name - path), path, hidden);
	return 1;
}

static int check_entry(struct layer_scan *s, struct err *e)
{
	const struct layer_limits *limits = s->options.limits;
	const struct layer_entry *entry = &s->entry;

	if (++s->entries > limits->entries)
		return err_set(e, -EFBIG, "the archive has more than %" PRIu64 " names",
			       limits->entries);
	if (entry->size > limits->bytes)
		return err_set(e, -EFBIG, "%s has more than %" PRIu64 " bytes",
			       entry->path, limits->bytes);
	if (!*entry->path && entry->type != LAYER_FOLDER)
		return err_set(e, -EBADMSG, "the archive has an entry without a name");
	return 0;
}

/* Overlay would read such a device as a whiteout, so it is one. */
static bool is_whiteout_device(const struct layer_entry *entry)
{
	return entry->type == LAYER_CHAR && !entry->major && !entry->minor;
}

int layer_scan_next(struct layer_scan *s, struct err *e)
{
	for (;;) {
		int r = tar_next(&s->tar, &s->entry, e);

		if (r <= 0)
			return r;
		r = check_entry(s, e);
		if (r == 0 && s->markers)
			r = take_marker(s, e);
		if (r < 0)
			return r;
		if (r > 0)
			continue;
		if (s->markers && is_whiteout_device(&s->entry)) {
			strv_add(&s->whiteouts, s->entry.path);
			continue;
		}
		if (s->options.index)
			layer_index_add(s->options.index, &s->entry);
		return 1;
	}
}

/* Notes a marker in the index, or in more where the index has no entry for the path. */
static void mark_path(struct layer_scan *s, struct layer_index *more, char *path,
		      bool opaque)
{
	struct layer_index *index = s->options.index;
	struct layer_entry entry = {.type = LAYER_WHITEOUT, .path = path};
	size_t at = layer_index_position(index, path);

	if (at < index->n && strcmp(index->entries[at].path, path) == 0) {
		if (index->entries[at].type == LAYER_FOLDER)
			index->entries[at].opaque = true;
		return;
	}
	if (opaque || layer_index_has_contents(index, path)) {
		entry.type = LAYER_FOLDER;
		entry.opaque = true;
		entry.mode = 0755;
	}
	layer_index_add(more, &entry);
}

/* Of a hidden name that the layer has itself, only a folder's old contents are hidden. */
static void complete_index(struct layer_scan *s)
{
	struct layer_index more = LAYER_INDEX_INIT;

	for (size_t i = 0; i < s->whiteouts.n; i++)
		mark_path(s, &more, s->whiteouts.v[i], false);
	for (size_t i = 0; i < s->opaques.n; i++)
		mark_path(s, &more, s->opaques.v[i], true);
	for (size_t i = 0; i < more.n; i++)
		layer_index_add(s->options.index, &more.entries[i]);
	layer_index_free(&more);
}

int layer_scan_finish(struct layer_scan *s, struct layer_result *result, struct err *e)
{
	if (s->options.index)
		complete_index(s);
	result->entries = s->entries;
	return layer_stream_finish(s->stream, result, e);
}

void layer_scan_free(struct layer_scan *s)
{
	layer_stream_free(s->stream);
	layer_entry_clear(&s->entry);
	strv_free(&s->whiteouts);
	strv_free(&s->opaques);
}

int layer_scan(layer_source source, void *context,
	       const struct layer_read_options *options, struct layer_result *result,
	       struct err *e)
{
	struct layer_scan s;
	int r = layer_scan_begin(&s, source, context, options, true, e);

	if (r < 0)
		return r;
	while ((r = layer_scan_next(&s, e)) > 0)
		;
	if (r == 0)
		r = layer_scan_finish(&s, result, e);
	layer_scan_free(&s);
	return r;
}

bool layer_is_tar(layer_source source, void *context)
{
	const struct layer_read_options options = {.trusted = true};
	struct layer_scan s;
	int r = layer_scan_begin(&s, source, context, &options, false, NULL);

	if (r == 0) {
		r = layer_scan_next(&s, NULL);
		layer_scan_free(&s);
	}
	return r >= 0;
}
