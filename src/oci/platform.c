/* SPDX-License-Identifier: MIT */
#include "oci/platform.h"

#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/utsname.h>

#include "base/strbuf.h"
#include "base/strv.h"

/* Other names of an architecture, and the variant that they imply. */
static const struct {
	const char *name, *architecture, *variant;
} other_names[] = {
	{"x86_64", "amd64", ""},
	{"x86-64", "amd64", ""},
	{"aarch64", "arm64", ""},
	{"i386", "386", ""},
	{"i686", "386", ""},
	{"armhf", "arm", "v7"},
	{"armel", "arm", "v6"},
	{"armv7l", "arm", "v7"},
	{"armv6l", "arm", "v6"},
	{"ppc64el", "ppc64le", ""},
	{"mips64el", "mips64le", ""},
	{"mipsel", "mipsle", ""},
	{"loongarch64", "loong64", ""},
};

/* Variants that are the same as another. */
static const struct {
	const char *architecture, *variant, *same;
} usual_variants[] = {
	{"arm64", "v8", ""}, {"arm64", "8", ""}, {"amd64", "v1", ""}, {"arm", "", "v7"},
	{"arm", "7", "v7"},  {"arm", "6", "v6"}, {"arm", "5", "v5"},
};

static void set(char *field, size_t size, const char *value)
{
	(void)snprintf(field, size, "%s", value); /* callers have checked the length */
}

void oci_platform_normalize(struct oci_platform *p)
{
	for (size_t i = 0; i < ARRAY_SIZE(other_names); i++) {
		if (strcmp(p->architecture, other_names[i].name) != 0)
			continue;
		set(p->architecture, sizeof p->architecture, other_names[i].architecture);
		if (!p->variant[0])
			set(p->variant, sizeof p->variant, other_names[i].variant);
		break;
	}
	for (size_t i = 0; i < ARRAY_SIZE(usual_variants); i++)
		if (strcmp(p->architecture, usual_variants[i].architecture) == 0 &&
		    strcmp(p->variant, usual_variants[i].variant) == 0) {
			set(p->variant, sizeof p->variant, usual_variants[i].same);
			break;
		}
}

static int check_part(const char *text, const char *part, struct err *e)
{
	for (const char *c = part; *c; c++)
		if (!isalnum((unsigned char)*c) && !strchr("._-", *c))
			return err_set(e, -EINVAL,
				       "platform '%.100s' has an unexpected '%c'", text,
				       *c);
	if (strlen(part) >= sizeof(((struct oci_platform *)0)->os))
		return err_set(e, -EINVAL, "platform '%.100s' has too long a part", text);
	return 0;
}

/* A word without a slash is an architecture, or an operating system alone. */
static bool is_system(const char *word)
{
	static const char *const systems[] = {"linux",	 "windows", "darwin",  "freebsd",
					      "netbsd",	 "openbsd", "solaris", "illumos",
					      "android", "wasip1",  "js"};

	for (size_t i = 0; i < ARRAY_SIZE(systems); i++)
		if (strcmp(word, systems[i]) == 0)
			return true;
	return false;
}

int oci_platform_parse(struct oci_platform *platform, const char *text, struct err *e)
{
	struct oci_platform p = {.os = "linux"}, host;
	AUTO_STRV struct strv parts = STRV_INIT;
	size_t at = 0;

	strv_split(&parts, text, "/");
	if (parts.n == 0 || parts.n > 3 || text[0] == '/' ||
	    text[strlen(text) - 1] == '/' || strstr(text, "//"))
		return err_set(e, -EINVAL,
			       "platform '%.100s' is not OS/ARCHITECTURE[/VARIANT]",
			       text);
	for (size_t i = 0; i < parts.n; i++) {
		int r = check_part(text, parts.v[i], e);

		if (r < 0)
			return r;
		str_lower(parts.v[i]);
	}
	if (parts.n == 3 || is_system(parts.v[0]))
		set(p.os, sizeof p.os, parts.v[at++]);
	if (at < parts.n) {
		set(p.architecture, sizeof p.architecture, parts.v[at++]);
	} else {
		oci_platform_of_host(&host);
		set(p.architecture, sizeof p.architecture, host.architecture);
	}
	if (at < parts.n)
		set(p.variant, sizeof p.variant, parts.v[at]);
	oci_platform_normalize(&p);
	*platform = p;
	return 0;
}

const char *oci_platform_format(const struct oci_platform *p,
				char text[OCI_PLATFORM_TEXT])
{
	(void)snprintf(text, OCI_PLATFORM_TEXT, "%s/%s%s%s", p->os, p->architecture,
		       p->variant[0] ? "/" : "", p->variant); /* fits by size */
	return text;
}

bool oci_platform_equal(const struct oci_platform *a, const struct oci_platform *b)
{
	return strcmp(a->os, b->os) == 0 &&
	       strcmp(a->architecture, b->architecture) == 0 &&
	       strcmp(a->variant, b->variant) == 0 &&
	       strcmp(a->os_version, b->os_version) == 0;
}

/* "v3" is 3; without a variant, what the architecture began with. */
static unsigned level(const struct oci_platform *p)
{
	if (p->variant[0] == 'v')
		return (unsigned)strtoul(p->variant + 1, NULL, 10);
	return strcmp(p->architecture, "arm64") == 0 ? 8 : 1;
}

/* Architectures whose later variants run all that was made for the earlier ones. */
static bool has_levels(const char *architecture)
{
	return strcmp(architecture, "arm") == 0 || strcmp(architecture, "arm64") == 0 ||
	       strcmp(architecture, "amd64") == 0;
}

unsigned oci_platform_rank(const struct oci_platform *wanted,
			   const struct oci_platform *offered)
{
	if (strcmp(wanted->os, offered->os) != 0 ||
	    strcmp(wanted->architecture, offered->architecture) != 0 ||
	    (wanted->os_version[0] &&
	     strcmp(wanted->os_version, offered->os_version) != 0))
		return 0;
	if (strcmp(wanted->variant, offered->variant) == 0)
		return 100;
	if (!has_levels(wanted->architecture) || level(offered) > level(wanted))
		return 0;
	return 1 + level(offered);
}

void oci_platform_of_host(struct oci_platform *platform)
{
	struct utsname u;

	*platform = (struct oci_platform){.os = "linux"};
	if (uname(&u) == 0)
		(void)snprintf(platform->architecture, sizeof platform->architecture,
			       "%.31s", u.machine);
	oci_platform_normalize(platform);
}
