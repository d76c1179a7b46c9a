/* SPDX-License-Identifier: MIT */
#include "registry/error.h"

#include <jansson.h>
#include <stdbool.h>
#include <stdio.h>

#include "base/alloc.h"

enum { MESSAGE_MAX = 300 };

static const char *member(const json_t *object, const char *name)
{
	return json_string_value(json_object_get(object, name));
}

/* What comes from outside must not move the cursor, nor fill the screen. */
static void add_plain(struct strbuf *s, const char *text)
{
	for (; *text && s->len < MESSAGE_MAX; text++)
		strbuf_addc(s, (unsigned char)*text < ' ' || *text == 0x7f ? ' ' : *text);
}

static void add_errors(struct strbuf *s, const json_t *errors)
{
	const json_t *item;
	size_t i;

	json_array_foreach(errors, i, item)
	{
		const char *code = member(item, "code"),
			   *message = member(item, "message");
		const char *detail = member(item, "detail");

		if (s->len)
			strbuf_adds(s, "; ");
		add_plain(s, message && *message ? message : code ? code : "");
		if (detail && *detail) {
			strbuf_adds(s, " (");
			add_plain(s, detail);
			strbuf_addc(s, ')');
		}
	}
}

char *answer_message(const struct strbuf *body)
{
	static const char *const names[] = {"error_description", "details", "message",
					    "error"};
	struct strbuf s = STRBUF_INIT;
	json_t *root = json_loadb(body->data, body->len, 0, NULL);

	add_errors(&s, json_object_get(root, "errors"));
	for (size_t i = 0; i < ARRAY_SIZE(names) && !s.len; i++)
		if (member(root, names[i]))
			add_plain(&s, member(root, names[i]));
	json_decref(root);
	return strbuf_take(&s);
}
