/* SPDX-License-Identifier: MIT */
#include "oci/reference.h"

#include <ctype.h>
#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/strbuf.h"
#include "oci/digest.h"

enum {
	NAME_LIMIT = 255, /* host and path */
	TAG_LIMIT = 128,
};

static int wrong(const char *text, const char *at, const char *what, struct err *e)
{
	if (!*at)
		return err_set(e, -EINVAL, "image name '%.300s': %s", text, what);
	return err_set(e, -EINVAL, "image name '%.300s': %s at character %zu ('%c')",
		       text, what, (size_t)(at - text) + 1, *at);
}

/* The first part is a host when it could be no folder: it has a dot, a port or capitals.
 */
static bool is_host(const char *part, size_t n)
{
	if (n == 9 && strncmp(part, "localhost", 9) == 0)
		return true;
	for (size_t i = 0; i < n; i++)
		if (part[i] == '.' || part[i] == ':' || isupper((unsigned char)part[i]))
			return true;
	return false;
}

static int check_host(const char *text, const char *host, size_t n, struct err *e)
{
	const char *colon = memrchr(host, ':', n);
	bool bracket = host[0] == '[';
	const char *end = host + n;

	if (bracket) { /* an IPv6 address */
		const char *close = memchr(host, ']', n);

		if (!close)
			return wrong(text, host, "an address without ']'", e);
		colon = close + 1 < end ? close + 1 : NULL;
		if (colon && *colon != ':')
			return wrong(text, colon, "expected ':' and a port", e);
	}
	for (const char *c = host; c < (colon ? colon : end); c++)
		if (!isalnum((unsigned char)*c) && !strchr(bracket ? "[]:." : ".-", *c))
			return wrong(text, c, "unexpected in a host name", e);
	if (colon == host)
		return wrong(text, host, "a port without a host", e);
	if (colon && colon + 1 == end)
		return wrong(text, colon, "a colon without a port", e);
	for (const char *c = colon ? colon + 1 : end; c < end; c++)
		if (!isdigit((unsigned char)*c))
			return wrong(text, c, "a port has digits only", e);
	return 0;
}

/* Lower-case words joined by `.`, `_`, `__` or dashes, between slashes. */
static int check_path(const char *text, const char *path, size_t n, struct err *e)
{
	bool after_word = false;

	if (n == 0)
		return wrong(text, "", "it has no path", e);
	for (size_t i = 0; i < n; i++) {
		const char *c = path + i;

		if (islower((unsigned char)*c) || isdigit((unsigned char)*c)) {
			after_word = true;
			continue;
		}
		if (isupper((unsigned char)*c))
			return wrong(text, c, "a path has lower-case letters only", e);
		if (!strchr("/._-", *c))
			return wrong(text, c, "unexpected in a path", e);
		if (*c == '-' && i && path[i - 1] == '-')
			continue;
		if (*c == '_' && i && path[i - 1] == '_' && (i < 2 || path[i - 2] != '_'))
			continue;
		if (!after_word)
			return wrong(text, c, "expected a letter or digit", e);
		after_word = false;
	}
	if (!after_word)
		return wrong(text, path + n - 1, "a path ends with a letter or digit", e);
	return 0;
}

static int check_tag(const char *text, const char *tag, size_t n, struct err *e)
{
	if (n == 0)
		return wrong(text, "", "a colon without a tag", e);
	if (n > TAG_LIMIT)
		return wrong(text, tag, "a tag of more than 128 characters", e);
	if (!isalnum((unsigned char)tag[0]) && tag[0] != '_')
		return wrong(text, tag, "a tag starts with a letter, digit or '_'", e);
	for (size_t i = 0; i < n; i++)
		if (!isalnum((unsigned char)tag[i]) && !strchr("._-", tag[i]))
			return wrong(text, tag + i, "unexpected in a tag", e);
	return 0;
}

static int read_name(struct oci_reference *ref, const char *text, size_t n, struct err *e)
{
	const char *end = text + n;
	const char *slash = memchr(text, '/', n);
	const char *path = text, *colon;
	int r = 0;

	if (slash && is_host(text, (size_t)(slash - text))) {
		r = check_host(text, text, (size_t)(slash - text), e);
		if (r < 0)
			return r;
		ref->host = xstrndup(text, (size_t)(slash - text));
		path = slash + 1;
	}
	colon = memchr(path, ':', (size_t)(end - path));
	r = check_path(text, path, (size_t)((colon ? colon : end) - path), e);
	if (r == 0 && colon)
		r = check_tag(text, colon + 1, (size_t)(end - colon - 1), e);
	if (r < 0)
		return r;
	if ((size_t)((colon ? colon : end) - text) > NAME_LIMIT)
		return wrong(text, "", "it is longer than 255 characters", e);
	ref->path = xstrndup(path, (size_t)((colon ? colon : end) - path));
	if (colon)
		ref->tag = xstrndup(colon + 1, (size_t)(end - colon - 1));
	return 0;
}

int oci_reference_parse(struct oci_reference *reference, const char *text, struct err *e)
{
	AUTO_OCI_REFERENCE struct oci_reference ref = {0};
	const char *at = strchr(text, '@');
	struct oci_digest digest;
	int r;

	if (at) {
		r = oci_digest_parse(&digest, at + 1, e);
		if (r < 0)
			return err_wrap(e, r, "image name '%.300s'", text);
		ref.digest = xstrdup(at + 1);
	}
	r = read_name(&ref, text, at ? (size_t)(at - text) : strlen(text), e);
	if (r < 0)
		return r;
	*reference = ref;
	ref = (struct oci_reference){0};
	return 0;
}

void oci_reference_complete(struct oci_reference *ref)
{
	if (!ref->host || strcmp(ref->host, "index.docker.io") == 0) {
		free(ref->host);
		ref->host = xstrdup("docker.io");
	}
	if (strcmp(ref->host, "docker.io") == 0 && !strchr(ref->path, '/')) {
		char *path = xasprintf("library/%s", ref->path);

		free(ref->path);
		ref->path = path;
	}
	if (!ref->tag && !ref->digest)
		ref->tag = xstrdup("latest");
}

char *oci_reference_format(const struct oci_reference *ref)
{
	struct strbuf s = STRBUF_INIT;

	if (ref->host)
		strbuf_addf(&s, "%s/", ref->host);
	strbuf_adds(&s, ref->path);
	if (ref->tag)
		strbuf_addf(&s, ":%s", ref->tag);
	if (ref->digest)
		strbuf_addf(&s, "@%s", ref->digest);
	return strbuf_take(&s);
}

void oci_reference_free(struct oci_reference *ref)
{
	free(ref->host);
	free(ref->path);
	free(ref->tag);
	free(ref->digest);
	*ref = (struct oci_reference){0};
}
