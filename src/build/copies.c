/* SPDX-License-Identifier: MIT */
#include "build/copies.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/alloc.h"
#include "build/internal.h"
#include "layer/read.h"
#include "layer/write.h"
#include "priv/overlay.h"

void build_copies_init(struct build_copies *c)
{
	*c = (struct build_copies){0};
	pthread_mutex_init(&c->lock, NULL);
}

static void free_list(struct build_copy *v, size_t n)
{
	for (size_t i = 0; i < n; i++)
		build_copy_drop(&v[i]);
	free(v);
}

void build_copies_free(struct build_copies *c)
{
	free_list(c->kept, c->nkept);
	free_list(c->shown, c->nshown);
	pthread_mutex_destroy(&c->lock);
}

void build_copy_drop(struct build_copy *copy)
{
	store_draft_discard(&copy->draft);
	build_chain_free(&copy->chain);
}

/* --- Whether --- */

/* An overlay in the store, of nothing. */
static int try_overlay(struct build *b, struct err *e)
{
	AUTO_STORE_DRAFT struct store_draft draft = STORE_DRAFT_INIT;
	AUTO_CLOSE int work = -1, lower = -1, tree = -1;
	struct priv_overlay o = {.lower = &lower, .nlower = 1, .userxattr = b->userxattr};
	int r = store_draft_new(b->store, &draft, e);

	if (r < 0)
		return r;
	if (mkdirat(draft.dirfd, "work", 0700) < 0 ||
	    mkdirat(draft.dirfd, "lower", 0700) < 0)
		return err_sys(e, -errno, "cannot make a folder in the store");
	work = openat(draft.dirfd, "work", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	lower = openat(draft.dirfd, "lower", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (work < 0 || lower < 0)
		return err_sys(e, -errno, "cannot open a folder in the store");
	o.upper = draft.fs;
	o.work = work;
	tree = priv_overlay_new(&o, e);
	return tree < 0 ? tree : 0;
}

int build_copies_needed(struct build *b, struct err *e)
{
	AUTO_ERR struct err why = ERR_INIT;
	AUTO_FREE char *note = NULL;
	bool needed;
	int r = 0;

	pthread_mutex_lock(&b->copies.lock);
	if (b->copies.storage == BUILD_STORAGE_UNKNOWN) {
		r = try_overlay(b, &why);
		if (r == 0)
			b->copies.storage = BUILD_STORAGE_OVERLAY;
		else if (r == -EOPNOTSUPP)
			b->copies.storage = BUILD_STORAGE_COPIES;
		if (r == -EOPNOTSUPP)
			note = xasprintf("steps run in copies of their layers, which "
					 "takes longer: %s",
					 why.text);
	}
	needed = b->copies.storage == BUILD_STORAGE_COPIES;
	pthread_mutex_unlock(&b->copies.lock);
	if (note)
		build_say(b, BUILD_NOTE, NULL, note);
	else if (r < 0)
		return err_set(e, r, "%s", why.text);
	return needed;
}

/* --- Which --- */

/* How many layers of the chain are in the copy, which must have no others. 0 also when it
 * is of no use. */
static size_t shared(const struct build_copy *copy, const struct build_chain *chain)
{
	if (copy->chain.n > chain->n)
		return 0;
	for (size_t i = 0; i < copy->chain.n; i++)
		if (copy->chain.v[i] != chain->v[i])
			return 0;
	return copy->chain.n;
}

/* Out of the kept ones that which has most of the chain; one with nothing if none has. */
static void take_nearest(struct build_copies *c, const struct build_chain *chain,
			 struct build_copy *copy)
{
	size_t best = 0, most = 0;

	*copy = (struct build_copy){.draft = STORE_DRAFT_INIT};
	pthread_mutex_lock(&c->lock);
	for (size_t i = 0; i < c->nkept; i++)
		if (shared(&c->kept[i], chain) > most) {
			most = shared(&c->kept[i], chain);
			best = i;
		}
	if (most) {
		*copy = c->kept[best];
		c->kept[best] = c->kept[--c->nkept];
	}
	pthread_mutex_unlock(&c->lock);
}

/* --- Making --- */

static int add_layer(struct build *b, struct build_copy *copy, struct build_layer *l,
		     struct err *e)
{
	struct layer_unpack_options o = {
		.read = {.digest = &l->blob.digest, .diff_id = &l->diff_id},
		.form = LAYER_UNPACK_MERGED,
		.owner_xattr = b->one_owner,
		.devices = !b->userxattr,
	};
	AUTO_CLOSE int source = -1;
	struct layer_result result;
	struct layer_index *index;
	int r = build_layer_index(b, l, &index, e);

	if (r == 0)
		r = layer_remove_hidden(copy->draft.fs, index, e);
	if (r == 0)
		source = r = build_layer_read(b, l, e);
	if (r >= 0)
		r = layer_unpack(copy->draft.fs, layer_source_fd, &source, &o, &result,
				 e);
	if (r == 0)
		build_chain_add(&copy->chain, l);
	return r;
}

int build_copy_take(struct build *b, const struct build_chain *chain,
		    struct build_copy *copy, struct err *e)
{
	int r = 0;

	take_nearest(&b->copies, chain, copy);
	if (copy->draft.dirfd < 0)
		r = store_draft_new(b->store, &copy->draft, e);
	for (size_t i = copy->chain.n; r == 0 && i < chain->n; i++)
		r = add_layer(b, copy, chain->v[i], e);
	if (r < 0)
		build_copy_drop(copy);
	return r;
}

static void add_to_list(struct build_copies *c, struct build_copy **v, size_t *n,
			struct build_copy *copy)
{
	pthread_mutex_lock(&c->lock);
	GROW(*v, *n);
	(*v)[(*n)++] = *copy;
	pthread_mutex_unlock(&c->lock);
	*copy = (struct build_copy){.draft = STORE_DRAFT_INIT};
}

void build_copy_keep(struct build *b, struct build_copy *copy,
		     const struct build_chain *chain)
{
	struct build_chain now;

	build_chain_copy(&now, chain);
	build_chain_free(&copy->chain);
	copy->chain = now;
	add_to_list(&b->copies, &b->copies.kept, &b->copies.nkept, copy);
}

static int find_shown(struct build_copies *c, const struct build_chain *chain)
{
	int fd = -1;

	pthread_mutex_lock(&c->lock);
	for (size_t i = 0; i < c->nshown && fd < 0; i++)
		if (c->shown[i].chain.n == chain->n && shared(&c->shown[i], chain))
			fd = fcntl(c->shown[i].draft.fs, F_DUPFD_CLOEXEC, 3);
	pthread_mutex_unlock(&c->lock);
	return fd;
}

int build_copy_show(struct build *b, const struct build_chain *chain, struct err *e)
{
	AUTO_CLOSE int fd = find_shown(&b->copies, chain);
	struct build_copy copy;
	int r;

	if (fd >= 0)
		return TAKE_FD(fd);
	r = build_copy_take(b, chain, &copy, e);
	if (r < 0)
		return r;
	fd = fcntl(copy.draft.fs, F_DUPFD_CLOEXEC, 3);
	if (fd < 0)
		r = err_sys(e, -errno, "cannot open a folder in the store");
	add_to_list(&b->copies, &b->copies.shown, &b->copies.nshown, &copy);
	return r < 0 ? r : TAKE_FD(fd);
}

/* --- A folder that is no layer --- */

static int into_file(void *context, const void *data, size_t n, struct err *e)
{
	const char *p = data;

	while (n) {
		ssize_t written = write(*(int *)context, p, n);

		if (written < 0 && errno == EINTR)
			continue;
		if (written < 0)
			return err_sys(e, -errno, "cannot write in the store");
		p += written;
		n -= (size_t)written;
	}
	return 0;
}

static int write_tar(int from, int *file, struct err *e)
{
	struct layer_write_options o = {.compression = LAYER_PLAIN, .epoch = -1};
	struct layer_result result;
	struct layer_writer *w = NULL;
	int r = layer_writer_new(&w, &o, into_file, file, e);

	if (r == 0)
		r = layer_writer_add_upper(w, from, e);
	if (r == 0)
		r = layer_writer_finish(w, &result, e);
	layer_writer_free(w);
	if (r == 0 && lseek(*file, 0, SEEK_SET) < 0)
		r = err_sys(e, -errno, "cannot read in the store");
	return r;
}

int build_copy_folder(struct build *b, int from, const struct store_draft *draft,
		      struct err *e)
{
	struct layer_unpack_options o = {.form = LAYER_UNPACK_ARCHIVE,
					 .owner_xattr = b->one_owner};
	AUTO_CLOSE int file =
		openat(draft->dirfd, "tar", O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
	struct layer_result result;
	int r;

	if (file < 0 || unlinkat(draft->dirfd, "tar", 0) < 0)
		return err_sys(e, -errno, "cannot make a file in the store");
	r = write_tar(from, &file, e);
	return r < 0 ? r
		     : layer_unpack(draft->fs, layer_source_fd, &file, &o, &result, e);
}
