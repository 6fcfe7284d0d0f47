// The networks that every comparison of whole networks uses, with random weights: the four of the
// training and inference tables and two more of MLPerf Tiny.
#pragma once
#include <span>
#include <string_view>

#include "tuco/layers/sequential.h"

namespace tuco::bench {

/// What a network of the list is made with; catdog_128 alone heeds all of it.
struct NetworkOptions {
  /// Height and width of the images; 0 is the network's own.
  int64_t size = 0;
  /// Times the network's own channels.
  double width = 1;
  /// Convolutions in each stage.
  int64_t depth = 1;
  /// Pad strided convolutions as TensorFlow does, what is odd going below and to the right, not as
  /// PyTorch does, the same on both sides.
  bool tensorflow_padding = false;
};

/// A network, and what it is compared with.
struct Network {
  std::string_view name;
  /// One input, without the batch: (h, w, c), or (features,).
  Shape input;
  /// The batch that it is trained with.
  int64_t batch;
  int64_t classes;
  Sequential (*make)(const NetworkOptions& options);

  /// A batch of inputs' shape, with images of the options' size.
  Shape batch_shape(int64_t batch_size, const NetworkOptions& options) const;
};

/// catdog_128, resnet8_32, mobilenet_v1_025_96, resnet18_128, ds_cnn_49x10, autoencoder_640.
std::span<const Network> networks();
/// The one of that name. Throws Error listing the names if there is none.
const Network& network(std::string_view name);

}  // namespace tuco::bench
