/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "binfmt/mount.h"
#include "binfmtctl/command.h"

#define SCOPE(action) (1UL << (action))

enum {
	ANY_ACTION = 0,
	/* Those that plan what to register. */
	PLANS = SCOPE(OPT_INSTALL) | SCOPE(OPT_EXPORT) | SCOPE(OPT_RUN),
	/* Those that change entries of any kind. */
	CUSTOM = SCOPE(OPT_ADD) | SCOPE(OPT_ADD_FROM) | SCOPE(OPT_REMOVE) |
		 SCOPE(OPT_ENABLE) | SCOPE(OPT_DISABLE),
};

static const struct cli_option options[] = {
	{0, "Actions (one a call; --status without any)", .help = ""},
	{OPT_INSTALL, "install", .arg = "LIST",
	 .help = "install the handlers of these architectures; LIST is a comma list of names "
		 "(arm64, linux/arm/v7, qemu-s390x, ppc64el, …) or 'all'"},
	{OPT_UNINSTALL, "uninstall", .arg = "LIST",
	 .help = "remove them; patterns such as 'qemu-*' are allowed too"},
	{OPT_RESTORE, "restore",
	 .help = "put the handlers of others back that --replace displaced"},
	{OPT_BOOT, "boot",
	 .help = "install what binfmtctl.conf and handlers.d say; for the boot"},
	{OPT_VERIFY, "verify",
	 .help = "[LIST] run a tiny program of each architecture (default: of each that has "
		 "a handler) and see whether its handler works; with --install: of each "
		 "that was installed"},
	{OPT_STATUS, "status", .help = "show what is installed and what can be run"},
	{OPT_LIST, "list",
	 .help = "show every known architecture, and the qemu found for it"},
	{OPT_COMPLETION, "completion", .arg = "SHELL",
	 .help = "print what bash, zsh or fish needs to complete this command"},
	{OPT_RUN, "run", .arg = "LIST",
	 .help = "run the command after '--' with these handlers, which nobody else sees; "
		 "needs no root"},
	{OPT_ADD, "add", .arg = "NAME",
	 .help = "install an entry of one's own: which files (--magic, --extension or "
		 "--like), and what runs them (--interpreter)"},
	{OPT_ADD_FROM, "add-from", .arg = "FILE",
	 .help = "install the entries of files in the form of binfmt.d or of Debian"},
	{OPT_REMOVE, "remove", .arg = "LIST",
	 .help = "remove the entries of these names"},
	{OPT_ENABLE, "enable", .arg = "LIST", .help = "enable them again"},
	{OPT_DISABLE, "disable", .arg = "LIST",
	 .help = "disable them: they stay, and take no files"},
	{OPT_EXPORT, "export", .arg = "FORM",
	 .help = "write the enabled entries as 'binfmt.d', 'debian' or 'register'"},
	{OPT_EXPLAIN, "explain", .arg = "FILE",
	 .help = "tell what runs this file, step by step, and why; or the programs of an "
		 "architecture (linux/arm64). More files may follow"},
	{OPT_DOCTOR, "doctor",
	 .help = "look for what is wrong here, and say what mends it"},
	{OPT_VERSION, "version", .letter = 'V', .help = "show the version"},
	{OPT_HELP, "help", .letter = 'h', .help = "show this text"},

	{0, "Installing", .help = ""},
	{OPT_REPLACE, "replace",
	 .scope = SCOPE(OPT_INSTALL) | SCOPE(OPT_ADD) | SCOPE(OPT_ADD_FROM),
	 .help = "put the handler in the place of a different one"},
	{OPT_PERSIST, "persist",
	 .scope = SCOPE(OPT_INSTALL) | SCOPE(OPT_UNINSTALL) | CUSTOM,
	 .help = "for every boot too: write it to handlers.d, or take it out"},
	{OPT_QEMU, "qemu", .arg = "PATH", .scope = PLANS,
	 .help = "the program to install; for one architecture"},
	{OPT_QEMU_DIR, "qemu-dir", .arg = "DIR", .scope = PLANS | SCOPE(OPT_LIST),
	 .help = "the folder in which to look for qemu"},
	{OPT_NO_FIX_BINARY, "no-fix-binary", .scope = PLANS,
	 .help = "without flag F: the program is looked up anew, in the caller's root, at "
		 "every run"},
	{OPT_NO_CREDENTIALS, "no-credentials", .scope = PLANS,
	 .help = "without flags C and O: set-user-ID programs such as sudo gain nothing"},
	{OPT_FLAGS, "flags", .arg = "LETTERS", .scope = PLANS | SCOPE(OPT_ADD),
	 .help = "exactly these flags: letters of P, O, C, F"},
	{OPT_DRY_RUN, "dry-run",
	 .scope = SCOPE(OPT_INSTALL) | SCOPE(OPT_UNINSTALL) | SCOPE(OPT_RESTORE) | CUSTOM,
	 .help = "change nothing; print the register strings, or what would be removed"},

	{0, "Running", .help = ""},
	{OPT_ROOT, "root", .arg = "DIR", .scope = SCOPE(OPT_RUN),
	 .help = "with this folder as the root of the command (chroot)"},
	{OPT_INHERIT, "inherit", .scope = SCOPE(OPT_RUN),
	 .help = "with the handlers that are installed on the machine as well"},
	{0, "Entries of one's own (--add)", .help = ""},
	{OPT_MAGIC, "magic", .arg = "BYTES", .scope = SCOPE(OPT_ADD),
	 .help = "files that have these bytes: hexadecimal digits (7f454c46), or text in "
		 "which \\xHH is a byte"},
	{OPT_MASK, "mask", .arg = "BYTES", .scope = SCOPE(OPT_ADD),
	 .help = "only the bits that are set here count (default: all)"},
	{OPT_OFFSET, "offset", .arg = "N", .scope = SCOPE(OPT_ADD),
	 .help = "where the bytes are in the file (default 0)"},
	{OPT_EXTENSION, "extension", .arg = "EXT", .scope = SCOPE(OPT_ADD),
	 .help = "files whose names end in .EXT"},
	{OPT_LIKE, "like", .arg = "FILE", .scope = SCOPE(OPT_ADD),
	 .help = "files of the kind of this one"},
	{OPT_INTERPRETER, "interpreter", .arg = "PATH", .scope = SCOPE(OPT_ADD),
	 .help = "the program that runs them"},

	{0, "Exporting", .help = ""},
	{OPT_ARCH, "arch", .arg = "LIST", .scope = SCOPE(OPT_EXPORT),
	 .help = "what --install LIST would register, instead of what is there"},
	{OPT_OUTPUT, "output", .arg = "DIR", .scope = SCOPE(OPT_EXPORT),
	 .help = "write a file per entry into this folder, instead of stdout"},

	{0, "General", .help = ""},
	{OPT_JSON, "json",
	 .scope = SCOPE(OPT_STATUS) | SCOPE(OPT_LIST) | SCOPE(OPT_INSTALL) |
		  SCOPE(OPT_UNINSTALL) | SCOPE(OPT_VERIFY) | CUSTOM | SCOPE(OPT_EXPLAIN) |
		  SCOPE(OPT_DOCTOR),
	 .help = "JSON on stdout, also on a terminal"},
	{OPT_MOUNT_POINT, "mount-point", .arg = "DIR", .scope = ANY_ACTION,
	 .help = "where binfmt_misc is, or is to be mounted "
		 "(default " BINFMT_MOUNT_POINT ")"},
	{OPT_CONFIG_DIR, "config-dir", .arg = "DIR", .scope = ANY_ACTION,
	 .help = "where magic.d and qemu.d are (default " SYSCONFDIR "/binfmtctl)"},
	{OPT_STATE_DIR, "state-dir", .arg = "DIR", .scope = ANY_ACTION,
	 .help = "where the record of replaced handlers is "
		 "(default " RUNSTATEDIR "/binfmtctl)"},
	{0},
};

