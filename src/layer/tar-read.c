/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "layer/read.h"
#include "layer/tar-internal.h"

/* Where the fields of a header are: ustar, and GNU tar's old way with holes. */
enum {
	NAME = 0,
	NAME_SIZE = 100,
	MODE = 100,
	UID = 108,
	GID = 116,
	ID_SIZE = 8,
	SIZE = 124,
	MTIME = 136,
	LONG_SIZE = 12,
	CHECKSUM = 148,
	TYPE = 156,
	LINKNAME = 157,
	MAGIC = 257,
	DEVMAJOR = 329,
	DEVMINOR = 337,
	PREFIX = 345,
	PREFIX_SIZE = 155,
	GNU_SPARSE = 386,
	GNU_SPARSE_COUNT = 4,
	GNU_EXTENDED = 482,
	GNU_REALSIZE = 483,
	GNU_MORE_COUNT = 21,
	GNU_MORE_EXTENDED = 504,
};

/* What extended headers said of the entry that comes next. */
struct extended {
	char *path, *target; /* NULL: the header's */
	bool has_size, has_mtime, has_uid, has_gid;
	uint64_t size, uid, gid;
	int64_t mtime;
	/* GNU.sparse.* */
	unsigned major, minor;
	bool sparse, has_realsize;
	uint64_t realsize;
	struct layer_extent *extents;
	size_t nextents;
	bool half; /* the last extent has no size yet */
};

static void extended_free(struct extended *x)
{
	free(x->path);
	free(x->target);
	free(x->extents);
}

static int damaged(const struct tar_reader *t, struct err *e, const char *what)
{
	return err_set(e, -EBADMSG, "the tar is damaged at byte %" PRIu64 ": %s",
		       t->offset, what);
}

/* --- Bytes --- */

/* At least one byte is there then: 1, or 0 at the end. */
static int fill(struct tar_reader *t, struct err *e)
{
	while (!t->n) {
		int r = t->source(t->context, &t->p, &t->n, e);

		if (r <= 0)
			return r;
	}
	return 1;
}

static void take(struct tar_reader *t, size_t n)
{
	t->p += n;
	t->n -= n;
	t->offset += n;
}

static int read_bytes(struct tar_reader *t, void *to, size_t n, struct err *e)
{
	uint8_t *p = to;

	while (n) {
		int r = fill(t, e);
		size_t part = t->n < n ? t->n : n;

		if (r < 0)
			return r;
		if (r == 0)
			return damaged(t, e, "it ends too early");
		memcpy(p, t->p, part);
		take(t, part);
		p += part;
		n -= part;
	}
	return 0;
}

static int skip_bytes(struct tar_reader *t, uint64_t n, struct err *e)
{
	while (n) {
		size_t part;
		int r;

		if (!t->n && t->skip) {
			t->offset += n;
			return t->skip(t->context, n, e);
		}
		r = fill(t, e);
		part = t->n < n ? t->n : (size_t)n;
		if (r < 0)
			return r;
		if (r == 0)
			return damaged(t, e, "it ends too early");
		take(t, part);
		n -= part;
	}
	return 0;
}

/* --- Fields --- */

static bool parse_octal(const uint8_t *p, size_t n, uint64_t *value)
{
	size_t i = 0;

	*value = 0;
	while (i < n && p[i] == ' ')
		i++;
	for (; i < n && p[i] >= '0' && p[i] <= '7'; i++) {
		if (*value >> 61)
			return false;
		*value = *value << 3 | (uint64_t)(p[i] - '0');
	}
	for (; i < n; i++)
		if (p[i] != ' ' && p[i])
			return false;
	return true;
}

/* Octal digits or, with the first bit set, a signed number in base 256. */
static bool parse_number(const uint8_t *p, size_t n, int64_t *value)
{
	uint64_t v;

	if (!(p[0] & 0x80)) {
		if (!parse_octal(p, n, &v) || v > INT64_MAX)
			return false;
		*value = (int64_t)v;
		return true;
	}
	/* All but the last 8 bytes only repeat the sign. */
	v = p[0] & 0x40 ? UINT64_MAX : 0;
	for (size_t i = 0; i < n; i++) {
		uint8_t byte = i || v ? p[i] : p[i] & 0x3f;

		if (n - i > 8 && byte != (uint8_t)v)
			return false;
		v = v << 8 | byte;
	}
	*value = (int64_t)v;
	return (*value < 0) == !!(p[0] & 0x40);
}

