/* SPDX-License-Identifier: MIT */
/* One event a line, for programs. */
#include "mab-build/progress-view.h"

#include <stdlib.h>

#include "base/alloc.h"
#include "cli/output.h"

/* Of one blob the events come with every packet. */
static const double TRANSFER_SECONDS = 0.5;

struct json {
	double told;
	struct oci_digest blob; /* of which */
};

static const char *const names[] = {
	[BUILD_STEPS] = "plan",		[BUILD_STEP_BEGINS] = "begin",
	[BUILD_STEP_CACHED] = "cached", [BUILD_STEP_DONE] = "done",
	[BUILD_STEP_FAILED] = "failed", [BUILD_STEP_OUTPUT] = "output",
	[BUILD_STEP_TAIL] = "tail",	[BUILD_TRANSFER] = "transfer",
	[BUILD_NOTE] = "note",
};

static void *begin(void)
{
	return xcalloc(1, sizeof(struct json));
}

static bool is_due(struct json *j, const struct build_event *event)
{
	if (event->kind != BUILD_TRANSFER)
		return true;
	if (event->done < event->total && event->time - j->told < TRANSFER_SECONDS &&
	    oci_digest_equal(&j->blob, event->blob))
		return false;
	j->told = event->time;
	j->blob = *event->blob;
	return true;
}

static long long milliseconds(double seconds)
{
	return (long long)(seconds * 1000 + 0.5);
}

static void add_step(struct cli_json *object, const struct build_about *step)
{
	cli_json_set_number(object, "step", step->id);
	cli_json_set_string(object, "label", step->label);
	cli_json_set_string(object, "platform", step->platform);
	cli_json_set_bool(object, "emulated", step->emulated);
}

static void add_transfer(struct cli_json *object, const struct build_event *event)
{
	char digest[OCI_DIGEST_TEXT];

	cli_json_set_string(object, "digest", oci_digest_format(event->blob, digest));
	cli_json_set_string(object, "direction", event->upload ? "push" : "pull");
	cli_json_set_number(object, "bytes", (long long)event->done);
	cli_json_set_number(object, "size", (long long)event->total);
}

static struct cli_json *make_event(const char *name, double time)
{
	struct cli_json *object = cli_json_object();

	cli_json_set_string(object, "event", name);
	cli_json_set_number(object, "time-ms", milliseconds(time));
	return object;
}

static void tell(void *view, const struct build_event *event)
{
	struct cli_json *object;

	if (!is_due(view, event))
		return;
	object = make_event(names[event->kind], event->time);
	if (event->step)
		add_step(object, event->step);
	if (event->text)
		cli_json_set_string(object, "text", event->text);
	if (event->kind == BUILD_STEPS)
		cli_json_set_number(object, "steps", event->steps);
	if (event->kind == BUILD_STEP_DONE || event->kind == BUILD_STEP_CACHED)
		cli_json_set_number(object, "took-ms", milliseconds(event->took));
	if (event->kind == BUILD_TRANSFER)
		add_transfer(object, event);
	cli_json_print_line(object, stderr);
}

static void say(const char *event, double time, const struct err *what)
{
	struct cli_json *object = make_event(event, time);
	const struct err bare = {.code = what->code, .text = what->text};
	AUTO_FREE char *text = err_message(&bare);

	cli_json_set_string(object, "text", text);
	if (what->file)
		cli_json_set_string(object, "file", what->file);
	if (what->file && what->line)
		cli_json_set_number(object, "line", what->line);
	if (what->file && what->line && what->column)
		cli_json_set_number(object, "column", what->column);
	cli_json_print_line(object, stderr);
}

const struct progress_view progress_json = {begin, tell, free, say};
