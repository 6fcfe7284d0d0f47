// The kernels of resizing by the nearest pixel.
#pragma once
#include <cuda_runtime_api.h>

#include "tuco/core/nearest_source.h"

namespace tuco::cuda {

/// From images (batch, rows.in, columns.in, channels) to (batch, rows.out, columns.out, channels).
struct ResizeSizes {
  int64_t batch, channels;
  NearestAxis rows, columns;
};

/// For elements of any type of T's size.
template <class T>
void resize_nearest(const ResizeSizes& sizes, const T* x, T* y, cudaStream_t stream);
/// dx, of the smaller or larger images that were resized, from dy, of the result.
template <class T>
void resize_nearest_backward(const ResizeSizes& sizes, const T* dy, T* dx, cudaStream_t stream);

}  // namespace tuco::cuda
