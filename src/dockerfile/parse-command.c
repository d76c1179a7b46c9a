/* SPDX-License-Identifier: MIT */

/* The instructions that carry a command, in shell or in JSON form. */

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/alloc.h"
#include "dockerfile/parse-internal.h"

/* The rest of the line, as words of a JSON array or as one text. */
static int command(struct dockerfile_parse *p)
{
	struct dockerfile_instruction *i = p->i;
	int r = dockerfile_parse_json(p, &i->args);

	if (r < 0)
		return r;
	i->json = r == 1;
	if (!i->json && p->from < p->to)
		dockerfile_words_add(
			&i->args, xstrndup(p->line->text.data + p->from, p->to - p->from),
			dockerfile_line_pos(p->line, p->from));
	return 0;
}

int dockerfile_parse_command(struct dockerfile_parse *p)
{
	struct dockerfile_instruction *i = p->i;
	const char *name = dockerfile_kind_name(i->kind);
	int r = command(p);

	if (r < 0)
		return r;
	if (i->args.n == 0 && i->kind == DOCKERFILE_RUN)
		return dockerfile_parse_error(p, p->from, "RUN needs a command");
	if (i->args.n == 0 && !i->json)
		return dockerfile_parse_error(
			p, p->from, "%s needs a command; `%s []` takes the base's away",
			name, name);
	if (i->kind == DOCKERFILE_RUN && !i->json)
		return dockerfile_heredocs_find(p);
	return 0;
}

int dockerfile_parse_shell(struct dockerfile_parse *p)
{
	int r = command(p);

	if (r < 0)
		return r;
	if (!p->i->json)
		return dockerfile_parse_error(p, p->from,
					      "SHELL takes the JSON form only: SHELL "
					      "[\"/bin/bash\", \"-c\"]");
	if (p->i->args.n == 0)
		return dockerfile_parse_error(p, p->from, "SHELL needs a program");
	return 0;
}

static int health_duration(struct dockerfile_parse *p, enum dockerfile_flag_id id,
			   int64_t *ns)
{
	const struct dockerfile_word *w = dockerfile_flag(p->i, id);

	if (!w)
		return 0;
	if (!dockerfile_duration(w->text, ns))
		return dockerfile_parse_error_at(
			p, w->pos, "`%s` is not a duration like 90s, 1m30s or 500ms",
			w->text);
	if (*ns != 0 && *ns < 1000000)
		return dockerfile_parse_error_at(p, w->pos,
						 "--%s cannot be less than 1ms",
						 dockerfile_flag_name(id));
	return 0;
}

static int health_retries(struct dockerfile_parse *p)
{
	const struct dockerfile_word *w = dockerfile_flag(p->i, DOCKERFILE_FLAG_RETRIES);
	unsigned long n;
	char *end;

	if (!w)
		return 0;
	n = strtoul(w->text, &end, 10);
	if (w->text[0] < '0' || w->text[0] > '9' || *end || n > INT32_MAX)
		return dockerfile_parse_error_at(
			p, w->pos, "`%s` is not a number of retries", w->text);
	p->i->health.retries = (unsigned)n;
	return 0;
}

static int health_flags(struct dockerfile_parse *p)
{
	struct dockerfile_health *h = &p->i->health;
	const struct {
		enum dockerfile_flag_id id;
		int64_t *ns;
	} durations[] = {
		{DOCKERFILE_FLAG_INTERVAL, &h->interval},
		{DOCKERFILE_FLAG_TIMEOUT, &h->timeout},
		{DOCKERFILE_FLAG_START_PERIOD, &h->start_period},
		{DOCKERFILE_FLAG_START_INTERVAL, &h->start_interval},
	};

	for (size_t k = 0; k < ARRAY_SIZE(durations); k++) {
		int r = health_duration(p, durations[k].id, durations[k].ns);

		if (r < 0)
			return r;
	}
	return health_retries(p);
}

/* Takes the first word off the rest of the line: is it this one? */
static bool take_word(struct dockerfile_parse *p, const char *word)
{
	const char *text = p->line->text.data;
	size_t end = p->from + strlen(word);

	if (end > p->to || strncasecmp(text + p->from, word, strlen(word)) != 0)
		return false;
	if (end < p->to && !dockerfile_is_blank(text[end]))
		return false;
	while (end < p->to && dockerfile_is_blank(text[end]))
		end++;
	p->from = end;
	return true;
}

int dockerfile_parse_healthcheck(struct dockerfile_parse *p)
{
	int r;

	if (take_word(p, "NONE")) {
		p->i->health.none = true;
		if (p->from < p->to)
			return dockerfile_parse_error(p, p->from,
						      "nothing can follow NONE");
		if (p->i->nflags)
			return dockerfile_parse_error_at(p, p->i->flags[0].value.pos,
							 "NONE takes no flags");
		return 0;
	}
	if (!take_word(p, "CMD"))
		return dockerfile_parse_error(
			p, p->from,
			"HEALTHCHECK is followed by CMD and a command, or "
			"by NONE");
	r = command(p);
	if (r < 0)
		return r;
	if (p->i->args.n == 0)
		return dockerfile_parse_error(p, p->from,
					      "HEALTHCHECK CMD needs a command");
	return health_flags(p);
}
