#include "tuco/devices/cuda/pointwise_kernels.h"

#include <tuple>

#include "tuco/devices/cuda/formulas.h"
#include "tuco/devices/cuda/map.h"

namespace tuco::cuda {
namespace {

template <class Op>
struct Forward {
  Op op;
  template <class... T>
  __device__ auto operator()(T... x) const {
    return forward(op, x...);
  }
};
template <class Op>
struct Gradient {
  Op op;
  template <class T>
  __device__ T operator()(T g, T saved) const {
    return grad(op, g, saved);
  }
};

}  // namespace

template <class Op, class T>
void unary(const Op& op, const T* x, T* y, int64_t n, cudaStream_t stream) {
  map(n, stream, Forward<Op>{op}, y, x);
}
template <class Op, class T>
void unary(const Op& op, const T* x, T* y, const Strided<2>& walk, cudaStream_t stream) {
  parallel_for(walk.count, stream, [=] __device__(int64_t i) {
    const auto offset = walk(i);
    y[offset.at[1]] = forward(op, x[offset.at[0]]);
  });
}
template <class Op, class T>
void unary_grad(const Op& op, const T* g, const T* saved, T* out, int64_t n, cudaStream_t stream) {
  map(n, stream, Gradient<Op>{op}, out, g, saved);
}
template <class Op, class T>
void binary(const Op& op, const T* a, const T* b, T* y, int64_t n, cudaStream_t stream) {
  map(n, stream, Forward<Op>{op}, y, a, b);
}
template <class Op, class T, class R>
void binary(const Op& op, const T* a, const T* b, R* y, const Strided<3>& walk,
            cudaStream_t stream) {
  parallel_for(walk.count, stream, [=] __device__(int64_t i) {
    const auto offset = walk(i);
    y[offset.at[2]] = static_cast<R>(forward(op, a[offset.at[0]], b[offset.at[1]]));
  });
}

namespace {

/// Takes the address of every kernel's launcher, so that all of them are compiled here.
template <class Op, class T>
auto unary_instances() {
  using Dense = void (*)(const Op&, const T*, T*, int64_t, cudaStream_t);
  using Walked = void (*)(const Op&, const T*, T*, const Strided<2>&, cudaStream_t);
  if constexpr (!has_unary<Op, T>)
    return std::tuple{};
  else
    return std::tuple{Dense(unary<Op, T>), Walked(unary<Op, T>)};
}
template <class Op, class T>
auto floating_instances() {
  using Two = void (*)(const Op&, const T*, const T*, T*, int64_t, cudaStream_t);
  if constexpr (op::Unary<Op>)
    return Two(unary_grad<Op, T>);
  else
    return Two(binary<Op, T>);
}
template <class Op, class T, class R>
auto walked_binary() {
  using Walked = void (*)(const Op&, const T*, const T*, R*, const Strided<3>&, cudaStream_t);
  return Walked(binary<Op, T, R>);
}
template <class Op>
auto walked_instances() {
  if constexpr (op::Compare<Op>)
    return std::tuple{walked_binary<Op, float, bool>(),   walked_binary<Op, double, bool>(),
                      walked_binary<Op, int8_t, bool>(),  walked_binary<Op, uint8_t, bool>(),
                      walked_binary<Op, int16_t, bool>(), walked_binary<Op, int32_t, bool>(),
                      walked_binary<Op, int64_t, bool>(), walked_binary<Op, bool, bool>()};
  else
    return std::tuple{walked_binary<Op, float, float>(),     walked_binary<Op, double, double>(),
                      walked_binary<Op, int8_t, int8_t>(),   walked_binary<Op, uint8_t, uint8_t>(),
                      walked_binary<Op, int16_t, int16_t>(), walked_binary<Op, int32_t, int32_t>(),
                      walked_binary<Op, int64_t, int64_t>()};
}
template <class... U, class... B, class... C>
auto instantiate(op::TypeList<U...>, op::TypeList<B...>, op::TypeList<C...>) {
  return std::tuple{
      std::tuple_cat(unary_instances<U, float>()...),
      std::tuple_cat(unary_instances<U, double>()...),
      std::tuple_cat(unary_instances<U, int32_t>()...),
      std::tuple_cat(unary_instances<U, int64_t>()...),
      std::tuple{floating_instances<U, float>()..., floating_instances<U, double>()...,
                 floating_instances<B, float>()..., floating_instances<B, double>()...},
      std::tuple_cat(walked_instances<B>()...),
      std::tuple_cat(walked_instances<C>()...)};
}

}  // namespace

/// The addresses of all launchers; of external linkage, so that the compiler has to make them.
using PointwiseInstances =
    decltype(instantiate(op::UnaryList{}, op::BinaryList{}, op::CompareList{}));
extern const PointwiseInstances kPointwiseInstances;
const PointwiseInstances kPointwiseInstances =
    instantiate(op::UnaryList{}, op::BinaryList{}, op::CompareList{});

}  // namespace tuco::cuda
