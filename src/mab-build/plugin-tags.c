/* SPDX-License-Identifier: MIT */
#include "mab-build/plugin-tags.h"

#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"

static const char digits[] = "0123456789";

/* Identifiers of a pre-release or of a build: letters, digits, `-`, with dots between. */
static bool are_identifiers(const char *text, size_t n)
{
	size_t in_this = 0;

	for (size_t i = 0; i < n; i++) {
		if (text[i] == '.' && !in_this)
			return false;
		if (text[i] != '.' &&
		    !strchr("0123456789-abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ",
			    text[i]))
			return false;
		in_this = text[i] == '.' ? 0 : in_this + 1;
	}
	return in_this > 0;
}

/* The length of MAJOR.MINOR.PATCH at the beginning, 0 when there is none. */
static size_t core_length(const char *text, size_t *major, size_t *minor)
{
	size_t patch;

	*major = strspn(text, digits);
	if (!*major || text[*major] != '.')
		return 0;
	*minor = strspn(text + *major + 1, digits);
	if (!*minor || text[*major + 1 + *minor] != '.')
		return 0;
	*minor += *major + 1;
	patch = strspn(text + *minor + 1, digits);
	return patch ? *minor + 1 + patch : 0;
}

static bool is_rest(const char *rest)
{
	const char *plus = strchr(rest, '+');
	size_t n = plus ? (size_t)(plus - rest) : strlen(rest);

	if (plus && !are_identifiers(plus + 1, strlen(plus + 1)))
		return false;
	return n == 0 || (rest[0] == '-' && are_identifiers(rest + 1, n - 1));
}

static void add(struct strv *tags, const char *tag, size_t n, const char *suffix)
{
	char *text = xasprintf("%.*s%s%s", (int)n, tag, suffix ? "-" : "",
			       suffix ? suffix : "");

	for (char *p = text; *p; p++)
		if (*p == '+')
			*p = '_';
	strv_own(tags, text);
}

static int add_version(struct strv *tags, const char *tag, const char *suffix,
		       struct err *e)
{
	const char *version = tag + (tag[0] == 'v');
	size_t major, minor, core = core_length(version, &major, &minor);

	if (!core || !is_rest(version + core))
		return err_set(e, -EINVAL,
			       "the tag '%s' is no version (v1.2.3) that tags could be "
			       "made of",
			       tag);
	if (!version[core]) {
		if (strspn(version, "0") < major)
			add(tags, version, major, suffix);
		add(tags, version, minor, suffix);
	}
	add(tags, version, strlen(version), suffix);
	return 0;
}

int plugin_tags(struct strv *tags, const char *ref, const char *default_branch,
		const char *suffix, struct err *e)
{
	if (suffix && !*suffix)
		suffix = NULL;
	if (strncmp(ref, "refs/tags/", 10) == 0)
		return add_version(tags, ref + 10, suffix, e);
	if (strncmp(ref, "refs/heads/", 11) == 0 && default_branch &&
	    strcmp(ref + 11, default_branch) == 0)
		strv_add(tags, suffix ? suffix : "latest");
	return 0;
}
