/* SPDX-License-Identifier: MIT */
#pragma once

/* Where the kernel's binfmt_misc instance is, and how to get one. */

#include <stdbool.h>

#include "base/err.h"

#define BINFMT_MOUNT_POINT "/proc/sys/fs/binfmt_misc"

/* What was found, and what had to be done. */
struct binfmt_instance {
	int fd;		      /* a directory fd of the instance; -1 when there is none */
	bool private_table;   /* it belongs to a user namespace other than the first (6.7)
			       */
	bool private_unknown; /* that takes the privilege to mount to tell */
	bool writable;	      /* this process may write to `register` */
	bool mounted;	      /* this call mounted it */
	bool unattached;      /* it is mounted nowhere that this process sees */
	bool module_loaded;   /* this call loaded the module */
	/*
	 * This call mounted it where nothing else has it mounted, and not for the whole
	 * machine: its entries end with this mount (6.7).
	 */
	bool fleeting;
};

#define BINFMT_INSTANCE_INIT                                                             \
	{                                                                                \
		.fd = -1                                                                 \
	}

/*
 * Opens what is mounted at the path; an autofs there is triggered. -ENOENT when it is not
 * a binfmt_misc. Needs no privilege.
 */
int binfmt_instance_find(struct binfmt_instance *instance, const char *path,
			 struct err *e);

/*
 * The same where nothing is mounted at the path, as in a container on a machine that has
 * handlers: by a mount that is attached nowhere (Linux 5.2). Needs the privilege to
 * mount. Loads no module: -ENOENT when the kernel has no binfmt_misc yet.
 */
int binfmt_instance_look(struct binfmt_instance *instance, const char *path,
			 struct err *e);

/*
 * The same for a caller that wants to change entries: loads the module and mounts where
 * that is missing. Within a user namespace it is the namespace's own table, as of
 * binfmt_instance_own(), where the kernel has such. Never unmounts: on kernels that
 * destroy a table with its last mount, the mount is what holds the entries.
 */
int binfmt_instance_open(struct binfmt_instance *instance, const char *path,
			 struct err *e);

/*
 * Within a user namespace: opens the table that belongs to it (Linux 6.7), and mounts it
 * at the path over whatever is there. Whoever may write to the parent's, because ids are
 * mapped to themselves, would otherwise take that for its own.
 */
int binfmt_instance_own(struct binfmt_instance *instance, const char *path,
			struct err *e);

void binfmt_instance_close(struct binfmt_instance *instance);

#define AUTO_BINFMT_INSTANCE CLEAN(binfmt_instance_close)

/* Whether this process is in a user namespace other than the first. */
bool binfmt_in_user_namespace(void);
