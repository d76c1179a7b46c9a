/* SPDX-License-Identifier: MIT */
#include "dockerfile/parser.h"

#include <errno.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/alloc.h"
#include "dockerfile/parse-internal.h"

enum { STAGES_MAX = 1000 };

#define F(name) (1u << DOCKERFILE_FLAG_##name)

/* One row per instruction: its parser and the flags that it knows. */
static const struct row {
	const char *name;
	dockerfile_parse_fn *parse;
	unsigned flags;
	bool not_a_trigger; /* cannot stand after ONBUILD */
} rows[] = {
	[DOCKERFILE_ADD] = {"ADD", dockerfile_parse_copy,
			    F(CHECKSUM) | F(CHMOD) | F(CHOWN) | F(EXCLUDE) |
				    F(KEEP_GIT_DIR) | F(LINK) | F(UNPACK)},
	[DOCKERFILE_ARG] = {"ARG", dockerfile_parse_arg},
	[DOCKERFILE_CMD] = {"CMD", dockerfile_parse_command},
	[DOCKERFILE_COPY] = {"COPY", dockerfile_parse_copy,
			     F(CHMOD) | F(CHOWN) | F(EXCLUDE) | F(FROM) | F(LINK) |
				     F(PARENTS)},
	[DOCKERFILE_ENTRYPOINT] = {"ENTRYPOINT", dockerfile_parse_command},
	[DOCKERFILE_ENV] = {"ENV", dockerfile_parse_pairs},
	[DOCKERFILE_EXPOSE] = {"EXPOSE", dockerfile_parse_list},
	[DOCKERFILE_FROM] = {"FROM", dockerfile_parse_from, F(PLATFORM), true},
	[DOCKERFILE_HEALTHCHECK] = {"HEALTHCHECK", dockerfile_parse_healthcheck,
				    F(INTERVAL) | F(RETRIES) | F(START_INTERVAL) |
					    F(START_PERIOD) | F(TIMEOUT)},
	[DOCKERFILE_LABEL] = {"LABEL", dockerfile_parse_pairs},
	[DOCKERFILE_MAINTAINER] = {"MAINTAINER", dockerfile_parse_one, 0, true},
	[DOCKERFILE_ONBUILD] = {"ONBUILD", dockerfile_parse_onbuild, 0, true},
	[DOCKERFILE_RUN] = {"RUN", dockerfile_parse_command,
			    F(MOUNT) | F(NETWORK) | F(SECURITY)},
	[DOCKERFILE_SHELL] = {"SHELL", dockerfile_parse_shell},
	[DOCKERFILE_STOPSIGNAL] = {"STOPSIGNAL", dockerfile_parse_one},
	[DOCKERFILE_USER] = {"USER", dockerfile_parse_one},
	[DOCKERFILE_VOLUME] = {"VOLUME", dockerfile_parse_list},
	[DOCKERFILE_WORKDIR] = {"WORKDIR", dockerfile_parse_one},
};

const char *dockerfile_kind_name(enum dockerfile_kind kind)
{
	return rows[kind].name;
}

int dockerfile_parse_error_at(const struct dockerfile_parse *p, struct dockerfile_pos pos,
			      const char *fmt, ...)
{
	AUTO_STRBUF struct strbuf s = STRBUF_INIT;
	va_list ap;

	va_start(ap, fmt);
	strbuf_vaddf(&s, fmt, ap);
	va_end(ap);
	return err_at(p->e, -EINVAL, p->d->file, pos.line, pos.column, "%s", s.data);
}

int dockerfile_parse_error(const struct dockerfile_parse *p, size_t offset,
			   const char *fmt, ...)
{
	AUTO_STRBUF struct strbuf s = STRBUF_INIT;
	struct dockerfile_pos pos = dockerfile_line_pos(p->line, offset);
	va_list ap;

	va_start(ap, fmt);
	strbuf_vaddf(&s, fmt, ap);
	va_end(ap);
	return err_at(p->e, -EINVAL, p->d->file, pos.line, pos.column, "%s", s.data);
}

char *dockerfile_suggest(const struct strv *known, const char *word)
{
	const char *near = strv_nearest(known, word);

	return near ? xasprintf(" (did you mean `%s`?)", near) : xstrdup("");
}

static int unknown_keyword(const struct dockerfile_parse *p, size_t offset)
{
	AUTO_STRV struct strv known = STRV_INIT;
	AUTO_STRBUF struct strbuf upper = STRBUF_INIT;
	AUTO_FREE char *hint = NULL;

	for (size_t k = 0; k < ARRAY_SIZE(rows); k++)
		strv_add(&known, rows[k].name);
	for (const char *s = p->i->keyword; *s; s++)
		strbuf_addc(&upper, *s >= 'a' && *s <= 'z' ? (char)(*s - 32) : *s);
	hint = dockerfile_suggest(&known, upper.data);
	return dockerfile_parse_error(p, offset, "unknown instruction `%.60s`%s",
				      p->i->keyword, hint);
}

static const struct row *find_row(const char *keyword)
{
	for (size_t k = 0; k < ARRAY_SIZE(rows); k++)
		if (strcasecmp(rows[k].name, keyword) == 0)
			return &rows[k];
	return NULL;
}

static size_t skip_blanks(const struct dockerfile_parse *p, size_t i)
{
	while (i < p->to && dockerfile_is_blank(p->line->text.data[i]))
		i++;
	return i;
}

