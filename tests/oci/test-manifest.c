/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <stdlib.h>

#include "base/alloc.h"
#include "base/strbuf.h"
#include "oci/manifest.h"
#include "tests/tap.h"

#define DIGEST(c)                                                                        \
	"sha256:" c c c c c c c c c c c c c c c c c c c c c c c c c c c c c c c c
#define LAYER	 "{\"mediaType\":\"x/y\",\"digest\":\"" DIGEST("ab") "\",\"size\":7}"
#define MANIFEST "{\"schemaVersion\":2,\"config\":" LAYER ",\"layers\":["
#define INDEX	 "{\"schemaVersion\":2,\"manifests\":["

static int read_document(struct oci_document *doc, const char *declared, const char *text,
			 struct err *e)
{
	return oci_document_init(doc, declared, xstrdup(text), strlen(text), e);
}

static const struct {
	const char *declared, *text, *says;
} wrong_documents[] = {
	{NULL, "",
	 "manifest: not JSON: '[' or '{' expected near end of file, in line 1, "
	 "column 0"},
	{NULL, "[]", "manifest: is an array and should be an object"},
	{NULL, "{}", "manifest: neither an index nor a manifest"},
	{NULL, "{\"manifests\":[],\"layers\":[]}",
	 "manifest: both an index and a manifest"},
	{OCI_MEDIA_INDEX, "{\"layers\":[]}",
	 "manifest: the content is not what its type " OCI_MEDIA_INDEX " says"},
	{OCI_MEDIA_INDEX, "{\"mediaType\":\"" DOCKER_MEDIA_INDEX "\",\"manifests\":[]}",
	 "manifest: it says that it is " DOCKER_MEDIA_INDEX
	 ", and was sent as " OCI_MEDIA_INDEX},
	{NULL, "{\"fsLayers\":[]}",
	 "manifest: an image in Docker's schema 1, which is no longer supported; push it "
	 "again with a newer tool"},
	{NULL, "{\"mediaType\":\"a\\r\\nb\",\"layers\":[]}",
	 "manifest: mediaType has an unexpected character"},
	{NULL, "{\"layers\":[],\"layers\":[]}",
	 "manifest: not JSON: duplicate object key near '\"layers\"', in line 1, column "
	 "21"},
};

static const struct {
	const char *text, *says;
} wrong_members[] = {
	{MANIFEST "]}", NULL},
	{"{\"schemaVersion\":1,\"config\":" LAYER ",\"layers\":[]}",
	 "manifest: schemaVersion is 1, only 2 is known"},
	{"{\"schemaVersion\":2,\"layers\":[]}", "manifest: config is missing"},
	{"{\"schemaVersion\":2,\"config\":" LAYER "}", "manifest: layers is missing"},
	{MANIFEST LAYER ",3]}", "manifest: layers[1] is not an object"},
	{MANIFEST "{\"digest\":\"" DIGEST("ab") "\",\"size\":7}]}",
	 "manifest: layers[0].mediaType is missing"},
	{MANIFEST "{\"mediaType\":\"x/y\",\"digest\":\"abc\",\"size\":7}]}",
	 "manifest: layers[0].digest is wrong: digest 'abc' does not begin with 'sha256:'"},
	{MANIFEST "{\"mediaType\":\"x/y\",\"digest\":\"" DIGEST("ab") "\",\"size\":-7}]}",
	 "manifest: layers[0].size is negative"},
	{MANIFEST
	 "{\"mediaType\":\"x/y\",\"digest\":\"" DIGEST("ab") "\",\"size\":\"7\"}]}",
	 "manifest: layers[0].size is a string and should be a whole number"},
	{MANIFEST "],\"annotations\":{\"a\":1}}",
	 "manifest: annotations.a is a whole number and should be a string"},
	{INDEX "{\"mediaType\":\"x/y\",\"digest\":\"" DIGEST(
		 "ab") "\",\"size\":7,\"platform\":{\"os\":\"linux\"}}]}",
	 "index: manifests[0].platform.architecture is missing"},
	{INDEX "{\"mediaType\":\"x/y\",\"digest\":\"" DIGEST(
		 "ab") "\",\"size\":7,\"platform\":{\"os\":\"a-system-whose-name-has-33-letters\"}}]}",
	 "index: manifests[0].platform.os has more than 31 bytes"},
};

