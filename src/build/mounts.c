/* SPDX-License-Identifier: MIT */
#include "build/mounts.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/alloc.h"
#include "base/path.h"
#include "build/internal.h"
#include "build/relay.h"
#include "build/tree.h"
#include "priv/mount.h"
#include "priv/overlay.h"
#include "priv/tree.h"

const struct build_step *build_mount_source(const struct build_step *s, size_t mount)
{
	size_t n = 0;

	for (size_t i = 0; i < mount; i++)
		n += s->in.mounts[i].from != NULL;
	return s->in.mounts[mount].from ? s->sources[n] : NULL;
}

/* The folder of this machine that a mount shows; NULL: it shows files of a step. */
static struct build_folder *folder_of(struct build *b, const struct build_step *from)
{
	return from ? from->folder : &b->context;
}

/* --- bind --- */

/*
 * Shows an overlay, whose fd it takes over, in the draft, since a step can bind only what
 * is attached: a tree that is attached nowhere could be cloned as of Linux 6.15.
 */
static int attach(struct build_mount_base *base, int overlay, struct err *e)
{
	AUTO_CLOSE int tree = overlay;
	int r;

	if (tree < 0)
		return tree;
	r = mkdirat(base->draft.dirfd, "merged", 0755) < 0 ? -errno : 0;
	if (r < 0)
		return err_sys(e, r, "cannot make a folder in the store");
	r = priv_tree_attach(tree, base->draft.dirfd, "merged", e);
	if (r < 0)
		return r;
	base->attached = xasprintf("%s/merged", base->draft.path);
	r = open(base->attached, O_PATH | O_DIRECTORY | O_CLOEXEC);
	return r < 0 ? err_sys(e, -errno, "cannot open %s", base->attached) : r;
}

