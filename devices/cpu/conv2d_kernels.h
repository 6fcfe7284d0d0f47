// Convolution in NHWC with weights (out, kernel h, kernel w, in / groups), on raw pointers: any
// stride, dilation, padding (negative crops) and groups. float32 runs a direct convolution over
// zero-padded strips of the image, a product for 1x1, and vectors of channels for depthwise ones;
// float64 runs plain loops and is the oracle for all of these. Every output is written, whatever it
// held. Results depend on the number of threads in grad_weight alone.
#pragma once
#include "tuco/core/ops/window.h"
#include "tuco/devices/cpu/epilogue.h"
#include "tuco/devices/cpu/packed_forms.h"

namespace tuco::cpu {

/// y (batch, out_h, out_w, out_c) = x (batch, in_h, in_w, in_c) convolved with w, through the
/// epilogue. `forms`, if given, keeps what is made of w: it must always come with the same w.
template <class T>
void conv2d_forward(const WindowGeometry& g, const T* x, const T* w, const Epilogue<T>& epilogue,
                    T* y, const PackedForms* forms = nullptr);

/// dx, the gradient of x, from dy, the gradient of y.
template <class T>
void conv2d_grad_input(const WindowGeometry& g, const T* dy, const T* w, T* dx);

/// dw, the gradient of w; that of the bias is channel_sums(dy) of batch_norm_kernels.h.
template <class T>
void conv2d_grad_weight(const WindowGeometry& g, const T* x, const T* dy, T* dw);

#define TUCO_CONV2D_KERNELS(T)                                                        \
  template <>                                                                         \
  void conv2d_forward<T>(const WindowGeometry& g, const T* x, const T* w,             \
                         const Epilogue<T>& epilogue, T* y, const PackedForms* forms); \
  template <>                                                                         \
  void conv2d_grad_input<T>(const WindowGeometry& g, const T* dy, const T* w, T* dx); \
  template <>                                                                         \
  void conv2d_grad_weight<T>(const WindowGeometry& g, const T* x, const T* dy, T* dw);
TUCO_CONV2D_KERNELS(float)
TUCO_CONV2D_KERNELS(double)
#undef TUCO_CONV2D_KERNELS

}  // namespace tuco::cpu
