/* SPDX-License-Identifier: MIT */
#include "build/git.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/path.h"
#include "base/proc.h"
#include "base/strbuf.h"
#include "base/strv.h"
#include "build/download.h"

extern char **environ;

struct repository {
	const struct build_git *g;
	const char *path; /* of the work tree */
	char *address;	  /* without fragment, user and password */
	char *user, *password;
	char *ref; /* "HEAD" when none is given */
	char *folder;
	char *commit; /* hash that it must be; NULL: any */
	bool keep_git_dir;
	struct strv env;
};

static bool begins(const char *text, const char *with)
{
	return strncmp(text, with, strlen(with)) == 0;
}

bool build_git_is(const char *text)
{
	size_t n = strcspn(text, "#?");

	return begins(text, "git@") || begins(text, "git://") || begins(text, "ssh://") ||
	       (build_download_is(text) && n > 4 &&
		strncmp(text + n - 4, ".git", 4) == 0);
}

/* --- What the address says --- */

/* What follows `%` in two digits. */
static char *unescape(const char *text, size_t n)
{
	char *out = xcalloc(1, n + 1), *to = out;

	for (size_t i = 0; i < n; i++) {
		char hex[3] = {0}, *end = hex;

		if (text[i] == '%' && i + 2 < n)
			memcpy(hex, text + i + 1, 2);
		*to = (char)strtol(hex, &end, 16);
		if (end == hex + 2)
			i += 2;
		else
			*to = text[i];
		to++;
	}
	return out;
}

/* Takes user and password out of a web address: they go another way. */
static void split_login(struct repository *repo, const char *url, size_t n)
{
	const char *start = strstr(url, "://") + 3;
	size_t host = strcspn(start, "/?#");
	const char *at = memrchr(start, '@', host);
	const char *colon = at ? memchr(start, ':', (size_t)(at - start)) : NULL;

	if (!at) {
		repo->address = xstrndup(url, n);
		return;
	}
	repo->user = unescape(start, (size_t)((colon ? colon : at) - start));
	repo->password =
		colon ? unescape(colon + 1, (size_t)(at - colon - 1)) : xstrdup("");
	repo->address = xasprintf("%.*s%.*s", (int)(start - url), url,
				  (int)(n - (size_t)(at + 1 - url)), at + 1);
}

static int set_once(char **field, const char *value, const struct repository *repo,
		    const char *what, struct err *e)
{
	if (*field)
		return err_set(e, -EINVAL, "%s names %s twice", repo->address, what);
	*field = xstrdup(value);
	return 0;
}

/* NAME=VALUE of the query, as BuildKit has them. */
static int take_field(struct repository *repo, const char *field, struct err *e)
{
	AUTO_FREE char *name = xstrndup(field, strcspn(field, "="));
	const char *equals = strchr(field, '=');
	AUTO_FREE char *value =
		unescape(equals ? equals + 1 : "", equals ? strlen(equals + 1) : 0);

	if (strcmp(name, "ref") == 0 || strcmp(name, "branch") == 0 ||
	    strcmp(name, "tag") == 0)
		return set_once(&repo->ref, value, repo, "a branch, tag or commit", e);
	if (strcmp(name, "subdir") == 0)
		return set_once(&repo->folder, value + strspn(value, "/"), repo,
				"a folder", e);
	if (strcmp(name, "checksum") == 0 || strcmp(name, "commit") == 0)
		return set_once(&repo->commit, value, repo, "a commit that it must be",
				e);
	if (strcmp(name, "keep-git-dir") != 0)
		return err_set(e, -EINVAL,
			       "the address of %s has no '%s' after ? (it has ref=, "
			       "branch=, tag=, subdir=, checksum= and keep-git-dir=)",
			       repo->address, name);
	repo->keep_git_dir = strcmp(value, "false") != 0 && strcmp(value, "0") != 0;
	return 0;
}

static int take_query(struct repository *repo, const char *query, size_t n, struct err *e)
{
	AUTO_STRV struct strv fields = STRV_INIT;
	AUTO_FREE char *text = xstrndup(query, n);
	int r = 0;

	strv_split(&fields, text, "&");
	for (size_t i = 0; r == 0 && i < fields.n; i++)
		r = take_field(repo, fields.v[i], e);
	return r;
}

