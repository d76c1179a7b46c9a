/* SPDX-License-Identifier: MIT */
#include "build/context.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/strbuf.h"
#include "build/archive.h"
#include "build/download.h"
#include "build/git.h"
#include "layer/read.h"
#include "registry/fetch.h"
#include "store/store.h"

struct build_contexts {
	struct store *store;
	struct registry *client;
	const struct registry_settings *settings;
	struct build_downloads downloads;
	struct build_archives folders;
};

static bool is_repository(const char *text)
{
	return build_git_is(text) || strncmp(text, "file://", 7) == 0;
}

bool build_context_is_address(const char *text)
{
	return build_download_is(text) || is_repository(text);
}

bool build_context_is_foreign(const char *text)
{
	struct stat st;

	return strcmp(text, "-") == 0 || build_context_is_address(text) ||
	       (stat(text, &st) == 0 && !S_ISDIR(st.st_mode));
}

int build_contexts_new(const char *root, struct registry *client,
		       const struct registry_settings *settings,
		       struct build_contexts **contexts, struct err *e)
{
	struct build_contexts *c = xcalloc(1, sizeof *c);
	int r = store_open(&c->store, root, geteuid() == 0, e);

	if (r < 0) {
		free(c);
		return r;
	}
	c->client = client;
	c->settings = settings;
	build_downloads_init(&c->downloads, c->store, client);
	*contexts = c;
	return 0;
}

void build_contexts_free(struct build_contexts *c)
{
	if (!c)
		return;
	build_archives_free(&c->folders);
	build_downloads_free(&c->downloads);
	store_close(c->store);
	free(c);
}

void build_context_free(struct build_context *context)
{
	free(context->folder);
	free(context->dockerfile);
	*context = (struct build_context){0};
}

/* --- Bytes of which the first are looked at before all are read --- */

struct stream {
	int fd;
	const char *name; /* for messages */
	char head[BUILD_ARCHIVE_HEAD];
	size_t n, at; /* bytes in head, and those that were read from there */
};

static ssize_t read_some(int fd, void *data, size_t n)
{
	ssize_t got;

	do {
		got = read(fd, data, n);
	} while (got < 0 && errno == EINTR);
	return got < 0 ? -errno : got;
}

static int stream_begin(struct stream *s, struct err *e)
{
	ssize_t n = 1;

	while (s->n < sizeof s->head && n > 0) {
		n = read_some(s->fd, s->head + s->n, sizeof s->head - s->n);
		if (n > 0)
			s->n += (size_t)n;
	}
	if (n < 0)
		return err_sys(e, (int)n, "cannot read %s", s->name);
	if (!s->n)
		return err_set(e, -ENODATA,
			       "%s is empty: neither an archive nor a "
			       "Dockerfile",
			       s->name);
	return 0;
}

/* As layer_source. */
static ssize_t stream_read(void *context, void *data, size_t n, struct err *e)
{
	struct stream *s = context;
	ssize_t got;

	if (s->at < s->n) {
		if (n > s->n - s->at)
			n = s->n - s->at;
		memcpy(data, s->head + s->at, n);
		s->at += n;
		return (ssize_t)n;
	}
	got = read_some(s->fd, data, n);
	return got < 0 ? err_sys(e, (int)got, "cannot read %s", s->name) : got;
}

static int read_text(struct stream *s, size_t max, char **text, size_t *len,
		     struct err *e)
{
	AUTO_STRBUF struct strbuf all = STRBUF_INIT;
	ssize_t n;

	do {
		n = stream_read(s, strbuf_grow(&all, 65536), 65536, e);
		if (n < 0)
			return (int)n;
		all.len += (size_t)n;
	} while (n && all.len <= max);
	if (all.len > max)
		return err_set(e, -EFBIG,
			       "%s is no archive, and too large for a Dockerfile",
			       s->name);
	strbuf_add(&all, "", 1); /* with a NUL after it */
	*len = all.len - 1;
	*text = strbuf_take(&all);
	return 0;
}

/* --- Archives --- */

static void to_caller(void *context, uint32_t *uid, uint32_t *gid)
{
	*uid = geteuid();
	*gid = getegid();
}

/* A new folder of the store; its fs, which stays with the contexts. */
static int new_folder(struct build_contexts *c, char **path, struct err *e)
{
	struct store_draft draft = STORE_DRAFT_INIT;
	int r = store_draft_new(c->store, &draft, e);

	if (r < 0)
		return r;
	*path = xasprintf("%s/fs", draft.path);
	return build_archives_keep(&c->folders, &draft);
}

