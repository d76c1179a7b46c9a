/* SPDX-License-Identifier: MIT */

/*
 * The files of an image: as a tar, or in a folder. The latter is the former, written by
 * one thread and unpacked by another.
 */

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/file.h"
#include "base/path.h"
#include "base/thread.h"
#include "build/internal.h"
#include "layer/read.h"
#include "layer/write.h"

/* --- As a tar --- */

/* "linux_arm_v7", as other builders name the folder of a platform among several. */
static char *folder_of(const struct oci_platform *platform)
{
	char text[OCI_PLATFORM_TEXT];
	char *name;

	(void)oci_platform_format(platform, text);
	name = xstrdup(text);
	for (char *c = name; *c; c++)
		if (*c == '/')
			*c = '_';
	return name;
}

static int add_platform(struct build *b, size_t platform, struct layer_writer *w,
			struct err *e)
{
	const struct build_stage *stage = b->plan.targets[platform];
	AUTO_FREE char *folder = b->several ? folder_of(&b->platforms[platform]) : NULL;
	AUTO_CLOSE int root = build_chain_open(b, &stage->last->layers, e);

	if (root < 0)
		return root;
	return folder ? layer_writer_add_tree(w, folder, root, e)
		      : layer_writer_add_upper(w, root, e);
}

struct named_platform {
	char *name;
	size_t platform;
};

static int by_name(const void *a, const void *b)
{
	const struct named_platform *x = a, *y = b;

	return strcmp(x->name, y->name);
}

/* A tar's entries are sorted. */
static int add_platforms(struct build *b, struct layer_writer *w, struct err *e)
{
	AUTO_FREE struct named_platform *order = xcalloc(b->nplatforms, sizeof *order);
	int r = 0;

	for (size_t i = 0; i < b->nplatforms; i++)
		order[i] = (struct named_platform){folder_of(&b->platforms[i]), i};
	qsort(order, b->nplatforms, sizeof *order, by_name);
	for (size_t i = 0; i < b->nplatforms; i++) {
		if (r == 0)
			r = add_platform(b, order[i].platform, w, e);
		free(order[i].name);
	}
	return r;
}

static int write_tar(struct build *b, bool disown, layer_sink sink, void *context,
		     struct err *e)
{
	const struct layer_write_options o = {
		.compression = LAYER_PLAIN,
		.epoch = b->settings->has_epoch ? b->settings->epoch : -1,
		.owner_xattr = b->one_owner,
		.disown = disown,
	};
	struct layer_writer *w = NULL;
	struct layer_result result;
	int r = layer_writer_new(&w, &o, sink, context, e);

	if (r == 0)
		r = add_platforms(b, w, e);
	if (r == 0)
		r = layer_writer_finish(w, &result, e);
	layer_writer_free(w);
	return r;
}

static int into_draft(void *context, const void *data, size_t n, struct err *e)
{
	const struct file_draft *f = context;

	return file_write_all(f->fd, data, n, f->path, e);
}

int build_export_tar(struct build *b, const char *file, struct err *e)
{
	AUTO_FILE_DRAFT struct file_draft f = FILE_DRAFT_INIT;
	int r = file_draft_open(&f, file, e);

	if (r == 0)
		r = write_tar(b, false, into_draft, &f, e);
	return r < 0 ? r : file_draft_commit(&f, e);
}

/* --- From one thread to the other --- */

struct sender {
	struct build *b;
	int pipe; /* the end to write to */
	int failed;
	struct err e;
};

static int into_pipe(void *context, const void *data, size_t n, struct err *e)
{
	return file_write_all(*(int *)context, data, n, "the files", e);
}

static void *send_files(void *context)
{
	struct sender *s = context;

	s->failed = write_tar(s->b, !s->b->root || s->b->one_owner, into_pipe, &s->pipe,
			      &s->e);
	close(s->pipe);
	return NULL;
}

static int start(pthread_t *thread, struct sender *s, struct err *e)
{
	/* A pipe that nobody reads any more is an error to it, no signal. */
	int r = thread_start(thread, send_files, s);

	return r < 0 ? err_sys(e, r, "cannot start a thread") : 0;
}

/* What the sender had to say counts, but for that nobody wanted to hear more. */
static int judge(struct sender *s, int r, struct err *e)
{
	AUTO_FREE char *text = NULL;

	if (s->failed < 0 && s->failed != -EPIPE) {
		text = err_message(&s->e);
		r = err_set(e, s->failed, "%s", text);
	}
	err_free(&s->e);
	return r;
}

static int unpack_files(struct build *b, int folder, struct err *e)
{
	const struct layer_unpack_options o = {
		.form = LAYER_UNPACK_ARCHIVE,
		.devices = b->root && !b->userxattr && !b->one_owner,
	};
	struct sender s = {.b = b, .e = ERR_INIT};
	struct layer_result result;
	pthread_t thread;
	int ends[2], r;

	if (pipe2(ends, O_CLOEXEC) < 0)
		return err_sys(e, -errno, "cannot make a pipe");
	s.pipe = ends[1];
	r = start(&thread, &s, e);
	if (r < 0) {
		close(ends[0]);
		close(ends[1]);
		return r;
	}
	r = layer_unpack(folder, layer_source_fd, &ends[0], &o, &result, e);
	close(ends[0]);
	pthread_join(thread, NULL);
	return judge(&s, r, e);
}

