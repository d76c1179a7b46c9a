/* SPDX-License-Identifier: MIT */
/* Steps as complete events ("X") of Chrome's trace format; a thread is a platform. */
#include <string.h>

#include "cli/output.h"
#include "mab-build/progress-view.h"

/* Its place among the platforms, by first appearance. */
static size_t row_of(const struct spans *spans, const struct span *s)
{
	size_t row = 0;

	for (const struct span *other = spans->v;; other++) {
		bool first = true;

		if (strcmp(other->step->platform, s->step->platform) == 0)
			return row;
		for (const struct span *before = spans->v; before < other; before++)
			first = first && strcmp(before->step->platform,
						other->step->platform) != 0;
		row += first;
	}
}

static struct cli_json *event(const char *phase, const char *name, size_t row)
{
	struct cli_json *object = cli_json_object();

	cli_json_set_string(object, "ph", phase);
	cli_json_set_string(object, "name", name);
	cli_json_set_number(object, "pid", 1);
	cli_json_set_number(object, "tid", (long long)row);
	return object;
}

static struct cli_json *name_of_row(const char *name, size_t row)
{
	struct cli_json *object = event("M", "thread_name", row);
	struct cli_json *args = cli_json_object();

	cli_json_set_string(args, "name", name);
	cli_json_set(object, "args", args);
	return object;
}

static long long microseconds(double seconds)
{
	return (long long)(seconds * 1e6 + 0.5);
}

static struct cli_json *step_event(const struct span *s, size_t row)
{
	struct cli_json *object = event("X", s->text, row);
	struct cli_json *args = cli_json_object();

	cli_json_set_string(object, "cat", span_kind(s));
	cli_json_set_number(object, "ts", microseconds(s->begin));
	cli_json_set_number(object, "dur", microseconds(s->end - s->begin));
	cli_json_set_string(args, "step", s->step->label);
	cli_json_set(object, "args", args);
	return object;
}

void trace_format(const struct spans *spans, FILE *out)
{
	struct cli_json *array = cli_json_array();
	size_t named = 0;

	for (size_t i = 0; i < spans->n; i++) {
		const struct span *s = &spans->v[i];
		size_t row = row_of(spans, s);

		if (row == named) {
			cli_json_add(array, name_of_row(s->step->platform, row));
			named++;
		}
		cli_json_add(array, step_event(s, row));
	}
	cli_json_print(array, out);
}
