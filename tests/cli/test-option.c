/* SPDX-License-Identifier: MIT */
#include "cli/option.h"

#include <errno.h>
#include <stdint.h>
#include <stdlib.h>

#include "base/strbuf.h"
#include "tests/tap.h"

static const struct cli_option options[] = {
	{0, "Heading", .help = ""},
	{1, "install", .arg = "LIST", .help = "install these"},
	{2, "json", .letter = 'j', .help = "print JSON"},
	{3, "output", .letter = 'o', .arg = "FILE",
	 .help = "a help text that is so long that it has to be broken into two lines"},
	{0},
};
static const struct cli_program test_program = {.name = "p",
						.usage = "p [OPTION…]",
						.summary = "Tests.",
						.options = options,
						.epilogue = "End."};

static int collect(void *context, const struct cli_option *o, const char *value,
		   struct err *e)
{
	strbuf_addf(context, "%s=%s;", o->name, value ? value : "");
	return 0;
}

static void parsed(const char *const *words, const char *want, int operands_want)
{
	AUTO_STRBUF struct strbuf s = STRBUF_INIT;
	AUTO_ERR struct err e = ERR_INIT;
	char *argv[8] = {NULL};
	int argc = 0, operands = -1;

	for (; words[argc]; argc++)
		argv[argc] = (char *)(uintptr_t)words[argc];
	if (cli_options_parse(&test_program, argc, argv, collect, &s, &operands, &e) < 0)
		strbuf_adds(&s, e.text);
	is_str(s.data, want, want);
	if (operands_want)
		is_int(argc - operands, operands_want, "operands");
}

static void test_help(void)
{
	char *text = NULL;
	size_t n, widest = 0;
	FILE *f = open_memstream(&text, &n);

	cli_options_help(&test_program, f);
	fclose(f);
	ok(strstr(text, "usage: p [OPTION…]\n\nTests.\n\nHeading:\n"),
	   "starts with usage");
	ok(strstr(text, "\n  --install LIST          install these\n"), "a row");
	ok(strstr(text, "\n  -j, --json              print JSON\n"), "with a letter");
	ok(strstr(text, "\nEnd.\n"), "ends with the epilogue");
	for (char *line = strtok(text, "\n"); line; line = strtok(NULL, "\n"))
		if (strlen(line) > widest)
			widest = strlen(line);
	ok(widest < 80, "no line is wider than 79 (%zu)", widest);
	free(text);
}

#define WORDS(...) ((const char *const[]){"p", __VA_ARGS__, NULL})

int main(void)
{
	parsed(WORDS("--install", "a,b", "-j"), "install=a,b;json=;", 0);
	parsed(WORDS("--install=a", "x", "--json", "--", "-y"), "install=a;json=;", 2);
	parsed(WORDS("-ofile", "-j"), "output=file;json=;", 0);
	parsed(WORDS("--outp", "f"), "output=f;", 0);
	parsed(WORDS("--instal"), "option '--instal' needs an argument", 0);
	parsed(WORDS("--intsall", "a"),
	       "unknown option '--intsall' (did you mean '--install'?)", 0);
	parsed(WORDS("--quite-other"), "unknown option '--quite-other'", 0);
	parsed(WORDS("--json=x"), "option '--json' takes no argument", 0);
	parsed(WORDS("-x"), "unknown option '-x'", 0);
	parsed(WORDS("-jx"), "json=;unknown option '-x'", 0);
	parsed(WORDS("-o"), "option '-o' needs an argument", 0);
	test_help();
	return tap_done();
}