/* #REF:FOLDER, of which each may be missing. */
static int take_fragment(struct repository *repo, const char *fragment, struct err *e)
{
	size_t n = strcspn(fragment, ":");
	AUTO_FREE char *ref = xstrndup(fragment, n);
	int r = 0;

	if (n)
		r = set_once(&repo->ref, ref, repo, "a branch, tag or commit", e);
	fragment += n + (fragment[n] == ':');
	fragment += strspn(fragment, "/");
	if (r == 0 && *fragment)
		r = set_once(&repo->folder, fragment, repo, "a folder", e);
	return r;
}

static int check_address(const struct repository *repo, struct err *e)
{
	/* A ref is an argument of git: no option, and nothing that maps names. */
	if (*repo->ref == '-' || strpbrk(repo->ref, " \t\n\\^~?*[:") ||
	    strstr(repo->ref, ".."))
		return err_set(e, -EINVAL,
			       "'%s' is not the name of a branch, tag or "
			       "commit (of %s)",
			       repo->ref, repo->address);
	if (begins(repo->address, "git@-") || begins(repo->address, "ssh://-"))
		return err_set(e, -EINVAL, "%s names no host", repo->address);
	if (begins(repo->address, "file://") && !repo->g->allow_local)
		return err_set(e, -EPERM,
			       "a Dockerfile cannot name %s, which is on this "
			       "machine",
			       repo->address);
	return 0;
}

static int parse(struct repository *repo, struct err *e)
{
	const char *url = repo->g->url;
	size_t n = strcspn(url, "?#"), query = url[n] == '?' ? strcspn(url + n, "#") : 0;
	const char *fragment = url + n + query;
	int r;

	if (build_download_is(url))
		split_login(repo, url, n);
	else
		repo->address = xstrndup(url, n);
	repo->keep_git_dir = repo->g->keep_git_dir;
	r = query ? take_query(repo, url + n + 1, query - 1, e) : 0;
	if (r == 0)
		r = take_fragment(repo, fragment + (*fragment == '#'), e);
	if (r < 0)
		return r;
	/* --checksum says more than the address. */
	if (repo->g->commit) {
		free(repo->commit);
		repo->commit = xstrdup(repo->g->commit);
	}
	if (!repo->ref)
		repo->ref = xstrdup("HEAD");
	if (!repo->folder)
		repo->folder = xstrdup("");
	return check_address(repo, e);
}

/* --- How git runs --- */

static void add_config(struct repository *repo, unsigned *n, const char *name,
		       const char *value)
{
	strv_addf(&repo->env, "GIT_CONFIG_KEY_%u=%s", *n, name);
	strv_addf(&repo->env, "GIT_CONFIG_VALUE_%u=%s", *n, value);
	++*n;
}

/* The login reaches git by its environment, which others cannot read. */
static void add_login(struct repository *repo, unsigned *n)
{
	const char *host = strstr(repo->address, "://") + 3;
	AUTO_FREE char *name = xasprintf(
		"credential.%.*s.helper",
		(int)(host - repo->address + (long)strcspn(host, "/")), repo->address);

	strv_addf(&repo->env, "MAB_BUILD_GIT_USER=%s", repo->user);
	strv_addf(&repo->env, "MAB_BUILD_GIT_PASSWORD=%s", repo->password);
	add_config(repo, n, name,
		   "!printf 'username=%s\\npassword=%s\\n' \"$MAB_BUILD_GIT_USER\" "
		   "\"$MAB_BUILD_GIT_PASSWORD\"; :");
}

/* How to reach a server stays the person's choice; all else of GIT_* could do harm. */
static void set_environment(struct repository *repo)
{
	const struct registry_settings *s = repo->g->settings;
	bool ssh = false;
	unsigned n = 0;

	for (char **v = environ; *v; v++) {
		ssh = ssh || begins(*v, "GIT_SSH");
		if (!begins(*v, "GIT_") || begins(*v, "GIT_SSH") ||
		    begins(*v, "GIT_SSL_"))
			strv_add(&repo->env, *v);
	}
	strv_add(&repo->env, "GIT_CONFIG_NOSYSTEM=1");
	strv_add(&repo->env, "GIT_CONFIG_GLOBAL=/dev/null");
	strv_add(&repo->env, "GIT_TERMINAL_PROMPT=0");
	strv_add(&repo->env, "GIT_ASKPASS=");
	strv_add(&repo->env, "GIT_TEMPLATE_DIR=");
	strv_addf(&repo->env, "GIT_ALLOW_PROTOCOL=https:http:ssh:git%s",
		  begins(repo->address, "file://") ? ":file" : "");
	if (!ssh)
		strv_add(&repo->env, "GIT_SSH_COMMAND=ssh -oBatchMode=yes");
	if (s->skip_tls_verify)
		strv_add(&repo->env, "GIT_SSL_NO_VERIFY=1");
	add_config(repo, &n, "core.hooksPath", "/dev/null");
	add_config(repo, &n, "core.fsmonitor", "false");
	add_config(repo, &n, "advice.detachedHead", "false");
	if (s->proxy)
		add_config(repo, &n, "http.proxy", s->proxy);
	if (repo->user)
		add_login(repo, &n);
	strv_addf(&repo->env, "GIT_CONFIG_COUNT=%u", n);
}

