// The networks of the tests as int8 models.
#pragma once
#include "tests/deploy/networks.h"
#include "tuco/deploy/passes.h"
#include "tuco/deploy/quantize.h"
#include "tuco/deploy/trace.h"

namespace tuco::test {

/// The network traced, optimized, and quantized with random images of this seed.
inline deploy::QuantizedModel quantized(const Network& network,
                                        deploy::Rounding rounding = deploy::Rounding::kDouble,
                                        uint64_t seed = 2, int64_t images = 16) {
  Graph graph = deploy::trace(network.forward, random_images(network, 1, 1), network.constants);
  deploy::optimize(graph);
  return deploy::quantize(graph, random_images(network, images, seed), {.rounding = rounding});
}

}  // namespace tuco::test
