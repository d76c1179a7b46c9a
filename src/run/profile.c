/* SPDX-License-Identifier: MIT */
/* Profiles of system calls, as the containers tools install and take them. */
#include <errno.h>
#include <fcntl.h>
#include <jansson.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/utsname.h>

#include "base/alloc.h"
#include "base/file.h"
#include "base/strbuf.h"
#include "priv/caps.h"
#include "run/rules.h"

enum { PROFILE_MAX = 4 * 1024 * 1024, ERRNO_MAX = 4095 };

/* What profiles call the machine of this program. */
#if defined __x86_64__
static const char machine[] = "amd64";
#elif defined __aarch64__
static const char machine[] = "arm64";
#elif defined __arm__
static const char machine[] = "arm";
#elif defined __i386__
static const char machine[] = "x86";
#elif defined __s390x__
static const char machine[] = "s390x";
#elif defined __powerpc64__
static const char machine[] = "ppc64le";
#elif defined __riscv
static const char machine[] = "riscv64";
#else
static const char machine[] = "";
#endif

struct profile {
	struct run_rules *rules;
	const char *file;
	uint64_t capabilities;
	struct strbuf place; /* "syscalls[3].args[0]" */
	struct err *e;
};

static int bad(struct profile *p, const char *fmt, ...)
	__attribute__((format(printf, 2, 3)));

static int bad(struct profile *p, const char *fmt, ...)
{
	AUTO_STRBUF struct strbuf what = STRBUF_INIT;
	va_list ap;

	va_start(ap, fmt);
	strbuf_vaddf(&what, fmt, ap);
	va_end(ap);
	return err_set(p->e, -EINVAL, "%s: %s%s%s", p->file, p->place.data,
		       p->place.len ? ": " : "", what.data);
}

/* Steps into a member for as long as it is read; leave() steps out again. */
static size_t enter(struct profile *p, const char *name)
{
	size_t before = p->place.len;

	strbuf_addf(&p->place, "%s%s", before ? "." : "", name);
	return before;
}

static size_t enter_item(struct profile *p, size_t index)
{
	size_t before = p->place.len;

	strbuf_addf(&p->place, "[%zu]", index);
	return before;
}

static void leave(struct profile *p, size_t before)
{
	strbuf_trim(&p->place, before);
}

static int each(struct profile *p, const json_t *object, const char *name,
		int (*take)(struct profile *p, const json_t *item, void *context),
		void *context)
{
	const json_t *list = json_object_get(object, name);
	size_t before = enter(p, name);
	int r = 0;

	if (list && !json_is_null(list) && !json_is_array(list))
		r = bad(p, "is no list");
	for (size_t i = 0; r == 0 && i < json_array_size(list); i++) {
		size_t inside = enter_item(p, i);

		r = take(p, json_array_get(list, i), context);
		if (r == 0)
			leave(p, inside);
	}
	if (r == 0)
		leave(p, before);
	return r;
}

/* Members that are not known may be conditions: to pass them over would be guessing. */
static int check_members(struct profile *p, const json_t *object, const char *known)
{
	AUTO_STRV struct strv names = STRV_INIT;
	const char *name;
	const json_t *value;

	if (!json_is_object(object))
		return bad(p, "is no object");
	strv_split(&names, known, " ");
	json_object_foreach(
		(json_t *)(uintptr_t)object, name,
		value) if (!strv_has(&names,
				     name)) return bad(p, "'%s' is not known here", name);
	return 0;
}

static const char *text(const json_t *object, const char *name)
{
	return json_string_value(json_object_get(object, name));
}

static int number(struct profile *p, const json_t *object, const char *name, uint64_t max,
		  uint64_t *n)
{
	const json_t *value = json_object_get(object, name);

	*n = 0;
	if (!value || json_is_null(value))
		return 0;
	if (!json_is_integer(value) || json_integer_value(value) < 0 ||
	    (uint64_t)json_integer_value(value) > max)
		return bad(p, "'%s' is no number from 0 to %llu", name,
			   (unsigned long long)max);
	*n = (uint64_t)json_integer_value(value);
	return 0;
}

/* --- Conditions: whether a rule holds here --- */

struct condition {
	bool any_arch, this_arch;
	uint64_t caps;
};

