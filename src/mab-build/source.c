/* SPDX-License-Identifier: MIT */
#include "mab-build/source.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/alloc.h"
#include "base/file.h"
#include "base/path.h"
#include "base/strbuf.h"
#include "dockerfile/parser.h"
#include "mab-build/remote.h"

/* --- Files --- */

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

int source_read_file(int root, const char *path, size_t max, char **text, size_t *len,
		     struct err *e)
{
	AUTO_ERR struct err why = ERR_INIT;
	AUTO_FREE char *proc = NULL;
	AUTO_CLOSE int fd = -1;
	int r = 0;

	if (root >= 0) {
		fd = r = path_open(root, path, PATH_IN_ROOT, O_RDONLY | O_NONBLOCK, 0);
		proc = xasprintf("/proc/self/fd/%d", fd);
	}
	if (r >= 0)
		r = file_read_at(AT_FDCWD, proc ? proc : path, max, text, len, &why);
	if (r == -ENOENT || r == -ENOTDIR)
		return 0;
	if (r < 0)
		return why.text && !proc ? err_set(e, r, "%s", why.text)
					 : err_sys(e, r, "cannot read %s", path);
	return 1;
}

int source_read_ignore(struct dockerfile_ignore *ignore, int root,
		       const char *const *names, size_t n, struct err *e)
{
	int r = 0;

	for (size_t k = 0; k < n && r == 0; k++) {
		AUTO_FREE char *text = NULL;
		size_t len;

		if (!names[k])
			continue;
		r = source_read_file(root, names[k], DOCKERFILE_IGNORE_SIZE_MAX, &text,
				     &len, e);
		if (r == 1 && dockerfile_ignore_parse(ignore, names[k], text, len, e) < 0)
			r = -EINVAL;
	}
	return r < 0 ? r : 0;
}

/* --- The Dockerfile --- */

/* In a folder; root as for source_read_ignore(). */
static int read_default(struct source *s, int root, struct err *e)
{
	static const char *const names[] = {"Containerfile", "Dockerfile"};
	const char *folder = s->context.folder;

	for (size_t k = 0; k < ARRAY_SIZE(names); k++) {
		AUTO_FREE char *path = root >= 0 || strcmp(folder, ".") == 0
					       ? xstrdup(names[k])
					       : xasprintf("%s/%s", folder, names[k]);
		int r = source_read_file(root, path, DOCKERFILE_SIZE_MAX, &s->text,
					 &s->len, e);

		if (r == 1)
			s->name = TAKE_PTR(path);
		if (r != 0)
			return r < 0 ? r : 0;
	}
	return err_set(e, -ENOENT,
		       "there is no Containerfile and no Dockerfile in %s; name one with "
		       "-f",
		       root >= 0 ? "the context" : folder);
}

static int read_named(struct source *s, int root, const char *file, struct err *e)
{
	int r;

	s->name = xstrdup(file);
	if (root < 0)
		return file_read_at(AT_FDCWD, file, DOCKERFILE_SIZE_MAX, &s->text,
				    &s->len, e);
	r = source_read_file(root, file, DOCKERFILE_SIZE_MAX, &s->text, &s->len, e);
	if (r == 0)
		return err_set(e, -ENOENT, "there is no %s in the context", file);
	return r < 0 ? r : 0;
}

/* The context itself is the Dockerfile. */
static int take_context(struct source *s, const struct settings *settings, struct err *e)
{
	if (settings->file)
		return err_set(e, -EINVAL, "%s is a Dockerfile, and --file names another",
			       strcmp(settings->context, "-") == 0 ? "stdin"
								   : "the context");
	s->name = xstrdup(strcmp(settings->context, "-") == 0 ? "stdin" : "Dockerfile");
	s->text = TAKE_PTR(s->context.dockerfile);
	s->len = s->context.len;
	return 0;
}

static int read_dockerfile(struct source *s, const struct settings *settings, int root,
			   struct err *e)
{
	const char *file = settings->file;

	if (s->context.dockerfile)
		return take_context(s, settings, e);
	if (!file)
		return read_default(s, root, e);
	if (strcmp(file, "-") == 0)
		return read_stdin(s, e);
	if (!build_context_is_address(file))
		return read_named(s, root, file, e);
	s->name = xstrdup("Dockerfile");
	return build_context_read(s->contexts, file, DOCKERFILE_SIZE_MAX, &s->text,
				  &s->len, e);
}

/* --- The context --- */

static int open_contexts(struct source *s, struct settings *settings, struct err *e)
{
	bool foreign = build_context_is_foreign(settings->context) ||
		       (settings->file && build_context_is_address(settings->file)) ||
		       source_named_foreign(settings);
	int r;

	if (!foreign)
		return 0;
	r = remote_client(&settings->remote, &s->client, e);
	if (r == 0)
		r = build_contexts_new(settings->build.root, s->client,
				       settings->build.registry, &s->contexts, e);
	return r;
}

static int open_context(struct source *s, const struct settings *settings, int *root,
			struct err *e)
{
	const char *text = settings->context;
	struct stat st;
	int r;

	if (!build_context_is_foreign(text)) {
		s->context.folder = xstrdup(text);
		return stat(text, &st) < 0
			       ? err_sys(e, -errno, "cannot use the build context %s",
					 text)
			       : 0;
	}
	r = build_context_open(s->contexts, text, DOCKERFILE_SIZE_MAX, &s->context, e);
	if (r < 0)
		return r;
	*root = open(s->context.folder, O_PATH | O_DIRECTORY | O_CLOEXEC);
	return *root < 0 ? err_sys(e, -errno, "cannot use the build context") : 0;
}

static int read_ignore(struct source *s, const struct settings *settings, int root,
		       struct err *e)
{
	const char *folder = root < 0 ? s->context.folder : "";
	const char *slash = *folder ? "/" : "";
	AUTO_FREE char *own = xasprintf("%s.dockerignore", s->name);
	AUTO_FREE char *podman = xasprintf("%s%s.containerignore", folder, slash);
	AUTO_FREE char *docker = xasprintf("%s%s.dockerignore", folder, slash);
	bool apart = settings->file && (strcmp(settings->file, "-") == 0 ||
					build_context_is_address(settings->file));
	const char *const names[] = {apart ? NULL : own, podman, docker};

	return source_read_ignore(&s->ignore, root, names, ARRAY_SIZE(names), e);
}

int source_read(struct source *s, struct settings *settings, struct err *e)
{
	AUTO_CLOSE int root = -1;
	int r;

	*s = (struct source){0};
	if (settings->file && strcmp(settings->file, "-") == 0 &&
	    strcmp(settings->context, "-") == 0)
		return err_set(e, -EINVAL,
			       "stdin cannot be both the context and the Dockerfile");
	r = open_contexts(s, settings, e);
	if (r == 0)
		r = open_context(s, settings, &root, e);
	if (r == 0)
		r = read_dockerfile(s, settings, root, e);
	if (r == 0)
		r = read_ignore(s, settings, root, e);
	return r < 0 ? r : source_named_read(s, settings, e);
}

void source_free(struct source *s)
{
	free(s->name);
	free(s->text);
	dockerfile_ignore_free(&s->ignore);
	source_named_free(s);
	build_context_free(&s->context);
	build_contexts_free(s->contexts);
	registry_free(s->client);
}
