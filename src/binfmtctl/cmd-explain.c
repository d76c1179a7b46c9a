/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/alloc.h"
#include "binfmt/explain.h"
#include "binfmt/interpreter.h"
#include "binfmt/native.h"
#include "binfmtctl/session.h"
#include "cli/output.h"
#include "priv/caps.h"

enum {
	MISSES_MAX = 3,
	DIFFERENCES_MAX = 4, /* of a miss, in words; JSON has all */
};

struct explain {
	struct session session;
	bool *native;
	struct binfmt_explain_table table;
	struct cli_json *json; /* an array; NULL: words */
	bool failed;
};

static void explain_free(struct explain *ex)
{
	session_close(&ex->session);
	free(ex->native);
}

static const char *error_name(int code)
{
	switch (code) {
	case -EACCES:
		return "EACCES";
	case -ELOOP:
		return "ELOOP";
	case -ENOENT:
		return "ENOENT";
	case -ENOEXEC:
		return "ENOEXEC";
	case -ENOTDIR:
		return "ENOTDIR";
	default:
		return strerror(-code);
	}
}

static char *join(const struct strv *list)
{
	AUTO_STRBUF struct strbuf s = STRBUF_INIT;

	for (size_t i = 0; i < list->n; i++)
		strbuf_addf(&s, "%s%s", i ? ", " : "", list->v[i]);
	return strbuf_take(&s);
}

static void describe_arch(const struct binfmt_arch *arch, struct strbuf *s)
{
	strbuf_addf(s, "a program for %s", arch->name);
	if (arch->platforms.n)
		strbuf_addf(s, " (%s)", arch->platforms.v[0]);
}

static void describe_unknown(const struct binfmt_head *head, struct strbuf *s)
{
	enum { SHOWN = 8 };

	if (head->size == 0) {
		strbuf_adds(s, "nothing");
		return;
	}
	strbuf_adds(s, "a file that starts with");
	for (size_t i = 0; i < head->size && i < SHOWN; i++)
		strbuf_addf(s, " %02x", head->bytes[i]);
}

/* What it is, by its contents. */
static char *describe(const struct binfmt_step *step)
{
	AUTO_STRBUF struct strbuf s = STRBUF_INIT;

	if (step->taker == BINFMT_TAKEN_UNSEEN)
		strbuf_adds(&s, "gone from there since the kernel opened it");
	else if (step->refusal.code && !step->head.limit)
		strbuf_adds(&s, "not looked into");
	else if (step->script_code == 0)
		strbuf_addf(&s, "a script for %s%s%s", step->script.interpreter,
			    step->script.argument[0] ? " " : "", step->script.argument);
	else if (step->arch)
		describe_arch(step->arch, &s);
	else if (step->is_elf)
		strbuf_addf(&s, "an ELF file of machine %u, which is not known",
			    step->elf.machine);
	else
		describe_unknown(&step->head, &s);
	if (step->is_elf)
		strbuf_adds(&s, step->elf.has_interpreter ? ", dynamically linked"
							  : ", statically linked");
	return strbuf_take(&s);
}

/* The version that the file at the interpreter's path tells; empty for none. */
static void read_version(const struct explain *ex, const struct binfmt_step *step,
			 char version[32])
{
	const struct binfmt_arch *arch =
		binfmt_archs_find_entry(&ex->session.archs, step->entry->name);
	AUTO_BINFMT_INTERPRETER struct binfmt_interpreter i = {0};

	version[0] = '\0';
	arch = arch ? arch : step->arch;
	if (!arch || binfmt_interpreter_set(&i, step->entry->interpreter, NULL) < 0)
		return;
	binfmt_interpreter_read_version(&i, arch->qemu);
	(void)snprintf(version, 32, "%s", i.version); /* has the same size */
}

