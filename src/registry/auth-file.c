/* SPDX-License-Identifier: MIT */
#include "registry/auth-file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>

#include "base/alloc.h"
#include "base/file.h"
#include "base/path.h"
#include "registry/credentials-internal.h"

/* The file itself where the name is a link to it, so that the link stays. */
static char *follow_link(const char *file)
{
	char *real = realpath(file, NULL), *copy;

	if (!real)
		return xstrdup(file);
	copy = xstrdup(real);
	free(real);
	return copy;
}

/* The file's folder, locked until it is closed. */
static int lock_folder(const char *file, struct err *e)
{
	const char *slash = strrchr(file, '/');
	AUTO_FREE char *folder =
		slash ? xstrndup(file, (size_t)(slash - file) + 1) : xstrdup("./");
	int fd, r;

	r = path_make_folders(AT_FDCWD, folder, 0700, e);
	if (r < 0)
		return r;
	fd = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd < 0)
		return err_sys(e, -errno, "cannot open the folder %s", folder);
	while (flock(fd, LOCK_EX) < 0)
		if (errno != EINTR) {
			r = err_sys(e, -errno, "cannot lock the folder %s", folder);
			close(fd);
			return r;
		}
	return fd;
}

static json_t *load(const char *file, struct err *e)
{
	AUTO_ERR struct err why = ERR_INIT;
	AUTO_SECRET char *text = NULL;
	size_t len = 0;
	int r = file_read_at(AT_FDCWD, file, AUTH_FILE_MAX, &text, &len, &why);

	if (r < 0 && r != -ENOENT) {
		err_set(e, r, "%s", why.text);
		return NULL;
	}
	return len ? auth_parse(file, text, len, e) : json_object();
}

int auth_file_change(const char *file, auth_change change, void *context, struct err *e)
{
	AUTO_FREE char *real = follow_link(file);
	AUTO_CLOSE int lock = lock_folder(real, e);
	AUTO_SECRET char *text = NULL;
	json_t *root;
	int r = lock;

	if (r < 0)
		return r;
	root = load(real, e);
	r = root ? change(context, root, e) : -EINVAL;
	if (r == 1)
		text = json_dumps(root, JSON_INDENT(4));
	json_decref(root);
	if (r != 1)
		return r;
	if (!text)
		return err_set(e, -EINVAL, "cannot write %s: it is no text", real);
	r = file_write_at(AT_FDCWD, real, text, strlen(text), 0600, e);
	return r < 0 ? r : 1;
}
