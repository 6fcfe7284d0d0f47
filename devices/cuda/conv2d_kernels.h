// Convolution by kernels of our own: plain, for what cuDNN has no engine for.
#pragma once
#include <cuda_runtime_api.h>

#include "tuco/core/ops/window.h"

namespace tuco::cuda {

/// y = the convolution of x (batch, in_h, in_w, in_c) with w (out_c, kernel, in_c / groups).
template <class T>
void conv2d_forward(const WindowGeometry& g, const T* x, const T* w, T* y, cudaStream_t stream);
template <class T>
void conv2d_grad_input(const WindowGeometry& g, const T* dy, const T* w, T* dx,
                       cudaStream_t stream);
template <class T>
void conv2d_grad_weight(const WindowGeometry& g, const T* x, const T* dy, T* dw,
                        cudaStream_t stream);

}  // namespace tuco::cuda