static void print_miss(const struct explain *ex, const struct binfmt_step *step,
		       const struct binfmt_miss *miss)
{
	AUTO_STRBUF struct strbuf s = STRBUF_INIT;
	struct binfmt_difference d;
	size_t i = 0, n = 0;

	if (miss->wrong == 0) {
		cli_line(stdout,
			 "    not %s, which is disabled (`%s --enable %s` enables it)",
			 miss->entry->name, PROGRAM, miss->entry->name);
		return;
	}
	while (n < DIFFERENCES_MAX &&
	       binfmt_match_difference(miss->entry, &step->head, &i, &d)) {
		strbuf_addf(&s, "%s byte %zu ", n++ ? "," : "", d.at);
		if (d.beyond)
			strbuf_adds(&s, "is after the file's end");
		else
			strbuf_addf(&s, "is %02x", d.found);
		strbuf_addf(&s, ", wanted %02x", d.wanted);
		if (d.mask != 0xff)
			strbuf_addf(&s, " under mask %02x", d.mask);
	}
	cli_line(stdout, "    not %s:%s%s", miss->entry->name, s.data,
		 miss->wrong > n ? ", …" : "");
}

static void print_misses(const struct explain *ex, const struct binfmt_step *step)
{
	struct binfmt_miss misses[MISSES_MAX];
	size_t n = binfmt_match_nearest(ex->table.live, &step->head, misses, MISSES_MAX);

	for (size_t i = 0; i < n; i++)
		print_miss(ex, step, &misses[i]);
}

static void print_why(const struct binfmt_entry *entry)
{
	if (entry->extension)
		cli_line(stdout, "    taken by the entry %s: its name ends in .%s",
			 entry->name, entry->extension);
	else
		cli_line(stdout,
			 "    taken by the entry %s: %zu bytes from offset %zu match",
			 entry->name, entry->size, entry->offset);
}

/* Entries that match too. Without an order, any of them may be the one that is asked. */
static void print_shadowed(const struct explain *ex, const struct binfmt_step *step)
{
	const struct binfmt_entry *other = NULL;

	while ((other = binfmt_explain_next(&ex->table, step, other))) {
		if (other == step->entry || !other->enabled)
			continue;
		if (ex->table.live->ordered)
			cli_line(stdout, "    shadows the entry %s, which is older (%s)",
				 other->name, other->interpreter);
		else
			cli_line(stdout,
				 "    or by the entry %s (%s): the newer one is taken, "
				 "and this kernel does not show which that is",
				 other->name, other->interpreter);
	}
	if (step->script_code == 0)
		cli_line(stdout, "    shadows the kernel's own loader of scripts");
	if (step->native)
		cli_line(stdout,
			 "    shadows the kernel itself, which can run such programs");
}

static void print_flags(const struct binfmt_step *step)
{
	unsigned flags = step->entry->flags;
	bool asks = step->mode & (S_ISUID | S_ISGID);

	cli_line(
		stdout, "    %s",
		flags & BINFMT_FIX_BINARY
			? "the kernel holds the interpreter open, also for other roots (F)"
			: "the interpreter is looked up in the caller's root at every run "
			  "(no F)");
	if (!(flags & BINFMT_CREDENTIALS))
		cli_line(stdout,
			 "    %sset-user-ID and set-group-ID have no effect (no C)",
			 asks ? "attention: " : "");
	else if (asks && step->nosuid)
		cli_line(stdout,
			 "    attention: set-user-ID has no effect on its file system "
			 "(nosuid)");
	else
		cli_line(stdout, "    set-user-ID and set-group-ID are honoured (C)");
	cli_line(stdout, "    %s",
		 flags & BINFMT_PRESERVE_ARGV0
			 ? "argv[0] reaches the program, if the interpreter knows how (P)"
			 : "argv[0] is replaced by the path of the file (no P)");
	if (step->entry->other_flags[0])
		cli_line(stdout, "    flags that are not known here: %s",
			 step->entry->other_flags);
}

static void print_taken(const struct explain *ex, const struct binfmt_step *step)
{
	char version[32];

	read_version(ex, step, version);
	print_why(step->entry);
	cli_line(stdout, "    interpreter %s%s%s", step->entry->interpreter,
		 version[0] ? ", at that path qemu " : "", version);
	print_flags(step);
	print_shadowed(ex, step);
	if (step->loader_missing)
		cli_line(stdout,
			 "    attention: its own loader %s is not in this root (nor need "
			 "it be, where qemu has a prefix for it: -L, QEMU_LD_PREFIX)",
			 step->elf.interpreter);
}

