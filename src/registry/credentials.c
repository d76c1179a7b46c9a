/* SPDX-License-Identifier: MIT */
#include "registry/credentials.h"

#include <errno.h>
#include <fcntl.h>
#include <openssl/evp.h>
#include <stdlib.h>
#include <string.h>
#include <sys/auxv.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/file.h"
#include "base/strv.h"
#include "registry/credentials-internal.h"
#include "registry/helper.h"

void secret_free(char *secret)
{
	if (secret)
		explicit_bzero(secret, strlen(secret));
	free(secret);
}

void secret_free_p(char **secret)
{
	secret_free(*secret);
}

void credentials_free(struct credentials *c)
{
	free(c->user);
	secret_free(c->password);
	free(c->source);
	*c = (struct credentials){0};
}

int credentials_parse(struct credentials *c, const char *text, struct err *e)
{
	const char *colon = strchr(text, ':');

	if (!colon || colon == text)
		return err_set(e, -EINVAL, "--creds is not USER:PASSWORD");
	*c = (struct credentials){xstrndup(text, (size_t)(colon - text)),
				  xstrdup(colon + 1), false, NULL};
	return 0;
}

char *credentials_basic(const struct credentials *c)
{
	AUTO_SECRET char *both = xasprintf("%s:%s", c->user, c->password);
	size_t n = strlen(both);
	char *value = xcalloc(sizeof "Basic " + (n + 2) / 3 * 4 + 1, 1);

	strcpy(value, "Basic ");
	EVP_EncodeBlock((unsigned char *)value + 6, (const unsigned char *)both, (int)n);
	return value;
}

/* "dXNlcjpwYXNz" of "user:pass". */
static int decode(struct credentials *c, const char *text)
{
	size_t n = strlen(text);
	AUTO_SECRET char *both = xcalloc(n + 4, 1);
	/* Some leave the padding out, and libcrypto insists on it. */
	AUTO_SECRET char *padded =
		xasprintf("%s%.*s", text, (int)((4 - n % 4) % 4), "===");
	int r = EVP_DecodeBlock((unsigned char *)both, (const unsigned char *)padded,
				(int)strlen(padded));

	return r < 0 ? -EINVAL : credentials_parse(c, both, NULL);
}

/* "https://host/v1/" and "host" are the same. */
static bool same_key(const char *key, const char *name)
{
	size_t n;

	if (strcmp(key, DOCKER_KEY) == 0)
		key = "docker.io";
	else if (strncmp(key, "https://", 8) == 0)
		key += 8;
	else if (strncmp(key, "http://", 7) == 0)
		key += 7;
	n = strlen(name);
	if (strncmp(key, name, n) != 0)
		return false;
	key += n;
	return !*key || strcmp(key, "/") == 0 || strcmp(key, "/v1/") == 0 ||
	       strcmp(key, "/v2/") == 0;
}

const char *auth_key(json_t *object, const char *name)
{
	const char *key;
	json_t *value;

	json_object_foreach(object, key, value) if (same_key(key, name)) return key;
	return NULL;
}

static json_t *find_key(json_t *object, const char *name)
{
	const char *key = auth_key(object, name);

	return key ? json_object_get(object, key) : NULL;
}

const char *auth_helper(json_t *root, const char *repository)
{
	AUTO_FREE char *host = xstrndup(repository, strcspn(repository, "/"));
	const char *helper =
		json_string_value(find_key(json_object_get(root, "credHelpers"), host));

	return helper && *helper ? helper : NULL;
}

const char *auth_store(json_t *root)
{
	const char *store = json_string_value(json_object_get(root, "credsStore"));

	return store && *store ? store : NULL;
}

/* One entry of "auths". 1, 0 when it is empty (docker has it in a store), or wrong. */
static int read_entry(struct credentials *c, json_t *entry, const char *name,
		      const char *file, struct err *e)
{
	const char *both = json_string_value(json_object_get(entry, "auth"));
	const char *user = json_string_value(json_object_get(entry, "username"));
	const char *password = json_string_value(json_object_get(entry, "password"));
	const char *token = json_string_value(json_object_get(entry, "identitytoken"));

	if (both && *both) {
		if (decode(c, both) < 0)
			return err_set(e, -EINVAL,
				       "%s: 'auth' of %s is not the base64 of "
				       "user:password; log in again",
				       file, name);
	} else if (user && *user && password) {
		*c = (struct credentials){xstrdup(user), xstrdup(password), false, NULL};
	}
	if (token && *token) {
		secret_free(c->password);
		c->password = xstrdup(token);
		c->is_identity_token = true;
		if (!c->user)
			c->user = xstrdup("<token>");
	}
	return c->password ? 1 : 0;
}

static int search_auths(struct credentials *c, json_t *root, const char *repository,
			const char *file, struct err *e)
{
	AUTO_FREE char *name = xstrdup(repository);

	for (;;) {
		json_t *entry = find_key(json_object_get(root, "auths"), name);
		char *slash = strrchr(name, '/');

		if (entry) {
			int r = read_entry(c, entry, name, file, e);

			if (r != 0)
				return r;
		}
		if (!slash)
			return 0;
		*slash = '\0';
	}
}

