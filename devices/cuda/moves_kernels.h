// Kernels that move elements: copies, casts, choices, look-ups. Elements that are only moved are
// unsigned numbers of their size.
#pragma once
#include <cuda_runtime_api.h>

#include "tuco/devices/cuda/fault.h"
#include "tuco/devices/cuda/strided.h"

namespace tuco::cuda {

template <class T>
void copy(const T* x, T* y, const Strided<2>& walk, cudaStream_t stream);
template <class From, class To>
void cast(const From* x, To* y, const Strided<2>& walk, cudaStream_t stream);
/// y = condition ? a : b.
template <class T>
void where(const bool* condition, const T* a, const T* b, T* y, const Strided<4>& walk,
           cudaStream_t stream);

/// A gather along the middle of (outer, size, inner) data.
struct GatherShape {
  /// Sizes of the data and of the indices along the dimension.
  int64_t outer, size, count, inner;
  /// The dimension, for what is reported.
  int dim;
};
/// y (outer, count, inner): y[o, j, i] = x[o, index[o, j, i], i]. An index out of range is
/// reported, and reads 0.
template <class T>
void gather(const GatherShape& shape, const T* x, const int64_t* index, T* y, Fault* fault,
            cudaStream_t stream);
/// dx (outer, size, inner): each element is the sum of the gradients of those that read it, in the
/// order of their indices.
template <class T>
void gather_grad(const GatherShape& shape, const T* g, const int64_t* index, T* dx,
                 cudaStream_t stream);

}  // namespace tuco::cuda
