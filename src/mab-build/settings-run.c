/* SPDX-License-Identifier: MIT */
#include <arpa/inet.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/alloc.h"
#include "mab-build/build-options.h"
#include "priv/caps.h"

enum { MEMORY_MIN = 6 << 20 }; /* as Docker has it */

static int set_isolation(struct settings *s, const char *value, struct err *e)
{
	int r;

	if (strncmp(value, "oci:", 4) == 0 && value[4]) {
		s->build.runtime = value + 4;
		return 0;
	}
	r = value_choose("isolation", value, "namespaces oci", "chroot rootless", e);
	s->build.runtime = r == 1 ? "crun" : NULL;
	return r < 0 ? r : 0;
}

/* --- What RUN is lent --- */

static int secret_field(struct build_secret_source *secret, bool *env, const char *field,
			struct err *e)
{
	static const char *const names[] = {"id", "src", "source", "env", "type"};
	size_t len = strcspn(field, "="), k = 0;
	char **member;
	int r;

	while (k < ARRAY_SIZE(names) &&
	       (strlen(names[k]) != len || strncmp(names[k], field, len) != 0))
		k++;
	if (k == ARRAY_SIZE(names) || !field[len] || !field[len + 1])
		return err_set(e, -EINVAL,
			       "--secret has no '%s' (it has id=ID, src=FILE, env=NAME, "
			       "type=file|env)",
			       field);
	if (k == 4) {
		r = value_choose("secret=type", field + len + 1, "file env", "", e);
		*env = r == 1;
		return r < 0 ? r : 0;
	}
	member = k == 0 ? &secret->id : k == 3 ? &secret->env : &secret->file;
	free(*member);
	*member = xstrdup(field + len + 1);
	return 0;
}

/* With an id alone it is the variable of that name, or the file. */
static int add_secret(struct settings *s, const char *value, struct err *e)
{
	AUTO_STRV struct strv fields = STRV_INIT;
	struct build_secret_source *secret;
	bool env = false;
	int r = 0;

	GROW(s->build.secrets, s->build.nsecrets);
	secret = &s->build.secrets[s->build.nsecrets++];
	*secret = (struct build_secret_source){0};
	strv_split(&fields, value, ",");
	for (size_t i = 0; r == 0 && i < fields.n; i++)
		r = secret_field(secret, &env, fields.v[i], e);
	if (r < 0)
		return r;
	if (!secret->id)
		return err_set(e, -EINVAL, "--secret=%s has no id=", value);
	if (secret->file && secret->env)
		return err_set(e, -EINVAL, "--secret=%s has src= and env=", value);
	if (env && secret->file)
		secret->env = TAKE_PTR(secret->file);
	if (!secret->file && !secret->env)
		*(env || getenv(secret->id) ? &secret->env : &secret->file) =
			xstrdup(secret->id);
	return 0;
}

static int add_ssh(struct settings *s, const char *value, struct err *e)
{
	size_t len = strcspn(value, "=");
	struct build_ssh_source *ssh;

	if (!len)
		return err_set(e, -EINVAL,
			       "--ssh=%s has no id (the usual one is default)", value);
	GROW(s->build.ssh, s->build.nssh);
	ssh = &s->build.ssh[s->build.nssh++];
	*ssh = (struct build_ssh_source){.id = xstrndup(value, len)};
	if (value[len])
		strv_split(&ssh->paths, value + len + 1, ",");
	return 0;
}

/* --- Its rights --- */

static int allow(struct settings *s, const char *value, struct err *e)
{
	int r = value_choose("allow", value, "security.insecure network.host", "device",
			     e);

	s->build.allow_insecure = s->build.allow_insecure || r == 0;
	s->build.allow_host_network = s->build.allow_host_network || r == 1;
	return r < 0 ? r : 0;
}

static int add_capabilities(const char *option, const char *value, uint64_t *set,
			    struct err *e)
{
	AUTO_STRV struct strv names = STRV_INIT;

	strv_split(&names, value, ", ");
	for (size_t i = 0; i < names.n; i++) {
		int cap = priv_caps_number(names.v[i]);

		if (strcasecmp(names.v[i], "ALL") == 0)
			*set |= RUN_CAPABILITIES_ALL;
		else if (cap < 0)
			return err_set(e, -EINVAL,
				       "--%s=%s: there is no capability '%s' (see "
				       "capabilities(7))",
				       option, value, names.v[i]);
		else
			*set |= (uint64_t)1 << cap;
	}
	return 0;
}

