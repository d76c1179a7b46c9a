/* SPDX-License-Identifier: MIT */
#include "binfmt/ledger.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>

#include "base/alloc.h"
#include "tests/tap.h"

static struct binfmt_entry make(const char *name, const char *interpreter)
{
	return (struct binfmt_entry){.name = xstrdup(name),
				     .enabled = true,
				     .offset = 3,
				     .size = 2,
				     .magic = {1, 2},
				     .mask = {0xff, 0xf0},
				     .interpreter = xstrdup(interpreter),
				     .flags = BINFMT_FIX_BINARY,
				     .other_flags = "X"};
}

static void stale(const struct binfmt_ledger *l, struct binfmt_entry *live, size_t n,
		  const char *want)
{
	struct binfmt_entries entries = {.v = live, .n = n};
	AUTO_STRV struct strv names = STRV_INIT;

	is_int(binfmt_ledger_check(l, &entries, &names, NULL), 0, "checks");
	is_str(names.n ? names.v[0] : NULL, want, "what is stale");
}

static void test_rows(const char *dir)
{
	CLEAN(binfmt_ledger_close) struct binfmt_ledger l = BINFMT_LEDGER_INIT;
	AUTO_BINFMT_ENTRY struct binfmt_entry theirs = make("a", "/theirs");
	AUTO_BINFMT_ENTRY struct binfmt_entry ours = make("a", "/ours");
	AUTO_BINFMT_ENTRY struct binfmt_entry newer = make("a", "/newer");
	AUTO_BINFMT_ENTRY struct binfmt_entry back = {0};
	AUTO_STRV struct strv names = STRV_INIT;
	AUTO_ERR struct err e = ERR_INIT;

	is_int(binfmt_ledger_open(&l, dir, false, &e), 0, "a missing one is empty");
	ok(!binfmt_ledger_owns(&l, &ours), "and owns nothing");
	is_int(binfmt_ledger_open(&l, dir, true, &e), 0, "is made");

	is_int(binfmt_ledger_note_install(&l, &ours, &theirs, &e), 0, "notes");
	ok(binfmt_ledger_owns(&l, &ours) && !binfmt_ledger_owns(&l, &theirs),
	   "ours is ours, theirs is not");
	stale(&l, &theirs, 1, NULL);
	ok(!binfmt_ledger_has_displaced(&l, "a"), "killed before the kernel was told");
	binfmt_ledger_note_install(&l, &ours, &theirs, &e);
	stale(&l, &ours, 1, NULL);
	ok(binfmt_ledger_owns(&l, &ours), "killed after it was told");
	is_int(binfmt_ledger_note_install(&l, &newer, &ours, &e), 0, "ours gives way");
	ok(binfmt_ledger_owns(&l, &ours) && binfmt_ledger_owns(&l, &newer),
	   "both are ours meanwhile");
	is_int(binfmt_ledger_note_done(&l, "a", &e), 0, "done");
	ok(!binfmt_ledger_owns(&l, &ours), "the old one is no more");
	is_int(binfmt_ledger_displaced(&l, "a", &back, &e), 0,
	       "the first stays on record");
	ok(binfmt_entry_equal(&back, &theirs), "whole, also flags that are not known");
	stale(&l, &newer, 1, NULL);
	stale(&l, &ours, 0, "a");
	ok(!binfmt_ledger_owns(&l, &newer), "the row is struck out");
	ok(binfmt_ledger_has_displaced(&l, "a"), "what was displaced is not");

	binfmt_ledger_note_install(&l, &newer, NULL, &e);
	binfmt_ledger_note_done(&l, "a", &e);
	free(theirs.interpreter);
	theirs.interpreter = xstrdup("/others");
	stale(&l, &theirs, 1, "a");
	ok(!binfmt_ledger_has_displaced(&l, "a"),
	   "somebody else's is there now: nothing is to be put back");

	binfmt_ledger_note_install(&l, &ours, &theirs, &e);
	binfmt_ledger_note_done(&l, "a", &e);
	is_int(binfmt_ledger_note_remove(&l, "a", &e), 0, "ours is removed");
	is_int(binfmt_ledger_displacers(&l, &names, &e), 0, "lists");
	ok(names.n == 1 && strcmp(names.v[0], "a") == 0, "what can be put back");
	is_int(binfmt_ledger_forget(&l, "a", &e), 0, "forgets");
	is_int(binfmt_ledger_forget(&l, "a", &e), 0, "twice is fine");
}

int main(void)
{
	char folder[] = "/tmp/test-ledger-XXXXXX";
	AUTO_FREE char *dir = NULL;
	AUTO_FREE char *rows = NULL;

	if (!mkdtemp(folder))
		return 1;
	dir = xasprintf("%s/state", folder);
	rows = xasprintf("%s/ledger", dir);
	test_rows(dir);
	ok(rmdir(rows) == 0 && rmdir(dir) == 0 && rmdir(folder) == 0,
	   "nothing is left of it");
	return tap_done();
}