const struct cli_program program = {
	.name = PROGRAM,
	.usage = PROGRAM " [--status] [--json]\n"
			 "       " PROGRAM " --install LIST [OPTION…]\n"
			 "       " PROGRAM " --uninstall LIST\n"
			 "       " PROGRAM " --list\n"
			 "       " PROGRAM " --run LIST [OPTION…] -- COMMAND [WORD…]\n"
			 "       " PROGRAM
			 " --add NAME (--magic BYTES | --extension EXT | "
			 "--like FILE)\n"
			 "                 --interpreter PATH [OPTION…]\n"
			 "       " PROGRAM " --add-from FILE…\n"
			 "       " PROGRAM " --remove|--enable|--disable LIST\n"
			 "       " PROGRAM " --export FORM [--arch LIST] [--output DIR]\n"
			 "       " PROGRAM " --explain FILE…\n"
			 "       " PROGRAM " --doctor",
	.summary =
		"Lets this machine run programs of other architectures: installs qemu as "
		"their handler in the kernel's binfmt_misc.",
	.options = options,
	.epilogue =
		"Exit status: 0 done, 1 something failed, 2 wrong usage; of --run, the "
		"command's.",
};

/* What the parser remembers besides the settings. */
struct parse {
	struct settings *settings;
	const struct cli_option *seen[sizeof options / sizeof options[0]];
	size_t nseen;
};

