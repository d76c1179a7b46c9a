/* SPDX-License-Identifier: MIT */

/* Documents of caches: what is read comes back as it was written, and in bounds. */

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "oci/cache.h"
#include "tests/fuzz/fuzz.h"

static void check(const struct oci_cache *c)
{
	for (size_t i = 0; i < c->n_steps; i++) {
		const struct oci_cache_step *s = &c->steps[i];

		if (s->wrote &&
		    (s->layer >= c->n_layers || !c->layers[s->layer].blob.media_type))
			abort();
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	AUTO_OCI_CACHE struct oci_cache c = {0};
	AUTO_OCI_CACHE struct oci_cache again = {0};
	AUTO_ERR struct err e = ERR_INIT;
	AUTO_FREE char *written = NULL;
	AUTO_FREE char *rewritten = NULL;
	size_t len, relen;
	int r = oci_cache_parse(&c, (const char *)data, size, &e);

	if (r < 0) {
		if (!e.text || e.code != r)
			abort();
		return 0;
	}
	check(&c);
	written = oci_cache_write(&c, &len);
	if (oci_cache_parse(&again, written, len, NULL) < 0)
		abort();
	rewritten = oci_cache_write(&again, &relen);
	if (len != relen || memcmp(written, rewritten, len) != 0)
		abort();
	return 0;
}