static int set_security(struct settings *s, const char *value, struct err *e)
{
	const char *file = value + strlen("seccomp=");

	if (strncmp(value, "seccomp=", strlen("seccomp=")) != 0 || !*file)
		return err_set(e, -EINVAL,
			       "this version has no --security-opt=%s (it has: "
			       "seccomp=FILE, seccomp=builtin, seccomp=unconfined)",
			       value);
	s->build.seccomp = BUILD_SECCOMP_FILE;
	s->build.seccomp_profile = file;
	if (strcmp(file, "unconfined") == 0)
		s->build.seccomp = BUILD_SECCOMP_NONE;
	if (strcmp(file, "builtin") == 0)
		s->build.seccomp = BUILD_SECCOMP_BUILTIN;
	return 0;
}

/* --- Its surroundings --- */

static bool is_address(const char *text)
{
	unsigned char bytes[16];

	return inet_pton(AF_INET, text, bytes) == 1 ||
	       inet_pton(AF_INET6, text, bytes) == 1;
}

static int add_dns(struct settings *s, const char *value, struct err *e)
{
	if (!is_address(value))
		return err_set(e, -EINVAL, "--dns=%s is no address", value);
	strbuf_addf(&s->resolv_conf, "nameserver %s\n", value);
	return 0;
}

/* The registry client takes the same words. */
static int add_host(struct settings *s, const char *value, struct err *e)
{
	size_t len = strcspn(value, ":=");
	const char *from = value + len + (value[len] != '\0');
	size_t bracket = *from == '[';
	size_t n = strlen(from + bracket);
	AUTO_FREE char *address =
		xstrndup(from + bracket, n - (bracket && from[n] == ']'));

	/* RUN is in the network of this machine. */
	if (strcmp(address, "host-gateway") == 0) {
		free(address);
		address = xstrdup("127.0.0.1");
	}

	if (!len || !is_address(address))
		return err_set(e, -EINVAL,
			       "--add-host=%s is neither NAME:ADDRESS nor NAME=ADDRESS",
			       value);
	GROW(s->build.hosts, s->build.nhosts);
	s->build.hosts[s->build.nhosts++] =
		(struct run_host){xstrndup(value, len), TAKE_PTR(address)};
	return 0;
}

static int read_limit(const char **text, rlim_t *value)
{
	char *end;

	if (strncmp(*text, "-1", 2) == 0 || strncmp(*text, "unlimited", 9) == 0) {
		*value = RLIM_INFINITY;
		*text += **text == '-' ? 2 : 9;
		return 0;
	}
	if (**text < '0' || **text > '9')
		return -EINVAL;
	errno = 0;
	*value = strtoull(*text, &end, 10);
	*text = end;
	return -errno;
}

static int add_limit(struct settings *s, const char *value, struct err *e)
{
	const char *text = value + strcspn(value, "=");
	AUTO_FREE char *name = xstrndup(value, (size_t)(text - value));
	struct run_limit limit = {.resource = run_limit_find(name)};
	int r = *text ? 0 : -EINVAL;

	if (limit.resource < 0)
		return err_set(e, -EINVAL, "--ulimit=%s: there is no limit '%s'", value,
			       name);
	text += *text == '=';
	if (r == 0)
		r = read_limit(&text, &limit.value.rlim_cur);
	limit.value.rlim_max = limit.value.rlim_cur;
	if (r == 0 && *text == ':') {
		text++;
		r = read_limit(&text, &limit.value.rlim_max);
	}
	if (r < 0 || *text)
		return err_set(e, -EINVAL, "--ulimit=%s is not NAME=SOFT[:HARD]", value);
	if (limit.value.rlim_cur > limit.value.rlim_max)
		return err_set(e, -EINVAL, "--ulimit=%s: soft is more than hard", value);
	GROW(s->build.limits, s->build.nlimits);
	s->build.limits[s->build.nlimits++] = limit;
	return 0;
}

/* With less, not even the sandbox comes to its end. */
static int set_memory(struct settings *s, const char *value, struct err *e)
{
	int r = value_size("memory", value, &s->build.memory, e);

	if (r == 0 && s->build.memory < MEMORY_MIN)
		return err_set(e, -EINVAL,
			       "--memory=%s is less than 6m, the least there is", value);
	return r;
}

/* --- All --- */

