/* SPDX-License-Identifier: MIT */
#include "store/store.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/path.h"
#include "store/blobs.h"
#include "store/image.h"
#include "tests/tap.h"

static char folder[] = "/tmp/test-store-XXXXXX";

static struct store *open_store(void)
{
	AUTO_ERR struct err e = ERR_INIT;
	struct store *s = NULL;

	if (store_open(&s, folder, false, &e) < 0) {
		printf("Bail out! %s\n", e.text);
		exit(1);
	}
	return s;
}

static struct oci_digest digest_of(const char *text)
{
	struct oci_digest d;

	oci_digest_of(text, strlen(text), &d);
	return d;
}

/* A blob that nobody uses any more. */
static struct oci_digest put_blob(struct store *s, const char *text)
{
	struct store_ingest *in;
	struct oci_digest d = {{0}};

	if (store_ingest_new(s, true, &in, NULL) == 0) {
		store_ingest_add(in, text, strlen(text), NULL);
		close(store_ingest_commit(in, &d, false, NULL));
		store_ingest_free(in);
	}
	return d;
}

static bool has_blob(struct store *s, struct oci_digest d)
{
	AUTO_CLOSE int fd = store_blob_open(s, &d, NULL, NULL);

	return fd >= 0;
}

static void test_blobs(struct store *s)
{
	AUTO_ERR struct err e = ERR_INIT;
	struct oci_digest d, hello = digest_of("hello"), other = digest_of("other");
	struct store_ingest *in;
	char data[16] = "";
	uint64_t size = 0;
	int fd;

	is_int(store_blob_open(s, &hello, NULL, &e), -ENOENT, "no blob yet");
	ok(!e.text, "which needs no words");
	is_int(store_ingest_new(s, true, &in, &e), 0, "begins a blob");
	store_ingest_add(in, "hel", 3, &e);
	store_ingest_add(in, "lo", 2, &e);
	fd = store_ingest_commit(in, &d, false, &e);
	ok(fd >= 0 && read(fd, data, sizeof data) == 5 && memcmp(data, "hello", 5) == 0,
	   "which can be read at once");
	close(fd);
	store_ingest_free(in);
	ok(oci_digest_equal(&d, &hello), "with the digest of its bytes");
	fd = store_blob_open(s, &hello, &size, &e);
	ok(fd >= 0 && size == 5, "and later, with its size");
	close(fd);

	store_ingest_new(s, true, &in, &e);
	store_ingest_add(in, "hello", 5, &e);
	is_int(store_ingest_commit(in, &other, true, &e), -EBADMSG,
	       "other bytes are refused");
	ok(e.text && strstr(e.text, "arrived with other bytes"), "in words");
	store_ingest_free(in);
	ok(!has_blob(s, other), "and not kept");
	put_blob(s, "hello");
	ok(has_blob(s, hello), "the same again is no trouble");
}

/* What a power loss leaves of a blob is of another size. */
static void test_cut_blob(struct store *s)
{
	AUTO_FREE char *path = NULL;
	char text[OCI_DIGEST_TEXT];
	struct oci_digest d = put_blob(s, "not to be cut");
	uint64_t size = 0;
	int fd;

	path = xasprintf("%s/blobs/sha256/%s", folder,
			 oci_digest_hex(oci_digest_format(&d, text)));
	ok(truncate(path, 3) == 0, "a blob loses its end");
	put_blob(s, "not to be cut");
	fd = store_blob_open(s, &d, &size, NULL);
	is_int((long)size, 13, "and gets it back");
	close(fd);
}

static int make_snapshot(struct store *s, const struct oci_digest *d, const char *file)
{
	AUTO_STORE_DRAFT struct store_draft draft = STORE_DRAFT_INIT;

	if (store_draft_new(s, &draft, NULL) < 0)
		return -1;
	mkdirat(draft.dirfd, "work", 0);
	close(openat(draft.fs, file, O_WRONLY | O_CREAT | O_CLOEXEC, 0600));
	return store_draft_commit(&draft, d, "root", NULL);
}

