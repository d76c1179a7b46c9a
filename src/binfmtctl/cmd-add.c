/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <fcntl.h>
#include <string.h>

#include "base/alloc.h"
#include "binfmt/bytes.h"
#include "binfmt/like.h"
#include "binfmtctl/custom.h"

static const char verb[] = "adding";

static int read_magic(const struct add_settings *add, struct binfmt_entry *entry,
		      struct err *e)
{
	int n = binfmt_bytes_parse(add->magic, false, entry->magic, e);
	int nmask;

	if (n < 0)
		return err_wrap(e, n, "--magic");
	entry->offset = add->offset;
	entry->size = (size_t)n;
	memset(entry->mask, 0xff, entry->size);
	if (!add->mask)
		return 0;
	nmask = binfmt_bytes_parse(add->mask, true, entry->mask, e);
	if (nmask < 0)
		return err_wrap(e, nmask, "--mask");
	if (nmask != n)
		return err_set(e, -EINVAL, "the mask has %d bytes, the magic %d", nmask,
			       n);
	return 0;
}

static int read_sample(const struct session *session, const char *path,
		       struct binfmt_entry *entry, struct err *e)
{
	AUTO_CLOSE int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
	uint8_t head[BINFMT_HEAD_SIZE];
	ssize_t n = fd < 0 ? -1 : pread(fd, head, sizeof head, 0);
	int r;

	if (n < 0)
		return err_sys(e, -errno, "cannot read %s", path);
	r = binfmt_like(entry, &session->archs, head, (size_t)n, e);
	return r < 0 ? err_wrap(e, r, "%s", path) : 0;
}

static int make_entry(const struct session *session, struct binfmt_entry *entry,
		      struct err *e)
{
	const struct settings *s = session->settings;

	*entry = (struct binfmt_entry){
		.name = xstrdup(s->names.v[0]),
		.enabled = true,
		.interpreter = xstrdup(s->add.interpreter),
		.flags = s->plan.flags < 0 ? 0 : (unsigned)s->plan.flags,
	};
	if (s->add.magic)
		return read_magic(&s->add, entry, e);
	if (s->add.like)
		return read_sample(session, s->add.like, entry, e);
	entry->extension = xstrdup(s->add.extension);
	return 0;
}

static int run(const struct settings *settings)
{
	AUTO_SESSION struct session session = SESSION_INIT(settings);
	AUTO_BINFMT_ENTRY struct binfmt_entry entry = {0};
	AUTO_ERR struct err e = ERR_INIT;
	int r;

	r = session_open(&session, &e);
	if (r < 0)
		return fail(&e);
	if (make_entry(&session, &entry, &e) < 0)
		session_report_failure(&session, verb, settings->names.v[0], &e);
	else
		custom_install(&session, verb, &entry);
	return session_finish(&session);
}

const struct command cmd_add = {
	.action = OPT_ADD,
	.run = run,
	.caps = change_caps,
	.ncaps = CHANGE_CAPS,
};
