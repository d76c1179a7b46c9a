/* SPDX-License-Identifier: MIT */
#include <dirent.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/strbuf.h"
#include "base/strv.h"
#include "binfmt/doctor-internal.h"

/* Names of the files in a folder, sorted; none when it is not there. */
static void list_folder(const struct binfmt_facts *facts, const char *folder,
			struct strv *names)
{
	AUTO_CLOSE int fd =
		openat(facts->root, folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	AUTO_CLOSEDIR DIR *dir = fd < 0 ? NULL : fdopendir(fd);
	struct dirent *de;

	if (!dir)
		return;
	(void)TAKE_FD(fd);
	while ((de = readdir(dir)))
		if (de->d_name[0] != '.')
			strv_add(names, de->d_name);
	strv_sort(names);
}

/* What another manager would register. */
struct rival {
	char *name;
	char *interpreter;
	char *file; /* that says so */
};

struct rivals {
	struct rival *v;
	size_t n;
};

static void rivals_free(struct rivals *l)
{
	for (size_t i = 0; i < l->n; i++) {
		free(l->v[i].name);
		free(l->v[i].interpreter);
		free(l->v[i].file);
	}
	free(l->v);
}

static const struct rival *find_rival(const struct rivals *l, const char *name)
{
	for (size_t i = 0; i < l->n; i++)
		if (strcmp(l->v[i].name, name) == 0)
			return &l->v[i];
	return NULL;
}

/* Takes the strings. The first of a name counts. */
static void add_rival(struct rivals *l, char *name, char *interpreter, const char *file)
{
	GROW(l->v, l->n);
	l->v[l->n++] = (struct rival){name, interpreter, xasprintf("/%s", file)};
}

/* The text of a field, which ends at the separator or the line. */
static char *take_field(const char **p, char separator)
{
	const char *start = *p;
	size_t n = 0;

	while (start[n] && start[n] != separator)
		n++;
	*p = start + n + (start[n] != '\0');
	return xstrndup(start, n);
}

/* ":name:type:offset:magic:mask:interpreter:flags" of binfmt.d(5). */
static void read_register_line(const char *line, const char *file, struct rivals *l)
{
	char *fields[6];
	char separator = line[0];
	const char *p = line + 1;

	if (strchr("#;", separator))
		return;
	for (size_t i = 0; i < ARRAY_SIZE(fields); i++)
		fields[i] = take_field(&p, separator);
	for (size_t i = 1; i < 5; i++)
		free(fields[i]);
	add_rival(l, fields[0], fields[5], file);
}

/* A file in an earlier folder replaces those of its name in later ones. */
static void read_binfmt_d(const struct binfmt_facts *facts, struct rivals *l)
{
	static const char *const folders[] = {"etc/binfmt.d", "run/binfmt.d",
					      "usr/local/lib/binfmt.d",
					      "usr/lib/binfmt.d"};
	AUTO_STRV struct strv seen = STRV_INIT;

	for (size_t i = 0; i < ARRAY_SIZE(folders); i++) {
		AUTO_STRV struct strv names = STRV_INIT;

		list_folder(facts, folders[i], &names);
		for (size_t k = 0; k < names.n; k++) {
			AUTO_FREE char *path = xasprintf("%s/%s", folders[i], names.v[k]);
			AUTO_FREE char *text = doctor_read(facts, path);
			AUTO_STRV struct strv lines = STRV_INIT;
			size_t n = strlen(names.v[k]);

			if (strv_has(&seen, names.v[k]) || n < 5 ||
			    strcmp(names.v[k] + n - 5, ".conf") != 0)
				continue;
			strv_add(&seen, names.v[k]);
			strv_split(&lines, text ? text : "", "\n");
			for (size_t j = 0; j < lines.n; j++)
				read_register_line(lines.v[j], path, l);
		}
	}
}

static bool is_known(const struct binfmt_facts *facts, const char *entry)
{
	return binfmt_archs_find_entry(facts->archs, entry) != NULL;
}

/* Says for which entries the manager has something else. Returns whether there are any.
 */
static bool report_rivals(const struct binfmt_facts *facts, const struct rivals *l,
			  const char *manager, const char *mend,
			  struct binfmt_findings *f)
{
	const struct rival *first = NULL;
	AUTO_STRBUF struct strbuf more = STRBUF_INIT;

