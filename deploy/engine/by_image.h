// Whether a plan runs a batch image by image. Layer by layer, the activations of several large
// images push each other out of the caches; one image's may stay there from op to op.
#pragma once
#include "tuco/core/graph.h"

namespace tuco::deploy {

/// Whether no op of a lowered graph (lower.h) lets an image of a batch see another: then a batch
/// may be run image by image. False for ops of which that is not known.
bool keeps_images_apart(const Graph& graph);

/// Whether that is also faster: an image's activations, which take `arena_bytes` of memory at a
/// time, are more than the inner caches hold of several, and move more bytes than the constants,
/// which are read again for each image.
bool is_faster_by_image(const Graph& graph, int64_t arena_bytes);

}  // namespace tuco::deploy
