// Random convolutions and linear layers with all that a fast kernel of the device runtime is called
// with, and what the reference interpreter gives: at odd sizes, and with every zero point, bias,
// activation and scale.
#pragma once
#include "tuco/core/rng.h"
#include "tuco/deploy/ops/products.h"
#include "tuco/deploy/quantize.h"

namespace tuco::test {

/// A layer on one input.
struct RandomLayer {
  /// A graph of the layer alone.
  deploy::QuantizedModel model;
  deploy::Product product;
  deploy::NodeMemory memory;
  Tensor input, expected;

  deploy::QuantizedNode node() const { return {model.graph, model.graph.nodes[0], model.rounding}; }
  /// By how many bytes the input may lie behind the output at least, a multiple of 4.
  int64_t closest() const;
};

/// A convolution, every second of them depthwise, of up to `channels` channels.
RandomLayer random_convolution(Rng& rng, int64_t channels);

/// A linear layer on one or more rows.
RandomLayer random_linear(Rng& rng);

}  // namespace tuco::test
