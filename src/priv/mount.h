/* SPDX-License-Identifier: MIT */
#pragma once

#include "base/err.h"

/*
 * Mounts a file system without a device, as mount(8) would: options is its comma list.
 * Needs CAP_SYS_ADMIN in the user namespace that owns the mount namespace.
 */
int priv_mount(const char *fstype, const char *target, const char *options,
	       struct err *e);

/* Undoes a mount that this process made. */
int priv_unmount(const char *target, struct err *e);
