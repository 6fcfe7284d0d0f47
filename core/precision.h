// How exact products of float32 numbers are on devices that can trade digits for speed.
#pragma once

namespace tuco {

/// What matrix products and convolutions of float32 may be computed in: `full` keeps float32's 24
/// bits; `tf32` rounds the factors to TensorFloat-32's 11 bits on the GPUs that multiply these
/// several times as fast, and still sums in float32. The CPU always computes in full.
enum class Float32Precision { full, tf32 };

/// For the whole program; `full` at its start.
void set_float32_precision(Float32Precision precision);
Float32Precision float32_precision();

}  // namespace tuco
