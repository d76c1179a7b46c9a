/* SPDX-License-Identifier: MIT */
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/strv.h"
#include "binfmt/doctor-internal.h"
#include "binfmt/elf.h"
#include "binfmt/interpreter.h"
#include "binfmt/match.h"

void doctor_check_table(const struct binfmt_facts *facts, struct binfmt_findings *f)
{
	if (!facts->enabled)
		doctor_say(f, BINFMT_VERDICT_BAD,
			   xasprintf("`echo 1 >%s/status`", facts->mount_point),
			   "binfmt_misc is disabled as a whole: no handler runs");
	else if (facts->live->n == 0)
		doctor_say(f, BINFMT_VERDICT_WARN, xstrdup("`binfmtctl --install all`"),
			   "there are no entries: foreign programs do not run");
	else
		doctor_say(f, BINFMT_VERDICT_OK, NULL, "there are %zu entries",
			   facts->live->n);
}

void doctor_check_limit(const struct binfmt_facts *facts, struct binfmt_findings *f)
{
	static const char path[] = "proc/sys/user/max_binfmt_misc_interpreters";
	AUTO_FREE char *text = doctor_read(facts, path);
	unsigned long limit = text ? strtoul(text, NULL, 10) : 0;
	size_t used = 0;

	for (size_t i = 0; i < facts->live->n; i++)
		used += (facts->live->v[i].flags & BINFMT_FIX_BINARY) != 0;
	if (!text)
		doctor_say(f, BINFMT_VERDICT_OK, NULL,
			   "this kernel has no limit for entries with flag F");
	else if (used * 10 >= limit * 9)
		doctor_say(f, BINFMT_VERDICT_WARN,
			   xasprintf("write a larger number into /%s", path),
			   "%zu of at most %lu entries have flag F", used, limit);
	else
		doctor_say(f, BINFMT_VERDICT_OK, NULL,
			   "%zu of at most %lu entries have flag F", used, limit);
}

void doctor_check_disabled(const struct binfmt_facts *facts, struct binfmt_findings *f)
{
	size_t before = f->n;

	for (size_t i = 0; i < facts->live->n; i++) {
		const struct binfmt_entry *entry = &facts->live->v[i];

		if (!entry->enabled)
			doctor_say(f, BINFMT_VERDICT_WARN,
				   xasprintf("`binfmtctl --enable %s`", entry->name),
				   "the entry %s is disabled", entry->name);
	}
	if (f->n == before)
		doctor_say(f, BINFMT_VERDICT_OK, NULL, "no entry is disabled");
}

/* The entry at or after index *i that is enabled and takes it, and *i after it. */
static const struct binfmt_entry *next_taker(const struct binfmt_facts *facts,
					     const struct binfmt_head *head, size_t *i)
{
	while (*i < facts->live->n) {
		const struct binfmt_entry *entry = &facts->live->v[(*i)++];

		if (entry->enabled && binfmt_match(entry, head))
			return entry;
	}
	return NULL;
}

void doctor_check_own(const struct binfmt_facts *facts, struct binfmt_findings *f)
{
	struct binfmt_elf own = {0};
	size_t before = f->n;

	(void)binfmt_elf_read_own(&own, NULL, NULL); /* 0 is no machine */
	for (size_t i = 0; i < facts->archs->n; i++) {
		const struct binfmt_arch *arch = &facts->archs->v[i];
		struct binfmt_head head = binfmt_match_head(arch, 0);
		const struct binfmt_magic *m = &arch->magics[0];
		bool same = m->machine == own.machine && m->bits == own.bits;
		const struct binfmt_entry *entry;
		size_t k = 0;

		if (!facts->native[i] || !(entry = next_taker(facts, &head, &k)))
			continue;
		doctor_say(f, same ? BINFMT_VERDICT_BAD : BINFMT_VERDICT_WARN,
			   xasprintf("`binfmtctl --uninstall %s`", entry->name),
			   "the entry %s takes the programs for %s, which this machine "
			   "runs itself",
			   entry->name, arch->name);
	}
	if (f->n == before)
		doctor_say(f, BINFMT_VERDICT_OK, NULL,
			   "no entry takes programs that this machine runs itself");
}

static void check_conflict(const struct binfmt_facts *facts,
			   const struct binfmt_arch *arch, size_t i,
			   struct binfmt_findings *f)
{
	AUTO_FREE char *wanted = binfmt_arch_entry_name(arch, i);
	struct binfmt_head head = binfmt_match_head(arch, i);
	const struct binfmt_entry *first, *other;
	size_t k = 0;

