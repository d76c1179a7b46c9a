/* SPDX-License-Identifier: MIT */
#include "cli/completion.h"

#include <errno.h>
#include <stdbool.h>
#include <string.h>

#include "base/strbuf.h"

enum kind { NO_ARGUMENT, LIST, FOLDER, A_FILE, ANYTHING };

static enum kind kind_of(const struct cli_option *o)
{
	if (!o->arg)
		return NO_ARGUMENT;
	if (strstr(o->arg, "LIST"))
		return LIST;
	if (strstr(o->arg, "DIR"))
		return FOLDER;
	return strstr(o->arg, "FILE") || strstr(o->arg, "PATH") ? A_FILE : ANYTHING;
}

static char *join(const struct strv *words)
{
	struct strbuf s = STRBUF_INIT;

	for (size_t i = 0; i < words->n; i++)
		strbuf_addf(&s, "%s%s", i ? " " : "", words->v[i]);
	return strbuf_take(&s);
}

/* The options with an argument of this kind, as a pattern of a shell's `case`. */
static void print_case(const struct cli_program *p, enum kind kind, const char *action,
		       FILE *out)
{
	bool any = false;

	for (const struct cli_option *o = p->options; o->name; o++) {
		if (!o->id || kind_of(o) != kind)
			continue;
		fprintf(out, "%s--%s", any ? "|" : "\t", o->name);
		if (o->letter)
			fprintf(out, "|-%c", o->letter);
		any = true;
	}
	if (any)
		fprintf(out, ")\n\t\t%s ;;\n", action);
}

static void write_bash(const struct cli_program *p, const char *words, FILE *out)
{
	fprintf(out,
		"_%s()\n{\n"
		"\tlocal word=${COMP_WORDS[COMP_CWORD]} before=${COMP_WORDS[COMP_CWORD-1]}\n"
		"\tlocal done= words='%s'\n\n"
		"\tcase $before in\n",
		p->name, words);
	print_case(p, LIST,
		   "case $word in *,*) done=${word%,*},; esac\n"
		   "\t\tcompopt -o nospace\n"
		   "\t\tmapfile -t COMPREPLY < <(compgen -P \"$done\" "
		   "-W \"$words\" -- \"${word##*,}\")",
		   out);
	print_case(p, FOLDER, "mapfile -t COMPREPLY < <(compgen -d -- \"$word\")", out);
	print_case(p, A_FILE, "mapfile -t COMPREPLY < <(compgen -f -- \"$word\")", out);
	print_case(p, ANYTHING, "COMPREPLY=()", out);
	fprintf(out, "\t*)\n\t\tmapfile -t COMPREPLY < <(compgen -W '");
	for (const struct cli_option *o = p->options; o->name; o++)
		if (o->id)
			fprintf(out, "--%s ", o->name);
	fprintf(out, "' -- \"$word\") ;;\n\tesac\n}\n");
	fprintf(out, "complete -F _%s %s\n", p->name, p->name);
}

/* Text within single quotes of a shell; quotes and brackets have a meaning to zsh. */
static void print_plain(const char *text, FILE *out)
{
	for (; *text; text++)
		if (!strchr("'[]:\\", *text))
			fputc(*text, out);
}

static const char *zsh_action(enum kind kind)
{
	switch (kind) {
	case LIST:
		return "_sequence compadd - $words_known";
	case FOLDER:
		return "_files -/";
	case A_FILE:
		return "_files";
	default:
		return " ";
	}
}

static void write_zsh(const struct cli_program *p, const char *words, FILE *out)
{
	fprintf(out, "#compdef %s\nlocal -a words_known=(%s)\n_arguments -s", p->name,
		words);
	for (const struct cli_option *o = p->options; o->name; o++) {
		if (!o->id)
			continue;
		fprintf(out, " \\\n\t'--%s%s[", o->name, o->arg ? "=" : "");
		print_plain(o->help, out);
		fputc(']', out);
		if (o->arg) {
			fputc(':', out);
			print_plain(o->arg, out);
			fprintf(out, ":%s", zsh_action(kind_of(o)));
		}
		fputc('\'', out);
	}
	fputc('\n', out);
}

static void write_fish(const struct cli_program *p, const char *words, FILE *out)
{
	fprintf(out, "complete -c %s -f\n", p->name);
	for (const struct cli_option *o = p->options; o->name; o++) {
		enum kind kind = kind_of(o);

		if (!o->id)
			continue;
		fprintf(out, "complete -c %s -l %s", p->name, o->name);
		if (o->letter)
			fprintf(out, " -s %c", o->letter);
		if (kind != NO_ARGUMENT)
			fputs(kind == A_FILE || kind == FOLDER ? " -r -F" : " -x", out);
		if (kind == LIST)
			fprintf(out, " -a '(__fish_append , %s)'", words);
		fputs(" -d '", out);
		print_plain(o->help, out);
		fputs("'\n", out);
	}
}

int cli_completion_write(const struct cli_program *program, const char *shell,
			 const struct strv *words, FILE *out, struct err *e)
{
	static const struct {
		const char *shell;
		void (*write)(const struct cli_program *p, const char *words, FILE *out);
	} shells[] = {{"bash", write_bash}, {"zsh", write_zsh}, {"fish", write_fish}};
	AUTO_FREE char *list = join(words);

	for (size_t i = 0; i < ARRAY_SIZE(shells); i++)
		if (strcmp(shell, shells[i].shell) == 0) {
			shells[i].write(program, list, out);
			return 0;
		}
	return err_set(e, -EINVAL,
		       "no completion for the shell '%s' (there is bash, zsh and fish)",
		       shell);
}
