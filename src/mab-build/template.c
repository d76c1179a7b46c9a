/* SPDX-License-Identifier: MIT */
#include "mab-build/template.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"

#define FORMS "{{.Name}}, {{.Name.Member}}, {{json .Name}} and {{index .Name \"key\"}}"

static int unknown(const struct cli_json *object, const char *name, struct err *e)
{
	AUTO_STRV struct strv names = STRV_INIT;
	AUTO_STRBUF struct strbuf list = STRBUF_INIT;

	cli_json_names(object, &names);
	for (size_t i = 0; i < names.n; i++)
		strbuf_addf(&list, "%s%s", i ? ", " : "", names.v[i]);
	return err_set(e, -ENOENT, "--format: there is no '%s', only: %s", name,
		       list.len ? list.data : "nothing");
}

/*
 * The members of the whole are known, so that another is misspelt. Those below it are the
 * image's own: NULL when it has none of that name.
 */
static int find_member(const struct cli_json *whole, const char *name,
		       const struct cli_json **value, struct err *e)
{
	const struct cli_json *member = cli_json_get(*value, name);

	if (!member && (*value == whole || !cli_json_is_object(*value)))
		return unknown(*value, name, e);
	*value = member;
	return 0;
}

/* ".", ".A", ".A.B" */
static int find(const char *path, const struct cli_json **value, struct err *e)
{
	AUTO_STRV struct strv names = STRV_INIT;
	const struct cli_json *whole = *value;
	int r = 0;

	if (path[0] != '.' || strstr(path, "..") ||
	    (path[1] && path[strlen(path) - 1] == '.'))
		return err_set(e, -EINVAL,
			       "--format: '%s' names no value (there are " FORMS ")",
			       path);
	strv_split(&names, path, ".");
	for (size_t i = 0; r == 0 && *value && i < names.n; i++)
		r = find_member(whole, names.v[i], value, e);
	return r;
}

/* The key of an index, without its quotes. */
static int find_key(const struct cli_json *whole, const char *key,
		    const struct cli_json **value, struct err *e)
{
	size_t n = strlen(key);
	AUTO_FREE char *name = NULL;

	if (n < 2 || !strchr("\"`'", key[0]) || key[n - 1] != key[0])
		return err_set(e, -EINVAL, "--format: the key %s has no quotes", key);
	name = xstrndup(key + 1, n - 2);
	return *value ? find_member(whole, name, value, e) : 0;
}

static int fill_action(const char *action, const struct cli_json *object,
		       struct strbuf *out, struct err *e)
{
	AUTO_STRV struct strv words = STRV_INIT;
	const struct cli_json *value = object;
	bool json = false, indexed = false;
	int r;

	strv_split(&words, action, " \t");
	if (words.n == 2)
		json = strcmp(words.v[0], "json") == 0;
	if (words.n == 3)
		indexed = strcmp(words.v[0], "index") == 0;
	if (!(words.n == 1 || json || indexed) || words.v[words.n - 1][0] == '$')
		return err_set(e, -EOPNOTSUPP,
			       "--format has no '{{%s}}' (there are " FORMS ")", action);
	r = find(words.v[words.n > 1], &value, e);
	if (r == 0 && indexed)
		r = find_key(object, words.v[2], &value, e);
	if (r == 0 && value)
		cli_json_append(value, json ? CLI_JSON_COMPACT : CLI_JSON_GO, out);
	else if (r == 0 && json)
		strbuf_adds(out, "\"\""); /* as Go has it of a map of strings */
	return r;
}

static void add_text(struct strbuf *out, const char *text, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		bool escape = text[i] == '\\' && i + 1 < n;

		if (escape && text[i + 1] == 'n')
			strbuf_addc(out, '\n');
		else if (escape && text[i + 1] == 't')
			strbuf_addc(out, '\t');
		else
			strbuf_addc(out, text[i]);
		i += escape && strchr("nt", text[i + 1]);
	}
}

int template_fill(const char *template, const struct cli_json *object, struct strbuf *out,
		  struct err *e)
{
	const char *open, *close;

	for (; (open = strstr(template, "{{")); template = close + 2) {
		AUTO_FREE char *action = NULL;
		int r;

		add_text(out, template, (size_t)(open - template));
		close = strstr(open, "}}");
		if (!close)
			return err_set(e, -EINVAL, "--format: '%s' has no }}", open);
		action = xstrndup(open + 2, (size_t)(close - open - 2));
		r = fill_action(action, object, out, e);
		if (r < 0)
			return r;
	}
	add_text(out, template, strlen(template));
	return 0;
}
