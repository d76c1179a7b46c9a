/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/stat.h>

#include "base/alloc.h"
#include "base/file.h"
#include "oci/layout.h"
#include "tests/tap.h"

static int folder;

static void put(const char *path, const char *text)
{
	if (file_write_at(folder, path, text, strlen(text), 0644, NULL) < 0)
		abort();
}

/* An image without layers, whose configuration differs by `mark`. */
static void add_image(struct oci_layout *l, const char *mark, struct oci_descriptor *d)
{
	AUTO_OCI_MANIFEST struct oci_manifest m = {0};
	AUTO_OCI_DOCUMENT struct oci_document doc = {0};

	m.config.media_type = xstrdup(OCI_MEDIA_CONFIG);
	m.config.size = strlen(mark);
	ok(oci_blobs_add(oci_layout_blobs(l), mark, strlen(mark), &m.config.digest,
			 NULL) == 0,
	   "a blob is added");
	oci_manifest_write(&m, &doc);
	ok(oci_blobs_add(oci_layout_blobs(l), doc.data, doc.len, NULL, NULL) == 0,
	   "  and a manifest");
	oci_document_descriptor(&doc, d);
}

static void test_images(struct oci_layout *l)
{
	AUTO_OCI_DESCRIPTOR struct oci_descriptor a = {0}, b = {0}, found = {0};
	AUTO_OCI_DOCUMENT struct oci_document doc = {0};
	AUTO_OCI_INDEX struct oci_index index = {0};
	AUTO_ERR struct err e = ERR_INIT;

	add_image(l, "a", &a);
	add_image(l, "b", &b);
	is_int(oci_layout_find(l, NULL, &found, &e), -ENOENT, "nothing yet");
	is_str(e.text, "the image layout l has no image '', only: none", "  it says so");
	ok(oci_layout_set(l, "one", &a, NULL) == 0, "a first image");
	ok(oci_layout_find(l, NULL, &found, NULL) == 0 &&
		   oci_digest_equal(&found.digest, &a.digest),
	   "  the only one needs no name");
	oci_descriptor_free(&found);
	ok(oci_layout_set(l, "one", &b, NULL) == 0, "another in its place");
	ok(oci_layout_set(l, "two", &a, NULL) == 0, "and a second");
	ok(oci_layout_set(l, NULL, &a, NULL) == 0, "one without a name");
	ok(oci_layout_set(l, NULL, &a, NULL) == 0, "  twice");
	ok(oci_layout_index(l, &index, NULL) == 0 && index.n == 3, "there are three");
	is_int(oci_layout_find(l, NULL, &found, &e), -ENOENT, "now a name is needed");
	is_str(e.text,
	       "the image layout l has 3 images; name one of: one, two, one without",
	       "  it says so");
	ok(oci_layout_find(l, "one", &found, NULL) == 0 &&
		   oci_digest_equal(&found.digest, &b.digest),
	   "the name finds the newer");
	ok(oci_layout_document(l, &found, &doc, NULL) == 0 &&
		   oci_digest_equal(&doc.digest, &b.digest),
	   "  whose manifest is read");
	is_int(oci_layout_find(l, "three", &found, &e), -ENOENT, "no other");
}

static void test_blobs(struct oci_layout *l)
{
	AUTO_OCI_BLOB_WRITER struct oci_blob_writer *w = NULL;
	AUTO_ERR struct err e = ERR_INIT;
	AUTO_FREE char *data = NULL, *path = NULL;
	struct oci_blobs *blobs = oci_layout_blobs(l);
	struct oci_digest d;
	char text[OCI_DIGEST_TEXT];
	size_t len;

	oci_digest_of("forgotten", 9, &d);
	ok(blobs->create(blobs, &w, NULL) == 0 && w->append(w, "forgotten", 9, NULL) == 0,
	   "a blob is begun");
	ok(!oci_blobs_has(blobs, &d, 9), "  and not seen");
	w->abort(TAKE_PTR(w));
	is_int(oci_blobs_read(blobs, &d, 9, &data, &len, NULL), -ENOENT, "  nor later");
	ok(oci_blobs_add(blobs, "abc", 3, &d, NULL) == 0, "one is added");
	ok(oci_blobs_add(blobs, "abc", 3, &d, NULL) == 0, "  twice");
	ok(oci_blobs_has(blobs, &d, 3) && !oci_blobs_has(blobs, &d, 4),
	   "  with its size");
	is_int(oci_blobs_read(blobs, &d, 2, &data, &len, NULL), -EFBIG, "  too large");
	ok(oci_blobs_read(blobs, &d, 3, &data, &len, NULL) == 0 && len == 3, "  read");
	is_str(data, "abc", "  as it was");
	path = xasprintf("l/blobs/sha256/%s",
			 oci_digest_hex(oci_digest_format(&d, text)));
	put(path, "abd");
	free(TAKE_PTR(data));
	is_int(oci_blobs_read(blobs, &d, 3, &data, &len, &e), -EIO, "  damage is seen");
}

static void test_refused(void)
{
	AUTO_OCI_LAYOUT struct oci_layout *l = NULL;
	AUTO_ERR struct err e = ERR_INIT;

	if (mkdirat(folder, "full", 0755) < 0)
		abort();
	put("full/file", "");
	is_int(oci_layout_create(folder, "full", &l, &e), -ENOTEMPTY, "a used folder");
	is_str(e.text, "the folder full is not empty and not an image layout",
	       "  says so");
	is_int(oci_layout_open(folder, "full", &l, &e), -ENOENT, "not a layout");
	is_str(e.text, "full is not an image layout: it has no file oci-layout", "  why");
	put("full/oci-layout", "{\"imageLayoutVersion\":\"2.0.0\"}");
	ok(oci_layout_open(folder, "full", &l, &e) < 0, "a later version");
	is_str(e.text,
	       "image layout full: oci-layout: version 2.0.0 is not known, only 1",
	       "  is not known");
}

int main(void)
{
	char path[] = "/tmp/test-layout-XXXXXX";
	AUTO_FREE char *remove = NULL;
	struct oci_layout *l = NULL;

	if (!mkdtemp(path))
		abort();
	folder = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	ok(oci_layout_create(folder, "l", &l, NULL) == 0, "a layout is made");
	test_images(l);
	test_blobs(l);
	oci_layout_close(l);
	ok(oci_layout_create(folder, "l", &l, NULL) == 0, "it is opened again");
	oci_layout_close(l);
	test_refused();
	close(folder);
	remove = xasprintf("rm -r %s", path);
	ok(system(remove) == 0, "cleaned up");
	return tap_done();
}