static void test_snapshots(struct store *s)
{
	AUTO_FREE char *path = NULL;
	struct oci_digest d = digest_of("files of a layer");
	struct stat st;
	int fd, again;

	is_int(store_snapshot_open(s, &d, "root", NULL), -ENOENT, "no snapshot yet");
	fd = make_snapshot(s, &d, "file");
	ok(fd >= 0 && fstatat(fd, "fs/file", &st, 0) == 0, "a draft becomes one");
	ok(fstatat(fd, "work", &st, 0) < 0, "without its work folder");
	path = store_snapshot_path(s, &d, "root");
	ok(stat(path, &st) == 0 && S_ISDIR(st.st_mode), "it is where its path says");
	again = make_snapshot(s, &d, "second");
	ok(again >= 0 && fstatat(again, "fs/file", &st, 0) == 0 &&
		   fstatat(again, "fs/second", &st, 0) < 0,
	   "of two, the first counts");
	is_int(store_snapshot_open(s, &d, "user", NULL), -ENOENT,
	       "the form is in the name");
	close(again);
	close(fd);
}

static int make_cache(struct store *s, const struct oci_digest *key)
{
	AUTO_STORE_DRAFT struct store_draft draft = STORE_DRAFT_INIT;

	return store_draft_new(s, &draft, NULL) < 0
		       ? -1
		       : store_cache_commit(&draft, key, NULL);
}

static void test_caches(struct store *s)
{
	const struct store_prune all = {.dry_run = false};
	struct store_pruned pruned;
	struct oci_digest key = digest_of("a cache");
	int first, second;

	is_int(store_cache_open(s, &key, NULL), -ENOENT, "no cache yet");
	first = make_cache(s, &key);
	close(openat(first, "file", O_WRONLY | O_CREAT | O_CLOEXEC, 0600));
	second = make_cache(s, &key);
	is_int(faccessat(second, "file", F_OK, 0), 0, "of two, the first counts");
	close(first);
	store_prune(s, &all, &pruned, NULL);
	is_int(faccessat(second, "file", F_OK, 0), 0, "what is in use stays");
	close(second);
	second = store_cache_open(s, &key, NULL);
	is_int(faccessat(second, "file", F_OK, 0), 0, "and can be had again");
	close(second);
	store_prune(s, &all, &pruned, NULL);
	is_int(store_cache_open(s, &key, NULL), -ENOENT, "what is not goes");
}

/* The lock of a process that was killed, and one that is taken. */
static void test_lock_leftovers(struct store *s)
{
	const struct store_prune all = {.dry_run = false};
	struct oci_digest dead = digest_of("dead"), alive = digest_of("alive");
	int fd = store_lock(s, &alive, true, NULL);
	struct store_pruned pruned;
	struct stat st;
	char text[OCI_DIGEST_TEXT];
	AUTO_FREE char *path = NULL;

	close(store_lock(s, &dead, true, NULL));
	store_prune(s, &all, &pruned, NULL);
	path = xasprintf("locks/%s", oci_digest_hex(oci_digest_format(&dead, text)));
	ok(fstatat(store_dirfd(s), path, &st, 0) < 0, "a dead process' lock goes");
	is_int(store_lock(s, &alive, false, NULL), -EWOULDBLOCK,
	       "a living one's is still taken");
	store_unlock(s, &alive, fd);
}

static void test_records(struct store *s)
{
	AUTO_FREE char *path = NULL;
	AUTO_FREE char *data = NULL;
	char text[OCI_DIGEST_TEXT];
	struct oci_digest key = digest_of("key");
	size_t n = 0;

	is_int(store_record_read(s, STORE_STEP, &key, &data, &n, NULL), -ENOENT,
	       "no record yet");
	is_int(store_record_write(s, STORE_STEP, &key, "a\0b", 3, NULL), 0, "writes one");
	is_int(store_record_read(s, STORE_STEP, &key, &data, &n, NULL), 0, "reads it");
	ok(n == 3 && memcmp(data, "a\0b", 4) == 0, "as it was");
	is_int(store_record_read(s, STORE_LAYER, &key, &data, &n, NULL), -ENOENT,
	       "another kind has none");
	path = xasprintf("%s/records/step/%s", folder,
			 oci_digest_hex(oci_digest_format(&key, text)));
	ok(truncate(path, 34) == 0, "a record loses its end");
	is_int(store_record_read(s, STORE_STEP, &key, &data, &n, NULL), -ENOENT,
	       "and counts as missing");
}

