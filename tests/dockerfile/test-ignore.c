/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <stdlib.h>

#include "base/alloc.h"
#include "base/strv.h"
#include "dockerfile/ignore.h"
#include "tests/tap.h"

/* patterns are separated by newlines; a path that is left out is marked with `-`. */
static const struct row {
	const char *patterns, *paths;
} rows[] = {
	{"a", "-a -a/b -a/b/c ab b/a"},
	{"/a", "-a b/a"},
	{"a/", "-a -a/b"},
	{"./a//b/../c", "-a/c a/b"},
	{" \t a \t", "-a"},
	{"a b", "a"},
	{"\n\n", "a"},
	{"#a", "a"},
	{" #a", "a"},
	{"*", "-a -a/b -.a"},
	{"*.o", "-a.o -.o a.c d/a.o -d.o/x"},
	{"*/a", "a -d/a d/e/a"},
	{"a*b", "-ab -axb -axyb a/b axbc"},
	{"a*/b", "-a/b -ax/b b"},
	{"?", "-a -\xc3\xa9 ab"},
	{"a?c", "-abc ac a/c abbc"},
	{"[a-c]x", "-ax -cx dx /x"},
	{"[^a-c]x", "ax -dx -\xc3\xa9x"},
	{"[\\-\\]]", "-- -] a"},
	{"a[^b]c", "a/c -axc"},
	{"\\*", "-* a"},
	{"\\[a", "-[a a"},
	{"a.b", "-a.b axb"},
	{"a+b(c)", "-a+b(c) aab"},
	{"**", "-a -a/b -a/b/c"},
	{"**/a", "-a -d/a -d/e/a -d/a/x da"},
	{"**/*.o", "-a.o -d/a.o -d/e/a.o a.c"},
	{"**.o", "-a.o -d/a.o -o.o o"},
	{"**a*", "-ab -d/ab bab"},
	{"d/**", "d -d/a -d/e/f e"},
	{"d/**/a", "d/b -d/a -d/e/a -d/e/f/a"},
	{"d/**/e/*", "-d/e/a -d/x/e/a d/e"},
	{"a**", "-a -ab -a/b ba"},
	{"a**b", "-ab -ax/b axb"},
	{"a*?**/b", "-axb -axxb -axx/b a/b ab"},
	{"a\n!a/b", "-a a/b a/b/c -a/c"},
	{"*\n!a", "a a/b -b"},
	{"*\n!a/b/c", "-a -a/b a/b/c -a/b/d"},
	{"*\n! a \n", "a -b"},
	{"!a\na", "-a"},
	{"a\n!a\na", "-a"},
	{"*.md\n!README*.md\nREADME-secret.md", "-a.md README.md README-x.md "
						"-README-secret.md"},
	{"*.md\nREADME-secret.md\n!README*.md", "README-secret.md README.md"},
	{"**/x\n!d/**/x", "-x -e/x d/x d/e/x"},
	{"!/a\n/b\n!/b/c", "a -b b/c -b/d"},
	{"\xef\xbb\xbf#a\nb", "a -b"},
	{"a\r\nb\r\n", "-a -b"},
	{".", "a"},
	{"..", "a"},
	{"\xff", "-\xff a"},
};

static void check_walk(const struct dockerfile_ignore *ig, const char *path, bool want)
{
	AUTO_FREE char *copy = xstrdup(path);
	bool above[64] = {false}, own[64];
	bool pruned = false, got;

	for (char *slash = copy; (slash = strchr(slash, '/')); slash++) {
		*slash = '\0';
		pruned |= dockerfile_ignore_match_in(ig, above, copy, own) &&
			  dockerfile_ignore_prunes(ig, copy);
		memcpy(above, own, sizeof above);
		*slash = '/';
	}
	got = pruned || dockerfile_ignore_match_in(ig, above, copy, NULL);
	is_int(got, want, "a walk agrees");
}

static void check_row(const struct row *row)
{
	AUTO_IGNORE struct dockerfile_ignore ig = {0};
	AUTO_STRV struct strv paths = STRV_INIT;
	AUTO_ERR struct err e = ERR_INIT;

	if (dockerfile_ignore_parse(&ig, "ignore", row->patterns, strlen(row->patterns),
				    &e) < 0) {
		ok(false, "%s: %s", row->patterns, e.text);
		return;
	}
	strv_split(&paths, row->paths, " ");
	for (size_t k = 0; k < paths.n; k++) {
		bool want = paths.v[k][0] == '-';
		const char *path = paths.v[k] + want;
		AUTO_FREE char *what = xasprintf("`%s` and %s", row->patterns, path);

		for (char *c = what; *c; c++)
			if (*c == '\n')
				*c = ' ';
		is_int(dockerfile_ignore_match(&ig, path), want, what);
		check_walk(&ig, path, want);
	}
}

static void check_error(const char *text, unsigned line, const char *want)
{
	struct dockerfile_ignore ig;
	AUTO_ERR struct err e = ERR_INIT;

	is_int(dockerfile_ignore_parse(&ig, "ignore", text, strlen(text), &e), -EINVAL,
	       "the pattern is refused");
	is_str(e.text, want, want);
	is_int(e.line, line, "with its line");
	is_int((long)ig.n, 0, "and nothing is left");
}

static void check_prune(const char *patterns, const char *path, bool want)
{
	AUTO_IGNORE struct dockerfile_ignore ig = {0};

	dockerfile_ignore_parse(&ig, "ignore", patterns, strlen(patterns), NULL);
	ok(dockerfile_ignore_prunes(&ig, path) == want, "%s is%s skipped", path,
	   want ? "" : " not");
}

int main(void)
{
	for (size_t k = 0; k < ARRAY_SIZE(rows); k++)
		check_row(&rows[k]);
	check_error("a\n!\n", 2, "`!` without a pattern");
	check_error("[a", 1, "the pattern `[a` has a `[` that is not closed properly");
	check_error("[]a]", 1,
		    "the pattern `[]a]` has a `[` that is not closed properly");
	check_error("[a-]", 1, "the pattern `[a-]` has a range without an end");
	check_error("[ad-f-]x", 1,
		    "the pattern `[ad-f-]x` has a `[` that is not closed properly");
	check_error("a\\", 1, "the pattern `a\\` ends with an escape");
	check_prune("d", "d", true);
	check_prune("d\n!d/a", "d", false);
	check_prune("d\n!d/a/b", "d/a", false);
	check_prune("d\n!d/a", "d/b", true);
	check_prune("d\n!d*", "dd", false);
	check_prune("d\n!**/a", "d", false);
	check_prune("*\n!dd/a", "d", true);
	return tap_done();
}
