/* SPDX-License-Identifier: MIT */
#include "build/spool.h"

#include <errno.h>
#include <search.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/cleanup.h"

struct piece {
	struct oci_digest digest; /* the first member, see compare() */
	uint64_t at;
	bool there; /* else somebody is copying it */
};

static int compare(const void *a, const void *b)
{
	return memcmp(a, b, sizeof(struct oci_digest));
}

void build_spool_init(struct build_spool *s, struct store *store)
{
	*s = (struct build_spool){.store = store, .fd = -1};
	pthread_mutex_init(&s->lock, NULL);
	pthread_cond_init(&s->settled, NULL);
}

/* With the lock. */
static struct piece *find(struct build_spool *s, const struct oci_digest *digest)
{
	struct piece **found = tfind(digest, &s->pieces, compare);

	return found ? *found : NULL;
}

/* The same. */
static struct piece *add(struct build_spool *s, const struct oci_digest *digest)
{
	struct piece *p = xcalloc(1, sizeof *p);

	p->digest = *digest;
	if (!tsearch(p, &s->pieces, compare))
		abort(); /* out of memory */
	return p;
}

bool build_spool_find(struct build_spool *s, const struct oci_digest *digest, bool claim,
		      uint64_t *at)
{
	struct piece *p;

	pthread_mutex_lock(&s->lock);
	while ((p = find(s, digest)) && !p->there)
		pthread_cond_wait(&s->settled, &s->lock);
	if (p)
		*at = p->at;
	else if (claim)
		add(s, digest);
	pthread_mutex_unlock(&s->lock);
	return p != NULL;
}

int build_spool_take(struct build_spool *s, uint64_t bytes, uint64_t *at, struct err *e)
{
	int r = 0;

	pthread_mutex_lock(&s->lock);
	if (s->fd < 0)
		r = s->fd = store_spool(s->store, e);
	if (r >= 0) {
		*at = s->size;
		s->size += bytes;
	}
	pthread_mutex_unlock(&s->lock);
	return r < 0 ? r : 0;
}

int build_spool_write(struct build_spool *s, uint64_t at, const void *data, size_t n,
		      struct err *e)
{
	const char *p = data;

	while (n) {
		ssize_t written = pwrite(s->fd, p, n, (off_t)at);

		if (written < 0 && errno == EINTR)
			continue;
		if (written < 0)
			return err_sys(e, -errno,
				       "cannot keep what other layers need in %s",
				       store_path(s->store));
		p += written;
		at += (uint64_t)written;
		n -= (size_t)written;
	}
	return 0;
}

void build_spool_settle(struct build_spool *s, const struct oci_digest *digest,
			uint64_t at)
{
	struct piece *p;

	pthread_mutex_lock(&s->lock);
	p = find(s, digest);
	if (!p)
		p = add(s, digest);
	/* Of two files with one content the first counts. */
	if (!p->there)
		p->at = at;
	p->there = true;
	pthread_cond_broadcast(&s->settled);
	pthread_mutex_unlock(&s->lock);
}

void build_spool_give_up(struct build_spool *s, const struct oci_digest *digest)
{
	struct piece *p;

	pthread_mutex_lock(&s->lock);
	p = find(s, digest);
	if (p && !p->there) {
		tdelete(p, &s->pieces, compare);
		free(p);
	}
	pthread_cond_broadcast(&s->settled);
	pthread_mutex_unlock(&s->lock);
}

ssize_t build_spool_read(const struct build_spool *s, uint64_t at, void *data, size_t n,
			 struct err *e)
{
	ssize_t got;

	do
		got = pread(s->fd, data, n, (off_t)at);
	while (got < 0 && errno == EINTR);
	return got < 0 ? err_sys(e, -errno, "cannot read what was kept in %s",
				 store_path(s->store))
		       : got;
}

void build_spool_free(struct build_spool *s)
{
	if (!s->store)
		return;
	pthread_mutex_destroy(&s->lock);
	pthread_cond_destroy(&s->settled);
	clean_close(&s->fd);
	tdestroy(s->pieces, free);
	*s = (struct build_spool){.fd = -1};
}
