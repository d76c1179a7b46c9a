/* SPDX-License-Identifier: MIT */
#include "binfmt/plan.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "binfmt/guard.h"

static unsigned choose_flags(const struct binfmt_arch *arch,
			     const struct binfmt_plan_options *options,
			     const struct binfmt_interpreter *interpreter)
{
	unsigned flags = BINFMT_FIX_BINARY | BINFMT_CREDENTIALS | BINFMT_OPEN_BINARY;

	if (options->flags >= 0)
		return (unsigned)options->flags;
	if (arch->flags >= 0)
		flags = (unsigned)arch->flags;
	else if (binfmt_kernel_version(NULL, 0) >= BINFMT_KERNEL_TELLS_ARGV0 &&
		 interpreter->version_number >= BINFMT_QEMU_TELLS_ARGV0)
		flags |= BINFMT_PRESERVE_ARGV0;
	if (options->preserve_argv0)
		flags |= BINFMT_PRESERVE_ARGV0;
	if (options->no_fix_binary)
		flags &= ~(unsigned)BINFMT_FIX_BINARY;
	if (options->no_credentials)
		flags &= ~(unsigned)(BINFMT_CREDENTIALS | BINFMT_OPEN_BINARY);
	return flags;
}

static int check_kernel(unsigned flags, struct err *e)
{
	char release[65] = "";
	unsigned version = binfmt_kernel_version(release, sizeof release);

	if (!(flags & BINFMT_FIX_BINARY) || version >= BINFMT_KERNEL_FIX_BINARY)
		return 0;
	return err_set(e, -ENOSYS,
		       "the kernel is %s, flag F needs 4.8 or newer (upgrade the kernel, "
		       "or use --no-fix-binary)",
		       release);
}

static struct binfmt_entry make_entry(const struct binfmt_arch *arch, size_t i,
				      const char *interpreter, unsigned flags)
{
	const struct binfmt_magic *m = &arch->magics[i];
	struct binfmt_entry entry = {
		.name = binfmt_arch_entry_name(arch, i),
		.enabled = true,
		.size = m->size,
		.interpreter = xstrdup(interpreter),
		.flags = flags,
	};

	memcpy(entry.magic, m->magic, m->size);
	memcpy(entry.mask, m->mask, m->size);
	return entry;
}

static int find_interpreter(struct binfmt_plan *plan, const struct binfmt_arch *arch,
			    const struct binfmt_plan_options *options, struct err *e)
{
	if (options->qemu)
		return binfmt_interpreter_set(&plan->interpreter, options->qemu, e);
	return binfmt_interpreter_find(&plan->interpreter, arch, options->qemu_dir, e);
}

int binfmt_plan_make(struct binfmt_plan *plan, const struct binfmt_arch *arch,
		     const struct binfmt_plan_options *options, struct err *e)
{
	unsigned flags;
	int r;

	*plan = (struct binfmt_plan){0};
	r = find_interpreter(plan, arch, options, e);
	if (r < 0)
		return r;
	binfmt_interpreter_read_version(&plan->interpreter, arch->qemu);
	flags = choose_flags(arch, options, &plan->interpreter);
	r = check_kernel(flags, e);
	if (r == 0)
		r = binfmt_interpreter_check(&plan->interpreter,
					     flags & BINFMT_FIX_BINARY, e);
	for (size_t i = 0; r == 0 && i < arch->nmagics; i++) {
		struct binfmt_entries *entries = &plan->entries;

		GROW(entries->v, entries->n);
		entries->v[entries->n] =
			make_entry(arch, i, plan->interpreter.path, flags);
		r = binfmt_guard_check(&entries->v[entries->n++], e);
	}
	if (r < 0)
		binfmt_plan_free(plan);
	return r;
}

void binfmt_plan_free(struct binfmt_plan *plan)
{
	binfmt_interpreter_free(&plan->interpreter);
	binfmt_entries_free(&plan->entries);
}
