/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/alloc.h"
#include "dockerfile/parse-internal.h"

enum flag_type { FLAG_VALUE, FLAG_LIST, FLAG_BOOL };

static const struct flag_row {
	const char *name;
	enum flag_type type;
} flags[] = {
	[DOCKERFILE_FLAG_CHECKSUM] = {"checksum", FLAG_VALUE},
	[DOCKERFILE_FLAG_CHMOD] = {"chmod", FLAG_VALUE},
	[DOCKERFILE_FLAG_CHOWN] = {"chown", FLAG_VALUE},
	[DOCKERFILE_FLAG_EXCLUDE] = {"exclude", FLAG_LIST},
	[DOCKERFILE_FLAG_FROM] = {"from", FLAG_VALUE},
	[DOCKERFILE_FLAG_INTERVAL] = {"interval", FLAG_VALUE},
	[DOCKERFILE_FLAG_KEEP_GIT_DIR] = {"keep-git-dir", FLAG_BOOL},
	[DOCKERFILE_FLAG_LINK] = {"link", FLAG_BOOL},
	[DOCKERFILE_FLAG_MOUNT] = {"mount", FLAG_LIST},
	[DOCKERFILE_FLAG_NETWORK] = {"network", FLAG_VALUE},
	[DOCKERFILE_FLAG_PARENTS] = {"parents", FLAG_BOOL},
	[DOCKERFILE_FLAG_PLATFORM] = {"platform", FLAG_VALUE},
	[DOCKERFILE_FLAG_RETRIES] = {"retries", FLAG_VALUE},
	[DOCKERFILE_FLAG_SECURITY] = {"security", FLAG_VALUE},
	[DOCKERFILE_FLAG_START_INTERVAL] = {"start-interval", FLAG_VALUE},
	[DOCKERFILE_FLAG_START_PERIOD] = {"start-period", FLAG_VALUE},
	[DOCKERFILE_FLAG_TIMEOUT] = {"timeout", FLAG_VALUE},
	[DOCKERFILE_FLAG_UNPACK] = {"unpack", FLAG_BOOL},
};

const char *dockerfile_flag_name(enum dockerfile_flag_id id)
{
	return flags[id].name;
}

/* A flag as written, without quotes; at[k] is the offset of its k-th byte. */
struct raw_flag {
	struct strbuf text;
	size_t *at;
	size_t n;
};

static void raw_flag_free(struct raw_flag *f)
{
	strbuf_free(&f->text);
	free(f->at);
}

static void raw_flag_add(struct raw_flag *f, char c, size_t offset)
{
	strbuf_addc(&f->text, c);
	GROW(f->at, f->n);
	f->at[f->n++] = offset;
}

/* Reads the word at p->from and moves past it and the blanks that follow. */
static void raw_flag_read(struct dockerfile_parse *p, struct raw_flag *f)
{
	const char *text = p->line->text.data;
	char quote = '\0';
	size_t i;

	for (i = p->from; i < p->to; i++) {
		char c = text[i];

		if (c == p->d->escape && i + 1 < p->to) {
			i++;
			raw_flag_add(f, text[i], i);
		} else if (quote ? c == quote : c == '"' || c == '\'') {
			quote = quote ? '\0' : c;
		} else if (!quote && dockerfile_is_blank(c)) {
			break;
		} else {
			raw_flag_add(f, c, i);
		}
	}
	while (i < p->to && dockerfile_is_blank(text[i]))
		i++;
	p->from = i;
}

static int unknown_flag(const struct dockerfile_parse *p, size_t offset, const char *name)
{
	AUTO_STRV struct strv known = STRV_INIT;
	const char *near;

	if (p->i->kind == DOCKERFILE_RUN && strcmp(name, "device") == 0)
		return dockerfile_parse_error(
			p, offset,
			"RUN --device is not supported: builds get no host devices");
	for (size_t k = 0; k < ARRAY_SIZE(flags); k++)
		if (p->flags & 1u << k)
			strv_add(&known, flags[k].name);
	near = strv_nearest(&known, name);
	return dockerfile_parse_error(p, offset, "%s has no flag --%s%s%s%s",
				      dockerfile_kind_name(p->i->kind), name,
				      near ? " (did you mean --" : "", near ? near : "",
				      near ? "?)" : "");
}

static int find_flag(const struct dockerfile_parse *p, size_t offset, const char *name)
{
	for (size_t k = 0; k < ARRAY_SIZE(flags); k++)
		if (p->flags & 1u << k && strcmp(flags[k].name, name) == 0)
			return (int)k;
	return unknown_flag(p, offset, name);
}

/* The offset of byte k of the flag, or just behind the flag. */
static size_t offset_of(const struct raw_flag *f, size_t k)
{
	return k < f->n ? f->at[k] : f->at[f->n - 1] + 1;
}

static int bool_value(const struct dockerfile_parse *p, const char *name,
		      const char **value, size_t offset)
{
	if (!*value || strcasecmp(*value, "true") == 0)
		*value = "true";
	else if (strcasecmp(*value, "false") == 0)
		*value = "false";
	else
		return dockerfile_parse_error(
			p, offset, "--%s is true or false, not `%s`", name, *value);
	return 0;
}

static int add_mount(struct dockerfile_parse *p, const struct raw_flag *f, size_t skip)
{
	struct dockerfile_instruction *i = p->i;

	GROW(i->mounts, i->nmounts);
	i->mounts[i->nmounts] = (struct dockerfile_mount){0};
	return dockerfile_mount_split(p, f->text.data + skip, f->at + skip,
				      &i->mounts[i->nmounts++]);
}

static int add_flag(struct dockerfile_parse *p, const struct raw_flag *f)
{
	const char *equals = strchr(f->text.data, '=');
	size_t len = equals ? (size_t)(equals - f->text.data) : f->text.len;
	AUTO_FREE char *name = xstrndup(f->text.data + 2, len - 2);
	const char *value = equals ? equals + 1 : NULL;
	size_t offset = offset_of(f, equals ? len + 1 : 0);
	struct dockerfile_instruction *i = p->i;
	int id = find_flag(p, f->at[0], name), r = 0;

	if (id < 0)
		return id;
	if (flags[id].type != FLAG_LIST &&
	    dockerfile_flag(i, (enum dockerfile_flag_id)id))
		return dockerfile_parse_error(p, f->at[0], "--%s is given a second time",
					      name);
	if (flags[id].type == FLAG_BOOL)
		r = bool_value(p, name, &value, offset);
	else if (!value || !*value)
		r = dockerfile_parse_error(p, f->at[0], "--%s needs a value: --%s=…",
					   name, name);
	if (r < 0)
		return r;
	GROW(i->flags, i->nflags);
	i->flags[i->nflags++] = (struct dockerfile_flag){
		(enum dockerfile_flag_id)id,
		{xstrdup(value), dockerfile_line_pos(p->line, offset)}};
	return id == DOCKERFILE_FLAG_MOUNT ? add_mount(p, f, len + 1) : 0;
}

int dockerfile_parse_flags(struct dockerfile_parse *p)
{
	const char *text = p->line->text.data;

	while (p->to - p->from >= 2 && strncmp(text + p->from, "--", 2) == 0) {
		CLEAN(raw_flag_free) struct raw_flag f = {STRBUF_INIT, NULL, 0};
		int r;

		raw_flag_read(p, &f);
		if (strcmp(f.text.data, "--") == 0)
			return 0;
		r = add_flag(p, &f);
		if (r < 0)
			return r;
	}
	return 0;
}
