/* SPDX-License-Identifier: MIT */
#include "base/conf.h"

#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/alloc.h"
#include "base/file.h"
#include "base/strbuf.h"

enum { FILE_MAX = 64 * 1024 };

static const char blanks[] = " \t\r";

/* A line without its comment and trailing blanks. */
static size_t line_length(const char *line, size_t len)
{
	for (size_t i = 0; i < len; i++)
		if (line[i] == '#' && (i == 0 || strchr(blanks, line[i - 1]))) {
			len = i;
			break;
		}
	while (len && strchr(blanks, line[len - 1]))
		len--;
	return len;
}

static int parse_line(struct conf *c, unsigned number, const char *line, size_t len,
		      struct err *e)
{
	size_t key_start, key_end, i;
	const struct conf_item *old;
	struct conf_item item = {.line = number};

	for (i = 0; i < len && strchr(blanks, line[i]); i++)
		;
	if (i == len)
		return 0;
	key_start = i;
	while (i < len && (isalnum((unsigned char)line[i]) || line[i] == '-'))
		i++;
	key_end = i;
	while (i < len && strchr(blanks, line[i]))
		i++;
	if (key_end == key_start || i == len || line[i] != '=')
		return err_at(e, -EINVAL, c->file, number, (unsigned)i + 1,
			      "expected `key = value`");
	for (i++; i < len && strchr(blanks, line[i]); i++)
		;
	item.column = (unsigned)i + 1;
	item.key = xstrndup(line + key_start, key_end - key_start);
	old = conf_get(c, item.key);
	if (old) {
		err_at(e, -EINVAL, c->file, number, (unsigned)key_start + 1,
		       "%s is set a second time (first in line %u)", item.key, old->line);
		free(item.key);
		return -EINVAL;
	}
	item.value = xstrndup(line + i, len - i);
	GROW(c->items, c->n);
	c->items[c->n++] = item;
	return 0;
}

int conf_parse(struct conf *c, const char *file, const char *text, size_t len,
	       struct err *e)
{
	unsigned number = 0;

	*c = (struct conf){.file = xstrdup(file)};
	while (len) {
		const char *end = memchr(text, '\n', len);
		size_t n = end ? (size_t)(end - text) : len;
		const char *nul = memchr(text, '\0', n);
		int r;

		number++;
		r = nul ? err_at(e, -EINVAL, file, number, (unsigned)(nul - text) + 1,
				 "a NUL byte in a text file")
			: parse_line(c, number, text, line_length(text, n), e);
		if (r < 0) {
			conf_free(c);
			return r;
		}
		n += end != NULL;
		text += n;
		len -= n;
	}
	return 0;
}

const struct conf_item *conf_get(const struct conf *c, const char *key)
{
	for (size_t i = 0; i < c->n; i++)
		if (strcmp(c->items[i].key, key) == 0)
			return &c->items[i];
	return NULL;
}

int conf_require(const struct conf *c, const char *key, const struct conf_item **item,
		 struct err *e)
{
	*item = conf_get(c, key);
	if (*item)
		return 0;
	return err_at(e, -EINVAL, c->file, 0, 0, "`%s = …` is missing", key);
}

int conf_number(const struct conf *c, const struct conf_item *item, const char *text,
		unsigned long min, unsigned long max, unsigned long *value, struct err *e)
{
	bool hex = text[0] == '0' && (text[1] == 'x' || text[1] == 'X');
	const char *digits = hex ? text + 2 : text;
	char *end;

	errno = 0;
	*value = strtoul(digits, &end, hex ? 16 : 10);
	if (!isxdigit((unsigned char)*digits) || *end || errno || *value < min ||
	    *value > max)
		return conf_error(c, item, e, "%s: `%s` is not a number from %lu to %lu",
				  item->key, text, min, max);
	return 0;
}

int conf_check_keys(const struct conf *c, const char *known, struct err *e)
{
	AUTO_STRV struct strv keys = STRV_INIT;

	strv_split(&keys, known, " ");
	for (size_t i = 0; i < c->n; i++) {
		const struct conf_item *item = &c->items[i];
		const char *near;

		if (strv_has(&keys, item->key))
			continue;
		near = strv_nearest(&keys, item->key);
		return err_at(e, -EINVAL, c->file, item->line, 1,
			      "unknown key `%s`%s%s%s", item->key,
			      near ? " (did you mean `" : "", near ? near : "",
			      near ? "`?)" : "");
	}
	return 0;
}

