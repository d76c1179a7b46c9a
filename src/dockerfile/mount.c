/* SPDX-License-Identifier: MIT */

/* RUN --mount: fields separated by commas, `key=value` or a key alone. */

#include <ctype.h>
#include <errno.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/alloc.h"
#include "base/strbuf.h"
#include "dockerfile/parse-internal.h"
#include "dockerfile/path-internal.h"

static const char *const types[] = {
	[DOCKERFILE_MOUNT_BIND] = "bind",     [DOCKERFILE_MOUNT_CACHE] = "cache",
	[DOCKERFILE_MOUNT_SECRET] = "secret", [DOCKERFILE_MOUNT_SSH] = "ssh",
	[DOCKERFILE_MOUNT_TMPFS] = "tmpfs",
};

static const char *const sharings[] = {
	[DOCKERFILE_SHARING_SHARED] = "shared",
	[DOCKERFILE_SHARING_PRIVATE] = "private",
	[DOCKERFILE_SHARING_LOCKED] = "locked",
};

const char *dockerfile_mount_type_name(enum dockerfile_mount_type type)
{
	return types[type];
}

const char *dockerfile_sharing_name(enum dockerfile_sharing sharing)
{
	return sharings[sharing];
}

/* What a mount is while its fields are read. */
struct reading {
	struct dockerfile_mount *m;
	const struct dockerfile_pair *field;
	bool access_given;
	const char *file;
	struct err *e;
};

static int bad(const struct reading *r, struct dockerfile_pos pos, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));

static int bad(const struct reading *r, struct dockerfile_pos pos, const char *fmt, ...)
{
	AUTO_STRBUF struct strbuf s = STRBUF_INIT;
	va_list ap;

	va_start(ap, fmt);
	strbuf_vaddf(&s, fmt, ap);
	va_end(ap);
	return err_at(r->e, -EINVAL, r->file, pos.line, pos.column, "%s", s.data);
}

static int bad_value(const struct reading *r, const char *expected)
{
	return bad(r, r->field->value.pos, "%s=%s: expected %s", r->field->key.text,
		   r->field->value.text, expected);
}

/* One of a list of words, in any case; its index, or an error. */
static int choose(const struct reading *r, const char *const *list, size_t n)
{
	const char *value = r->field->value.text;
	AUTO_STRV struct strv known = STRV_INIT;
	AUTO_FREE char *hint = NULL;

	for (size_t k = 0; k < n; k++) {
		if (strcasecmp(list[k], value) == 0)
			return (int)k;
		strv_add(&known, list[k]);
	}
	hint = dockerfile_suggest(&known, value);
	return bad(r, r->field->value.pos, "there is no mount %s `%s`%s",
		   r->field->key.text, value, hint);
}

static int set_type(struct reading *r)
{
	int k = choose(r, types, ARRAY_SIZE(types));

	if (k >= 0)
		r->m->type = (enum dockerfile_mount_type)k;
	return k < 0 ? k : 0;
}

static int set_sharing(struct reading *r)
{
	int k = choose(r, sharings, ARRAY_SIZE(sharings));

	if (k >= 0)
		r->m->sharing = (enum dockerfile_sharing)k;
	return k < 0 ? k : 0;
}

static int set_string(const struct reading *r, char **member)
{
	free(*member);
	*member = *r->field->value.text ? xstrdup(r->field->value.text) : NULL;
	return 0;
}

static int set_id(struct reading *r)
{
	return set_string(r, &r->m->id);
}

static int set_from(struct reading *r)
{
	return set_string(r, &r->m->from);
}

static int set_source(struct reading *r)
{
	return set_string(r, &r->m->source);
}

static int set_target(struct reading *r)
{
	return set_string(r, &r->m->target);
}

static int set_env(struct reading *r)
{
	return set_string(r, &r->m->env);
}

static int read_bool(const struct reading *r, bool *value)
{
	static const char *const words[2][6] = {
		{"0", "f", "F", "false", "FALSE", "False"},
		{"1", "t", "T", "true", "TRUE", "True"},
	};

	*value = true;
	if (!r->field->value.text)
		return 0;
	for (int k = 0; k < 12; k++)
		if (strcmp(words[k / 6][k % 6], r->field->value.text) == 0) {
			*value = k / 6;
			return 0;
		}
	return bad_value(r, "true or false");
}

static int set_read_only(struct reading *r)
{
	r->access_given = true;
	return read_bool(r, &r->m->read_only);
}

static int set_read_write(struct reading *r)
{
	bool value = false;
	int rc = read_bool(r, &value);

	r->access_given = true;
	r->m->read_only = !value;
	return rc;
}

static int set_required(struct reading *r)
{
	return read_bool(r, &r->m->required);
}

