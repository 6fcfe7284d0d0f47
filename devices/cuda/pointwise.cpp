// Point-wise ops: dense operands of floating-point types go by fours, everything else along
// strides.
#include "tuco/core/error.h"
#include "tuco/devices/cuda/kernels.h"
#include "tuco/devices/cuda/pointwise_kernels.h"
#include "tuco/devices/cuda/walk.h"

namespace tuco::cuda {
namespace {

template <class Op, class F>
void dispatch_unary(DType dtype, F&& f) {
  if constexpr (has_unary<Op, int32_t>)
    if (dtype == DType::int32) return f.template operator()<int32_t>();
  if constexpr (has_unary<Op, int64_t>)
    if (dtype == DType::int64) return f.template operator()<int64_t>();
  dispatch_floating(Op::name, dtype, f);
}

template <class T, class R, class Op>
void run_binary(const Op& op, Inputs in, Out out, Call& call) {
  const Shape& shape = out[0].shape();
  for_each_walk<3>({in[0].layout().expand(shape), in[1].layout().expand(shape), out[0].layout()},
                   [&](const Strided<3>& walk, const auto& start) {
                     const T *a = base<T>(in[0]) + start[0], *b = base<T>(in[1]) + start[1];
                     R* y = base<R>(out[0]) + start[2];
                     if constexpr (std::floating_point<T> && std::same_as<T, R>)
                       if (is_dense(walk)) return binary(op, a, b, y, walk.count, call.stream);
                     binary<Op, T, R>(op, a, b, y, walk, call.stream);
                   });
}

}  // namespace

template <op::Unary Op>
void run(const Op& op, Inputs in, Out out, Call& call) {
  dispatch_unary<Op>(in[0].dtype(), [&]<class T>() {
    for_each_walk<2>({in[0].layout(), out[0].layout()},
                     [&](const Strided<2>& walk, const auto& start) {
                       const T* x = base<T>(in[0]) + start[0];
                       T* y = base<T>(out[0]) + start[1];
                       if (is_dense(walk)) return unary(op, x, y, walk.count, call.stream);
                       unary(op, x, y, walk, call.stream);
                     });
  });
}

template <op::Unary Op>
void run(const op::UnaryGrad<Op>& op, Inputs in, Out out, Call& call) {
  dispatch_floating(Op::name, in[0].dtype(), [&]<class T>() {
    unary_grad<Op, T>(op.forward, ptr<T>(in[0]), ptr<T>(in[1]), ptr<T>(out[0]), out[0].numel(),
                      call.stream);
  });
}

template <op::Binary Op>
void run(const Op& op, Inputs in, Out out, Call& call) {
  dispatch_all(Op::name, in[0].dtype(), [&]<class T>() {
    if constexpr (std::is_same_v<T, bool>)
      unsupported_dtype(Op::name, DType::bool_);
    else
      run_binary<T, T>(op, in, out, call);
  });
}

template <op::Compare Op>
void run(const Op& op, Inputs in, Out out, Call& call) {
  dispatch_all(Op::name, in[0].dtype(), [&]<class T>() { run_binary<T, bool>(op, in, out, call); });
}

namespace {

template <class Op>
using Kernel = void (*)(const Op&, Inputs, Out, Call&);

template <class... U, class... B, class... C>
auto instantiate(op::TypeList<U...>, op::TypeList<B...>, op::TypeList<C...>) {
  return std::tuple{Kernel<U>(run)..., Kernel<op::UnaryGrad<U>>(run)..., Kernel<B>(run)...,
                    Kernel<C>(run)...};
}

}  // namespace

/// The addresses of all kernels; of external linkage, so that the compiler has to make them.
using PointwiseRuns = decltype(instantiate(op::UnaryList{}, op::BinaryList{}, op::CompareList{}));
extern const PointwiseRuns kPointwiseRuns;
const PointwiseRuns kPointwiseRuns =
    instantiate(op::UnaryList{}, op::BinaryList{}, op::CompareList{});

}  // namespace tuco::cuda
