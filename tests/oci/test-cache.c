/* SPDX-License-Identifier: MIT */
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "oci/cache.h"
#include "tests/tap.h"

#define ID    "sha256:ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"
#define LAYER "\"mediaType\":\"application/vnd.oci.image.layer.v1.tar+gzip\""
#define INDEX "\"mediaType\":\"application/vnd.mab-build.layer-index.v1\""
#define REST  ",\"digest\":\"" ID "\",\"size\":7}"
#define FULL                                                                             \
	"{\"diffId\":\"" ID "\",\"blob\":{" LAYER REST                                   \
	",\"level\":3,\"index\":{" INDEX REST "}"
#define BARE	    "{\"diffId\":\"" ID "\"}"
#define STEP(layer) "{\"key\":\"" ID "\",\"created\":9" layer "}"
#define DOC(l, s)   "{\"layers\":[" l "],\"steps\":[" s "]}"
#define ONE_BLOB(b) DOC("{\"diffId\":\"" ID "\",\"blob\":{" b "}", "")

static const struct {
	const char *text, *says;
} cases[] = {
	{DOC("", ""), NULL},
	{DOC(FULL "," BARE, STEP("") "," STEP(",\"layer\":0")), NULL},
	{"[]", "cache: is an array and should be an object"},
	{"{\"steps\":[]}", "cache: layers is missing"},
	{"{\"layers\":[]}", "cache: steps is missing"},
	{DOC("7", ""), "cache: layers[0] is not an object"},
	{DOC(FULL, STEP("") ",[]"), "cache: steps[1] is not an object"},
	{DOC("{}", ""), "cache: layers[0].diffId is missing"},
	{DOC("{\"diffId\":\"x\"}", ""),
	 "cache: layers[0].diffId is wrong: digest 'x' does not begin with 'sha256:'"},
	{ONE_BLOB("\"mediaType\":\"text/plain\"" REST),
	 "cache: layers[0].blob is of text/plain, which does not begin with "
	 "application/vnd.oci.image.layer.v1.tar"},
	{ONE_BLOB(LAYER "}"), "cache: layers[0].blob.digest is missing"},
	{ONE_BLOB(LAYER ",\"digest\":\"" ID "\",\"size\":-1}"),
	 "cache: layers[0].blob.size is negative"},
	{DOC("{\"diffId\":\"" ID "\",\"level\":101}", ""),
	 "cache: layers[0].level is 101, and not from 0 to 100"},
	{DOC("{\"diffId\":\"" ID "\",\"index\":{" LAYER REST "}", ""),
	 "cache: layers[0].index is of application/vnd.oci.image.layer.v1.tar+gzip, which "
	 "does not begin with application/vnd.mab-build.layer-index.v1"},
	{DOC("", "{\"created\":9}"), "cache: steps[0].key is missing"},
	{DOC("", "{\"key\":\"" ID "\"}"), "cache: steps[0].created is missing"},
	{DOC("", "{\"key\":\"" ID "\",\"created\":253402300800}"),
	 "cache: steps[0].created is 253402300800, and not from 0 to 253402300799"},
	{DOC(FULL, STEP(",\"layer\":1")),
	 "cache: steps[0].layer is none of the 1 layers"},
	{DOC(FULL, STEP(",\"layer\":-1")),
	 "cache: steps[0].layer is none of the 1 layers"},
	{DOC(BARE, STEP(",\"layer\":0")), "cache: steps[0].layer is one without a blob"},
};

static void test_cases(void)
{
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		AUTO_OCI_CACHE struct oci_cache c = {0};
		AUTO_ERR struct err e = ERR_INIT;
		AUTO_FREE char *again = NULL;
		size_t len = 0;
		int r = oci_cache_parse(&c, cases[i].text, strlen(cases[i].text), &e);

		ok((r < 0) == !!cases[i].says, "%s", cases[i].text);
		is_str(e.text, cases[i].says, "  what it says");
		if (r < 0)
			continue;
		again = oci_cache_write(&c, &len);
		is_str(again, cases[i].text, "  is written as it was");
		ok(len == strlen(again), "  with its length");
	}
}

static void test_layers(void)
{
	static const char text[] = DOC(BARE, "");
	AUTO_OCI_CACHE struct oci_cache c = {0};
	struct oci_digest id;

	if (!ok(oci_cache_parse(&c, text, strlen(text), NULL) == 0, "one layer"))
		return;
	(void)oci_digest_parse(&id, ID, NULL);
	ok(oci_cache_find_layer(&c, &id) == c.layers, "  is found");
	id.bytes[31] ^= 1;
	ok(!oci_cache_find_layer(&c, &id), "  and not for another diff id");
}

int main(void)
{
	test_cases();
	test_layers();
	return tap_done();
}
