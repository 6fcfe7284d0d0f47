// Whether a plan runs a batch image by image. Layer by layer, the activations of several large
// images push each other out of the caches; one image's may stay there from op to op.
#pragma once
#include "tuco/core/graph.h"

namespace tuco::deploy {

/// Whether no op of a lowered graph (lower.h) lets an image of a batch see another: then a batch
/// may be run image by image. False for ops of which that is not known.
bool keeps_images_apart(const Graph& graph);

/// Whether that is also faster: what an op reads and writes of one image is more than the inner
/// caches hold of several, and all of it moves more bytes than the constants, which are read again
/// for each image. Needs no memory plan, so that plans from files are loaded without a search.
bool is_faster_by_image(const Graph& graph);

}  // namespace tuco::deploy