static int take_arch(struct profile *p, const json_t *item, void *context)
{
	struct condition *c = context;
	const char *name = json_string_value(item);

	if (!name)
		return bad(p, "is no word");
	c->any_arch = true;
	c->this_arch |= strcmp(name, machine) == 0;
	return 0;
}

static int take_cap(struct profile *p, const json_t *item, void *context)
{
	struct condition *c = context;
	const char *name = json_string_value(item);
	int cap = name ? priv_caps_number(name) : -1;

	if (cap < 0)
		return bad(p, "'%s' is no capability", name ? name : "");
	c->caps |= (uint64_t)1 << cap;
	return 0;
}

/* "4.8": whether the kernel is at least that. */
static int is_kernel(struct profile *p, const char *version, bool *is)
{
	unsigned wanted[2], have[2];
	struct utsname name;
	int used = -1;

	if (sscanf(version, "%u.%u%n", &wanted[0], &wanted[1], &used) != 2 ||
	    version[used])
		return bad(p, "minKernel: '%s' is no version like 4.8", version);
	*is = uname(&name) == 0 &&
	      sscanf(name.release, "%u.%u", &have[0], &have[1]) == 2 &&
	      (have[0] > wanted[0] || (have[0] == wanted[0] && have[1] >= wanted[1]));
	return 0;
}

/*
 * Reads `includes` or `excludes`: *all when everything in it holds, *some when anything
 * does. An empty one holds in all, and in nothing.
 */
static int read_condition(struct profile *p, const json_t *rule, const char *name,
			  bool *all, bool *some)
{
	const json_t *object = json_object_get(rule, name);
	struct condition c = {0};
	const char *kernel;
	bool is_new = false;
	size_t before;
	int r;

	*all = true;
	*some = false;
	if (!object || json_is_null(object))
		return 0;
	before = enter(p, name);
	r = check_members(p, object, "arches caps minKernel");
	if (r == 0)
		r = each(p, object, "arches", take_arch, &c);
	if (r == 0)
		r = each(p, object, "caps", take_cap, &c);
	kernel = text(object, "minKernel");
	if (r == 0 && kernel)
		r = is_kernel(p, kernel, &is_new);
	*all = (!c.any_arch || c.this_arch) && (c.caps & ~p->capabilities) == 0 &&
	       (!kernel || is_new);
	*some = c.this_arch || (c.caps & p->capabilities) || is_new;
	if (r == 0)
		leave(p, before);
	return r;
}

/* --- Rules --- */

static int errno_of(const char *name)
{
	for (int i = 1; i < ERRNO_MAX; i++) {
		const char *known = strerrorname_np(i);

		if (known && strcmp(known, name) == 0)
			return i;
	}
	return -1;
}

/* prefix is "default" for what holds without a rule. */
static int read_action(struct profile *p, const json_t *object, const char *key,
		       const char *number_key, const char *name_key, uint32_t *action)
{
	const char *name = text(object, key), *errno_name = text(object, name_key);
	int64_t known = name ? run_rules_action(name) : -EINVAL;
	uint64_t answer;
	int r;

	if (known < 0)
		return bad(p, "'%s' is no %s that can be had here", name ? name : "",
			   key);
	r = number(p, object, number_key, ERRNO_MAX, &answer);
	if (r < 0)
		return r;
	if (!json_is_integer(json_object_get(object, number_key))) {
		int by_name = errno_name && *errno_name ? errno_of(errno_name) : EPERM;

		if (by_name < 0)
			return bad(p, "'%s' is no errno", errno_name);
		answer = (uint64_t)by_name;
	}
	*action = known == SCMP_ACT_ERRNO(0) ? SCMP_ACT_ERRNO((uint32_t)answer)
					     : (uint32_t)known;
	return 0;
}