static void test_documents(void)
{
	for (size_t i = 0; i < ARRAY_SIZE(wrong_documents); i++) {
		AUTO_OCI_DOCUMENT struct oci_document doc = {0};
		AUTO_ERR struct err e = ERR_INIT;

		ok(read_document(&doc, wrong_documents[i].declared,
				 wrong_documents[i].text, &e) < 0,
		   "wrong: %s", wrong_documents[i].text);
		is_str(e.text, wrong_documents[i].says, "  and it says why");
	}
}

static void test_members(void)
{
	for (size_t i = 0; i < ARRAY_SIZE(wrong_members); i++) {
		AUTO_OCI_DOCUMENT struct oci_document doc = {0};
		AUTO_OCI_MANIFEST struct oci_manifest m = {0};
		AUTO_OCI_INDEX struct oci_index x = {0};
		AUTO_ERR struct err e = ERR_INIT;
		int r = read_document(&doc, NULL, wrong_members[i].text, &e);

		if (r == 0 && oci_document_is_index(&doc))
			r = oci_index_parse(&x, &doc, &e);
		else if (r == 0)
			r = oci_manifest_parse(&m, &doc, &e);
		ok((r < 0) == !!wrong_members[i].says, "%s", wrong_members[i].text);
		is_str(e.text, wrong_members[i].says, "  what it says");
	}
}

/* Everything that an index may have comes back, what is not known here too. */
static void test_index_round_trip(void)
{
	static const char text[] =
		"{\"schemaVersion\":2,\"mediaType\":\"" OCI_MEDIA_INDEX
		"\",\"manifests\":["
		"{\"mediaType\":\"" OCI_MEDIA_MANIFEST "\",\"digest\":\"" DIGEST(
			"01") "\",\"size\":1,\"annotations\":{\"a\":\"1\",\"b\":\"2\"},\"platform\":{"
			      "\"architecture\":\"arm64\",\"os\":\"linux\",\"os.version\":\"1\","
			      "\"variant\":\"v8\",\"os.features\":[\"x\"]},\"artifactType\":\"t/t\"},"
			      "{\"mediaType\":\"" OCI_MEDIA_MANIFEST
			      "\",\"digest\":\"" DIGEST(
				      "02") "\",\"size\":2}],\"annotations\":{\"c\":\"\xc3\xa9\"},\"subject\":{\"q\":1}}";
	AUTO_OCI_DOCUMENT struct oci_document doc = {0}, again = {0};
	AUTO_OCI_INDEX struct oci_index x = {0};

	ok(read_document(&doc, NULL, text, NULL) == 0, "an index");
	ok(oci_index_parse(&x, &doc, NULL) == 0, "  is read");
	is_int((long)x.n, 2, "  has two manifests");
	is_str(x.manifests[0].platform.variant, "v8", "  the variant as it was written");
	is_str(oci_map_get(&x.manifests[0].annotations, "b"), "2", "  an annotation");
	oci_index_write(&x, &again);
	is_str(again.data, text, "  and written");
	ok(oci_digest_equal(&doc.digest, &again.digest), "  with the same digest");
}

static void test_manifest_round_trip(void)
{
	static const char text[] =
		"{\"schemaVersion\":2,\"mediaType\":\"" DOCKER_MEDIA_MANIFEST
		"\",\"config\":" LAYER ",\"layers\":[" LAYER "," LAYER "]}";
	AUTO_OCI_DOCUMENT struct oci_document doc = {0}, again = {0};
	AUTO_OCI_MANIFEST struct oci_manifest m = {0};
	struct oci_descriptor *d;

	ok(read_document(&doc, "application/json", text, NULL) == 0, "a manifest");
	ok(oci_manifest_parse(&m, &doc, NULL) == 0, "  is read");
	is_int(m.format, OCI_FORMAT_DOCKER, "  in Docker's form");
	oci_manifest_write(&m, &again);
	is_str(again.data, text, "  and written");
	d = oci_manifest_add_layer(&m);
	oci_descriptor_copy(d, &m.config);
	is_int((long)m.n, 3, "  with one more layer");
}

