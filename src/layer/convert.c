/* SPDX-License-Identifier: MIT */
#include "layer/convert.h"

#include "layer/pipe-internal.h"
#include "layer/stream-internal.h"

int layer_decompress(layer_source source, void *context,
		     const struct layer_read_options *options, layer_sink sink,
		     void *sink_context, struct layer_result *result, struct err *e)
{
	struct layer_stream *s = NULL;
	const uint8_t *data;
	size_t n;
	int r = layer_stream_new(&s, source, context, options, e);

	if (r < 0)
		return r;
	while ((r = layer_stream_next(s, &data, &n, e)) > 0) {
		r = sink(sink_context, data, n, e);
		if (r < 0)
			break;
	}
	if (r == 0)
		r = layer_stream_finish(s, result, e);
	layer_stream_free(s);
	return r;
}

static int into_pipe(void *context, const void *data, size_t n, struct err *e)
{
	return layer_pipe_write(context, data, n, e);
}

int layer_recompress(layer_source source, void *context,
		     const struct layer_read_options *options,
		     enum layer_compression form, int level, layer_sink sink,
		     void *sink_context, struct layer_result *result, struct err *e)
{
	struct layer_pipe *p = layer_pipe_new(form, level, 1, sink, sink_context);
	int r = layer_decompress(source, context, options, into_pipe, p, result, e);

	if (r == 0)
		r = layer_pipe_finish(p, result, e);
	layer_pipe_free(p);
	return r;
}
