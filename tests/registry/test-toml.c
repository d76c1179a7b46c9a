/* SPDX-License-Identifier: MIT */
#include <stdlib.h>

#include "base/alloc.h"
#include "base/strbuf.h"
#include "registry/toml.h"
#include "tests/tap.h"

/* A value on one line, as JSON would have it. */
static void show(struct strbuf *s, const struct toml *v)
{
	bool table = v->kind == TOML_TABLE;

	if (v->key)
		strbuf_addf(s, "%s:", v->key);
	switch (v->kind) {
	case TOML_STRING:
		strbuf_addf(s, "\"%s\"", v->string);
		return;
	case TOML_BOOLEAN:
		strbuf_adds(s, v->boolean ? "true" : "false");
		return;
	case TOML_INTEGER:
		strbuf_addf(s, "%lld", v->integer);
		return;
	case TOML_ARRAY:
	case TOML_TABLE:
		break;
	}
	strbuf_addc(s, table ? '{' : '[');
	for (size_t i = 0; i < v->n; i++) {
		if (i)
			strbuf_addc(s, ',');
		show(s, &v->items[i]);
	}
	strbuf_addc(s, table ? '}' : ']');
}

static const struct {
	const char *text, *shown;
} good[] = {
	{"", "{}"},
	{"# only this", "{}"},
	{"a = \"b\"", "{a:\"b\"}"},
	{"a='\\n'\r\n\r\nb=true #x\n", "{a:\"\\n\",b:true}"},
	{"a=\"\\t\\\"\\\\\\u00e9\\U0001F600\"", "{a:\"\t\"\\\xc3\xa9\xf0\x9f\x98\x80\"}"},
	{"a = [ ] \nb=[1, # one\n +2,\n-3,\n]", "{a:[],b:[1,2,-3]}"},
	{"n=9223372036854775807\nm=-9223372036854775808",
	 "{n:9223372036854775807,m:-9223372036854775808}"},
	{"a.b.c = 1\na.b.d=2", "{a:{b:{c:1,d:2}}}"},
	{"[ a . \"b c\" ]\nd={ e=[{}], f.g='' }", "{a:{b c:{d:{e:[{}],f:{g:\"\"}}}}}"},
	{"[[a]]\nb=1\n[[a.c]]\nd=2\n[[a.c]]\n[a.e]\nf=3\n[[a]]\nb=4",
	 "{a:[{b:1,c:[{d:2},{}],e:{f:3}},{b:4}]}"},
	{"[a.b]\nc=1\n[a]\nd=2", "{a:{b:{c:1},d:2}}"},
	{"\"\" = 0\n1 = 1", "{:0,1:1}"},
};

static void test_good(void)
{
	for (size_t i = 0; i < ARRAY_SIZE(good); i++) {
		AUTO_STRBUF struct strbuf s = STRBUF_INIT;
		AUTO_TOML struct toml root = {0};
		AUTO_ERR struct err e = ERR_INIT;

		toml_parse(&root, "f", good[i].text, strlen(good[i].text), &e);
		is_str(e.text, NULL, "a text without mistakes");
		show(&s, &root);
		is_str(s.data, good[i].shown, "  that means this");
	}
}

static const struct {
	const char *text, *message;
} bad[] = {
	{"a", "f:1:2: expected '=' before the end of the file"},
	{"a =\nb", "f:1:4: expected a value before the end of the line"},
	{"a = b", "f:1:5: 'b' is no value (a string has quotes)"},
	{"a = ?", "f:1:5: expected a value, not '?'"},
	{"a = 1 b = 2", "f:1:7: expected the end of the line, not 'b'"},
	{"a = 1.5", "f:1:5: only whole decimal numbers are read here"},
	{"a = 2020-01-01", "f:1:5: only whole decimal numbers are read here"},
	{"a = 0x1", "f:1:5: only whole decimal numbers are read here"},
	{"a = -", "f:1:6: expected a digit before the end of the file"},
	{"a = 9223372036854775808", "f:1:5: the number is too large"},
	{"a = \"\"\"x\"\"\"", "f:1:5: strings over several lines are not read here"},
	{"a = \"x\n\"", "f:1:7: expected a closing quote before the end of the line"},
	{"a = \"\\q\"",
	 "f:1:7: expected one of b t n f r u U \" and \\ after a backslash, not 'q'"},
	{"a = \"\\u00g0\"", "f:1:10: expected a hexadecimal digit, not 'g'"},
	{"a = \"\\ud800\"", "f:1:8: no such character"},
	{"a = \"\\u0000\"", "f:1:8: no such character"},
	{"a = '\x01'", "f:1:6: expected a closing quote, not a byte 0x01"},
	{"a = [1 2]", "f:1:8: expected ',' or ']', not '2'"},
	{"\na = [\n", "f:3:1: expected a value before the end of the file"},
	{"a = {b=1,}", "f:1:10: expected a name, not '}'"},
	{"a = {b=1", "f:1:9: expected ',' or '}' before the end of the file"},
	{"a = 1\n\n a = 2", "f:3:2: 'a' is there already, in line 1"},
	{"[a]\n[a]", "f:2:1: 'a' is there already, in line 1"},
	{"[[a]]\n[a]", "f:2:1: 'a' is there already, in line 1"},
	{"a = []\n[[a]]", "f:2:1: 'a' is there already, in line 1"},
	{"a = 1\n[a.b]", "f:2:1: 'a' is a number already, nothing can be added to it"},
	{"a = {}\n[a.b]", "f:2:1: 'a' is a table already, nothing can be added to it"},
	{"a = {}\na.b = 1", "f:2:1: 'a' is a table already, nothing can be added to it"},
	{"[a.b]\nc=1\n[a]\nb.d=1\n[a.b]", "f:5:1: 'b' is there already, in line 1"},
	{"[a", "f:1:3: expected ']' before the end of the file"},
	{"[[a]\n", "f:1:5: expected ']]' before the end of the line"},
	{"[]", "f:1:2: expected a name, not ']'"},
	{"a..b = 1", "f:1:3: expected a name, not '.'"},
	{"a = [[[[[[[[[[[[[[[[[[", "f:1:21: more than 16 values in each other"},
	{"a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a = 1", "f:1:35: more than 16 names in one"},
};

static void test_bad(void)
{
	for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
		AUTO_TOML struct toml root = {0};
		AUTO_ERR struct err e = ERR_INIT;
		AUTO_FREE char *message = NULL;
		int r = toml_parse(&root, "f", bad[i].text, strlen(bad[i].text), &e);

		ok(r < 0, "a text with a mistake");
		message = err_message(&e);
		is_str(message, bad[i].message, bad[i].message);
	}
}

static void test_positions(void)
{
	static const char text[] = "[a]\n  b =  [\n 'c', 'd']";
	AUTO_TOML struct toml root = {0};
	const struct toml *array;

	toml_parse(&root, "f", text, strlen(text), NULL);
	is_int(root.items[0].line, 1, "a heading's line");
	array = &root.items[0].items[0];
	ok(array->line == 2 && array->column == 8, "where an array begins");
	ok(array->items[1].line == 3 && array->items[1].column == 7, "one in it");
}

int main(void)
{
	test_good();
	test_bad();
	test_positions();
	return tap_done();
}
