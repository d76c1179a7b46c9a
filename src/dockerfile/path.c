/* SPDX-License-Identifier: MIT */
#include "dockerfile/path-internal.h"

#include <stdbool.h>
#include <string.h>

#include "base/alloc.h"
#include "base/strbuf.h"

/* Takes the last component off, unless there is none to take. */
static bool up(struct strbuf *out, size_t root)
{
	size_t len = out->len;

	if (len == root || (len >= 2 && strcmp(out->data + len - 2, "..") == 0 &&
			    (len == 2 || out->data[len - 3] == '/')))
		return false;
	while (len > root && out->data[len - 1] != '/')
		len--;
	strbuf_trim(out, len > root ? len - 1 : root);
	return true;
}

char *dockerfile_path_clean(const char *path)
{
	struct strbuf out = STRBUF_INIT;
	size_t root = *path == '/';

	if (root)
		strbuf_addc(&out, '/');
	while (*(path += strspn(path, "/"))) {
		size_t n = strcspn(path, "/");
		bool dotdot = n == 2 && strncmp(path, "..", 2) == 0;

		if (n == 1 && *path == '.') {
			path++;
			continue;
		}
		/* Above the root is the root. */
		if (!dotdot || (!up(&out, root) && !root)) {
			if (out.len > root)
				strbuf_addc(&out, '/');
			strbuf_add(&out, path, n);
		}
		path += n;
	}
	if (out.len == 0)
		strbuf_addc(&out, '.');
	return strbuf_take(&out);
}
