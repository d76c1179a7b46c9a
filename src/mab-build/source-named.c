/* SPDX-License-Identifier: MIT */
/* --build-context NAME=WHERE. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/alloc.h"
#include "dockerfile/parser.h"
#include "mab-build/source.h"

#define IMAGE  "docker-image://"
#define LAYOUT "oci-layout://"

static bool begins(const char *text, const char *with)
{
	return strncmp(text, with, strlen(with)) == 0;
}

static const char *where_of(const char *pair)
{
	return strchr(pair, '=') + 1; /* settings_source() saw to that */
}

bool source_named_foreign(const struct settings *settings)
{
	for (size_t i = 0; i < settings->contexts.n; i++)
		if (build_context_is_foreign(where_of(settings->contexts.v[i])))
			return true;
	return false;
}

static bool is_folder(const char *path)
{
	struct stat st;

	return stat(path, &st) == 0 && S_ISDIR(st.st_mode);
}

/* FOLDER[:NAME][@DIGEST]. Both may have colons: it begins with a folder that is there. */
static void read_layout(struct source_named *n, const char *text)
{
	const char *at = strstr(text, "@sha256:");
	char *colon;

	n->where = xstrndup(text, at ? (size_t)(at - text) : strlen(text));
	for (colon = n->where; !is_folder(n->where) && (colon = strchr(colon, ':'));) {
		*colon = '\0';
		if (is_folder(n->where))
			break;
		*colon++ = ':';
	}
	if (at)
		n->image = xstrdup(at);
	else if (colon && colon > n->where)
		n->image = xstrdup(colon + 1);
}

static int read_folder(struct source *s, struct source_named *n, const char *text,
		       struct err *e)
{
	struct build_context context = {0};
	AUTO_FREE char *podman = NULL;
	AUTO_FREE char *docker = NULL;
	struct stat st;
	int r;

	if (build_context_is_foreign(text)) {
		r = build_context_open(s->contexts, text, DOCKERFILE_SIZE_MAX, &context,
				       e);
		n->where = TAKE_PTR(context.folder);
		if (r == 0 && context.dockerfile)
			r = err_set(e, -EINVAL, "it is no archive");
		build_context_free(&context);
		return r;
	}
	n->where = xstrdup(text);
	if (stat(text, &st) < 0)
		return err_sys(e, -errno, "cannot use %s", text);
	podman = xasprintf("%s/.containerignore", text);
	docker = xasprintf("%s/.dockerignore", text);
	return source_read_ignore(&n->ignore, -1, (const char *const[]){podman, docker},
				  2, e);
}

static int read_one(struct source *s, const char *pair, struct err *e)
{
	struct build_named *named = &s->named[s->nnamed];
	struct source_named *own = &s->owned[s->nnamed++];
	const char *where = where_of(pair);
	int r = 0;

	own->name = xstrndup(pair, (size_t)(where - pair - 1));
	if (begins(where, IMAGE)) {
		named->kind = BUILD_NAMED_IMAGE;
		own->where = xstrdup(where + strlen(IMAGE));
	} else if (begins(where, LAYOUT)) {
		named->kind = BUILD_NAMED_LAYOUT;
		read_layout(own, where + strlen(LAYOUT));
	} else {
		r = read_folder(s, own, where, e);
	}
	named->name = own->name;
	named->where = own->where;
	named->image = own->image;
	named->ignore = &own->ignore;
	return r < 0 ? err_wrap(e, r, "--build-context %s", own->name) : 0;
}

int source_named_read(struct source *s, const struct settings *settings, struct err *e)
{
	int r = 0;

	s->named = xcalloc(settings->contexts.n + 1, sizeof *s->named);
	s->owned = xcalloc(settings->contexts.n + 1, sizeof *s->owned);
	for (size_t i = 0; r == 0 && i < settings->contexts.n; i++)
		r = read_one(s, settings->contexts.v[i], e);
	return r;
}

void source_named_free(struct source *s)
{
	for (size_t i = 0; i < s->nnamed; i++) {
		free(s->owned[i].name);
		free(s->owned[i].where);
		free(s->owned[i].image);
		dockerfile_ignore_free(&s->owned[i].ignore);
	}
	free(s->named);
	free(s->owned);
}
