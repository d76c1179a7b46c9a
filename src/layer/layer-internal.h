/* SPDX-License-Identifier: MIT */
#pragma once

#include "base/strv.h"
#include "layer/index.h"
#include "layer/write.h"

/* image-spec, layer.md, "Representing Changes". */
#define LAYER_WHITEOUT_PREFIX ".wh."
#define LAYER_OPAQUE_NAME     ".wh..wh..opq"

/* Of the first entry that is not before path. */
size_t layer_index_position(struct layer_index *index, const char *path);

/* Whether the layer mentions anything in the folder. */
bool layer_index_has_contents(struct layer_index *layer, const char *path);

const struct layer_write_options *layer_writer_options(const struct layer_writer *w);
