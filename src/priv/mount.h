/* SPDX-License-Identifier: MIT */
#pragma once

#include <sys/types.h>

#include "base/err.h"

/*
 * Mounts a file system without a device, as mount(8) would: options is its comma list.
 * Needs CAP_SYS_ADMIN in the user namespace that owns the mount namespace.
 */
int priv_mount(const char *fstype, const char *target, const char *options,
	       struct err *e);

/* Undoes a mount that this process made. */
int priv_unmount(const char *target, struct err *e);

/*
 * The device number (st_dev) of the instance of a file system type that belongs to the
 * caller's user namespace, which is made if there is none; it is not mounted anywhere.
 * Linux 5.2; needs what priv_mount() does.
 */
int priv_mount_device(const char *fstype, dev_t *device, struct err *e);
