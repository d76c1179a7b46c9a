/* SPDX-License-Identifier: MIT */
/* RUN --mount=type=cache: folders that stay between builds, in the store. */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>

#include "base/alloc.h"
#include "build/folder.h"
#include "build/internal.h"
#include "build/mounts.h"
#include "build/step.h"
#include "build/tree.h"
#include "layer/read.h"
#include "run/place.h"

static bool given(const struct dockerfile_mount *m, const char *field)
{
	for (size_t i = 0; i < m->nfields; i++)
		if (strcasecmp(m->fields[i].key.text, field) == 0)
			return true;
	return false;
}

/*
 * A folder for each id; by platform where the id does not say that it is shared. What it
 * begins with is part of it. copy tells apart those of sharing=private.
 */
static void cache_key(const struct build_step *s, const struct dockerfile_mount *m,
		      const struct build_step *from, unsigned copy,
		      struct oci_digest *key)
{
	char platform[OCI_PLATFORM_TEXT];
	struct oci_digest digest;
	struct build_key k;

	build_key_begin(&k, "cache mount");
	build_key_text(&k, m->id ? m->id : m->target);
	build_key_text(&k, given(m, "id") ? NULL
					  : oci_platform_format(&s->platform, platform));
	if (from && from->folder) {
		build_key_text(&k, from->folder->name);
		build_key_text(&k, m->source);
	} else if (from) {
		build_chain_digest(&from->layers, &digest);
		build_key_digest(&k, &digest);
		build_key_text(&k, m->source);
	}
	build_key_number(&k, copy);
	build_key_end(&k, key);
}

/* --- Locks --- */

static int compare_locks(const void *a, const void *b)
{
	const struct build_mount_lock *x = a, *y = b;

	return memcmp(x->key.bytes, y->key.bytes, sizeof x->key.bytes);
}

static bool holds(const struct build_mounts *all, const struct oci_digest *key)
{
	for (size_t i = 0; i < all->nlocks; i++)
		if (all->locks[i].fd >= 0 && oci_digest_equal(&all->locks[i].key, key))
			return true;
	return false;
}

int build_mount_lock_caches(struct build *b, const struct build_step *s,
			    struct build_mounts *all, struct err *e)
{
	for (size_t i = 0; i < s->in.nmounts; i++) {
		const struct dockerfile_mount *m = &s->in.mounts[i];
		struct build_mount_lock *l = &all->locks[all->nlocks];

		if (m->type != DOCKERFILE_MOUNT_CACHE ||
		    m->sharing != DOCKERFILE_SHARING_LOCKED)
			continue;
		cache_key(s, m, build_mount_source(s, i), 0, &l->key);
		l->fd = -1;
		all->nlocks++;
	}
	/* Two steps that want the same two must not wait for each other. */
	qsort(all->locks, all->nlocks, sizeof *all->locks, compare_locks);
	for (size_t i = 0; i < all->nlocks; i++) {
		struct build_mount_lock *l = &all->locks[i];

		if (holds(all, &l->key))
			continue; /* the step has it twice */
		l->fd = build_lock(b, &l->key, e);
		if (l->fd < 0)
			return l->fd;
	}
	return 0;
}

/* The first that nobody else uses privately. */
static int take_private(struct build_mount *mount, struct oci_digest *key, struct err *e)
{
	struct build_mounts *all = mount->all;

	for (unsigned copy = 0;; copy++) {
		struct build_mount_lock *l = &all->locks[all->nlocks];

		cache_key(mount->s, mount->m, mount->from, copy, key);
		l->key = *key;
		l->fd = store_lock(mount->b->store, key, false, e);
		if (l->fd == -EWOULDBLOCK)
			continue;
		if (l->fd < 0)
			return l->fd;
		all->nlocks++;
		return 0;
	}
}

/* --- A new one --- */

/* What is in a folder of another stage or image, with its owners. */
static int list(struct build *b, int root, const struct build_mount *mount,
		struct build_changes *changes, struct err *e)
{
	struct build_tree t = mount->from->folder
				      ? build_folder_tree(mount->from->folder)
				      : (struct build_tree){.root = root,
							    .name = mount->m->from,
							    .owners = true,
							    .owner_xattr = b->one_owner};
	const char *source = mount->m->source ? mount->m->source : "";
	AUTO_FREE char *resolved = NULL;
	struct stat st;
	AUTO_FREE char *path = build_tree_clean(source);
	int r = build_tree_stat(&t, path, &resolved, &st, e);

