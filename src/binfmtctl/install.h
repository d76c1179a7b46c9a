/* SPDX-License-Identifier: MIT */
#pragma once

/* Installing the handlers of architectures: what --install, --boot and --run share. */

#include <stdbool.h>
#include <stddef.h>

#include "binfmtctl/session.h"

struct install {
	struct session session;
	bool replace;
	bool only_failures; /* are reported */
	bool *native;	    /* per architecture */
	bool *done;	    /* per architecture: it was tried */
	bool *ok;	    /* per architecture: its handler is in the kernel */
};

#define INSTALL_INIT(s)                                                                  \
	{                                                                                \
		.session = SESSION_INIT(s), .replace = (s)->replace                      \
	}

/* Opens the session (only for looking with --dry-run), and asks what is native. */
int install_open(struct install *in, struct err *e);

/* The second half of it, for a session that is open. */
int install_begin(struct install *in, struct err *e);
void install_close(struct install *in);

#define AUTO_INSTALL CLEAN(install_close)

/*
 * Installs one architecture, once, and reports it under the label. Where it was not asked
 * for by name, a missing qemu is said and no failure.
 */
void install_one(struct install *in, size_t arch, const char *label, bool asked,
		 const struct binfmt_plan_options *options);

/*
 * Installs what a word of the command line stands for: `all`, or an architecture, which
 * *arch then points to. Whether that is done; `all` always is.
 */
bool install_name(struct install *in, const char *name, const struct binfmt_arch **arch);

/* Installs every architecture that has a qemu; fails when none has. */
void install_all(struct install *in, const struct binfmt_plan_options *options);
