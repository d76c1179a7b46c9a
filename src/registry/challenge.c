/* SPDX-License-Identifier: MIT */
#include "registry/challenge.h"

#include <ctype.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/alloc.h"
#include "base/strbuf.h"

enum { CHALLENGES_MAX = 16 };

static bool is_token(char c)
{
	return isalnum((unsigned char)c) || (c && strchr("!#$%&'*+-.^_`|~", c));
}

static size_t token_length(const char *p)
{
	size_t n = 0;

	while (is_token(p[n]))
		n++;
	return n;
}

static const char *blanks(const char *p)
{
	return p + strspn(p, " \t");
}

/* A token or a quoted string at *p, which then is behind it; NULL for neither. */
static char *read_value(const char **p)
{
	AUTO_STRBUF struct strbuf s = STRBUF_INIT;
	const char *c = *p;

	if (*c != '"') {
		size_t n = token_length(c);

		*p += n;
		return n ? xstrndup(c, n) : NULL;
	}
	for (c++; *c && *c != '"'; c++) {
		if (*c == '\\' && c[1])
			c++;
		strbuf_addc(&s, *c);
	}
	if (!*c)
		return NULL;
	*p = c + 1;
	return strbuf_take(&s);
}

static void set(struct challenge *c, const char *name, size_t n, char *value)
{
	const struct {
		const char *name;
		char **field;
	} fields[] = {{"realm", &c->realm},
		      {"service", &c->service},
		      {"scope", &c->scope},
		      {"error", &c->error}};

	for (size_t i = 0; i < ARRAY_SIZE(fields); i++)
		if (strlen(fields[i].name) == n &&
		    strncasecmp(name, fields[i].name, n) == 0 && !*fields[i].field) {
			*fields[i].field = value;
			return;
		}
	free(value);
}

/* "name = value" of a challenge at *p. False when something else is there. */
static bool read_parameter(struct challenge *c, const char **p)
{
	size_t n = token_length(*p);
	const char *at = blanks(*p + n);
	char *value;

	if (!n || *at != '=')
		return false;
	at = blanks(at + 1);
	value = read_value(&at);
	if (!value)
		return false;
	set(c, *p, n, value);
	*p = at;
	return true;
}

/* Credentials in one word, as Negotiate has them: of no use here. */
static const char *skip_token68(const char *p)
{
	size_t n = strspn(p, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
			     "0123456789-._~+/");

	p += n;
	return blanks(p + strspn(p, "="));
}

static bool is_parameter(const char *p)
{
	size_t n = token_length(p);
	const char *at = blanks(p + n);

	if (!n || *at != '=')
		return false;
	at = blanks(at + 1);
	return *at == '"' || is_token(*at);
}

void challenges_parse(struct challenges *list, const char *header)
{
	const char *p = header;

	while (list->n < CHALLENGES_MAX) {
		struct challenge *c;
		size_t n;

		p += strspn(p, " \t,");
		n = token_length(p);
		if (!n)
			return;
		GROW(list->v, list->n);
		c = &list->v[list->n++];
		*c = (struct challenge){.scheme = xstrndup(p, n)};
		p = blanks(p + n);
		if (*p && *p != ',' && !is_parameter(p))
			p = skip_token68(p);
		while (is_parameter(p)) {
			if (!read_parameter(c, &p))
				return;
			p += strspn(p, " \t,");
		}
	}
}

const struct challenge *challenges_find(const struct challenges *list, const char *scheme)
{
	for (size_t i = 0; i < list->n; i++)
		if (strcasecmp(list->v[i].scheme, scheme) == 0)
			return &list->v[i];
	return NULL;
}

void challenges_free(struct challenges *list)
{
	for (size_t i = 0; i < list->n; i++) {
		free(list->v[i].scheme);
		free(list->v[i].realm);
		free(list->v[i].service);
		free(list->v[i].scope);
		free(list->v[i].error);
	}
	free(list->v);
	*list = (struct challenges){0};
}
