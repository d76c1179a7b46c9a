/* SPDX-License-Identifier: MIT */
#include "registry/registries.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/strbuf.h"
#include "registry/registries-internal.h"

/* The host at the beginning of "*.host". */
static const char *wildcard(const char *prefix)
{
	return strncmp(prefix, "*.", 2) == 0 ? prefix + 1 : NULL;
}

/* How much of a name a prefix stands for; 0: nothing. */
static size_t match(const char *prefix, const char *name)
{
	const char *domain = wildcard(prefix);
	size_t n = strlen(prefix), host = strcspn(name, "/");
	char next;

	if (domain) {
		size_t tail = strlen(domain);

		host = strcspn(name, ":/");
		return host > tail && strncmp(name + host - tail, domain, tail) == 0
			       ? strcspn(name, "/")
			       : 0;
	}
	if (strncmp(name, prefix, n) != 0)
		return 0;
	next = name[n];
	/* A colon within the host is a port, and that is another registry. */
	return !next || next == '/' || ((next == ':' || next == '@') && n > host) ? n : 0;
}

static const struct registries_entry *find(const struct registries *r, const char *name)
{
	const struct registries_entry *best = NULL;

	for (size_t i = 0; i < r->n; i++)
		if (match(r->entries[i].prefix, name) &&
		    (!best || strlen(r->entries[i].prefix) > strlen(best->prefix)))
			best = &r->entries[i];
	return best;
}

int registries_find(const struct registries *r, const struct oci_reference *ref,
		    const struct registries_entry **entry, struct err *e)
{
	AUTO_FREE char *name = oci_reference_format(ref);

	*entry = find(r, name);
	if (!*entry || !(*entry)->blocked)
		return 0;
	return err_set(e, -EACCES, "%s is blocked ('%s' in %s:%u)", name,
		       (*entry)->prefix, (*entry)->file, (*entry)->line);
}

/* ---- places ---- */

static char *copy(const char *text)
{
	return text ? xstrdup(text) : NULL;
}

/* The reference with the location in place of its first n characters. */
static int rewrite(const struct registries_entry *entry, const char *location,
		   const struct oci_reference *ref, struct oci_reference *new,
		   struct err *e)
{
	AUTO_FREE char *name = oci_reference_format(ref);
	AUTO_FREE char *text =
		xasprintf("%s%s", location, name + match(entry->prefix, name));
	AUTO_ERR struct err why = ERR_INIT;
	int r = oci_reference_parse(new, text, &why);

	/* What has a host alone as location is all below it, not one image. */
	if (r == 0 && !new->host)
		r = err_set(&why, -EINVAL, "it has no path");
	if (r < 0)
		return err_set(e, r, "%s cannot become %s, as %s:%u says: %s", name, text,
			       entry->file, entry->line, why.text);
	if (!new->tag && !new->digest) {
		new->tag = copy(ref->tag);
		new->digest = copy(ref->digest);
	}
	oci_reference_complete(new);
	return 0;
}

static bool serves(const struct registries_entry *entry,
		   const struct registries_mirror *mirror,
		   const struct oci_reference *ref)
{
	enum registries_pulls pulls =
		entry->mirror_by_digest_only ? PULLS_BY_DIGEST : mirror->pulls;

	return pulls == PULLS_ALL || (pulls == PULLS_BY_DIGEST) == !!ref->digest;
}

static struct registries_place *add_place(struct registries_places *places, bool insecure)
{
	struct registries_place *place;

	GROW(places->v, places->n);
	place = &places->v[places->n++];
	*place = (struct registries_place){.insecure = insecure};
	return place;
}

int registries_places(const struct registries *r, const struct oci_reference *ref,
		      struct registries_places *places, struct err *e)
{
	const struct registries_entry *entry;
	struct registries_place *place;
	int result = registries_find(r, ref, &entry, e);

	for (size_t i = 0; entry && result == 0 && i < entry->n; i++) {
		const struct registries_mirror *mirror = &entry->mirrors[i];

		if (!serves(entry, mirror, ref))
			continue;
		place = add_place(places, mirror->insecure);
		result = rewrite(entry, mirror->location, ref, &place->ref, e);
	}
	if (result < 0)
		return result;
	place = add_place(places, entry && entry->insecure);
	if (entry && entry->location)
		return rewrite(entry, entry->location, ref, &place->ref, e);
	place->ref = (struct oci_reference){copy(ref->host), copy(ref->path),
					    copy(ref->tag), copy(ref->digest)};
	return 0;
}

void registries_places_free(struct registries_places *places)
{
	for (size_t i = 0; i < places->n; i++)
		oci_reference_free(&places->v[i].ref);
	free(places->v);
	*places = (struct registries_places){0};
}

/* ---- short names ---- */

/* HOST/NAME, complete. */
static int add_candidate(struct strv *names, const char *host,
			 const struct oci_reference *ref, struct err *e)
{
	AUTO_FREE char *name = oci_reference_format(ref);
	AUTO_FREE char *text = host ? xasprintf("%s/%s", host, name) : xstrdup(name);
	AUTO_OCI_REFERENCE struct oci_reference whole = {0};
	int r = oci_reference_parse(&whole, text, e);

	if (r < 0)
		return r;
	oci_reference_complete(&whole);
	strv_own(names, oci_reference_format(&whole));
	return 0;
}

int registries_candidates(const struct registries *r, const struct oci_reference *ref,
			  struct strv *names, struct err *e)
{
	const char *alias = ref->host ? NULL : oci_map_get(&r->aliases, ref->path);
	int result = 0;

	if (alias) {
		AUTO_FREE char *name = oci_reference_format(ref);
		AUTO_FREE char *text = xasprintf("%s%s", alias, name + strlen(ref->path));
		AUTO_OCI_REFERENCE struct oci_reference whole = {0};

		result = oci_reference_parse(&whole, text, e);
		return result < 0 ? result : add_candidate(names, NULL, &whole, e);
	}
	if (ref->host || !r->has_search)
		return add_candidate(names, ref->host ? NULL : "docker.io", ref, e);
	if (!r->search.n)
		return err_set(e, -ENOENT,
			       "'%s' is a short name, and registries.conf names neither "
			       "an alias of it nor registries to look for it: write "
			       "HOST/%s",
			       ref->path, ref->path);
	if (r->enforcing && r->search.n > 1)
		return err_set(
			e, -ENOENT,
			"'%s' is a short name that may mean several images, which "
			"short-name-mode in registries.conf forbids: write HOST/%s",
			ref->path, ref->path);
	for (size_t i = 0; result == 0 && i < r->search.n; i++)
		result = add_candidate(names, r->search.v[i], ref, e);
	return result;
}

/* ---- release ---- */

void registries_entry_free(struct registries_entry *entry)
{
	for (size_t i = 0; i < entry->n; i++)
		free(entry->mirrors[i].location);
	free(entry->mirrors);
	free(entry->prefix);
	free(entry->location);
	free(entry->file);
	*entry = (struct registries_entry){0};
}

void registries_free(struct registries *r)
{
	for (size_t i = 0; i < r->n; i++)
		registries_entry_free(&r->entries[i]);
	free(r->entries);
	strv_free(&r->search);
	strv_free(&r->helpers);
	strv_free(&r->notes);
	oci_map_free(&r->aliases);
	*r = (struct registries){0};
}
