/* SPDX-License-Identifier: MIT */
#include "mab-build/storage.h"

#include <ctype.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/alloc.h"
#include "build/enter.h"
#include "oci/reference.h"

/* --- Opening --- */

int storage_open(struct store **store, const char *root, bool inside, struct err *e)
{
	bool privileged = geteuid() == 0;
	AUTO_FREE char *shortfall = NULL;
	int r = 0;

	if (!root)
		root = getenv("MAB_BUILD_ROOT");
	/* Root sees and may remove everything as it is. */
	if (inside && !privileged)
		r = build_enter(true, NULL, &shortfall, e);
	return r < 0 ? r : store_open(store, root, privileged, e);
}

/* --- Images by what people type --- */

static const char prefix[] = "sha256:";

enum {
	PREFIX = sizeof prefix - 1,
	DIGITS = 12, /* of a digest; fewer could well be a name */
	DIGITS_MAX = 2 * OCI_DIGEST_SIZE,
};

static bool is_digits(const char *word)
{
	size_t n = strspn(word, "0123456789abcdef");

	return n >= DIGITS && n <= DIGITS_MAX && !word[n];
}

enum storage_word storage_word(const char *word)
{
	if (strncmp(word, prefix, PREFIX) == 0)
		return STORAGE_DIGEST;
	return is_digits(word) ? STORAGE_DIGITS : STORAGE_NAME;
}

bool storage_whole_digest(const char *word, struct oci_digest *digest)
{
	AUTO_FREE char *whole = storage_word(word) == STORAGE_DIGEST
					? xstrdup(word)
					: xasprintf("%s%s", prefix, word);

	return oci_digest_parse(digest, whole, NULL) == 0;
}

/* More than one image with these digits is an error. */
static int find_digits(struct store *s, const char *digits, struct strv *names,
		       struct err *e)
{
	AUTO_STRV struct strv all = STRV_INIT;
	struct oci_digest first;
	int r = store_names(s, &all, e);

	for (size_t i = 0; r == 0 && i < all.n; i++) {
		AUTO_STORE_IMAGE struct store_image image = {0};
		char text[OCI_DIGEST_TEXT];

		/* One that is damaged, or removed right now, has no digest. */
		if (store_image_read(s, all.v[i], &image, NULL) < 0 ||
		    strncmp(oci_digest_hex(oci_digest_format(&image.digest, text)),
			    digits, strlen(digits)) != 0)
			continue;
		if (names->n && !oci_digest_equal(&first, &image.digest))
			return err_set(e, -EINVAL,
				       "several images have digests that begin with %s "
				       "(type more of it)",
				       digits);
		first = image.digest;
		strv_add(names, all.v[i]);
	}
	return r;
}

static int find_name(struct store *s, const char *word, struct strv *names, struct err *e)
{
	AUTO_OCI_REFERENCE struct oci_reference ref = {0};
	AUTO_FREE char *whole = NULL;
	AUTO_FREE char *text = NULL;
	int r = oci_reference_parse(&ref, word, e);

	if (r < 0)
		return r;
	oci_reference_complete(&ref);
	whole = oci_reference_format(&ref);
	r = store_name_read(s, whole, &text, e);
	if (r == 0 || r == -EBADMSG)
		strv_add(names, whole);
	return r;
}

int storage_find(struct store *s, const char *word, struct strv *names, struct err *e)
{
	bool digest = storage_word(word) == STORAGE_DIGEST;
	const char *digits = digest ? word + PREFIX : word;
	int r = digest ? -ENOENT : find_name(s, word, names, e);

	if (r != -ENOENT || (!digest && !is_digits(digits)))
		return r;
	if (e)
		err_free(e);
	if (!is_digits(digits))
		return err_set(e, -EINVAL, "'%s' is no digest, nor its first %d digits",
			       word, DIGITS);
	r = find_digits(s, digits, names, e);
	if (r == 0 && !names->n)
		return err_set(e, -ENOENT, "there is no image %s in %s", word,
			       store_path(s));
	return r;
}

int storage_new_name(const char *word, char **name, struct err *e)
{
	AUTO_OCI_REFERENCE struct oci_reference ref = {0};
	int r = oci_reference_parse(&ref, word, e);

	if (r == 0 && (ref.digest || storage_word(word) == STORAGE_DIGEST))
		r = err_set(e, -EINVAL, "a new name has no digest: '%s'", word);
	if (r < 0)
		return r;
	oci_reference_complete(&ref);
	*name = oci_reference_format(&ref);
	return 0;
}

/* --- Numbers for people --- */

char *storage_size(uint64_t bytes)
{
	static const char *const units[] = {"kB", "MB", "GB", "TB"};
	double n = (double)bytes / 1000;
	size_t unit = 0;

	if (bytes < 1000)
		return xasprintf("%u B", (unsigned)bytes);
	/* What would be shown as 1000.0 is one of the next. */
	for (; n >= 999.95 && unit + 1 < ARRAY_SIZE(units); unit++)
		n /= 1000;
	return xasprintf("%.1f %s", n, units[unit]);
}

char *storage_ago(time_t when)
{
	static const struct {
		const char *name;
		long long seconds;
	} units[] = {
		{"year", 365LL * 86400}, {"month", 30LL * 86400}, {"week", 7LL * 86400},
		{"day", 86400},		 {"hour", 3600},	  {"minute", 60},
	};
	long long ago = (long long)time(NULL) - when;

	for (size_t i = 0; i < ARRAY_SIZE(units); i++) {
		long long n = ago / units[i].seconds;

		if (n > 0)
			return xasprintf("%lld %s%s ago", n, units[i].name,
					 n == 1 ? "" : "s");
	}
	return xstrdup("just now");
}