static int read_number(const struct reading *r, int base, int64_t *value)
{
	const char *text = r->field->value.text;
	unsigned long long n;
	char *end;

	errno = 0;
	n = strtoull(text, &end, base);
	if (!isdigit((unsigned char)*text) || *end || errno || n > UINT32_MAX)
		return bad_value(r, base == 8 ? "an octal mode like 0640" : "a number");
	*value = (int64_t)n;
	return 0;
}

static int set_mode(struct reading *r)
{
	return read_number(r, 8, &r->m->mode);
}

static int set_uid(struct reading *r)
{
	return read_number(r, 10, &r->m->uid);
}

static int set_gid(struct reading *r)
{
	return read_number(r, 10, &r->m->gid);
}

/* A number with a binary unit: 64m, 1.5GiB, 4096. */
static int set_size(struct reading *r)
{
	static const char units[] = "bkmgtp", expected[] = "a size like 64m or 1.5g";
	const char *text = r->field->value.text, *unit;
	double value;
	char *end;

	if (!isdigit((unsigned char)*text))
		return bad_value(r, expected);
	value = strtod(text, &end);
	while (*end == ' ')
		end++;
	if (*end) {
		unit = strchr(units, tolower((unsigned char)*end));
		if (!unit)
			return bad_value(r, expected);
		value *= (double)(1ull << (10 * (unit - units)));
		end++;
		end += unit != units && tolower((unsigned char)*end) == 'i';
		end += unit != units && tolower((unsigned char)*end) == 'b';
	}
	if (*end || !(value < 9.2e18))
		return bad_value(r, expected);
	r->m->size = (uint64_t)value;
	return 0;
}

enum {
	BIND = 1 << DOCKERFILE_MOUNT_BIND,
	CACHE = 1 << DOCKERFILE_MOUNT_CACHE,
	SECRET = 1 << DOCKERFILE_MOUNT_SECRET,
	SSH = 1 << DOCKERFILE_MOUNT_SSH,
	TMPFS = 1 << DOCKERFILE_MOUNT_TMPFS,
	ALL = BIND | CACHE | SECRET | SSH | TMPFS,
};

static const struct option {
	const char *name;
	unsigned types; /* that know it */
	bool alone;	/* needs no value */
	int (*set)(struct reading *r);
} options[] = {
	{"type", ALL, false, set_type},
	{"id", ALL, false, set_id},
	{"from", ALL & ~SECRET, false, set_from},
	{"source", ALL, false, set_source},
	{"src", ALL, false, set_source},
	{"target", ALL, false, set_target},
	{"dst", ALL, false, set_target},
	{"destination", ALL, false, set_target},
	{"readonly", ALL, true, set_read_only},
	{"ro", ALL, true, set_read_only},
	{"readwrite", ALL, true, set_read_write},
	{"rw", ALL, true, set_read_write},
	{"sharing", CACHE, false, set_sharing},
	{"required", SECRET | SSH, true, set_required},
	{"env", SECRET, false, set_env},
	{"size", TMPFS, false, set_size},
	{"mode", CACHE | SECRET | SSH, false, set_mode},
	{"uid", CACHE | SECRET | SSH, false, set_uid},
	{"gid", CACHE | SECRET | SSH, false, set_gid},
};

static const struct option *find_option(const char *name)
{
	for (size_t k = 0; k < ARRAY_SIZE(options); k++)
		if (strcmp(options[k].name, name) == 0)
			return &options[k];
	return NULL;
}

static int unknown_option(const struct reading *r)
{
	AUTO_STRV struct strv known = STRV_INIT;
	AUTO_FREE char *hint = NULL;

	for (size_t k = 0; k < ARRAY_SIZE(options); k++)
		if (options[k].types & 1u << r->m->type)
			strv_add(&known, options[k].name);
	hint = dockerfile_suggest(&known, r->field->key.text);
	return bad(r, r->field->key.pos, "--mount has no option `%s`%s",
		   r->field->key.text, hint);
}

static int set_field(struct reading *r)
{
	const struct option *o = find_option(r->field->key.text);

	if (!o)
		return unknown_option(r);
	if (!(o->types & 1u << r->m->type))
		return bad(r, r->field->key.pos, "a %s mount has no option `%s`",
			   types[r->m->type], o->name);
	if (!r->field->value.text && !o->alone)
		return bad(r, r->field->key.pos, "`%s` needs a value: %s=…", o->name,
			   o->name);
	return o->set(r);
}

static char *last_component(const char *path)
{
	const char *slash = strrchr(path, '/');

	return xstrdup(slash ? slash + 1 : path);
}

