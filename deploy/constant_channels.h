// Channels of an int8 network that have the same value for every input, and their removal.
#pragma once
#include <optional>

#include "tuco/deploy/rules.h"

namespace tuco::deploy {

/// The one value of an output channel of a convolution or linear layer, if all inputs from `low` to
/// `high` give the same; padding, which adds 0, included where the zero point is among them.
/// `multiplier` is the channel's.
std::optional<int32_t> constant_output(const QuantizedNode& node, int64_t channel,
                                       const Multiplier& multiplier, int32_t low = -128,
                                       int32_t high = 127);

/// The model without the convolution channels whose output never changes, as trained networks have
/// them (weights of zero, a bias beyond the activation's range): what they add to the next
/// convolution goes into its bias. Outputs are the same in every byte. The number of channels stays
/// a multiple of 4 where it was one, which kernels are fastest with.
QuantizedModel without_constant_channels(const QuantizedModel& model);

}  // namespace tuco::deploy
