// Channels of an int8 network that have the same value for every input, and their removal.
#pragma once
#include <optional>

#include "tuco/deploy/rules.h"

namespace tuco::deploy {

/// The one value of an output channel of a convolution or linear layer, if all inputs give the
/// same, padding included. `multiplier` is the channel's.
std::optional<int32_t> constant_output(const QuantizedNode& node, int64_t channel,
                                       const Multiplier& multiplier);

/// The model without the channels of convolutions and linear layers whose output never changes, as
/// trained networks have them (weights of zero, a bias beyond the activation's range): what they
/// add to the next convolution or linear layer goes into its bias. Depthwise convolutions, pools,
/// means, point-wise functions, padding and flattening may stand between. Outputs are the same in
/// every byte. The number of channels stays a multiple of 4 where it was one, which kernels are
/// fastest with.
QuantizedModel without_constant_channels(const QuantizedModel& model);

}  // namespace tuco::deploy
