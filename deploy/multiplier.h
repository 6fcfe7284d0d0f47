// From real scales to the integers that the device runtime computes with, in the very order of
// operations and precision of TFLite: another order changes the last bit. The scales of tensors
// are float32, as in a .tflite file.
#pragma once
#include "tuco/core/quantization.h"

namespace tuco::deploy {

using tuco::Multiplier;
using tuco::Rounding;

/// The nearest Multiplier (TFLite's QuantizeMultiplier). Below 2^-32 it is 0. Throws Error for a
/// factor that is negative, not finite, or too large for a shift of 30; single rounding saturates
/// there instead, as TFLite does.
Multiplier quantize_multiplier(double factor, Rounding rounding = Rounding::kDouble);

/// The factor of a product of two tensors, of convolution and fully connected layers, and of leaky
/// ReLU with its slope: in * weight / out in double.
double product_factor(float in_scale, float weight_scale, float out_scale);

/// The factor of a change of scale (TFLite's QUANTIZE), of ReLU, of a sum and of a mean: in / out
/// in double.
double rescale_factor(float in_scale, float out_scale);

/// The factor of an absolute value: in / out in float32.
double abs_factor(float in_scale, float out_scale);

/// The factor of 1 / sqrt, from that of the input's integer: 1 / (sqrt(in) * out), the root and the
/// product in float32.
double rsqrt_factor(float in_scale, float out_scale);

/// The three factors of an addition or a subtraction (deploy/runtime/add.h).
struct AddMultipliers {
  Multiplier a, b, out;
};
AddMultipliers add_multipliers(float a_scale, float b_scale, float out_scale,
                               Rounding rounding = Rounding::kDouble);

/// The factor of a mean over `reduced` values, given that of its change of scale
/// (deploy/runtime/mean.h).
Multiplier mean_multiplier(Multiplier rescale, int64_t reduced);

/// Softmax's factor, and the smallest difference to the maximum that counts
/// (deploy/runtime/softmax.h).
struct SoftmaxScaling {
  Multiplier multiplier;
  int32_t smallest;
};
SoftmaxScaling softmax_scaling(float in_scale, float beta = 1,
                               Rounding rounding = Rounding::kDouble);

/// The factors of hard swish, of 16 bits: from the input to the output before its shift, and to
/// a scale on which 3 is 2^15 (TFLite's HardSwish).
struct HardSwishScaling {
  int32_t output_multiplier, output_shift, share_multiplier, share_shift;
};
HardSwishScaling hard_swish_scaling(float in_scale, float out_scale);

/// The factor of logistic and tanh, and the distance from the zero point at which they saturate
/// (deploy/runtime/logistic.h).
struct SigmoidScaling {
  Multiplier multiplier;
  int32_t radius;
};
SigmoidScaling sigmoid_scaling(float in_scale);

}  // namespace tuco::deploy