static const char *action_name(enum option_id action)
{
	for (const struct cli_option *o = options; o->name; o++)
		if (o->id == (int)action)
			return o->name;
	return "";
}

static int add_list(struct settings *s, const struct cli_option *o, const char *value,
		    struct err *e)
{
	if (!value[strspn(value, ", ")])
		return err_set(e, -EINVAL, "--%s has an empty list", o->name);
	strv_split(&s->names, value, ", ");
	return 0;
}

static int set_form(struct settings *s, const char *value, struct err *e)
{
	static const char *const forms[] = {
		[EXPORT_BINFMT_D] = "binfmt.d",
		[EXPORT_DEBIAN] = "debian",
		[EXPORT_REGISTER] = "register",
	};

	for (size_t i = 0; i < ARRAY_SIZE(forms); i++)
		if (strcmp(value, forms[i]) == 0) {
			s->export_form = (enum export_form)i;
			return 0;
		}
	return err_set(e, -EINVAL,
		       "--export writes the form binfmt.d, debian or register, not '%s'",
		       value);
}

static int set_offset(struct settings *s, const char *value, struct err *e)
{
	char *end;

	s->add.offset = strtoul(value, &end, 10);
	if (*value < '0' || *value > '9' || *end || s->add.offset >= BINFMT_HEAD_SIZE)
		return err_set(e, -EINVAL,
			       "--offset %s: the kernel looks at the bytes from 0 to %d",
			       value, BINFMT_HEAD_SIZE - 1);
	s->add.has_offset = true;
	return 0;
}

static int set_action(struct settings *s, const struct cli_option *o, const char *value,
		      struct err *e)
{
	enum option_id action = (enum option_id)o->id;

	if (s->action && s->action != action)
		return err_set(e, -EINVAL, "--%s and --%s are two actions (one a call)",
			       action_name(s->action), o->name);
	s->action = action;
	switch (o->id) {
	case OPT_INSTALL:
	case OPT_UNINSTALL:
		return add_list(s, o, value, e);
	case OPT_EXPORT:
		return set_form(s, value, e);
	case OPT_COMPLETION:
		s->shell = value;
		return 0;
	default: /* a name may have commas in it */
		if (value)
			strv_add(&s->names, value);
		return 0;
	}
}

/* The options that only --add has. */
static int set_add_option(struct settings *s, const struct cli_option *o,
			  const char *value, struct err *e)
{
	switch (o->id) {
	case OPT_MAGIC:
		s->add.magic = value;
		return 0;
	case OPT_MASK:
		s->add.mask = value;
		return 0;
	case OPT_OFFSET:
		return set_offset(s, value, e);
	case OPT_EXTENSION:
		s->add.extension = value;
		return 0;
	case OPT_LIKE:
		s->add.like = value;
		return 0;
	case OPT_INTERPRETER:
		s->add.interpreter = value;
		return 0;
	default:
		return set_action(s, o, value, e);
	}
}

