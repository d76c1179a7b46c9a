/* SPDX-License-Identifier: MIT */
#include "binfmt/explain.h"

#include <elf.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/statvfs.h>

#include "base/alloc.h"

static int check_access(const struct binfmt_step *step, const struct stat *st,
			const struct statvfs *vfs, struct err *e)
{
	const char *path = step->path;

	if (S_ISDIR(st->st_mode))
		return err_set(e, -EACCES, "%s is a folder", path);
	if (!S_ISREG(st->st_mode))
		return err_set(e, -EACCES, "%s is not a regular file", path);
	if (!(st->st_mode & 0111))
		return err_set(e, -EACCES, "%s is not executable (chmod +x)", path);
	/* One bit is enough for root, whose capabilities may have been dropped by now. */
	if (geteuid() != 0 && faccessat(AT_FDCWD, path, X_OK, AT_EACCESS) < 0)
		return err_sys(e, -errno, "%s is not executable for this user", path);
	if (vfs->f_flag & ST_NOEXEC)
		return err_set(e, -EACCES,
			       "%s lies on a file system that is mounted with noexec",
			       path);
	return 0;
}

static void identify(const struct binfmt_explain_table *table, struct binfmt_step *step)
{
	const struct binfmt_elf *elf = &step->elf;
	const struct binfmt_archs *archs = table->archs;

	for (size_t i = 0; i < archs->n; i++)
		for (size_t k = 0; k < archs->v[i].nmagics; k++) {
			const struct binfmt_magic *m = &archs->v[i].magics[k];

			/* Not by magic and mask: the kernel's loader looks only at
			 * these. */
			if (m->machine != elf->machine || m->bits != elf->bits ||
			    m->big_endian != elf->big_endian ||
			    (elf->flags & m->flags_mask) != m->flags)
				continue;
			step->arch = &archs->v[i];
			step->native = table->native[i] &&
				       (elf->type == ET_EXEC || elf->type == ET_DYN);
			return;
		}
}

static int read_head(struct binfmt_step *step, int fd, struct err *e)
{
	ssize_t n;

	step->head.limit = binfmt_kernel_version(NULL, 0) >= BINFMT_KERNEL_LONG_HEAD
				   ? BINFMT_HEAD_SIZE
				   : 128;
	n = pread(fd, step->head.bytes, step->head.limit, 0);
	if (n < 0)
		return err_sys(e, -errno, "cannot read %s", step->path);
	step->head.size = (size_t)n;
	return 0;
}

/* Whether the kernel would open it to be run; if not, the refusal is set. */
static bool admit(struct binfmt_step *step)
{
	size_t n = strlen(step->path);
	struct statvfs vfs;
	struct stat st;

	if (stat(step->path, &st) < 0 || statvfs(step->path, &vfs) < 0) {
		int code = -errno;

		if (step->pinned && code == -ENOENT)
			step->taker = BINFMT_TAKEN_UNSEEN;
		else if (code == -ENOENT && n && step->path[n - 1] == '\r')
			(void)err_set(&step->refusal, code,
				      "the interpreter's name ends in a carriage return "
				      "(the script has DOS line ends: `sed -i "
				      "'s/\\r$//'` mends it)");
		else
			(void)err_sys(&step->refusal, code, "cannot find %s", step->path);
		return false;
	}
	step->mode = st.st_mode;
	step->nosuid = vfs.f_flag & ST_NOSUID;
	return step->pinned || check_access(step, &st, &vfs, &step->refusal) == 0;
}

/* Fills the step with what is in the file. */
static int examine(const struct binfmt_explain_table *table, struct binfmt_step *step,
		   struct err *e)
{
	AUTO_CLOSE int fd =
		open(step->path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
	struct stat st;
	int r;

	if (fd < 0 || fstat(fd, &st) < 0)
		return err_sys(e, -errno, "cannot read %s, and so not tell what it is",
			       step->path);
	r = read_head(step, fd, e);
	if (r < 0)
		return r;
	step->script_code = binfmt_script_parse(&step->head, &step->script, NULL);
	if (binfmt_elf_read(fd, st.st_size, &step->elf, NULL) < 0)
		return 0;
	step->is_elf = true;
	step->loader_missing =
		step->elf.has_interpreter && access(step->elf.interpreter, F_OK) < 0;
	identify(table, step);
	return 0;
}

const struct binfmt_entry *binfmt_explain_next(const struct binfmt_explain_table *table,
					       const struct binfmt_step *step,
					       const struct binfmt_entry *after)
{
	const struct binfmt_entries *live = table->live;

	for (size_t i = after ? (size_t)(after - live->v) + 1 : 0; i < live->n; i++)
		if (binfmt_match(&live->v[i], &step->head))
			return &live->v[i];
	return NULL;
}

static const struct binfmt_entry *find_entry(const struct binfmt_explain_table *table,
					     const struct binfmt_step *step)
{
	const struct binfmt_entry *entry = NULL;

	if (!table->enabled)
		return NULL;
	do
		entry = binfmt_explain_next(table, step, entry);
	while (entry && !entry->enabled);
	return entry;
}

static void refuse_unknown(struct binfmt_step *step)
{
	if (step->head.size == 0)
		(void)err_set(&step->refusal, -ENOEXEC, "it is empty");
	else if (step->script_code == -ENOEXEC) /* once more, for the words */
		(void)binfmt_script_parse(&step->head, &step->script, &step->refusal);
	else
		(void)err_set(&step->refusal, -ENOEXEC,
			      "no entry takes it, and the kernel itself does not either");
}

/* Who takes it, in the kernel's order: entries, scripts, ELF. */
static void decide(const struct binfmt_explain_table *table, struct binfmt_step *step)
{
	step->entry = find_entry(table, step);
	if (step->entry)
		step->taker = BINFMT_TAKEN_BY_ENTRY;
	else if (step->script_code == 0)
		step->taker = BINFMT_TAKEN_BY_SCRIPT;
	else if (step->native)
		step->taker = BINFMT_TAKEN_BY_KERNEL;
	else
		refuse_unknown(step);
	if (step->taker == BINFMT_TAKEN_BY_KERNEL && step->loader_missing)
		(void)err_set(&step->refusal, -ENOENT,
			      "its dynamic loader %s is not there",
			      step->elf.interpreter);
}

static void note_needs(const struct binfmt_step *step, struct strv *needs)
{
	const char *interpreter = NULL;

	if (step->taker == BINFMT_TAKEN_BY_SCRIPT)
		interpreter = step->script.interpreter;
	if (step->entry && !(step->entry->flags & BINFMT_FIX_BINARY))
		interpreter = step->entry->interpreter;
	if (step->is_elf && step->elf.has_interpreter &&
	    !strv_has(needs, step->elf.interpreter))
		strv_add(needs, step->elf.interpreter);
	if (interpreter && !strv_has(needs, interpreter))
		strv_add(needs, interpreter);
}

/* Starts the next step; NULL when this one is the last. */
static struct binfmt_step *follow(struct binfmt_explanation *x)
{
	const struct binfmt_step *step = &x->v[x->n - 1];
	struct binfmt_step *next = &x->v[x->n];

