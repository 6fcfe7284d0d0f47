// Max and average pooling in NHWC on raw pointers: any kernel up to the whole image (global pooling
// is that), stride, dilation, padding. Windows may hang over the edge on the right and below
// (ceil_mode): the geometry's output size says so. Padding never wins a maximum. Results do not
// depend on the number of threads. float32 is vectorised over channels; float64 is plain loops.
#pragma once
#include <cstdint>

#include "tuco/core/ops/window.h"

namespace tuco::cpu {

/// y (batch, out_h, out_w, channels): the maximum of each window of x; winner, same shape, unless
/// null: the pixel h * in_w + w that has it. The first of equals wins, and a NaN beats all numbers.
/// Every window must touch the image.
template <class T>
void max_pool_forward(const WindowGeometry& g, const T* x, T* y, int32_t* winner);

/// dx from dy and the winners.
template <class T>
void max_pool_backward(const WindowGeometry& g, const T* dy, const int32_t* winner, T* dx);

/// y: the mean of each window, counting the padding (as zeros; never what lies beyond it) if
/// count_include_pad.
template <class T>
void average_pool_forward(const WindowGeometry& g, bool count_include_pad, const T* x, T* y);

/// dx from dy.
template <class T>
void average_pool_backward(const WindowGeometry& g, bool count_include_pad, const T* dy, T* dx);

}  // namespace tuco::cpu
