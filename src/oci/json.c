/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/strbuf.h"
#include "oci/json-internal.h"

enum { MAP_MAX = 4096 };

static void add_path(struct strbuf *s, const struct json_at *at)
{
	if (!at->up) {
		strbuf_addf(s, "%s: ", at->name);
		return;
	}
	add_path(s, at->up);
	if (!at->name)
		strbuf_addf(s, "[%zu]", at->item);
	else
		strbuf_addf(s, "%s%s", at->up->up ? "." : "", at->name);
}

int json_fail(const struct json_at *at, struct err *e, const char *fmt, ...)
{
	AUTO_STRBUF struct strbuf s = STRBUF_INIT;
	va_list ap;

	add_path(&s, at);
	if (at->up)
		strbuf_addc(&s, ' ');
	va_start(ap, fmt);
	strbuf_vaddf(&s, fmt, ap);
	va_end(ap);
	return err_set(e, -EINVAL, "%s", s.data);
}

static const char *type_name(json_type type)
{
	switch (type) {
	case JSON_OBJECT:
		return "an object";
	case JSON_ARRAY:
		return "an array";
	case JSON_STRING:
		return "a string";
	case JSON_INTEGER:
		return "a whole number";
	case JSON_REAL:
		return "a fraction";
	case JSON_NULL:
		return "null";
	default:
		return "true or false";
	}
}

static int check_type(const struct json_at *at, json_type type, struct err *e)
{
	if (json_typeof(at->value) == type)
		return 0;
	return json_fail(at, e, "is %s and should be %s",
			 type_name(json_typeof(at->value)), type_name(type));
}

int json_load_as(struct json_at *doc, const char *what, json_type type, const char *data,
		 size_t len, struct err *e)
{
	json_error_t error;
	int r;

	*doc = (struct json_at){.name = what};
	doc->value = json_loadb(data, len, JSON_REJECT_DUPLICATES, &error);
	if (!doc->value)
		return err_set(e, -EINVAL, "%s: not JSON: %s, in line %d, column %d",
			       what, error.text, error.line, error.column);
	r = check_type(doc, type, e);
	if (r < 0)
		json_decref(TAKE_PTR(doc->value));
	return r;
}

int json_load_object(struct json_at *doc, const char *what, const char *data, size_t len,
		     struct err *e)
{
	return json_load_as(doc, what, JSON_OBJECT, data, len, e);
}

int json_get(const struct json_at *at, const char *name, enum json_need need,
	     json_type type, struct json_at *member, struct err *e)
{
	int r;

	*member = (struct json_at){json_object_get(at->value, name), at, name, 0};
	if (!member->value || json_is_null(member->value)) {
		member->value = NULL;
		return need == JSON_REQUIRED ? json_fail(member, e, "is missing") : 0;
	}
	r = check_type(member, type, e);
	return r < 0 ? r : 1;
}

int json_get_string(const struct json_at *at, const char *name, enum json_need need,
		    char **value, struct err *e)
{
	struct json_at member;
	int r = json_get(at, name, need, JSON_STRING, &member, e);

	if (r == 1)
		*value = xstrdup(json_string_value(member.value));
	return r;
}

int json_get_text(const struct json_at *at, const char *name, enum json_need need,
		  char *value, size_t size, struct err *e)
{
	struct json_at member;
	int r = json_get(at, name, need, JSON_STRING, &member, e);

	if (r != 1)
		return r;
	if (json_string_length(member.value) >= size)
		return json_fail(&member, e, "has more than %zu bytes", size - 1);
	memcpy(value, json_string_value(member.value),
	       json_string_length(member.value) + 1);
	return 1;
}

int json_get_int(const struct json_at *at, const char *name, enum json_need need,
		 int64_t *value, struct err *e)
{
	struct json_at member;
	int r = json_get(at, name, need, JSON_INTEGER, &member, e);

	if (r == 1)
		*value = json_integer_value(member.value);
	return r;
}

