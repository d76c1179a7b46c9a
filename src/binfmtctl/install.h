/* SPDX-License-Identifier: MIT */
#pragma once

/* Installing the handlers of architectures: what --install and --boot share. */

#include <stdbool.h>
#include <stddef.h>

#include "binfmtctl/session.h"

struct install {
	struct session session;
	bool replace;
	bool *native; /* per architecture */
	bool *done;   /* per architecture: it was tried */
	bool *ok;     /* per architecture: its handler is in the kernel */
};

#define INSTALL_INIT(s)                                                                  \
	{                                                                                \
		.session = SESSION_INIT(s), .replace = (s)->replace                      \
	}

/* Opens the session (only for looking with --dry-run), and asks what is native. */
int install_open(struct install *in, struct err *e);
void install_close(struct install *in);

#define AUTO_INSTALL CLEAN(install_close)

/*
 * Installs one architecture, once, and reports it under the label. Where it was not asked
 * for by name, a missing qemu is said and no failure.
 */
void install_one(struct install *in, size_t arch, const char *label, bool asked,
		 const struct binfmt_plan_options *options);

/* Installs every architecture that has a qemu; fails when none has. */
void install_all(struct install *in, const struct binfmt_plan_options *options);