/* first: the file itself, not an interpreter. */
static void print_step(const struct explain *ex, const struct binfmt_step *step,
		       const char *name, bool first)
{
	AUTO_FREE char *what = describe(step);

	cli_line(stdout, "%s: %s", name, what);
	switch (step->taker) {
	case BINFMT_TAKEN_BY_ENTRY:
		print_taken(ex, step);
		break;
	case BINFMT_TAKEN_BY_SCRIPT:
		cli_line(stdout, "    taken by the kernel's own loader of scripts");
		if (step->mode & (S_ISUID | S_ISGID))
			cli_line(stdout,
				 "    attention: set-user-ID has no effect on scripts");
		break;
	case BINFMT_TAKEN_BY_KERNEL:
		cli_line(stdout, "    run by the kernel itself");
		break;
	case BINFMT_TAKEN_UNSEEN:
		cli_line(stdout, "    the kernel still holds it, and runs that");
		break;
	case BINFMT_TAKEN_BY_NOTHING:
		break;
	}
	if (step->pinned && step->taker != BINFMT_TAKEN_UNSEEN)
		cli_line(
			stdout,
			"    (this is what is at the path now; the kernel holds what was "
			"there when the entry was registered)");
	if (first && step->head.limit)
		print_misses(ex, step);
}

/* What a person can do where nothing takes the file; NULL for nothing that is known. */
static char *find_mend(const struct explain *ex, const struct binfmt_step *step)
{
	const char *mount_point = ex->session.settings->mount_point;
	const struct binfmt_entry *entry = binfmt_explain_next(&ex->table, step, NULL);

	if (step->refusal.code != -ENOEXEC || step->head.size == 0 ||
	    step->script_code == 0)
		return NULL;
	if (entry && !ex->table.enabled)
		return xasprintf("binfmt_misc is disabled as a whole: "
				 "`echo 1 >%s/status` enables it",
				 mount_point);
	if (entry)
		return xasprintf("`%s --enable %s` enables the entry that matches",
				 PROGRAM, entry->name);
	if (step->arch && !step->native) {
		AUTO_FREE char *label = binfmt_arch_label(step->arch);

		return xasprintf("`%s --install %s` installs a handler", PROGRAM, label);
	}
	return step->is_elf ? NULL
			    : xstrdup("many shells then read it as a script of theirs");
}

/* Where a loader is needed, the libraries that it loads are too. */
static bool is_dynamic(const struct binfmt_explanation *x)
{
	for (size_t i = 0; i < x->n; i++)
		if (x->v[i].is_elf && x->v[i].elf.has_interpreter)
			return true;
	return false;
}

static void print_result(const struct explain *ex, const struct binfmt_explanation *x)
{
	const struct binfmt_step *last = &x->v[x->n - 1];
	AUTO_FREE char *mend = find_mend(ex, last);
	AUTO_FREE char *needs = join(&x->needs);

	if (last->refusal.code) {
		cli_line(stdout, "Nothing runs it: %s (%s).", last->refusal.text,
			 error_name(last->refusal.code));
		if (mend)
			cli_line(stdout, "What to do: %s.", mend);
		return;
	}
	cli_line(stdout, "It runs.");
	if (x->needs.n)
		cli_line(stdout,
			 "In another root (chroot, container) it needs there: %s%s.",
			 needs, is_dynamic(x) ? ", and shared libraries" : "");
	else
		cli_line(stdout, "In another root (chroot, container) it runs too.");
}

static struct cli_json *json_differences(const struct binfmt_step *step,
					 const struct binfmt_entry *entry)
{
	struct cli_json *list = cli_json_array();
	struct binfmt_difference d;
	size_t i = 0;

	while (binfmt_match_difference(entry, &step->head, &i, &d)) {
		struct cli_json *j = cli_json_object();

		cli_json_set_number(j, "offset", (long long)d.at);
		cli_json_set_number(j, "wanted", d.wanted);
		cli_json_set_number(j, "mask", d.mask);
		if (!d.beyond)
			cli_json_set_number(j, "found", d.found);
		cli_json_add(list, j);
	}
	return list;
}