/* Who could have written what is in there. */
static void test_private(void)
{
	AUTO_FREE char *none = xasprintf("%s-none", folder);
	AUTO_FREE char *link = xasprintf("%s-link", folder);
	AUTO_FREE char *filters = xasprintf("%s/records/filter", folder);

	ok(store_is_private(folder, false), "nobody else writes to the store");
	ok(chdir("/tmp") == 0 && store_is_private(strrchr(folder, '/') + 1, false),
	   "the same by a relative path");
	ok(!store_is_private(none, false), "one that is not there is not private");
	ok(chmod(folder, 0707) == 0 && !store_is_private(folder, false),
	   "nor one that everybody writes to");
	ok(symlink(folder, link) == 0 && !store_is_private(link, false),
	   "by way of a link neither");
	unlink(link);
	ok(chmod(folder, 0700) == 0 && chmod(filters, 0722) == 0 &&
		   !store_is_private(folder, false),
	   "nor one with a folder that others write to");
	ok(chmod(filters, 0700) == 0 && store_is_private(folder, false),
	   "all is well again");
}

static void test_names(struct store *s)
{
	AUTO_ERR struct err e = ERR_INIT;
	AUTO_STRV struct strv names = STRV_INIT;
	AUTO_FREE char *text = NULL;

	is_int(store_name_read(s, "app:1", &text, &e), -ENOENT, "no name yet");
	ok(e.text && strstr(e.text, "there is no image app:1"), "in words");
	store_name_write(s, "b.example/app:1", "two\nlines", NULL);
	store_name_write(s, "app:1", "one", NULL);
	store_names(s, &names, NULL);
	ok(names.n == 2 && strcmp(names.v[0], "app:1") == 0, "lists names in order");
	is_int(store_name_read(s, "b.example/app:1", &text, NULL), 0, "reads one");
	is_str(text, "two\nlines", "as it was");
	is_int(store_name_remove(s, "b.example/app:1", NULL), 0, "removes one");
	is_int(store_name_remove(s, "app:1", NULL), 0, "and the other");
	is_int(store_name_remove(s, "app:1", NULL), -ENOENT, "which is gone then");
}

static void test_locks(struct store *s)
{
	struct oci_digest key = digest_of("step"), other = digest_of("other step");
	int status, fd = store_lock(s, &key, true, NULL);
	pid_t pid;

	ok(fd >= 0, "takes a lock");
	is_int(store_lock(s, &key, false, NULL), -EWOULDBLOCK, "nobody else gets it");
	close(store_lock(s, &other, false, NULL));
	pid = fork();
	if (pid == 0) {
		close(fd);
		_exit(store_lock(s, &key, true, NULL) < 0);
	}
	usleep(20000);
	ok(waitpid(pid, &status, WNOHANG) == 0, "a process waits for it");
	store_unlock(s, &key, fd);
	ok(waitpid(pid, &status, 0) == pid && WIFEXITED(status) &&
		   WEXITSTATUS(status) == 0,
	   "and gets it");
	fd = store_lock(s, &key, false, NULL);
	ok(fd >= 0, "which gives it back by its end");
	store_unlock(s, &key, fd);
}

static struct store_amount prune(struct store *s, time_t unused, uint64_t keep)
{
	struct store_prune what = {.unused = unused, .keep = keep};
	struct store_pruned pruned;

	is_int(store_prune(s, &what, &pruned, NULL), 0, "prunes");
	return pruned.items;
}

