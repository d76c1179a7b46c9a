/* SPDX-License-Identifier: MIT */
#include "dockerfile/print.h"

#include <inttypes.h>
#include <string.h>

void dockerfile_print_string(const char *s, struct strbuf *out)
{
	static const char from[] = "\"\\\n\t\r", to[] = "\"\\ntr";

	strbuf_addc(out, '"');
	for (; *s; s++) {
		const char *p = strchr(from, *s);

		if (p)
			strbuf_addf(out, "\\%c", to[p - from]);
		else if ((unsigned char)*s < 0x20 || *s == 0x7f)
			strbuf_addf(out, "\\%03o", (unsigned)(unsigned char)*s);
		else
			strbuf_addc(out, *s);
	}
	strbuf_addc(out, '"');
}

static void print_word(const char *label, const struct dockerfile_word *w,
		       struct strbuf *out)
{
	strbuf_addf(out, "\t%s %u:%u ", label, w->pos.line, w->pos.column);
	dockerfile_print_string(w->text, out);
	strbuf_addc(out, '\n');
}

static void print_pair(const struct dockerfile_pair *pair, struct strbuf *out)
{
	strbuf_addf(out, "\t%s %u:%u ", pair->spaced ? "spaced" : "pair",
		    pair->key.pos.line, pair->key.pos.column);
	dockerfile_print_string(pair->key.text, out);
	if (pair->value.text) {
		strbuf_addf(out, " = %u:%u ", pair->value.pos.line,
			    pair->value.pos.column);
		dockerfile_print_string(pair->value.text, out);
	}
	strbuf_addc(out, '\n');
}

static void print_heredoc(const struct dockerfile_heredoc *h, struct strbuf *out)
{
	strbuf_addf(out, "\theredoc %u:%u ", h->pos.line, h->pos.column);
	dockerfile_print_string(h->name, out);
	strbuf_addf(out, "%s%s ", h->expand ? " expand" : "",
		    h->strip_tabs ? " strip-tabs" : "");
	dockerfile_print_string(h->content, out);
	strbuf_addc(out, '\n');
}

static void print_member(const char *name, const char *value, struct strbuf *out)
{
	if (!value)
		return;
	strbuf_addf(out, " %s=", name);
	dockerfile_print_string(value, out);
}

static void print_mount(const struct dockerfile_mount *m, struct strbuf *out)
{
	strbuf_addf(out, "\tmount %u:%u ", m->pos.line, m->pos.column);
	if (!m->resolved) {
		strbuf_adds(out, "not resolved\n");
		return;
	}
	strbuf_addf(out, "%s %s", dockerfile_mount_type_name(m->type),
		    m->read_only ? "ro" : "rw");
	print_member("id", m->id, out);
	print_member("from", m->from, out);
	print_member("source", m->source, out);
	print_member("target", m->target, out);
	print_member("env", m->env, out);
	if (m->required)
		strbuf_adds(out, " required");
	if (m->type == DOCKERFILE_MOUNT_CACHE)
		strbuf_addf(out, " sharing=%s", dockerfile_sharing_name(m->sharing));
	if (m->size)
		strbuf_addf(out, " size=%" PRIu64, m->size);
	if (m->mode >= 0)
		strbuf_addf(out, " mode=%04" PRIo64, (uint64_t)m->mode);
	if (m->uid >= 0)
		strbuf_addf(out, " uid=%" PRId64, m->uid);
	if (m->gid >= 0)
		strbuf_addf(out, " gid=%" PRId64, m->gid);
	strbuf_addc(out, '\n');
}

static void print_health(const struct dockerfile_health *h, struct strbuf *out)
{
	if (h->none) {
		strbuf_adds(out, "\tnone\n");
		return;
	}
	strbuf_addf(out,
		    "\tinterval=%" PRId64 " timeout=%" PRId64 " start-period=%" PRId64
		    " start-interval=%" PRId64 " retries=%u\n",
		    h->interval, h->timeout, h->start_period, h->start_interval,
		    h->retries);
}

void dockerfile_print_instruction(const struct dockerfile_instruction *i,
				  struct strbuf *out)
{
	strbuf_addf(out, "%u:%u-%u %s%s\n", i->pos.line, i->pos.column, i->last_line,
		    dockerfile_kind_name(i->kind), i->json ? " json" : "");
	for (size_t k = 0; k < i->comments.n; k++) {
		strbuf_adds(out, "\tcomment ");
		dockerfile_print_string(i->comments.v[k], out);
		strbuf_addc(out, '\n');
	}
	for (size_t k = 0; k < i->nflags; k++)
		if (i->flags[k].id != DOCKERFILE_FLAG_MOUNT)
			print_word(dockerfile_flag_name(i->flags[k].id),
				   &i->flags[k].value, out);
	for (size_t k = 0; k < i->nmounts; k++)
		print_mount(&i->mounts[k], out);
	if (i->kind == DOCKERFILE_HEALTHCHECK)
		print_health(&i->health, out);
	for (size_t k = 0; k < i->args.n; k++)
		print_word("arg", &i->args.v[k], out);
	for (size_t k = 0; k < i->npairs; k++)
		print_pair(&i->pairs[k], out);
	for (size_t k = 0; k < i->nheredocs; k++)
		print_heredoc(&i->heredocs[k], out);
	if (i->trigger)
		dockerfile_print_instruction(i->trigger, out);
}

static void print_directive(const char *name, const struct dockerfile_word *w,
			    struct strbuf *out)
{
	if (!w->text)
		return;
	strbuf_addf(out, "directive %s %u:%u ", name, w->pos.line, w->pos.column);
	dockerfile_print_string(w->text, out);
	strbuf_addc(out, '\n');
}

void dockerfile_print(const struct dockerfile *d, struct strbuf *out)
{
	size_t stage = 0;

	print_directive("syntax", &d->syntax, out);
	print_directive("check", &d->check, out);
	if (d->escape != '\\')
		strbuf_addf(out, "directive escape %c\n", d->escape);
	for (size_t k = 0; k < d->ngaps; k++)
		strbuf_addf(out, "gap %u\n", d->gaps[k].line);
	for (size_t k = 0; k < d->n; k++) {
		if (stage < d->nstages && d->stages[stage].first == k) {
			strbuf_addf(out, "stage %zu %s\n", stage,
				    d->stages[stage].name ? d->stages[stage].name : "-");
			stage++;
		}
		dockerfile_print_instruction(&d->instructions[k], out);
	}
}
