/* SPDX-License-Identifier: MIT */

/* COPY and ADD: sources and a destination, in words or in JSON form. */

#include <stdlib.h>
#include <string.h>

#include "dockerfile/parse-internal.h"

/* `<<` and its name were split at the blank between them. */
static void join_heredocs(struct dockerfile_words *args)
{
	size_t kept = 0;

	for (size_t k = 0; k < args->n; k++) {
		char *next = k + 1 < args->n ? args->v[k + 1].text : NULL;
		char *both = dockerfile_heredoc_join(args->v[k].text, next);

		args->v[kept] = args->v[k];
		if (both) {
			free(args->v[kept].text);
			free(next);
			args->v[kept].text = both;
			k++;
		}
		kept++;
	}
	args->n = kept;
}

/* Heredocs are sources of their own and leave the list of paths. */
static void take_heredocs_out(struct dockerfile_words *args)
{
	size_t kept = 0;

	for (size_t k = 0; k < args->n; k++) {
		if (dockerfile_is_heredoc(args->v[k].text))
			free(args->v[k].text);
		else
			args->v[kept++] = args->v[k];
	}
	args->n = kept;
}

int dockerfile_parse_copy(struct dockerfile_parse *p)
{
	struct dockerfile_instruction *i = p->i;
	const char *name = dockerfile_kind_name(i->kind);
	int r = dockerfile_parse_json(p, &i->args);

	if (r < 0)
		return r;
	i->json = r == 1;
	if (!i->json) {
		dockerfile_split_blanks(p, &i->args);
		join_heredocs(&i->args);
	}
	if (i->args.n == 0)
		return dockerfile_parse_error(p, p->from,
					      "%s needs sources and a destination", name);
	if (i->args.n == 1)
		return dockerfile_parse_error_at(p, i->args.v[0].pos,
						 "%s needs a destination after `%s`",
						 name, i->args.v[0].text);
	if (i->json)
		return 0;
	if (dockerfile_is_heredoc(i->args.v[i->args.n - 1].text))
		return dockerfile_parse_error_at(p, i->args.v[i->args.n - 1].pos,
						 "a heredoc cannot be the destination");
	r = dockerfile_heredocs_find(p);
	take_heredocs_out(&i->args);
	return r;
}