	first = next_taker(facts, &head, &k);
	other = next_taker(facts, &head, &k);
	if (!first || !other)
		return;
	if (!facts->live->ordered)
		doctor_say(
			f, BINFMT_VERDICT_WARN,
			xasprintf("remove one: `binfmtctl --uninstall %s`", other->name),
			"the entries %s and %s both take programs for %s; the newer one "
			"wins",
			first->name, other->name, arch->name);
	else if (strcmp(other->name, wanted) == 0)
		doctor_say(
			f, BINFMT_VERDICT_WARN,
			xasprintf("`binfmtctl --uninstall %s`", first->name),
			"the entry %s takes the programs for %s; %s is older and never "
			"asked",
			first->name, arch->name, other->name);
	else
		doctor_say(f, BINFMT_VERDICT_OK, NULL,
			   "the entry %s takes the programs for %s before %s, which is "
			   "older",
			   first->name, arch->name, other->name);
}

void doctor_check_conflicts(const struct binfmt_facts *facts, struct binfmt_findings *f)
{
	size_t before = f->n;

	for (size_t i = 0; i < facts->archs->n; i++)
		for (size_t k = 0; k < facts->archs->v[i].nmagics; k++)
			check_conflict(facts, &facts->archs->v[i], k, f);
	if (f->n == before)
		doctor_say(f, BINFMT_VERDICT_OK, NULL,
			   "no two entries take the same architecture");
}

/* The architecture whose programs an entry takes, whatever its name is. */
static const struct binfmt_arch *arch_taken(const struct binfmt_facts *facts,
					    const struct binfmt_entry *entry)
{
	for (size_t i = 0; i < facts->archs->n; i++) {
		struct binfmt_head head = binfmt_match_head(&facts->archs->v[i], 0);

		if (binfmt_match(entry, &head))
			return &facts->archs->v[i];
	}
	return NULL;
}

/* How to put a better handler there: in its place if it is ours, else beside it. */
static char *mend_by_replacing(const struct binfmt_arch *arch,
			       const struct binfmt_entry *entry, const char *options)
{
	AUTO_FREE char *label = binfmt_arch_label(arch);
	AUTO_FREE char *name = binfmt_arch_entry_name(arch, 0);

	if (strcmp(entry->name, name) == 0)
		return xasprintf("`binfmtctl --install %s --replace%s`", label, options);
	return xasprintf("`binfmtctl --uninstall %s`, then `binfmtctl --install %s%s`",
			 entry->name, label, options);
}

void doctor_check_fix_binary(const struct binfmt_facts *facts, struct binfmt_findings *f)
{
	size_t before = f->n;

	for (size_t i = 0; i < facts->live->n; i++) {
		const struct binfmt_entry *entry = &facts->live->v[i];
		const struct binfmt_arch *arch = arch_taken(facts, entry);

		if (!arch || !entry->enabled || (entry->flags & BINFMT_FIX_BINARY))
			continue;
		doctor_say(f, BINFMT_VERDICT_WARN, mend_by_replacing(arch, entry, ""),
			   "the entry %s has no flag F: a container or chroot needs %s "
			   "inside",
			   entry->name, entry->interpreter);
	}
	if (f->n == before)
		doctor_say(f, BINFMT_VERDICT_OK, NULL,
			   "every handler of an architecture works in containers (F)");
}

void doctor_check_credentials(const struct binfmt_facts *facts, struct binfmt_findings *f)
{
	size_t before = f->n;

	for (size_t i = 0; i < facts->live->n; i++) {
		const struct binfmt_entry *entry = &facts->live->v[i];
		const struct binfmt_arch *arch = arch_taken(facts, entry);

		if (!arch || !entry->enabled || (entry->flags & BINFMT_CREDENTIALS))
			continue;
		doctor_say(f, BINFMT_VERDICT_WARN, mend_by_replacing(arch, entry, ""),
			   "the entry %s has no flag C: sudo and other set-user-ID "
			   "programs for %s gain nothing",
			   entry->name, arch->name);
	}
	if (f->n == before)
		doctor_say(f, BINFMT_VERDICT_OK, NULL,
			   "every handler of an architecture honours set-user-ID (C)");
}

