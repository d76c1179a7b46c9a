/* SPDX-License-Identifier: MIT */
#include <sys/utsname.h>

#include "oci/platform.h"
#include "tests/tap.h"

static const struct {
	const char *text, *normal;
} valid[] = {
	{"linux/amd64", "linux/amd64"},
	{"amd64", "linux/amd64"},
	{"x86_64", "linux/amd64"},
	{"linux/amd64/v1", "linux/amd64"},
	{"linux/amd64/v3", "linux/amd64/v3"},
	{"aarch64", "linux/arm64"},
	{"linux/arm64/v8", "linux/arm64"},
	{"linux/arm64/v9", "linux/arm64/v9"},
	{"arm", "linux/arm/v7"},
	{"arm/v6", "linux/arm/v6"},
	{"armhf", "linux/arm/v7"},
	{"armel", "linux/arm/v6"},
	{"linux/arm/5", "linux/arm/v5"},
	{"LINUX/ARM64", "linux/arm64"},
	{"i386", "linux/386"},
	{"mips64el", "linux/mips64le"},
	{"windows/amd64", "windows/amd64"},
	{"linux/loongarch64", "linux/loong64"},
};

static const char *const invalid[] = {
	"",
	"/",
	"linux/",
	"/amd64",
	"linux//amd64",
	"a/b/c/d",
	"linux/am d64",
	"linux/a\n",
	"linux/an-architecture-with-a-name-of-33-letters",
};

/* What serves `wanted`, the best first; the last one, after NULL, does not. */
static const struct {
	const char *wanted, *best, *next, *no;
} ranks[] = {
	{"linux/arm/v7", "linux/arm/v7", "linux/arm/v6", "linux/arm64"},
	{"linux/arm/v7", "linux/arm/v6", "linux/arm/v5", "linux/arm/v8"},
	{"linux/arm/v6", "linux/arm/v6", "linux/arm/v5", "linux/arm/v7"},
	{"linux/amd64/v3", "linux/amd64/v3", "linux/amd64/v2", "linux/amd64/v4"},
	{"linux/amd64/v3", "linux/amd64/v2", "linux/amd64", "linux/386"},
	{"linux/arm64/v9", "linux/arm64/v9", "linux/arm64", "linux/arm/v7"},
	{"linux/arm64", "linux/arm64", "linux/arm64/v8", "linux/arm64/v9"},
	{"linux/amd64", "linux/amd64", "linux/amd64/v1", "windows/amd64"},
};

static unsigned rank(const char *wanted, const char *offered)
{
	struct oci_platform w, o;

	if (oci_platform_parse(&w, wanted, NULL) < 0 ||
	    oci_platform_parse(&o, offered, NULL) < 0)
		return 0;
	return oci_platform_rank(&w, &o);
}

static void test_os_version(void)
{
	struct oci_platform w, o;

	(void)oci_platform_parse(&w, "windows/amd64", NULL);
	o = w;
	strcpy(o.os_version, "10.0.1");
	ok(oci_platform_rank(&w, &o) > 0, "who asks for no os.version takes any");
	ok(!oci_platform_equal(&w, &o), "but they are not the same");
	strcpy(w.os_version, "10.0.2");
	is_int(oci_platform_rank(&w, &o), 0, "who asks for one takes only that");
}

int main(void)
{
	struct oci_platform p;
	struct utsname u;

	for (size_t i = 0; i < ARRAY_SIZE(valid); i++) {
		char text[OCI_PLATFORM_TEXT];

		if (ok(oci_platform_parse(&p, valid[i].text, NULL) == 0, "%s",
		       valid[i].text))
			is_str(oci_platform_format(&p, text), valid[i].normal,
			       "  its normal form");
	}
	for (size_t i = 0; i < ARRAY_SIZE(invalid); i++) {
		AUTO_ERR struct err e = ERR_INIT;

		ok(oci_platform_parse(&p, invalid[i], &e) < 0 && e.text,
		   "wrong platform %zu", i);
	}
	for (size_t i = 0; i < ARRAY_SIZE(ranks); i++) {
		unsigned best = rank(ranks[i].wanted, ranks[i].best);
		unsigned next = rank(ranks[i].wanted, ranks[i].next);

		ok(best >= next && next > 0, "%s takes %s, then %s", ranks[i].wanted,
		   ranks[i].best, ranks[i].next);
		is_int(rank(ranks[i].wanted, ranks[i].no), 0, ranks[i].no);
	}
	test_os_version();
	oci_platform_of_host(&p);
	ok(uname(&u) == 0 && strcmp(p.os, "linux") == 0 && p.architecture[0],
	   "the machine has a platform");
	return tap_done();
}
