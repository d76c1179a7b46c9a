/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * Where images, layers and results of steps stay between builds. Any number of processes
 * use one store at once, and a process may be killed at any moment: everything is made
 * under a temporary name in tmp/ and gets its own by one rename or link.
 *
 *     blobs/sha256/HEX      as in an OCI image layout
 *     snapshots/HEX-FORM    the files of one layer, by diff id and how they were unpacked
 *     caches/HEX            folders that RUN --mount=type=cache shows
 *     records/KIND/HEX      small facts by key
 *     names/HEX             local images; HEX is the digest of the name
 *     locks/, tmp/          what is going on
 *
 * In use: the file descriptor that store_blob_*, store_snapshot_*, store_cache_* and
 * store_draft_* return holds a shared flock(2), and store_prune() removes only what
 * nobody holds.
 * Closing the fd, or dying, ends the use.
 *
 * Power loss: blobs and names are synced before they get their name. Records carry a
 * digest of themselves: a torn one counts as missing. Snapshots are not synced, since
 * that would cost more than to unpack them again: after a restart of the machine those
 * are dropped that were made shortly before the store was last opened.
 *
 * A struct store may be used by several threads at once.
 */

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>
#include <time.h>

#include "base/err.h"
#include "base/strv.h"
#include "oci/digest.h"

struct store;

/*
 * Opens a store, and makes it where there is none. path NULL: /var/lib/mab-build for
 * root, else $XDG_DATA_HOME/mab-build or ~/.local/share/mab-build; `privileged` says
 * which.
 */
int store_open(struct store **store, const char *path, bool privileged, struct err *e);
void store_close(struct store *s);

/*
 * Whether there is a store where store_open() would open it, which only root and the
 * caller can write to. To be asked before a user namespace is entered, where owners
 * cannot be told apart.
 */
bool store_is_private(const char *path, bool privileged);

/* Whether there is a store where store_open() would open it. */
bool store_exists(const char *path, bool privileged);

/* The folder, as a path for messages and as an fd that stays the store's. */
const char *store_path(const struct store *s);
int store_dirfd(const struct store *s);

/*
 * A file for what takes too much memory, to be read and written: it has no name, and goes
 * away when it is closed. The fd is the caller's.
 */
int store_spool(struct store *s, struct err *e);

/* --- Blobs --- */

struct store_ingest;

/*
 * Begins a blob. With hash it is hashed on the way; without, whoever commits knows its
 * digest from bytes that itself hashed.
 */
int store_ingest_new(struct store *s, bool hash, struct store_ingest **in, struct err *e);
int store_ingest_add(struct store_ingest *in, const void *data, size_t n, struct err *e);

/* The file that has what was added until now, to be read by pread(2): the ingest's. */
int store_ingest_fd(const struct store_ingest *in);

/*
 * Gives the blob its name. Hashed on the way: *digest is set, or, with verify, compared:
 * -EBADMSG when the bytes were others. Returns an fd that can be read, in use.
 */
int store_ingest_commit(struct store_ingest *in, struct oci_digest *digest, bool verify,
			struct err *e);

/* Also ends one that was not committed; NULL is allowed. */
void store_ingest_free(struct store_ingest *in);

/* An fd to read, in use; size may be NULL. -ENOENT without words when there is none. */
int store_blob_open(struct store *s, const struct oci_digest *digest, uint64_t *size,
		    struct err *e);

/* --- Snapshots --- */

/*
 * How layers were unpacked, and so who can use a snapshot: part of its name, 1 to 32 of
 * a-z, 0-9 and `.`. Chosen by the caller.
 */
enum { STORE_FORM_MAX = 32 };

/*
 * An fd of the snapshot's folder, in use; the files are in `fs` there. -ENOENT without
 * words when there is none.
 */
int store_snapshot_open(struct store *s, const struct oci_digest *diff_id,
			const char *form, struct err *e);

/* The path of its fs, owned by the caller: for mount options. */
char *store_snapshot_path(const struct store *s, const struct oci_digest *diff_id,
			  const char *form);

/*
 * A folder in the making. Its `fs` becomes the snapshot; `work` beside it, for an
 * overlay's work folder, goes away at the commit.
 */
struct store_draft {
	int dirfd;  /* the draft, locked */
	int fs;	    /* its fs */
	char *path; /* of the draft */
	char *name; /* below tmp/ */
	struct store *store;
};

#define STORE_DRAFT_INIT                                                                 \
	{                                                                                \
		-1, -1, NULL, NULL, NULL                                                 \
	}

int store_draft_new(struct store *s, struct store_draft *d, struct err *e);

