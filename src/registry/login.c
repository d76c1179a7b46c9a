/* SPDX-License-Identifier: MIT */
#include "registry/login.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/alloc.h"
#include "registry/auth-file.h"
#include "registry/client-internal.h"
#include "registry/credentials-internal.h"
#include "registry/helper.h"

/* ---- names ---- */

/* HOST[/PATH] of what people type and files have as keys; NULL when it is none. */
static char *plain_name(const char *text)
{
	static const char *const schemes[] = {"https://", "http://", "docker://"};
	AUTO_OCI_REFERENCE struct oci_reference ref = {0};
	AUTO_FREE char *name = NULL;
	AUTO_FREE char *image = NULL;

	if (strcmp(text, DOCKER_KEY) == 0 || strcmp(text, "index.docker.io") == 0)
		text = "docker.io";
	for (size_t i = 0; i < ARRAY_SIZE(schemes); i++)
		if (strncmp(text, schemes[i], strlen(schemes[i])) == 0)
			text += strlen(schemes[i]);
	name = xstrdup(text);
	while (*name && name[strlen(name) - 1] == '/')
		name[strlen(name) - 1] = '\0';
	image = strchr(name, '/') ? xstrdup(name) : xasprintf("%s/x", name);
	if (oci_reference_parse(&ref, image, NULL) < 0 || !ref.host || ref.tag ||
	    ref.digest)
		return NULL;
	return TAKE_PTR(name);
}

static int read_name(const char *text, char **name, struct err *e)
{
	*name = plain_name(text);
	return *name ? 0
		     : err_set(e, -EINVAL,
			       "'%.200s' is not HOST[:PORT] or HOST[:PORT]/PATH", text);
}

/* ---- asking the registry ---- */

static int check(struct registry *r, const char *host, const struct credentials *c,
		 struct err *e)
{
	AUTO_HTTP_ANSWER struct http_answer a = HTTP_ANSWER_INIT;
	AUTO_FREE char *what = xasprintf("log in to %s", host);
	AUTO_FREE char *url = NULL;
	struct http_request q = {.method = "GET"};
	struct repository *repo;
	int result = repository_of_host(r, host, c, &repo, e);

	if (result < 0)
		return err_wrap(e, result, "cannot %s", what);
	q.url = url = xasprintf("%s/v2/", repo->host->base);
	if (!repo->host->scheme)
		registry_log(r, "%s asks nobody to log in", host);
	result = repository_perform(repo, &q, &a, e);
	if (result < 0)
		return err_wrap(e, result, "cannot %s", what);
	if (a.status == 401 || a.status == 403)
		return err_set(e, -EACCES, "cannot %s: user or password are wrong", what);
	return a.status / 100 == 2 ? 0 : repository_refused(repo, &a, what, e);
}

/* ---- keeping ---- */

struct entry {
	const char *name;
	const struct credentials *c;
	char **where;
};

static int use_helper(const struct entry *n, const char *helper, struct err *e)
{
	AUTO_FREE char *server = helper_server(n->name);
	int r;

	if (strchr(n->name, '/'))
		return err_set(e, -EINVAL,
			       "docker-credential-%s keeps logins of whole registries "
			       "only, not of %s",
			       helper, n->name);
	r = helper_store(helper, server, n->c, e);
	if (r == 0)
		*n->where = xasprintf("docker-credential-%s", helper);
	return r;
}

/* The object of a name among auths, made if need be. Other names of it are dropped. */
static json_t *make_entry(json_t *auths, const char *name)
{
	const char *key = auth_key(auths, name);
	json_t *entry = key ? json_incref(json_object_get(auths, key)) : json_object();

	if (!json_is_object(entry)) {
		json_decref(entry);
		entry = json_object();
	}
	while ((key = auth_key(auths, name)))
		json_object_del(auths, key);
	json_object_set_new(auths, strcmp(name, "docker.io") == 0 ? DOCKER_KEY : name,
			    entry);
	return entry;
}

static int put_login(void *context, json_t *root, struct err *e)
{
	const struct entry *n = context;
	const char *helper = auth_helper(root, n->name);
	json_t *auths = json_object_get(root, "auths"), *entry;
	AUTO_SECRET char *basic = credentials_basic(n->c);
	int r = 0;

	if (!helper)
		helper = auth_store(root);
	if (helper)
		r = use_helper(n, helper, e);
	if (r < 0)
		return r;
	if (!json_is_object(auths)) {
		auths = json_object();
		json_object_set_new(root, "auths", auths);
	}
	entry = make_entry(auths, n->name);
	json_object_del(entry, "auth");
	json_object_del(entry, "username");
	json_object_del(entry, "password");
	json_object_del(entry, "identitytoken");
	if (!helper)
		json_object_set_new(entry, "auth", json_string(basic + strlen("Basic ")));
	return 1;
}

static int keep(struct registry *r, struct entry *n, struct err *e)
{
	const struct strv *helpers = &r->conf.helpers;
	AUTO_FREE char *file = NULL;
	int result;

	if (helpers->n && strcmp(helpers->v[0], HELPER_FILES) != 0)
		return use_helper(n, helpers->v[0], e);
	file = auth_file_path(r->settings.authfile, e);
	if (!file)
		return -ENOENT;
	result = auth_file_change(file, put_login, n, e);
	if (result < 0)
		return result;
	if (!*n->where)
		*n->where = TAKE_PTR(file);
	return 0;
}

