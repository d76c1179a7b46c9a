/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/stat.h>

#include "base/alloc.h"
#include "base/file.h"
#include "base/path.h"
#include "base/strbuf.h"
#include "registry/registries.h"
#include "tests/tap.h"

#define DIGEST "sha256:aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"

static const char conf[] =
	"[[registry]]\n"
	"location = 'plain.x'\n"
	"insecure = true\n"
	"[[registry]]\n"
	"prefix = 'a.x/foo'\n"
	"location = 'b.x/bar/'\n"
	"mirror = [{location = 'm.x', pull-from-mirror = 'tag-only'},\n"
	"	{location = 'n.x/deep/er', insecure = true, pull-from-mirror = "
	"'digest-only'}]\n"
	"[[registry]]\n"
	"prefix = 'a.x/foo/inner'\n"
	"[[registry.mirror]]\n"
	"location = 'o.x'\n"
	"[[registry]]\n"
	"prefix = 'a.x/foo/one:2'\n"
	"location = 'pinned.x/one'\n"
	"[[registry]]\n"
	"prefix = '*.wild.x'\n"
	"insecure = true\n"
	"[[registry]]\n"
	"prefix = '*.moved.x'\n"
	"location = 'new.x/old'\n"
	"[[registry]]\n"
	"prefix = 'docker.io/library'\n"
	"location = 'hub.x/lib'\n"
	"[[registry]]\n"
	"location = 'd.x'\n"
	"mirror-by-digest-only = true\n"
	"[[registry.mirror]]\n"
	"location = 'e.x'\n"
	"[[registry]]\n"
	"location = 'no.x/bad'\n"
	"blocked = true\n";

/* ! is before those that are insecure. */
static const struct {
	const char *name, *places;
} routes[] = {
	{"z.x/app", "z.x/app:latest"},
	{"plain.x/app", "!plain.x/app:latest"},
	{"plain.x:5000/app", "plain.x:5000/app:latest"},
	{"plain.xy/app", "plain.xy/app:latest"},
	{"a.x/foo:1",
	 "a.x/foo:1 cannot become m.x:1, as registries.conf:4 says: it has no path"},
	{"a.x/foo/app:1", "m.x/app:1 b.x/bar/app:1"},
	{"a.x/foo/app@" DIGEST, "!n.x/deep/er/app@" DIGEST " b.x/bar/app@" DIGEST},
	{"a.x/food", "a.x/food:latest"},
	{"a.x/foo/inner@" DIGEST, "a.x/foo/inner@" DIGEST " cannot become o.x@" DIGEST
				  ", as registries.conf:9 says: it has no path"},
	{"a.x/foo/inner/app", "o.x/app:latest a.x/foo/inner/app:latest"},
	{"a.x/foo/one:2", "pinned.x/one:2"},
	{"a.x/foo/one:3", "m.x/one:3 b.x/bar/one:3"},
	{"s.wild.x/app", "!s.wild.x/app:latest"},
	{"s.t.wild.x:8/app", "!s.t.wild.x:8/app:latest"},
	{"wild.x/app", "wild.x/app:latest"},
	{"s.moved.x:1/app", "new.x/old/app:latest"},
	{"docker.io/debian:12", "hub.x/lib/debian:12"},
	{"docker.io/other/debian", "docker.io/other/debian:latest"},
	{"d.x/app", "d.x/app:latest"},
	{"d.x/app@" DIGEST, "e.x/app@" DIGEST " d.x/app@" DIGEST},
	{"no.x/bad/app",
	 "no.x/bad/app:latest is blocked ('no.x/bad' in registries.conf:30)"},
	{"no.x/badly", "no.x/badly:latest"},
};

static char *show_places(const struct registries *r, const char *name)
{
	AUTO_OCI_REFERENCE struct oci_reference ref = {0};
	AUTO_PLACES struct registries_places places = {0};
	AUTO_ERR struct err e = ERR_INIT;
	struct strbuf s = STRBUF_INIT;

	oci_reference_parse(&ref, name, NULL);
	oci_reference_complete(&ref);
	if (registries_places(r, &ref, &places, &e) < 0)
		return err_message(&e);
	for (size_t i = 0; i < places.n; i++) {
		AUTO_FREE char *text = oci_reference_format(&places.v[i].ref);

		strbuf_addf(&s, "%s%s%s", i ? " " : "", places.v[i].insecure ? "!" : "",
			    text);
	}
	return strbuf_take(&s);
}

static void test_routes(void)
{
	AUTO_REGISTRIES struct registries r = {0};
	AUTO_ERR struct err e = ERR_INIT;

	registries_parse(&r, "registries.conf", conf, strlen(conf), &e);
	is_str(e.text, NULL, "all kinds of entries");
	is_int((long)r.notes.n, 0, "with nothing unknown");
	for (size_t i = 0; i < ARRAY_SIZE(routes); i++) {
		AUTO_FREE char *places = show_places(&r, routes[i].name);

		is_str(places, routes[i].places, routes[i].name);
	}
}

/* ---- short names ---- */