	for (size_t i = 0; i < facts->live->n; i++) {
		const struct binfmt_entry *entry = &facts->live->v[i];
		const struct rival *rival = find_rival(l, entry->name);

		if (!rival || !is_known(facts, entry->name) ||
		    strcmp(rival->interpreter, entry->interpreter) == 0)
			continue;
		if (!first)
			first = rival;
		else
			strbuf_addf(&more, "%s %s", more.len ? "," : "; the same of",
				    entry->name);
	}
	if (!first)
		return false;
	doctor_say(f, BINFMT_VERDICT_WARN, xstrdup(mend),
		   "%s has %s for %s (%s), and its next start puts that in the place of "
		   "what is there%s",
		   manager, first->interpreter, first->name, first->file, more.data);
	return true;
}

/* The known entries that are there, but not in the manager's files. */
static char *list_unlisted(const struct binfmt_facts *facts, const struct rivals *l)
{
	AUTO_STRBUF struct strbuf s = STRBUF_INIT;

	for (size_t i = 0; i < facts->live->n; i++) {
		const char *name = facts->live->v[i].name;

		if (is_known(facts, name) && !find_rival(l, name))
			strbuf_addf(&s, "%s%s", s.len ? " " : "", name);
	}
	return strbuf_take(&s);
}

static const char service_mend[] =
	"`binfmtctl --install LIST --persist`, and `systemctl enable binfmtctl`, which comes "
	"after systemd-binfmt";

static bool service_is_enabled(const struct binfmt_facts *facts)
{
	return doctor_exists(facts, "etc/systemd/system/sysinit.target.wants/"
				    "binfmtctl.service");
}

void doctor_check_systemd(const struct binfmt_facts *facts, struct binfmt_findings *f)
{
	CLEAN(rivals_free) struct rivals l = {0};
	AUTO_FREE char *unlisted = NULL;
	bool rivals;

	if (!doctor_exists(facts, "usr/lib/systemd/systemd-binfmt") &&
	    !doctor_exists(facts, "lib/systemd/systemd-binfmt")) {
		doctor_say(f, BINFMT_VERDICT_OK, NULL, "systemd-binfmt is not installed");
		return;
	}
	if (facts->private_table || facts->private_unknown) {
		doctor_say(f, BINFMT_VERDICT_OK, NULL,
			   "systemd-binfmt does not see the table of a user namespace");
		return;
	}
	read_binfmt_d(facts, &l);
	if (service_is_enabled(facts)) {
		doctor_say(f, BINFMT_VERDICT_OK, NULL,
			   "binfmtctl.service comes after systemd-binfmt, and puts back "
			   "what --persist configured");
		return;
	}
	rivals = report_rivals(facts, &l, "systemd-binfmt", service_mend, f);
	unlisted = list_unlisted(facts, &l);
	if (unlisted[0] && doctor_exists(facts, "run/systemd/system"))
		doctor_say(
			f, BINFMT_VERDICT_WARN, xstrdup(service_mend),
			"a restart of systemd-binfmt removes what is not in binfmt.d: %s",
			unlisted);
	else if (!rivals)
		doctor_say(
			f, BINFMT_VERDICT_OK, NULL,
			"systemd-binfmt and its %zu lines in binfmt.d are not in the way",
			l.n);
}

/* /var/lib/binfmts/NAME: package, type, offset, magic, mask, interpreter, … a line each.
 */
static void read_binfmts(const struct binfmt_facts *facts, struct rivals *l)
{
	enum { LINE_INTERPRETER = 5 };
	AUTO_STRV struct strv names = STRV_INIT;

	list_folder(facts, "var/lib/binfmts", &names);
	for (size_t i = 0; i < names.n; i++) {
		AUTO_FREE char *path = xasprintf("var/lib/binfmts/%s", names.v[i]);
		AUTO_FREE char *text = doctor_read(facts, path);
		const char *p = text ? text : "";

		for (size_t k = 0; k < LINE_INTERPRETER; k++)
			free(take_field(&p, '\n'));
		if (*p)
			add_rival(l, xstrdup(names.v[i]), take_field(&p, '\n'), path);
	}
}

void doctor_check_binfmt_support(const struct binfmt_facts *facts,
				 struct binfmt_findings *f)
{
	CLEAN(rivals_free) struct rivals l = {0};

	if (!doctor_exists(facts, "usr/sbin/update-binfmts")) {
		doctor_say(f, BINFMT_VERDICT_OK, NULL, "binfmt-support is not installed");
		return;
	}
	read_binfmts(facts, &l);
	if (facts->private_table || facts->private_unknown ||
	    !report_rivals(facts, &l, "update-binfmts",
			   "`update-binfmts --disable NAME` for each of them", f))
		doctor_say(f, BINFMT_VERDICT_OK, NULL,
			   "binfmt-support and its %zu formats are not in the way", l.n);
}
