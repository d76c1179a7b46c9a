/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <stdlib.h>

#include "base/alloc.h"
#include "base/strbuf.h"
#include "dockerfile/expand.h"
#include "tests/tap.h"

static struct dockerfile_vars vars;

static char *expand(const struct dockerfile_expand *x, const char *word)
{
	AUTO_ERR struct err e = ERR_INIT;
	char *text;

	if (dockerfile_expand(x, word, &text, &e) < 0)
		return xasprintf("error: %s", e.text);
	return text;
}

struct row {
	const char *word, *want;
};

static void check(const struct dockerfile_expand *x, const struct row *rows, size_t n)
{
	for (size_t k = 0; k < n; k++) {
		AUTO_FREE char *got = expand(x, rows[k].word);

		is_str(got, rows[k].want, rows[k].word);
	}
}

static const struct row plain[] = {
	{"", ""},
	{"text", "text"},
	{"$a", "one"},
	{"${a}", "one"},
	{"x$a-y", "xone-y"},
	{"x${a}y", "xoney"},
	{"$a$b", "onetwo words"},
	{"$unset", ""},
	{"<$empty>", "<>"},
	{"$", "$"},
	{"a$", "a$"},
	{"$ a", "$ a"},
	{"$.", "$."},
	{"$1", ""},
	{"$12x", "x"},
	{"$$a", "a"},
	{"$a_b", ""},
	{"$(a)", "$(a)"},
	{"\xc3\xa9$a\xc3\xa9", "\xc3\xa9one\xc3\xa9"},
};

static const struct row quotes[] = {
	{"'$a'", "$a"},
	{"\"$a\"", "one"},
	{"\"'$a'\"", "'one'"},
	{"'\"$a\"'", "\"$a\""},
	{"a'b'c\"d\"e", "abcde"},
	{"''", ""},
	{"\\$a", "$a"},
	{"\\${a}", "${a}"},
	{"\\\\$a", "\\one"},
	{"\\a", "a"},
	{"\"\\$a\"", "$a"},
	{"\"\\a\"", "\\a"},
	{"\"\\\"\"", "\""},
	{"\"\\\\\"", "\\"},
	{"'\\'", "\\"},
	{"end\\", "end"},
	{"'open", "error: the single quote is not closed: `'open`"},
	{"\"open", "error: the double quote is not closed: `\"open`"},
	{"\"${a", "error: `}` is missing after `${a`"},
};

static const struct row modifiers[] = {
	{"${a:-x}", "one"},
	{"${unset:-x}", "x"},
	{"${empty:-x}", "x"},
	{"${unset-x}", "x"},
	{"${empty-x}", ""},
	{"${unset:-}", ""},
	{"${unset:-$a}", "one"},
	{"${unset:-${a}}", "one"},
	{"${unset:-${unset2:-${a}-x}}", "one-x"},
	{"${unset:-a b}", "a b"},
	{"${unset:-'$a'}", "$a"},
	{"${unset:-\"}\"}", "}"},
	{"${unset:-\\}}", "}"},
	{"${a:+x}", "x"},
	{"${empty:+x}", ""},
	{"${empty+x}", "x"},
	{"${unset+x}", ""},
	{"${a:?no}", "one"},
	{"${empty?no}", ""},
	{"${empty:?no}", "error: empty: no"},
	{"${unset?not there}", "error: unset: not there"},
	{"${unset?}", "error: the variable unset is not set, and must not be"},
	{"${empty:?}", "error: the variable empty is empty, and must not be"},
};

