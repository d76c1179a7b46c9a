/* SPDX-License-Identifier: MIT */
#include "binfmt/guard.h"

#include <elf.h>
#include <errno.h>
#include <fcntl.h>
#include <stddef.h>
#include <string.h>
#include <unistd.h>

#include "base/cleanup.h"

/* The first bytes of a file, as the kernel reads them; fewer, or none, is fine. */
static size_t read_head(const char *path, uint8_t head[BINFMT_HEAD_SIZE])
{
	AUTO_CLOSE int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
	ssize_t n = fd < 0 ? 0 : pread(fd, head, BINFMT_HEAD_SIZE, 0);

	return n < 0 ? 0 : (size_t)n;
}

/* Whether it takes this program, or would if that were linked in another way. */
static bool takes_program(const struct binfmt_entry *entry, uint8_t *head, size_t n)
{
	static const uint8_t os_abis[] = {ELFOSABI_SYSV, ELFOSABI_GNU};
	static const uint16_t types[] = {ET_EXEC, ET_DYN};
	bool takes = false;

	if (n < sizeof(Elf32_Ehdr))
		return false;
	for (size_t i = 0; i < ARRAY_SIZE(os_abis); i++)
		for (size_t k = 0; k < ARRAY_SIZE(types); k++) {
			head[EI_OSABI] = os_abis[i];
			memcpy(head + offsetof(Elf32_Ehdr, e_type), &types[k],
			       sizeof types[k]);
			takes = takes || binfmt_entry_matches(entry, head, n);
		}
	return takes;
}

/* An entry comes before the kernel's own handling. */
static int check_programs(const struct binfmt_entry *entry, struct err *e)
{
	static const char *const programs[] = {"/proc/self/exe", "/bin/sh"};

	for (size_t i = 0; i < ARRAY_SIZE(programs); i++) {
		uint8_t head[BINFMT_HEAD_SIZE];
		size_t n = read_head(programs[i], head);

		if (i == 0 && n == 0)
			return err_set(e, -EIO, "cannot read %s (is /proc mounted?)",
				       programs[i]);
		if (takes_program(entry, head, n))
			return err_set(e, -EPERM,
				       "it would take over the programs of this machine "
				       "itself");
	}
	return 0;
}

/* It comes before scripts too. The usual first lines stand for all of them. */
static int check_scripts(const struct binfmt_entry *entry, struct err *e)
{
	static const char *const heads[] = {
		"#!/bin/sh\n",	      "#! /bin/sh\n",	 "#!/bin/bash\n",
		"#! /bin/bash\n",     "#!/bin/sh -",	 "#!/bin/bash -",
		"#!/usr/bin/env ",    "#!/usr/bin/perl", "#!/usr/bin/python3\n",
		"#!/usr/bin/python\n"};

	for (size_t i = 0; i < ARRAY_SIZE(heads); i++)
		if (binfmt_entry_matches(entry, heads[i], strlen(heads[i])))
			return err_set(e, -EPERM,
				       "it would take over scripts such as those that "
				       "start with %.*s",
				       (int)strcspn(heads[i], "\n"), heads[i]);
	return 0;
}

static bool has_extension(const char *path, const char *extension)
{
	const char *dot = strrchr(path, '.');

	return dot && strcmp(dot + 1, extension) == 0;
}

/* The kernel would look for the interpreter's interpreter, and so on. */
static int check_interpreter(const struct binfmt_entry *entry, struct err *e)
{
	uint8_t head[BINFMT_HEAD_SIZE];
	size_t n = read_head(entry->interpreter, head);
	bool itself = entry->extension
			      ? has_extension(entry->interpreter, entry->extension)
			      : n && binfmt_entry_matches(entry, head, n);

	if (!itself)
		return 0;
	return err_set(e, -EPERM, "it would take its own interpreter %s, without end",
		       entry->interpreter);
}

int binfmt_guard_check(const struct binfmt_entry *entry, struct err *e)
{
	int r = binfmt_entry_validate(entry, e);

	if (r < 0)
		return r;
	if (entry->extension && strchr(entry->extension, '.'))
		return err_set(e, -EINVAL,
			       "the extension '%s' has a '.', so that it takes nothing "
			       "(the kernel compares what follows a name's last '.')",
			       entry->extension);
	r = check_programs(entry, e);
	if (r == 0)
		r = check_scripts(entry, e);
	return r < 0 ? r : check_interpreter(entry, e);
}
