/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/file.h"
#include "build/filters.h"
#include "build/internal.h"
#include "build/mounts.h"
#include "build/step.h"
#include "priv/overlay.h"
#include "run/step.h"

#define SCRIPT "/dev/pipes/script" /* where a RUN that begins with #! is */

enum { LAST_LINES = 20 };

struct running {
	struct build *b;
	struct build_step *s;
	struct strv argv;
	struct strv env;
	char *script;
	struct build_mounts mounts;
	struct strv last; /* lines of output */
};

/* --- What is run --- */

static void set_argv(struct running *r)
{
	const struct build_step *s = r->s;
	AUTO_FREE char *text = NULL;

	switch (dockerfile_run_text(&s->in, &text)) {
	case DOCKERFILE_RUN_EXEC:
		for (size_t i = 0; i < s->in.args.n; i++)
			strv_add(&r->argv, s->in.args.v[i].text);
		break;
	case DOCKERFILE_RUN_SHELL:
		for (size_t i = 0; i < s->shell.n; i++)
			strv_add(&r->argv, s->shell.v[i]);
		strv_own(&r->argv, TAKE_PTR(text));
		break;
	case DOCKERFILE_RUN_SCRIPT:
		strv_add(&r->argv, SCRIPT);
		r->script = TAKE_PTR(text);
		break;
	}
}

static void set_env(struct running *r)
{
	AUTO_VARS struct dockerfile_vars proxies = {0};

	for (size_t i = 0; i < r->s->env.n; i++)
		strv_add(&r->env, r->s->env.v[i]);
	dockerfile_proxy_env(&r->b->settings->build_args, &proxies);
	for (size_t i = 0; i < proxies.n; i++)
		strv_addf(&r->env, "%s=%s", proxies.v[i].name, proxies.v[i].value);
}

/* What a mount says counts. text is NAME=VALUE. */
static void replace_env(struct strv *env, const char *text)
{
	size_t len = strcspn(text, "=") + 1;

	for (size_t i = 0; i < env->n; i++)
		if (strncmp(env->v[i], text, len) == 0) {
			free(env->v[i]);
			env->v[i] = xstrdup(text);
			return;
		}
	strv_add(env, text);
}

/*
 * The script lies in the draft and is bound from there: files that the sandbox makes in
 * memory cannot be executed.
 */
static int add_script(struct running *r, const struct store_draft *draft, struct err *e)
{
	struct build_mounts *m = &r->mounts;
	size_t len = r->script ? strlen(r->script) : 0;
	AUTO_CLOSE int fd = -1;
	int code;

	if (!r->script)
		return 0;
	code = file_write_at(draft->dirfd, "script", r->script, len, 0755, e);
	if (code < 0)
		return code;
	fd = openat(draft->dirfd, "script", O_PATH | O_CLOEXEC);
	if (fd < 0 || fchmodat(draft->dirfd, "script", 0755, 0) < 0)
		return err_sys(e, -errno, "cannot open a file in the store");
	m->bases[m->n].draft = (struct store_draft)STORE_DRAFT_INIT;
	m->bases[m->n].source = fd;
	m->bases[m->n].held = -1;
	m->v[m->n++] = (struct run_mount){.type = RUN_MOUNT_BIND,
					  .target = SCRIPT,
					  .read_only = true,
					  .source = TAKE_FD(fd)};
	return 0;
}

static bool says(const struct running *r, enum dockerfile_flag_id flag, const char *value)
{
	const struct dockerfile_word *word = dockerfile_flag(&r->s->in, flag);

	return word && strcmp(word->text, value) == 0;
}

static enum run_network network(const struct running *r)
{
	if (says(r, DOCKERFILE_FLAG_NETWORK, "none"))
		return RUN_NETWORK_NONE;
	if (says(r, DOCKERFILE_FLAG_NETWORK, "host"))
		return RUN_NETWORK_HOST;
	return r->b->settings->network;
}

static bool is_insecure(const struct running *r)
{
	return says(r, DOCKERFILE_FLAG_SECURITY, "insecure");
}

