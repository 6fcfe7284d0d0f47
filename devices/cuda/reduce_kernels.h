// Reductions of dense data seen as (outer, reduced, inner) over the middle. The order of every sum
// depends on these sizes alone.
#pragma once
#include <cuda_runtime_api.h>

#include <cstdint>

namespace tuco::cuda {

struct ReduceShape {
  int64_t outer, reduced, inner;
};

/// Bytes of scratch memory that any reduction of this shape wants.
int64_t reduce_scratch_bytes(const ReduceShape& shape);

/// y (outer, inner) = the sum / divisor; float is summed in double, integers in int64.
template <class T>
void reduce_sum(const ReduceShape& shape, const T* x, double divisor, T* y, void* scratch,
                cudaStream_t stream);
/// y = the largest, where NaN counts as the largest. `reduced` is not 0.
template <class T>
void reduce_max(const ReduceShape& shape, const T* x, T* y, void* scratch, cudaStream_t stream);
/// y = the index of the first largest.
template <class T>
void reduce_argmax(const ReduceShape& shape, const T* x, int64_t* y, void* scratch,
                   cudaStream_t stream);

}  // namespace tuco::cuda
