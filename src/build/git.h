/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * Repositories that a context or ADD names, by the program git:
 * ADDRESS[?NAME=VALUE&...][#[REF][:FOLDER]]. Only the wanted commit is fetched, without
 * its history, unless a short hash or an old kind of server asks for more.
 *
 * What a repository says is not trusted: git runs without anybody's configuration and
 * without hooks, asks nobody for a password, and follows submodules over the network
 * only. User and password of an address are in no command line and no message.
 */

#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"
#include "registry/client.h"

/* Whether an address is one: git@…, git://, ssh://, http(s)://….git. */
bool build_git_is(const char *text);

struct build_git {
	const char *url;
	bool allow_local;	 /* file:// too; a Dockerfile may not */
	bool keep_git_dir;	 /* leave .git in the tree */
	const char *commit;	 /* hash that it must be; NULL: any */
	struct registry *client; /* whose cancelling ends it */
	const struct registry_settings *settings;
};

/*
 * What the server says of the wanted commit, without fetching it: *answer, the caller's,
 * is another text when another commit is meant. A whole hash is its own answer, and
 * nobody is asked. "" when only fetching tells. The folder is one for build_git_fetch().
 */
int build_git_ask(const struct build_git *g, int dirfd, const char *path, char **answer,
		  struct err *e);

/*
 * Fills the empty folder of this path, which dirfd is open on, with the files of the
 * commit; their times are the commit's. Returns an fd of what is the root there, and, if
 * asked for, where that is below the folder ("" for itself), and the commit's hash (both
 * the caller's).
 */
int build_git_fetch(const struct build_git *g, int dirfd, const char *path, char **below,
		    char **commit, struct err *e);
