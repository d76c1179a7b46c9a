/* SPDX-License-Identifier: MIT */
/*
 * One block at the end of the terminal, drawn anew ten times a second: a line for each
 * platform with what it does now, and one for transfers. What is to stay is written above
 * it: notes, and the whole output of steps that fail.
 */
#include "mab-build/progress-view.h"

#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <time.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/thread.h"
#include "cli/output.h"
#include "mab-build/command.h"

enum { REDRAW_MS = 100, BAR = 20, PLATFORM_WIDTH = 15 };

struct running {
	const struct build_about *step; /* NULL: the place is free */
	char *text;
	double begun;
	FILE *log;  /* its output; NULL: there is no room for one */
	char *last; /* line of it */
};

struct row {
	char platform[OCI_PLATFORM_TEXT];
	unsigned done, cached;
	bool failed;
};

struct blob {
	struct oci_digest digest;
	bool upload;
	uint64_t done, total;
};

struct tty {
	pthread_mutex_t lock; /* of all that follows */
	pthread_cond_t ended;
	pthread_t painter;
	bool painting, ending;
	struct running *running;
	size_t nrunning;
	struct row *rows; /* in order of appearance */
	size_t nrows;
	struct blob *blobs; /* under way, or done since the last step began */
	size_t nblobs;
	unsigned steps, finished;
	double offset; /* the clock's time when the build began */
	size_t drawn;  /* lines of the block on the screen */
};

/* --- Time and place --- */

static double now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static void size_of_terminal(size_t *columns, size_t *lines)
{
	struct winsize size;

	*columns = 80;
	*lines = 24;
	if (ioctl(STDERR_FILENO, TIOCGWINSZ, &size) < 0)
		return;
	if (size.ws_col)
		*columns = size.ws_col;
	if (size.ws_row)
		*lines = size.ws_row;
}

/* --- The block --- */

static const struct running *first_of(const struct tty *t, const char *platform,
				      size_t *others)
{
	const struct running *first = NULL;

	*others = 0;
	for (size_t i = 0; i < t->nrunning; i++) {
		const struct running *r = &t->running[i];

		if (!r->step || strcmp(r->step->platform, platform) != 0)
			continue;
		if (first)
			++*others;
		if (!first || r->begun < first->begun)
			first = r;
	}
	return first;
}

/* The label without the platform, which is the line's. */
static const char *place_of(const struct build_about *step)
{
	const char *space = strchr(step->label, ' ');

	return space ? space + 1 : step->label;
}

static void draw_running(const struct tty *t, const struct running *r, size_t others,
			 size_t columns, struct strbuf *out)
{
	AUTO_STRBUF struct strbuf text = STRBUF_INIT;
	size_t room = columns - PLATFORM_WIDTH - 12;

	strbuf_addf(&text, "%s ", place_of(r->step));
	strbuf_add(&text, r->text, strcspn(r->text, "\n"));
	if (others)
		strbuf_addf(&text, " (+%zu)", others);
	strbuf_addf(out, "%7.1fs ", now() - t->offset - r->begun);
	room -= progress_clip(out, text.data, room);
	if (r->last && room > 8) {
		strbuf_adds(out, " | ");
		(void)progress_clip(out, r->last, room - 4);
	}
}

static const char *state_of(const struct tty *t, const struct row *row, bool busy)
{
	if (row->failed)
		return "failed";
	if (!t->ending)
		return "waiting";
	return busy ? "ended" : "done";
}

static void draw_row(const struct tty *t, const struct row *row, size_t columns,
		     struct strbuf *out)
{
	AUTO_STRBUF struct strbuf line = STRBUF_INIT;
	size_t others;
	const struct running *r = first_of(t, row->platform, &others);

	strbuf_addf(&line, " %-*s", PLATFORM_WIDTH, row->platform);
	if (r && !t->ending)
		draw_running(t, r, others, columns, &line);
	else
		strbuf_addf(&line, "%s, %u steps done, %u of them cached",
			    state_of(t, row, r), row->done, row->cached);
	(void)progress_clip(out, line.data, columns - 1);
	strbuf_adds(out, "\033[K\n");
}

static void draw_transfers(const struct tty *t, bool upload, size_t columns,
			   struct strbuf *out)
{
	AUTO_STRBUF struct strbuf line = STRBUF_INIT;
	uint64_t done = 0, total = 0;
	size_t n = 0, filled;