static bool parse_unsigned(const uint8_t *p, size_t n, uint64_t max, uint64_t *value)
{
	int64_t v;

	if (!parse_number(p, n, &v) || v < 0 || (uint64_t)v > max)
		return false;
	*value = (uint64_t)v;
	return true;
}

static bool parse_decimal(const char *text, size_t n, uint64_t *value)
{
	*value = 0;
	for (size_t i = 0; i < n; i++) {
		if (text[i] < '0' || text[i] > '9' || *value > (INT64_MAX - 9) / 10)
			return false;
		*value = *value * 10 + (uint64_t)(text[i] - '0');
	}
	return n > 0;
}

/* "-1.5" is the second before -1. */
static bool parse_time(const char *text, size_t n, int64_t *value)
{
	bool negative = n && text[0] == '-';
	size_t whole = 0, from = negative;
	bool fraction = false;
	uint64_t v;

	while (from + whole < n && text[from + whole] != '.')
		whole++;
	if (!parse_decimal(text + from, whole, &v))
		return false;
	for (size_t i = from + whole + 1; i < n; i++)
		fraction |= text[i] != '0';
	*value = negative ? -(int64_t)v - fraction : (int64_t)v;
	return true;
}

bool layer_is_tar_header(const uint8_t *block)
{
	uint64_t want;
	unsigned sum = 0;
	int old = 0; /* early tars summed signed bytes */

	if (!parse_octal(block + CHECKSUM, 8, &want))
		return false;
	for (size_t i = 0; i < TAR_BLOCK; i++) {
		uint8_t byte = i >= CHECKSUM && i < CHECKSUM + 8 ? ' ' : block[i];

		sum += byte;
		old += (int8_t)byte;
	}
	return want == sum || (int64_t)want == old;
}

/* --- Holes --- */

static bool add_extent(struct extended *x, uint64_t offset, uint64_t size)
{
	if (x->nextents == TAR_MAX_EXTENTS)
		return false;
	GROW(x->extents, x->nextents);
	x->extents[x->nextents++] = (struct layer_extent){offset, size};
	return true;
}

/* One number of a map in which offsets and sizes take turns. */
static bool add_half(struct extended *x, uint64_t value)
{
	if (!x->half) {
		x->half = true;
		return add_extent(x, value, 0);
	}
	x->half = false;
	x->extents[x->nextents - 1].size = value;
	return true;
}

/* GNU.sparse.map of format 0.1: numbers between commas. */
static bool parse_map(struct extended *x, const char *text, size_t n)
{
	while (n) {
		const char *comma = memchr(text, ',', n);
		size_t part = comma ? (size_t)(comma - text) : n;
		uint64_t value;

		if (!parse_decimal(text, part, &value) || !add_half(x, value))
			return false;
		text += part + !!comma;
		n -= part + !!comma;
	}
	return !x->half;
}

/* Format 1.0: lines in blocks before the content. */
static int read_map_line(struct tar_reader *t, uint64_t *value, size_t *used,
			 struct err *e)
{
	char text[24];
	size_t n = 0;
	int r;

	for (;;) {
		r = read_bytes(t, &text[n], 1, e);
		if (r < 0)
			return r;
		(*used)++;
		if (text[n] == '\n')
			break;
		if (++n == sizeof text)
			return damaged(t, e, "a number is too long");
	}
	return parse_decimal(text, n, value) ? 0 : damaged(t, e, "a map of holes");
}

