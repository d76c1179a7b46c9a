/* SPDX-License-Identifier: MIT */

/*
 * Checks of single values. They are made as early as possible: when the file is parsed
 * for a word without variables and quotes, and once more when all words are expanded.
 */

#include <ctype.h>
#include <errno.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "dockerfile/parse-internal.h"
#include "dockerfile/port.h"

struct check {
	const struct dockerfile *d;
	const struct dockerfile_instruction *i;
	bool expanded;
	struct err *e;
};

static int wrong(const struct check *c, const struct dockerfile_word *w, const char *fmt,
		 ...) __attribute__((format(printf, 3, 4)));

static int wrong(const struct check *c, const struct dockerfile_word *w, const char *fmt,
		 ...)
{
	AUTO_STRBUF struct strbuf s = STRBUF_INIT;
	va_list ap;

	va_start(ap, fmt);
	strbuf_vaddf(&s, fmt, ap);
	va_end(ap);
	return err_at(c->e, -EINVAL, c->d->file, w->pos.line, w->pos.column, "%s",
		      s.data);
}

/* The word is what it will be. */
static bool final(const struct check *c, const struct dockerfile_word *w)
{
	return c->expanded || !strpbrk(w->text, "$\"'\\`");
}

static int check_words(const struct check *c, enum dockerfile_flag_id id,
		       const char *const *words, size_t n)
{
	const struct dockerfile_word *w = dockerfile_flag(c->i, id);
	AUTO_STRV struct strv known = STRV_INIT;
	AUTO_FREE char *hint = NULL;

	for (size_t k = 0; w && k < n; k++) {
		if (strcmp(words[k], w->text) == 0)
			return 0;
		strv_add(&known, words[k]);
	}
	if (!w)
		return 0;
	hint = dockerfile_suggest(&known, w->text);
	return wrong(c, w, "--%s cannot be `%s`%s", dockerfile_flag_name(id), w->text,
		     hint);
}

static int check_run(const struct check *c)
{
	static const char *const networks[] = {"default", "none", "host"};
	static const char *const securities[] = {"sandbox", "insecure"};
	int r = check_words(c, DOCKERFILE_FLAG_NETWORK, networks, ARRAY_SIZE(networks));

	return r < 0 ? r
		     : check_words(c, DOCKERFILE_FLAG_SECURITY, securities,
				   ARRAY_SIZE(securities));
}

/* `u+rwX,go=u`: chmod's symbolic modes. */
static bool symbolic_mode(const char *s)
{
	do {
		s += *s == ',';
		s += strspn(s, "ugoa");
		if (!*s || !strchr("+-=", *s))
			return false;
		while (*s && strchr("+-=", *s)) {
			s++;
			if (*s && strchr("ugo", *s))
				s++;
			else
				s += strspn(s, "rwxXst");
		}
	} while (*s == ',');
	return *s == '\0';
}

static bool octal_mode(const char *s)
{
	size_t n = strspn(s, "01234567");

	return n > 0 && !s[n] && strtoul(s, NULL, 8) <= 07777;
}

static bool is_url(const char *s)
{
	return strncmp(s, "http://", 7) == 0 || strncmp(s, "https://", 8) == 0;
}

static bool is_git(const char *s)
{
	size_t n = strcspn(s, "#?");

	return strncmp(s, "git@", 4) == 0 || strncmp(s, "git://", 6) == 0 ||
	       strncmp(s, "ssh://", 6) == 0 ||
	       (is_url(s) && n > 4 && strncmp(s + n - 4, ".git", 4) == 0);
}

static bool is_hex(const char *s, size_t n)
{
	return strlen(s) == n && strspn(s, "0123456789abcdef") == n;
}

static int check_checksum(const struct check *c)
{
	const struct dockerfile_word *w = dockerfile_flag(c->i, DOCKERFILE_FLAG_CHECKSUM);
	const struct dockerfile_word *source = &c->i->args.v[0];

	if (!w || c->i->args.n == 0)
		return 0;
	if (c->i->args.n != 2 || c->i->nheredocs)
		return wrong(c, w, "--checksum is for one source");
	if (!final(c, source) || !final(c, w))
		return 0;
	if (is_git(source->text))
		return is_hex(w->text, 40) || is_hex(w->text, 64)
			       ? 0
			       : wrong(c, w,
				       "the checksum of a git source is the full "
				       "hash of a commit");
	if (!is_url(source->text))
		return wrong(c, w,
			     "--checksum is for a URL or a git source, not for "
			     "`%s`",
			     source->text);
	if (strncmp(w->text, "sha256:", 7) != 0 || !is_hex(w->text + 7, 64))
		return wrong(c, w, "`%s` is not sha256: and 64 hexadecimal digits",
			     w->text);
	return 0;
}