static int set_option(struct settings *s, const struct cli_option *o, const char *value,
		      struct err *e)
{
	unsigned flags;
	int r;

	switch (o->id) {
	case OPT_REPLACE:
		s->replace = true;
		return 0;
	case OPT_PERSIST:
		s->persist = true;
		return 0;
	case OPT_VERIFY:
		s->verify = true;
		return 0;
	case OPT_DRY_RUN:
		s->dry_run = true;
		return 0;
	case OPT_QEMU:
		s->plan.qemu = value;
		return 0;
	case OPT_QEMU_DIR:
		s->plan.qemu_dir = value;
		return 0;
	case OPT_FLAGS:
		r = binfmt_flags_parse(value, &flags, e);
		if (r < 0)
			return err_wrap(e, r, "--flags %s", value);
		s->plan.flags = (int)flags;
		return 0;
	case OPT_NO_FIX_BINARY:
		s->plan.no_fix_binary = true;
		return 0;
	case OPT_NO_CREDENTIALS:
		s->plan.no_credentials = true;
		return 0;
	case OPT_ARCH:
		return add_list(s, o, value, e);
	case OPT_OUTPUT:
		s->output = value;
		return 0;
	case OPT_JSON:
		s->json = true;
		return 0;
	case OPT_MOUNT_POINT:
		s->mount_point = value;
		return 0;
	case OPT_CONFIG_DIR:
		s->config_dir = value;
		return 0;
	case OPT_STATE_DIR:
		s->state_dir = value;
		return 0;
	case OPT_ROOT:
		s->root = value;
		return 0;
	case OPT_INHERIT:
		s->inherit = true;
		return 0;
	default:
		return set_add_option(s, o, value, e);
	}
}

static int handle(void *context, const struct cli_option *o, const char *value,
		  struct err *e)
{
	struct parse *p = context;

	/* An option may be given any number of times; once is enough to remember. */
	if (p->nseen < ARRAY_SIZE(p->seen))
		p->seen[p->nseen++] = o;
	if (o->arg && !*value)
		return err_set(e, -EINVAL, "--%s has an empty argument", o->name);
	return set_option(p->settings, o, value, e);
}

static int check_scopes(const struct parse *p, struct err *e)
{
	for (size_t i = 0; i < p->nseen; i++) {
		const struct cli_option *o = p->seen[i];

		if (o->scope && !(o->scope & SCOPE(p->settings->action)))
			return err_set(e, -EINVAL, "--%s does not go with --%s", o->name,
				       action_name(p->settings->action));
	}
	return 0;
}

static int check_add(const struct settings *s, struct err *e)
{
	const struct add_settings *add = &s->add;
	int ways = (add->magic != NULL) + (add->extension != NULL) + (add->like != NULL);

	if (s->names.n != 1)
		return err_set(e, -EINVAL, "--add is for one entry");
	if (ways != 1)
		return err_set(e, -EINVAL,
			       "--add needs one of --magic, --extension and --like");
	if (!add->magic && (add->mask || add->has_offset))
		return err_set(e, -EINVAL, "--%s goes with --magic",
			       add->mask ? "mask" : "offset");
	if (!add->interpreter)
		return err_set(e, -EINVAL, "--add needs --interpreter");
	return 0;
}

static int check_export(const struct settings *s, struct err *e)
{
	const struct binfmt_plan_options *p = &s->plan;
	bool plans = p->qemu || p->qemu_dir || p->flags >= 0 || p->no_fix_binary ||
		     p->no_credentials;

	if (plans && s->names.n == 0)
		return err_set(e, -EINVAL,
			       "options about qemu and flags need --arch: entries that "
			       "are there are exported as they are");
	if (s->export_form == EXPORT_DEBIAN && !s->output)
		return err_set(e, -EINVAL,
			       "Debian's form has a file per entry: name a folder for "
			       "them with --output");
	return 0;
}

