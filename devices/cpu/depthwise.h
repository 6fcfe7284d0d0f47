// Depthwise float32 convolution: as many groups as input channels, vectors over channels.
#pragma once
#include "tuco/devices/cpu/correlation.h"
#include "tuco/devices/cpu/epilogue.h"
#include "tuco/devices/cpu/packed_forms.h"

namespace tuco::cpu {

/// Output channel o reads channel o / repeat of src, where repeat = channels / src_c; w is
/// (channels, kernel cells). `forms`, if given, keeps what is made of w.
void depthwise_correlate(const Correlation& c, int64_t channels, int64_t cells, const float* src,
                         const float* w, const Epilogue<float>& epilogue, float* dst,
                         const PackedForms* forms = nullptr);

/// dw (out_c, cells) of a depthwise forward correlation.
void depthwise_grad_weight(const Correlation& forward, int64_t channels, const float* x,
                           const float* dy, float* dw);

}  // namespace tuco::cpu