/* A Dockerfile does not get more than who calls has allowed. */
static int check_flags(const struct running *r, struct err *e)
{
	const struct build_settings *settings = r->b->settings;

	if (is_insecure(r) && !settings->allow_insecure)
		return err_set(e, -EPERM,
			       "--security=insecure gives it every privilege, which you "
			       "have to allow: --allow security.insecure");
	if (network(r) == RUN_NETWORK_HOST && settings->network == RUN_NETWORK_NONE &&
	    !settings->allow_host_network)
		return err_set(e, -EPERM,
			       "--network=host goes beyond the --network=none that you "
			       "asked for (--allow network.host lets it)");
	return 0;
}

/* --- Its output --- */

static void output(void *context, enum run_stream stream, const char *line, size_t len)
{
	struct running *r = context;
	AUTO_FREE char *text = NULL;

	len -= len && line[len - 1] == '\n';
	text = xcalloc(len + 1, 1);
	/* A zero byte would end the text. */
	for (size_t i = 0; i < len; i++)
		text[i] = line[i] ? line[i] : '?';
	build_say(r->b, BUILD_STEP_OUTPUT, r->s, text);
	if (r->last.n == LAST_LINES) {
		free(r->last.v[0]);
		memmove(r->last.v, r->last.v + 1, LAST_LINES * sizeof *r->last.v);
		r->last.n--;
	}
	strv_own(&r->last, TAKE_PTR(text));
}

static void tell_tail(const struct running *r)
{
	AUTO_STRBUF struct strbuf tail = STRBUF_INIT;

	for (size_t i = 0; i < r->last.n; i++)
		strbuf_addf(&tail, "%s%s", i ? "\n" : "", r->last.v[i]);
	build_say(r->b, BUILD_STEP_TAIL, r->s, tail.data);
}

/*
 * Also of a step that went on when one of its processes was killed: what it came to
 * depends on the limit, and would be taken for the same without.
 */
static void tell_want(const struct build_settings *settings, struct strbuf *why)
{
	static const char units[] = "bkmgt";
	uint64_t n = settings->memory;
	const char *unit = units;

	for (; n && n % 1024 == 0 && unit[1]; unit++)
		n /= 1024;
	strbuf_adds(why, "was killed for want of memory");
	if (n)
		strbuf_addf(why, ": it may use no more than --memory=%llu%c",
			    (unsigned long long)n, *unit);
}

static int judge(const struct running *r, const struct run_result *result, struct err *e)
{
	AUTO_STRBUF struct strbuf why = STRBUF_INIT;

	if (!result->status && !result->signal && !result->lacked_memory)
		return 0;
	if (result->lacked_memory)
		tell_want(r->b->settings, &why);
	else if (result->signal)
		strbuf_addf(&why, "was killed by signal %d (%s)%s", result->signal,
			    strsignal(result->signal),
			    result->signal == SIGKILL ? ", perhaps for want of memory"
						      : "");
	else
		strbuf_addf(&why, "ended with exit code %d", result->status);
	if (r->b->one_owner)
		strbuf_adds(&why,
			    " (it has one user id alone: others need newuidmap, and "
			    "lines for this user in /etc/subuid and /etc/subgid)");
	if (r->last.n)
		tell_tail(r);
	return err_set(e, -ECHILD, "%s", why.data);
}

/* --- Running --- */

static int execute(struct running *r, const struct priv_overlay *overlay, int root,
		   struct err *e)
{
	const struct build_settings *settings = r->b->settings;
	struct run_spec spec = RUN_SPEC_INIT;
	struct run_result result = {0};
	int code;

	spec.argv = (const char *const *)r->argv.v;
	spec.env = (const char *const *)r->env.v;
	spec.cwd = r->s->cwd;
	spec.user = r->s->user;
	spec.overlay = overlay;
	spec.root = root;
	spec.mounts = r->mounts.v;
	spec.nmounts = r->mounts.n;
	spec.network = network(r);
	spec.hosts = settings->hosts;
	spec.nhosts = settings->nhosts;
	spec.resolv_conf = settings->resolv_conf;
	spec.limits = settings->limits;
	spec.nlimits = settings->nlimits;
	spec.shm_size = settings->shm_size;
	spec.capabilities = settings->capabilities;
	spec.all_capabilities = is_insecure(r);
	spec.filter = is_insecure(r) ? &r->b->insecure_filter : &r->b->filter;
	spec.runtime = settings->runtime;
	spec.cgroups = r->b->cgroups.parent < 0 ? NULL : &r->b->cgroups;
	spec.output = output;
	spec.context = r;
	spec.cancel = r->b->cancel;
	code = build_filter_ready(r->b, spec.filter, e);
	if (code == 0)
		code = run_step(&spec, &result, e);
	if (code == -ENOEXEC) {
		char platform[OCI_PLATFORM_TEXT];

		return err_set(e, code,
			       "%s is no program that can run here, for %s: no "
			       "handler takes it",
			       r->argv.v[0],
			       oci_platform_format(&r->s->platform, platform));
	}
	return code < 0 ? code : judge(r, &result, e);
}