	for (size_t i = 0; i < t->nblobs; i++) {
		const struct blob *b = &t->blobs[i];

		if (b->upload != upload)
			continue;
		done += b->done;
		total += b->total;
		n++;
	}
	if (!n)
		return;
	filled = total ? (size_t)(BAR * done / total) : BAR;
	strbuf_addf(&line, " %-*s[", PLATFORM_WIDTH, upload ? "push" : "pull");
	for (size_t i = 0; i < BAR; i++)
		strbuf_addc(&line, i < filled ? '#' : '.');
	strbuf_addf(&line, "] %.1f of %.1f MB, %zu blob%s", (double)done / 1e6,
		    (double)total / 1e6, n, n == 1 ? "" : "s");
	(void)progress_clip(out, line.data, columns - 1);
	strbuf_adds(out, "\033[K\n");
}

/* To the first line of the block. */
static void go_back(struct tty *t, struct strbuf *out)
{
	if (t->drawn)
		strbuf_addf(out, "\r\033[%zuA", t->drawn);
	t->drawn = 0;
}

/*
 * Removes the block; whoever does puts it back. Line by line: of what is erased in one go
 * some terminals keep a copy.
 */
static void wipe(struct tty *t, struct strbuf *out)
{
	size_t n = t->drawn;

	go_back(t, out);
	for (size_t i = 0; i < n; i++)
		strbuf_adds(out, "\033[2K\n");
	if (n)
		strbuf_addf(out, "\033[%zuA", n);
}

static void draw(struct tty *t, struct strbuf *out)
{
	size_t columns, lines, from = out->len;

	size_of_terminal(&columns, &lines);
	if (columns < PLATFORM_WIDTH + 25)
		columns = PLATFORM_WIDTH + 25; /* lines wrap then */
	if (t->steps)
		strbuf_addf(out, "[%u/%u] %.1fs\033[K\n", t->finished, t->steps,
			    now() - t->offset);
	for (size_t i = 0; i < t->nrows && i + 4 < lines; i++)
		draw_row(t, &t->rows[i], columns, out);
	if (!t->ending) {
		draw_transfers(t, false, columns, out);
		draw_transfers(t, true, columns, out);
	}
	for (size_t i = from; i < out->len; i++)
		t->drawn += out->data[i] == '\n';
}

static void put(const struct strbuf *out)
{
	if (out->len)
		fwrite(out->data, 1, out->len, stderr);
	(void)fflush(stderr);
}

static void redraw(struct tty *t)
{
	AUTO_STRBUF struct strbuf out = STRBUF_INIT;

	size_t before = t->drawn;

	go_back(t, &out);
	draw(t, &out);
	if (t->drawn < before)
		strbuf_adds(&out, "\033[J");
	put(&out);
}

static void *paint(void *view)
{
	struct tty *t = view;
	struct timespec until;

	pthread_mutex_lock(&t->lock);
	while (!t->ending) {
		redraw(t);
		clock_gettime(CLOCK_REALTIME, &until);
		until.tv_nsec += REDRAW_MS * 1000000L;
		until.tv_sec += until.tv_nsec / 1000000000L;
		until.tv_nsec %= 1000000000L;
		(void)pthread_cond_timedwait(&t->ended, &t->lock, &until);
	}
	pthread_mutex_unlock(&t->lock);
	return NULL;
}

/* Not before the build has its namespaces: those are for processes of one thread. */
static void start_painter(struct tty *t)
{
	/* Without it the block changes with the events. */
	if (!t->painting)
		t->painting = thread_start(&t->painter, paint, t) == 0;
}

/* --- What happens --- */

static struct row *row_of(struct tty *t, const char *platform)
{
	struct row *row;

	for (size_t i = 0; i < t->nrows; i++)
		if (strcmp(t->rows[i].platform, platform) == 0)
			return &t->rows[i];
	GROW(t->rows, t->nrows);
	row = &t->rows[t->nrows++];
	*row = (struct row){0};
	strcpy(row->platform, platform);
	return row;
}

static struct running *find_running(struct tty *t, const struct build_about *step)
{
	for (size_t i = 0; i < t->nrunning; i++)
		if (t->running[i].step == step)
			return &t->running[i];
	return NULL;
}

static void begin_step(struct tty *t, const struct build_event *event)
{
	struct running *r = find_running(t, NULL);

	if (!r) {
		GROW(t->running, t->nrunning);
		r = &t->running[t->nrunning++];
	}
	*r = (struct running){
		.step = event->step, .text = xstrdup(event->text), .begun = event->time};
	(void)row_of(t, event->step->platform);
}