static int finish_secret(struct reading *r)
{
	struct dockerfile_mount *m = r->m;

	if (m->source && m->id)
		return bad(r, m->pos, "a secret mount takes source or id, not both");
	if (!m->source && !m->id && !m->target)
		return bad(r, m->pos, "a secret mount needs an id: type=secret,id=…");
	if (m->source)
		m->id = TAKE_PTR(m->source);
	if (!m->id)
		m->id = last_component(m->target);
	if (!m->target && !m->env) {
		AUTO_FREE char *name = last_component(m->id);

		m->target = xasprintf("/run/secrets/%s", name);
	}
	return 0;
}

static int finish(struct reading *r)
{
	struct dockerfile_mount *m = r->m;

	if (!r->access_given)
		m->read_only = m->type != DOCKERFILE_MOUNT_CACHE &&
			       m->type != DOCKERFILE_MOUNT_TMPFS;
	if (m->type == DOCKERFILE_MOUNT_SECRET)
		return finish_secret(r);
	if (m->type == DOCKERFILE_MOUNT_SSH && !m->id)
		m->id = xstrdup("default");
	if (m->type == DOCKERFILE_MOUNT_CACHE && !m->id)
		m->id = dockerfile_path_clean(m->target ? m->target : "");
	return 0;
}

int dockerfile_mount_resolve(struct dockerfile_mount *m, const char *file, struct err *e)
{
	struct reading r = {m, NULL, false, file, e};
	int rc = 0;

	dockerfile_mount_clear(m);
	/* The type first: it decides which other options there are. */
	for (int pass = 0; pass < 2; pass++)
		for (size_t k = 0; k < m->nfields && rc == 0; k++) {
			r.field = &m->fields[k];
			if ((strcmp(r.field->key.text, "type") == 0) == (pass == 0))
				rc = set_field(&r);
		}
	if (rc == 0)
		rc = finish(&r);
	m->resolved = rc == 0;
	return rc;
}

/* One field of the list; text[*i] is its first byte. */
static int read_field(struct dockerfile_parse *p, const char *text, const size_t *at,
		      size_t *i, struct strbuf *field)
{
	bool quoted = text[*i] == '"';
	size_t start = *i;

	*i += quoted;
	for (; text[*i] && (quoted || text[*i] != ','); ++*i) {
		if (text[*i] == '"') {
			if (!quoted)
				return dockerfile_parse_error(
					p, at[*i], "a quote in the middle of a field");
			++*i;
			if (text[*i] != '"') {
				quoted = false;
				break;
			}
		}
		strbuf_addc(field, text[*i]);
	}
	if (quoted || (text[*i] && text[*i] != ','))
		return dockerfile_parse_error(p, at[start],
					      "the quotes of this field do not match");
	return 0;
}

static void add_field(struct dockerfile_mount *m, const char *text,
		      struct dockerfile_pos pos)
{
	const char *equals = strchr(text, '=');
	size_t n = equals ? (size_t)(equals - text) : strlen(text);
	struct dockerfile_pair pair = {{xstrndup(text, n), pos}, {NULL, pos}, false};

	str_lower(pair.key.text);
	if (equals) {
		pair.value.text = xstrdup(equals + 1);
		pair.value.pos.column += (unsigned)n + 1;
	}
	GROW(m->fields, m->nfields);
	m->fields[m->nfields++] = pair;
}

static int check_from(struct dockerfile_parse *p, const struct dockerfile_mount *m)
{
	for (size_t k = 0; k < m->nfields; k++) {
		const struct dockerfile_pair *f = &m->fields[k];

		if (strcmp(f->key.text, "from") == 0 && f->value.text &&
		    strchr(f->value.text, '$'))
			return dockerfile_parse_error_at(
				p, f->value.pos,
				"variables cannot stand in from=: give the image a name "
				"with `FROM %s AS name` and use that",
				f->value.text);
	}
	return 0;
}

int dockerfile_mount_split(struct dockerfile_parse *p, const char *text, const size_t *at,
			   struct dockerfile_mount *m)
{
	size_t i = 0;
	int r;

	m->pos = dockerfile_line_pos(p->line, at[0]);
	for (;;) {
		AUTO_STRBUF struct strbuf field = STRBUF_INIT;
		size_t start = i;

		if (!text[i] || text[i] == ',')
			return dockerfile_parse_error(p, at[i ? i - 1 : 0],
						      "a field is missing at this comma");
		r = read_field(p, text, at, &i, &field);
		if (r < 0)
			return r;
		add_field(m, field.data, dockerfile_line_pos(p->line, at[start]));
		if (!text[i])
			break;
		i++;
	}
	r = check_from(p, m);
	if (r < 0 || strchr(text, '$'))
		return r;
	return dockerfile_mount_resolve(m, p->d->file, p->e);
}
