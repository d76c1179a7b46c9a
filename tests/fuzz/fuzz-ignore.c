/* SPDX-License-Identifier: MIT */

/* An ignore file, a NUL, and a path: all ways of asking about the path agree. */

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "dockerfile/ignore.h"
#include "tests/fuzz/fuzz.h"

static bool walk(const struct dockerfile_ignore *ig, char *path)
{
	AUTO_FREE bool *above = xcalloc(ig->n + 1, sizeof *above);
	AUTO_FREE bool *own = xcalloc(ig->n + 1, sizeof *own);
	bool pruned = false;

	for (char *slash = path; (slash = strchr(slash, '/')); slash++) {
		*slash = '\0';
		if (dockerfile_ignore_match_in(ig, above, path, own) &&
		    dockerfile_ignore_prunes(ig, path))
			pruned = true;
		memcpy(above, own, ig->n * sizeof *own);
		*slash = '/';
	}
	return dockerfile_ignore_match_in(ig, above, path, NULL) || pruned;
}

/* `a//b` is no path that anybody asks about. */
static bool is_clean(const char *path)
{
	size_t n = strlen(path);

	return n && path[0] != '/' && path[n - 1] != '/' && !strstr(path, "//");
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const uint8_t *nul = memchr(data, '\0', size);
	size_t len = nul ? (size_t)(nul - data) : size;
	AUTO_IGNORE struct dockerfile_ignore ig = {0};
	AUTO_FREE char *path = NULL;

	if (dockerfile_ignore_parse(&ig, "f", (const char *)data, len, NULL) < 0 || !nul)
		return 0;
	path = xcalloc(size - len, 1);
	memcpy(path, nul + 1, size - len - 1);
	if (is_clean(path) && dockerfile_ignore_match(&ig, path) != walk(&ig, path))
		abort();
	return 0;
}
