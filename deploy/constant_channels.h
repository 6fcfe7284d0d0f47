// Channels of an int8 network that have the same value for every input, and their removal.
#pragma once
#include "tuco/deploy/quantize.h"

namespace tuco::deploy {

/// The model without the convolution channels whose output never changes, as trained networks have
/// them (weights of zero, a bias beyond the activation's range): what they add to the next
/// convolution goes into its bias. Outputs are the same in every byte. The number of channels stays
/// a multiple of 4 where it was one, which kernels are fastest with.
QuantizedModel without_constant_channels(const QuantizedModel& model);

}  // namespace tuco::deploy
