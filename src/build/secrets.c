/* SPDX-License-Identifier: MIT */
#include "build/secrets.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/file.h"

enum { SECRET_MAX = 500 * 1024 }; /* as in BuildKit */

static int read_one(const struct build_secret_source *from, struct build_secret *secret,
		    struct err *e)
{
	const char *value = from->env ? getenv(from->env) : NULL;
	int r;

	secret->id = from->id;
	if (from->env && !value)
		return err_set(e, -ENOENT,
			       "--secret=id=%s: the environment has no variable %s",
			       from->id, from->env);
	if (value) {
		secret->data = xstrdup(value);
		secret->len = strlen(value);
		return 0;
	}
	r = file_read_given(from->file, SECRET_MAX, &secret->data, &secret->len, e);
	return r < 0 ? err_wrap(e, r, "--secret=id=%s", from->id) : 0;
}

int build_secrets_read(struct build_secrets *s, const struct build_settings *settings,
		       struct err *e)
{
	int r = 0;

	s->v = xcalloc(settings->nsecrets + 1, sizeof *s->v);
	for (; r == 0 && s->n < settings->nsecrets; s->n++)
		r = read_one(&settings->secrets[s->n], &s->v[s->n], e);
	return r;
}

const struct build_secret *build_secret_find(const struct build_secrets *s,
					     const char *id)
{
	/* The last one counts, as with other options. */
	for (size_t i = s->n; i-- > 0;)
		if (strcmp(s->v[i].id, id) == 0)
			return &s->v[i];
	return NULL;
}

void build_secrets_free(struct build_secrets *s)
{
	for (size_t i = 0; i < s->n; i++) {
		if (s->v[i].data)
			explicit_bzero(s->v[i].data, s->v[i].len);
		free(s->v[i].data);
	}
	free(s->v);
	*s = (struct build_secrets){0};
}