int conf_error(const struct conf *c, const struct conf_item *item, struct err *e,
	       const char *fmt, ...)
{
	AUTO_STRBUF struct strbuf s = STRBUF_INIT;
	va_list ap;

	va_start(ap, fmt);
	strbuf_vaddf(&s, fmt, ap);
	va_end(ap);
	return err_at(e, -EINVAL, c->file, item->line, item->column, "%s", s.data);
}

void conf_free(struct conf *c)
{
	for (size_t i = 0; i < c->n; i++) {
		free(c->items[i].key);
		free(c->items[i].value);
	}
	free(c->items);
	free(c->file);
	*c = (struct conf){0};
}

/* The set while it is read: texts by name, before any is parsed. */
struct source {
	char *name;
	char *file;
	char *text;
	size_t len;
};

struct sources {
	struct source *v;
	size_t n;
};

static void sources_free(struct sources *s)
{
	for (size_t i = 0; i < s->n; i++) {
		free(s->v[i].name);
		free(s->v[i].file);
		free(s->v[i].text);
	}
	free(s->v);
}

static void sources_put(struct sources *s, struct source new)
{
	for (size_t i = 0; i < s->n; i++)
		if (strcmp(s->v[i].name, new.name) == 0) {
			struct source old = s->v[i];

			s->v[i] = new;
			free(old.name);
			free(old.file);
			free(old.text);
			return;
		}
	GROW(s->v, s->n);
	s->v[s->n++] = new;
}

/* A link to /dev/null masks like an empty file. */
static int read_or_mask(int dirfd, const char *name, char **text, size_t *len,
			struct err *e)
{
	struct stat st, null;

	if (fstatat(dirfd, name, &st, 0) == 0 && S_ISCHR(st.st_mode) &&
	    stat("/dev/null", &null) == 0 && st.st_rdev == null.st_rdev) {
		*text = xstrdup("");
		*len = 0;
		return 0;
	}
	return file_read_at(dirfd, name, FILE_MAX, text, len, e);
}

static int read_folder(struct sources *s, const char *folder, struct err *e)
{
	AUTO_CLOSEDIR DIR *dir = opendir(folder);
	struct dirent *de;
	int r;

	if (!dir)
		return errno == ENOENT
			       ? 0
			       : err_sys(e, -errno, "cannot open the folder %s", folder);
	while ((de = readdir(dir))) {
		size_t n = strlen(de->d_name);
		struct source new = {0};

		if (n <= 5 || de->d_name[0] == '.' ||
		    strcmp(de->d_name + n - 5, ".conf") != 0)
			continue;
		r = read_or_mask(dirfd(dir), de->d_name, &new.text, &new.len, e);
		if (r < 0)
			return err_wrap(e, r, "%s", folder);
		new.name = xstrndup(de->d_name, n - 5);
		new.file = xasprintf("%s/%s", folder, de->d_name);
		sources_put(s, new);
	}
	return 0;
}

static int compare_sources(const void *a, const void *b)
{
	return strcmp(((const struct source *)a)->name, ((const struct source *)b)->name);
}

int conf_set_load(struct conf_set *set, const struct conf_text *texts, size_t ntexts,
		  const char *folder, struct err *e)
{
	CLEAN(sources_free) struct sources s = {0};
	int r = 0;

	*set = (struct conf_set){0};
	for (size_t i = 0; i < ntexts; i++)
		sources_put(&s, (struct source){xstrdup(texts[i].name),
						xasprintf("%s.conf", texts[i].name),
						xstrdup(texts[i].text),
						strlen(texts[i].text)});
	if (folder)
		r = read_folder(&s, folder, e);
	if (r < 0)
		return r;
	if (s.n)
		qsort(s.v, s.n, sizeof *s.v, compare_sources);
	for (size_t i = 0; i < s.n; i++) {
		struct conf_file file = {0};

		if (s.v[i].len == 0)
			continue;
		r = conf_parse(&file.conf, s.v[i].file, s.v[i].text, s.v[i].len, e);
		if (r < 0) {
			conf_set_free(set);
			return r;
		}
		file.name = TAKE_PTR(s.v[i].name);
		GROW(set->files, set->n);
		set->files[set->n++] = file;
	}
	return 0;
}

void conf_set_free(struct conf_set *set)
{
	for (size_t i = 0; i < set->n; i++) {
		free(set->files[i].name);
		conf_free(&set->files[i].conf);
	}
	free(set->files);
	*set = (struct conf_set){0};
}