static const struct row patterns[] = {
	{"${path#*/}", "b/c.tar.gz"},
	{"${path##*/}", "c.tar.gz"},
	{"${path%.*}", "a/b/c.tar"},
	{"${path%%.*}", "a/b/c"},
	{"${path#a/b}", "/c.tar.gz"},
	{"${path#b}", "a/b/c.tar.gz"},
	{"${path%.gz}", "a/b/c.tar"},
	{"${path%gz.}", "a/b/c.tar.gz"},
	{"${path#?}", "/b/c.tar.gz"},
	{"${path%?}", "a/b/c.tar.g"},
	{"${path#}", "a/b/c.tar.gz"},
	{"${path##*}", ""},
	{"${path%%*}", ""},
	{"${star#\\*}", "x*y"},
	{"${star##*\\*}", "y"},
	{"${star%\\**}", "*x"},
	{"${back#a\\\\}", "b"},
	{"${utf#?}", "b\xc3\xa9"},
	{"${utf%?}", "\xc3\xa9"
		     "b"},
	{"${utf%%?}", "\xc3\xa9"
		      "b"},
	{"${lines##*b}", "one\ntwo b"},
	{"${lines#one*b}", "one\ntwo b"},
	{"${unset#x}", ""},
	{"${path#$slash}", "b/c.tar.gz"},
	{"${path#'a/'}", "b/c.tar.gz"},
	{"${path#\\a}", "error: the pattern `\\a` has an escape before something that "
			"needs none"},
	{"${path/b/x}", "a/x/c.tar.gz"},
	{"${path/a/}", "/b/c.tar.gz"},
	{"${path//a/x}", "x/b/c.txr.gz"},
	{"${path//\\//-}", "a-b-c.tar.gz"},
	{"${path/.*/}", "a/b/c"},
	{"${path//?/x}", "xxxxxxxxxxxx"},
	{"${path/zz/x}", "a/b/c.tar.gz"},
	{"${path/a/$b}", "two words/b/c.tar.gz"},
	{"${path/$slash/<>}", "<>b/c.tar.gz"},
	{"${path//*/x}", "x"},
	{"${path///x}", "a/b/c.tar.gz"},
	{"${empty//a/b}", ""},
	{"${star//\\*/s}", "sxsy"},
};

static const struct row errors[] = {
	{"${", "error: `}` is missing after `${`"},
	{"${a", "error: `}` is missing after `${a`"},
	{"${a:", "error: `}` is missing after `${a:`"},
	{"${a:-x", "error: `}` is missing after `${a:-x`"},
	{"${a/x", "error: `/` is missing after `${a/x`"},
	{"${a/x/y", "error: `}` is missing after `${a/x/y`"},
	{"${}", "error: a variable's name is missing in `${}`"},
	{"${{a}}", "error: a variable's name is missing in `${{a}}`"},
	{"${:-x}", "error: a variable's name is missing in `${:-x}`"},
	{"${a^}", "error: a modifier that does not exist in `${a^}`"},
	{"${a:}", "error: a modifier that does not exist in `${a:}`"},
	{"${a:1:2}", "error: a modifier that does not exist in `${a:1:2}`"},
	{"${a=x}", "error: a modifier that does not exist in `${a=x}`"},
	{"${a:#x}", "error: a modifier that does not exist in `${a:#x}`"},
};

static const struct row backtick[] = {
	{"`$a", "$a"},	   {"\\$a", "\\one"}, {"C:\\dir", "C:\\dir"},
	{"\"`\"\"", "\""}, {"``", "`"},
};

static const struct row heredoc[] = {
	{"it's \"$a\"\n", "it's \"one\"\n"},
	{"\\$a \\\\ \\\n", "$a \\ \n"},
};

static const struct row unset_kept[] = {
	{"$unset ${unset}", "$unset ${unset}"},
	{"${unset:-x} ${unset#p} ${unset%%p}", "${unset:-x} ${unset#p} ${unset%%p}"},
	{"${unset/p/r} ${unset//p/r} $a", "${unset/p/r} ${unset//p/r} one"},
};

static void test_split(const char *word, const char *want)
{
	struct dockerfile_expand x = {.escape = '\\', .vars = &vars};
	AUTO_STRV struct strv words = STRV_INIT;
	AUTO_STRBUF struct strbuf got = STRBUF_INIT;

	ok(dockerfile_expand_split(&x, word, &words, NULL) == 0, "%s is split", word);
	for (size_t k = 0; k < words.n; k++)
		strbuf_addf(&got, "<%s>", words.v[k]);
	is_str(got.data, want, word);
}

