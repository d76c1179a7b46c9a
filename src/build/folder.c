/* SPDX-License-Identifier: MIT */
#include "build/folder.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>

#include "base/cleanup.h"

int build_folder_open(struct build_folder *f, struct store *store, const char *name,
		      const char *path, const struct dockerfile_ignore *ignore,
		      struct err *e)
{
	*f = (struct build_folder){.name = name, .ignore = ignore};
	f->fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (f->fd < 0)
		return err_sys(e, -errno, "cannot use the build context %s", path);
	build_files_open(&f->files, store, f->fd);
	return 0;
}

struct build_tree build_folder_tree(struct build_folder *f)
{
	struct build_tree t = {
		.root = f->fd, .name = f->name, .ignore = f->ignore, .files = &f->files};
	struct stat st;

	/* A store in the context would be copied into itself. */
	if (fstat(store_dirfd(f->files.store), &st) == 0) {
		t.store_dev = st.st_dev;
		t.store_ino = st.st_ino;
	}
	return t;
}

bool build_folder_ignores(const struct build_folder *f)
{
	return f->ignore && f->ignore->n;
}

void build_folder_close(struct build_folder *f)
{
	build_files_free(&f->files);
	clean_close(&f->fd);
	*f = (struct build_folder)BUILD_FOLDER_INIT;
}