int json_get_bool(const struct json_at *at, const char *name, bool *value, struct err *e)
{
	struct json_at member = {json_object_get(at->value, name), at, name, 0};

	if (!member.value || json_is_null(member.value))
		return 0;
	if (!json_is_boolean(member.value))
		return check_type(&member, JSON_TRUE, e);
	*value = json_is_true(member.value);
	return 1;
}

int json_get_digest(const struct json_at *at, const char *name, enum json_need need,
		    struct oci_digest *digest, struct err *e)
{
	AUTO_ERR struct err why = ERR_INIT;
	struct json_at member;
	int r = json_get(at, name, need, JSON_STRING, &member, e);

	if (r != 1)
		return r;
	if (oci_digest_parse(digest, json_string_value(member.value), &why) < 0)
		return json_fail(&member, e, "is wrong: %s", why.text);
	return 1;
}

int json_get_strings(const struct json_at *at, const char *name, struct strv *list,
		     struct err *e)
{
	struct json_at array, item;
	int r = json_get(at, name, JSON_OPTIONAL, JSON_ARRAY, &array, e);

	if (r != 1)
		return r;
	item = (struct json_at){.up = &array};
	json_array_foreach(array.value, item.item, item.value)
	{
		r = check_type(&item, JSON_STRING, e);
		if (r < 0)
			return r;
		strv_add(list, json_string_value(item.value));
	}
	return 1;
}

int json_get_map(const struct json_at *at, const char *name, struct oci_map *map,
		 struct err *e)
{
	struct json_at object, item;
	int r = json_get(at, name, JSON_OPTIONAL, JSON_OBJECT, &object, e);

	if (r != 1)
		return r;
	/* A map costs the square of its size. */
	if (json_object_size(object.value) > MAP_MAX)
		return json_fail(&object, e, "has more than %d members", MAP_MAX);
	item = (struct json_at){.up = &object};
	json_object_foreach(object.value, item.name, item.value)
	{
		r = check_type(&item, JSON_STRING, e);
		if (r < 0)
			return r;
		oci_map_set(map, item.name, json_string_value(item.value));
	}
	return 1;
}

int json_get_names(const struct json_at *at, const char *name, struct strv *list,
		   struct err *e)
{
	struct json_at object;
	const char *member;
	json_t *value;
	int r = json_get(at, name, JSON_OPTIONAL, JSON_OBJECT, &object, e);

	if (r != 1)
		return r;
	json_object_foreach(object.value, member, value) strv_add(list, member);
	strv_sort(list);
	return 1;
}

int json_get_platform(const struct json_at *at, struct oci_platform *p, struct err *e)
{
	int r = json_get_text(at, "os", JSON_REQUIRED, p->os, sizeof p->os, e);

	if (r >= 0)
		r = json_get_text(at, "architecture", JSON_REQUIRED, p->architecture,
				  sizeof p->architecture, e);
	if (r >= 0)
		r = json_get_text(at, "variant", JSON_OPTIONAL, p->variant,
				  sizeof p->variant, e);
	if (r >= 0)
		r = json_get_text(at, "os.version", JSON_OPTIONAL, p->os_version,
				  sizeof p->os_version, e);
	return r;
}

json_t *json_others(const json_t *object, const char *known)
{
	AUTO_STRV struct strv names = STRV_INIT;
	json_t *others = NULL, *value;
	const char *name;

	strv_split(&names, known, " ");
	/* jansson's iterator is not const, though it changes nothing. */
	json_object_foreach((json_t *)(uintptr_t)object, name, value)
	{
		if (strv_has(&names, name) || json_is_null(value))
			continue;
		if (!others)
			others = json_object();
		json_put(others, name, json_incref(value));
	}
	return others;
}

/* jansson's only failures here are a lack of memory and strings that are not UTF-8. */
static void checked(int result)
{
	if (result != 0)
		abort();
}

