/* SPDX-License-Identifier: MIT */
/* RUN --mount=type=secret and type=ssh: what a step is lent, and no layer keeps. */
#include <errno.h>
#include <fcntl.h>
#include <string.h>

#include "base/alloc.h"
#include "build/internal.h"
#include "build/mounts.h"
#include "build/relay.h"

/* Where there is one user, everything is that user's. */
static int check_owner(const struct build_mount *mount, struct err *e)
{
	const struct dockerfile_mount *m = mount->m;

	if (!mount->b->one_owner || (m->uid <= 0 && m->gid <= 0))
		return 0;
	return err_set(e, -EINVAL,
		       "--mount=type=%s: there is one user here, 0, and no uid=%lld "
		       "gid=%lld (subordinate ids in /etc/subuid and /etc/subgid give "
		       "more)",
		       dockerfile_mount_type_name(m->type),
		       (long long)(m->uid < 0 ? 0 : m->uid),
		       (long long)(m->gid < 0 ? 0 : m->gid));
}

/* As with other builders, what was not given is left out. */
static int left_out(const struct dockerfile_mount *m, const char *how, struct err *e)
{
	if (!m->required)
		return 0;
	return err_set(e, -ENOENT, "--mount=type=%s: '%s' is required: give it with %s%s",
		       dockerfile_mount_type_name(m->type), m->id, how, m->id);
}

int build_mount_secret(struct build_mount *mount, struct err *e)
{
	const struct dockerfile_mount *m = mount->m;
	const struct build_secret *secret = build_secret_find(&mount->b->secrets, m->id);
	int r;

	if (!secret)
		return left_out(m, "--secret=id=", e);
	if (m->env && memchr(secret->data, '\0', secret->len))
		return err_set(e, -EINVAL,
			       "--mount=type=secret: '%s' has a zero byte, which no "
			       "variable can hold",
			       m->id);
	if (m->env)
		strv_addf(&mount->all->env, "%s=%s", m->env, secret->data);
	r = m->target ? check_owner(mount, e) : 0;
	if (r < 0 || !m->target)
		return r;
	mount->mount->type = RUN_MOUNT_FILE;
	mount->mount->data = secret->data;
	mount->mount->len = secret->len;
	mount->mount->mode = m->mode < 0 ? 0400 : (mode_t)m->mode;
	mount->mount->uid = m->uid < 0 ? 0 : (uid_t)m->uid;
	mount->mount->gid = m->gid < 0 ? 0 : (gid_t)m->gid;
	return 1;
}

/* By default the name that Dockerfiles know: /run/buildkit/ssh_agent.0 for the first. */
static char *socket_path(const struct build_mount *mount)
{
	const struct dockerfile_instruction *in = &mount->s->in;
	const char *target = mount->m->target, *cwd = mount->s->cwd;
	unsigned n = 0;

	if (target)
		return *target == '/'
			       ? xstrdup(target)
			       : xasprintf("%s/%s", strcmp(cwd, "/") ? cwd : "", target);
	for (const struct dockerfile_mount *m = in->mounts; m < mount->m; m++)
		n += m->type == DOCKERFILE_MOUNT_SSH;
	return xasprintf("/run/buildkit/ssh_agent.%u", n);
}

static bool has_variable(const struct strv *env, const char *prefix)
{
	for (size_t i = 0; i < env->n; i++)
		if (strncmp(env->v[i], prefix, strlen(prefix)) == 0)
			return true;
	return false;
}

int build_mount_ssh(struct build_mount *mount, struct err *e)
{
	static const char variable[] = "SSH_AUTH_SOCK=";
	const struct dockerfile_mount *m = mount->m;
	const struct build_agent *agent = build_agent_get(&mount->b->agents, m->id);
	struct build_mount_base *base = mount->base;
	int r;

	if (!agent)
		return left_out(m, "--ssh=", e);
	r = check_owner(mount, e);
	if (r == 0)
		r = store_draft_new(mount->b->store, &base->draft, e);
	if (r == 0)
		r = build_relay_start(
			&base->relay, base->draft.dirfd, "agent",
			m->uid < 0 ? 0 : (uid_t)m->uid, m->gid < 0 ? 0 : (gid_t)m->gid,
			m->mode < 0 ? 0600 : (mode_t)m->mode, agent->socket, e);
	if (r < 0)
		return r;
	base->source = openat(base->draft.dirfd, "agent", O_PATH | O_CLOEXEC);
	if (base->source < 0)
		return err_sys(e, -errno, "cannot open a socket in the store");
	mount->mount->target = base->target = socket_path(mount);
	if (!has_variable(&mount->s->env, variable) &&
	    !has_variable(&mount->all->env, variable))
		strv_addf(&mount->all->env, "%s%s", variable, mount->mount->target);
	mount->mount->type = RUN_MOUNT_BIND;
	mount->mount->source = base->source;
	return 1;
}
