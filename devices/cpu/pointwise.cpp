// Point-wise ops: the formulas of core/pointwise_formulas.h in plain C++ for every type and stride,
// and for float32 along dense or broadcast runs in Highway, for each instruction set.
#include "tuco/core/error.h"
#include "tuco/devices/cpu/formulas.h"
#include "tuco/devices/cpu/highway_targets.h"
#include "tuco/devices/cpu/strided.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "tuco/devices/cpu/pointwise.cpp"
#include <hwy/foreach_target.h>

#include "tuco/devices/cpu/formulas-inl.h"

#ifndef TUCO_DEVICES_CPU_POINTWISE_TABLE
#define TUCO_DEVICES_CPU_POINTWISE_TABLE
namespace tuco::cpu {

/// Float32 kernels over runs, by an op's place in its list. A binary operand's step is 1 or 0.
struct PointwiseTable {
  using Unary = void (*)(const void* op, const float* x, float* y, int64_t n);
  using UnaryGrad = void (*)(const void* op, const float* g, const float* saved, float* out,
                             int64_t n);
  using Binary = void (*)(const float* a, int a_step, const float* b, int b_step, float* out,
                          int64_t n);
  Unary unary[op::UnaryList::size];
  UnaryGrad unary_grad[op::UnaryList::size];
  Binary binary[op::BinaryList::size];
};

}  // namespace tuco::cpu
#endif