int dockerfile_parse_instruction(struct dockerfile *d, const struct dockerfile_line *line,
				 size_t from, bool trigger,
				 struct dockerfile_instruction *i, struct err *e)
{
	struct dockerfile_parse p = {d, line, from, line->text.len, i, 0, e};
	const char *text = line->text.data;
	const struct row *row;
	size_t start, end;
	int r;

	while (p.to > from && dockerfile_is_blank(text[p.to - 1]))
		p.to--;
	start = skip_blanks(&p, from);
	for (end = start; end < p.to && !dockerfile_is_blank(text[end]);)
		end++;
	i->keyword = xstrndup(text + start, end - start);
	i->source = xstrndup(text + start, p.to - start);
	i->pos = dockerfile_line_pos(line, start);
	i->last_line = line->segments[line->nsegments - 1].pos.line;
	row = find_row(i->keyword);
	if (!row)
		return unknown_keyword(&p, start);
	i->kind = (enum dockerfile_kind)(row - rows);
	if (trigger && row->not_a_trigger)
		return dockerfile_parse_error(&p, start, "%s cannot stand after ONBUILD",
					      row->name);
	p.flags = row->flags;
	p.from = skip_blanks(&p, end);
	r = dockerfile_parse_flags(&p);
	if (r == 0)
		r = row->parse(&p);
	return r < 0 ? r : dockerfile_check_values(d, i, false, e);
}

static void begin_stage(struct dockerfile *d, const struct dockerfile_instruction *from)
{
	struct dockerfile_stage stage = {NULL, d->n - 1, 0};

	if (from->args.n == 3) {
		stage.name = xstrdup(from->args.v[2].text);
		for (char *c = stage.name; *c; c++)
			if (*c >= 'A' && *c <= 'Z')
				*c = (char)(*c + 32);
	}
	GROW(d->stages, d->nstages);
	d->stages[d->nstages++] = stage;
}

/* Puts the instruction read last into its stage. */
static int place(struct dockerfile *d, struct err *e)
{
	const struct dockerfile_instruction *i = &d->instructions[d->n - 1];

	if (i->kind == DOCKERFILE_FROM && d->nstages == STAGES_MAX)
		return err_at(e, -E2BIG, d->file, i->pos.line, i->pos.column,
			      "there are more than %d stages", STAGES_MAX);
	if (i->kind == DOCKERFILE_FROM)
		begin_stage(d, i);
	if (d->nstages)
		d->stages[d->nstages - 1].n++;
	else if (i->kind == DOCKERFILE_ARG)
		d->nglobals++;
	else
		return err_at(e, -EINVAL, d->file, i->pos.line, i->pos.column,
			      "%s stands before the first FROM; only ARG can",
			      dockerfile_kind_name(i->kind));
	return 0;
}

static int parse_lines(struct dockerfile *d, struct dockerfile_lexer *x, bool trigger,
		       struct err *e)
{
	CLEAN(dockerfile_line_free) struct dockerfile_line line = {STRBUF_INIT, NULL, 0};
	int r;

	while ((r = dockerfile_lexer_next(x, &line, e)) > 0) {
		struct dockerfile_instruction *i;

		GROW(d->instructions, d->n);
		i = &d->instructions[d->n++];
		*i = (struct dockerfile_instruction){0};
		i->comments = x->comments;
		x->comments = (struct strv)STRV_INIT;
		r = dockerfile_parse_instruction(d, &line, 0, trigger, i, e);
		if (r == 0)
			r = dockerfile_heredocs_read(x, i, e);
		if (r == 0 && !trigger)
			r = place(d, e);
		if (r < 0)
			return r;
	}
	return r;
}

static int check_text(const char *file, const char *text, size_t len, struct err *e)
{
	const char *nul = memchr(text, '\0', len);
	unsigned line = 1;
	size_t column = 1;

	if (len > DOCKERFILE_SIZE_MAX)
		return err_at(e, -EFBIG, file, 0, 0, "the file is larger than 1 MiB");
	if (!nul)
		return 0;
	for (const char *s = text; s < nul; s++) {
		line += *s == '\n';
		column = *s == '\n' ? 1 : column + 1;
	}
	return err_at(e, -EINVAL, file, line, (unsigned)column,
		      "a NUL byte in a text file");
}

static int parse(struct dockerfile *d, const char *file, const char *text, size_t len,
		 bool trigger, struct err *e)
{
	CLEAN(dockerfile_lexer_free)
	struct dockerfile_lexer x = {.d = d, .p = text, .left = len};
	int r = check_text(file, text, len, e);

	*d = (struct dockerfile){.file = xstrdup(file), .escape = '\\'};
	x.directives_over = trigger;
	if (len >= 3 && memcmp(text, "\xef\xbb\xbf", 3) == 0) {
		x.p += 3;
		x.left -= 3;
	}
	if (r == 0)
		r = parse_lines(d, &x, trigger, e);
	if (r == 0 && trigger && d->n != 1)
		r = err_at(e, -EINVAL, file, 1, 1, "this is not one instruction");
	if (r == 0 && !trigger && !d->nstages)
		r = err_at(e, -EINVAL, file, 0, 0, "there is no FROM in this file");
	if (r == 0)
		r = dockerfile_check_stages(d, e);
	if (r < 0)
		dockerfile_free(d);
	return r;
}

int dockerfile_parse(struct dockerfile *d, const char *file, const char *text, size_t len,
		     struct err *e)
{
	return parse(d, file, text, len, false, e);
}

int dockerfile_parse_trigger(struct dockerfile *d, const char *file, const char *text,
			     struct err *e)
{
	return parse(d, file, text, strlen(text), true, e);
}
