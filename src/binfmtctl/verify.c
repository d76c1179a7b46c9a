/* SPDX-License-Identifier: MIT */
#include "binfmtctl/verify.h"

#include <errno.h>
#include <string.h>

#include "base/alloc.h"
#include "binfmt/verify.h"

static const char verb[] = "verifying";

/* What the entry promises, held against what the probe saw. */
static int check_promises(const struct binfmt_verdict *v,
			  const struct binfmt_entry *entry, struct err *e)
{
	unsigned flags = entry ? entry->flags : 0;

	if (!v->threads)
		return err_set(e, -EIO, "it cannot make threads");
	if ((flags & BINFMT_PRESERVE_ARGV0) && !v->argv0_kept)
		return err_set(e, -EIO,
			       "argv[0] is lost, although flag P is set (this qemu does "
			       "not know it: --replace --flags OCF)");
	if ((flags & BINFMT_CREDENTIALS) && v->setuid_tried && !v->setuid)
		return err_set(e, -EIO,
			       "the set-user-ID bit is not honoured, although flag C is "
			       "set");
	return 0;
}

static char *describe(const struct binfmt_verdict *v)
{
	AUTO_STRBUF struct strbuf s = STRBUF_INIT;

	if (v->native)
		strbuf_adds(&s, "OK (run by the machine itself");
	else if (v->answered.version[0])
		strbuf_addf(&s, "OK (qemu %s", v->answered.version);
	else
		strbuf_addf(&s, "OK (%s",
			    v->answered.path ? v->answered.path : "handler not seen");
	if (v->argv0_kept)
		strbuf_adds(&s, ", keeps argv[0]");
	if (v->setuid)
		strbuf_adds(&s, ", set-user-ID");
	strbuf_adds(&s, ", threads)");
	return strbuf_take(&s);
}

static void warn(const struct binfmt_verdict *v, const struct binfmt_arch *arch,
		 const char *label)
{
	unsigned version = v->answered.version_number;

	if (v->file_changed)
		fprintf(stderr,
			"%s: %s warning: %s has changed since it was installed, the kernel "
			"still runs the old file (--install %s --replace)\n",
			verb, label, v->answered.path, label);
	if (version && version < BINFMT_QEMU_SOUND_ARM64 &&
	    strcmp(arch->name, "aarch64") == 0)
		fprintf(stderr,
			"%s: %s warning: qemu %s ends some arm64 programs with signal 11 "
			"(use 7.0 or newer: --install %s --replace --qemu PATH)\n",
			verb, label, v->answered.version, label);
}

static void add_result(struct cli_json *results, const struct binfmt_arch *arch,
		       const struct binfmt_verdict *v, const struct err *why)
{
	struct cli_json *j = cli_json_object();

	cli_json_set_string(j, "architecture", arch->name);
	cli_json_set_bool(j, "ok", why->code == 0);
	if (why->code) {
		AUTO_FREE char *text = err_message(why);

		cli_json_set_string(j, "error", text);
	}
	if (v->answered.path)
		cli_json_set_string(j, "interpreter", v->answered.path);
	if (v->answered.version[0])
		cli_json_set_string(j, "version", v->answered.version);
	if (v->ran) {
		cli_json_set_bool(j, "native", v->native);
		cli_json_set_bool(j, "argv0", v->argv0_kept);
		cli_json_set_bool(j, "threads", v->threads);
		cli_json_set_bool(j, "changed", v->file_changed);
	}
	if (v->setuid_tried)
		cli_json_set_bool(j, "setuid", v->setuid);
	cli_json_add(results, j);
}

bool verify_arch(struct session *session, const struct binfmt_arch *arch,
		 const char *label, struct cli_json *results)
{
	AUTO_FREE char *name = binfmt_arch_entry_name(arch, 0);
	AUTO_BINFMT_ENTRY struct binfmt_entry entry = {0};
	CLEAN(binfmt_verdict_free) struct binfmt_verdict v = {0};
	AUTO_ERR struct err e = ERR_INIT;
	int fd = session->instance.fd;
	/* As it is now, not as it was when the session was opened. */
	bool there = fd >= 0 && binfmt_kernel_get(fd, name, &entry, NULL) == 0;
	int r = binfmt_verify(&v, arch, there ? &entry : NULL, &e);

	if (r == 0)
		r = check_promises(&v, there ? &entry : NULL, &e);
	if (results)
		add_result(results, arch, &v, &e);
	warn(&v, arch, label);
	if (r < 0) {
		session_report_failure(session, verb, label, &e);
	} else {
		AUTO_FREE char *text = describe(&v);

		session_report(verb, label, text);
	}
	return r == 0;
}
