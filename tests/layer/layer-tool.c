/* SPDX-License-Identifier: MIT */
/*
 * Layers from a command line, for the tests:
 *
 *   layer-tool [OPTION…] pack FOLDER >LAYER     prints digests and sizes to stderr
 *   layer-tool [OPTION…] unpack FOLDER <LAYER
 *   layer-tool [OPTION…] list <LAYER
 *
 * --form gzip|zstd|plain, --level N, --threads N, --epoch N, --user (userxattr),
 * --archive, --devices, --owner, --digest D, --diff-id D, --max-bytes N, --max-entries N,
 * --below FILE (a layer, for what is implied)
 */
#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/alloc.h"
#include "layer/read.h"
#include "layer/write.h"

static struct layer_write_options writing = {.epoch = -1, .threads = 2};
static struct layer_unpack_options unpacking;
static struct layer_limits limits;
static struct oci_digest digest, diff_id;
static struct layer_index below = LAYER_INDEX_INIT;
static struct layer_index *below_layers[] = {&below};
static struct layer_view below_view = {below_layers, 1};

static int to_stdout(void *context, const void *data, size_t n, struct err *e)
{
	if (fwrite(data, 1, n, stdout) != n)
		return err_sys(e, -errno, "cannot write");
	return 0;
}

static void report(const struct layer_result *r)
{
	char a[OCI_DIGEST_TEXT], b[OCI_DIGEST_TEXT];

	fprintf(stderr, "%s %s %" PRIu64 " %" PRIu64 " %" PRIu64 "\n",
		oci_digest_format(&r->diff_id, a), oci_digest_format(&r->digest, b),
		r->tar_size, r->size, r->entries);
}

static int pack(int dir, struct layer_result *result, struct err *e)
{
	struct layer_writer *w;
	int r = layer_writer_new(&w, &writing, to_stdout, NULL, e);

	if (r < 0)
		return r;
	r = layer_writer_add_upper(w, dir, e);
	if (r == 0)
		r = layer_writer_finish(w, result, e);
	layer_writer_free(w);
	return r;
}

static void print_entry(const struct layer_entry *p)
{
	printf("%c%s %04o %u:%u %" PRIu64 " %s%s%s\n", (char)p->type,
	       p->opaque ? "o" : "", p->mode, p->uid, p->gid, p->size, p->path,
	       p->target ? " -> " : "", p->target ? p->target : "");
}

static int list(struct layer_result *result, struct err *e)
{
	AUTO_LAYER_INDEX struct layer_index index = LAYER_INDEX_INIT;
	AUTO_LAYER_INDEX struct layer_index again = LAYER_INDEX_INIT;
	AUTO_STRBUF struct strbuf bytes = STRBUF_INIT;
	int in = STDIN_FILENO, r;

	unpacking.read.index = &index;
	r = layer_scan(layer_source_fd, &in, &unpacking.read, result, e);
	if (r < 0)
		return r;
	/* Through its form on disk, as a builder sees it. */
	layer_index_format(&index, &bytes);
	r = layer_index_parse(&again, bytes.data, bytes.len, e);
	for (size_t i = 0; r == 0 && i < again.n; i++)
		print_entry(&again.entries[i]);
	return r;
}

static int give_below(void *context, const struct layer_view **view, struct err *e)
{
	*view = &below_view;
	return 0;
}

static int read_below(const char *path, struct err *e)
{
	struct layer_read_options options = {.index = &below};
	struct layer_result result;
	AUTO_CLOSE int fd = open(path, O_RDONLY | O_CLOEXEC);

	unpacking.below = give_below;
	return layer_scan(layer_source_fd, &fd, &options, &result, e);
}

static int set_option(int option, struct err *e)
{
	static const char *const forms[] = {"gzip", "zstd", "plain"};
	int r = 0;

	switch (option) {
	case 'f':
		for (int i = 0; i < 3; i++)
			if (strcmp(optarg, forms[i]) == 0)
				writing.compression = (enum layer_compression)i;
		break;
	case 'l':
		writing.level = atoi(optarg);
		break;
	case 't':
		writing.threads = (unsigned)atoi(optarg);
		break;
	case 'e':
		writing.epoch = atoll(optarg);
		break;
	case 'u':
		unpacking.userxattr = true;
		break;
	case 'a':
		unpacking.form = LAYER_UNPACK_ARCHIVE;
		break;
	case 'd':
		unpacking.devices = true;
		break;
	case 'o':
		unpacking.owner_xattr = writing.owner_xattr = true;
		break;
	case 'D':
		unpacking.read.digest = &digest;
		r = oci_digest_parse(&digest, optarg, e);
		break;
	case 'I':
		unpacking.read.diff_id = &diff_id;
		r = oci_digest_parse(&diff_id, optarg, e);
		break;
	case 'b':
		limits.bytes = strtoull(optarg, NULL, 10);
		break;
	case 'n':
		limits.entries = strtoull(optarg, NULL, 10);
		break;
	case 'B':
		r = read_below(optarg, e);
		break;
	default:
		exit(2);
	}
	return r;
}

static int run(const char *command, const char *folder, struct layer_result *result,
	       struct err *e)
{
	AUTO_CLOSE int dir =
		folder ? open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC) : -1;
	int in = STDIN_FILENO;

	if (folder && dir < 0)
		return err_sys(e, -errno, "cannot open %s", folder);
	if (strcmp(command, "pack") == 0)
		return pack(dir, result, e);
	if (strcmp(command, "unpack") == 0)
		return layer_unpack(dir, layer_source_fd, &in, &unpacking, result, e);
	return list(result, e);
}

int main(int argc, char **argv)
{
	static const struct option options[] = {
		{"form", 1, NULL, 'f'},	     {"level", 1, NULL, 'l'},
		{"threads", 1, NULL, 't'},   {"epoch", 1, NULL, 'e'},
		{"user", 0, NULL, 'u'},	     {"archive", 0, NULL, 'a'},
		{"devices", 0, NULL, 'd'},   {"owner", 0, NULL, 'o'},
		{"digest", 1, NULL, 'D'},    {"diff-id", 1, NULL, 'I'},
		{"max-bytes", 1, NULL, 'b'}, {"max-entries", 1, NULL, 'n'},
		{"below", 1, NULL, 'B'},     {NULL, 0, NULL, 0},
	};
	AUTO_ERR struct err e = ERR_INIT;
	struct layer_result result = {.size = 0};
	int option, r = 0;

	limits = layer_limits_usual;
	unpacking.read.limits = &limits;
	while (r == 0 && (option = getopt_long(argc, argv, "", options, NULL)) != -1)
		r = set_option(option, &e);
	if (r == 0 && optind == argc)
		return 2;
	if (r == 0)
		r = run(argv[optind], argv[optind + 1], &result, &e);
	layer_index_free(&below);
	if (r < 0) {
		fprintf(stderr, "layer-tool: %s\n", e.text);
		return 1;
	}
	report(&result);
	return 0;
}
