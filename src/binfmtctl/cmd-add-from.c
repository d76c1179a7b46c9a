/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <fcntl.h>
#include <string.h>

#include "base/alloc.h"
#include "base/file.h"
#include "binfmt/debian.h"
#include "binfmt/register.h"
#include "binfmtctl/custom.h"

enum { FILE_MAX = 64 * 1024 };

static const char verb[] = "adding";

static void add_lines(struct session *session, const char *path, const char *text,
		      size_t len)
{
	struct binfmt_lines lines = {.file = path, .text = text, .len = len};
	int r;

	do {
		AUTO_BINFMT_ENTRY struct binfmt_entry entry = {0};
		AUTO_ERR struct err e = ERR_INIT;

		r = binfmt_lines_next(&lines, &entry, &e);
		if (r > 0)
			custom_install(session, verb, &entry);
		else if (r < 0)
			session_report_failure(session, verb, "an entry", &e);
	} while (r);
}

static void add_debian(struct session *session, const char *path, const char *text,
		       size_t len)
{
	const char *slash = strrchr(path, '/');
	const char *name = slash ? slash + 1 : path;
	AUTO_BINFMT_ENTRY struct binfmt_entry entry = {0};
	AUTO_ERR struct err e = ERR_INIT;

	if (binfmt_debian_parse(&entry, name, path, text, len, &e) < 0)
		session_report_failure(session, verb, name, &e);
	else
		custom_install(session, verb, &entry);
}

static void add_file(struct session *session, const char *path)
{
	AUTO_FREE char *text = NULL;
	AUTO_ERR struct err e = ERR_INIT;
	size_t len;

	if (file_read_at(AT_FDCWD, path, FILE_MAX, &text, &len, &e) < 0)
		session_report_failure(session, verb, path, &e);
	else if (binfmt_debian_recognise(text, len))
		add_debian(session, path, text, len);
	else
		add_lines(session, path, text, len);
}

static int run(const struct settings *settings)
{
	AUTO_SESSION struct session session = SESSION_INIT(settings);
	AUTO_ERR struct err e = ERR_INIT;
	int r;

	r = session_open(&session, &e);
	if (r < 0)
		return fail(&e);
	for (size_t i = 0; i < settings->names.n; i++)
		add_file(&session, settings->names.v[i]);
	return session_finish(&session);
}

const struct command cmd_add_from = {
	.action = OPT_ADD_FROM,
	.run = run,
	.caps = change_caps,
	.ncaps = CHANGE_CAPS,
};