static int check_combinations(const struct settings *s, struct err *e)
{
	bool one = s->names.n == 1 && strcmp(s->names.v[0], "all") != 0;
	int r = 0;

	if (s->verify && s->action != OPT_VERIFY && s->action != OPT_INSTALL)
		return err_set(e, -EINVAL, "--verify does not go with --%s",
			       action_name(s->action));
	if (s->action == OPT_ADD)
		r = check_add(s, e);
	else if (s->action == OPT_EXPORT)
		r = check_export(s, e);
	if (r < 0)
		return r;
	if (s->plan.qemu && !one)
		return err_set(e, -EINVAL,
			       "--qemu PATH is for one architecture "
			       "(for several: --qemu-dir DIR)");
	if (s->plan.qemu && s->plan.qemu_dir)
		return err_set(e, -EINVAL, "--qemu and --qemu-dir exclude each other");
	if (s->plan.flags >= 0 && (s->plan.no_fix_binary || s->plan.no_credentials))
		return err_set(
			e, -EINVAL, "--flags sets them all: it does not go with --%s",
			s->plan.no_fix_binary ? "no-fix-binary" : "no-credentials");
	return 0;
}

/* Words that are no options are a command, and stand after `--`; or are wrong. */
static int set_command(struct settings *s, int argc, char **argv, int operands,
		       struct err *e)
{
	if (operands < argc && s->action != OPT_RUN)
		return err_set(e, -EINVAL,
			       "unexpected word '%s' (lists have commas, no blanks)",
			       argv[operands]);
	if (operands < argc && strcmp(argv[operands - 1], "--") != 0)
		return err_set(e, -EINVAL,
			       "unexpected word '%s' (the command stands after '--')",
			       argv[operands]);
	if (s->action == OPT_RUN && operands == argc)
		return err_set(e, -EINVAL, "--run needs a command (after '--')");
	s->command = (const char *const *)&argv[operands];
	return 0;
}

static const char *variable(const char *name)
{
	const char *value = getenv(name);

	return value && *value ? value : NULL;
}

/* What tonistiigi/binfmt reads from the environment, where options do not say more. */
static int add_environment(struct settings *s, struct err *e)
{
	s->prefix = variable("QEMU_BINARY_PREFIX");
	if (s->prefix && strchr(s->prefix, '/'))
		return err_set(e, -EINVAL,
			       "QEMU_BINARY_PREFIX '%s' has a slash (it starts a file's "
			       "name; the folder goes into QEMU_BINARY_PATH)",
			       s->prefix);
	if (!s->plan.qemu && !s->plan.qemu_dir)
		s->plan.qemu_dir = variable("QEMU_BINARY_PATH");
	s->plan.preserve_argv0 = variable("QEMU_PRESERVE_ARGV0");
	return 0;
}

int settings_parse(struct settings *s, int argc, char **argv, struct err *e)
{
	struct parse p = {.settings = s};
	int operands = argc;
	int r;

	*s = (struct settings){
		.plan.flags = -1,
		.mount_point = BINFMT_MOUNT_POINT,
		.config_dir = SYSCONFDIR "/binfmtctl",
	};
	r = cli_options_parse(&program, argc, argv, handle, &p, &operands, e);
	if (r < 0)
		return r;
	if (!s->action && s->verify)
		s->action = OPT_VERIFY;
	while (s->action == OPT_VERIFY && operands < argc)
		strv_split(&s->names, argv[operands++], ", ");
	for (; (s->action == OPT_ADD_FROM || s->action == OPT_EXPLAIN) && operands < argc;
	     operands++)
		strv_add(&s->names, argv[operands]);
	if (!s->action)
		s->action = OPT_STATUS;
	r = set_command(s, argc, argv, operands, e);
	if (r == 0)
		r = check_scopes(&p, e);
	if (r == 0)
		r = check_combinations(s, e);
	return r < 0 ? r : add_environment(s, e);
}

void settings_free(struct settings *s)
{
	strv_free(&s->names);
}