static bool canceled(void *client)
{
	return client && registry_is_canceled(client);
}

/* Runs git with up to six words. */
static int git(struct repository *repo, struct strbuf *answer, const char *const *words,
	       struct err *e)
{
	const char *argv[10] = {"git", "-C", repo->path};
	AUTO_STRBUF struct strbuf said = STRBUF_INIT;
	struct proc_how how = {&repo->env, answer, canceled, repo->g->client};
	int r;

	for (size_t i = 0; i < 6 && words[i]; i++)
		argv[3 + i] = words[i];
	r = proc_run_how(argv, &how, &said, e);
	if (r == -ENOENT)
		return err_set(e, r,
			       "the program git is needed for %s, and is not "
			       "installed",
			       repo->address);
	return r;
}

#define WORDS(...) ((const char *const[]){__VA_ARGS__, NULL})

/* --- Getting the files --- */

static bool is_hash(const char *ref)
{
	size_t n = strlen(ref);

	return n >= 4 && n <= 64 && strspn(ref, "0123456789abcdefABCDEF") == n;
}

/* All branches and tags with their history; the ref is found here. */
static int fetch_all(struct repository *repo, struct err *e)
{
	AUTO_FREE char *branch = xasprintf("refs/remotes/origin/%s", repo->ref);
	int r = git(repo, NULL,
		    WORDS("fetch", "-q", "--tags", "origin",
			  "+refs/heads/*:refs/remotes/origin/*", "+HEAD:refs/mab/HEAD"),
		    e);

	if (r < 0)
		return r;
	if (strcmp(repo->ref, "HEAD") == 0)
		return git(repo, NULL,
			   WORDS("checkout", "-q", "--detach", "refs/mab/HEAD"), e);
	r = git(repo, NULL, WORDS("checkout", "-q", "--detach", branch), NULL);
	return r < 0 ? git(repo, NULL, WORDS("checkout", "-q", "--detach", repo->ref), e)
		     : r;
}

static int fetch(struct repository *repo, struct err *e)
{
	AUTO_ERR struct err why = ERR_INIT;
	int r = git(repo, NULL,
		    WORDS("fetch", "-q", "--depth=1", "--no-tags", "origin", repo->ref),
		    &why);

	if (r == 0)
		return git(repo, NULL, WORDS("checkout", "-q", "--detach", "FETCH_HEAD"),
			   e);
	/* Servers know no short hashes, and files of a web server no shallow copies. */
	if (r == -EIO && (is_hash(repo->ref) || strstr(why.text, "shallow")))
		return fetch_all(repo, e);
	return err_set(e, r, "%s", why.text);
}

/* Of its own, even if the store is inside of another. */
static int init(struct repository *repo, int dirfd, struct err *e)
{
	struct stat st;
	int r;

	if (fstatat(dirfd, ".git", &st, AT_SYMLINK_NOFOLLOW) == 0)
		return 0;
	r = git(repo, NULL, WORDS("init", "-q"), e);
	return r < 0 ? r
		     : git(repo, NULL, WORDS("remote", "add", "origin", repo->address),
			   e);
}

static int get_files(struct repository *repo, int dirfd, struct err *e)
{
	struct stat st;
	int r = init(repo, dirfd, e);

	if (r == 0)
		r = fetch(repo, e);
	if (r == 0 && fstatat(dirfd, ".gitmodules", &st, AT_SYMLINK_NOFOLLOW) == 0)
		r = git(repo, NULL,
			WORDS("submodule", "-q", "update", "--init", "--recursive",
			      "--depth=1"),
			e);
	return r;
}

/* The commit that is checked out: its hash, against the wanted one, and its time. */
static int check_commit(struct repository *repo, char **commit, int64_t *when,
			struct err *e)
{
	AUTO_STRBUF struct strbuf answer = STRBUF_INIT;
	const char *want = repo->commit;
	size_t n;
	int r = git(repo, &answer, WORDS("log", "-1", "--format=%H %ct", "HEAD"), e);