static int read_map(struct tar_reader *t, struct extended *x, struct err *e)
{
	uint64_t count, value;
	size_t used = 0;
	int r = read_map_line(t, &count, &used, e);

	if (r == 0 && count > TAR_MAX_EXTENTS)
		return damaged(t, e, "a map of too many holes");
	for (uint64_t i = 0; r == 0 && i < 2 * count; i++) {
		r = read_map_line(t, &value, &used, e);
		if (r == 0 && !add_half(x, value))
			return damaged(t, e, "a map of too many holes");
	}
	if (r == 0)
		r = skip_bytes(t, -used % TAR_BLOCK, e);
	used += -used % TAR_BLOCK;
	if (r == 0 && used > t->left)
		return damaged(t, e, "a map of holes is longer than its file");
	t->left -= r == 0 ? used : 0;
	return r;
}

static bool add_gnu_extents(struct extended *x, const uint8_t *p, unsigned count)
{
	for (; count-- && p[0]; p += 2 * LONG_SIZE) {
		uint64_t offset, size;

		if (!parse_unsigned(p, LONG_SIZE, INT64_MAX, &offset) ||
		    !parse_unsigned(p + LONG_SIZE, LONG_SIZE, INT64_MAX, &size) ||
		    !add_extent(x, offset, size))
			return false;
	}
	return true;
}

/* GNU tar's old form: the map is in the header, and in blocks after it. */
static int read_gnu_sparse(struct tar_reader *t, struct extended *x,
			   const uint8_t *header, struct err *e)
{
	uint8_t block[TAR_BLOCK];
	bool more = header[GNU_EXTENDED];

	x->sparse = x->has_realsize = true;
	if (!parse_unsigned(header + GNU_REALSIZE, LONG_SIZE, INT64_MAX, &x->realsize) ||
	    !add_gnu_extents(x, header + GNU_SPARSE, GNU_SPARSE_COUNT))
		return damaged(t, e, "a map of holes");
	while (more) {
		int r = read_bytes(t, block, sizeof block, e);

		if (r < 0)
			return r;
		if (!add_gnu_extents(x, block, GNU_MORE_COUNT))
			return damaged(t, e, "a map of holes");
		more = block[GNU_MORE_EXTENDED];
	}
	return 0;
}

/* The map must fit the file and the content. */
static bool extents_fit(const struct extended *x, uint64_t content)
{
	uint64_t end = 0, sum = 0;

	for (size_t i = 0; i < x->nextents; i++) {
		const struct layer_extent *p = &x->extents[i];

		if (p->offset < end || p->size > INT64_MAX - p->offset)
			return false;
		end = p->offset + p->size;
		sum += p->size;
	}
	return end <= x->realsize && sum == content && !x->half;
}

/* --- Extended headers --- */

static bool set_string(char **to, const char *value, size_t n)
{
	if (memchr(value, '\0', n))
		return false;
	free(*to);
	*to = xstrndup(value, n);
	return true;
}

static bool set_xattr(struct layer_entry *entry, const char *name, size_t n,
		      const char *value, size_t size)
{
	AUTO_FREE char *copy = xstrndup(name, n);
	char *to = copy;

	for (const char *p = copy; *p; to++) {
		if (strncmp(p, "%3D", 3) == 0 || strncmp(p, "%25", 3) == 0) {
			*to = p[1] == '3' ? '=' : '%';
			p += 3;
		} else {
			*to = *p++;
		}
	}
	*to = '\0';
	if (!*copy || entry->nxattrs == TAR_MAX_XATTRS)
		return false;
	layer_entry_add_xattr(entry, copy, value, size);
	return true;
}

static bool set_sparse(struct extended *x, const char *key, const char *value, size_t n)
{
	uint64_t number = 0;
	bool good = parse_decimal(value, n, &number);

	x->sparse = true;
	if (strcmp(key, "name") == 0)
		return set_string(&x->path, value, n);
	if (strcmp(key, "map") == 0)
		return parse_map(x, value, n);
	if (strcmp(key, "major") == 0)
		x->major = (unsigned)number;
	else if (strcmp(key, "minor") == 0)
		x->minor = (unsigned)number;
	else if (strcmp(key, "offset") == 0 || strcmp(key, "numbytes") == 0)
		return good && (key[0] == 'n') == x->half && add_half(x, number);
	else if (strcmp(key, "realsize") == 0 || strcmp(key, "size") == 0) {
		x->realsize = number;
		x->has_realsize = true;
	}
	return good;
}