int registry_login(struct registry *r, const char *text, const struct credentials *c,
		   char **where, struct err *e)
{
	AUTO_FREE char *name = NULL;
	AUTO_FREE char *host = NULL;
	struct entry entry = {.c = c, .where = where};
	int result = read_name(text, &name, e);

	*where = NULL;
	if (result == 0 && strchr(c->user, ':'))
		result = err_set(e, -EINVAL, "a user's name has no colon");
	if (result < 0)
		return result;
	entry.name = name;
	host = xstrndup(name, strcspn(name, "/"));
	result = check(r, host, c, e);
	return result < 0 ? result : keep(r, &entry, e);
}

/* ---- forgetting ---- */

/* Has a helper, if there is one, forget a registry. 1 when it knew of it. */
static int erase(const char *helper, const char *name, struct err *e)
{
	AUTO_FREE char *server = helper_server(name);

	return helper && !strchr(name, '/') ? helper_erase(helper, server, e) : 0;
}

struct drop {
	const char *name;
	bool known;
};

static int drop_login(void *context, json_t *root, struct err *e)
{
	struct drop *d = context;
	const char *helper = auth_helper(root, d->name);
	json_t *auths = json_object_get(root, "auths");
	const char *key;
	bool changed = false;
	int r = erase(helper ? helper : auth_store(root), d->name, e);

	if (r < 0)
		return r;
	while ((key = auth_key(auths, d->name))) {
		json_object_del(auths, key);
		changed = true;
	}
	d->known = d->known || r == 1 || changed;
	return changed;
}

/* Has all helpers of registries.conf forget it. */
static int drop_by_conf(struct registry *r, struct drop *d, struct err *e)
{
	const struct strv *helpers = &r->conf.helpers;

	for (size_t i = 0; i < helpers->n; i++) {
		int result = strcmp(helpers->v[i], HELPER_FILES) == 0
				     ? 0
				     : erase(helpers->v[i], d->name, e);

		if (result < 0)
			return result;
		d->known = d->known || result == 1;
	}
	return 0;
}

/* A file that is not there has no logins, and is not made. */
static int change(const char *file, auth_change what, void *context, struct err *e)
{
	return access(file, F_OK) == 0 ? auth_file_change(file, what, context, e) : 0;
}

int registry_logout(struct registry *r, const char *text, struct err *e)
{
	AUTO_CREDENTIALS struct credentials left = {0};
	AUTO_FREE char *name = NULL;
	AUTO_FREE char *file = auth_file_path(r->settings.authfile, e);
	struct drop d = {0};
	int result = file ? read_name(text, &name, e) : -ENOENT;

	d.name = name;
	if (result == 0)
		result = drop_by_conf(r, &d, e);
	if (result == 0)
		result = change(file, drop_login, &d, e);
	if (result < 0)
		return result;
	if (credentials_find(&left, name, r->settings.authfile, &r->conf.helpers, NULL) ==
	    1)
		registry_log(r, "a login for %s remains, in %s", name, left.source);
	return d.known ? 0
		       : err_set(e, -ENOENT, "there is no login for %s in %s", name,
				 file);
}

static int drop_all(void *context, json_t *root, struct err *e)
{
	json_t *auths = json_object_get(root, "auths"), *value;
	json_t *helpers = json_object_get(root, "credHelpers");
	const char *key;
	int r = 0;

	json_object_foreach(helpers, key, value)
	{
		AUTO_FREE char *name = plain_name(key);

		if (r >= 0 && name && json_string_value(value))
			r = erase(json_string_value(value), name, e);
	}
	json_object_foreach(auths, key, value)
	{
		AUTO_FREE char *name = plain_name(key);

		if (r >= 0 && name && !auth_helper(root, name))
			r = erase(auth_store(root), name, e);
	}
	if (r < 0)
		return r;
	r = json_object_size(auths) > 0;
	json_object_clear(auths);
	return r;
}

int registry_logout_all(struct registry *r, struct err *e)
{
	const struct strv *helpers = &r->conf.helpers;
	AUTO_FREE char *file = auth_file_path(r->settings.authfile, e);
	int result = file ? change(file, drop_all, NULL, e) : -ENOENT;

	for (size_t i = 0; result >= 0 && i < helpers->n; i++) {
		AUTO_STRV struct strv servers = STRV_INIT;

		if (strcmp(helpers->v[i], HELPER_FILES) == 0)
			continue;
		result = helper_list(helpers->v[i], &servers, e);
		for (size_t k = 0; result >= 0 && k < servers.n; k++)
			result = helper_erase(helpers->v[i], servers.v[k], e);
	}
	return result < 0 ? result : 0;
}

int registry_who(struct registry *r, const char *text, struct credentials *c,
		 struct err *e)
{
	AUTO_FREE char *name = NULL;
	int result = read_name(text, &name, e);

	if (result == 0)
		result = credentials_find(c, name, r->settings.authfile, &r->conf.helpers,
					  e);
	return result ? result < 0 ? result : 0
		      : err_set(e, -ENOENT, "there is no login for %s", name);
}
