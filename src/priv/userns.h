/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * User namespaces (user_namespaces(7)): which ids one of the caller's would have, and
 * entering it. Inside, the caller is root and has every capability over what belongs to
 * the namespace, and no more rights than before over anything else.
 */

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

#include "base/err.h"

/* A line of uid_map or gid_map. */
struct priv_id_range {
	unsigned inside;  /* first id in the namespace */
	unsigned outside; /* the id that it is outside */
	unsigned count;
};

struct priv_id_map {
	struct priv_id_range *v;
	size_t n;
};

enum priv_userns_ids {
	PRIV_USERNS_ALL,	 /* every id that there is here, each as itself */
	PRIV_USERNS_SUBORDINATE, /* the caller as 0; subuid(5), subgid(5) from 1 on */
	PRIV_USERNS_SINGLE,	 /* the caller as 0, nobody else; no setgroups(2) */
};

struct priv_userns {
	enum priv_userns_ids ids;
	struct priv_id_map uids, gids;
	const char *why_single; /* why there are no others, in a plan; or NULL */
};

/*
 * Decides which ids the caller can have in a namespace of its own: all for root with
 * CAP_SETUID and CAP_SETGID; its subordinate ones where the files under etc (a dirfd of
 * /etc) give some and newuidmap(1) is there; else its own alone.
 */
void priv_userns_plan(struct priv_userns *ns, int etc);

/* Whether the namespace that the caller is in has one user or one group alone. */
bool priv_userns_is_single(void);

/* The caller as 0 and nobody else, which the kernel allows to everybody. */
void priv_userns_plan_single(struct priv_userns *ns);

/*
 * Takes the calling process, which must have one thread, into a user namespace with these
 * ids and a mount namespace that belongs to it. Where the ids cannot all be had, because
 * newuidmap(1) is refused say, it becomes PRIV_USERNS_SINGLE, and *shortfall (owned by
 * the caller, else NULL) tells why. A failure names the setting that forbids it; the
 * process then is where it was, or in a namespace in which it can do nothing.
 */
int priv_userns_enter(struct priv_userns *ns, char **shortfall, struct err *e);

/*
 * Why the kernel answers a process that wants a user namespace, or uses what is its
 * root's right there, with this error (negative errno), and the mend. proc is a dirfd of
 * /proc. NULL when no setting that is known explains it.
 */
const char *priv_userns_refusal(int proc, int error);

/*
 * The ranges of a user in the text of subuid(5) or subgid(5), put inside from 1 on. Lines
 * that are damaged, or would run over the last id, are passed over.
 */
void priv_subids_parse(const char *text, const char *user, uid_t uid,
		       struct priv_id_map *map);

void priv_userns_free(struct priv_userns *ns);

#define AUTO_PRIV_USERNS CLEAN(priv_userns_free)
