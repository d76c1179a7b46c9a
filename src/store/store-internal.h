/* SPDX-License-Identifier: MIT */
#pragma once

#include <pthread.h>
#include <stdatomic.h>

#include "store/store.h"

struct store {
	char *path;
	int dirfd;
	int tmp, blobs, snapshots, caches, names, locks;
	int records[STORE_KINDS];
	atomic_uint serial; /* of temporary names in this process */
};

/*
 * A temporary file or folder in tmp/, in use, so that it does not count as a leftover.
 * Returns the fd; *name is the caller's.
 */
int store_temporary_file(struct store *s, char **name, struct err *e);
int store_temporary_folder(struct store *s, char **name, struct err *e);

/* Removes what killed processes left in tmp/, or, with usage, only counts it. */
int store_clean_leftovers(struct store *s, struct store_amount *usage, struct err *e);

/* Removes locks whose holders were killed. */
int store_clean_locks(struct store *s, struct err *e);

/*
 * Opens something that others may remove: a shared lock is taken on it, and it is then
 * still there. A negative errno.
 */
int store_hold(int dirfd, const char *name, int flags);

/* Whether the name still leads to what fd is open on. */
bool store_is_there(int dirfd, const char *name, int fd);

/* Notes that something was used now. */
void store_touch(int fd);

/* Writes a file in one step. */
int store_publish(struct store *s, int dirfd, const char *name, const void *data,
		  size_t len, bool sync, struct err *e);

int store_write(int fd, const void *data, size_t n);

/* Entries of a folder but `.` and `..`, until one gives another result than 0. */
int store_each(int dirfd, int (*entry)(void *context, const char *name), void *context,
	       struct err *e);

/* Bytes that a file takes, or a folder with all in it. */
uint64_t store_allocated(int dirfd, const char *name);