static void test_prune_needed(struct store *s)
{
	AUTO_FREE char *config = NULL;
	AUTO_FREE char *manifest = NULL;
	char layer[OCI_DIGEST_TEXT], diff[OCI_DIGEST_TEXT], text[OCI_DIGEST_TEXT];
	struct oci_digest l = put_blob(s, "layer"), diff_id = digest_of("files");
	struct oci_digest c, m, lone = put_blob(s, "lone");
	struct store_usage usage;

	close(make_snapshot(s, &diff_id, "file"));
	config = xasprintf("{\"diff_ids\":[\"%s\"]}", oci_digest_format(&diff_id, diff));
	c = put_blob(s, config);
	manifest = xasprintf("{\"config\":\"%s\",\"layers\":[\"%s\"]}",
			     oci_digest_format(&c, text), oci_digest_format(&l, layer));
	m = put_blob(s, manifest);
	store_name_write(s, "app:1", oci_digest_format(&m, text), NULL);
	store_record_write(s, STORE_LAYER, &diff_id, "index", 5, NULL);

	is_int(store_usage(s, &usage, NULL, NULL), 0, "tells what it takes");
	ok(usage.names.count == 1 && usage.blobs.count >= 4, "in numbers");
	prune(s, 0, 0);
	ok(!has_blob(s, lone), "what no name leads to goes");
	ok(has_blob(s, m) && has_blob(s, c) && has_blob(s, l),
	   "manifest, configuration and layer of a name stay");
	close(store_snapshot_open(s, &diff_id, "root", NULL));
	ok(faccessat(store_dirfd(s), "records/layer", F_OK, 0) == 0 &&
		   store_usage(s, &usage, NULL, NULL) == 0 && usage.records.count == 1 &&
		   usage.snapshots.count == 1,
	   "so do its snapshot and index");
	is_int((long)usage.reclaimable.count, 0, "nothing is left to prune");
	store_name_remove(s, "app:1", NULL);
	prune(s, 0, 0);
	store_usage(s, &usage, NULL, NULL);
	is_int((long)(usage.blobs.count + usage.snapshots.count + usage.records.count), 0,
	       "without the name, all goes");
}

static void set_age(struct store *s, struct oci_digest d, time_t age)
{
	AUTO_FREE char *path = NULL;
	char text[OCI_DIGEST_TEXT];
	struct timespec times[2] = {{time(NULL) - age, 0}, {time(NULL) - age, 0}};

	path = xasprintf("blobs/sha256/%s", oci_digest_hex(oci_digest_format(&d, text)));
	utimensat(store_dirfd(s), path, times, 0);
}

static void test_prune_order(struct store *s)
{
	struct oci_digest a = put_blob(s, "a"), b = put_blob(s, "b"),
			  c = put_blob(s, "c");
	struct store_usage usage;
	int used;

	set_age(s, a, 3000);
	set_age(s, b, 2000);
	set_age(s, c, 1000);
	is_int((long)prune(s, 2500, 0).count, 1, "by age: one");
	store_usage(s, &usage, NULL, NULL);
	is_int((long)prune(s, 0, usage.reclaimable.bytes / 2).count, 1, "by size: one");
	set_age(s, c, 1000);
	used = store_blob_open(s, &c, NULL, NULL);
	ok(used >= 0, "the last one used stays");
	ok(!has_blob(s, a) && !has_blob(s, b), "the others are gone");
	is_int((long)prune(s, 0, 0).count, 0, "what somebody uses stays");
	is_int((long)prune(s, 10, 0).count, 0, "opening was a use");
	close(used);
	is_int((long)prune(s, 0, 0).count, 1, "and goes afterwards");
}

static void test_restart(struct store *s)
{
	struct oci_digest d = digest_of("layer of before");

	close(make_snapshot(s, &d, "file"));
	store_close(s);
	s = open_store();
	ok(store_snapshot_open(s, &d, "root", NULL) >= 0, "a snapshot stays");
	store_close(s);
	AUTO_FREE char *boot = xasprintf("%s/boot", folder);
	AUTO_CLOSE int fd = open(boot, O_WRONLY | O_TRUNC | O_CLOEXEC);
	ok(fd >= 0 && write(fd, "earlier", 7) == 7, "the machine starts anew");
	s = open_store();
	is_int(store_snapshot_open(s, &d, "root", NULL), -ENOENT,
	       "a snapshot from just before is not trusted");
	store_close(s);
}