/*
 * Makes fs a snapshot and ends the draft. Where there is one already, that one counts.
 * Returns an fd as store_snapshot_open() does.
 */
int store_draft_commit(struct store_draft *d, const struct oci_digest *diff_id,
		       const char *form, struct err *e);

/* Removes it. Nothing happens to one that is committed or STORE_DRAFT_INIT. */
void store_draft_discard(struct store_draft *d);

#define AUTO_STORE_DRAFT CLEAN(store_draft_discard)

/* --- Caches: folders that stay between builds --- */

/* An fd of the folder, in use. -ENOENT without words when there is none. */
int store_cache_open(struct store *s, const struct oci_digest *key, struct err *e);

/*
 * Makes fs of the draft one and ends the draft. Where there is one already, that one
 * counts. Returns an fd as store_cache_open() does.
 */
int store_cache_commit(struct store_draft *d, const struct oci_digest *key,
		       struct err *e);

/* --- Records and names --- */

enum store_kind {
	STORE_STEP,   /* step key -> its result */
	STORE_LAYER,  /* diff id -> index of the layer (layer/index.h) */
	STORE_BLOB,   /* diff id -> the blobs that hold it, compressed one way or other */
	STORE_FILES,  /* context folder -> stat cache */
	STORE_URL,    /* address -> what its server said of it, and the blob */
	STORE_SEEN,   /* registry and blob -> repositories there that have it */
	STORE_FILTER, /* rules for system calls -> the kernel's code for them */
	STORE_KINDS
};

/*
 * data is NUL-terminated and the caller's; len may be NULL. -ENOENT without words when
 * there is none.
 */
int store_record_read(struct store *s, enum store_kind kind, const struct oci_digest *key,
		      char **data, size_t *len, struct err *e);
int store_record_write(struct store *s, enum store_kind kind,
		       const struct oci_digest *key, const void *data, size_t len,
		       struct err *e);

/*
 * A local image: name -> a text that names its index or manifest by digest. What a name
 * leads to, through the digests in blobs that are JSON, is never pruned; whoever writes a
 * name holds all of that in use until it is written.
 */
int store_name_read(struct store *s, const char *name, char **text, struct err *e);
int store_name_write(struct store *s, const char *name, const char *text, struct err *e);
int store_name_remove(struct store *s, const char *name, struct err *e);
int store_names(struct store *s, struct strv *names, struct err *e); /* sorted */

/* An fd: until it is closed, store_prune() waits, and what names lead to stays. */
int store_names_hold(struct store *s, struct err *e);

/* --- Locks --- */

/*
 * Waits until nobody else has the lock of this key, in this process or another, and takes
 * it. Returns an fd; store_unlock() or the end of the process gives it back. Without
 * wait, -EWOULDBLOCK when somebody has it.
 */
int store_lock(struct store *s, const struct oci_digest *key, bool wait, struct err *e);
void store_unlock(struct store *s, const struct oci_digest *key, int fd);

/* --- What it takes, and cleaning up --- */

struct store_amount {
	uint64_t count, bytes; /* bytes that the file system has allocated */
};

/* A blob, a snapshot, a cache or a record. */
struct store_item {
	const char *folder; /* below the store: "blobs/sha256", "records/step" */
	int dirfd;	    /* the same, the store's */
	char *name;
	uint64_t bytes;
	time_t used; /* last, in seconds since 1970 */
	bool needed; /* a name leads to it */
	bool in_use;
};

/* The least recently used first. */
struct store_items {
	struct store_item *v;
	size_t n;
};

struct store_usage {
	struct store_amount blobs, snapshots, caches, records, names;
	struct store_amount leftovers; /* of processes that were killed */
	struct store_amount
		reclaimable; /* of all: what no name leads to, and nobody uses */
};

/* items, to be released by the caller, may be NULL. */
int store_usage(struct store *s, struct store_usage *usage, struct store_items *items,
		struct err *e);
void store_items_free(struct store_items *items);

#define AUTO_STORE_ITEMS CLEAN(store_items_free)

/*
 * Which of the reclaimable things go, least recently used first: of those unused for
 * longer than `unused` seconds (0: of all) as many as are needed to have at most `keep`
 * bytes of reclaimable things left.
 */
struct store_prune {
	time_t unused;
	uint64_t keep;
	bool names;   /* names go before, those that were written that long ago */
	bool dry_run; /* nothing goes, all else is the same */
	/* What goes; may be NULL. Of a name, item is NULL. */
	void (*tell)(void *context, const char *name, const struct store_item *item);
	void *context;
};

struct store_pruned {
	struct store_amount items;
	uint64_t names;
};

int store_prune(struct store *s, const struct store_prune *what,
		struct store_pruned *pruned, struct err *e);
