/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * binfmtctl's command line: settings, and one command per action. Each cmd-*.c ends in
 * the descriptor of its action; main.c lists them.
 */

#include <stdbool.h>
#include <stddef.h>

#include "base/err.h"
#include "base/strv.h"
#include "binfmt/plan.h"
#include "cli/option.h"

#define PROGRAM "binfmtctl"

/* Exit status; 0 is success. */
enum {
	STATUS_FAILED = 1, /* also when one of many failed */
	STATUS_USAGE = 2,
	/* --run, as of env(1) and chroot(1); other values are the command's. */
	STATUS_NOT_READY = 125,
	STATUS_CANNOT_RUN = 126,
	STATUS_NOT_FOUND = 127,
};

/* Ids of the options. Those of actions come first: each is a bit of a scope. */
enum option_id {
	OPT_INSTALL = 1,
	OPT_UNINSTALL,
	OPT_RESTORE,
	OPT_BOOT,
	OPT_VERIFY, /* with --install, an option of it */
	OPT_STATUS,
	OPT_LIST,
	OPT_COMPLETION,
	OPT_RUN,
	OPT_ADD,
	OPT_ADD_FROM,
	OPT_REMOVE,
	OPT_ENABLE,
	OPT_DISABLE,
	OPT_EXPORT,
	OPT_EXPLAIN,
	OPT_DOCTOR,
	OPT_VERSION,
	OPT_HELP,
	OPT_ACTIONS_END,
	OPT_REPLACE,
	OPT_PERSIST,
	OPT_DRY_RUN,
	OPT_QEMU,
	OPT_QEMU_DIR,
	OPT_FLAGS,
	OPT_NO_FIX_BINARY,
	OPT_NO_CREDENTIALS,
	OPT_MAGIC,
	OPT_MASK,
	OPT_OFFSET,
	OPT_EXTENSION,
	OPT_LIKE,
	OPT_INTERPRETER,
	OPT_ARCH,
	OPT_OUTPUT,
	OPT_JSON,
	OPT_MOUNT_POINT,
	OPT_CONFIG_DIR,
	OPT_STATE_DIR,
	OPT_ROOT,
	OPT_INHERIT,
};

/* Text forms of an entry. */
enum export_form {
	EXPORT_BINFMT_D,
	EXPORT_DEBIAN,
	EXPORT_REGISTER,
};

/* The entry of --add, as it was typed; NULL is not given. */
struct add_settings {
	const char *magic, *mask, *extension, *like, *interpreter;
	bool has_offset;
	unsigned long offset;
};

struct settings {
	enum option_id action;
	/* What the action was given: split, but for entries' names and files. */
	struct strv names;
	struct binfmt_plan_options plan;
	struct add_settings add;
	enum export_form export_form;
	const char *output; /* NULL: stdout */
	bool replace;
	bool persist;
	bool verify;
	bool dry_run;
	bool json;
	const char *shell; /* of --completion */
	const char *mount_point;
	const char *config_dir;
	const char *state_dir;	    /* NULL: the usual one */
	const char *prefix;	    /* of programs' and entries' names; NULL: none */
	const char *root;	    /* --run: chroot of the command; NULL: none */
	bool inherit;		    /* --run: with the entries that are live here */
	const char *const *command; /* --run: NULL-terminated words */
};

struct command {
	enum option_id action;
	/* Returns the exit status. */
	int (*run)(const struct settings *settings);
	/* Capabilities that it keeps while it runs, unless --dry-run. */
	const unsigned *caps;
	size_t ncaps;
	bool unprivileged; /* it works without them too */
};

extern const struct cli_program program;

/* Fills the settings; -EINVAL for a command line that is wrong. */
int settings_parse(struct settings *settings, int argc, char **argv, struct err *e);
void settings_free(struct settings *settings);

extern const struct command cmd_add;
extern const struct command cmd_add_from;
extern const struct command cmd_boot;
extern const struct command cmd_completion;
extern const struct command cmd_disable;
extern const struct command cmd_enable;
extern const struct command cmd_export;
extern const struct command cmd_doctor;
extern const struct command cmd_explain;
extern const struct command cmd_install;
extern const struct command cmd_list;
extern const struct command cmd_remove;
extern const struct command cmd_restore;
extern const struct command cmd_run;
extern const struct command cmd_status;
extern const struct command cmd_uninstall;
extern const struct command cmd_verify;

/* `binfmtctl: message` on stderr, then releases e. Returns STATUS_FAILED. */
int fail(struct err *e);

/* The report that follows --install and --uninstall, and is all of --status. */
int print_status(const struct settings *settings);

/* The register string in a line on stdout, for --dry-run. */
int print_entry(const struct binfmt_entry *entry, struct err *e);

/*
 * What --install and --uninstall may do: mount, register, load the module; and for
 * --install … --verify, what cmd-verify.c says.
 */
enum { CHANGE_CAPS = 5 };
extern const unsigned change_caps[CHANGE_CAPS];

/* What it takes to look at a table that is mounted elsewhere. */
enum { VIEW_CAPS = 1 };
extern const unsigned view_caps[VIEW_CAPS];
