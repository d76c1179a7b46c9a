/* SPDX-License-Identifier: MIT */
/* The tree that the indexes of several layers make together. */
#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "layer/layer-internal.h"

enum { MAX_LINKS = 40 };

/* Whether a folder that the path is in hides what lower layers have of it. */
static bool parent_hides(struct layer_index *layer, const char *path)
{
	AUTO_FREE char *parent = xstrdup(path);
	const struct layer_entry *root = layer_index_find(layer, "");
	char *slash;

	if (root && root->opaque)
		return true;
	while ((slash = strrchr(parent, '/'))) {
		const struct layer_entry *e;

		*slash = '\0';
		e = layer_index_find(layer, parent);
		if (e && (e->type != LAYER_FOLDER || e->opaque))
			return true;
	}
	return false;
}

bool layer_index_hides(struct layer_index *index, const char *path)
{
	return layer_index_find(index, path) || (*path && parent_hides(index, path));
}

/* A hard link shows what it is a link to, in the same layer. */
static const struct layer_entry *follow_hardlink(struct layer_index *layer,
						 const struct layer_entry *e)
{
	for (int i = 0; e && e->type == LAYER_HARDLINK && i < MAX_LINKS; i++)
		e = layer_index_find(layer, e->target);
	return e && e->type != LAYER_HARDLINK ? e : NULL;
}

const struct layer_entry *layer_view_find(const struct layer_view *view, const char *path,
					  bool *implied)
{
	if (implied)
		*implied = !*path;
	for (size_t i = view->n; i-- > 0;) {
		struct layer_index *layer = view->layers[i];
		const struct layer_entry *e = layer_index_find(layer, path);

		if (e && e->type == LAYER_WHITEOUT)
			return NULL;
		if (e) {
			if (implied)
				*implied = false;
			return follow_hardlink(layer, e);
		}
		if (implied && !*implied)
			*implied = layer_index_has_contents(layer, path);
		if (*path && parent_hides(layer, path))
			return NULL;
	}
	return NULL;
}

/* Takes the last component off. */
static void shorten(char *path)
{
	char *slash = strrchr(path, '/');

	*(slash ? slash : path) = '\0';
}

static char *join(const char *folder, const char *name, size_t n)
{
	return xasprintf("%s%s%.*s", folder, *folder ? "/" : "", (int)n, name);
}

int layer_view_resolve(const struct layer_view *view, const char *path, bool follow,
		       char **resolved, struct err *e)
{
	AUTO_FREE char *done = xstrdup("");
	AUTO_FREE char *left = xstrdup(path);
	unsigned links = 0;

	for (char *p = left;;) {
		const struct layer_entry *entry;
		size_t n;

		p += strspn(p, "/");
		n = strcspn(p, "/");
		if (!n)
			break;
		if (n == 2 && p[0] == '.' && p[1] == '.') {
			shorten(done);
		} else if (n != 1 || p[0] != '.') {
			AUTO_FREE char *next = join(done, p, n);
			bool last = !p[n + strspn(p + n, "/")];
			char *rest;

			entry = layer_view_find(view, next, NULL);
			if (!entry || entry->type != LAYER_SYMLINK || (last && !follow)) {
				free(done);
				done = TAKE_PTR(next);
			} else if (++links > MAX_LINKS) {
				return err_set(e, -ELOOP,
					       "%s goes through too many links", path);
			} else {
				if (entry->target[0] == '/')
					*done = '\0';
				rest = xasprintf("%s/%s", entry->target, p + n);
				free(left);
				left = p = rest;
				continue;
			}
		}
		p += n;
	}
	*resolved = TAKE_PTR(done);
	return 0;
}

/* Adds the names right below path that one layer mentions. */
static void collect_names(struct layer_index *layer, const char *path, struct strv *names)
{
	size_t n = strlen(path);
	const char *last = NULL;

	for (size_t i = layer_index_position(layer, path); i < layer->n; i++) {
		const char *name = layer->entries[i].path;

		if (strncmp(name, path, n) != 0 || (n && name[n] && name[n] != '/'))
			break;
		name += n + (n && name[n] == '/');
		if (!*name)
			continue;
		if (last && strncmp(last, name, strcspn(name, "/")) == 0 &&
		    !last[strcspn(name, "/")])
			continue;
		strv_own(names, xstrndup(name, strcspn(name, "/")));
		last = names->v[names->n - 1];
	}
}

int layer_view_list(const struct layer_view *view, const char *path,
		    int (*name)(void *context, const char *name,
				const struct layer_entry *entry),
		    void *context)
{
	AUTO_STRV struct strv names = STRV_INIT;
	int r = 0;

	for (size_t i = 0; i < view->n; i++)
		collect_names(view->layers[i], path, &names);
	strv_sort(&names);
	for (size_t i = 0; r == 0 && i < names.n; i++) {
		AUTO_FREE char *whole = join(path, names.v[i], strlen(names.v[i]));
		const struct layer_entry *entry;
		bool implied;

		if (i && strcmp(names.v[i], names.v[i - 1]) == 0)
			continue;
		entry = layer_view_find(view, whole, &implied);
		if (entry || implied)
			r = name(context, names.v[i], entry);
	}
	return r;
}
