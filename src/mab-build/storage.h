/* SPDX-License-Identifier: MIT */
#pragma once

/* The store, for the commands that show it and clean it up. */

#include <stdint.h>
#include <time.h>

#include "cli/option.h"
#include "store/image.h"
#include "store/store.h"

enum { STORAGE_ROOT = 90 };

/* A row for a command's table. */
#define STORAGE_OPTION                                                                   \
	{                                                                                \
		STORAGE_ROOT, "root",                                                    \
			.arg = "FOLDER",                                                 \
			.help = "the store (default: $MAB_BUILD_ROOT, or in the "        \
				"user's data)"                                           \
	}

/*
 * Opens the store that --root (NULL: not given) or the environment says. inside: in the
 * namespaces of builds, as is needed to see and to remove all files; once in a process,
 * which must have one thread.
 */
int storage_open(struct store **store, const char *root, bool inside, struct err *e);

/* What a word can mean; with DIGITS, a name goes before a digest that begins so. */
enum storage_word { STORAGE_NAME, STORAGE_DIGITS, STORAGE_DIGEST };

enum storage_word storage_word(const char *word);

/*
 * The digest that a word is in full, with or without "sha256:"; false when it is a name,
 * or only the first digits of one.
 */
bool storage_whole_digest(const char *word, struct oci_digest *digest);

/*
 * Adds the names of the image that a person means: by name, or by digest, of which 12 hex
 * digits are enough. -ENOENT when there is none.
 */
int storage_find(struct store *s, const char *word, struct strv *names, struct err *e);

/* The whole name that an image is to get, the caller's. */
int storage_new_name(const char *word, char **name, struct err *e);

/* "1.5 MB", owned by the caller. */
char *storage_size(uint64_t bytes);

/* How long ago: "3 days ago", owned by the caller. */
char *storage_ago(time_t when);
