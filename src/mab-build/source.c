/* SPDX-License-Identifier: MIT */
#include "mab-build/source.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/alloc.h"
#include "base/file.h"
#include "base/strbuf.h"
#include "dockerfile/parser.h"

/* One byte more than is allowed, so that the parser sees that it is too much. */
static int read_stdin(struct source *s, struct err *e)
{
	struct strbuf text = STRBUF_INIT;
	ssize_t n;

	do {
		n = read(STDIN_FILENO, strbuf_grow(&text, 65536), 65536);
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0) {
			int r = -errno;

			strbuf_free(&text);
			return err_sys(e, r, "cannot read the Dockerfile from stdin");
		}
		text.len += (size_t)n;
	} while (n && text.len <= DOCKERFILE_SIZE_MAX);
	s->name = xstrdup("stdin");
	s->len = text.len;
	s->text = strbuf_take(&text);
	return 0;
}

/* 1 when there is such a file, 0 when there is none. */
static int read_if_there(const char *path, size_t max, char **text, size_t *len,
			 struct err *e)
{
	AUTO_ERR struct err why = ERR_INIT;
	int r = file_read_at(AT_FDCWD, path, max, text, len, &why);

	if (r == -ENOENT || r == -ENOTDIR)
		return 0;
	if (r < 0)
		return err_set(e, r, "%s", why.text);
	return 1;
}

static int read_default(struct source *s, const char *context, struct err *e)
{
	static const char *const names[] = {"Containerfile", "Dockerfile"};
	struct stat st;

	if (stat(context, &st) < 0)
		return err_sys(e, -errno, "cannot use the build context %s", context);
	if (!S_ISDIR(st.st_mode))
		return err_set(e, -ENOTDIR, "the build context %s is not a folder",
			       context);
	for (size_t k = 0; k < ARRAY_SIZE(names); k++) {
		AUTO_FREE char *path = strcmp(context, ".") == 0
					       ? xstrdup(names[k])
					       : xasprintf("%s/%s", context, names[k]);
		int r = read_if_there(path, DOCKERFILE_SIZE_MAX, &s->text, &s->len, e);

		if (r == 1)
			s->name = TAKE_PTR(path);
		if (r != 0)
			return r < 0 ? r : 0;
	}
	return err_set(e, -ENOENT,
		       "there is no Containerfile and no Dockerfile in %s; name one with "
		       "-f",
		       context);
}

static int read_ignore(struct source *s, const char *context, const char *file,
		       struct err *e)
{
	char *paths[] = {
		file && strcmp(file, "-") == 0 ? NULL
					       : xasprintf("%s.dockerignore", s->name),
		xasprintf("%s/.containerignore", context),
		xasprintf("%s/.dockerignore", context),
	};
	int r = 0;

	for (size_t k = 0; k < ARRAY_SIZE(paths) && r == 0; k++) {
		AUTO_FREE char *text = NULL;
		size_t len;

		if (!paths[k])
			continue;
		r = read_if_there(paths[k], DOCKERFILE_IGNORE_SIZE_MAX, &text, &len, e);
		if (r == 1 &&
		    dockerfile_ignore_parse(&s->ignore, paths[k], text, len, e) < 0)
			r = -EINVAL;
	}
	for (size_t k = 0; k < ARRAY_SIZE(paths); k++)
		free(paths[k]);
	return r < 0 ? r : 0;
}

int source_read(struct source *s, const char *context, const char *file, struct err *e)
{
	int r;

	*s = (struct source){0};
	if (!file)
		r = read_default(s, context, e);
	else if (strcmp(file, "-") == 0)
		r = read_stdin(s, e);
	else
		r = file_read_at(AT_FDCWD, file, DOCKERFILE_SIZE_MAX, &s->text, &s->len,
				 e);
	if (r == 0 && !s->name)
		s->name = xstrdup(file);
	return r < 0 ? r : read_ignore(s, context, file, e);
}

void source_free(struct source *s)
{
	free(s->name);
	free(s->text);
	dockerfile_ignore_free(&s->ignore);
}
