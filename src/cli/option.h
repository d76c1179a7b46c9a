/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * A program's command line, described by one constant table from which come parsing,
 * --help, shell completion, and the test that holds the man page against it.
 */

#include <stdbool.h>
#include <stdio.h>

#include "base/err.h"

struct cli_option {
	int id;		  /* given to the handler; 0 marks a heading in --help */
	const char *name; /* long name without dashes; of a heading, its text */
	char letter;	  /* short form, 0 for none */
	/* What --help calls its argument; "[=WORD]": may be left out; NULL: takes none */
	const char *arg;
	const char *help;    /* one sentence, no full stop */
	unsigned long scope; /* for the program's own use: the actions it goes with */
};

struct cli_program {
	const char *name;
	const char *usage;		  /* lines after "usage: ", one per form */
	const char *summary;		  /* one sentence on what it does */
	const struct cli_option *options; /* ends with an entry without a name */
	const char *epilogue;		  /* closes --help; NULL for none */
	bool command; /* words are another command line, whose options are its own */
};

/*
 * Calls handle for every option in order of the command line; its negative return ends
 * the parsing. *operands is the index in argv of the first word that is no option (argv
 * is permuted so that they come last); everything after `--` counts as such. A wrong
 * command line is -EINVAL with a text that names the word and the nearest option.
 */
int cli_options_parse(const struct cli_program *program, int argc, char **argv,
		      int (*handle)(void *context, const struct cli_option *option,
				    const char *value, struct err *e),
		      void *context, int *operands, struct err *e);

/* --help, 80 columns. */
void cli_options_help(const struct cli_program *program, FILE *out);