	if (r == 0 && !S_ISDIR(st.st_mode))
		r = err_set(e, -ENOTDIR, "%s in %s is no folder", source, mount->m->from);
	return r == 0 ? build_tree_add_all(&t, resolved, NULL, "", "", changes, e) : r;
}

static int unpack(struct build *b, const struct build_layer *layer, int folder,
		  struct err *e)
{
	AUTO_CLOSE int blob = store_blob_open(b->store, &layer->blob.digest, NULL, e);
	struct layer_result result;
	struct layer_unpack_options o = {
		.read = {.digest = &layer->blob.digest, .diff_id = &layer->diff_id},
		.form = LAYER_UNPACK_ARCHIVE,
		.owner_xattr = b->one_owner,
		.devices = !b->userxattr,
	};

	return blob < 0 ? blob
			: layer_unpack(folder, layer_source_fd, &blob, &o, &result, e);
}

/* A copy, since what a build changes in it must stay. */
static int fill(const struct build_mount *mount, int folder, struct err *e)
{
	struct build *b = mount->b;
	AUTO_CHANGES struct build_changes changes = {0};
	struct build_layer *layer = NULL;
	AUTO_CLOSE int root = build_chain_open(b, &mount->from->layers, e);
	int r = root < 0 ? root : list(b, root, mount, &changes, e);

	if (r < 0)
		return r;
	build_changes_settle(&changes, 0);
	r = build_changes_write(b, &changes, &layer, e);
	return r < 0 || !layer ? r : unpack(b, layer, folder, e);
}

static int set_owner(const struct build_mount *mount, int folder, struct err *e)
{
	const struct dockerfile_mount *m = mount->m;
	mode_t mode = m->mode < 0 ? 0755 : (mode_t)m->mode;

	/* Where all files belong to one user, that one may use the cache anyway. */
	if (!mount->b->one_owner && (m->uid > 0 || m->gid > 0) &&
	    fchown(folder, m->uid > 0 ? (uid_t)m->uid : 0,
		   m->gid > 0 ? (gid_t)m->gid : 0) < 0)
		return err_sys(e, -errno, "cannot give a cache to uid=%lld gid=%lld",
			       (long long)m->uid, (long long)m->gid);
	if (fchmod(folder, mode) < 0)
		return err_sys(e, -errno, "cannot set the mode of a cache");
	return 0;
}

/* Gets its name when it is whole. */
static int make(const struct build_mount *mount, const struct oci_digest *key,
		struct err *e)
{
	AUTO_STORE_DRAFT struct store_draft draft = STORE_DRAFT_INIT;
	int r = store_draft_new(mount->b->store, &draft, e);

	if (r == 0 && mount->from)
		r = fill(mount, draft.fs, e);
	if (r == 0)
		r = set_owner(mount, draft.fs, e);
	return r < 0 ? r : store_cache_commit(&draft, key, e);
}

static int open_folder(const struct build_mount *mount, const struct oci_digest *key,
		       struct err *e)
{
	int r = store_cache_open(mount->b->store, key, e);

	return r == -ENOENT ? make(mount, key, e) : r;
}

/* With from=, the source is what was copied; else it is a folder in the cache. */
static int open_source(const struct build_mount *mount, int cache, struct err *e)
{
	const char *source = mount->from ? NULL : mount->m->source;
	int fd;

	if (!source)
		return fcntl(cache, F_DUPFD_CLOEXEC, 3);
	/* Steps have filled it: their links stay inside. */
	fd = run_place_make(cache, source, RUN_PLACE_FOLDER, NULL, e);
	return fd < 0 ? err_wrap(e, fd, "--mount=type=cache: source %s", source) : fd;
}

int build_mount_cache(struct build_mount *mount, struct err *e)
{
	struct oci_digest key;
	int r = 0;

	if (mount->m->sharing == DOCKERFILE_SHARING_PRIVATE)
		r = take_private(mount, &key, e);
	else
		cache_key(mount->s, mount->m, mount->from, 0, &key);
	if (r == 0)
		r = mount->base->held = open_folder(mount, &key, e);
	if (r >= 0)
		r = mount->base->source = open_source(mount, mount->base->held, e);
	if (r < 0)
		return r;
	mount->mount->type = RUN_MOUNT_BIND;
	mount->mount->read_only = mount->m->read_only;
	mount->mount->source = mount->base->source;
	return 1;
}