	if (step->refusal.code)
		return NULL;
	if (step->taker == BINFMT_TAKEN_BY_ENTRY) {
		next->path = xstrdup(step->entry->interpreter);
		next->pinned = step->entry->flags & BINFMT_FIX_BINARY;
	} else if (step->taker == BINFMT_TAKEN_BY_SCRIPT) {
		next->path = xstrdup(step->script.interpreter);
	} else {
		return NULL;
	}
	next->head.name = next->path;
	x->n++;
	return next;
}

/*
 * An entry with flag O (or C, which brings it) hands the opened file on, and the kernel
 * has room for one: from Linux 5.8 on, an interpreter of such an entry must not have an
 * interpreter itself (exec_binprm()).
 */
static const struct binfmt_entry *find_opener(const struct binfmt_explanation *x)
{
	if (binfmt_kernel_version(NULL, 0) < BINFMT_KERNEL_ONE_OPENED)
		return NULL;
	for (size_t i = 0; i + 2 < x->n; i++)
		if (x->v[i].entry && (x->v[i].entry->flags & BINFMT_OPEN_BINARY))
			return x->v[i].entry;
	return NULL;
}

/* Looks at the last step's file. */
static int take_step(const struct binfmt_explain_table *table,
		     struct binfmt_explanation *x, struct err *e)
{
	struct binfmt_step *step = &x->v[x->n - 1];
	const struct binfmt_entry *opener = find_opener(x);
	size_t depth = x->n - 1;
	int r;

	if (!admit(step)) {
		if (S_ISREG(step->mode)) /* only to say what it is, where that can be */
			(void)examine(table, step, NULL);
		return 0;
	}
	r = examine(table, step, e);
	if (r < 0)
		return r;
	if (opener)
		(void)err_set(&step->refusal, -ENOEXEC,
			      "the interpreter of %s has an interpreter itself, which "
			      "flags O and C of that entry do not allow",
			      opener->name);
	else if (depth > BINFMT_NESTING_MAX)
		(void)err_set(&step->refusal, -ELOOP,
			      "it would be interpreter number %zu of the chain, and the "
			      "kernel follows %d",
			      depth, BINFMT_NESTING_MAX);
	else
		decide(table, step);
	return 0;
}

static int walk(const struct binfmt_explain_table *table, struct binfmt_explanation *x,
		struct err *e)
{
	struct binfmt_step *step = &x->v[0];
	int r = 0;

	do {
		if (step->path)
			r = take_step(table, x, e);
		else
			decide(table, step);
		if (r < 0)
			return r;
		note_needs(step, &x->needs);
		step = follow(x);
	} while (step);
	return 0;
}

int binfmt_explain_file(const struct binfmt_explain_table *table, const char *path,
			struct binfmt_explanation *x, struct err *e)
{
	int r;

	*x = (struct binfmt_explanation){.n = 1};
	x->v[0].path = xstrdup(path);
	x->v[0].head.name = x->v[0].path;
	r = walk(table, x, e);
	if (r < 0)
		binfmt_explanation_free(x);
	return r;
}

int binfmt_explain_arch(const struct binfmt_explain_table *table,
			const struct binfmt_arch *arch, size_t i,
			struct binfmt_explanation *x, struct err *e)
{
	struct binfmt_step *step = &x->v[0];
	int r;

	*x = (struct binfmt_explanation){.n = 1};
	step->script_code = -ENOENT;
	step->arch = arch;
	step->native = table->native[arch - table->archs->v];
	step->head = binfmt_match_head(arch, i);
	r = walk(table, x, e);
	if (r < 0)
		binfmt_explanation_free(x);
	return r;
}

void binfmt_explanation_free(struct binfmt_explanation *x)
{
	for (size_t i = 0; i < x->n; i++) {
		free(x->v[i].path);
		err_free(&x->v[i].refusal);
	}
	strv_free(&x->needs);
	*x = (struct binfmt_explanation){0};
}
