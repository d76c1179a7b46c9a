/* SPDX-License-Identifier: MIT */

/* The instructions that take a list, one thing, or another instruction. */

#include "base/alloc.h"
#include "dockerfile/parse-internal.h"

int dockerfile_parse_list(struct dockerfile_parse *p)
{
	struct dockerfile_instruction *i = p->i;
	const char *name = dockerfile_kind_name(i->kind);
	int r = i->kind == DOCKERFILE_VOLUME ? dockerfile_parse_json(p, &i->args) : 0;

	if (r < 0)
		return r;
	i->json = r == 1;
	if (!i->json)
		dockerfile_split_blanks(p, &i->args);
	if (i->args.n == 0)
		return dockerfile_parse_error(p, p->from, "%s needs a %s", name,
					      i->kind == DOCKERFILE_VOLUME ? "path"
									   : "port");
	return 0;
}

int dockerfile_parse_one(struct dockerfile_parse *p)
{
	struct dockerfile_instruction *i = p->i;

	if (p->from == p->to)
		return dockerfile_parse_error(p, p->from, "%s needs an argument",
					      dockerfile_kind_name(i->kind));
	dockerfile_words_add(&i->args,
			     xstrndup(p->line->text.data + p->from, p->to - p->from),
			     dockerfile_line_pos(p->line, p->from));
	return 0;
}

int dockerfile_parse_onbuild(struct dockerfile_parse *p)
{
	if (p->from == p->to)
		return dockerfile_parse_error(p, p->from, "ONBUILD needs an instruction");
	p->i->trigger = xcalloc(1, sizeof *p->i->trigger);
	return dockerfile_parse_instruction(p->d, p->line, p->from, true, p->i->trigger,
					    p->e);
}
