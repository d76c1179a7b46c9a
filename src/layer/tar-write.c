/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/alloc.h"
#include "layer/tar-internal.h"

/* ustar, IEEE 1003.1; all fields are bytes, so there is no padding. */
struct header {
	char name[100], mode[8], uid[8], gid[8], size[12], mtime[12], checksum[8], type;
	char linkname[100], magic[6], version[2], uname[32], gname[32];
	char devmajor[8], devminor[8], prefix[155], rest[12];
};

_Static_assert(sizeof(struct header) == TAR_BLOCK, "a tar header is one block");

/* False when the number needs more digits than there are. */
static bool put_octal(char *field, size_t size, uint64_t value)
{
	bool fits = value < 1ULL << (3 * (size - 1));

	for (size_t i = size - 1; i-- > 0; value >>= 3)
		field[i] = fits ? (char)('0' + (value & 7)) : '0';
	return fits;
}

/* A string that may fill the field, without NUL then. */
static bool put_string(char *field, size_t size, const char *s)
{
	size_t n = strlen(s);

	memcpy(field, s, n < size ? n : size);
	return n <= size;
}

/* In two parts at a slash, where the name field is too short. */
static bool put_name(struct header *h, const char *name)
{
	size_t n = strlen(name);

	if (n <= sizeof h->name)
		return put_string(h->name, sizeof h->name, name);
	/* The last byte may be the slash of a folder, which is no place to part. */
	for (const char *p = name + n - 2; p > name; p--) {
		size_t first = (size_t)(p - name);

		if (*p != '/' || first > sizeof h->prefix)
			continue;
		if (n - first - 1 > sizeof h->name)
			break;
		memcpy(h->prefix, name, first);
		return put_string(h->name, sizeof h->name, p + 1);
	}
	put_string(h->name, sizeof h->name, name);
	return false;
}

static void put_checksum(struct header *h)
{
	const unsigned char *p = (const unsigned char *)h;
	unsigned sum = 0;

	memset(h->checksum, ' ', sizeof h->checksum);
	for (size_t i = 0; i < TAR_BLOCK; i++)
		sum += p[i];
	put_octal(h->checksum, 7, sum);
	h->checksum[6] = '\0';
}

/* "LENGTH KEY=VALUE\n", where LENGTH counts itself. */
static void add_record(struct strbuf *records, const char *key, const void *value,
		       size_t n)
{
	size_t rest = strlen(key) + n + 3, len = rest + 1, digits;

	do {
		digits = (size_t)snprintf(NULL, 0, "%zu", len);
		if (rest + digits == len)
			break;
		len = rest + digits;
	} while (true);
	strbuf_addf(records, "%zu %s=", len, key);
	strbuf_add(records, value, n);
	strbuf_addc(records, '\n');
}

static void add_number(struct strbuf *records, const char *key, int64_t value)
{
	char text[24];

	add_record(records, key, text,
		   (size_t)snprintf(text, sizeof text, "%" PRId64, value));
}

/* A key ends at the first `=`; one in a name is written as GNU tar does. */
static void add_xattr(struct strbuf *records, const struct layer_xattr *x)
{
	AUTO_STRBUF struct strbuf key = STRBUF_INIT;

	strbuf_adds(&key, "SCHILY.xattr.");
	for (const char *p = x->name; *p; p++) {
		if (*p == '=')
			strbuf_adds(&key, "%3D");
		else
			strbuf_addc(&key, *p);
	}
	add_record(records, key.data, x->value, x->size);
}

/* RFC 3629, but that surrogates and overlong forms do not matter here. */
static bool is_utf8(const char *s)
{
	static const struct {
		unsigned char mask, bits;
		unsigned more;
	} heads[] = {{0x80, 0, 0}, {0xe0, 0xc0, 1}, {0xf0, 0xe0, 2}, {0xf8, 0xf0, 3}};

	while (*s) {
		unsigned char c = (unsigned char)*s++;
		size_t i = 0;

		while (i < ARRAY_SIZE(heads) && (c & heads[i].mask) != heads[i].bits)
			i++;
		if (i == ARRAY_SIZE(heads))
			return false;
		for (unsigned more = heads[i].more; more; more--)
			if (((unsigned char)*s++ & 0xc0) != 0x80)
				return false;
	}
	return true;
}

/* Names in records are UTF-8 unless a record before them says that they are bytes. */
static void add_name(struct strbuf *records, const char *key, const char *name)
{
	if (!is_utf8(name))
		add_record(records, "hdrcharset", "BINARY", strlen("BINARY"));
	add_record(records, key, name, strlen(name));
}

static void pad(struct strbuf *out)
{
	static const char zeros[TAR_BLOCK];

	strbuf_add(out, zeros, -out->len % TAR_BLOCK);
}

