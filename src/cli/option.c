/* SPDX-License-Identifier: MIT */
#include "cli/option.h"

#include <errno.h>
#include <getopt.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/strbuf.h"
#include "base/strv.h"

/* getopt_long's own form of the table; val is 1 + the index, beyond every letter. */
enum { FIRST_VAL = 256 };

struct getopt_table {
	struct option *longs;
	struct strbuf letters;
};

static void table_free(struct getopt_table *t)
{
	free(t->longs);
	strbuf_free(&t->letters);
}

static int has_arg(const struct cli_option *o)
{
	if (!o->arg)
		return no_argument;
	return strncmp(o->arg, "[=", 2) == 0 ? optional_argument : required_argument;
}

static void table_build(struct getopt_table *t, const struct cli_program *program)
{
	const struct cli_option *options = program->options;
	size_t n = 0;

	while (options[n].name)
		n++;
	t->longs = xcalloc(n + 1, sizeof *t->longs);
	if (program->command)
		strbuf_addc(&t->letters, '+');
	/* A leading ":" tells a missing argument from an unknown option. */
	strbuf_addc(&t->letters, ':');
	for (size_t i = 0, k = 0; i < n; i++) {
		if (options[i].id == 0)
			continue;
		t->longs[k++] = (struct option){
			.name = options[i].name,
			.has_arg = has_arg(&options[i]),
			.val = FIRST_VAL + (int)i,
		};
		if (options[i].letter) {
			strbuf_addc(&t->letters, options[i].letter);
			if (has_arg(&options[i]) == required_argument)
				strbuf_addc(&t->letters, ':');
		}
	}
}

static const struct cli_option *by_letter(const struct cli_option *options, int letter)
{
	for (; options->name; options++)
		if (options->id && options->letter == letter)
			return options;
	return NULL;
}

static int wrong_option(const struct cli_program *program, const char *word, int c,
			struct err *e)
{
	AUTO_STRV struct strv names = STRV_INIT;
	AUTO_FREE char *asked = NULL;
	const char *near;

	if (c == ':')
		return err_set(e, -EINVAL, "option '%s' needs an argument", word);
	if (word[0] == '-' && word[1] != '-')
		return err_set(e, -EINVAL, "unknown option '-%c'", optopt);
	asked = xstrndup(word, strcspn(word, "="));
	for (const struct cli_option *o = program->options; o->name; o++)
		if (o->id)
			strv_addf(&names, "--%s", o->name);
	if (strv_has(&names, asked))
		return err_set(e, -EINVAL, "option '%s' takes no argument", asked);
	near = strv_nearest(&names, asked);
	if (near)
		return err_set(e, -EINVAL, "unknown option '%s' (did you mean '%s'?)",
			       asked, near);
	return err_set(e, -EINVAL, "unknown option '%s'", asked);
}

int cli_options_parse(const struct cli_program *program, int argc, char **argv,
		      int (*handle)(void *context, const struct cli_option *option,
				    const char *value, struct err *e),
		      void *context, int *operands, struct err *e)
{
	CLEAN(table_free) struct getopt_table t = {NULL, STRBUF_INIT};
	int c, r = 0;

	table_build(&t, program);
	opterr = 0;
	optind = 0;
	while ((c = getopt_long(argc, argv, t.letters.data, t.longs, NULL)) != -1) {
		const struct cli_option *o;

		if (c == '?' || c == ':')
			return wrong_option(program, argv[optind - 1], c, e);
		o = c >= FIRST_VAL ? &program->options[c - FIRST_VAL]
				   : by_letter(program->options, c);
		r = handle(context, o, optarg, e);
		if (r < 0)
			return r;
	}
	*operands = optind;
	return 0;
}

/* Prints text in lines that end before column 80, all but the first indented. */
static void print_wrapped(FILE *out, const char *text, size_t indent)
{
	size_t column = indent;

	while (*text) {
		size_t n = strcspn(text, " ");

		if (column > indent && column + 1 + n > 79) {
			fprintf(out, "\n%*s", (int)indent, "");
			column = indent;
		} else if (column > indent) {
			fputc(' ', out);
			column++;
		}
		fwrite(text, 1, n, out);
		column += n;
		text += n;
		text += strspn(text, " ");
	}
	fputc('\n', out);
}

void cli_options_help(const struct cli_program *program, FILE *out)
{
	enum { INDENT = 26 };

	fprintf(out, "usage: %s\n\n", program->usage);
	print_wrapped(out, program->summary, 0);
	for (const struct cli_option *o = program->options; o->name; o++) {
		AUTO_STRBUF struct strbuf left = STRBUF_INIT;

		if (o->id == 0) {
			fprintf(out, "\n%s:\n", o->name);
			continue;
		}
		if (o->letter)
			strbuf_addf(&left, "  -%c, --%s", o->letter, o->name);
		else
			strbuf_addf(&left, "  --%s", o->name);
		if (o->arg)
			strbuf_addf(&left, "%s%s",
				    has_arg(o) == optional_argument ? "" : " ", o->arg);
		if (left.len > INDENT - 2)
			fprintf(out, "%s\n%*s", left.data, INDENT, "");
		else
			fprintf(out, "%-*s", INDENT, left.data);
		print_wrapped(out, o->help, INDENT);
	}
	if (program->epilogue)
		fprintf(out, "\n%s\n", program->epilogue);
}
