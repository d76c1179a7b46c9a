/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * Reading and writing JSON by jansson, with failures that name the member. Getters return
 * 1 when the member is there, 0 when it is not or is null, and a negative errno for a
 * value that is wrong (or, where one is required, not there).
 */

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"
#include "base/strv.h"
#include "oci/digest.h"
#include "oci/map.h"
#include "oci/platform.h"

/* A value, and the way to it. `value` is borrowed from the document. */
struct json_at {
	json_t *value;
	const struct json_at *up; /* NULL for the document, which name then describes */
	const char *name;	  /* of a member; NULL for an item of an array */
	size_t item;
};

enum json_need { JSON_OPTIONAL, JSON_REQUIRED };

/* Reads a document of a type, and one that is an object; doc->value is the caller's. */
int json_load_as(struct json_at *doc, const char *what, json_type type, const char *data,
		 size_t len, struct err *e);
int json_load_object(struct json_at *doc, const char *what, const char *data, size_t len,
		     struct err *e);

/* "manifest: layers[2].size " and the rest. Returns -EINVAL. */
int json_fail(const struct json_at *at, struct err *e, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));

int json_get(const struct json_at *at, const char *name, enum json_need need,
	     json_type type, struct json_at *member, struct err *e);
int json_get_string(const struct json_at *at, const char *name, enum json_need need,
		    char **value, struct err *e);

/* Into an array of size bytes; what is longer is wrong. */
int json_get_text(const struct json_at *at, const char *name, enum json_need need,
		  char *value, size_t size, struct err *e);
int json_get_int(const struct json_at *at, const char *name, enum json_need need,
		 int64_t *value, struct err *e);
int json_get_bool(const struct json_at *at, const char *name, bool *value, struct err *e);
int json_get_digest(const struct json_at *at, const char *name, enum json_need need,
		    struct oci_digest *digest, struct err *e);

/* An array of strings. */
int json_get_strings(const struct json_at *at, const char *name, struct strv *list,
		     struct err *e);

/* An object of strings, and the names of one. */
int json_get_map(const struct json_at *at, const char *name, struct oci_map *map,
		 struct err *e);
int json_get_names(const struct json_at *at, const char *name, struct strv *list,
		   struct err *e);

/* The members os, architecture, variant and os.version. */
int json_get_platform(const struct json_at *at, struct oci_platform *p, struct err *e);

/* A descriptor, which is at `at` itself, and one as an object: in manifest.c. */
struct oci_descriptor;
int json_get_descriptor(const struct json_at *at, struct oci_descriptor *d,
			struct err *e);
json_t *json_of_descriptor(const struct oci_descriptor *d);

/* The members that are not among the known (separated by blanks); NULL for none. */
json_t *json_others(const json_t *object, const char *known);

/* Adds what is there: no member for NULL, false, or an empty list. */
void json_put_string(json_t *object, const char *name, const char *value);
void json_put_bool(json_t *object, const char *name, bool value);
void json_put_digest(json_t *object, const char *name, const struct oci_digest *digest);
void json_put_strings(json_t *object, const char *name, const struct strv *list);
void json_put_map(json_t *object, const char *name, const struct oci_map *map);
void json_put_names(json_t *object, const char *name, const struct strv *list);
void json_put_platform(json_t *object, const struct oci_platform *p);

/* Adds a value, which object then owns; and all members of another object. */
void json_put(json_t *object, const char *name, json_t *value);
void json_put_others(json_t *object, const json_t *others);

/* The text without blanks, owned by the caller; releases value. */
char *json_write(json_t *value, size_t *len);

static inline void json_release(struct json_at *doc)
{
	json_decref(doc->value);
}

#define AUTO_JSON_DOCUMENT CLEAN(json_release)
