/* SPDX-License-Identifier: MIT */
#include "build/key.h"

#include <string.h>

void build_key_begin(struct build_key *k, const char *kind)
{
	k->hasher = oci_hasher_new();
	build_key_text(k, kind);
}

void build_key_bytes(struct build_key *k, const void *data, size_t n)
{
	build_key_number(k, (int64_t)n);
	oci_hasher_add(k->hasher, data, n);
}

void build_key_number(struct build_key *k, int64_t n)
{
	uint8_t bytes[8];

	for (size_t i = 0; i < sizeof bytes; i++)
		bytes[i] = (uint8_t)((uint64_t)n >> (8 * i));
	oci_hasher_add(k->hasher, bytes, sizeof bytes);
}

void build_key_text(struct build_key *k, const char *text)
{
	if (text)
		build_key_bytes(k, text, strlen(text));
	else
		build_key_number(k, -1);
}

void build_key_list(struct build_key *k, const struct strv *list)
{
	build_key_number(k, (int64_t)list->n);
	for (size_t i = 0; i < list->n; i++)
		build_key_text(k, list->v[i]);
}

void build_key_digest(struct build_key *k, const struct oci_digest *digest)
{
	oci_hasher_add(k->hasher, digest->bytes, sizeof digest->bytes);
}

void build_key_instruction(struct build_key *k, const struct dockerfile_instruction *i)
{
	build_key_number(k, i->kind);
	build_key_number(k, i->json);
	build_key_number(k, (int64_t)i->nflags);
	for (size_t n = 0; n < i->nflags; n++) {
		build_key_number(k, i->flags[n].id);
		build_key_text(k, i->flags[n].value.text);
	}
	build_key_number(k, (int64_t)i->args.n);
	for (size_t n = 0; n < i->args.n; n++)
		build_key_text(k, i->args.v[n].text);
	build_key_number(k, (int64_t)i->nheredocs);
	for (size_t n = 0; n < i->nheredocs; n++) {
		build_key_text(k, i->heredocs[n].name);
		build_key_text(k, i->heredocs[n].content);
		build_key_number(k, i->heredocs[n].strip_tabs);
	}
	build_key_number(k, (int64_t)i->nmounts);
	for (size_t m = 0; m < i->nmounts; m++)
		for (size_t n = 0; n < i->mounts[m].nfields; n++) {
			build_key_text(k, i->mounts[m].fields[n].key.text);
			build_key_text(k, i->mounts[m].fields[n].value.text);
		}
}

void build_key_end(struct build_key *k, struct oci_digest *digest)
{
	oci_hasher_finish(k->hasher, digest);
	oci_hasher_free(k->hasher);
	k->hasher = NULL;
}