static void end_running(struct running *r)
{
	free(r->text);
	free(r->last);
	if (r->log)
		(void)fclose(r->log); /* its file has no name */
	*r = (struct running){0};
}

static void end_step(struct tty *t, const struct build_event *event)
{
	struct running *r = find_running(t, event->step);
	struct row *row = row_of(t, event->step->platform);

	t->finished++;
	row->done += event->kind != BUILD_STEP_FAILED;
	row->cached += event->kind == BUILD_STEP_CACHED;
	row->failed = row->failed || event->kind == BUILD_STEP_FAILED;
	if (r)
		end_running(r);
}

static void keep_output(struct tty *t, const struct build_event *event)
{
	struct running *r = find_running(t, event->step);

	if (!r)
		return;
	if (!r->last)
		r->log = tmpfile();
	if (r->log)
		fprintf(r->log, "%s\n", event->text);
	free(r->last);
	r->last = xstrdup(event->text);
}

/* With no room for a log, what the tail has is all. */
static void show_output(struct tty *t, const struct build_event *event)
{
	struct running *r = find_running(t, event->step);
	char *line = NULL;
	size_t size = 0;

	cli_line(stderr, "[%s] %s", event->step->label, r ? r->text : "");
	if (!r || !r->log || ferror(r->log) || fflush(r->log) != 0) {
		progress_lines(stderr, event->step, event->text);
		return;
	}
	rewind(r->log);
	while (getline(&line, &size, r->log) > 0)
		progress_lines(stderr, event->step, line);
	free(line);
}

static void move_blob(struct tty *t, const struct build_event *event)
{
	struct blob *b = NULL;

	for (size_t i = 0; i < t->nblobs && !b; i++)
		if (t->blobs[i].upload == event->upload &&
		    oci_digest_equal(&t->blobs[i].digest, event->blob))
			b = &t->blobs[i];
	if (!b) {
		GROW(t->blobs, t->nblobs);
		b = &t->blobs[t->nblobs++];
		*b = (struct blob){.digest = *event->blob, .upload = event->upload};
	}
	b->done = event->done;
	b->total = event->total;
}

/* Above the block. */
static void tell_lasting(struct tty *t, const struct build_event *event)
{
	AUTO_STRBUF struct strbuf out = STRBUF_INIT;

	wipe(t, &out);
	put(&out);
	if (event->kind == BUILD_NOTE)
		cli_message(PROGRAM, "%s", event->text);
	else if (event->kind == BUILD_STEP_TAIL)
		show_output(t, event);
	else
		cli_line(stderr, "[%s] FAILED: %s", event->step->label, event->text);
	redraw(t);
}

static void take(struct tty *t, const struct build_event *event)
{
	t->offset = now() - event->time;
	switch (event->kind) {
	case BUILD_STEPS:
		t->steps = event->steps;
		start_painter(t);
		break;
	case BUILD_STEP_BEGINS:
		begin_step(t, event);
		break;
	case BUILD_STEP_OUTPUT:
		keep_output(t, event);
		break;
	case BUILD_STEP_CACHED:
	case BUILD_STEP_DONE:
		end_step(t, event);
		break;
	case BUILD_STEP_FAILED:
		tell_lasting(t, event);
		end_step(t, event);
		break;
	case BUILD_STEP_TAIL:
	case BUILD_NOTE:
		tell_lasting(t, event);
		break;
	case BUILD_TRANSFER:
		move_blob(t, event);
		break;
	}
}

static void tell(void *view, const struct build_event *event)
{
	struct tty *t = view;

	pthread_mutex_lock(&t->lock);
	take(t, event);
	pthread_mutex_unlock(&t->lock);
}

static void *begin(void)
{
	struct tty *t = xcalloc(1, sizeof *t);

	pthread_mutex_init(&t->lock, NULL);
	pthread_cond_init(&t->ended, NULL);
	return t;
}

static void end(void *view)
{
	struct tty *t = view;

	pthread_mutex_lock(&t->lock);
	t->ending = true;
	pthread_cond_signal(&t->ended);
	pthread_mutex_unlock(&t->lock);
	if (t->painting)
		pthread_join(t->painter, NULL);
	redraw(t);
	for (size_t i = 0; i < t->nrunning; i++)
		end_running(&t->running[i]);
	free(t->running);
	free(t->rows);
	free(t->blobs);
	pthread_cond_destroy(&t->ended);
	pthread_mutex_destroy(&t->lock);
	free(t);
}

const struct progress_view progress_tty = {begin, tell, end, NULL};
