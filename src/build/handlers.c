/* SPDX-License-Identifier: MIT */
#include "build/handlers.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "binfmt/native.h"
#include "binfmt/plan.h"
#include "binfmt/platform.h"

/* What the machine is like. */
struct machine {
	struct binfmt_entries live; /* the host's entries */
	bool enabled;
	struct strv native; /* platforms */
};

static int look(struct build_preflight *p, struct machine *m, struct err *e)
{
	struct binfmt_instance host = BINFMT_INSTANCE_INIT;
	AUTO_FREE bool *native = NULL;
	int r = binfmt_archs_load(&p->archs, SYSCONFDIR "/binfmtctl", e);

	if (r < 0)
		return r;
	native = xcalloc(p->archs.n + 1, sizeof *native);
	if (binfmt_instance_find(&host, BINFMT_MOUNT_POINT, NULL) == 0) {
		m->enabled = binfmt_kernel_enabled(host.fd, NULL) != 0;
		r = binfmt_kernel_list(host.fd, &m->live, e);
	}
	binfmt_instance_close(&host);
	if (r == 0)
		r = binfmt_native_probe(&p->archs, &m->live, native, e);
	return r < 0 ? r : binfmt_platforms_native(&p->archs, native, &m->native, e);
}

static void machine_free(struct machine *m)
{
	binfmt_entries_free(&m->live);
	strv_free(&m->native);
}

static bool is_native(const struct machine *m, const struct oci_platform *wanted)
{
	for (size_t i = 0; i < m->native.n; i++) {
		struct oci_platform offered;

		if (oci_platform_parse(&offered, m->native.v[i], NULL) == 0 &&
		    oci_platform_rank(&offered, wanted) > 0)
			return true;
	}
	return false;
}

static const struct binfmt_arch *arch_of(const struct build_preflight *p,
					 const struct oci_platform *platform)
{
	struct oci_platform plain = *platform;
	char text[OCI_PLATFORM_TEXT];
	const struct binfmt_arch *arch =
		binfmt_archs_find(&p->archs, oci_platform_format(platform, text));

	if (arch)
		return arch;
	plain.variant[0] = '\0';
	return binfmt_archs_find(&p->archs, oci_platform_format(&plain, text));
}

/* A handler that works in a root of its own is one with flag F. */
static bool host_runs(const struct build_preflight *p, const struct machine *m,
		      const struct binfmt_arch *arch)
{
	for (size_t i = 0; m->enabled && i < m->live.n; i++) {
		const struct binfmt_entry *entry = &m->live.v[i];

		if (entry->enabled && (entry->flags & BINFMT_FIX_BINARY) &&
		    binfmt_archs_find_entry(&p->archs, entry->name) == arch)
			return true;
	}
	return false;
}

static int plan_private(struct build_preflight *p, const struct binfmt_arch *arch,
			struct err *e)
{
	AUTO_BINFMT_PLAN struct binfmt_plan plan = {0};
	struct binfmt_plan_options o = {.flags = -1};
	unsigned version = binfmt_kernel_version(NULL, 0);
	int r;

	if (version && version < BINFMT_KERNEL_USER_NAMESPACE)
		return err_set(e, -EOPNOTSUPP,
			       "handlers of its own need Linux 6.7; register one on the "
			       "machine: sudo binfmtctl --install %s",
			       arch->name);
	r = binfmt_plan_make(&plan, arch, &o, e);
	for (size_t i = 0; r == 0 && i < plan.entries.n; i++) {
		GROW(p->entries.v, p->entries.n);
		p->entries.v[p->entries.n++] = plan.entries.v[i];
		plan.entries.v[i] = (struct binfmt_entry){0};
	}
	return r;
}

static int host_only(const struct binfmt_arch *arch, struct err *e)
{
	return err_set(e, -ENOENT,
		       "no handler with flag F is registered for it on this machine "
		       "(sudo binfmtctl --install %s)",
		       arch->name);
}

/* All from one side: a private table hides the host's. */
static int decide_all(struct build_preflight *p, const struct machine *m, bool private,
		      const struct oci_platform *platforms, size_t n, struct err *e)
{
	int r = 0;

	p->nemulated = 0;
	for (size_t i = 0; r == 0 && i < n; i++) {
		const struct binfmt_arch *arch = arch_of(p, &platforms[i]);
		char text[OCI_PLATFORM_TEXT];

		if (is_native(m, &platforms[i]))
			continue;
		if (!arch)
			r = err_set(e, -EINVAL, "there is no emulator for it");
		else if (private)
			r = plan_private(p, arch, e);
		else
			r = host_runs(p, m, arch) ? 0 : host_only(arch, e);
		if (r < 0)
			return err_wrap(e, r, "programs of %s cannot run here",
					oci_platform_format(&platforms[i], text));
		p->emulated[p->nemulated++] = platforms[i];
	}
	p->private = private && p->entries.n;
	return r;
}

int build_preflight_decide(struct build_preflight *p, enum build_handlers handlers,
			   const struct oci_platform *platforms, size_t n, struct err *e)
{
	CLEAN(machine_free) struct machine m = {0};
	int r;

	*p = (struct build_preflight){.instance = BINFMT_INSTANCE_INIT};
	if (!n)
		return 0;
	p->emulated = xcalloc(n, sizeof *p->emulated);
	r = look(p, &m, e);
	if (r < 0)
		return r;
	if (handlers == BUILD_HANDLERS_HOST)
		return decide_all(p, &m, false, platforms, n, e);
	r = decide_all(p, &m, true, platforms, n, e);
	if (r == 0 || handlers == BUILD_HANDLERS_PRIVATE)
		return r;
	/* The words of the private way stay: that is the one to mend. */
	binfmt_entries_free(&p->entries);
	p->entries = (struct binfmt_entries){0};
	if (decide_all(p, &m, false, platforms, n, NULL) < 0)
		return r;
	err_free(e);
	return 0;
}

/* Two platforms may have one handler. */
static int register_one(struct build_preflight *p, const struct binfmt_entry *entry,
			struct err *e)
{
	AUTO_ERR struct err why = ERR_INIT;
	int r = binfmt_kernel_check(binfmt_kernel_version(NULL, 0), entry, &why);

	if (r == 0)
		r = binfmt_kernel_register(p->instance.fd, entry, &why);
	if (r < 0 && r != -EEXIST)
		return err_set(e, r, "cannot register %s: %s", entry->name, why.text);
	return 0;
}

int build_preflight_register(struct build_preflight *p, struct err *e)
{
	int r = binfmt_instance_own(&p->instance, BINFMT_MOUNT_POINT, e);

	for (size_t i = 0; r == 0 && i < p->entries.n; i++)
		r = register_one(p, &p->entries.v[i], e);
	return r;
}

void build_preflight_free(struct build_preflight *p)
{
	binfmt_instance_close(&p->instance);
	free(p->emulated);
	binfmt_entries_free(&p->entries);
	binfmt_archs_free(&p->archs);
}