static bool set_record(struct extended *x, struct layer_entry *entry, const char *key,
		       const char *value, size_t n)
{
	static const char xattr[] = "SCHILY.xattr.", sparse[] = "GNU.sparse.";

	if (strncmp(key, xattr, sizeof xattr - 1) == 0)
		return set_xattr(entry, key + sizeof xattr - 1,
				 strlen(key + sizeof xattr - 1), value, n);
	if (strncmp(key, sparse, sizeof sparse - 1) == 0)
		return set_sparse(x, key + sizeof sparse - 1, value, n);
	/* GNU.sparse.name says more than path, which is made up then. */
	if (strcmp(key, "path") == 0)
		return (x->sparse && x->path) || set_string(&x->path, value, n);
	if (strcmp(key, "linkpath") == 0)
		return set_string(&x->target, value, n);
	if (strcmp(key, "size") == 0)
		return x->has_size = parse_decimal(value, n, &x->size);
	if (strcmp(key, "uid") == 0)
		return x->has_uid =
			       parse_decimal(value, n, &x->uid) && x->uid < UINT32_MAX;
	if (strcmp(key, "gid") == 0)
		return x->has_gid =
			       parse_decimal(value, n, &x->gid) && x->gid < UINT32_MAX;
	if (strcmp(key, "mtime") == 0)
		return x->has_mtime = parse_time(value, n, &x->mtime);
	return true;
}

/* "LENGTH KEY=VALUE\n" each; p has a NUL after n bytes. */
static bool parse_records(struct extended *x, struct layer_entry *entry, char *p,
			  size_t n)
{
	while (n) {
		char *space = memchr(p, ' ', n < 20 ? n : 20);
		char *equals;
		uint64_t len;

		if (!space || !parse_decimal(p, (size_t)(space - p), &len) || len > n ||
		    len < (size_t)(space - p) + 3 || p[len - 1] != '\n')
			return false;
		equals = memchr(space, '=', (size_t)(p + len - 1 - space));
		if (!equals || memchr(space, '\0', (size_t)(equals - space)))
			return false;
		*equals = '\0';
		if (!set_record(x, entry, space + 1, equals + 1,
				(size_t)(p + len - 1 - (equals + 1))))
			return false;
		p += len;
		n -= len;
	}
	return true;
}

/* The content of a header that is about the next one. */
static int read_extended(struct tar_reader *t, struct extended *x, uint8_t type,
			 uint64_t size, struct err *e)
{
	AUTO_FREE char *data = NULL;
	int r;

	if (size > TAR_MAX_EXTENDED)
		return damaged(t, e, "an extended header is too long");
	data = xcalloc(size + 1, 1);
	r = read_bytes(t, data, size, e);
	if (r == 0)
		r = skip_bytes(t, -size % TAR_BLOCK, e);
	if (r < 0)
		return r;
	if (type == 'L')
		set_string(&x->path, data, strlen(data));
	else if (type == 'K')
		set_string(&x->target, data, strlen(data));
	else if (!parse_records(x, t->entry, data, size))
		return damaged(t, e, "a pax record is malformed");
	return 0;
}

/* --- Entries --- */

static const struct {
	uint8_t flag;
	enum layer_type type;
} types[] = {
	{'0', LAYER_FILE},   {'\0', LAYER_FILE},    {'7', LAYER_FILE},
	{'S', LAYER_FILE},   {'1', LAYER_HARDLINK}, {'2', LAYER_SYMLINK},
	{'3', LAYER_CHAR},   {'4', LAYER_BLOCK},    {'5', LAYER_FOLDER},
	{'D', LAYER_FOLDER}, {'6', LAYER_FIFO},
};

