/* SPDX-License-Identifier: MIT */
#include <ctype.h>
#include <errno.h>
#include <string.h>

#include "dockerfile/parse-internal.h"

static int check_name(const struct dockerfile *d, size_t stage,
		      const struct dockerfile_word *w, struct err *e)
{
	bool number = w->text[0] && strspn(w->text, "0123456789") == strlen(w->text);
	const char *why = NULL;

	if (dockerfile_stage_find(d, w->text, stage) >= 0)
		return 0;
	if (number)
		why = "is not the number of an earlier stage; the first is 0";
	else if (dockerfile_stage_named(d, w->text, stage + 1) >= 0)
		why = "is this stage itself";
	else if (dockerfile_stage_named(d, w->text, d->nstages) >= 0)
		why = "is a stage that comes later; it must stand before this one";
	if (!why)
		return 0;
	return err_at(e, -EINVAL, d->file, w->pos.line, w->pos.column, "`%s` %s", w->text,
		      why);
}

static int check_mount(const struct dockerfile *d, size_t stage,
		       const struct dockerfile_mount *m, struct err *e)
{
	int r = 0;

	for (size_t k = 0; k < m->nfields && r == 0; k++) {
		const struct dockerfile_pair *f = &m->fields[k];

		/* A mount takes names only: a number is an image. */
		if (strcmp(f->key.text, "from") == 0 && f->value.text &&
		    !isdigit((unsigned char)f->value.text[0]))
			r = check_name(d, stage, &f->value, e);
	}
	return r;
}

int dockerfile_check_stages(const struct dockerfile *d, struct err *e)
{
	int r = 0;

	for (size_t stage = 0; stage < d->nstages; stage++) {
		const struct dockerfile_stage *s = &d->stages[stage];

		for (size_t k = s->first; k < s->first + s->n && r == 0; k++) {
			const struct dockerfile_instruction *i = &d->instructions[k];
			const struct dockerfile_word *from =
				dockerfile_flag(i, DOCKERFILE_FLAG_FROM);

			if (from)
				r = check_name(d, stage, from, e);
			for (size_t n = 0; n < i->nmounts && r == 0; n++)
				r = check_mount(d, stage, &i->mounts[n], e);
		}
	}
	return r;
}