static int check_copy(const struct check *c)
{
	const struct dockerfile_word *from = dockerfile_flag(c->i, DOCKERFILE_FLAG_FROM);
	const struct dockerfile_word *mode = dockerfile_flag(c->i, DOCKERFILE_FLAG_CHMOD);
	const struct dockerfile_words *args = &c->i->args;

	if (from && strchr(from->text, '$'))
		return wrong(c, from,
			     "variables cannot stand in --from: give the image a name "
			     "with `FROM %s AS name` and use that",
			     from->text);
	if (mode && final(c, mode) && !octal_mode(mode->text) &&
	    !symbolic_mode(mode->text))
		return wrong(c, mode, "`%s` is not a mode like 0755 or u=rwX,go=rX",
			     mode->text);
	if (c->i->kind == DOCKERFILE_ADD)
		return check_checksum(c);
	for (size_t k = 0; k + 1 < args->n; k++)
		if (is_url(args->v[k].text) || is_git(args->v[k].text))
			return wrong(c, &args->v[k],
				     "COPY does not download; ADD does: `ADD %s …`",
				     args->v[k].text);
	return 0;
}

static int check_ports(const struct check *c)
{
	for (size_t k = 0; k < c->i->args.n; k++) {
		const struct dockerfile_word *w = &c->i->args.v[k];
		AUTO_ERR struct err e = ERR_INIT;
		struct dockerfile_port port;

		if (final(c, w) && dockerfile_port_parse(w->text, &port, &e) < 0)
			return wrong(c, w, "%s", e.text);
	}
	return 0;
}

static int check_volumes(const struct check *c)
{
	for (size_t k = 0; k < c->i->args.n; k++)
		if (!*c->i->args.v[k].text)
			return wrong(c, &c->i->args.v[k], "a volume's path is empty");
	return 0;
}

static bool is_number(const char *s, unsigned long min, unsigned long max)
{
	char *end;
	unsigned long n = strtoul(s, &end, 10);

	return isdigit((unsigned char)*s) && !*end && n >= min && n <= max;
}

/* Linux's names; RTMIN+n and RTMAX-n. */
static int check_signal(const struct check *c)
{
	static const char *const names[] = {
		"ABRT",	  "ALRM",  "BUS",   "CHLD",  "CLD",  "CONT",   "FPE",  "HUP",
		"ILL",	  "INT",   "IO",    "IOT",   "KILL", "PIPE",   "POLL", "PROF",
		"PWR",	  "QUIT",  "RTMAX", "RTMIN", "SEGV", "STKFLT", "STOP", "SYS",
		"TERM",	  "TRAP",  "TSTP",  "TTIN",  "TTOU", "URG",    "USR1", "USR2",
		"VTALRM", "WINCH", "XCPU",  "XFSZ",
	};
	const struct dockerfile_word *w = &c->i->args.v[0];
	AUTO_STRV struct strv known = STRV_INIT;
	AUTO_FREE char *hint = NULL;
	const char *s = w->text;

	if (!final(c, w) || is_number(s, 1, 64))
		return 0;
	s += strncasecmp(s, "SIG", 3) == 0 ? 3 : 0;
	if ((strncasecmp(s, "RTMIN+", 6) == 0 && is_number(s + 6, 1, 15)) ||
	    (strncasecmp(s, "RTMAX-", 6) == 0 && is_number(s + 6, 1, 14)))
		return 0;
	for (size_t k = 0; k < ARRAY_SIZE(names); k++) {
		if (strcasecmp(names[k], s) == 0)
			return 0;
		strv_addf(&known, "SIG%s", names[k]);
	}
	hint = dockerfile_suggest(&known, w->text);
	return wrong(c, w, "`%s` is not a signal%s", w->text, hint);
}

static int check_from(const struct check *c)
{
	const struct dockerfile_word *base = &c->i->args.v[0];
	const struct dockerfile_word *platform =
		dockerfile_flag(c->i, DOCKERFILE_FLAG_PLATFORM);

	if (c->expanded && !*base->text)
		return wrong(c, base, "the name of the image is empty");
	if (c->expanded && platform && !*platform->text)
		return wrong(c, platform, "the platform is empty");
	return 0;
}

/* `ENV $NAME=x`, when NAME is empty. */
static int check_names(const struct check *c)
{
	for (size_t k = 0; k < c->i->npairs; k++)
		if (!*c->i->pairs[k].key.text)
			return wrong(c, &c->i->pairs[k].key, "the name is empty");
	return 0;
}

static int check(const struct check *c)
{
	switch (c->i->kind) {
	case DOCKERFILE_ADD:
	case DOCKERFILE_COPY:
		return check_copy(c);
	case DOCKERFILE_ENV:
	case DOCKERFILE_LABEL:
		return check_names(c);
	case DOCKERFILE_EXPOSE:
		return check_ports(c);
	case DOCKERFILE_FROM:
		return check_from(c);
	case DOCKERFILE_RUN:
		return check_run(c);
	case DOCKERFILE_STOPSIGNAL:
		return check_signal(c);
	case DOCKERFILE_VOLUME:
		return check_volumes(c);
	default:
		return 0;
	}
}

int dockerfile_check_values(const struct dockerfile *d,
			    const struct dockerfile_instruction *i, bool expanded,
			    struct err *e)
{
	struct check c = {d, i, expanded, e};

	return check(&c);
}