static void test_select(void)
{
	static const char *const platforms[] = {"linux/amd64", "linux/arm/v6",
						"linux/arm/v5", "linux/arm64/v8"};
	AUTO_OCI_INDEX struct oci_index x = {0};
	AUTO_ERR struct err e = ERR_INIT;
	const struct oci_descriptor *d = NULL;
	struct oci_platform p;

	for (size_t i = 0; i < ARRAY_SIZE(platforms); i++) {
		struct oci_descriptor *new = oci_index_add(&x);

		new->media_type = xstrdup(OCI_MEDIA_MANIFEST);
		new->has_platform = true;
		(void)oci_platform_parse(&new->platform, platforms[i], NULL);
		new->size = i;
	}
	strcpy(x.manifests[3].platform.variant, "v8");
	(void)oci_platform_parse(&p, "linux/arm/v7", NULL);
	ok(oci_index_select(&x, &p, &d, &e) == 0 && d->size == 1, "v7 takes v6");
	(void)oci_platform_parse(&p, "linux/arm64", NULL);
	ok(oci_index_select(&x, &p, &d, &e) == 0 && d->size == 3, "arm64 takes v8");
	(void)oci_platform_parse(&p, "linux/s390x", NULL);
	is_int(oci_index_select(&x, &p, &d, &e), -ENOENT, "none for s390x");
	is_str(e.text,
	       "there is no image for linux/s390x, only for linux/amd64, linux/arm/v6, "
	       "linux/arm/v5, linux/arm64/v8",
	       "  and it lists those that there are");
}

static void test_limits(void)
{
	AUTO_OCI_DOCUMENT struct oci_document doc = {0};
	AUTO_OCI_MANIFEST struct oci_manifest m = {0};
	AUTO_STRBUF struct strbuf s = STRBUF_INIT;
	AUTO_ERR struct err e = ERR_INIT;
	size_t len = OCI_DOCUMENT_MAX + 1;

	is_int(oci_document_init(&doc, NULL, xcalloc(len + 1, 1), len, &e), -EFBIG,
	       "a document that is too large");
	strbuf_adds(&s, MANIFEST LAYER);
	for (int i = 0; i < OCI_ITEMS_MAX; i++)
		strbuf_adds(&s, "," LAYER);
	strbuf_adds(&s, "]}");
	ok(read_document(&doc, NULL, s.data, &e) == 0, "many layers");
	ok(oci_manifest_parse(&m, &doc, &e) < 0, "  are too many");
	is_str(e.text, "manifest: layers has more than 4096 items", "  and it says so");
}

static void test_map(void)
{
	struct oci_map map = {0}, copy;

	for (int i = 0; i < 20; i++) {
		char name[4];

		(void)snprintf(name, sizeof name, "%02d", (i * 7) % 20);
		oci_map_set(&map, name, "old");
		oci_map_set(&map, name, name);
	}
	is_int((long)map.n, 20, "each name once");
	for (int i = 0; i < 20; i += 2)
		oci_map_remove(&map, map.v[i / 2].name);
	oci_map_remove(&map, "none");
	oci_map_copy(&copy, &map);
	oci_map_free(&map);
	is_int((long)copy.n, 10, "half of them removed");
	is_str(oci_map_get(&copy, "19"), "19", "the last is there");
	is_str(oci_map_get(&copy, "00"), NULL, "the first is not");
	oci_map_set(&copy, "00", "x");
	is_str(copy.v[0].value, "x", "it is sorted");
	oci_map_free(&copy);
}

int main(void)
{
	test_documents();
	test_members();
	test_index_round_trip();
	test_manifest_round_trip();
	test_select();
	test_limits();
	test_map();
	return tap_done();
}