static char *header_name(const uint8_t *block)
{
	/* GNU tar's header has other things where ustar has the prefix. */
	bool ustar = memcmp(block + MAGIC, "ustar", 6) == 0;
	int prefix = ustar ? (int)strnlen((const char *)block + PREFIX, PREFIX_SIZE) : 0;

	return xasprintf("%.*s%s%.*s", prefix, (const char *)block + PREFIX,
			 prefix ? "/" : "", NAME_SIZE, (const char *)block + NAME);
}

static bool set_numbers(struct layer_entry *entry, const struct extended *x,
			const uint8_t *block)
{
	uint64_t mode, uid = x->uid, gid = x->gid, major = 0, minor = 0;
	int64_t mtime = x->mtime;
	bool device = entry->type == LAYER_CHAR || entry->type == LAYER_BLOCK;

	if (!parse_unsigned(block + MODE, ID_SIZE, UINT32_MAX, &mode) ||
	    (!x->has_uid &&
	     !parse_unsigned(block + UID, ID_SIZE, UINT32_MAX - 1, &uid)) ||
	    (!x->has_gid &&
	     !parse_unsigned(block + GID, ID_SIZE, UINT32_MAX - 1, &gid)) ||
	    (!x->has_mtime && !parse_number(block + MTIME, LONG_SIZE, &mtime)) ||
	    (device && (!parse_unsigned(block + DEVMAJOR, ID_SIZE, UINT32_MAX, &major) ||
			!parse_unsigned(block + DEVMINOR, ID_SIZE, UINT32_MAX, &minor))))
		return false;
	entry->mode = mode & 07777;
	entry->uid = (uint32_t)uid;
	entry->gid = (uint32_t)gid;
	entry->mtime = mtime;
	entry->major = (uint32_t)major;
	entry->minor = (uint32_t)minor;
	return true;
}

static int set_names(struct tar_reader *t, struct extended *x, const uint8_t *block,
		     struct err *e)
{
	struct layer_entry *entry = t->entry;
	size_t n;

	entry->path = x->path ? TAKE_PTR(x->path) : header_name(block);
	n = strlen(entry->path);
	/* Tars from before ustar mark a folder so. */
	if (entry->type == LAYER_FILE && n && entry->path[n - 1] == '/')
		entry->type = LAYER_FOLDER;
	if (entry->type == LAYER_HARDLINK || entry->type == LAYER_SYMLINK)
		entry->target =
			x->target ? TAKE_PTR(x->target)
				  : xstrndup((const char *)block + LINKNAME, NAME_SIZE);
	if (n > TAR_MAX_PATH || (entry->target && strlen(entry->target) > TAR_MAX_PATH))
		return err_set(e, -ENAMETOOLONG, "a name in the tar is too long: %.80s…",
			       entry->path);
	if (entry->target && !*entry->target)
		return err_set(e, -EBADMSG, "%s is a link to nothing", entry->path);
	if (layer_path_clean(entry->path) < 0)
		return err_set(e, -EXDEV, "the name %s leads out of the archive",
			       entry->path);
	if (entry->type == LAYER_HARDLINK && layer_path_clean(entry->target) < 0)
		return err_set(e, -EXDEV,
			       "%s is a link to %s, which leads out of the archive",
			       entry->path, entry->target);
	return 0;
}

static int set_content(struct tar_reader *t, struct extended *x, const uint8_t *block,
		       struct err *e)
{
	struct layer_entry *entry = t->entry;
	int r = 0;

	/* Links and folders may say a size, and have no content (as other readers do). */
	if (entry->type != LAYER_FILE)
		return 0;
	if (!x->has_size &&
	    !parse_unsigned(block + SIZE, LONG_SIZE, INT64_MAX - TAR_BLOCK, &x->size))
		return damaged(t, e, "the size of a file");
	t->left = entry->size = x->size;
	t->padding = -x->size % TAR_BLOCK;
	if (block[TYPE] == 'S')
		r = read_gnu_sparse(t, x, block, e);
	else if (x->sparse && x->major == 1)
		r = read_map(t, x, e);
	entry->offset = t->left ? t->offset : 0;
	if (r < 0 || !x->sparse)
		return r;
	if (!x->has_realsize || !extents_fit(x, t->left))
		return damaged(t, e, "a map of holes does not fit its file");
	t->sparse = true;
	entry->size = x->realsize;
	entry->nextents = x->nextents;
	/* None at all is one big hole, and still an array. */
	entry->extents =
		x->extents ? TAKE_PTR(x->extents) : xcalloc(1, sizeof *x->extents);
	return 0;
}