static struct cli_json *json_misses(const struct explain *ex,
				    const struct binfmt_step *step)
{
	struct cli_json *list = cli_json_array();
	struct binfmt_miss misses[MISSES_MAX];
	size_t n = binfmt_match_nearest(ex->table.live, &step->head, misses, MISSES_MAX);

	for (size_t i = 0; i < n; i++) {
		struct cli_json *j = cli_json_object();

		cli_json_set_string(j, "entry", misses[i].entry->name);
		cli_json_set_bool(j, "enabled", misses[i].entry->enabled);
		cli_json_set(j, "differences",
			     misses[i].wrong ? json_differences(step, misses[i].entry)
					     : cli_json_array());
		cli_json_add(list, j);
	}
	return list;
}

static void json_entry(const struct explain *ex, const struct binfmt_step *step,
		       struct cli_json *j)
{
	const struct binfmt_entry *other = NULL;
	AUTO_STRBUF struct strbuf flags = STRBUF_INIT;
	AUTO_STRV struct strv shadows = STRV_INIT;
	char version[32];

	cli_json_set_string(j, "entry", step->entry->name);
	cli_json_set_string(j, "interpreter", step->entry->interpreter);
	binfmt_flags_format(step->entry->flags, &flags);
	strbuf_adds(&flags, step->entry->other_flags);
	cli_json_set_string(j, "flags", flags.data);
	read_version(ex, step, version);
	if (version[0])
		cli_json_set_string(j, "version", version);
	while ((other = binfmt_explain_next(&ex->table, step, other)))
		if (other != step->entry && other->enabled)
			strv_add(&shadows, other->name);
	cli_json_set_strings(j, "shadows", &shadows);
	cli_json_set_bool(j, "certain", shadows.n == 0 || ex->table.live->ordered);
}

/* first: the file itself, not an interpreter. */
static struct cli_json *json_step(const struct explain *ex,
				  const struct binfmt_step *step, bool first)
{
	static const char *const takers[] = {
		[BINFMT_TAKEN_BY_NOTHING] = "nothing",
		[BINFMT_TAKEN_BY_ENTRY] = "entry",
		[BINFMT_TAKEN_BY_SCRIPT] = "script",
		[BINFMT_TAKEN_BY_KERNEL] = "kernel",
		[BINFMT_TAKEN_UNSEEN] = "unseen",
	};
	struct cli_json *j = cli_json_object();
	AUTO_FREE char *what = describe(step);

	if (step->path)
		cli_json_set_string(j, "path", step->path);
	cli_json_set_string(j, "what", what);
	cli_json_set_bool(j, "pinned", step->pinned);
	cli_json_set_bool(j, "native", step->native);
	if (step->arch)
		cli_json_set_string(j, "architecture", step->arch->name);
	if (step->is_elf && step->elf.has_interpreter) {
		cli_json_set_string(j, "loader", step->elf.interpreter);
		cli_json_set_bool(j, "loader_missing", step->loader_missing);
	}
	cli_json_set_string(j, "taken_by", takers[step->taker]);
	if (step->entry)
		json_entry(ex, step, j);
	if (step->taker == BINFMT_TAKEN_BY_SCRIPT)
		cli_json_set_string(j, "interpreter", step->script.interpreter);
	if (first && step->head.limit)
		cli_json_set(j, "misses", json_misses(ex, step));
	return j;
}

static struct cli_json *json_explanation(const struct explain *ex, const char *word,
					 const struct binfmt_explanation *x)
{
	const struct binfmt_step *last = &x->v[x->n - 1];
	struct cli_json *j = cli_json_object();
	struct cli_json *steps = cli_json_array();

	cli_json_set_string(j, "file", word);
	cli_json_set_bool(j, "runs", last->refusal.code == 0);
	if (last->refusal.code) {
		cli_json_set_string(j, "error", error_name(last->refusal.code));
		cli_json_set_string(j, "reason", last->refusal.text);
	}
	cli_json_set_strings(j, "needs_inside", &x->needs);
	for (size_t i = 0; i < x->n; i++)
		cli_json_add(steps, json_step(ex, &x->v[i], i == 0));
	cli_json_set(j, "steps", steps);
	return j;
}

