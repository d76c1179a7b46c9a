/* SPDX-License-Identifier: MIT */
#include "build/filters.h"

#include <errno.h>
#include <linux/capability.h>
#include <unistd.h>

#include "base/alloc.h"
#include "build/internal.h"
#include "priv/caps.h"

/* The profile that the machine's own containers have. */
static const char *installed_profile(void)
{
	static const char *const files[] = {"/etc/containers/seccomp.json",
					    "/usr/share/containers/seccomp.json"};

	for (size_t i = 0; i < ARRAY_SIZE(files); i++)
		if (access(files[i], F_OK) == 0)
			return files[i];
	return NULL;
}

/* Nobody can give what he has not. */
static int check_capabilities(const struct build_settings *s, struct err *e)
{
	for (unsigned cap = 0; cap <= CAP_LAST_CAP; cap++) {
		AUTO_FREE char *name = NULL;

		if (!(s->needed_capabilities >> cap & 1) || priv_caps_have(cap))
			continue;
		name = priv_caps_name(cap);
		return err_set(e, -EPERM,
			       "--cap-add: this process has not %s itself, as in a "
			       "container (which has to be started with it)",
			       name);
	}
	return 0;
}

int build_filters_make(struct build *b, struct err *e)
{
	const struct build_settings *s = b->settings;
	struct run_filter_options o = {.sync = s->sync, .capabilities = s->capabilities};
	int r = check_capabilities(s, e);

	if (r == 0 && s->allow_insecure)
		r = run_filter_new(&b->insecure_filter, &o, e);
	o.deny = s->seccomp != BUILD_SECCOMP_NONE && s->seccomp != BUILD_SECCOMP_FILE;
	if (s->seccomp == BUILD_SECCOMP_USUAL)
		o.profile = installed_profile();
	if (s->seccomp == BUILD_SECCOMP_FILE)
		o.profile = s->seccomp_profile;
	return r < 0 ? r : run_filter_new(&b->filter, &o, e);
}

/*
 * Code from the store decides what a step may do, so it counts only in a store that
 * nobody but this user and root can write to. The record's own digest tells damage; it
 * would not tell malice.
 */
static bool take_kept(struct build *b, struct run_filter *f, const struct oci_digest *key)
{
	AUTO_FREE char *code = NULL;
	size_t size;

	return b->store_is_private &&
	       store_record_read(b->store, STORE_FILTER, key, &code, &size, NULL) == 0 &&
	       run_filter_take(f, code, size) == 0;
}

int build_filter_ready(struct build *b, struct run_filter *f, struct err *e)
{
	AUTO_STRBUF struct strbuf text = STRBUF_INIT;
	struct oci_digest key;
	const void *code;
	size_t size;
	int r;

	/* An OCI runtime compiles its own. */
	if (b->settings->runtime || run_filter_is_ready(f))
		return 0;
	run_filter_describe(f, &text);
	oci_digest_of(text.data, text.len, &key);
	if (take_kept(b, f, &key))
		return 0;
	r = run_filter_compile(f, e);
	if (r < 0)
		return r;
	/* If it cannot be kept, it is compiled again, the next time. */
	code = run_filter_code(f, &size);
	(void)store_record_write(b->store, STORE_FILTER, &key, code, size, NULL);
	return 0;
}
