/* SPDX-License-Identifier: MIT */

/*
 * A registries.conf: a mistake has its place; what is read leads every image somewhere,
 * or says why not.
 */

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "registry/registries.h"
#include "tests/fuzz/fuzz.h"

#define DIGEST "sha256:aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"

static void check_places(const struct registries *r, const char *name)
{
	AUTO_OCI_REFERENCE struct oci_reference ref = {0};
	AUTO_PLACES struct registries_places places = {0};
	AUTO_ERR struct err e = ERR_INIT;

	if (oci_reference_parse(&ref, name, NULL) < 0)
		abort();
	oci_reference_complete(&ref);
	if (registries_places(r, &ref, &places, &e) < 0) {
		if (!e.text)
			abort();
		return;
	}
	if (!places.n)
		abort();
	for (size_t i = 0; i < places.n; i++) {
		const struct oci_reference *p = &places.v[i].ref;

		if (!p->host || !p->path || (!p->tag && !p->digest))
			abort();
	}
}

static void check_short(const struct registries *r, const char *name)
{
	AUTO_OCI_REFERENCE struct oci_reference ref = {0};
	AUTO_STRV struct strv names = STRV_INIT;
	AUTO_ERR struct err e = ERR_INIT;

	if (oci_reference_parse(&ref, name, NULL) < 0)
		abort();
	if (registries_candidates(r, &ref, &names, &e) < 0) {
		if (!e.text)
			abort();
		return;
	}
	if (!names.n)
		abort();
	for (size_t i = 0; i < names.n; i++)
		check_places(r, names.v[i]);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const char *const whole[] = {"a.x/b/c:1", "s.a.x:5000/b",
					    ("a.x/b@" DIGEST)};
	AUTO_REGISTRIES struct registries r = {0};
	AUTO_ERR struct err e = ERR_INIT;

	if (registries_parse(&r, "f", (const char *)data, size, &e) < 0) {
		if (!e.text || !e.file || !e.line || !e.column)
			abort();
		return 0;
	}
	for (size_t i = 0; i < r.n; i++)
		if (!r.entries[i].prefix || !r.entries[i].line)
			abort();
	for (size_t i = 0; i < ARRAY_SIZE(whole); i++)
		check_places(&r, whole[i]);
	check_short(&r, "app:1");
	return 0;
}
