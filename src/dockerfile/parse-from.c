/* SPDX-License-Identifier: MIT */
#include <ctype.h>
#include <string.h>
#include <strings.h>

#include "dockerfile/parse-internal.h"

static bool valid_name(const char *s)
{
	if (!isalpha((unsigned char)*s))
		return false;
	while (isalnum((unsigned char)*s) || (*s && strchr("-_.", *s)))
		s++;
	return *s == '\0';
}

int dockerfile_parse_from(struct dockerfile_parse *p)
{
	struct dockerfile_words *args = &p->i->args;

	dockerfile_split_blanks(p, args);
	if (args->n == 0)
		return dockerfile_parse_error(p, p->from, "FROM needs an image");
	if (args->n > 1 && strcasecmp(args->v[1].text, "as") != 0)
		return dockerfile_parse_error_at(p, args->v[1].pos,
						 "FROM is followed by one image, and "
						 "perhaps by `AS name`");
	if (args->n == 2)
		return dockerfile_parse_error_at(p, args->v[1].pos,
						 "the name of the stage is missing");
	if (args->n > 3)
		return dockerfile_parse_error_at(p, args->v[3].pos,
						 "nothing can follow the stage's name");
	if (args->n == 3 && !valid_name(args->v[2].text))
		return dockerfile_parse_error_at(
			p, args->v[2].pos,
			"a stage's name starts with a letter and has letters, digits, "
			"`-`, `_` and `.`, unlike `%s`",
			args->v[2].text);
	return 0;
}