static int search(struct credentials *c, json_t *root, const char *repository,
		  const char *file, struct err *e)
{
	AUTO_FREE char *server = helper_server(repository);
	const char *helper = auth_helper(root, repository), *store = auth_store(root);
	int r;

	if (helper)
		return helper_get(helper, server, c, e);
	r = search_auths(c, root, repository, file, e);
	if (r == 1)
		c->source = xstrdup(file);
	else if (r == 0 && store)
		r = helper_get(store, server, c, e);
	return r;
}

json_t *auth_parse(const char *file, const char *text, size_t len, struct err *e)
{
	json_error_t error;
	json_t *root = json_loadb(text, len, 0, &error);

	if (json_is_object(root))
		return root;
	/* The parser's own text quotes what it found, which may be a secret. */
	err_at(e, -EINVAL, file, root ? 1 : (unsigned)error.line,
	       root ? 1 : (unsigned)error.column, "it is not a JSON object");
	json_decref(root);
	return NULL;
}

int credentials_in(struct credentials *c, const char *repository, const char *file,
		   const char *text, size_t len, struct err *e)
{
	json_t *root = auth_parse(file, text, len, e);
	int r = root ? search(c, root, repository, file, e) : -EINVAL;

	json_decref(root);
	return r;
}

/* 1, 0 when there is no such file or nothing in it. */
static int search_file(struct credentials *c, const char *repository, const char *file,
		       struct err *e)
{
	AUTO_ERR struct err why = ERR_INIT;
	AUTO_SECRET char *text = NULL;
	size_t len;
	int r = file_read_at(AT_FDCWD, file, AUTH_FILE_MAX, &text, &len, &why);

	if (r == -ENOENT || r == -ENOTDIR || (r == 0 && len == 0))
		return 0;
	if (r < 0)
		return err_set(e, r, "%s", why.text);
	return credentials_in(c, repository, file, text, len, e);
}

/* $VARIABLE/REST, or HOME/DEFAULT/REST when it is not set. */
static void add_file(struct strv *files, const char *variable, const char *otherwise,
		     const char *rest)
{
	const char *folder = getenv(variable), *home = getenv("HOME");

	if (folder && *folder)
		strv_addf(files, "%s/%s", folder, rest);
	else if (home && *home)
		strv_addf(files, "%s/%s/%s", home, otherwise, rest);
}

/*
 * Podman's place for those who have no session: root makes it, and an ordinary user has
 * one if root did. Who started the program is asked for, as getuid() is 0 by now where
 * it has entered a user namespace.
 */
static void add_run_file(struct strv *files)
{
	AUTO_FREE char *folder = xasprintf("/run/containers/%lu", getauxval(AT_UID));
	AUTO_FREE char *file = xasprintf("%s/auth.json", folder);
	const char *place = access(folder, F_OK) == 0 ? folder : "/run";

	if (access(file, R_OK) == 0 || access(place, W_OK) == 0)
		strv_add(files, file);
}

static void add_files(struct strv *files)
{
	const char *session = getenv("XDG_RUNTIME_DIR");

	if (session && *session)
		strv_addf(files, "%s/containers/auth.json", session);
	else
		add_run_file(files);
	add_file(files, "XDG_CONFIG_HOME", ".config", "containers/auth.json");
	add_file(files, "DOCKER_CONFIG", ".docker", "config.json");
}

char *auth_file_path(const char *authfile, struct err *e)
{
	AUTO_STRV struct strv files = STRV_INIT;
	const char *named = authfile ? authfile : getenv("REGISTRY_AUTH_FILE");

	if (named && *named)
		return xstrdup(named);
	add_files(&files);
	if (files.n)
		return xstrdup(files.v[0]);
	err_set(e, -ENOENT,
		"there is no place for logins: neither HOME nor "
		"XDG_RUNTIME_DIR is set; use --authfile");
	return NULL;
}

static int search_files(struct credentials *c, const char *repository,
			const char *authfile, struct err *e)
{
	AUTO_STRV struct strv files = STRV_INIT;
	const char *named = authfile ? authfile : getenv("REGISTRY_AUTH_FILE");
	int r = 0;

	if (named && *named)
		return search_file(c, repository, named, e);
	add_files(&files);
	for (size_t i = 0; i < files.n && r == 0; i++)
		r = search_file(c, repository, files.v[i], e);
	return r;
}

int credentials_find(struct credentials *c, const char *repository, const char *authfile,
		     const struct strv *helpers, struct err *e)
{
	AUTO_FREE char *server = helper_server(repository);
	int r = 0;

	if (!helpers || !helpers->n)
		return search_files(c, repository, authfile, e);
	for (size_t i = 0; i < helpers->n && r == 0; i++)
		if (strcmp(helpers->v[i], HELPER_FILES) == 0)
			r = search_files(c, repository, authfile, e);
		else
			r = helper_get(helpers->v[i], server, c, e);
	return r;
}