HWY_BEFORE_NAMESPACE();
namespace tuco::cpu {
namespace HWY_NAMESPACE {
namespace {

/// y[i] = f(inputs...) over n elements, where inputs of step 0 stay at their first element. The
/// rest that does not fill a vector goes through a buffer.
template <class F, class... In>
HWY_INLINE void map(int64_t n, float* y, F&& f, In... in) {
  int64_t i = 0;
  for (; i + kLanes <= n; i += kLanes) hn::StoreU(f(in.load(i)...), F32(), y + i);
  if (i < n) {
    HWY_ALIGN float rest[kLanes];
    hn::Store(f(in.load_first(i, n - i)...), F32(), rest);
    std::copy_n(rest, n - i, y + i);
  }
}
struct Dense {
  const float* p;
  HWY_INLINE VecF load(int64_t i) const { return hn::LoadU(F32(), p + i); }
  HWY_INLINE VecF load_first(int64_t i, int64_t count) const {
    HWY_ALIGN float buffer[kLanes] = {};
    std::copy_n(p + i, count, buffer);
    return hn::Load(F32(), buffer);
  }
};
struct Broadcast {
  const float* p;
  HWY_INLINE VecF load(int64_t) const { return hn::Set(F32(), *p); }
  HWY_INLINE VecF load_first(int64_t, int64_t) const { return hn::Set(F32(), *p); }
};

template <class Op>
void unary(const void* op, const float* x, float* y, int64_t n) {
  const Op& f = *static_cast<const Op*>(op);
  map(
      n, y, [&](VecF v) HWY_ATTR { return forward(f, v); }, Dense{x});
}
template <class Op>
void unary_grad(const void* op, const float* g, const float* saved, float* out, int64_t n) {
  const Op& f = *static_cast<const Op*>(op);
  map(
      n, out, [&](VecF a, VecF b) HWY_ATTR { return grad(f, a, b); }, Dense{g}, Dense{saved});
}
template <class Op>
void binary(const float* a, int a_step, const float* b, int b_step, float* out, int64_t n) {
  const auto f = [](VecF x, VecF y) HWY_ATTR { return forward(Op{}, x, y); };
  if (a_step && b_step)
    map(n, out, f, Dense{a}, Dense{b});
  else if (a_step)
    map(n, out, f, Dense{a}, Broadcast{b});
  else
    map(n, out, f, Broadcast{a}, Dense{b});
}

template <class... U, class... B>
constexpr PointwiseTable make_table(op::TypeList<U...>, op::TypeList<B...>) {
  return {{unary<U>...}, {unary_grad<U>...}, {binary<B>...}};
}

}  // namespace

const PointwiseTable* pointwise_table() {
  static constexpr PointwiseTable table = make_table(op::UnaryList{}, op::BinaryList{});
  return &table;
}

}  // namespace HWY_NAMESPACE
}  // namespace tuco::cpu
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace tuco::cpu {

HWY_EXPORT(pointwise_table);

namespace {

const PointwiseTable& vectors() { return *TUCO_DISPATCH(pointwise_table)(); }

/// Unary formulas of integers are those that need no transcendental function.
template <class Op>
constexpr bool takes_integers =
    std::is_same_v<Op, op::Affine> || std::is_same_v<Op, op::Clamp> ||
    std::is_same_v<Op, op::Abs> || std::is_same_v<Op, op::Relu>;

template <class Op, class F>
void dispatch_unary(DType dtype, F&& f) {
  if constexpr (takes_integers<Op>) {
    if (dtype == DType::int32) return f.template operator()<int32_t>();
    if (dtype == DType::int64) return f.template operator()<int64_t>();
  }
  dispatch_floating(Op::name, dtype, f);
}

template <class T, class R, class Op>
void run_binary(const Op& op, Inputs in, Out out) {
  const Shape& shape = out[0].shape();
  const std::array<Layout, 3> layouts = {in[0].layout().expand(shape),
                                         in[1].layout().expand(shape), out[0].layout()};
  const T *a = base<T>(in[0]), *b = base<T>(in[1]);
  R* y = base<R>(out[0]);
  parallel_runs<3>(layouts, [&](const auto& at, const auto& step, int64_t n) {
    if constexpr (std::is_same_v<T, float> && op::Binary<Op>) {
      if (step[2] == 1 && step[0] + step[1] >= 1 && step[0] >= 0 && step[0] <= 1 &&
          step[1] >= 0 && step[1] <= 1) {
        vectors().binary[op::index_in<Op, op::BinaryList>](
            a + at[0], static_cast<int>(step[0]), b + at[1], static_cast<int>(step[1]), y + at[2],
            n);
        return;
      }
    }
    for (int64_t i = 0; i < n; ++i)
      y[at[2] + i * step[2]] =
          static_cast<R>(plain::forward(op, a[at[0] + i * step[0]], b[at[1] + i * step[1]]));
  });
}

}  // namespace

template <op::Unary Op>
void run(const Op& op, Inputs in, Out out, Workspace&) {
  dispatch_unary<Op>(in[0].dtype(), [&]<class T>() {
    const T* x = base<T>(in[0]);
    T* y = base<T>(out[0]);
    parallel_runs<2>({in[0].layout(), out[0].layout()},
                     [&](const auto& at, const auto& step, int64_t n) {
                       if constexpr (std::is_same_v<T, float>) {
                         if (step[0] == 1 && step[1] == 1) {
                           vectors().unary[op::index_in<Op, op::UnaryList>](&op, x + at[0],
                                                                            y + at[1], n);
                           return;
                         }
                       }
                       for (int64_t i = 0; i < n; ++i)
                         y[at[1] + i * step[1]] = plain::forward(op, x[at[0] + i * step[0]]);
                     });
  });
}

template <op::Unary Op>
void run(const op::UnaryGrad<Op>& op, Inputs in, Out out, Workspace&) {
  dispatch_floating(Op::name, in[0].dtype(), [&]<class T>() {
    const T *g = ptr<T>(in[0]), *saved = ptr<T>(in[1]);
    T* y = ptr<T>(out[0]);
    parallel_for(0, out[0].numel(), kGrain, [&](int64_t begin, int64_t end) {
      if constexpr (std::is_same_v<T, float>)
        vectors().unary_grad[op::index_in<Op, op::UnaryList>](&op.forward, g + begin,
                                                              saved + begin, y + begin,
                                                              end - begin);
      else
        for (int64_t i = begin; i < end; ++i) y[i] = plain::grad(op.forward, g[i], saved[i]);
    });
  });
}

template <op::Binary Op>
void run(const Op& op, Inputs in, Out out, Workspace&) {
  dispatch_all(Op::name, in[0].dtype(), [&]<class T>() {
    if constexpr (std::is_same_v<T, bool>)
      unsupported_dtype(Op::name, DType::bool_);
    else
      run_binary<T, T>(op, in, out);
  });
}

template <op::Compare Op>
void run(const Op& op, Inputs in, Out out, Workspace&) {
  dispatch_all(Op::name, in[0].dtype(), [&]<class T>() { run_binary<T, bool>(op, in, out); });
}

namespace {

template <class Op>
using Kernel = void (*)(const Op&, Inputs, Out, Workspace&);

/// Takes the address of every kernel, so that all of them are compiled here.
template <class... U, class... B, class... C>
auto instantiate(op::TypeList<U...>, op::TypeList<B...>, op::TypeList<C...>) {
  return std::tuple{Kernel<U>(run)..., Kernel<op::UnaryGrad<U>>(run)..., Kernel<B>(run)...,
                    Kernel<C>(run)...};
}
[[maybe_unused]] const auto kInstances =
    instantiate(op::UnaryList{}, op::BinaryList{}, op::CompareList{});

}  // namespace
}  // namespace tuco::cpu
#endif  // HWY_ONCE