/* --- In a folder --- */

/* Calls back for each name in a folder. */
static int each_name(int folder,
		     int (*name)(int from, int to, const char *name, struct err *e),
		     int to, struct err *e)
{
	AUTO_CLOSEDIR DIR *d = NULL;
	struct dirent *entry;
	int copy = openat(folder, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	int r = 0;

	d = copy < 0 ? NULL : fdopendir(copy);
	if (!d) {
		r = -errno;
		clean_close(&copy);
		return err_sys(e, r, "cannot list a folder");
	}
	while (r == 0 && (entry = readdir(d)))
		if (strcmp(entry->d_name, ".") != 0 && strcmp(entry->d_name, "..") != 0)
			r = name(folder, to, entry->d_name, e);
	return r;
}

/* The folders of a name in both, when they are. */
static bool open_both(int from, int to, const char *name, int *inner, int *there)
{
	const int flags = O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC;

	*inner = openat(from, name, flags);
	*there = openat(to, name, flags);
	return *inner >= 0 && *there >= 0;
}

/* Before anything is replaced: a folder that is there stays one. */
static int check_name(int from, int to, const char *name, struct err *e)
{
	AUTO_CLOSE int inner = -1;
	AUTO_CLOSE int there = -1;
	int r;

	if (open_both(from, to, name, &inner, &there)) {
		r = each_name(inner, check_name, there, e);
		return r < 0 ? err_wrap(e, r, "%s", name) : 0;
	}
	if (there < 0 || inner >= 0)
		return 0;
	return err_set(e, -EISDIR,
		       "%s is a folder in the destination, and a file in the image",
		       name);
}

/* A folder that is there already: it gets the other's owner, mode and time. */
static int take_attributes(int from, int to, const char *name, struct err *e)
{
	struct timespec times[2];
	struct stat st;

	if (fstat(from, &st) < 0)
		return err_sys(e, -errno, "cannot examine %s", name);
	times[0] = times[1] = st.st_mtim;
	if (fchown(to, st.st_uid, st.st_gid) < 0 || fchmod(to, st.st_mode & 07777) < 0 ||
	    futimens(to, times) < 0)
		return err_sys(e, -errno, "cannot change the folder %s", name);
	return 0;
}

static int move_name(int from, int to, const char *name, struct err *e);

/* Its contents go where the other's are. */
static int merge_folder(int from, int to, const char *name, struct err *e)
{
	AUTO_CLOSE int inner = -1;
	AUTO_CLOSE int there = -1;
	int r;

	if (!open_both(from, to, name, &inner, &there))
		return err_sys(e, -errno, "cannot open the folder %s", name);
	r = each_name(inner, move_name, there, e);
	if (r == 0)
		r = take_attributes(inner, there, name, e);
	return r < 0 ? err_wrap(e, r, "%s", name) : 0;
}

static int move_name(int from, int to, const char *name, struct err *e)
{
	if (renameat(from, name, to, name) == 0)
		return 0;
	if (errno == ENOTEMPTY || errno == EEXIST)
		return merge_folder(from, to, name, e);
	/* Folders of some overlays stay where they are made; files do not. */
	if (errno == EXDEV && mkdirat(to, name, 0700) == 0)
		return merge_folder(from, to, name, e);
	/* A folder comes in place of a file, or of a link to who knows where. */
	if (errno == ENOTDIR && unlinkat(to, name, 0) == 0)
		return move_name(from, to, name, e);
	return err_sys(e, -errno, "cannot put %s into its place", name);
}

/* The whole of it stands beside or in its place before anything is replaced. */
static int fill_folder(struct build *b, const char *folder, const char *temporary,
		       bool there, struct err *e)
{
	AUTO_CLOSE int from = open(temporary, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	AUTO_CLOSE int to = -1;
	int r;

	if (from < 0)
		return err_sys(e, -errno, "cannot open the folder %s", temporary);
	r = unpack_files(b, from, e);
	if (r < 0)
		return r;
	if (!there && rename(temporary, folder) == 0)
		return 0;
	if (!there && (errno != EXDEV || mkdir(folder, 0755) < 0))
		return err_sys(e, -errno, "cannot make the folder %s", folder);
	to = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (to < 0)
		return err_sys(e, -errno, "cannot open the folder %s", folder);
	r = each_name(from, check_name, to, e);
	return r < 0 ? r : each_name(from, move_name, to, e);
}

int build_export_folder(struct build *b, const char *path, struct err *e)
{
	size_t n = strlen(path);
	AUTO_FREE char *folder = NULL;
	AUTO_FREE char *temporary = NULL;
	struct stat st;
	bool there;
	int r;

	while (n > 1 && path[n - 1] == '/')
		n--;
	folder = xstrndup(path, n);
	there = stat(folder, &st) == 0;
	temporary = xasprintf(there ? "%s/mab-build" FILE_TEMPORARY_SUFFIX "%ld"
				    : "%s" FILE_TEMPORARY_SUFFIX "%ld",
			      folder, (long)getpid());
	r = path_make_folders(AT_FDCWD, temporary, 0755, e);
	if (r == 0)
		r = fill_folder(b, folder, temporary, there, e);
	(void)path_remove(AT_FDCWD, temporary, NULL); /* what a failure left of it */
	return r < 0 ? err_wrap(e, r, "output %s", path) : 0;
}