/* Opens an entry's interpreter below the root. */
static int open_interpreter(const struct binfmt_facts *facts,
			    const struct binfmt_entry *entry, struct stat *st)
{
	const char *path = entry->interpreter;
	AUTO_CLOSE int fd = -1;

	while (*path == '/')
		path++;
	fd = openat(facts->root, path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
	return fd >= 0 && fstat(fd, st) == 0 ? TAKE_FD(fd) : -1;
}

static void check_interpreter(const struct binfmt_facts *facts,
			      const struct binfmt_entry *entry, struct binfmt_findings *f)
{
	const struct binfmt_arch *arch = arch_taken(facts, entry);
	bool fixed = entry->flags & BINFMT_FIX_BINARY;
	struct binfmt_elf elf;
	struct stat st;
	AUTO_CLOSE int fd = open_interpreter(facts, entry, &st);

	if (fd < 0) {
		if (fixed)
			doctor_say(
				f, BINFMT_VERDICT_WARN,
				xasprintf("install %s again, or `binfmtctl --uninstall "
					  "%s`",
					  entry->interpreter, entry->name),
				"%s of the entry %s cannot be found any more; the kernel "
				"holds the old file until it is removed or the machine "
				"ends",
				entry->interpreter, entry->name);
		else
			doctor_say(
				f, BINFMT_VERDICT_BAD,
				xasprintf("install %s again, or `binfmtctl --uninstall "
					  "%s`",
					  entry->interpreter, entry->name),
				"%s of the entry %s cannot be found: what it takes fails "
				"with 'No such file or directory'",
				entry->interpreter, entry->name);
		return;
	}
	if (!fixed && (!S_ISREG(st.st_mode) || !(st.st_mode & 0111)))
		doctor_say(f, BINFMT_VERDICT_BAD,
			   xasprintf("`chmod +x %s`", entry->interpreter),
			   "%s of the entry %s cannot be run", entry->interpreter,
			   entry->name);
	else if (fixed && binfmt_elf_read(fd, st.st_size, &elf, NULL) == 0 &&
		 elf.has_interpreter)
		doctor_say(f, BINFMT_VERDICT_WARN,
			   arch ? mend_by_replacing(arch, entry, " --qemu STATIC-QEMU")
				: xstrdup("use a statically linked one"),
			   "%s of the entry %s is dynamically linked: in containers it "
			   "needs %s inside, in spite of flag F",
			   entry->interpreter, entry->name, elf.interpreter);
}

void doctor_check_interpreters(const struct binfmt_facts *facts,
			       struct binfmt_findings *f)
{
	size_t before = f->n;

	for (size_t i = 0; i < facts->live->n; i++)
		if (facts->live->v[i].enabled)
			check_interpreter(facts, &facts->live->v[i], f);
	if (f->n == before)
		doctor_say(f, BINFMT_VERDICT_OK, NULL,
			   "every interpreter is where its entry says");
}

/* What runs an interpreter, where the machine itself does not; NULL where it does. */
static char *name_helper(const struct binfmt_facts *facts,
			 const struct binfmt_entry *entry)
{
	struct binfmt_head head = {.name = entry->interpreter, .limit = BINFMT_HEAD_SIZE};
	const struct binfmt_entry *taker;
	struct binfmt_script script;
	struct stat st;
	AUTO_CLOSE int fd = open_interpreter(facts, entry, &st);
	ssize_t n = fd < 0 ? -1 : pread(fd, head.bytes, sizeof head.bytes, 0);
	size_t i = 0;

	if (n < 0)
		return NULL;
	head.size = (size_t)n;
	taker = next_taker(facts, &head, &i);
	if (taker)
		return xasprintf("a program for the entry %s", taker->name);
	if (binfmt_script_parse(&head, &script, NULL) == 0)
		return xasprintf("a script for %s", script.interpreter);
	return NULL;
}

/* The kernel's reason stands at find_opener() in explain.c. */
void doctor_check_chains(const struct binfmt_facts *facts, struct binfmt_findings *f)
{
	bool only_one = facts->version >= BINFMT_KERNEL_ONE_OPENED;
	size_t before = f->n;

	for (size_t i = 0; only_one && i < facts->live->n; i++) {
		const struct binfmt_entry *entry = &facts->live->v[i];
		bool opens = entry->enabled && (entry->flags & BINFMT_OPEN_BINARY);
		AUTO_FREE char *helper = opens ? name_helper(facts, entry) : NULL;

		if (helper)
			doctor_say(f, BINFMT_VERDICT_BAD,
				   xasprintf("add it again with a program for this "
					     "machine as the interpreter, or without "
					     "flags O and C (`binfmtctl --add %s "
					     "--replace`)",
					     entry->name),
				   "%s of the entry %s is %s: with flag O or C, what it "
				   "takes fails with 'Exec format error'",
				   entry->interpreter, entry->name, helper);
	}
	if (f->n == before)
		doctor_say(f, BINFMT_VERDICT_OK, NULL,
			   "every interpreter that gets the file opened (O, C) runs by "
			   "itself");
}

static bool is_before(const struct timespec *a, const struct statx_timestamp *b)
{
	return a->tv_sec < b->tv_sec ||
	       (a->tv_sec == b->tv_sec && a->tv_nsec < (long)b->tv_nsec);
}

/*
 * Whether the file at an interpreter's path was made after its entry: what flag F holds
 * is another, then. An entry's file is changed when it is registered, or later. A file
 * that is older, or whose file system does not tell, proves nothing.
 */
static bool is_replaced(const struct binfmt_facts *facts,
			const struct binfmt_entry *entry)
{
	struct statx stx;
	struct stat st;
	AUTO_CLOSE int fd = open_interpreter(facts, entry, &st);

	if (fd < 0 || fstatat(facts->table, entry->name, &st, 0) < 0 ||
	    statx(fd, "", AT_EMPTY_PATH, STATX_BTIME, &stx) < 0)
		return false;
	return (stx.stx_mask & STATX_BTIME) && is_before(&st.st_mtim, &stx.stx_btime);
}

void doctor_check_replaced(const struct binfmt_facts *facts, struct binfmt_findings *f)
{
	size_t before = f->n;

	for (size_t i = 0; i < facts->live->n; i++) {
		const struct binfmt_entry *entry = &facts->live->v[i];
		const struct binfmt_arch *arch = arch_taken(facts, entry);

		if (!(entry->flags & BINFMT_FIX_BINARY) || !is_replaced(facts, entry))
			continue;
		doctor_say(
			f, BINFMT_VERDICT_WARN,
			arch ? mend_by_replacing(arch, entry, "")
			     : xstrdup("remove the entry and add it again"),
			"%s is newer than the entry %s: the kernel still runs the file "
			"that was there before",
			entry->interpreter, entry->name);
	}
	if (f->n == before)
		doctor_say(f, BINFMT_VERDICT_OK, NULL,
			   "no interpreter is known to have been replaced since");
}

static void check_qemu(const struct binfmt_facts *facts, const struct binfmt_entry *entry,
		       const struct binfmt_arch *arch, struct binfmt_findings *f)
{
	AUTO_BINFMT_INTERPRETER struct binfmt_interpreter qemu = {0};
	struct stat st;
	AUTO_CLOSE int fd = open_interpreter(facts, entry, &st);

	if (fd < 0)
		return;
	qemu.path = xasprintf("/proc/self/fd/%d", fd);
	binfmt_interpreter_read_version(&qemu, arch->qemu);
	if (!qemu.version_number)
		return;
	if (qemu.version_number < BINFMT_QEMU_SOUND_ARM64 &&
	    strcmp(arch->name, "aarch64") == 0)
		doctor_say(f, BINFMT_VERDICT_WARN,
			   mend_by_replacing(arch, entry, " --qemu NEWER-QEMU"),
			   "%s of the entry %s is qemu %s: before 7.0 some programs for "
			   "arm64 die of 'uncaught target signal 11'",
			   entry->interpreter, entry->name, qemu.version);
	else if ((entry->flags & BINFMT_PRESERVE_ARGV0) &&
		 qemu.version_number < BINFMT_QEMU_TELLS_ARGV0)
		doctor_say(f, BINFMT_VERDICT_WARN, mend_by_replacing(arch, entry, ""),
			   "the entry %s has flag P, of which its qemu %s does not know "
			   "(6.0): programs get their words wrong",
			   entry->name, qemu.version);
}

void doctor_check_qemu(const struct binfmt_facts *facts, struct binfmt_findings *f)
{
	size_t before = f->n;

	for (size_t i = 0; i < facts->live->n; i++) {
		const struct binfmt_entry *entry = &facts->live->v[i];
		const struct binfmt_arch *arch = arch_taken(facts, entry);

		if (arch && entry->enabled)
			check_qemu(facts, entry, arch, f);
	}
	if (f->n == before)
		doctor_say(f, BINFMT_VERDICT_OK, NULL,
			   "no qemu is known to be too old for its entry");
}