/* The upper folder is the layer, and as it is, its snapshot. */
static int keep(struct build *b, struct store_draft *draft, struct build_layer **layer,
		struct err *e)
{
	struct build_new_layer new;
	int r = build_new_layer_begin(b, &new, e);

	if (r == 0)
		r = layer_writer_add_upper(new.writer, draft->fs, e);
	if (r == 0)
		r = build_new_layer_end(b, &new, layer, e);
	build_new_layer_free(&new);
	if (r < 0 || !*layer)
		return r;
	r = store_draft_commit(draft, &(*layer)->diff_id, b->form, e);
	return r < 0 ? r : build_snapshot_hold(b, *layer, r, e);
}

static int run_in_overlay(struct running *r, struct build_outcome *outcome, struct err *e)
{
	const struct build_chain *below = &r->s->parent->layers;
	AUTO_STORE_DRAFT struct store_draft draft = STORE_DRAFT_INIT;
	AUTO_FREE int *lower = NULL;
	AUTO_CLOSE int work = -1;
	struct priv_overlay o = {.userxattr = r->b->userxattr};
	int code = store_draft_new(r->b->store, &draft, e);

	if (code == 0)
		code = add_script(r, &draft, e);
	if (code == 0)
		code = build_chain_snapshots(r->b, below, &lower, &o.nlower, e);
	if (code < 0)
		return code;
	if (mkdirat(draft.dirfd, "work", 0700) < 0)
		return err_sys(e, -errno, "cannot make a folder in the store");
	work = openat(draft.dirfd, "work", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (work < 0)
		return err_sys(e, -errno, "cannot open a folder in the store");
	o.lower = lower;
	o.upper = draft.fs;
	o.work = work;
	/* With nothing below, the folder itself is the root. */
	code = execute(r, below->n ? &o : NULL, below->n ? -1 : draft.fs, e);
	if (code == 0 && r->script && unlinkat(draft.dirfd, "script", 0) < 0)
		code = err_sys(e, -errno, "cannot remove a file in the store");
	return code < 0 ? code : keep(r->b, &draft, &outcome->layer, e);
}

/* What differs from before is the layer. */
static int keep_changes(struct build *b, struct build_copy *copy,
			const struct layer_census *before, struct build_layer **layer,
			struct err *e)
{
	struct build_new_layer new;
	int r = build_new_layer_begin(b, &new, e);

	if (r == 0)
		r = layer_writer_add_changes(new.writer, copy->draft.fs, before, e);
	if (r == 0)
		r = build_new_layer_end(b, &new, layer, e);
	build_new_layer_free(&new);
	return r;
}

static int run_in_taken(struct running *r, struct build_copy *copy,
			struct build_outcome *outcome, struct err *e)
{
	AUTO_LAYER_CENSUS struct layer_census *before = NULL;
	int code = add_script(r, &copy->draft, e);

	if (code == 0)
		code = layer_census_take(copy->draft.fs, &before, e);
	if (code == 0)
		code = execute(r, NULL, copy->draft.fs, e);
	if (code == 0 && r->script && unlinkat(copy->draft.dirfd, "script", 0) < 0)
		code = err_sys(e, -errno, "cannot remove a file in the store");
	return code < 0 ? code : keep_changes(r->b, copy, before, &outcome->layer, e);
}

static int run_in_copy(struct running *r, struct build_outcome *outcome, struct err *e)
{
	const struct build_chain *below = &r->s->parent->layers;
	struct build_chain now;
	struct build_copy copy;
	int code = build_copy_take(r->b, below, &copy, e);

	if (code < 0)
		return code;
	code = run_in_taken(r, &copy, outcome, e);
	if (code < 0) {
		build_copy_drop(&copy);
		return code;
	}
	build_chain_copy(&now, below);
	if (outcome->layer)
		build_chain_add(&now, outcome->layer);
	build_copy_keep(r->b, &copy, &now);
	build_chain_free(&now);
	return 0;
}

static int make(struct build *b, void *context, struct build_outcome *outcome,
		struct err *e)
{
	struct running *r = context;
	int code = build_mounts_open(b, r->s, &r->mounts, e);

	for (size_t i = 0; i < r->mounts.env.n; i++)
		replace_env(&r->env, r->mounts.env.v[i]);
	if (code == 0)
		code = build_copies_needed(b, e);
	if (code > 0)
		code = run_in_copy(r, outcome, e);
	else if (code == 0)
		code = run_in_overlay(r, outcome, e);
	build_mounts_close(b, &r->mounts);
	return code;
}

/*
 * What of the command line a step can see in its files or by its rights. Not --memory:
 * who needs more fails, and what others come to is the same.
 */
static void add_settings(const struct build_settings *s, struct build_key *k)
{
	build_key_number(k, (int64_t)s->nhosts);
	for (size_t i = 0; i < s->nhosts; i++) {
		build_key_text(k, s->hosts[i].name);
		build_key_text(k, s->hosts[i].address);
	}
	build_key_number(k, (int64_t)s->nlimits);
	for (size_t i = 0; i < s->nlimits; i++) {
		build_key_number(k, s->limits[i].resource);
		build_key_number(k, (int64_t)s->limits[i].value.rlim_cur);
		build_key_number(k, (int64_t)s->limits[i].value.rlim_max);
	}
	build_key_number(k, (int64_t)s->shm_size);
	build_key_number(k, (int64_t)s->capabilities);
}

static int key_of(struct running *r, struct oci_digest *key, struct err *e)
{
	const struct build_step *s = r->s;
	char platform[OCI_PLATFORM_TEXT];
	struct oci_digest below;
	struct build_key k;
	int code;

	build_key_begin(&k, "run");
	build_chain_digest(&s->parent->layers, &below);
	build_key_digest(&k, &below);
	build_key_instruction(&k, &s->in);
	build_key_list(&k, &r->argv);
	build_key_text(&k, r->script);
	build_key_list(&k, &s->env);
	build_key_text(&k, oci_platform_format(&s->platform, platform));
	build_key_text(&k, s->cwd);
	build_key_text(&k, s->user);
	build_key_number(&k, network(r));
	add_settings(r->b->settings, &k);
	build_key_number(&k, r->b->settings->has_epoch ? r->b->settings->epoch : -1);
	code = build_mounts_key(r->b, s, &k, e);
	build_key_end(&k, key);
	return code;
}

/*
 * Where there is one user alone, files have no other owners, which a command may see:
 * what it comes to is nothing for others, but what it came to elsewhere is right here
 * too.
 */
static int do_as_one(struct running *r, struct oci_digest *key,
		     struct build_outcome *outcome, bool *cached, struct err *e)
{
	struct build_key k;
	int code = build_cache_find(r->b, key, r->s->fresh, outcome, e);

	*cached = code == 1;
	if (code != 0)
		return code < 0 ? code : 0;
	build_key_begin(&k, "one owner");
	build_key_digest(&k, key);
	build_key_end(&k, key);
	return build_once(r->b, r->s, key, make, r, outcome, cached, e);
}

int build_step_run(struct build *b, struct build_step *s, struct build_outcome *outcome,
		   bool *cached, struct err *e)
{
	struct running r = {.b = b, .s = s};
	struct oci_digest key;
	int code = check_flags(&r, e);

	set_argv(&r);
	set_env(&r);
	if (code == 0)
		code = key_of(&r, &key, e);
	if (code == 0)
		code = b->one_owner
			       ? do_as_one(&r, &key, outcome, cached, e)
			       : build_once(b, s, &key, make, &r, outcome, cached, e);
	strv_free(&r.argv);
	strv_free(&r.env);
	strv_free(&r.last);
	free(r.script);
	return code;
}
