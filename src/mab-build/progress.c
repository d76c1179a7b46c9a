/* SPDX-License-Identifier: MIT */
#include "mab-build/progress.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/file.h"
#include "cli/output.h"
#include "mab-build/command.h"
#include "mab-build/progress-view.h"

struct progress {
	const struct progress_view *view;
	void *shown; /* the view's own; NULL once it has ended */
	struct spans spans;
	double begun; /* all that is shown counts from here */
	pthread_mutex_t lock;
};

/* --- Text --- */

size_t progress_clip(struct strbuf *out, const char *text, size_t width)
{
	size_t n = 0, bytes = strcspn(text, "\n"), all = 0;

	for (size_t i = 0; i < bytes; i++)
		all += (text[i] & 0xc0) != 0x80;
	for (size_t i = 0; i < bytes; i++) {
		unsigned char c = (unsigned char)text[i];

		if ((c & 0xc0) != 0x80 &&
		    n == (all > width && width > 3 ? width - 3 : width))
			break;
		n += (c & 0xc0) != 0x80;
		strbuf_addf(out, "%c", c < 0x20 || c == 0x7f ? '?' : c);
	}
	if (n == all || width <= 3)
		return n;
	strbuf_add(out, "...", 3);
	return n + 3;
}

void progress_lines(FILE *out, const struct build_about *step, const char *text)
{
	while (*text) {
		size_t n = strcspn(text, "\n");

		cli_line(out, "[%s]   | %.*s", step->label, (int)n, text);
		text += n + (text[n] != '\0');
	}
}

/* --- What was done --- */

static void begin_span(struct spans *spans, const struct build_event *event)
{
	GROW(spans->v, spans->n);
	spans->v[spans->n++] = (struct span){.step = event->step,
					     .text = xstrdup(event->text),
					     .begin = event->time,
					     .end = event->time};
}

static void end_span(struct spans *spans, const struct build_event *event,
		     enum span_state state)
{
	for (size_t i = spans->n; i-- > 0;) {
		struct span *s = &spans->v[i];

		if (s->step != event->step)
			continue;
		s->end = event->time;
		s->state = state;
		return;
	}
}

static void record(struct spans *spans, const struct build_event *event)
{
	switch (event->kind) {
	case BUILD_STEP_BEGINS:
		begin_span(spans, event);
		break;
	case BUILD_STEP_CACHED:
		end_span(spans, event, SPAN_CACHED);
		break;
	case BUILD_STEP_DONE:
		end_span(spans, event, SPAN_DONE);
		break;
	case BUILD_STEP_FAILED:
		end_span(spans, event, SPAN_FAILED);
		break;
	default:
		break;
	}
}

const char *span_kind(const struct span *s)
{
	switch (s->state) {
	case SPAN_CACHED:
		return "cached";
	case SPAN_FAILED:
		return "failed";
	case SPAN_DONE:
		return s->step->emulated ? "emulated" : "native";
	default:
		return "unfinished";
	}
}

static int write_record(const struct progress *p, const char *file,
			void (*format)(const struct spans *spans, FILE *out),
			struct err *e)
{
	AUTO_FREE char *text = NULL;
	size_t len = 0;
	FILE *out = open_memstream(&text, &len);

	if (!out)
		return err_sys(e, -errno, "cannot write %s", file);
	format(&p->spans, out);
	(void)fclose(out); /* into memory */
	return file_write_at(AT_FDCWD, file, text, len, FILE_MODE_UMASK, e);
}

int progress_write_trace(const struct progress *p, const char *file, struct err *e)
{
	return write_record(p, file, trace_format, e);
}

int progress_write_timeline(const struct progress *p, const char *file, struct err *e)
{
	return write_record(p, file, timeline_format, e);
}

/* --- The whole --- */

static const struct progress_view *choose(enum progress_mode mode)
{
	const char *term = getenv("TERM");

	switch (mode) {
	case PROGRESS_TTY:
		return &progress_tty;
	case PROGRESS_JSON:
		return &progress_json;
	case PROGRESS_QUIET:
		return &progress_quiet;
	case PROGRESS_PLAIN:
		return &progress_plain;
	default:
		return isatty(STDERR_FILENO) && term && *term && strcmp(term, "dumb") != 0
			       ? &progress_tty
			       : &progress_plain;
	}
}

static double monotonic(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

struct progress *progress_new(enum progress_mode mode)
{
	struct progress *p = xcalloc(1, sizeof *p);

	p->view = choose(mode);
	p->shown = p->view->begin();
	p->begun = monotonic();
	pthread_mutex_init(&p->lock, NULL);
	return p;
}

void progress_tell(void *context, const struct build_event *event)
{
	struct build_event shown = *event;
	struct progress *p = context;

	pthread_mutex_lock(&p->lock);
	record(&p->spans, event);
	/* Not everything that is told comes from the build, and has its clock. */
	shown.time = monotonic() - p->begun;
	if (p->shown)
		p->view->tell(p->shown, &shown);
	pthread_mutex_unlock(&p->lock);
}

void progress_note(struct progress *p, const char *fmt, ...)
{
	AUTO_STRBUF struct strbuf text = STRBUF_INIT;
	struct build_event event = {.kind = BUILD_NOTE};
	va_list ap;

	va_start(ap, fmt);
	strbuf_vaddf(&text, fmt, ap);
	va_end(ap);
	event.text = text.data;
	progress_tell(p, &event);
}

static bool say(const struct progress *p, const char *event, const struct err *what)
{
	if (!p->view->say)
		return false;
	p->view->say(event, monotonic() - p->begun, what);
	return true;
}

void progress_message(struct progress *p, const char *fmt, ...)
{
	AUTO_STRBUF struct strbuf text = STRBUF_INIT;
	va_list ap;

	va_start(ap, fmt);
	strbuf_vaddf(&text, fmt, ap);
	va_end(ap);
	progress_log(p, text.data);
}

void progress_log(void *data, const char *line)
{
	AUTO_ERR struct err what = ERR_INIT;

	(void)err_set(&what, 0, "%s", line);
	if (!say(data, "note", &what))
		cli_message(PROGRAM, "%s", line);
}

bool progress_error(const struct progress *p, const struct err *e)
{
	return say(p, "error", e);
}

void progress_end(struct progress *p)
{
	if (p->shown)
		p->view->end(p->shown);
	p->shown = NULL;
}

void progress_free(struct progress *p)
{
	if (!p)
		return;
	progress_end(p);
	for (size_t i = 0; i < p->spans.n; i++)
		free(p->spans.v[i].text);
	free(p->spans.v);
	pthread_mutex_destroy(&p->lock);
	free(p);
}

void progress_free_p(struct progress **p)
{
	progress_free(*p);
}
