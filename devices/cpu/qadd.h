// The addition of two int8 images, for the op of its own and behind a convolution.
#pragma once
#include <optional>

#include "tuco/core/ops/quantized.h"

namespace tuco::cpu {

/// (a q + b r + c) >> shift, clamped: what an addition gives for all int8 q and r. The factors are
/// below 2^23, and their sum with c and the products fits 32 bits, though parts of it may not.
struct QLinearAdd {
  int32_t a, b, c, shift, low, high;
};

/// Nothing where no such numbers give all 65,536 results: the roundings of op::QAdd are not linear,
/// and factors of 23 bits are sometimes too coarse.
std::optional<QLinearAdd> linear_add(const op::QAdd& op);

/// The op on `size` numbers; y may be a or b.
void add(const op::QAdd& op, const int8_t* a, const int8_t* b, int8_t* y, int64_t size);

}  // namespace tuco::cpu
