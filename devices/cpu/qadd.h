// Which additions of int8 have a short form: one input, of the larger scale, has the factor 1/2,
// which is a shift, and double rounding shifts right alone.
#pragma once
#include <optional>

#include "tuco/core/ops/quantized.h"

namespace tuco::cpu {

/// The first input of the op has the factor 1/2, or the second where `swapped`; the other's is
/// other_value / 2^(31 + other_right).
struct QShortAdd {
  bool swapped;
  int32_t half_zero_point, other_zero_point;
  int64_t other_value;
  int32_t other_right;
  Multiplier sum;
  op::Requantize out;
};

/// Nothing where the op needs the general form.
std::optional<QShortAdd> short_add(const op::QAdd& op);

/// The op on `size` numbers; y may be a or b.
void add(const op::QAdd& op, const int8_t* a, const int8_t* b, int8_t* y, int64_t size);

}  // namespace tuco::cpu
