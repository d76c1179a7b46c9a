/* SPDX-License-Identifier: MIT */
#include "build/seen.h"

#include <string.h>

#include "base/alloc.h"
#include "base/strbuf.h"
#include "base/strv.h"

/* Repositories of one blob; the base of many images is in many. */
enum { MAX_PATHS = 4 };

static void key_of(const char *host, const struct oci_digest *blob,
		   struct oci_digest *key)
{
	char digest[OCI_DIGEST_TEXT];
	AUTO_FREE char *text = xasprintf("%s %s", host, oci_digest_format(blob, digest));

	oci_digest_of(text, strlen(text), key);
}

/* The paths, that of last time first. What cannot be read is not known. */
static void read_paths(struct store *s, const struct oci_digest *key, struct strv *paths)
{
	AUTO_FREE char *text = NULL;

	if (store_record_read(s, STORE_SEEN, key, &text, NULL, NULL) == 0)
		strv_split(paths, text, "\n");
}

/* Two who write at once: one of them is forgotten, which costs an upload at worst. */
static void note(struct registry_memory *memory, const char *host, const char *path,
		 const struct oci_digest *blob)
{
	struct store *s = ((struct build_seen *)memory)->store;
	AUTO_STRBUF struct strbuf text = STRBUF_INIT;
	AUTO_STRV struct strv paths = STRV_INIT;
	struct oci_digest key;
	size_t n = 1;

	key_of(host, blob, &key);
	read_paths(s, &key, &paths);
	if (paths.n && strcmp(paths.v[0], path) == 0)
		return;
	strbuf_addf(&text, "%s\n", path);
	for (size_t i = 0; i < paths.n && n < MAX_PATHS; i++)
		if (strcmp(paths.v[i], path) != 0) {
			strbuf_addf(&text, "%s\n", paths.v[i]);
			n++;
		}
	(void)store_record_write(s, STORE_SEEN, &key, text.data, text.len, NULL);
}

static char *recall(struct registry_memory *memory, const char *host, const char *path,
		    const struct oci_digest *blob)
{
	AUTO_STRV struct strv paths = STRV_INIT;
	struct oci_digest key;

	key_of(host, blob, &key);
	read_paths(((struct build_seen *)memory)->store, &key, &paths);
	for (size_t i = 0; i < paths.n; i++)
		if (strcmp(paths.v[i], path) != 0)
			return xstrdup(paths.v[i]);
	return NULL;
}

void build_seen_init(struct build_seen *seen, struct store *store)
{
	*seen = (struct build_seen){{note, recall}, store};
}
