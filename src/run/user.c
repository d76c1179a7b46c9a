/* SPDX-License-Identifier: MIT */
#include "run/user.h"

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <string.h>

#include "base/alloc.h"
#include "base/file.h"
#include "run/place.h"

enum {
	FIELDS = 7,
	FILE_MAX = 16 * 1024 * 1024,
	LAST_ID = 0xfffffffe, /* the one after it means "none" */
};

/* Bytes of a file, which may hold NUL, or of a part of it. */
struct text {
	const char *s;
	size_t len;
};

/* Takes what is before the first `end`, and it, off the front. */
static bool cut(struct text *rest, char end, struct text *part)
{
	const char *p = rest->len ? memchr(rest->s, end, rest->len) : NULL;
	size_t n = p ? (size_t)(p - rest->s) : rest->len;

	if (!rest->s)
		return false;
	*part = (struct text){rest->s, n};
	*rest = p ? (struct text){p + 1, rest->len - n - 1} : (struct text){NULL, 0};
	return true;
}

/* Fields that a line does not have are empty. */
static void split(struct text line, struct text fields[FIELDS])
{
	for (size_t i = 0; i < FIELDS; i++)
		if (!cut(&line, ':', &fields[i]))
			fields[i] = (struct text){"", 0};
}

static bool equal(struct text a, struct text b)
{
	return a.len == b.len && memcmp(a.s, b.s, a.len) == 0;
}

static bool parse_id(struct text t, unsigned *id)
{
	unsigned long long n = 0;

	if (t.len == 0 || t.len > 10)
		return false;
	for (size_t i = 0; i < t.len; i++) {
		if (t.s[i] < '0' || t.s[i] > '9')
			return false;
		n = n * 10 + (unsigned)(t.s[i] - '0');
	}
	*id = (unsigned)n;
	return n <= LAST_ID;
}

/* The entry of that name, else the first one with that number: name:password:id:… */
static bool find(struct text file, struct text word, struct text fields[FIELDS])
{
	struct text line, rest = file, candidate[FIELDS];
	unsigned wanted = 0, id;
	bool is_number = parse_id(word, &wanted);

	while (cut(&rest, '\n', &line)) {
		split(line, fields);
		if (equal(fields[0], word) && parse_id(fields[2], &id))
			return true;
	}
	for (rest = file; is_number && cut(&rest, '\n', &line);) {
		split(line, candidate);
		if (candidate[0].len && parse_id(candidate[2], &id) && id == wanted) {
			memcpy(fields, candidate, sizeof candidate);
			return true;
		}
	}
	return false;
}

static void add_group(struct run_user *u, gid_t gid)
{
	for (size_t i = 0; i < u->ngroups; i++)
		if (u->groups[i] == gid)
			return;
	GROW(u->groups, u->ngroups);
	u->groups[u->ngroups++] = gid;
}

/* Groups whose fourth field, a comma list, has the user. */
static void add_member_groups(struct run_user *u, struct text file, struct text user)
{
	struct text line, member, fields[FIELDS];
	unsigned gid;

	while (cut(&file, '\n', &line)) {
		split(line, fields);
		while (cut(&fields[3], ',', &member))
			if (equal(member, user) && parse_id(fields[2], &gid))
				add_group(u, gid);
	}
}

/* The one name that means something without an entry. */
static bool is_root(struct text word)
{
	return equal(word, (struct text){"root", 4});
}

/* Sets uid, home, and the gid of the entry; *name is empty when it is not known. */
static int find_user(struct run_user *u, struct text file, struct text word,
		     struct text *name, struct err *e)
{
	struct text fields[FIELDS];

	*name = (struct text){"", 0};
	if (find(file, word, fields)) {
		*name = fields[0];
		(void)parse_id(fields[2], &u->uid); /* it is one, or it was not found */
		if (!parse_id(fields[3], &u->gid))
			u->gid = 0;
		if (fields[5].len && fields[5].s[0] == '/') {
			free(u->home);
			u->home = xstrndup(fields[5].s, fields[5].len);
		}
		return 0;
	}
	if (is_root(word)) {
		*name = word;
		u->uid = 0;
		u->gid = 0;
	} else if (!parse_id(word, &u->uid)) {
		return err_set(e, -ENOENT, "there is no user '%.*s' in /etc/passwd",
			       (int)word.len, word.s);
	}
	return 0;
}

static int find_group(struct run_user *u, struct text file, struct text word,
		      struct err *e)
{
	struct text fields[FIELDS];

	if (find(file, word, fields))
		(void)parse_id(fields[2], &u->gid); /* as above */
	else if (is_root(word))
		u->gid = 0;
	else if (!parse_id(word, &u->gid))
		return err_set(e, -ENOENT, "there is no group '%.*s' in /etc/group",
			       (int)word.len, word.s);
	return 0;
}

int run_user_parse(struct run_user *u, const char *spec, const char *passwd,
		   size_t passwd_len, const char *group, size_t group_len, struct err *e)
{
	struct text rest = {spec ? spec : "", spec ? strlen(spec) : 0};
	struct text users = {passwd, passwd_len}, groups = {group, group_len};
	struct text user, name, of_group = {"", 0};
	int r;

	*u = (struct run_user){.home = xstrdup("/")};
	(void)cut(&rest, ':', &user); /* there is always a first part */
	(void)cut(&rest, '\0', &of_group);
	if (user.len == 0)
		user = (struct text){"0", 1};
	r = find_user(u, users, user, &name, e);
	if (r == 0 && of_group.len)
		r = find_group(u, groups, of_group, e);
	if (r < 0) {
		run_user_free(u);
		return r;
	}
	add_group(u, u->gid);
	if (of_group.len == 0 && name.len)
		add_member_groups(u, groups, name);
	return 0;
}

static int read_file(int root, const char *path, char **data, size_t *len, struct err *e)
{
	AUTO_CLOSE int fd = run_place_find(root, path);
	AUTO_FREE char *link = NULL;
	int r;

	if (fd == -ENOENT || fd == -ENOTDIR) {
		*data = xstrdup("");
		*len = 0;
		return 0;
	}
	if (fd < 0)
		return err_sys(e, fd, "cannot open %s", path);
	link = xasprintf("/proc/self/fd/%d", fd);
	r = file_read_at(AT_FDCWD, link, FILE_MAX, data, len, NULL);
	return r < 0 ? err_sys(e, r, "cannot read %s", path) : 0;
}

int run_user_find(struct run_user *u, const char *spec, int root, struct err *e)
{
	AUTO_FREE char *passwd = NULL;
	AUTO_FREE char *group = NULL;
	size_t passwd_len, group_len;
	int r = read_file(root, "/etc/passwd", &passwd, &passwd_len, e);

	if (r == 0)
		r = read_file(root, "/etc/group", &group, &group_len, e);
	if (r == 0)
		r = run_user_parse(u, spec, passwd, passwd_len, group, group_len, e);
	return r;
}

void run_user_free(struct run_user *u)
{
	free(u->groups);
	free(u->home);
	*u = (struct run_user){0};
}