static const char type_flags[] = {
	[LAYER_FILE] = '0', [LAYER_HARDLINK] = '1', [LAYER_SYMLINK] = '2',
	[LAYER_CHAR] = '3', [LAYER_BLOCK] = '4',    [LAYER_FOLDER] = '5',
	[LAYER_FIFO] = '6',
};

uint64_t tar_content_size(const struct layer_entry *entry)
{
	uint64_t n = 0;

	if (entry->type != LAYER_FILE)
		return 0;
	if (!entry->extents)
		return entry->size;
	for (size_t i = 0; i < entry->nextents; i++)
		n += entry->extents[i].size;
	return n;
}

/* Format 1.0 of GNU tar: the map is in blocks before the content. */
static void add_sparse(const struct layer_entry *entry, struct strbuf *records,
		       struct strbuf *map)
{
	add_record(records, "GNU.sparse.major", "1", 1);
	add_record(records, "GNU.sparse.minor", "0", 1);
	add_name(records, "GNU.sparse.name", entry->path);
	add_number(records, "GNU.sparse.realsize", (int64_t)entry->size);
	strbuf_addf(map, "%zu\n", entry->nextents);
	for (size_t i = 0; i < entry->nextents; i++)
		strbuf_addf(map, "%" PRIu64 "\n%" PRIu64 "\n", entry->extents[i].offset,
			    entry->extents[i].size);
	pad(map);
}

/* The header's numbers; those that do not fit become records. */
static void put_numbers(struct header *h, const struct layer_entry *entry, uint64_t size,
			struct strbuf *records)
{
	put_octal(h->mode, sizeof h->mode, entry->mode & 07777);
	if (!put_octal(h->uid, sizeof h->uid, entry->uid))
		add_number(records, "uid", entry->uid);
	if (!put_octal(h->gid, sizeof h->gid, entry->gid))
		add_number(records, "gid", entry->gid);
	if (!put_octal(h->size, sizeof h->size, size))
		add_number(records, "size", (int64_t)size);
	/* A negative one is a large one here. */
	if (!put_octal(h->mtime, sizeof h->mtime, (uint64_t)entry->mtime))
		add_number(records, "mtime", entry->mtime);
	put_octal(h->devmajor, sizeof h->devmajor, entry->major);
	put_octal(h->devminor, sizeof h->devminor, entry->minor);
}

static void add_records(const struct strbuf *records, struct strbuf *out)
{
	struct header h = {.type = 'x', .magic = "ustar", .version = {'0', '0'}};

	put_string(h.name, sizeof h.name, "PaxHeaders/records");
	put_octal(h.mode, sizeof h.mode, 0644);
	put_octal(h.uid, sizeof h.uid, 0);
	put_octal(h.gid, sizeof h.gid, 0);
	put_octal(h.size, sizeof h.size, records->len);
	put_octal(h.mtime, sizeof h.mtime, 0);
	put_octal(h.devmajor, sizeof h.devmajor, 0);
	put_octal(h.devminor, sizeof h.devminor, 0);
	put_checksum(&h);
	strbuf_add(out, &h, sizeof h);
	strbuf_add(out, records->data, records->len);
	pad(out);
}

int tar_header(const struct layer_entry *entry, struct strbuf *out, struct err *e)
{
	AUTO_FREE char *name =
		xasprintf("%s%s", entry->path, entry->type == LAYER_FOLDER ? "/" : "");
	AUTO_STRBUF struct strbuf records = STRBUF_INIT;
	AUTO_STRBUF struct strbuf map = STRBUF_INIT;
	struct header h = {.magic = "ustar", .version = {'0', '0'}};

	if (entry->type >= sizeof type_flags || !type_flags[entry->type])
		return err_set(e, -EINVAL, "%s has no form in a tar", entry->path);
	h.type = type_flags[entry->type];
	if (entry->extents)
		add_sparse(entry, &records, &map);
	if (!put_name(&h, name) && !entry->extents)
		add_name(&records, "path", name);
	if (entry->target && !put_string(h.linkname, sizeof h.linkname, entry->target))
		add_name(&records, "linkpath", entry->target);
	put_numbers(&h, entry, tar_content_size(entry) + map.len, &records);
	for (size_t i = 0; i < entry->nxattrs; i++)
		add_xattr(&records, &entry->xattrs[i]);
	if (records.len > TAR_MAX_EXTENDED)
		return err_set(e, -E2BIG, "%s has too many extended attributes",
			       entry->path);
	if (records.len)
		add_records(&records, out);
	put_checksum(&h);
	strbuf_add(out, &h, sizeof h);
	strbuf_add(out, map.data, map.len);
	return 0;
}
