// A probe for any layer, in the manner of dlib's test_layer: what every Module has to hold to.
#pragma once
#include "tuco/layers/module.h"

namespace tuco::test {

/// Checks `layer` on random input of shape `input` (batch first), in training and in evaluation
/// mode: gradients of input and parameters against central differences in float64; gradients
/// accumulate, and every parameter gets one; the input stays as it is; strided input, no tape,
/// float32, a clone and a reloaded state give the same output; in evaluation each sample is on its
/// own. On other devices than the CPU (test_device.h): what the CPU gives.
void test_layer(const Module& layer, const Shape& input);

}  // namespace tuco::test
