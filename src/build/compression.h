/* SPDX-License-Identifier: MIT */
#pragma once

/* In which form new layers are kept. */

#include "base/err.h"
#include "build/layers.h"
#include "layer/compress.h"

/* The form that a media type tells of. */
enum layer_compression build_compression_of(const char *media_type);

/*
 * Gives the layer a blob in the form and of the level that the settings ask for. Those of
 * earlier builds may be other ones: what an image is must not depend on them.
 */
int build_layer_compress(struct build *b, struct build_layer *l, struct err *e);