static int read_entry(struct tar_reader *t, struct extended *x, const uint8_t *block,
		      struct err *e)
{
	size_t i = 0;
	int r;

	while (i < ARRAY_SIZE(types) && types[i].flag != block[TYPE])
		i++;
	if (i == ARRAY_SIZE(types))
		return err_set(e, -EBADMSG,
			       "the tar has an entry of a kind that is not known: '%c'",
			       block[TYPE] >= ' ' && block[TYPE] < 127 ? block[TYPE]
								       : '?');
	t->entry->type = types[i].type;
	if (!set_numbers(t->entry, x, block))
		return damaged(t, e, "a number in a header");
	r = set_names(t, x, block, e);
	return r < 0 ? r : set_content(t, x, block, e);
}

static bool is_zero(const uint8_t *block)
{
	return block[0] == 0 && memcmp(block, block + 1, TAR_BLOCK - 1) == 0;
}

/* A whole header: 1; 0 at the end, which a block of zeros marks or the end of the file.
 */
static int read_block(struct tar_reader *t, uint8_t *block, struct err *e)
{
	int r = fill(t, e);

	if (r <= 0)
		return r;
	r = read_bytes(t, block, TAR_BLOCK, e);
	if (r < 0)
		return r;
	if (is_zero(block))
		return 0;
	return layer_is_tar_header(block) ? 1 : damaged(t, e, "no tar header is there");
}

static int next_entry(struct tar_reader *t, struct extended *x, struct err *e)
{
	uint8_t block[TAR_BLOCK];
	bool pending = false;
	int r;

	for (;;) {
		uint64_t size = 0;
		uint8_t type;

		r = read_block(t, block, e);
		if (r == 0 && pending)
			return damaged(t, e, "it ends after an extended header");
		if (r <= 0)
			return r;
		type = block[TYPE];
		if (!strchr("xXLKgVM", type) || !type) {
			r = read_entry(t, x, block, e);
			return r < 0 ? r : 1;
		}
		if (!parse_unsigned(block + SIZE, LONG_SIZE, INT64_MAX - TAR_BLOCK,
				    &size))
			return damaged(t, e, "the size of an extended header");
		/* Global records say nothing of files; labels of volumes neither. */
		if (strchr("gVM", type))
			r = skip_bytes(t, size + -size % TAR_BLOCK, e);
		else
			r = read_extended(t, x, type, size, e);
		if (r < 0)
			return r;
		pending = true;
	}
}

int tar_next(struct tar_reader *t, struct layer_entry *entry, struct err *e)
{
	struct extended x = {.path = NULL};
	int r = skip_bytes(t, t->left + t->padding, e);

	t->left = t->padding = t->extent = 0;
	t->position = 0;
	t->sparse = false;
	layer_entry_clear(entry);
	t->entry = entry;
	if (r == 0)
		r = next_entry(t, &x, e);
	extended_free(&x);
	return r;
}

int tar_content(struct tar_reader *t, const uint8_t **data, size_t *n, uint64_t *at,
		struct err *e)
{
	const struct layer_extent *extent = NULL;
	uint64_t part = t->left;
	int r;

	if (!t->left)
		return 0;
	r = fill(t, e);
	if (r <= 0)
		return r < 0 ? r : damaged(t, e, "it ends too early");
	if (t->sparse) {
		while (t->position == t->entry->extents[t->extent].size) {
			t->extent++;
			t->position = 0;
		}
		extent = &t->entry->extents[t->extent];
		part = extent->size - t->position;
	}
	*at = (extent ? extent->offset : 0) + t->position;
	*data = t->p;
	*n = part < t->n ? (size_t)part : t->n;
	t->position += *n;
	t->left -= *n;
	take(t, *n);
	return 1;
}