#define ALIASES "[aliases]\n'tool' = 'q.x/team/tool'\n'a/b' = 'docker.io/c'\n"
#define SEARCH	"unqualified-search-registries = ['s.x', 't.x:5/u', 'docker.io']\n"

static const struct {
	const char *conf, *name, *found;
} shorts[] = {
	{"", "debian", "docker.io/library/debian:latest"},
	{"", "a/b:1", "docker.io/a/b:1"},
	{"", "h.x/a", "h.x/a:latest"},
	{ALIASES, "tool", "q.x/team/tool:latest"},
	{ALIASES, "tool:2@" DIGEST, "q.x/team/tool:2@" DIGEST},
	{ALIASES, "a/b", "docker.io/library/c:latest"},
	{ALIASES, "docker.io/tool", "docker.io/library/tool:latest"},
	{SEARCH, "app:1", "s.x/app:1 t.x:5/u/app:1 docker.io/library/app:1"},
	{SEARCH ALIASES, "tool", "q.x/team/tool:latest"},
	{"short-name-mode='disabled'\n" SEARCH, "a/b",
	 "s.x/a/b:latest t.x:5/u/a/b:latest docker.io/a/b:latest"},
	{"short-name-mode='enforcing'\nunqualified-search-registries=['s.x']", "app",
	 "s.x/app:latest"},
	{"short-name-mode='enforcing'\n" SEARCH, "app",
	 "'app' is a short name that may mean several images, which short-name-mode in "
	 "registries.conf forbids: write HOST/app"},
	{"unqualified-search-registries = []", "app",
	 "'app' is a short name, and registries.conf names neither an alias of it nor "
	 "registries to look for it: write HOST/app"},
};

static char *show_candidates(const char *text, const char *name)
{
	AUTO_REGISTRIES struct registries r = {0};
	AUTO_OCI_REFERENCE struct oci_reference ref = {0};
	AUTO_STRV struct strv names = STRV_INIT;
	AUTO_ERR struct err e = ERR_INIT;
	struct strbuf s = STRBUF_INIT;

	oci_reference_parse(&ref, name, NULL);
	if (registries_parse(&r, "f", text, strlen(text), &e) < 0 ||
	    registries_candidates(&r, &ref, &names, &e) < 0)
		return err_message(&e);
	for (size_t i = 0; i < names.n; i++)
		strbuf_addf(&s, "%s%s", i ? " " : "", names.v[i]);
	return strbuf_take(&s);
}

static void test_shorts(void)
{
	for (size_t i = 0; i < ARRAY_SIZE(shorts); i++) {
		AUTO_FREE char *found = show_candidates(shorts[i].conf, shorts[i].name);

		is_str(found, shorts[i].found, shorts[i].name);
	}
}

/* ---- mistakes ---- */

static const struct {
	const char *text, *message;
} bad[] = {
	{"[[registry]]\ninsecure = true",
	 "f:1:1: a registry has neither prefix nor location"},
	{"[[registry]]\nlocation = 'https://a.x'",
	 "f:2:12: 'https://a.x' is not to begin with http:// or https://"},
	{"[[registry]]\nlocation = 'a/b'", "f:2:12: 'a/b' is not HOST[:PORT][/PATH]"},
	{"[[registry]]\nlocation = 'a.x/B'", "f:2:12: 'a.x/B' is not HOST[:PORT][/PATH]"},
	{"[[registry]]\nprefix = '*.a.x/b'", "f:2:10: '*.a.x/b' is not *.HOST"},
	{"[[registry]]\nprefix = 'a.*.x'", "f:2:10: 'a.*.x' is not HOST[:PORT][/PATH]"},
	{"[[registry]]\nlocation = 'a.x'\nblocked = 'yes'",
	 "f:3:11: 'blocked' is true or false, not a string"},
	{"registry = [1]", "f:1:13: 'registry' has tables in it"},
	{"[registry]", "f:1:1: 'registry' is an array, not a table"},
	{"[[registry]]\nlocation = 'a.x'\n[[registry.mirror]]\ninsecure = true",
	 "f:3:1: a mirror has no location"},
	{"[[registry]]\nlocation = 'a.x'\n[[registry.mirror]]\nlocation = "
	 "'b.x'\npull-from-mirror = 'never'",
	 "f:5:20: pull-from-mirror is all, digest-only or tag-only, not 'never'"},
	{"[[registry]]\nlocation = 'a.x'\nmirror-by-digest-only = true\n"
	 "mirror = [{location = 'b.x', pull-from-mirror = 'tag-only'}]",
	 "f:1:1: 'a.x' has mirror-by-digest-only, so its mirrors have no "
	 "pull-from-mirror"},
	{"unqualified-search-registries = [1]",
	 "f:1:34: 'unqualified-search-registries' has strings in it"},
	{"short-name-mode = 'x'",
	 "f:1:19: short-name-mode is enforcing, permissive or disabled, not 'x'"},
	{"[aliases]\n'a.x/b' = 'c.x/d'",
	 "f:2:11: 'a.x/b' is no short name (without host, tag and digest)"},
	{"[aliases]\n'a' = 'b'",
	 "f:2:7: 'b' is no whole name (HOST/PATH, without tag and digest)"},
	{"[aliases]\na = 'c.x/d:1'",
	 "f:2:5: 'c.x/d:1' is no whole name (HOST/PATH, without tag and digest)"},
	{"[registries.search]\nregistries = ['a.x']",
	 "f:1:1: this is version 1 of the format; write unqualified-search-registries = "
	 "[…] and [[registry]] (containers-registries.conf(5))"},
};

