/* SPDX-License-Identifier: MIT */
#include <stdlib.h>

#include "base/alloc.h"
#include "oci/reference.h"
#include "tests/tap.h"

#define DIGEST "sha256:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"

static const struct {
	const char *text, *host, *path, *tag, *digest;
} valid[] = {
	{"debian", NULL, "debian", NULL, NULL},
	{"debian:12", NULL, "debian", "12", NULL},
	{"a/b", NULL, "a/b", NULL, NULL},
	{"localhost/b", "localhost", "b", NULL, NULL},
	{"localhost:5000", NULL, "localhost", "5000", NULL},
	{"localhost:5000/b:t", "localhost:5000", "b", "t", NULL},
	{"127.0.0.1:5000/app:1", "127.0.0.1:5000", "app", "1", NULL},
	{"[::1]:5000/app", "[::1]:5000", "app", NULL, NULL},
	{"[fe80::1]/app", "[fe80::1]", "app", NULL, NULL},
	{"Host/app", "Host", "app", NULL, NULL},
	{"r.example/a.b/c__d/e---f:T_-.9", "r.example", "a.b/c__d/e---f", "T_-.9", NULL},
	{"a@" DIGEST, NULL, "a", NULL, DIGEST},
	{"a:t@" DIGEST, NULL, "a", "t", DIGEST},
};

static const struct {
	const char *text, *says;
} invalid[] = {
	{"", "image name '': it has no path"},
	{"A", "image name 'A': a path has lower-case letters only at character 1 ('A')"},
	{"a//b", "image name 'a//b': expected a letter or digit at character 3 ('/')"},
	{"a/",
	 "image name 'a/': a path ends with a letter or digit at character 2 ('/')"},
	{"a..b", "image name 'a..b': expected a letter or digit at character 3 ('.')"},
	{"a___b", "image name 'a___b': expected a letter or digit at character 4 ('_')"},
	{"a b", "image name 'a b': unexpected in a path at character 2 (' ')"},
	{"a:", "image name 'a:': a colon without a tag"},
	{"a:.b",
	 "image name 'a:.b': a tag starts with a letter, digit or '_' at character 3 "
	 "('.')"},
	{"a:b:c", "image name 'a:b:c': unexpected in a tag at character 4 (':')"},
	{"h.x:/a", "image name 'h.x:/a': a colon without a port at character 4 (':')"},
	{"h.x:1a/a",
	 "image name 'h.x:1a/a': a port has digits only at character 6 ('a')"},
	{":1/a", "image name ':1/a': a port without a host at character 1 (':')"},
	{"[::1/a", "image name '[::1/a': an address without ']' at character 1 ('[')"},
	{"h.x/", "image name 'h.x/': it has no path"},
	{"a@sha256:12",
	 "image name 'a@sha256:12': digest 'sha256:12' has something else than 64 "
	 "lower-case hexadecimal digits"},
	{"a@md5:12",
	 "image name 'a@md5:12': digest 'md5:12' does not begin with 'sha256:'"},
};

static const struct {
	const char *text, *complete;
} completed[] = {
	{"debian", "docker.io/library/debian:latest"},
	{"index.docker.io/debian:1", "docker.io/library/debian:1"},
	{"user/app", "docker.io/user/app:latest"},
	{"r.example/app@" DIGEST, "r.example/app@" DIGEST},
	{"r.example/app:t", "r.example/app:t"},
};

static void test_too_long(void)
{
	AUTO_OCI_REFERENCE struct oci_reference ref = {0};
	char name[400];

	memset(name, 'a', sizeof name);
	name[256] = '\0';
	ok(oci_reference_parse(&ref, name, NULL) < 0, "256 characters are too many");
	name[255] = '\0';
	ok(oci_reference_parse(&ref, name, NULL) == 0, "255 are not");
	oci_reference_free(&ref);
	name[1] = ':';
	name[2 + 129] = '\0';
	ok(oci_reference_parse(&ref, name, NULL) < 0, "129 are too many for a tag");
	name[2 + 128] = '\0';
	ok(oci_reference_parse(&ref, name, NULL) == 0, "128 are not");
}

int main(void)
{
	for (size_t i = 0; i < ARRAY_SIZE(valid); i++) {
		AUTO_OCI_REFERENCE struct oci_reference ref = {0};
		AUTO_FREE char *again = NULL;

		if (!ok(oci_reference_parse(&ref, valid[i].text, NULL) == 0, "%s",
			valid[i].text))
			continue;
		is_str(ref.host, valid[i].host, "  host");
		is_str(ref.path, valid[i].path, "  path");
		is_str(ref.tag, valid[i].tag, "  tag");
		is_str(ref.digest, valid[i].digest, "  digest");
		again = oci_reference_format(&ref);
		is_str(again, valid[i].text, "  and back");
	}
	for (size_t i = 0; i < ARRAY_SIZE(invalid); i++) {
		AUTO_OCI_REFERENCE struct oci_reference ref = {0};
		AUTO_ERR struct err e = ERR_INIT;

		ok(oci_reference_parse(&ref, invalid[i].text, &e) < 0, "'%s' is wrong",
		   invalid[i].text);
		is_str(e.text, invalid[i].says, "  and it says why");
	}
	for (size_t i = 0; i < ARRAY_SIZE(completed); i++) {
		AUTO_OCI_REFERENCE struct oci_reference ref = {0};
		AUTO_FREE char *text = NULL;

		(void)oci_reference_parse(&ref, completed[i].text, NULL);
		oci_reference_complete(&ref);
		text = oci_reference_format(&ref);
		is_str(text, completed[i].complete, completed[i].text);
	}
	test_too_long();
	return tap_done();
}
