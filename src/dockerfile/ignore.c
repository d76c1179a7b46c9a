/* SPDX-License-Identifier: MIT */
#include "dockerfile/ignore.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/strbuf.h"
#include "dockerfile/glob-internal.h"
#include "dockerfile/path-internal.h"

struct dockerfile_ignore_pattern {
	bool exception;
	char *literal; /* what every path that matches begins with */
	struct dockerfile_glob glob;
};

static bool is_blank(char c)
{
	return c == ' ' || (c >= '\t' && c <= '\r');
}

/* Cleans `!  /a//b/` to `a/b`; NULL when nothing is left. */
static char *clean(const char *text, bool *exception)
{
	AUTO_FREE char *path = NULL;
	AUTO_FREE char *trimmed = NULL;
	size_t len;

	text += strspn(text, " \t\n\v\f\r");
	*exception = *text == '!';
	text += *exception;
	text += strspn(text, " \t\n\v\f\r");
	for (len = strlen(text); len && is_blank(text[len - 1]);)
		len--;
	if (len == 0)
		return NULL;
	trimmed = xstrndup(text, len);
	path = dockerfile_path_clean(trimmed);
	return xstrdup(path[0] == '/' && path[1] ? path + 1 : path);
}

int dockerfile_ignore_add(struct dockerfile_ignore *ig, const char *pattern,
			  struct err *e)
{
	struct dockerfile_ignore_pattern new = {0};
	AUTO_FREE char *path = clean(pattern, &new.exception);
	int r;

	if (!path)
		return new.exception ? err_set(e, -EINVAL, "`!` without a pattern") : 0;
	r = dockerfile_glob_compile(&new.glob, path, e);
	if (r < 0)
		return r;
	new.literal = xstrndup(path, strcspn(path, "*?[\\"));
	GROW(ig->patterns, ig->n);
	ig->patterns[ig->n++] = new;
	ig->exceptions |= new.exception;
	return 0;
}

static int add_line(struct dockerfile_ignore *ig, const char *file, unsigned number,
		    const char *line, size_t len, struct err *e)
{
	AUTO_ERR struct err why = ERR_INIT;
	AUTO_FREE char *pattern = NULL;
	const char *nul = memchr(line, '\0', len);
	int r;

	if (nul)
		return err_at(e, -EINVAL, file, number, (unsigned)(nul - line) + 1,
			      "a NUL byte in a text file");
	if (len == 0 || line[0] == '#')
		return 0;
	pattern = xstrndup(line, len);
	r = dockerfile_ignore_add(ig, pattern, &why);
	if (r < 0)
		return err_at(e, r, file, number, 1, "%s", why.text);
	return 0;
}

int dockerfile_ignore_parse(struct dockerfile_ignore *ig, const char *file,
			    const char *text, size_t len, struct err *e)
{
	unsigned number = 0;

	*ig = (struct dockerfile_ignore){0};
	if (len > DOCKERFILE_IGNORE_SIZE_MAX)
		return err_at(e, -EFBIG, file, 0, 0, "the file is larger than 1 MiB");
	if (len >= 3 && memcmp(text, "\xef\xbb\xbf", 3) == 0) {
		text += 3;
		len -= 3;
	}
	while (len) {
		const char *end = memchr(text, '\n', len);
		size_t n = end ? (size_t)(end - text) : len;
		int r = add_line(ig, file, ++number, text, n, e);

		if (r < 0) {
			dockerfile_ignore_free(ig);
			return r;
		}
		n += end != NULL;
		text += n;
		len -= n;
	}
	return 0;
}

/* Does the pattern match the path or a directory above it? */
static bool matches_up(const struct dockerfile_glob *glob, const char *path)
{
	AUTO_FREE char *copy = xstrdup(path);

	for (char *slash = copy; (slash = strchr(slash, '/')); slash++) {
		*slash = '\0';
		if (dockerfile_glob_match(glob, copy))
			return true;
		*slash = '/';
	}
	return dockerfile_glob_match(glob, copy);
}

bool dockerfile_ignore_match(const struct dockerfile_ignore *ig, const char *path)
{
	bool ignored = false;

	for (size_t k = 0; k < ig->n; k++) {
		const struct dockerfile_ignore_pattern *p = &ig->patterns[k];

		/* A pattern that would change nothing is not looked at. */
		if (p->exception == ignored && matches_up(&p->glob, path))
			ignored = !ignored;
	}
	return ignored;
}

bool dockerfile_ignore_match_in(const struct dockerfile_ignore *ig, const bool *above,
				const char *path, bool *own)
{
	bool ignored = false;

	for (size_t k = 0; k < ig->n; k++) {
		const struct dockerfile_ignore_pattern *p = &ig->patterns[k];
		bool match = above && above[k];

		if (!match && (own || p->exception == ignored))
			match = dockerfile_glob_match(&p->glob, path);
		if (own)
			own[k] = match;
		if (match)
			ignored = !p->exception;
	}
	return ignored;
}

bool dockerfile_ignore_prunes(const struct dockerfile_ignore *ig, const char *path)
{
	size_t len = strlen(path);

	for (size_t k = 0; k < ig->n; k++) {
		const struct dockerfile_ignore_pattern *p = &ig->patterns[k];
		size_t n = strlen(p->literal);

		if (!p->exception)
			continue;
		/* The exception may be beneath the directory, or begin above it. */
		if (n <= len ? strncmp(path, p->literal, n) == 0
			     : strncmp(path, p->literal, len) == 0 &&
				       p->literal[len] == '/')
			return false;
	}
	return true;
}

void dockerfile_ignore_free(struct dockerfile_ignore *ig)
{
	for (size_t k = 0; k < ig->n; k++) {
		free(ig->patterns[k].literal);
		dockerfile_glob_free(&ig->patterns[k].glob);
	}
	free(ig->patterns);
	*ig = (struct dockerfile_ignore){0};
}