/* Lower folders with a place for what is written; that goes away with the step. */
static int writable_root(struct build *b, struct build_mount_base *base, const int *lower,
			 size_t n, struct err *e)
{
	AUTO_CLOSE int work = -1;
	struct priv_overlay o = {.lower = lower, .nlower = n, .userxattr = b->userxattr};

	if (mkdirat(base->draft.dirfd, "work", 0700) < 0)
		return err_sys(e, -errno, "cannot make a folder in the store");
	work = openat(base->draft.dirfd, "work", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (work < 0)
		return err_sys(e, -errno, "cannot open a folder in the store");
	o.upper = base->draft.fs;
	o.work = work;
	return attach(base, priv_overlay_new(&o, e), e);
}

/* Hides a path of the context by a whiteout in the upper folder. */
static int hide(void *context, const char *path, struct err *e)
{
	const int *upper = context;
	const char *slash = strrchr(path, '/');
	int r = 0;

	if (slash) {
		AUTO_FREE char *folder = xstrndup(path, (size_t)(slash - path));

		r = path_make_folders(*upper, folder, 0755, e);
	}
	if (r == 0 && mknodat(*upper, path, S_IFCHR, 0) < 0)
		r = err_sys(e, -errno, "cannot hide %s, which the ignore file leaves out",
			    path);
	return r;
}

static int leave_out(void *context, const char *path, struct err *e)
{
	return path_remove(*(int *)context, path, e);
}

static int copied_folder(struct build *b, struct build_folder *folder,
			 struct build_mount_base *base, struct err *e)
{
	struct build_tree t = build_folder_tree(folder);
	int r = build_copy_folder(b, folder->fd, &base->draft, e);

	if (r == 0 && build_folder_ignores(folder))
		r = build_tree_ignored(&t, leave_out, &base->draft.fs, e);
	return r < 0 ? r : fcntl(base->draft.fs, F_DUPFD_CLOEXEC, 3);
}

/* A folder without what its ignore file leaves out. */
static int folder_root(struct build *b, struct build_folder *folder,
		       struct build_mount_base *base, struct err *e)
{
	struct build_tree t = build_folder_tree(folder);
	int r = 0;

	if (build_folder_ignores(folder))
		r = build_tree_ignored(&t, hide, &base->draft.fs, e);
	return r < 0 ? r : writable_root(b, base, &folder->fd, 1, e);
}

/* The draft becomes that of the copy. */
static int writable_copy(struct build *b, struct build_mount_base *base,
			 const struct build_chain *layers, struct err *e)
{
	struct build_copy copy;
	int r = build_copy_take(b, layers, &copy, e);

	if (r < 0)
		return r;
	store_draft_discard(&base->draft);
	base->draft = copy.draft;
	build_chain_free(&copy.chain);
	return fcntl(base->draft.fs, F_DUPFD_CLOEXEC, 3);
}

/* The root of where a bind mount comes from. */
static int bind_root(struct build *b, const struct build_step *from, bool writable,
		     struct build_mount_base *base, struct err *e)
{
	AUTO_FREE int *lower = NULL;
	struct build_folder *folder = folder_of(b, from);
	bool copies;
	size_t n;
	int r;

	if (folder && !writable && !build_folder_ignores(folder))
		return fcntl(folder->fd, F_DUPFD_CLOEXEC, 3);
	r = store_draft_new(b->store, &base->draft, e);
	if (r == 0)
		r = build_copies_needed(b, e);
	if (r < 0)
		return r;
	copies = r == 1;
	if (folder)
		return copies ? copied_folder(b, folder, base, e)
			      : folder_root(b, folder, base, e);
	if (!from->layers.n)
		return fcntl(base->draft.fs, F_DUPFD_CLOEXEC, 3);
	if (copies)
		return writable ? writable_copy(b, base, &from->layers, e)
				: build_copy_show(b, &from->layers, e);
	if (!writable)
		return attach(base, build_chain_open(b, &from->layers, e), e);
	r = build_chain_snapshots(b, &from->layers, &lower, &n, e);
	return r < 0 ? r : writable_root(b, base, lower, n, e);
}

static int open_bind(struct build_mount *mount, struct err *e)
{
	const struct dockerfile_mount *m = mount->m;
	struct build_mount_base *base = mount->base;
	AUTO_CLOSE int root = bind_root(mount->b, mount->from, !m->read_only, base, e);

	if (root < 0)
		return root;
	base->source =
		path_open(root, m->source ? m->source : "", PATH_IN_ROOT, O_PATH, 0);
	if (base->source < 0)
		return err_sys(e, base->source, "--mount=type=bind: source %s",
			       m->source ? m->source : "/");
	mount->mount->type = RUN_MOUNT_BIND;
	mount->mount->read_only = m->read_only;
	mount->mount->source = base->source;
	return 1;
}

/* --- All --- */

static int open_one(struct build_mount *mount, struct err *e)
{
	const struct dockerfile_mount *m = mount->m;

	switch (m->type) {
	case DOCKERFILE_MOUNT_BIND:
		return open_bind(mount, e);
	case DOCKERFILE_MOUNT_CACHE:
		return build_mount_cache(mount, e);
	case DOCKERFILE_MOUNT_SECRET:
		return build_mount_secret(mount, e);
	case DOCKERFILE_MOUNT_SSH:
		return build_mount_ssh(mount, e);
	case DOCKERFILE_MOUNT_TMPFS:
		mount->mount->type = RUN_MOUNT_TMPFS;
		mount->mount->size = m->size;
		mount->mount->mode = 01777;
		break;
	}
	return 1;
}

int build_mounts_open(struct build *b, const struct build_step *s, struct build_mounts *m,
		      struct err *e)
{
	size_t n = s->in.nmounts;
	int r;

	*m = (struct build_mounts){.v = xcalloc(n + 1, sizeof *m->v),
				   .bases = xcalloc(n + 1, sizeof *m->bases),
				   .locks = xcalloc(n + 1, sizeof *m->locks)};
	r = build_mount_lock_caches(b, s, m, e);
	for (size_t i = 0; r >= 0 && i < n; i++) {
		const struct dockerfile_mount *asked = &s->in.mounts[i];
		struct build_mount mount = {
			.b = b,
			.s = s,
			.m = asked,
			.from = build_mount_source(s, i),
			.all = m,
			.mount = &m->v[m->n],
			.base = &m->bases[m->n],
		};

		*mount.mount = (struct run_mount){
			.target = asked->target ? asked->target : s->cwd, .source = -1};
		mount.base->draft = (struct store_draft)STORE_DRAFT_INIT;
		mount.base->source = mount.base->held = -1;
		r = open_one(&mount, e);
		m->n += r != 0; /* also one that failed half way */
	}
	return r < 0 ? r : 0;
}

void build_mounts_close(struct build *b, struct build_mounts *m)
{
	for (size_t i = m->n; i-- > 0;) {
		struct build_mount_base *base = &m->bases[i];

		build_relay_stop(base->relay);
		clean_close(&base->source);
		clean_close(&base->held);
		/* What cannot be unmounted ends with the namespace. */
		if (base->attached)
			(void)priv_unmount(base->attached, NULL);
		free(base->attached);
		free(base->target);
		store_draft_discard(&base->draft);
	}
	for (size_t i = m->nlocks; i-- > 0;)
		store_unlock(b->store, &m->locks[i].key, m->locks[i].fd);
	/* Secrets are among them. */
	for (size_t i = 0; i < m->env.n; i++)
		explicit_bzero(m->env.v[i], strlen(m->env.v[i]));
	strv_free(&m->env);
	free(m->v);
	free(m->bases);
	free(m->locks);
	*m = (struct build_mounts){0};
}

static int key_of_folder(struct build *b, const struct build_step *s,
			 struct build_folder *folder, const char *source,
			 struct build_key *k, struct err *e)
{
	AUTO_CHANGES struct build_changes changes = {.step = s};
	AUTO_FREE char *resolved = NULL;
	struct build_tree t = build_folder_tree(folder);
	struct stat st;
	AUTO_FREE char *path = build_tree_clean(source);
	int r = build_tree_stat(&t, path, &resolved, &st, e);

	if (r == 0)
		r = S_ISDIR(st.st_mode)
			    ? build_tree_add_all(&t, resolved, NULL, "", "", &changes, e)
			    : build_tree_add(&t, resolved, &st, "x", &changes, e);
	if (r < 0)
		return r;
	build_changes_settle(&changes, 0);
	r = build_changes_digests(b, &changes, e);
	build_changes_key(&changes, k);
	return r;
}

int build_mounts_key(struct build *b, const struct build_step *s, struct build_key *k,
		     struct err *e)
{
	int r = 0;

	for (size_t i = 0; r == 0 && i < s->in.nmounts; i++) {
		const struct dockerfile_mount *m = &s->in.mounts[i];
		const struct build_step *from = build_mount_source(s, i);
		struct build_folder *folder = folder_of(b, from);
		struct oci_digest digest;

		if (!folder) {
			build_chain_digest(&from->layers, &digest);
			build_key_digest(k, &digest);
		} else if (m->type == DOCKERFILE_MOUNT_BIND) {
			r = key_of_folder(b, s, folder, m->source ? m->source : "", k, e);
		}
	}
	return r;
}
