/* SPDX-License-Identifier: MIT */

/* A tar: names are clean, content is within its file, and what is read can be written. */

#include <stdlib.h>
#include <string.h>

#include "layer/tar-internal.h"
#include "tests/fuzz/fuzz.h"

struct input {
	const uint8_t *data;
	size_t size;
};

/* In parts of odd sizes, so that headers come in pieces. */
static int next_part(void *context, const uint8_t **data, size_t *n, struct err *e)
{
	struct input *in = context;

	*data = in->data;
	*n = in->size < 301 ? in->size : 301;
	in->data += *n;
	in->size -= *n;
	return *n > 0;
}

static void check_path(const char *path)
{
	AUTO_STRBUF struct strbuf copy = STRBUF_INIT;

	strbuf_adds(&copy, path);
	strbuf_addc(&copy, '\0');
	if (layer_path_clean(copy.data) < 0 || strcmp(copy.data, path) != 0)
		abort();
}

static void check_entry(const struct layer_entry *entry)
{
	AUTO_STRBUF struct strbuf header = STRBUF_INIT;

	check_path(entry->path);
	if (entry->type == LAYER_HARDLINK)
		check_path(entry->target);
	if (tar_header(entry, &header, NULL) == 0 && header.len % TAR_BLOCK)
		abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct input in = {data, size};
	struct tar_reader t = {.source = next_part, .context = &in};
	struct layer_entry entry = {.nxattrs = 0};
	AUTO_ERR struct err e = ERR_INIT;
	const uint8_t *content;
	uint64_t at;
	size_t n;
	int r;

	while ((r = tar_next(&t, &entry, &e)) > 0) {
		check_entry(&entry);
		while ((r = tar_content(&t, &content, &n, &at, &e)) > 0)
			if (!n || at > entry.size || n > entry.size - at)
				abort();
		if (r < 0)
			break;
	}
	if (r < 0 && !e.text)
		abort();
	layer_entry_clear(&entry);
	return 0;
}