	if (r < 0)
		return r;
	n = strcspn(answer.data, " ");
	*when = strtoll(answer.data + n, NULL, 10);
	if (want && (strlen(want) != n || strncmp(answer.data, want, n) != 0))
		return err_set(e, -EBADMSG,
			       "%s of %s is the commit %.*s now, not %s as "
			       "--checksum says",
			       repo->ref, repo->address, (int)n, answer.data, want);
	if (commit)
		*commit = xstrndup(answer.data, n);
	return 0;
}

/* Gives everything the commit's time, and takes .git away where nobody wants it. */
static int tidy(const struct repository *repo, int dirfd, int64_t when, struct err *e)
{
	const struct timespec times[2] = {{when, 0}, {when, 0}};
	int copy = openat(dirfd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC), r = 0;
	AUTO_CLOSEDIR DIR *dir = copy >= 0 ? fdopendir(copy) : NULL;
	struct dirent *d;

	if (!dir)
		return err_sys(e, -errno, "cannot read a folder of a repository");
	while (r == 0 && (d = readdir(dir))) {
		AUTO_CLOSE int inner = -1;
		bool is_git = strcmp(d->d_name, ".git") == 0;

		if (strcmp(d->d_name, ".") == 0 || strcmp(d->d_name, "..") == 0)
			continue;
		if (is_git && !repo->keep_git_dir)
			r = path_remove(dirfd, d->d_name, e);
		if (is_git)
			continue;
		inner = openat(dirfd, d->d_name,
			       O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
		if (inner >= 0)
			r = tidy(repo, inner, when, e);
		else if (utimensat(dirfd, d->d_name, times, AT_SYMLINK_NOFOLLOW) < 0)
			r = err_sys(e, -errno, "cannot set the time of %s", d->d_name);
	}
	if (r == 0 && futimens(dirfd, times) < 0)
		return err_sys(e, -errno, "cannot set the time of a folder");
	return r;
}

static void repository_free(struct repository *repo)
{
	free(repo->address);
	free(repo->user);
	if (repo->password)
		explicit_bzero(repo->password, strlen(repo->password));
	free(repo->password);
	free(repo->ref);
	free(repo->folder);
	free(repo->commit);
	strv_free(&repo->env);
}

static bool is_whole_hash(const char *ref)
{
	return is_hash(ref) && (strlen(ref) == 40 || strlen(ref) == 64);
}

/* An annotated tag is another object than its commit, which `^{}` stands for. */
static int ask(struct repository *repo, struct strbuf *answer, struct err *e)
{
	AUTO_FREE char *peeled = xasprintf("%s^{}", repo->ref);
	int r = git(repo, answer,
		    WORDS("ls-remote", "-q", repo->address, repo->ref, peeled), e);

	if (answer->len >= PROC_ANSWER_MAX)
		strbuf_trim(answer, 0); /* it may lack what matters */
	return r;
}

int build_git_ask(const struct build_git *g, int dirfd, const char *path, char **answer,
		  struct err *e)
{
	CLEAN(repository_free)
	struct repository repo = {.g = g, .path = path, .env = STRV_INIT};
	AUTO_STRBUF struct strbuf said = STRBUF_INIT;
	int r = parse(&repo, e);

	if (r < 0)
		return r;
	if (is_whole_hash(repo.ref)) {
		*answer = xstrdup(repo.ref);
		return 0;
	}
	set_environment(&repo);
	r = init(&repo, dirfd, e);
	if (r == 0)
		r = ask(&repo, &said, e);
	if (r < 0)
		return err_wrap(e, r, "cannot fetch %s", repo.address);
	*answer = strbuf_take(&said);
	return 0;
}

int build_git_fetch(const struct build_git *g, int dirfd, const char *path, char **below,
		    char **commit, struct err *e)
{
	CLEAN(repository_free)
	struct repository repo = {.g = g, .path = path, .env = STRV_INIT};
	int64_t when = 0;
	int r = parse(&repo, e);

	if (r < 0)
		return r;
	set_environment(&repo);
	r = get_files(&repo, dirfd, e);
	if (r == 0)
		r = check_commit(&repo, commit, &when, e);
	if (r == 0)
		r = tidy(&repo, dirfd, when, e);
	if (r < 0)
		return err_wrap(e, r, "cannot fetch %s", repo.address);
	r = path_open(dirfd, repo.folder, PATH_BENEATH, O_RDONLY | O_DIRECTORY, 0);
	if (r < 0)
		return err_sys(e, r, "the folder %s of %s", repo.folder, repo.address);
	if (below)
		*below = TAKE_PTR(repo.folder);
	return r;
}