static void report(struct explain *ex, const char *word,
		   const struct binfmt_explanation *x)
{
	if (x->v[x->n - 1].refusal.code)
		ex->failed = true;
	if (ex->json) {
		cli_json_add(ex->json, json_explanation(ex, word, x));
		return;
	}
	for (size_t i = 0; i < x->n; i++) {
		const char *path = x->v[i].path;

		print_step(ex, &x->v[i], path ? path : word, i == 0);
	}
	print_result(ex, x);
}

/* An architecture has one entry per machine number; all are told of. */
static int explain_arch(struct explain *ex, const char *word,
			const struct binfmt_arch *arch, struct err *e)
{
	for (size_t i = 0; i < arch->nmagics; i++) {
		AUTO_BINFMT_EXPLANATION struct binfmt_explanation x = {0};
		int r = binfmt_explain_arch(&ex->table, arch, i, &x, e);

		if (r < 0)
			return r;
		report(ex, word, &x);
	}
	return 0;
}

static int explain_file(struct explain *ex, const char *path, struct err *e)
{
	AUTO_BINFMT_EXPLANATION struct binfmt_explanation x = {0};
	int r = binfmt_explain_file(&ex->table, path, &x, e);

	if (r == 0)
		report(ex, path, &x);
	return r;
}

/* A file that exists wins over an architecture of that name. */
static int explain_word(struct explain *ex, const char *word, struct err *e)
{
	const struct binfmt_arch *arch = binfmt_archs_find(&ex->session.archs, word);
	AUTO_FREE char *near = NULL;
	struct stat st;

	if (lstat(word, &st) == 0)
		return explain_file(ex, word, e);
	if (arch && errno == ENOENT)
		return explain_arch(ex, word, arch, e);
	if (errno != ENOENT)
		return err_sys(e, -errno, "cannot find %s", word);
	near = binfmt_archs_nearest(&ex->session.archs, word);
	if (near)
		return err_set(e, -ENOENT,
			       "there is no file '%s', and no architecture of that name "
			       "(did you mean '%s'?)",
			       word, near);
	return err_set(e, -ENOENT,
		       "there is no file '%s', and no architecture of that name", word);
}

static int prepare(struct explain *ex, struct err *e)
{
	struct session *session = &ex->session;
	int r = session_open_view(session, e);

	if (r < 0)
		return r;
	ex->native = xcalloc(session->archs.n + 1, sizeof *ex->native);
	ex->table = (struct binfmt_explain_table){
		.archs = &session->archs,
		.native = ex->native,
		.live = &session->live,
		.enabled = session->instance.fd >= 0,
	};
	if (ex->table.enabled) {
		r = binfmt_kernel_enabled(session->instance.fd, e);
		if (r < 0)
			return r;
		ex->table.enabled = r;
	}
	return binfmt_native_probe(&session->archs, &session->live, ex->native, e);
}

static int run(const struct settings *settings)
{
	CLEAN(explain_free) struct explain ex = {.session = SESSION_INIT(settings)};
	AUTO_ERR struct err e = ERR_INIT;

	if (prepare(&ex, &e) < 0)
		return fail(&e);
	ex.json = settings->json ? cli_json_array() : NULL;
	for (size_t i = 0; i < settings->names.n; i++) {
		if (explain_word(&ex, settings->names.v[i], &e) == 0)
			continue;
		(void)fail(&e);
		ex.failed = true;
	}
	if (ex.json)
		cli_json_print(ex.json, stdout);
	return ex.failed ? STATUS_FAILED : 0;
}

static const unsigned look_caps[] = {CAP_DAC_READ_SEARCH};

const struct command cmd_explain = {
	.action = OPT_EXPLAIN,
	.run = run,
	.caps = look_caps,
	.ncaps = ARRAY_SIZE(look_caps),
	.unprivileged = true,
};