/* What goes through store/blobs.h is in use, though no name leads to it yet. */
static void test_blobs_in_use(struct store *s)
{
	struct oci_blobs *blobs = store_blobs_new(s);
	const struct store_prune all = {0};
	struct oci_digest added, stored = put_blob(s, "opened");
	struct oci_digest unused = put_blob(s, "not opened");
	AUTO_FREE char *data = NULL;
	struct store_pruned removed;
	size_t len;

	is_int(oci_blobs_add(blobs, "added", 5, &added, NULL), 0, "adds a blob");
	is_int(oci_blobs_read(blobs, &stored, 100, &data, &len, NULL), 0,
	       "opens another");
	is_str(data, "opened", "which has its bytes");
	is_int(oci_blobs_add(blobs, "added", 5, NULL, NULL), 0, "adds it again");
	is_int(store_prune(s, &all, &removed, NULL), 0, "prunes");
	ok(has_blob(s, added) && has_blob(s, stored), "both stay");
	ok(!has_blob(s, unused), "a third one goes");
	store_blobs_free(blobs);
	store_prune(s, &all, &removed, NULL);
	ok(!has_blob(s, added) && !has_blob(s, stored), "until they are released");
}

static void test_images(struct store *s)
{
	AUTO_ERR struct err e = ERR_INIT;
	AUTO_STORE_IMAGE struct store_image read = {0};
	struct store_image image = {.digest = digest_of("index"),
				    .media_type = xstrdup("a/index")};
	struct oci_digest one = digest_of("one"), two = digest_of("two");

	store_image_set_origin(&image, &one, "r.example/one");
	store_image_set_origin(&image, &two, "r.example/two");
	store_image_set_origin(&image, &one, "r.example/other");
	is_int(store_image_read(s, "r.example/list:1", &read, &e), -ENOENT, "no image");
	is_int(store_image_write(s, "r.example/list:1", &image, &e), 0, "writes one");
	is_int(store_image_read(s, "r.example/list:1", &read, &e), 0, "reads it");
	is_str(read.media_type, "a/index", "its type");
	ok(oci_digest_equal(&read.digest, &image.digest), "its digest");
	is_str(store_image_origin(&read, &one), "r.example/other", "where one is");
	is_str(store_image_origin(&read, &two), "r.example/two", "where another is");
	ok(!store_image_origin(&read, &image.digest), "where it is not said");
	store_image_set_origin(&read, &one, NULL);
	ok(!store_image_origin(&read, &one) && store_image_origin(&read, &two),
	   "one is forgotten");
	store_name_write(s, "r.example/list:1", "sha256:7 x\n", NULL);
	is_int(store_image_read(s, "r.example/list:1", &read, &e), -EBADMSG,
	       "a damaged one");
	store_image_free(&image);
	store_name_remove(s, "r.example/list:1", NULL);
}

static void test_leftovers(struct store *s)
{
	AUTO_STORE_DRAFT struct store_draft draft = STORE_DRAFT_INIT;
	struct store_usage usage;
	struct stat st;
	struct store *second;

	store_draft_new(s, &draft, NULL);
	mkdirat(store_dirfd(s), "tmp/dead", 0700);
	mkdirat(store_dirfd(s), "tmp/dead/fs", 0700);
	store_usage(s, &usage, NULL, NULL);
	is_int((long)usage.leftovers.count, 1, "a dead process' folder is a leftover");
	second = open_store();
	ok(fstatat(store_dirfd(s), "tmp/dead", &st, 0) < 0, "which the next one removes");
	ok(fstatat(draft.dirfd, "fs", &st, 0) == 0, "but not a living one's");
	store_close(second);
}

static void test_other_version(void)
{
	AUTO_ERR struct err e = ERR_INIT;
	AUTO_FREE char *path = xasprintf("%s/format", folder);
	struct store *s = NULL;
	AUTO_CLOSE int fd = open(path, O_WRONLY | O_TRUNC | O_CLOEXEC);

	ok(fd >= 0 && write(fd, "mab-build store 9\n", 18) == 18, "a later format");
	is_int(store_open(&s, folder, false, &e), -EPROTO, "is refused");
}

int main(void)
{
	struct store *s;

	if (!mkdtemp(folder))
		return 1;
	s = open_store();
	test_blobs(s);
	test_cut_blob(s);
	test_snapshots(s);
	test_caches(s);
	test_lock_leftovers(s);
	test_records(s);
	test_private();
	test_names(s);
	test_locks(s);
	test_prune_needed(s);
	test_prune_order(s);
	test_blobs_in_use(s);
	test_images(s);
	test_leftovers(s);
	test_restart(s);
	test_other_version();
	path_remove(AT_FDCWD, folder, NULL);
	return tap_done();
}