static int take_arg(struct profile *p, const json_t *item, void *context)
{
	struct run_rule *rule = context;
	uint64_t index, value, second;
	const char *op;
	int compare, r = check_members(p, item, "index value valueTwo op");

	if (r == 0)
		r = number(p, item, "index", RUN_RULE_ARGS - 1, &index);
	if (r == 0)
		r = number(p, item, "value", UINT64_MAX, &value);
	if (r == 0)
		r = number(p, item, "valueTwo", UINT64_MAX, &second);
	if (r < 0)
		return r;
	op = text(item, "op");
	compare = op ? run_rules_compare(op) : -EINVAL;
	if (compare < 0)
		return bad(p, "'%s' is no comparison", op ? op : "");
	if (rule->nargs == RUN_RULE_ARGS)
		return bad(p, "a call has six arguments at most");
	rule->args[rule->nargs++] = (struct scmp_arg_cmp){
		(unsigned)index, (enum scmp_compare)compare, value, second};
	return 0;
}

static int take_name(struct profile *p, const json_t *item, void *context)
{
	const struct run_rule *rule = context;
	const char *name = json_string_value(item);
	struct run_rule *added;

	if (!name)
		return bad(p, "is no word");
	if (rule->action == p->rules->otherwise)
		return 0; /* as without it */
	added = run_rules_add(p->rules, name, rule->action);
	memcpy(added->args, rule->args, sizeof added->args);
	added->nargs = rule->nargs;
	return 0;
}

static int take_rule(struct profile *p, const json_t *item, void *context)
{
	struct run_rule rule = {0};
	bool included = false, excluded = false, unused;
	int r = check_members(p, item,
			      "name names action errno errnoRet args comment includes "
			      "excludes");

	if (r == 0)
		r = read_action(p, item, "action", "errnoRet", "errno", &rule.action);
	if (r == 0)
		r = each(p, item, "args", take_arg, &rule);
	if (r == 0)
		r = read_condition(p, item, "includes", &included, &unused);
	if (r == 0)
		r = read_condition(p, item, "excludes", &unused, &excluded);
	if (r < 0 || !included || excluded)
		return r;
	if (json_object_get(item, "name"))
		return take_name(p, json_object_get(item, "name"), &rule);
	return each(p, item, "names", take_name, &rule);
}

/* --- Architectures --- */

static int take_architecture(struct profile *p, const json_t *item, void *context)
{
	const char *name = json_string_value(item);

	if (!name || !run_rules_architecture(name))
		return bad(p, "'%s' is no architecture", name ? name : "");
	strv_add(&p->rules->architectures, name);
	return 0;
}

/* Those that the machine's own kernel may run beside itself. */
static int take_map(struct profile *p, const json_t *item, void *context)
{
	const char *name;
	int r = check_members(p, item, "architecture subArchitectures");

	if (r < 0)
		return r;
	name = text(item, "architecture");
	if (!name || !run_rules_architecture(name))
		return bad(p, "'%s' is no architecture", name ? name : "");
	if (run_rules_architecture(name) != seccomp_arch_native())
		return 0;
	strv_add(&p->rules->architectures, name);
	return each(p, item, "subArchitectures", take_architecture, NULL);
}

/* --- All --- */

static int read_all(struct profile *p, const json_t *root)
{
	int r = check_members(p, root,
			      "defaultAction defaultErrno defaultErrnoRet archMap "
			      "architectures syscalls flags");

	if (r == 0)
		r = read_action(p, root, "defaultAction", "defaultErrnoRet",
				"defaultErrno", &p->rules->otherwise);
	if (r == 0)
		r = each(p, root, "archMap", take_map, NULL);
	if (r == 0)
		r = each(p, root, "architectures", take_architecture, NULL);
	return r == 0 ? each(p, root, "syscalls", take_rule, NULL) : r;
}

int run_profile_read(struct run_rules *r, const char *file, uint64_t capabilities,
		     struct err *e)
{
	struct profile p = {r, file, capabilities, STRBUF_INIT, e};
	AUTO_FREE char *data = NULL;
	json_error_t error;
	json_t *root;
	size_t len;
	int code = file_read_at(AT_FDCWD, file, PROFILE_MAX, &data, &len, e);

	if (code < 0)
		return code;
	root = json_loadb(data, len, JSON_REJECT_DUPLICATES, &error);
	if (!root)
		return err_at(e, -EINVAL, file, (unsigned)error.line,
			      (unsigned)error.column, "%s", error.text);
	code = read_all(&p, root);
	json_decref(root);
	strbuf_free(&p.place);
	return code;
}
