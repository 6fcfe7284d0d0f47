// Winograd's minimal filtering (Lavin and Gray, arXiv:1509.09308) for 3x3 convolutions of stride 1 in
// float32: F(4x4) with 4 times and F(2x2) with 2.25 times fewer multiplications than the definition.
// docs/kernels.md has the errors.
#pragma once
#include "tuco/devices/cpu/correlation.h"
#include "tuco/devices/cpu/epilogue.h"
#include "tuco/devices/cpu/packed_forms.h"

namespace tuco::cpu {

/// Whether the functions below can do it, at whatever speed.
bool is_winograd_shape(const WindowGeometry& g);

/// The correlation of a 3x3 kernel, by tiles of `outputs` (2 or 4) squared.
void winograd_correlate(int outputs, const Correlation& c, const CorrelationWeights& w,
                        const float* src, const Epilogue<float>& epilogue, float* dst,
                        const PackedForms* forms);

/// dw (out_c, 3, 3, in_c), by the exact adjoint of the same.
void winograd_grad_weight(int outputs, const Correlation& forward, int64_t out_c, const float* x,
                          const float* dy, float* dw);

}  // namespace tuco::cpu