static int set_surroundings(struct settings *s, const struct cli_option *option,
			    const char *value, struct err *e)
{
	int r;

	switch ((enum build_option)option->id) {
	case OPT_DNS:
		return add_dns(s, value, e);
	case OPT_ULIMIT:
		return add_limit(s, value, e);
	case OPT_SHM_SIZE:
		return value_size(option->name, value, &s->build.shm_size, e);
	case OPT_SYNC:
		r = value_choose(option->name, value, "off on", "", e);
		s->build.sync = r == 1;
		return r < 0 ? r : 0;
	case OPT_MEMORY:
		return set_memory(s, value, e);
	case OPT_CGROUP_PARENT:
		s->build.cgroup_parent = value;
		return *value ? 0 : err_set(e, -EINVAL, "--cgroup-parent has no path");
	case OPT_DEVICE:
		return err_set(e, -EINVAL,
			       "--device=%s: RUN sees no devices of the machine, so that "
			       "an image does not depend on it",
			       value);
	default:
		return 1;
	}
}

int settings_run(struct settings *s, const struct cli_option *option, const char *value,
		 struct err *e)
{
	int r;

	switch ((enum build_option)option->id) {
	case OPT_NETWORK:
		r = value_choose(option->name, value, "host none default",
				 "bridge private", e);
		s->build.network = r == 1 ? RUN_NETWORK_NONE : RUN_NETWORK_HOST;
		return r < 0 ? r : 0;
	case OPT_HANDLERS:
		r = value_choose(option->name, value, "auto private host", "", e);
		s->build.handlers = (enum build_handlers)(r < 0 ? 0 : r);
		return r < 0 ? r : 0;
	case OPT_ISOLATION:
		return set_isolation(s, value, e);
	case OPT_SECRET:
		return add_secret(s, value, e);
	case OPT_SSH:
		return add_ssh(s, value, e);
	case OPT_ALLOW:
		return allow(s, value, e);
	case OPT_CAP_ADD:
		return add_capabilities(option->name, value, &s->cap_add, e);
	case OPT_CAP_DROP:
		return add_capabilities(option->name, value, &s->cap_drop, e);
	case OPT_SECURITY_OPT:
		return set_security(s, value, e);
	default:
		return set_surroundings(s, option, value, e);
	}
}

/* ALL says less than a name, so that one can be taken out of all, or be the only one. */
static uint64_t capabilities(const struct settings *s)
{
	uint64_t base = RUN_CAPABILITIES_USUAL;

	if (s->cap_add == RUN_CAPABILITIES_ALL)
		base = RUN_CAPABILITIES_ALL;
	if (s->cap_drop == RUN_CAPABILITIES_ALL)
		return s->cap_add == RUN_CAPABILITIES_ALL ? 0 : s->cap_add;
	return (base | s->cap_add) & ~s->cap_drop;
}

int settings_run_take(struct settings *s, struct err *e)
{
	const struct strv *hosts = &s->remote.add_hosts;
	const char *runtime = s->build.runtime;
	int r = 0;

	if (runtime && (s->build.memory || s->build.cgroup_parent) &&
	    !run_runtime_keeps_cgroup(runtime))
		return err_set(e, -EINVAL,
			       "--isolation=oci:%s: what makes cgroups of its own takes "
			       "neither --memory nor --cgroup-parent (crun and runc do)",
			       runtime);
	s->build.capabilities = capabilities(s);
	if (s->cap_add != RUN_CAPABILITIES_ALL)
		s->build.needed_capabilities = s->cap_add & s->build.capabilities;
	if (s->resolv_conf.len)
		s->build.resolv_conf = s->resolv_conf.data;
	for (size_t i = 0; r == 0 && i < hosts->n; i++)
		r = add_host(s, hosts->v[i], e);
	return r;
}

void settings_run_free(struct settings *s)
{
	for (size_t i = 0; i < s->build.nsecrets; i++) {
		free(s->build.secrets[i].id);
		free(s->build.secrets[i].file);
		free(s->build.secrets[i].env);
	}
	for (size_t i = 0; i < s->build.nssh; i++) {
		free(s->build.ssh[i].id);
		strv_free(&s->build.ssh[i].paths);
	}
	for (size_t i = 0; i < s->build.nhosts; i++) {
		free((char *)(uintptr_t)s->build.hosts[i].name);
		free((char *)(uintptr_t)s->build.hosts[i].address);
	}
	free(s->build.secrets);
	free(s->build.ssh);
	free(s->build.hosts);
	free(s->build.limits);
	strbuf_free(&s->resolv_conf);
}
