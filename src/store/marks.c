/* SPDX-License-Identifier: MIT */
#include "store/marks.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/cleanup.h"
#include "base/file.h"
#include "store/store-internal.h"

/* Manifests are no larger (distribution-spec, "Pushing Manifests"); configs could be. */
enum { MAX_JSON = 8 << 20 };

static size_t slot(const struct store_marks *m, const struct oci_digest *digest)
{
	size_t at;

	/* A digest is a hash already. */
	memcpy(&at, digest->bytes, sizeof at);
	for (at &= m->size - 1; m->used[at]; at = (at + 1) & (m->size - 1))
		if (oci_digest_equal(&m->v[at], digest))
			break;
	return at;
}

static void grow_marks(struct store_marks *m)
{
	struct store_marks larger = *m;

	larger.size = m->size ? m->size * 2 : 256;
	larger.v = xcalloc(larger.size, sizeof *larger.v);
	larger.used = xcalloc(larger.size, sizeof *larger.used);
	for (size_t i = 0; i < m->size; i++) {
		size_t at = m->used[i] ? slot(&larger, &m->v[i]) : 0;

		if (!m->used[i])
			continue;
		larger.v[at] = m->v[i];
		larger.used[at] = true;
	}
	free(m->v);
	free(m->used);
	*m = larger;
}

static void mark(struct store_marks *m, const struct oci_digest *digest)
{
	size_t at;

	if (m->n >= m->size / 2)
		grow_marks(m);
	at = slot(m, digest);
	if (m->used[at])
		return;
	m->v[at] = *digest;
	m->used[at] = true;
	m->n++;
	GROW(m->todo, m->ntodo);
	m->todo[m->ntodo++] = *digest;
}

/*
 * Marks every digest that stands in a text. That indexes, manifests and configurations
 * tell all that they need in this form makes knowing their structure needless; to keep
 * too much is never wrong.
 */
static void mark_text(struct store_marks *m, const char *text)
{
	while ((text = strstr(text, "sha256:"))) {
		char one[OCI_DIGEST_TEXT];
		struct oci_digest digest;
		size_t n = strnlen(text, sizeof one - 1);

		memcpy(one, text, n);
		one[n] = '\0';
		if (oci_digest_parse(&digest, one, NULL) == 0)
			mark(m, &digest);
		text += strlen("sha256:");
	}
}

static int mark_blob(struct store_marks *m, const struct oci_digest *digest,
		     struct err *e)
{
	AUTO_FREE char *data = NULL;
	char text[OCI_DIGEST_TEXT];
	char first = 0;
	AUTO_CLOSE int fd = -1;
	int r;

	oci_digest_format(digest, text);
	fd = openat(m->store->blobs, oci_digest_hex(text), O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return 0; /* a digest of something else than a blob here */
	if (pread(fd, &first, 1, 0) != 1 || first != '{')
		return 0;
	r = file_read_at(m->store->blobs, oci_digest_hex(text), MAX_JSON, &data, NULL, e);
	if (r == -EFBIG || r == -ENOENT)
		return 0;
	if (r == 0)
		mark_text(m, data);
	return r;
}

/* Whether it does not count; it is listed then. text begins with the name. */
static bool drop_name(struct store_marks *m, const char *file, const char *text)
{
	struct stat st;

	if (!m->drop || fstatat(m->store->names, file, &st, AT_SYMLINK_NOFOLLOW) < 0 ||
	    (m->unused && time(NULL) - st.st_mtime <= m->unused))
		return false;
	strv_own(&m->dropped, xstrndup(text, strcspn(text, "\n")));
	return true;
}

static int mark_name(void *context, const char *file)
{
	struct store_marks *m = context;
	AUTO_FREE char *text = NULL;
	int r = file_read_at(m->store->names, file, MAX_JSON, &text, NULL, NULL);

	if (r == 0 && !drop_name(m, file, text))
		mark_text(m, text);
	return r == -ENOENT ? 0 : r;
}

int store_marks_make(struct store_marks *m, struct store *s, struct err *e)
{
	int r;

	m->store = s;
	r = store_each(s->names, mark_name, m, e);
	if (r < 0)
		return err_sys(e, r, "cannot read the names in %s", s->path);
	while (r == 0 && m->ntodo) {
		struct oci_digest digest = m->todo[--m->ntodo];

		r = mark_blob(m, &digest, e);
	}
	return r;
}

bool store_marks_have(const struct store_marks *m, const char *name)
{
	AUTO_FREE char *text = xasprintf("sha256:%.64s", name);
	struct oci_digest digest;

	return oci_digest_parse(&digest, text, NULL) == 0 && m->size &&
	       m->used[slot(m, &digest)];
}

void store_marks_free(struct store_marks *m)
{
	free(m->v);
	free(m->used);
	free(m->todo);
	strv_free(&m->dropped);
}