/* Length of the UTF-8 sequence that starts here; 0 when it is none (RFC 3629). */
static size_t sequence(const unsigned char *s)
{
	unsigned char low = 0x80, high = 0xbf;
	size_t n;

	if (s[0] < 0x80)
		return 1;
	if (s[0] < 0xc2 || s[0] > 0xf4)
		return 0;
	n = s[0] < 0xe0 ? 2 : s[0] < 0xf0 ? 3 : 4;
	if (s[0] == 0xe0)
		low = 0xa0;
	else if (s[0] == 0xed)
		high = 0x9f;
	else if (s[0] == 0xf0)
		low = 0x90;
	else if (s[0] == 0xf4)
		high = 0x8f;
	if (s[1] < low || s[1] > high)
		return 0;
	for (size_t i = 2; i < n; i++)
		if ((s[i] & 0xc0) != 0x80)
			return 0;
	return n;
}

/* What cannot be said in JSON becomes U+FFFD, as in other builders. */
static json_t *string(const char *text)
{
	AUTO_STRBUF struct strbuf s = STRBUF_INIT;

	while (*text) {
		size_t n = sequence((const unsigned char *)text);

		if (n)
			strbuf_add(&s, text, n);
		else
			strbuf_adds(&s, "\xef\xbf\xbd");
		text += n ? n : 1;
	}
	return json_stringn(s.data, s.len);
}

void json_put(json_t *object, const char *name, json_t *value)
{
	checked(json_object_set_new(object, name, value));
}

void json_put_string(json_t *object, const char *name, const char *value)
{
	if (value)
		json_put(object, name, string(value));
}

void json_put_bool(json_t *object, const char *name, bool value)
{
	if (value)
		json_put(object, name, json_true());
}

void json_put_digest(json_t *object, const char *name, const struct oci_digest *digest)
{
	char text[OCI_DIGEST_TEXT];

	json_put_string(object, name, oci_digest_format(digest, text));
}

void json_put_strings(json_t *object, const char *name, const struct strv *list)
{
	json_t *array;

	if (!list->n)
		return;
	array = json_array();
	for (size_t i = 0; i < list->n; i++)
		checked(json_array_append_new(array, string(list->v[i])));
	json_put(object, name, array);
}

/* Names must be UTF-8, too. */
static void put_member(json_t *object, const char *name, json_t *value)
{
	json_t *valid = string(name);

	json_put(object, json_string_value(valid), value);
	json_decref(valid);
}

void json_put_map(json_t *object, const char *name, const struct oci_map *map)
{
	json_t *members;

	if (!map->n)
		return;
	members = json_object();
	for (size_t i = 0; i < map->n; i++)
		put_member(members, map->v[i].name, string(map->v[i].value));
	json_put(object, name, members);
}

void json_put_names(json_t *object, const char *name, const struct strv *list)
{
	AUTO_STRV struct strv sorted = STRV_INIT;
	json_t *members;

	if (!list->n)
		return;
	for (size_t i = 0; i < list->n; i++)
		strv_add(&sorted, list->v[i]);
	strv_sort(&sorted);
	members = json_object();
	for (size_t i = 0; i < sorted.n; i++)
		put_member(members, sorted.v[i], json_object());
	json_put(object, name, members);
}

void json_put_platform(json_t *object, const struct oci_platform *p)
{
	json_put_string(object, "architecture", p->architecture);
	json_put_string(object, "os", p->os);
	if (p->os_version[0])
		json_put_string(object, "os.version", p->os_version);
	if (p->variant[0])
		json_put_string(object, "variant", p->variant);
}

void json_put_others(json_t *object, const json_t *others)
{
	json_t *value;
	const char *name;

	/* Not in place of what was put there before; const as in json_others(). */
	json_object_foreach((json_t *)(uintptr_t)others, name,
			    value) if (!json_object_get(object, name))
		json_put(object, name, json_incref(value));
}

char *json_write(json_t *value, size_t *len)
{
	char *text = json_dumps(value, JSON_COMPACT);

	checked(text ? 0 : -1);
	json_decref(value);
	if (len)
		*len = strlen(text);
	return text;
}