static void test_names(void)
{
	AUTO_STRV struct strv used = STRV_INIT;
	AUTO_STRV struct strv missing = STRV_INIT;
	struct dockerfile_expand x = {
		.escape = '\\', .vars = &vars, .used = &used, .missing = &missing};
	AUTO_FREE char *text = expand(&x, "$a $a ${b:-$no} ${no2} '$no3' \\$no4 $no");

	is_str(text, "one one two words  $no3 $no4 ", "the text");
	is_int((long)used.n, 2, "two variables were used");
	is_int((long)missing.n, 2, "two were missing");
	ok(strv_has(&missing, "no") && strv_has(&missing, "no2"), "and named");
}

static void test_limits(void)
{
	struct dockerfile_expand x = {.escape = '\\', .vars = &vars};
	AUTO_FREE char *big = xcalloc(DOCKERFILE_VALUE_MAX / 2 + 1, 1);
	AUTO_STRBUF struct strbuf deep = STRBUF_INIT;
	char *text;

	memset(big, 'x', DOCKERFILE_VALUE_MAX / 2);
	dockerfile_vars_set(&vars, "big", big);
	is_int(dockerfile_expand(&x, "$big$big$big", &text, NULL), -E2BIG,
	       "a value has a limit");
	is_int(dockerfile_expand(&x, "${a//?/$big}", &text, NULL), -E2BIG,
	       "replacements have it too");
	is_int(dockerfile_expand(&x, "${big##${big}}", &text, NULL), -E2BIG,
	       "patterns have one");
	for (int k = 0; k < 100; k++)
		strbuf_adds(&deep, "${unset:-");
	for (int k = 0; k < 100; k++)
		strbuf_addc(&deep, '}');
	is_int(dockerfile_expand(&x, deep.data, &text, NULL), -EINVAL,
	       "nesting has a limit");
}

static void test_vars(void)
{
	AUTO_VARS struct dockerfile_vars copy = {0};

	dockerfile_vars_copy(&copy, &vars);
	dockerfile_vars_set(&copy, "a", "other");
	is_str(dockerfile_vars_get(&copy, "a"), "other", "a variable is replaced");
	is_str(dockerfile_vars_get(&vars, "a"), "one", "a copy is a copy");
	ok(!dockerfile_vars_get(&vars, "aa"), "a name is matched as a whole");
	is_int((long)copy.bytes, (long)vars.bytes + 2, "bytes are counted");
}

#define CHECK(x, rows) check(x, rows, ARRAY_SIZE(rows))

int main(void)
{
	struct dockerfile_expand normal = {.escape = '\\', .vars = &vars};
	struct dockerfile_expand other = {.escape = '`', .vars = &vars};
	struct dockerfile_expand file = {
		.escape = '\\', .vars = &vars, .ignore_quotes = true};
	struct dockerfile_expand keep = {
		.escape = '\\', .vars = &vars, .keep_unset = true};

	dockerfile_vars_set(&vars, "path", "a/b/c.tar.gz");
	dockerfile_vars_set(&vars, "a", "one");
	dockerfile_vars_set(&vars, "b", "two words");
	dockerfile_vars_set(&vars, "empty", "");
	dockerfile_vars_set(&vars, "slash", "a/");
	dockerfile_vars_set(&vars, "star", "*x*y");
	dockerfile_vars_set(&vars, "back", "a\\b");
	dockerfile_vars_set(&vars, "utf",
			    "\xc3\xa9"
			    "b\xc3\xa9");
	dockerfile_vars_set(&vars, "lines", "one\ntwo b");
	CHECK(&normal, plain);
	CHECK(&normal, quotes);
	CHECK(&normal, modifiers);
	CHECK(&normal, patterns);
	CHECK(&normal, errors);
	CHECK(&other, backtick);
	CHECK(&file, heredoc);
	CHECK(&keep, unset_kept);
	test_split("a  b", "<a><b>");
	test_split("$b", "<two><words>");
	test_split("\"$b\" c", "<two words><c>");
	test_split("a\\ b", "<a b>");
	test_split("x$b'y z'", "<xtwo><wordsy z>");
	test_split("", "");
	test_split("$unset '' x", "<x>");
	test_names();
	test_limits();
	test_vars();
	dockerfile_vars_free(&vars);
	return tap_done();
}
