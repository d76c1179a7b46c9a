/* SPDX-License-Identifier: MIT */
#include "registry/tls.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/file.h"

enum {
	CERTIFICATE_MAX = 1 << 20,
	SYSTEM_MAX = 16 << 20,
};

static bool ends_with(const char *text, const char *end)
{
	size_t n = strlen(text), m = strlen(end);

	return n > m && strcmp(text + n - m, end) == 0;
}

static int add_file(struct strbuf *ca, const char *path, size_t max, struct err *e)
{
	AUTO_FREE char *text = NULL;
	size_t len;
	int r = file_read_at(AT_FDCWD, path, max, &text, &len, e);

	if (r < 0)
		return r;
	strbuf_add(ca, text, len);
	strbuf_addc(ca, '\n');
	return 0;
}

static int set_pair(struct http_tls *tls, const char *folder, const char *name,
		    struct err *e)
{
	int stem = (int)(strlen(name) - strlen(".cert"));

	if (tls->certificate)
		return 0;
	tls->certificate = xasprintf("%s/%s", folder, name);
	tls->key = xasprintf("%s/%.*s.key", folder, stem, name);
	if (access(tls->key, R_OK) < 0)
		return err_sys(e, -errno, "%s has no usable key %s", tls->certificate,
			       tls->key);
	return 0;
}

static void list(DIR *dir, struct strv *names)
{
	struct dirent *de;

	while ((de = readdir(dir)))
		strv_add(names, de->d_name);
	strv_sort(names);
}

/* 1 when there is such a folder. */
static int load_folder(struct http_tls *tls, const char *folder, struct strbuf *ca,
		       struct err *e)
{
	AUTO_CLOSEDIR DIR *dir = opendir(folder);
	AUTO_STRV struct strv names = STRV_INIT;

	if (!dir && (errno == ENOENT || errno == ENOTDIR))
		return 0;
	if (!dir)
		return err_sys(e, -errno, "cannot read %s", folder);
	list(dir, &names);
	for (size_t i = 0; i < names.n; i++) {
		AUTO_FREE char *path = xasprintf("%s/%s", folder, names.v[i]);
		int r = 0;

		if (ends_with(names.v[i], ".crt"))
			r = add_file(ca, path, CERTIFICATE_MAX, e);
		else if (ends_with(names.v[i], ".cert"))
			r = set_pair(tls, folder, names.v[i], e);
		if (r < 0)
			return r;
	}
	return 1;
}

static void usual_folders(struct strv *folders, const char *host)
{
	const char *config = getenv("XDG_CONFIG_HOME"), *home = getenv("HOME");

	if (config && *config)
		strv_addf(folders, "%s/containers/certs.d/%s", config, host);
	else if (home && *home)
		strv_addf(folders, "%s/.config/containers/certs.d/%s", home, host);
	strv_addf(folders, "/etc/containers/certs.d/%s", host);
	strv_addf(folders, "/etc/docker/certs.d/%s", host);
}

int tls_load(struct http_tls *tls, const char *host, const char *cert_dir, struct err *e)
{
	AUTO_STRV struct strv folders = STRV_INIT;
	AUTO_STRBUF struct strbuf ca = STRBUF_INIT;
	int r = 0;

	if (cert_dir)
		strv_add(&folders, cert_dir);
	else
		usual_folders(&folders, host);
	for (size_t i = 0; i < folders.n && r == 0; i++)
		r = load_folder(tls, folders.v[i], &ca, e);
	if (r == 0 && cert_dir)
		return err_set(e, -ENOENT, "there is no folder %s", cert_dir);
	if (r < 0 || !ca.len)
		return r < 0 ? r : 0;
	/* They are trusted beside the others, not in place of them. */
	if (http_system_ca() && access(http_system_ca(), R_OK) == 0)
		r = add_file(&ca, http_system_ca(), SYSTEM_MAX, e);
	if (r < 0)
		return r;
	tls->ca_len = ca.len;
	tls->ca = strbuf_take(&ca);
	return 0;
}

void tls_free(struct http_tls *tls)
{
	free(tls->ca);
	free(tls->certificate);
	free(tls->key);
	*tls = (struct http_tls){0};
}