static int unpack(int folder, struct stream *s, struct err *e)
{
	const struct layer_ids ids = {to_caller, NULL};
	const struct layer_unpack_options o = {.form = LAYER_UNPACK_ARCHIVE, .ids = &ids};
	struct layer_result result;
	int r = layer_unpack(folder, stream_read, s, &o, &result, e);

	return r < 0 ? err_wrap(e, r, "cannot unpack %s", s->name) : 0;
}

static int open_stream(struct build_contexts *c, struct stream *s, size_t dockerfile_max,
		       struct build_context *context, struct err *e)
{
	int folder, r = stream_begin(s, e);

	if (r < 0)
		return r;
	folder = new_folder(c, &context->folder, e);
	if (folder < 0)
		return folder;
	if (build_archive_is_head(s->head, s->n))
		return unpack(folder, s, e);
	return read_text(s, dockerfile_max, &context->dockerfile, &context->len, e);
}

/* --- By kind --- */

static int open_file(struct build_contexts *c, const char *path,
		     struct build_context *context, struct err *e)
{
	AUTO_CLOSE int fd = open(path, O_RDONLY | O_CLOEXEC);
	struct stream s = {.fd = fd, .name = path};
	int folder, r;

	if (fd < 0)
		return err_sys(e, -errno, "cannot use the build context %s", path);
	r = stream_begin(&s, e);
	if (r == 0 && !build_archive_is_head(s.head, s.n))
		r = err_set(e, -ENOTDIR,
			    "the build context %s is neither a folder nor an archive",
			    path);
	if (r < 0)
		return r;
	folder = new_folder(c, &context->folder, e);
	return folder < 0 ? folder : unpack(folder, &s, e);
}

/* What was fetched is opened anew: its fd may be in use by others, at another offset. */
static int open_download(struct build_contexts *c, const char *url, struct err *e)
{
	const struct build_download *d;
	AUTO_FREE char *path = NULL;
	int fd, r = build_download(&c->downloads, url, NULL, &d, e);

	if (r < 0)
		return r;
	path = xasprintf("/proc/self/fd/%d", d->fd);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	return fd < 0 ? err_sys(e, -errno, "cannot read a blob of the store") : fd;
}

static int open_web(struct build_contexts *c, const char *url, size_t dockerfile_max,
		    struct build_context *context, struct err *e)
{
	AUTO_FREE char *shown = registry_url_shown(url);
	AUTO_CLOSE int fd = open_download(c, url, e);
	struct stream s = {.fd = fd, .name = shown};

	return fd < 0 ? fd : open_stream(c, &s, dockerfile_max, context, e);
}

static int open_repository(struct build_contexts *c, const char *url,
			   struct build_context *context, struct err *e)
{
	const struct build_git g = {.url = url,
				    .allow_local = true,
				    .client = c->client,
				    .settings = c->settings};
	AUTO_FREE char *path = NULL;
	AUTO_FREE char *below = NULL;
	int root, folder = new_folder(c, &path, e);

	if (folder < 0)
		return folder;
	root = build_git_fetch(&g, folder, path, &below, NULL, e);
	if (root < 0)
		return root;
	close(root);
	context->folder = xasprintf("%s%s%s", path, *below ? "/" : "", below);
	return 0;
}

int build_context_open(struct build_contexts *c, const char *text, size_t dockerfile_max,
		       struct build_context *context, struct err *e)
{
	struct stream input = {.fd = STDIN_FILENO, .name = "stdin"};

	*context = (struct build_context){0};
	if (strcmp(text, "-") == 0)
		return open_stream(c, &input, dockerfile_max, context, e);
	if (is_repository(text))
		return open_repository(c, text, context, e);
	if (build_download_is(text))
		return open_web(c, text, dockerfile_max, context, e);
	return open_file(c, text, context, e);
}

int build_context_read(struct build_contexts *c, const char *url, size_t max, char **text,
		       size_t *len, struct err *e)
{
	AUTO_FREE char *shown = registry_url_shown(url);
	AUTO_CLOSE int fd = open_download(c, url, e);
	struct stream s = {.fd = fd, .name = shown};

	return fd < 0 ? fd : read_text(&s, max, text, len, e);
}