static void test_bad(void)
{
	for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
		AUTO_REGISTRIES struct registries r = {0};
		AUTO_ERR struct err e = ERR_INIT;
		AUTO_FREE char *message = NULL;

		ok(registries_parse(&r, "f", bad[i].text, strlen(bad[i].text), &e) < 0,
		   "a mistake");
		message = err_message(&e);
		is_str(message, bad[i].message, bad[i].message);
	}
}

static void test_unknown(void)
{
	static const char text[] = "[[registry]]\nlocation='a.x'\ninsecur = true\n";
	AUTO_REGISTRIES struct registries r = {0};

	ok(registries_parse(&r, "f", text, strlen(text), NULL) == 0,
	   "an unknown setting");
	is_str(r.notes.n ? r.notes.v[0] : NULL,
	       "f:3:11: the setting 'insecur' is not known (did you mean 'insecure'?)",
	       "  is told");
}

/* ---- files ---- */

static void put(const char *path, const char *text)
{
	AUTO_FREE char *folder = xstrndup(path, (size_t)(strrchr(path, '/') - path));

	if (path_make_folders(AT_FDCWD, folder, 0700, NULL) < 0 ||
	    file_write_at(AT_FDCWD, path, text, strlen(text), 0600, NULL) < 0)
		abort();
}

static char *load_folders(const char *user)
{
	AUTO_REGISTRIES struct registries r = {0};
	AUTO_ERR struct err e = ERR_INIT;
	struct strbuf s = STRBUF_INIT;

	if (registries_load_folders(&r, "system", user, &e) < 0)
		return err_message(&e);
	for (size_t i = 0; i < r.n; i++)
		strbuf_addf(&s, "%s=%s ", r.entries[i].prefix, r.entries[i].location);
	for (size_t i = 0; i < r.aliases.n; i++)
		strbuf_addf(&s, "%s:%s ", r.aliases.v[i].name, r.aliases.v[i].value);
	for (size_t i = 0; i < r.search.n; i++)
		strbuf_addf(&s, "?%s ", r.search.v[i]);
	return strbuf_take(&s);
}

static void is_loaded(const char *user, const char *expected, const char *what)
{
	AUTO_FREE char *loaded = load_folders(user);

	is_str(loaded, expected, what);
}

static void test_folders(void)
{
	char folder[] = "/tmp/test-registries-XXXXXX";

	if (!mkdtemp(folder) || chdir(folder) < 0)
		abort();
	is_loaded("user", "", "no files at all");
	put("system/registries.conf", SEARCH ALIASES "[[registry]]\nlocation='a.x'\n");
	put("system/registries.conf.d/20-b.conf",
	    "[[registry]]\nprefix='a.x'\nlocation='c.x'\n");
	put("system/registries.conf.d/10-a.conf",
	    "unqualified-search-registries=['one.x']\n[[registry]]\nprefix='a.x'\n"
	    "location='b.x'\n");
	put("system/registries.conf.d/30-no", "this is not read");
	is_loaded("user", "a.x=c.x a/b:docker.io/c tool:q.x/team/tool ?one.x ",
		  "drop-ins by name, a later one replaces");
	put("user/registries.conf.d/x.conf", "[aliases]\n'tool'=''\n'new'='n.x/n'\n");
	is_loaded("user", "a.x=c.x a/b:docker.io/c new:n.x/n ?one.x ",
		  "the user's come after, and drop an alias");
	put("user/registries.conf", "[[registry]]\nlocation='u.x'\n");
	is_loaded("user", "u.x=u.x new:n.x/n ", "the user's main file replaces all");
	is_loaded(NULL, "a.x=c.x a/b:docker.io/c tool:q.x/team/tool ?one.x ", "no user");
	put("system/registries.conf.d/20-b.conf", "x");
	is_loaded(NULL,
		  "system/registries.conf.d/20-b.conf:1:2: expected '=' before the end "
		  "of the file",
		  "a damaged one is named");
	path_remove(AT_FDCWD, folder, NULL);
}

static void test_named(void)
{
	AUTO_REGISTRIES struct registries r = {0};
	AUTO_ERR struct err e = ERR_INIT;

	is_int(registries_load(&r, "/nowhere/r.conf", &e), -ENOENT,
	       "a file that is not there");
	is_str(e.text, "there is no file /nowhere/r.conf", "  is named");
	is_int(registries_load(&r, "/dev/null", &e), 0, "none of all those files");
}

int main(void)
{
	test_routes();
	test_shorts();
	test_bad();
	test_unknown();
	test_named();
	test_folders();
	return tap_done();
}
