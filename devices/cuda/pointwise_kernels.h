// Point-wise kernels on raw pointers, for every formula of core/pointwise.h. Operands may be each
// other's memory where they lie alike.
#pragma once
#include <cuda_runtime_api.h>

#include <concepts>

#include "tuco/core/pointwise.h"
#include "tuco/devices/cuda/strided.h"

namespace tuco::cuda {

/// Whether a unary formula has a meaning for T: integers know those without transcendental
/// functions.
template <class Op, class T>
inline constexpr bool has_unary = std::floating_point<T> ||
                                  ((std::same_as<T, int32_t> || std::same_as<T, int64_t>)&&(
                                      std::same_as<Op, op::Affine> || std::same_as<Op, op::Clamp> ||
                                      std::same_as<Op, op::Abs> || std::same_as<Op, op::Relu>));

/// y = f(x), dense.
template <class Op, class T>
void unary(const Op& op, const T* x, T* y, int64_t n, cudaStream_t stream);
/// The same along strides.
template <class Op, class T>
void unary(const Op& op, const T* x, T* y, const Strided<2>& walk, cudaStream_t stream);
/// out = f'(g, saved), dense, in float and double.
template <class Op, class T>
void unary_grad(const Op& op, const T* g, const T* saved, T* out, int64_t n, cudaStream_t stream);
/// y = f(a, b), dense, in float and double.
template <class Op, class T>
void binary(const Op& op, const T* a, const T* b, T* y, int64_t n, cudaStream_t stream);
/// The same along strides, for every type; R is bool for comparisons.
template <class Op, class T, class R>
void binary(const Op& op, const T* a, const T* b, R* y, const Strided<3>& walk,
            cudaStream_t stream);

}  // namespace tuco::cuda
